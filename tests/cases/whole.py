"""Cases of ``weightlens.operations.small_integers``: whole numbers of few bits, which start again at the other end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.cases import Case, case


def whole(name: str, kind: str, operation: Callable[..., Any], *shapes: tuple[int | None, ...], **options: Any) -> Case:
    """An operation of ``keras.ops`` on whole numbers of one kind, over the whole of its range."""

    def data(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        limits = np.iinfo(kind)
        return rng.integers(max(limits.min, -300), min(limits.max, 300), size=shape, endpoint=True)

    shapes = shapes or ((4, 3),)
    build = lambda k: lambda x: operation(k.ops, *(x if isinstance(x, list) else [x]))
    return case(f"{kind}, {name}", build, *shapes, dtype=kind, data=data, **options)


def small(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(0, 255, size=shape)


CASES = [
    whole("arithmetic", "uint8", lambda o, x, y: [x + y, x - 127, x * y], (4,), (4,)),
    whole("arithmetic", "int8", lambda o, x, y: [x + y, x - y, x * 3, abs(x), o.square(y)], (4,), (4,)),
    whole("arrays of more bits, and tens", "int8", lambda o, x: [x + np.array([100, 200, 300], "int32"), o.round(x, -1)]),
    whole("divided, so of fractions", "uint8", lambda o, x: [x / 255, o.cast(x, "float32") - 127.0]),
    whole("to other kinds", "int16", lambda o, x: [o.cast(x, "uint8"), o.cast(x, "int8"), o.saturate_cast(x, "uint8"), o.cast(x, "int32")]),
    whole("sums are wider", "uint8", lambda o, x: [o.sum(x, axis=1), o.mean(x, axis=1), o.max(x, axis=1)]),
    whole("running sums", "uint8", lambda o, x: [o.cumsum(x, axis=1), o.diff(x, axis=1)]),
    whole("what only moves", "uint8", lambda o, x: [o.flip(x, axis=1), o.reshape(x, (-1, 12)), o.minimum(x, 9)]),
    whole("resize", "uint8", lambda o, x: o.image.resize(x, (5, 4), interpolation="bicubic"), (3, 4, 1)),
    case("int32, layer normalization", lambda k: k.layers.LayerNormalization(), (4,), dtype="int32", data=small),
    case("uint8, up-sampling", lambda k: k.layers.UpSampling2D(2, interpolation="bilinear"), (2, 3, 1), dtype="uint8", data=small),
    case("int32, rms normalization", lambda k: k.layers.RMSNormalization(), (4,), dtype="int32", data=small),
    case("int32, group normalization", lambda k: k.layers.GroupNormalization(2), (4,), dtype="int32", data=small),
    case("int32, spectral", lambda k: k.layers.SpectralNormalization(k.layers.Dense(3)), (4,), dtype="int32", data=small),
    whole("layer normalization", "int16", lambda o, x: o.layer_normalization(x, axis=-1)),
    case("uint8, add", lambda k: k.layers.Add(), (4,), (4,), dtype="uint8", data=small),
]  # fmt: skip
