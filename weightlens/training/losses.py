"""Losses, the functions that training minimizes (``keras.losses``), each with the gradient that starts the backward pass.

A loss compares the targets ``t`` with the outputs ``y``, ``(samples, ...)``, and is averaged over the batch. The
cross-entropies start from the logits ``z`` behind a final sigmoid or softmax, as Keras does: nothing is clipped,
and the gradient is the difference that every book ends with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from weightlens.errors import BadInput
from weightlens.layers.activations import softplus
from weightlens.recording import Recorded, value_of
from weightlens.specs.activation import ACTIVATIONS

EPSILON = 1e-7  # keras.config.epsilon()
Elementwise = Callable[[Recorded, Recorded], Any]


@dataclass(frozen=True)
class Loss:
    """``value(t, y)`` per element, averaged over ``units`` (or summed: ``mean=False``) and over the samples; ``slope`` is d value / d y.

    ``from_logits``: the value in terms of ``z``, for a final sigmoid or softmax; its slope is ``squash(z) - t``, where
    ``squash`` names the activation whose output that is (if it is the network's own, its cells are used).
    """

    value: Elementwise
    slope: Elementwise
    mean: bool = True
    from_logits: Elementwise | None = None
    squash: str = ""

    def count(self, y: Recorded) -> float:
        """The number that the sum of the losses of ``y`` is divided by."""
        return float(y.size if self.mean else y.size // y.shape[-1])


def _clip(y: Recorded) -> Any:
    return np.minimum(np.maximum(y, EPSILON), 1.0 - EPSILON)


def _signs(t: Recorded) -> Any:
    """Targets for a hinge loss: 0 and 1 are taken as -1 and 1 (Keras's rule)."""
    return t * 2.0 - 1.0 if np.isin(value_of(t), (0.0, 1.0)).all() else t


def _log_sum_exp(t: Recorded, z: Recorded) -> Any:
    largest = np.max(z, axis=-1, keepdims=True)
    return t * (np.log(np.sum(np.exp(z - largest), axis=-1, keepdims=True)) + largest - z)


def _binary(more: float) -> Loss:
    """Binary crossentropy, with so much ``more`` in each logarithm."""

    def added(share: Any) -> Any:
        return share + more if more else share

    return Loss(
        lambda t, y: -(t * np.log(added(_clip(y))) + (1.0 - t) * np.log(added(1.0 - _clip(y)))),
        lambda t, y: np.where((y >= EPSILON) & (y <= 1.0 - EPSILON), (1.0 - t) / added(1.0 - _clip(y)) - t / added(_clip(y)), 0.0),
        from_logits=lambda t, z: softplus(z) - t * z,
        squash="sigmoid",
    )


LOSSES: dict[str, Loss] = {
    "mean_squared_error": Loss(lambda t, y: np.square(y - t), lambda t, y: 2.0 * (y - t)),
    "half_mean_squared_error": Loss(lambda t, y: 0.5 * np.square(y - t), lambda t, y: y - t),
    "mean_absolute_error": Loss(lambda t, y: np.abs(y - t), lambda t, y: np.sign(y - t)),
    "huber": Loss(
        lambda t, y: np.where(np.abs(y - t) <= 1.0, 0.5 * np.square(y - t), np.abs(y - t) - 0.5),
        lambda t, y: np.minimum(np.maximum(y - t, -1.0), 1.0),
    ),
    "log_cosh": Loss(lambda t, y: y - t + softplus(-2.0 * (y - t)) - np.log(2.0), lambda t, y: np.tanh(y - t)),
    "hinge": Loss(lambda t, y: np.maximum(1.0 - _signs(t) * y, 0.0), lambda t, y: np.where(_signs(t) * y <= 1.0, -_signs(t), 0.0)),
    "squared_hinge": Loss(
        lambda t, y: np.square(np.maximum(1.0 - _signs(t) * y, 0.0)),
        lambda t, y: -2.0 * _signs(t) * np.maximum(1.0 - _signs(t) * y, 0.0),
    ),
    "poisson": Loss(lambda t, y: y - t * np.log(y + EPSILON), lambda t, y: 1.0 - t / (y + EPSILON)),
    "binary_crossentropy": _binary(0.0),
    "categorical_crossentropy": Loss(
        lambda t, y: -(t * np.log(_clip(y))),
        lambda t, y: np.where((y >= EPSILON) & (y <= 1.0 - EPSILON), -(t / _clip(y)), 0.0),
        mean=False,
        from_logits=_log_sum_exp,
        squash="softmax",
    ),
}
OF_KERAS_2 = {"binary_crossentropy": _binary(EPSILON)}  # losses that are others there
ENTROPIES = {"sigmoid": "-(t ln y + (1 - t) ln(1 - y))", "softmax": "-t ln y"}
ALIASES = {
    "mse": "mean_squared_error", "mae": "mean_absolute_error", "half_mse": "half_mean_squared_error", "logcosh": "log_cosh",
    "bce": "binary_crossentropy", "cce": "categorical_crossentropy",
}  # fmt: skip


def remark_on(loss: Loss, ending: str) -> str:
    """How a loss is computed from logits, for a reader of its usual formula; ``ending``: the last activation."""
    if loss.from_logits is None or not ending:
        return ""
    squashed = ACTIVATIONS[loss.squash].formula
    if ending == loss.squash:
        return f"This is {ENTROPIES[loss.squash]} with y = {squashed}, written with z, as Keras computes it: nothing can overflow."
    if ending == "linear":
        return f"The file says from_logits: the outputs are z, and y = {squashed}. So delta begins with {loss.squash}(z) - target."
    return (
        f"Keras computes this loss from z and not from the {ending} above: as if the network ended in a {loss.squash}, {squashed}. "
        f"So delta begins with {loss.squash}(z) - target, too."
    )


def function_name(name: str) -> str:
    """The name of a loss as a function: that of a class (``MeanSquaredError``) or a short one (``MSE``) in small letters."""
    return "".join("_" + c if c.isupper() and before.islower() else c for before, c in zip(" " + name, name, strict=False)).lower()


def find_loss(name: str, is_keras_2: bool = False) -> Loss:
    """The loss with that name; Keras's class names (``MeanSquaredError``) and short names are accepted."""
    named = function_name(name)
    named = ALIASES.get(named, named)
    loss = (LOSSES | OF_KERAS_2 if is_keras_2 else LOSSES).get(named)
    if loss is None:
        raise BadInput(f"loss {name!r} is not one of: {', '.join(LOSSES)}")
    return loss
