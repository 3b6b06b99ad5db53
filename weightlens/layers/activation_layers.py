"""Activation functions that are layers of their own (``keras.layers``, "Activation layers").

The functions themselves stand in ``activations``; these layers read their options, or learned slopes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.layers import activations
from weightlens.layers.faster import cut_off
from weightlens.layers.signature import Array, Config, Step, Weights
from weightlens.specs.quirks import ADDS_MASKS, NONE, SHARES_WHERE_ALL_IS_MASKED, Quirks

MASKED_LOGIT = -1e9


def relu(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Rectified linear unit with its three options. ``keras.layers.ReLU``."""
    options = {key: config.get(key) or 0.0 for key in ("negative_slope", "threshold")}
    if config.get("max_value") == 6 and not any(options.values()):
        return step("activation", activations.relu6(x))
    return step("activation", activations.relu(x, max_value=config.get("max_value"), **options))


def leaky_relu(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``x`` above 0, ``negative_slope * x`` below. ``keras.layers.LeakyReLU``."""
    return step("activation", activations.leaky_relu(x, config["negative_slope"]))


def prelu(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``x`` above 0, ``alpha * x`` below, with learned ``alpha`` (He et al. 2015). ``keras.layers.PReLU``.

    ``alpha`` has the shape of one sample, with 1 on the axes over which it is shared.
    """
    return step("activation", cut_off(x, 0.0) + w["alpha"] * cut_off(x, high=0.0))


def elu(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``x`` above 0, ``alpha * (e^x - 1)`` below. ``keras.layers.ELU``."""
    return step("activation", activations.elu(x, config["alpha"]))


def thresholded_relu(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``x`` above ``theta``, else 0. ``ThresholdedReLU`` of Keras 1 and 2."""
    return step("activation", activations.thresholded_relu(x, config["theta"]))


def softmax(x: Array, w: Weights, config: Config, step: Step, *, mask: Array | None = None, quirks: Quirks = NONE) -> Any:
    """Softmax over an axis, or over several together; what is masked gets 0. ``keras.layers.Softmax``.

    Where all is masked, Keras before 3.10 gives equal shares; before 3.13 it added masks that are not of true and false.
    """
    axis = config.get("axis", -1)
    if mask is None:
        return step("activation", activations.softmax(x, step, axis))
    kept = mask if mask.dtype == bool else mask > 0.5
    adds = mask.dtype != bool and ADDS_MASKS in quirks.old and not config.get("robust_masking")
    masked = np.where(mask == 1, x, (1.0 - mask) * MASKED_LOGIT) if adds else np.where(kept, x, MASKED_LOGIT)
    y = activations.softmax(step("masked logits", masked), step, axis)
    if SHARES_WHERE_ALL_IS_MASKED in quirks.old:
        return step("activation", y)
    return step("activation", y * mask if adds else np.where(kept, y, 0.0))


def srelu(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Three straight pieces with learned thresholds ``t`` and slopes ``a`` (Jin et al. 2015). ``SReLU`` of Keras 1."""
    left, right = w["t_left"], step("right threshold", w["t_left"] + np.abs(w["t_right"]))
    below = w["a_left"] * cut_off(x - left, high=0.0)
    above = w["a_right"] * cut_off(x - right, 0.0)
    return step("activation", np.minimum(np.maximum(x, left), right) + below + above)


def parametric_softplus(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``alpha * ln(1 + e^(beta * x))`` with learned ``alpha`` and ``beta``. ``ParametricSoftplus`` of Keras 1."""
    return step("activation", w["alpha"] * activations.softplus(step("scaled", w["beta"] * x)))
