"""Core layers: Dense, Activation and what every network has (``keras.layers``, "Core layers")."""

from __future__ import annotations

from typing import Any

from weightlens.layers.activations import Step, activate
from weightlens.layers.quantised import product

Weights = dict[str, Any]
Config = dict[str, Any]


def dense(x: Any, w: Weights, config: Config, step: Step) -> Any:
    """Densely connected: ``activation(x . kernel + bias)``, ``(..., features) -> (..., units)``. ``keras.layers.Dense``."""
    z = step("dot product", product(x, w, config, step))
    if config.get("use_bias", True):
        z = step("pre-activation", z + w["bias"])
    return step("activation", activate(z, config.get("activation"), step))


def activation(x: Any, w: Weights, config: Config, step: Step) -> Any:
    """An activation function as a layer of its own. ``keras.layers.Activation``."""
    return step("activation", activate(x, config["activation"], step))
