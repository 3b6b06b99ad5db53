"""Core layers: Dense, Activation and what every network has (``keras.layers``, "Core layers")."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.layers.activations import activate
from weightlens.layers.quantised import float8_bias, product
from weightlens.layers.signature import Array, Config, Step, Weights
from weightlens.specs.quirks import ADDS_AS_NUMPY, ADDS_BIAS_AS_NUMPY, Quirks


def with_bias(x: Array, bias: Array, quirks: Quirks, float8: bool) -> Any:
    """``x + bias`` as Keras 3 adds it on TensorFlow: a bias with one long axis goes to the last axis it fits, else to the second.

    That matters where it was made for another axis of the same length; Keras before 3.10 adds it as NumPy does, and before 3.7
    in layers of 8-bit floats too.
    """
    if (ADDS_AS_NUMPY if float8 else ADDS_BIAS_AS_NUMPY) in quirks.old or not taken_for_a_bias(x.shape, bias.shape):
        return x + bias
    return x + np.reshape(bias, (-1,) if x.shape[-1] == bias.size else (-1, *((1,) * (x.ndim - 2))))


def taken_for_a_bias(shape: tuple[int, ...], added: tuple[int, ...]) -> bool:
    """Whether Keras since 3.7 adds an array of shape ``added`` along another axis than NumPy.

    One with a single long axis, as long as the last or second axis of what it is added to, is a bias there, wherever that axis stands.
    """
    long = [axis - len(added) for axis, n in enumerate(added) if n > 1]
    if len(long) != 1 or len(shape) < 2 or added[long[0]] not in (shape[1], shape[-1]):
        return False
    bias = -1 if added[long[0]] == shape[-1] else 1 - len(shape)
    return long[0] != bias or len(added) > len(shape)


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
