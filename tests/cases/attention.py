"""Cases of ``weightlens.layers.attention``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.cases import case

QUERY, VALUE = (3, 4), (5, 4)


def zero_steps(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A sequence whose last steps are padding."""
    x = rng.normal(size=shape)
    return np.where(np.arange(shape[1])[:, None] < np.array([shape[1] - 2, shape[1] - 1])[:, None, None], x, 0.0)


def heads(**options: Any) -> Any:
    """A MultiHeadAttention on ``[query, value]``, or on one sequence with itself."""
    call = {key: options.pop(key) for key in ("use_causal_mask", "return_attention_scores") if key in options}

    def build(k: Any) -> Any:
        layer = k.layers.MultiHeadAttention(**({"num_heads": 2, "key_dim": 3} | options))
        return lambda x: layer(*x, **call) if isinstance(x, list) else layer(x, x, **call)

    return build


def grouped(**options: Any) -> Any:
    """A GroupQueryAttention on ``[query, value]``, or on one sequence with itself."""
    call = {key: options.pop(key) for key in ("use_causal_mask", "return_attention_scores") if key in options}

    def build(k: Any) -> Any:
        layer = k.layers.GroupQueryAttention(**({"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2} | options))
        return lambda x: layer(*x, **call) if isinstance(x, list) else layer(x, x, **call)

    return build


def masked(build: Any, each: bool = True) -> Any:
    """The layer behind a Masking layer."""

    def wrapped(k: Any) -> Any:
        inner = build(k)
        return lambda x: inner([k.layers.Masking()(part) for part in x] if isinstance(x, list) else k.layers.Masking()(x))

    return wrapped


def quantised(build: Any, mode: str) -> Any:
    """The layer with the kernels of its projections rounded to few bits."""

    def wrapped(k: Any) -> Any:
        layer = build(k)
        return lambda x: rounded(k, layer, x, mode)

    return wrapped


def rounded(k: Any, layer: Any, x: Any, mode: str) -> Any:
    """The layer called once, so that it has kernels; then these rounded; then called for good."""
    k.Model(x, layer(x, x)).quantize(mode)
    return layer(x, x)


CASES = [
    case("attention", lambda k: k.layers.Attention(), QUERY, VALUE),
    case("attention, key, scale", lambda k: k.layers.Attention(use_scale=True), QUERY, VALUE, VALUE),
    case("attention, concat", lambda k: k.layers.Attention(score_mode="concat"), QUERY, VALUE),
    case("attention, concat, scale", lambda k: k.layers.Attention(score_mode="concat", use_scale=True), QUERY, VALUE),
    case(
        "attention, causal, scores",
        lambda k: lambda x: k.layers.Attention()(x, use_causal_mask=True, return_attention_scores=True),
        (4, 3),
        (4, 3),
    ),
    case("attention, masked", masked(lambda k: k.layers.Attention()), QUERY, VALUE, data=zero_steps),
    case("additive attention", lambda k: k.layers.AdditiveAttention(), QUERY, VALUE),
    case("additive attention, no scale, key", lambda k: k.layers.AdditiveAttention(use_scale=False), QUERY, VALUE, VALUE),
    case("additive attention, masked", masked(lambda k: k.layers.AdditiveAttention()), QUERY, VALUE, data=zero_steps),
    case("heads", heads(), QUERY, VALUE),
    case("heads, with itself, causal", heads(use_causal_mask=True, use_bias=False), (4, 3)),
    case("heads, key of another width", heads(value_dim=2), (3, 4), (5, 4), (5, 3)),
    case("heads, scores", heads(return_attention_scores=True, use_causal_mask=True), QUERY, VALUE),
    case("heads, output shape", heads(output_shape=(2, 3)), QUERY, VALUE),
    case("heads, dropout set", heads(dropout=0.5), QUERY, VALUE),
    case("heads over pictures", heads(), (2, 3, 4)),
    case("heads along rows", heads(attention_axes=(2,)), (2, 3, 4)),
    case("heads, causal, along columns", heads(attention_axes=1, use_causal_mask=True), (3, 2, 4)),
    case("heads, sliding window", heads(sliding_window=2), (5, 3)),
    case("heads, gate", heads(use_gate=True), QUERY, VALUE),
    case("heads, masked", masked(heads()), QUERY, VALUE, data=zero_steps),
    case("heads, masked, scores", masked(heads(return_attention_scores=True)), QUERY, VALUE, data=zero_steps),
    case(
        "heads, given mask",
        lambda k: lambda x: k.layers.MultiHeadAttention(2, 3)(x[0], x[1], attention_mask=x[2]),
        QUERY,
        VALUE,
        (3, 5),
        data=lambda rng, shape: rng.normal(size=shape) if shape[-1] == 4 else (rng.uniform(size=shape) > 0.4),
    ),
    case(
        "heads, given query mask",
        lambda k: lambda x: k.layers.MultiHeadAttention(2, 3)(x[0], x[1], query_mask=k.ops.all(x[0] > -1.5, axis=-1), use_causal_mask=True),
        QUERY,
        VALUE,
    ),
    case("heads, as many as places, of size 1", heads(num_heads=3, key_dim=1), QUERY, VALUE),
    case("grouped heads", grouped(), QUERY, VALUE),
    case("grouped heads, causal, no bias", grouped(use_causal_mask=True, use_bias=False), (4, 3)),
    case("grouped heads, scores, window", grouped(return_attention_scores=True, sliding_window=2), (4, 3)),
    case("grouped heads, one for all, gate", grouped(num_key_value_heads=1, use_gate=True), QUERY, VALUE),
    case("grouped heads, masked", masked(grouped()), QUERY, VALUE, data=zero_steps),
    case("heads, int8", quantised(lambda k: k.layers.MultiHeadAttention(2, 3), "int8"), (4, 3)),
    case("heads, float8", quantised(lambda k: k.layers.MultiHeadAttention(2, 3), "float8"), (4, 3)),
    case("heads, int4", quantised(lambda k: k.layers.MultiHeadAttention(2, 3, value_dim=4, output_shape=5), "int4"), (4, 3)),
    case("grouped heads, int4", quantised(lambda k: k.layers.GroupQueryAttention(3, 4, 2, use_gate=True), "int4"), (4, 3)),
    case("grouped heads, int8", quantised(lambda k: k.layers.GroupQueryAttention(3, 4, 2, use_gate=True), "int8"), (4, 3)),
]
