"""Training as arithmetic: the steps of gradient descent in NumPy, and as a workbook of live formulas.

``prepare`` records one epoch for a model, its data, a loss and an optimizer; ``weightlens.workbook.training.training_book`` writes the
workbook, ``Epoch.replay`` runs any number of epochs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from weightlens.call_order import refs
from weightlens.errors import BadInput
from weightlens.formats.architecture.layer_config import plain_dict
from weightlens.model import Model
from weightlens.training.epoch import Epoch
from weightlens.training.losses import find_loss
from weightlens.training.optimizers import find_optimizer
from weightlens.training.record import Recipe, record_epoch

__all__ = ["Epoch", "prepare", "recipe_of", "units_of"]


def prepare(
    model: Model,
    inputs: Any,
    targets: np.ndarray,
    *,
    loss: str | None = None,
    optimizer: str | None = None,
    rate: float | None = None,
    batch: int | None = None,
    seed: int | None = None,
) -> Epoch:
    """Record one epoch of training; the defaults come from the file's ``training_config``.

    ``batch`` samples per update, in the order of the data (default: all); ``seed`` starts from random weights
    (Glorot uniform, biases zero) instead of the file's. Raises ``BadInput``, ``UnsupportedLayer`` or ``NoGradient``.
    """
    stated = recipe_of(model)
    options = stated.options if not optimizer or optimizer.lower() == str(stated.optimizer).lower() else {}
    chosen = find_optimizer(optimizer or stated.optimizer or "sgd", options)
    speed = rate if rate is not None else options.get("learning_rate", options.get("lr", chosen.rate))
    if not isinstance(speed, (int, float)):
        raise BadInput("the file's learning rate follows a schedule; give one number with --lr")
    recipe = Recipe(find_loss(loss or stated.loss or "mse"), chosen, float(speed), batch)
    return record_epoch(model, inputs, targets, recipe, None if seed is None else random_start(model, seed))


@dataclass(frozen=True)
class Stated:
    """What a file says of its training: loss and optimizer by name (``None``: nothing), the optimizer's options."""

    loss: str | None
    optimizer: str | None
    options: dict[str, Any]


def recipe_of(model: Model) -> Stated:
    """The loss, the optimizer and its options in the file; what has a wrong type counts as not stated."""
    config = model.training_config
    stated = config.get("optimizer_config") or config.get("optimizer")
    optimizer = plain_dict({"class_name": stated} if isinstance(stated, str) else stated)
    loss = config.get("loss")
    loss = plain_dict(loss.get("config")).get("name") or loss.get("class_name") if isinstance(loss, dict) else loss
    if isinstance(loss, (list, tuple)):
        loss = loss[0] if len(loss) == 1 else None
    loss = "categorical_crossentropy" if loss == "sparse_categorical_crossentropy" else loss
    return Stated(text(loss), text(optimizer.get("class_name")), dict(plain_dict(optimizer.get("config"))))


def text(value: object) -> str | None:
    """The value if it is a text."""
    return value if isinstance(value, str) else None


def units_of(model: Model) -> int:
    """The size of the network's output per sample, found by running it on zeros."""
    from weightlens.inputs.defaults import default_inputs

    output = model.predict([np.asarray(x)[:1] for x in default_inputs(model)])[0]
    if len(list(refs(model.outputs))) != 1:
        raise BadInput("a network with several outputs cannot be trained here")
    return int(output.shape[-1]) if output.ndim > 1 else 1


def random_start(model: Model, seed: int) -> dict[str, np.ndarray]:
    """Keras's initial weights: Glorot uniform for matrices, zeros for biases, ones for scales."""
    rng = np.random.default_rng(seed)
    start: dict[str, np.ndarray] = {}
    for name, weight in model.weights.items():
        leaf, shape = name.rsplit("/", 1)[-1], weight.shape
        if len(shape) < 2:
            start[name] = np.ones(shape) if leaf in ("gamma", "scale") else np.zeros(shape)
            continue
        field = int(np.prod(shape[:-2], dtype=np.int64))
        limit = np.sqrt(6.0 / (field * (shape[-2] + shape[-1])))
        start[name] = rng.uniform(-limit, limit, shape)
    return start
