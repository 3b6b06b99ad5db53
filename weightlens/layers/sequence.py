"""Layers that make a sequence ready: Embedding and Masking (``keras.layers``, "Core layers")."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.layers.activations import Step
from weightlens.layers.core import Config, Weights


def embedding(x: Any, w: Weights, config: Config, step: Step) -> Any:
    """Each whole number looks up its row of the embedding table: ``(...) -> (..., output_dim)``. ``keras.layers.Embedding``."""
    return step("lookup", np.take(w["embeddings"], x.astype(int), axis=0))


def masking(x: Any, w: Weights, config: Config, step: Step) -> Any:
    """Time steps that consist of ``mask_value`` alone become zero, and are skipped later on. ``keras.layers.Masking``."""
    return step("output", np.where(unlike(x, config.get("mask_value", 0.0), keepdims=True), x, 0.0))


def unlike(x: Any, value: Any, keepdims: bool = False) -> Any:
    """Where not all features are ``value``, which Keras compares in single precision: ``(batch, time, features) -> (batch, time)``."""
    differs = np.not_equal(x, value)
    single = np.float32(value).astype(float) if isinstance(value, float) else value
    if single != value:
        differs = np.logical_and(differs, np.not_equal(x, single))
    return np.any(differs, axis=-1, keepdims=keepdims)
