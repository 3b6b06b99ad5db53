"""Optimizers: how a gradient changes a weight (``keras.optimizers``), as plain NumPy.

``update(weight, gradient, slots, rate, step)`` returns the new weight and the new slots (such as velocities).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from weightlens.errors import BadInput
from weightlens.recording import Recorded

Step = Callable[[str, Recorded], Recorded]
Slots = dict[str, Recorded]
Update = Callable[[Recorded, Recorded, Slots, Recorded, Step], tuple[Recorded, Slots]]


@dataclass(frozen=True)
class Optimizer:
    """A rule to update weights: its formula, its slots with their starting values, its usual learning rate.

    ``step_size(rate, iteration)``, if given, computes the rate passed to ``update``; ``iteration`` counts from 0.
    """

    update: Update
    slots: dict[str, float] = field(default_factory=dict)
    rate: float = 0.001
    step_size: Callable[[Any, Any], Any] | None = None


def round_to_float32(number: float) -> float:
    """A constant rounded to float32, as Keras casts it even when it trains in float64."""
    return float(np.float32(number))


def sgd(w: Recorded, g: Recorded, slots: Slots, rate: Recorded, step: Step) -> tuple[Recorded, Slots]:
    """``w - rate * g``."""
    return w - rate * g, {}


def momentum(beta: float = 0.9, nesterov: bool = False) -> Update:
    """``v = beta * v - rate * g; w + v``; Nesterov's looks one step ahead: ``w + beta * v - rate * g``."""

    beta = round_to_float32(beta)

    def update(w: Recorded, g: Recorded, slots: Slots, rate: Recorded, step: Step) -> tuple[Recorded, Slots]:
        v = step("velocity", beta * slots["velocity"] - rate * g)
        return (w + (beta * v - rate * g) if nesterov else w + v), {"velocity": v}

    return update


def rmsprop(rho: float = 0.9, epsilon: float = 1e-7) -> Update:
    """``s = rho * s + (1 - rho) * g^2; w - rate * g / sqrt(s + epsilon)`` (Hinton 2012)."""

    def update(w: Recorded, g: Recorded, slots: Slots, rate: Recorded, step: Step) -> tuple[Recorded, Slots]:
        s = step("mean square", rho * slots["mean square"] + (1.0 - rho) * np.square(g))
        return w - rate * g / np.sqrt(s + epsilon), {"mean square": s}

    return update


def adagrad(epsilon: float = 1e-7) -> Update:
    """``s = s + g^2; w - rate * g / sqrt(s + epsilon)`` (Duchi et al. 2011)."""

    def update(w: Recorded, g: Recorded, slots: Slots, rate: Recorded, step: Step) -> tuple[Recorded, Slots]:
        s = step("sum of squares", slots["sum of squares"] + np.square(g))
        return w - rate * g / np.sqrt(s + epsilon), {"sum of squares": s}

    return update


def adam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> Update:
    """``m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2); w - step size * m / (sqrt v + epsilon)`` (Kingma, Ba 2015)."""

    def update(w: Recorded, g: Recorded, slots: Slots, rate: Recorded, step: Step) -> tuple[Recorded, Slots]:
        m = step("mean gradient", slots["mean gradient"] + (g - slots["mean gradient"]) * (1.0 - beta_1))
        v = step("mean square", slots["mean square"] + (np.square(g) - slots["mean square"]) * (1.0 - beta_2))
        return w - m * rate / (np.sqrt(v) + epsilon), {"mean gradient": m, "mean square": v}

    return update


def adam_step_size(beta_1: float, beta_2: float) -> Callable[[Any, Any], Any]:
    """``rate * sqrt(1 - beta_2^t) / (1 - beta_1^t)`` with t counting from 1: corrects the slots' start at zero."""
    beta_1, beta_2 = round_to_float32(beta_1), round_to_float32(beta_2)
    return lambda rate, iteration: rate * np.sqrt(1.0 - beta_2 ** (iteration + 1.0)) / (1.0 - beta_1 ** (iteration + 1.0))


OPTIMIZERS = ("sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam")
NUMBERS = ("epsilon", "momentum", "rho", "initial_accumulator_value", "beta_1", "beta_2")  # options of those below
NOT_COMPUTED = (
    "centered", "amsgrad", "clipnorm", "global_clipnorm", "clipvalue", "weight_decay", "decay", "use_ema", "gradient_accumulation_steps",
)  # fmt: skip


def find_optimizer(name: str, options: dict[str, Any] | None = None) -> Optimizer:
    """The optimizer with that name and Keras's options (``momentum``, ``rho``, ``beta_1``...); unknown options are refused."""
    options = {k: v for k, v in (options or {}).items() if v is not None}
    key = name.lower()
    for option in NUMBERS:
        if not isinstance(options.get(option, 0), int | float):
            raise BadInput(f"optimizer {name!r} with {option} {str(options[option])[:40]!r}, which is no number")
    epsilon = float(options.get("epsilon", 1e-7))
    unknown = NOT_COMPUTED if key != "rmsprop" else (*NOT_COMPUTED, "momentum")
    if more := [option for option in unknown if options.get(option)]:
        raise BadInput(f"optimizer {name!r} with {more[0]} is not one that weightlens trains with")
    if key in ("momentum", "nesterov") or (key == "sgd" and options.get("momentum")):
        beta = float(options.get("momentum", 0.9))
        return Optimizer(momentum(beta, bool(options.get("nesterov")) or key == "nesterov"), {"velocity": 0.0}, 0.01)
    if key == "sgd":
        return Optimizer(sgd, rate=0.01)
    if key == "rmsprop":
        return Optimizer(rmsprop(float(options.get("rho", 0.9)), epsilon), {"mean square": 0.0})
    if key == "adagrad":
        return Optimizer(adagrad(epsilon), {"sum of squares": round_to_float32(options.get("initial_accumulator_value", 0.1))})
    if key == "adam":
        betas = float(options.get("beta_1", 0.9)), float(options.get("beta_2", 0.999))
        return Optimizer(adam(*betas, epsilon), {"mean gradient": 0.0, "mean square": 0.0}, step_size=adam_step_size(*betas))
    raise BadInput(f"optimizer {name!r} is not one of: {', '.join(OPTIMIZERS)}")
