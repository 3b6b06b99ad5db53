"""Layers that make a sequence ready: Embedding and Masking (``keras.layers``, "Core layers")."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.layers.comparisons import not_equal
from weightlens.layers.signature import Array, Config, Step, Weights


def embedding(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Each whole number looks up its row of the embedding table: ``(...) -> (..., output_dim)``. ``keras.layers.Embedding``."""
    ids = x.astype(int)
    rows = np.take(w["embeddings"], ids, axis=0)
    return step("lookup", dequantised(rows, ids, w) if "embeddings_scale" in w else rows)


def dequantised(rows: Array, ids: Array, w: Weights) -> Any:
    """Rows of an int8 or int4 table as the real numbers they stand for: one scale a row, or a scale and a zero point a group of columns."""
    scale = np.take(w["embeddings_scale"], ids, axis=0)
    if "embeddings_zero" not in w:
        return rows / scale[..., None]
    group = w["g_idx"].astype(int)
    zero = np.take(np.take(w["embeddings_zero"], ids, axis=0), group, axis=-1)
    return (rows.astype(scale.dtype) - zero) * np.take(scale, group, axis=-1)


def masking(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Time steps that consist of ``mask_value`` alone become zero, and are skipped later on. ``keras.layers.Masking``."""
    return step("output", np.where(where_not_all_are(x, config.get("mask_value", 0.0), keepdims=True), x, 0.0))


def where_not_all_are(x: Array, value: Array, keepdims: bool = False) -> Any:
    """Where not all features are ``value``: ``(batch, time, features) -> (batch, time)``."""
    return np.any(not_equal(x, value), axis=-1, keepdims=keepdims)
