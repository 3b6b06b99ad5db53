"""Cases of ``weightlens.layers.einsum``."""

from tests.cases import case

CASES = [
    case("einsum dense", lambda k: k.layers.EinsumDense("ab,bc->ac", output_shape=3, bias_axes="c"), (4,)),
    case(
        "einsum dense, over a sequence, relu",
        lambda k: k.layers.EinsumDense("abc,cd->abd", output_shape=(None, 3), bias_axes="d", activation="relu"),
        (5, 4),
    ),
    case("einsum dense, ellipsis", lambda k: k.layers.EinsumDense("...x,xy->...y", output_shape=3, bias_axes="y"), (2, 5, 4)),
    case("einsum dense, heads", lambda k: k.layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de"), (5, 4)),
    case("einsum dense, two axes summed", lambda k: k.layers.EinsumDense("abde,dec->abc", output_shape=(None, 3)), (5, 2, 4)),
    case(
        "einsum dense, bias on a middle axis", lambda k: k.layers.EinsumDense("ab...,bc->ac...", output_shape=(3, 2), bias_axes="c"), (4, 2)
    ),
    case("einsum dense, turned", lambda k: k.layers.EinsumDense("abc,cd->adb", output_shape=(3, 5), bias_axes="b"), (5, 4)),
    case("einsum dense, by position", lambda k: k.layers.EinsumDense("abc,bcd->abd", output_shape=(5, 2), bias_axes="bd"), (5, 4)),
]
