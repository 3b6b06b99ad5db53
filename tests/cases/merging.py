"""Cases of ``weightlens.layers.merging``."""

from tests.cases import case, of_applications


def masked(k, merge, *others):
    """Merge inputs of which the first, and those in ``others``, are masked where all features are 0."""

    def build(xs):
        marked = [k.layers.Masking()(x) if i == 0 or i in others else x for i, x in enumerate(xs)]
        return k.layers.GlobalAveragePooling1D()(merge(marked))

    return build


def gaps(rng, shape):
    """Normal numbers with some time steps all 0."""
    x = rng.normal(size=shape)
    x[0, -1:], x[1, 1:3] = 0.0, 0.0
    return x


CASES = [
    case("add, three inputs", lambda k: k.layers.Add(), (4,), (4,), (4,)),
    case("add, other ranks", lambda k: k.layers.Add(), (4,), (3, 4), (2, 1, 1)),
    case("subtract, broadcast", lambda k: k.layers.Subtract(), (3, 4), (1, 4)),
    case("multiply, three inputs", lambda k: k.layers.Multiply(), (3, 4), (3, 4), (3, 4)),
    case("multiply, other ranks", lambda k: k.layers.Multiply(), (3, 4), (4,)),
    case("average, three inputs", lambda k: k.layers.Average(), (4,), (4,), (4,)),
    case("maximum, three inputs", lambda k: k.layers.Maximum(), (4,), (4,), (4,)),
    case("minimum, broadcast", lambda k: k.layers.Minimum(), (2, 3, 4), (3, 1)),
    case("concatenate", lambda k: k.layers.Concatenate(), (2, 3), (2, 4)),
    case("concatenate, axis 1", lambda k: k.layers.Concatenate(axis=1), (2, 3), (4, 3), (1, 3)),
    case("concatenate, axis -2", lambda k: k.layers.Concatenate(axis=-2), (2, 2, 3), (2, 4, 3)),
    case("dot, vectors", lambda k: k.layers.Dot(axes=1), (4,), (4,)),
    case("dot, matrices", lambda k: k.layers.Dot(axes=(1, 2)), (4, 3), (2, 4)),
    case("dot, negative axes, normalized", lambda k: k.layers.Dot(axes=-1, normalize=True), (3, 4), (5, 4)),
    case("dot, vector and matrix", lambda k: k.layers.Dot(axes=(1, 2)), (4,), (2, 4)),
    case("dot, rank 3 and 4", lambda k: k.layers.Dot(axes=(2, 1)), (2, 4), (4, 2, 3)),
    case("add, masks", lambda k: masked(k, k.layers.Add(), 1), (5, 2), (5, 2), data=gaps),
    case("average, one mask", lambda k: masked(k, k.layers.Average()), (5, 2), (5, 2), data=gaps),
    case("multiply, masks", lambda k: masked(k, k.layers.Multiply(), 1), (5, 2), (5, 2), data=gaps),
    case("multiply, one mask", lambda k: masked(k, k.layers.Multiply()), (5, 2), (5, 2), data=gaps),
    case("maximum, masks", lambda k: masked(k, k.layers.Maximum(), 1, 2), (5, 2), (5, 2), (5, 2), data=gaps),
    case("minimum, one mask", lambda k: masked(k, k.layers.Minimum()), (5, 2), (5, 2), data=gaps),
    case("concatenate, one mask", lambda k: masked(k, k.layers.Concatenate()), (5, 2), (5, 3), data=gaps),
    case("concatenate, masks, axis 1", lambda k: masked(k, k.layers.Concatenate(axis=1), 1), (5, 2), (4, 2), data=gaps),
    case("custom scale layer", lambda k: of_applications(k, "inception_resnet_v2", "CustomScaleLayer")(0.17), (3, 3, 4), (3, 3, 4)),
]
