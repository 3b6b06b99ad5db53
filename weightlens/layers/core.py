"""Core layers: Dense, Activation and what every network has (``keras.layers``, "Core layers")."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.layers.activations import activate
from weightlens.layers.quantised import float8_bias, product
from weightlens.layers.signature import Array, Config, Step, Weights
from weightlens.specs.quirks import ADDS_BIAS_AS_NUMPY, Quirks


def with_bias(x: Array, bias: Array, quirks: Quirks) -> Any:
    """``x + bias`` as Keras 3 adds it on TensorFlow: a bias with one long axis goes to the last axis it fits, else to the second.

    That matters where it was made for another axis of the same length; Keras before 3.7 adds it as NumPy does.
    """
    long = [n for n in bias.shape if n > 1]
    if ADDS_BIAS_AS_NUMPY in quirks.old or bias.ndim < 2 or len(long) != 1 or long[0] not in (x.shape[1], x.shape[-1]):
        return x + bias
    return x + np.reshape(bias, (-1,) if x.shape[-1] == long[0] else (-1, *((1,) * (x.ndim - 2))))


def identity(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """The input unchanged. ``keras.layers.Identity``, and every layer that acts in training only (dropout, noise, random augmentation)."""
    return x


def dense(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Densely connected: ``activation(x . kernel + bias)``, ``(..., features) -> (..., units)``. ``keras.layers.Dense``."""
    z = step("dot product", product(x, w, config, step))
    if config.get("use_bias", True):
        z = step("pre-activation", z + (float8_bias(w["bias"], config, step) if "inputs_scale" in w else w["bias"]))
    return step("activation", activate(z, config.get("activation"), step))


def activation(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """An activation function as a layer of its own. ``keras.layers.Activation``."""
    return step("activation", activate(x, config["activation"], step))
