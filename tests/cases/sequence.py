"""Cases of ``weightlens.layers.sequence`` and of the masks that start there."""

from typing import Any

import numpy as np

from tests.cases import case
from tests.cases.recurrent import MASKED


def tokens(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Token numbers 0 to 5, padded with 0."""
    ids = rng.integers(1, 6, size=shape)
    ids[0, -2:], ids[-1, 1] = 0, 0
    return ids


def with_value(value: float) -> Any:
    """Sequences in which some time steps are ``value`` alone, others in one feature only."""

    def data(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        x = rng.normal(size=shape)
        x[0, 1], x[1, 0], x[1, 2, 0] = value, value, value
        return x

    return data


def encoder(k: Any, merge: Any) -> Any:
    """Two embeddings of the same tokens, one masked, merged, and read by a GRU."""

    def call(x: Any) -> Any:
        a = k.layers.Embedding(6, 2, mask_zero=True)(x)
        b = k.layers.Embedding(6, 2)(x)
        return k.layers.GRU(2, return_sequences=True)(merge([a, b]))

    return call


def two(k: Any, merge: Any) -> Any:
    """Two masked sequences, merged, and read by a GRU."""
    return lambda xs: k.layers.GRU(2, return_sequences=True)(merge([k.layers.Masking()(x) for x in xs]))


TOKENS: dict[str, Any] = {"data": tokens, "dtype": "int32", "batch": 3}
CASES = [
    case("embedding", lambda k: k.layers.Embedding(6, 3), (4,), **TOKENS),
    case("embedding, mask zero, lstm", lambda k: lambda x: k.layers.LSTM(2)(k.layers.Embedding(6, 3, mask_zero=True)(x)), (4,), **TOKENS),
    case("embedding of float tokens", lambda k: k.layers.Embedding(6, 3), (4,), data=tokens),
    case("masking", lambda k: k.layers.Masking(), (4, 2), **MASKED),
    case(
        "masking, 0.1", lambda k: lambda x: k.layers.GRU(2, return_sequences=True)(k.layers.Masking(0.1)(x)), (4, 2), data=with_value(0.1)
    ),
    case("masking, -1", lambda k: lambda x: k.layers.GRU(2, return_sequences=True)(k.layers.Masking(-1)(x)), (4, 2), data=with_value(-1.0)),
    case(
        "mask through dense and dropout",
        lambda k: lambda x: k.layers.GRU(2)(k.layers.Dropout(0.5)(k.layers.Dense(3)(k.layers.Masking()(x)))),
        (4, 2),
        **MASKED,
    ),
    case(
        "mask through spectral normalization",
        lambda k: lambda x: k.layers.GRU(2)(k.layers.SpectralNormalization(k.layers.Dense(3))(k.layers.Masking()(x))),
        (4, 2),
        **MASKED,
    ),
    case("mask lost in a reshape", lambda k: lambda x: k.layers.GRU(2)(k.layers.Reshape((4, 2))(k.layers.Masking()(x))), (4, 2), **MASKED),
    case("mask lost in a convolution", lambda k: lambda x: k.layers.GRU(2)(k.layers.Conv1D(2, 1)(k.layers.Masking()(x))), (4, 2), **MASKED),
    case("mask lost in an operation", lambda k: lambda x: k.layers.GRU(2)(k.layers.Masking()(x) * 2.0), (4, 2), **MASKED),
    case("mask concatenated with none", lambda k: encoder(k, k.layers.Concatenate()), (4,), **TOKENS),
    case("mask added to none", lambda k: encoder(k, k.layers.Add()), (4,), **TOKENS),
    case("masks added", lambda k: two(k, k.layers.Add()), (4, 2), (4, 2), **MASKED),
    case("masks concatenated", lambda k: two(k, k.layers.Concatenate()), (4, 2), (4, 2), **MASKED),
    case("masks concatenated in time", lambda k: two(k, k.layers.Concatenate(axis=1)), (4, 2), (3, 2), **MASKED),
    case("mask concatenated with none in time", lambda k: encoder(k, k.layers.Concatenate(axis=1)), (4,), **TOKENS),
    case(
        "mask given by hand",
        lambda k: lambda xs: k.layers.LSTM(2, return_sequences=True)(xs[0], mask=xs[1] > 0),
        (4, 2),
        (4,),
    ),
    case(
        "mask given by hand, initial state",
        lambda k: lambda xs: k.layers.GRU(2, return_sequences=True)(xs[0], mask=xs[1] > 0, initial_state=xs[2]),
        (4, 2),
        (4,),
        (2,),
    ),
]
