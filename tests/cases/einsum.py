"""Cases of ``weightlens.layers.einsum`` and ``quantised``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.cases import case


def there_and_back(**options: Any) -> Any:
    """A ReversibleEmbedding that looks words up, and turns vectors into scores of words."""

    def build(k: Any) -> Any:
        layer = k.layers.ReversibleEmbedding(6, 4, **options)
        return lambda x: layer(k.ops.tanh(layer(x)), reverse=True)

    return build


def quantised(make: Any, shape: tuple[int | None, ...], mode: str, highest: int = 0) -> Any:
    """The layer with its kernel rounded to few bits, and its inputs to whole numbers up to ``highest``."""

    def build(k: Any) -> Any:
        layer = make(k)
        layer.build(shape)
        rounding = k.quantizers.AbsMaxQuantizer(axis=-1, value_range=(-highest, highest), epsilon=0.01) if highest else None
        layer.quantize(mode, config=k.quantizers.Int8QuantizationConfig(None, rounding) if highest else None)
        return layer

    return build


def words(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(0, 6, size=shape)


def halves(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Inputs half as large as the largest one: 63.5 of 127, a little less in float64, but not in float32."""
    return np.array([[10, 5, 3, -5], [2, -1, 1, 0.5]])


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
    case("einsum dense, bias of heads", lambda k: k.layers.EinsumDense("abc,cde->abde", output_shape=(None, 3, 3), bias_axes="d"), (4, 2)),
    case("einsum dense, turned", lambda k: k.layers.EinsumDense("abc,cd->adb", output_shape=(3, 5), bias_axes="b"), (5, 4)),
    case("einsum dense, by position", lambda k: k.layers.EinsumDense("abc,bcd->abd", output_shape=(5, 2), bias_axes="bd"), (5, 4)),
    case("reversible embedding", there_and_back(), (3,), data=words, dtype="int32"),
    case(
        "reversible embedding, two tables, capped", there_and_back(tie_weights=False, logit_soft_cap=2.0), (3,), data=words, dtype="int32"
    ),
    case("dense, int8", quantised(lambda k: k.layers.Dense(3, activation="tanh"), (None, 4), "int8"), (4,)),
    case("dense, int8, halves between two numbers", quantised(lambda k: k.layers.Dense(3), (None, 4), "int8"), (4,), data=halves),
    case("dense, int8, inputs up to 31", quantised(lambda k: k.layers.Dense(3), (None, 4), "int8", 31), (4,)),
    case("dense, int4", quantised(lambda k: k.layers.Dense(3), (None, 4), "int4"), (4,)),
    case(
        "einsum dense, int8",
        quantised(lambda k: k.layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de"), (None, 5, 4), "int8"),
        (5, 4),
    ),
    case(
        "einsum dense, turned, int8",
        quantised(lambda k: k.layers.EinsumDense("abc,cd->adb", output_shape=(3, 5), bias_axes="d"), (None, 5, 4), "int8"),
        (5, 4),
    ),
    case(
        "einsum dense, int8, inputs up to 31",
        quantised(lambda k: k.layers.EinsumDense("abc,cd->abd", output_shape=(5, 3)), (None, 5, 4), "int8", 31),
        (5, 4),
    ),
    case(
        "einsum dense, float8",
        quantised(lambda k: k.layers.EinsumDense("ab,bcd->acd", output_shape=(2, 3), bias_axes="cd"), (None, 4), "float8"),
        (4,),
    ),
    case("dense, float8", quantised(lambda k: k.layers.Dense(3), (None, 4), "float8"), (4,)),
]
