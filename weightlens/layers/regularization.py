"""Layers that change nothing when a model predicts: dropout, noise, random augmentation.

At inference each hands on its input as it is (``keras.layers``, "Regularization layers" and "Image augmentation layers").
"""

from __future__ import annotations

from typing import Any

from weightlens.layers.activations import Step
from weightlens.layers.core import Config, Weights


def identity(x: Any, w: Weights, config: Config, step: Step) -> Any:
    """The input unchanged. ``keras.layers.Identity``, and every layer that acts in training only."""
    return x
