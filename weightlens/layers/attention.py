"""Attention layers: each query looks at all keys and takes a weighted mean of their values (``keras.layers``, "Attention layers")."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from weightlens.layers.activations import sigmoid, softmax
from weightlens.layers.comparisons import truth
from weightlens.layers.core import with_bias
from weightlens.layers.quantised import float8_bias, product
from weightlens.layers.signature import Array, Config, Masks, Step, Weights
from weightlens.recording import Role
from weightlens.specs.quirks import NONE, SHARES_WHERE_ALL_IS_MASKED, TAKES_QUERY_MASK, Quirks

MASKED = -1e9  # the score of a place that must not be looked at: e^-1e9 is 0


def scaled_scores(query: Array, key: Array, step: Step) -> Any:
    """``query . key / sqrt(size)``: how well they fit, of the same order whatever the size."""
    size = query.shape[-1]
    return step("scores", (query @ np.swapaxes(key, -1, -2)) * (1.0 / math.sqrt(size)), Role("scaled", f"1/sqrt({size})"))


def attend(scores: Array, value: Array, allowed: Array | None, step: Step, zero_masked: bool = False) -> tuple[Any, Any]:
    """``context = softmax(scores) . value`` and the attention weights; ``allowed`` says where may be looked.

    ``zero_masked``: a query that may look nowhere gets zeros rather than the mean of everything.
    """
    if allowed is not None:
        scores = step("masked scores", np.where(allowed, scores, MASKED))
    weights = softmax(scores, step)
    if allowed is not None and zero_masked:
        weights = np.where(allowed, weights, 0.0)
    weights = step("attention weights", weights)
    return step("context", weights @ value), weights


def agreed(*masks: Array | None) -> Any:
    """Where all masks agree; ``None`` where there is none."""
    given = [mask for mask in masks if mask is not None]
    return functools.reduce(np.logical_and, given) if given else None


def causal(queries: int, keys: int) -> np.ndarray:
    """Each query may look at its own place and before it."""
    return np.tri(queries, keys, dtype=bool)


def attention(
    x: Sequence[Array], w: Weights, config: Config, step: Step, *, mask: Masks = None, return_attention_scores: bool = False,
    use_causal_mask: bool = False,
) -> Any:  # fmt: skip
    """Dot-product attention (Luong et al. 2015): ``[query, value, key] -> (batch, queries, features)``. ``keras.layers.Attention``."""
    query, value, key = x[0], x[1], x[2] if len(x) > 2 else x[1]
    if config.get("score_mode", "dot") == "dot":
        scores = query @ np.swapaxes(key, -1, -2)
        scores = step("scores", scores * w["scale"] if "scale" in w else scores)
    else:
        pairs = step("query + key", query[..., :, None, :] + key[..., None, :, :])
        curved = step("tanh", np.tanh(pairs * w["scale"] if "scale" in w else pairs))
        scores = step("scores", w["concat_score_weight"] * np.sum(curved, axis=-1))
    return attended(scores, value, mask, step, return_attention_scores, use_causal_mask)


def additive_attention(
    x: Sequence[Array], w: Weights, config: Config, step: Step, *, mask: Masks = None, return_attention_scores: bool = False,
    use_causal_mask: bool = False,
) -> Any:  # fmt: skip
    """Scores are ``sum of scale * tanh(query + key)`` (Bahdanau et al. 2015): ``[query, value, key] -> (batch, queries, features)``.

    ``keras.layers.AdditiveAttention``.
    """
    query, value, key = x[0], x[1], x[2] if len(x) > 2 else x[1]
    curved = step("tanh", np.tanh(step("query + key", query[..., :, None, :] + key[..., None, :, :])))
    scores = step("scores", np.sum(step("scaled", curved * w["scale"]) if "scale" in w else curved, axis=-1))
    return attended(scores, value, mask, step, return_attention_scores, use_causal_mask)


def attended(scores: Array, value: Array, mask: Masks, step: Step, return_scores: bool, use_causal_mask: bool) -> Any:
    """The context, zero where the query is masked; the weights too where asked for."""
    query_mask, value_mask = (mask[0], mask[1]) if isinstance(mask, (list, tuple)) else (None, None)
    before = causal(*scores.shape[-2:]) if use_causal_mask else None
    seen = value_mask if value_mask is None or value_mask.ndim > 2 else value_mask[..., None, :]
    context, weights = attend(scores, value, agreed(seen, before), step)
    if query_mask is not None:
        context = np.where(query_mask[..., None], context, 0.0)
    return [context, weights] if return_scores else context


def flat_kernel(w: Weights, name: str, columns: int) -> Weights:
    """A projection's kernel as a matrix, with its scales where it is quantised."""
    parts = {part: w[f"{name}/{part}"] for part in ("kernel", "kernel_scale", "inputs_scale") if f"{name}/{part}" in w}
    return {part: np.reshape(array, (-1, columns)) if array.ndim else array for part, array in parts.items()}


def projection_bias(w: Weights, name: str, config: Config, step: Step) -> Any:
    """A projection's bias as it is added."""
    return float8_bias(w[f"{name}/bias"], config, step) if f"{name}/inputs_scale" in w else w[f"{name}/bias"]


def projected(x: Array, w: Weights, name: str, config: Config, step: Step, quirks: Quirks) -> Any:
    """``x . kernel + bias`` for all heads: ``(batch, ..., features) -> (batch, ..., heads, size)``."""
    heads = w[f"{name}/kernel"].shape[1:]
    y = product(x, flat_kernel(w, name, math.prod(heads)), config, step)
    if f"{name}/bias" in w:
        y = np.reshape(y, (*x.shape[:-1], *heads))
        y = with_bias(y, projection_bias(w, name, config, step), quirks, f"{name}/inputs_scale" in w)
    return np.reshape(step(name, sigmoid(y) if name == "gate" else y), (*x.shape[:-1], *heads))


