"""Layers of Keras 1 that have no successor: Highway and MaxoutDense."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.layers.activations import activate, sigmoid
from weightlens.layers.signature import Array, Config, Step, Weights


def highway(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``gate * activation(x . kernel + bias) + (1 - gate) * x``, features -> features. Keras 1's ``Highway`` (Srivastava et al. 2015)."""
    biased = config.get("use_bias", True)
    gate = step("gate dot product", x @ w["gate_kernel"])
    gate = step("gate", sigmoid(gate + w["gate_bias"] if biased else gate))
    z = step("dot product", x @ w["kernel"])
    candidate = step("candidate", activate(z + w["bias"] if biased else z, config.get("activation"), step))
    return step("output", gate * candidate + (1.0 - gate) * x)


def maxout_dense(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """The largest of several dense layers: ``(batch, features) -> (batch, units)``. Keras 1's ``MaxoutDense`` (Goodfellow et al. 2013).

    The kernel is ``(pieces, features, units)``, the bias ``(pieces, units)``.
    """
    z = step("dot product", x @ w["kernel"])  # (pieces, batch, units)
    if config.get("use_bias", True):
        z = step("pre-activation", z + w["bias"][:, None, :])
    return step("max", np.max(z, axis=0))


def random_fourier_features(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``cos(x . kernel / scale + bias)`` with random kernel and bias: (batch, features) -> (batch, output_dim).

    ``keras.layers.experimental.RandomFourierFeatures`` of Keras 2 (Rahimi, Recht 2007).
    """
    kernel = step("scaled kernel", w["unscaled_kernel"] / w["kernel_scale"])
    return step("output", np.cos(step("pre-activation", step("dot product", x @ kernel) + w["bias"])))
