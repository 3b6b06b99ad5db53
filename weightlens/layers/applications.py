"""Layers that ``keras.applications`` makes for its own networks; ``keras.layers`` has none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weightlens.layers.signature import Array, Config, Step, Weights


def layer_scale(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``x * gamma``, a learned factor for each channel; shape kept.

    ``LayerScale`` of ``keras.applications.convnext``; Touvron et al. 2021, https://arxiv.org/abs/2103.17239.
    """
    return x * w["gamma"]


def scaled_sum(x: Sequence[Array], w: Weights, config: Config, step: Step) -> Any:
    """``x0 + x1 * scale``, element by element. ``CustomScaleLayer`` of ``keras.applications.inception_resnet_v2``."""
    return x[0] + x[1] * config["scale"]