def joined_heads(context: Array, w: Weights, gate: Array | None, config: Config, step: Step) -> Any:
    """The heads side by side, times the output kernel: ``(batch, ..., heads, size) -> (batch, ..., features)``."""
    wanted = w["attention_output/kernel"].shape[2:]
    if gate is not None:
        context = step("gated context", context * gate)
    flat = np.reshape(context, (*context.shape[:-2], -1))
    y = step("dot product", product(flat, flat_kernel(w, "attention_output", math.prod(wanted)), config, step))
    y = np.reshape(y, (*flat.shape[:-1], *wanted))
    return y + projection_bias(w, "attention_output", config, step) if "attention_output/bias" in w else y


def allowed_places(query: Array, value: Array, masks: dict[str, Array | None], config: Config, use_causal_mask: bool) -> Any:
    """Where each query may look, ``(batch, queries, keys)``: masks of the inputs, of the call, causal, sliding window."""
    queries, keys = query.shape[1], value.shape[1]
    columns = [m[..., None, :] for m in (masks["value"], masks["key"]) if m is not None]
    rows = [] if masks["query"] is None else [masks["query"][..., None]]
    window = config.get("sliding_window")
    near = None if not window else np.abs(np.arange(queries)[:, None] - np.arange(keys)) < window
    given = None if masks["attention"] is None else truth(masks["attention"])
    return agreed(*rows, *columns, causal(queries, keys)[None] if use_causal_mask else None, None if near is None else near[None], given)


def multi_head_attention(
    x: Array, w: Weights, config: Config, step: Step, *, value: Array, key: Array | None = None, mask: Array | None = None,
    query_mask: Array | None = None, value_mask: Array | None = None, key_mask: Array | None = None,
    attention_mask: Array | None = None, return_attention_scores: bool = False, use_causal_mask: bool = False, quirks: Quirks = NONE,
) -> Any:  # fmt: skip
    """Attention in several heads, each with projections of its own (Vaswani et al. 2017): ``(batch, ..., features)``, shape of the query.

    ``keras.layers.MultiHeadAttention``, and ``GroupedQueryAttention``, where several query heads share a key and value head.
    """
    if "key_dim" in config and TAKES_QUERY_MASK not in quirks.old:  # of the two layers, only this one looks at its query's own mask alone
        query_mask = mask
    masks = {"query": query_mask, "value": value_mask, "key": key_mask, "attention": attention_mask}
    allowed = allowed_places(x, value, masks, config, use_causal_mask)
    gate = projected(x, w, "gate", config, step, quirks) if config.get("use_gate") else None
    taken = {"query": x, "key": value if key is None else key, "value": value}
    q, k, v = (projected(a, w, name, config, step, quirks) for name, a in taken.items())
    k, v = (a if a.shape[-2] == q.shape[-2] else np.repeat(a, q.shape[-2] // a.shape[-2], axis=-2) for a in (k, v))
    own_path = q.ndim != 4 or config.get("dropout", 0.0) > 0 or return_attention_scores
    axes = attention_axes(config, x.ndim) if own_path else (1,)
    zero_masked = own_path and SHARES_WHERE_ALL_IS_MASKED not in quirks.old  # the fused operation that Keras calls otherwise: the mean
    context, weights = heads_attend(q, k, v, allowed, axes, zero_masked, step)
    y = joined_heads(context, w, gate, config, step)
    return [step("output", y), weights] if return_attention_scores else y


def attention_axes(config: Config, rank: int) -> tuple[int, ...]:
    """The axes along which places look at each other: all between batch and features unless told otherwise."""
    axes = config.get("attention_axes")
    if axes is None:
        return tuple(range(1, rank - 1))
    return tuple(axes) if isinstance(axes, (list, tuple)) else (axes,)


def heads_attend(
    q: Array, k: Array, v: Array, allowed: Array | None, axes: tuple[int, ...], zero_masked: bool, step: Step
) -> tuple[Any, Any]:
    """Each head by itself, the axes that attend taken as one: context like ``q``, weights ``(batch, heads, queries, keys)``."""
    rank = q.ndim
    apart = [d for d in range(rank - 1) if d not in axes]
    order = [*apart, *axes, rank - 1]

    def flat(a: Array) -> Any:
        a = np.transpose(a, order)
        return np.reshape(a, (*a.shape[: len(apart)], math.prod(a.shape[len(apart) : -1]), a.shape[-1]))

    outside, queries, keys = (tuple(a.shape[d] for d in ds) for a, ds in ((q, apart), (q, axes), (k, axes)))
    if allowed is not None:
        allowed = over_places(allowed, len(outside), queries, keys)
    context, weights = attend(scaled_scores(flat(q), flat(k), step), flat(v), allowed, step, zero_masked)
    context = np.transpose(np.reshape(context, (*outside, *queries, v.shape[-1])), np.argsort(order))
    return context, np.reshape(weights, (*outside, *queries, *keys))


def over_places(allowed: Array, outside: int, queries: tuple[int, ...], keys: tuple[int, ...]) -> Any:
    """A mask ``(batch, *queries, *keys)`` with axes for heads put in, and the places flattened: ``(batch, heads, queries, keys)``."""
    places = len(queries) + len(keys)
    first = allowed.shape[: allowed.ndim - places]
    allowed = np.reshape(allowed, (*first, *((1,) * (outside - len(first))), *allowed.shape[allowed.ndim - places :]))
    allowed = np.broadcast_to(allowed, (*allowed.shape[:outside], *queries, *keys))
    return np.reshape(allowed, (*allowed.shape[:outside], math.prod(queries), math.prod(keys)))
