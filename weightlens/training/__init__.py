"""Training as arithmetic: the steps of gradient descent in NumPy, and as a workbook of live formulas.

``prepare`` records one epoch for a model, its data, a loss and an optimizer; ``weightlens.workbook.training.training_book`` writes the
workbook, ``Epoch.replay`` runs any number of epochs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.call_order import refs
from weightlens.errors import BadInput
from weightlens.formats.architecture.dialect import is_before_keras_3
from weightlens.model import Model
from weightlens.training.epoch import Epoch
from weightlens.training.losses import find_loss
from weightlens.training.optimizers import find_optimizer
from weightlens.training.recipe import recipe_of, refuse_penalties, refuse_unusual_loss
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

    Every layer computes as in a prediction: dropout drops nothing, batch normalization keeps its statistics
    (its gamma and beta are trained).

    ``batch`` samples per update, in the order of the data (default: all); ``seed`` starts from random weights
    (Glorot uniform, biases zero) instead of the file's. Raises ``BadInput``, ``UnsupportedLayer`` or ``NoGradient``.
    """
    stated = recipe_of(model)
    options = stated.options if not optimizer or optimizer.lower() == str(stated.optimizer).lower() else {}
    chosen = find_optimizer(optimizer or stated.optimizer or "sgd", options)
    speed = rate if rate is not None else options.get("learning_rate", options.get("lr", chosen.rate))
    if not isinstance(speed, (int, float)):
        raise BadInput("the file's learning rate follows a schedule; give one number with --lr")
    refuse_penalties(model)
    old = is_before_keras_3(model.provenance.keras_version)
    found = find_loss(loss or stated.loss or "mse", old)
    if not loss:
        refuse_unusual_loss(stated)
    logits = bool(stated.loss_options.get("from_logits")) and found is find_loss(stated.loss or "mse", old)
    recipe = Recipe(found, chosen, float(speed), batch, logits)
    return record_epoch(model, inputs, targets, recipe, None if seed is None else random_start(model, seed))


def units_of(model: Model) -> int:
    """The size of the network's output per sample, found by running it on zeros."""
    from weightlens.inputs.defaults import default_inputs

    output = model.predict([np.asarray(x)[:1] for x in default_inputs(model)])[0]
    if len(list(refs(model.outputs))) != 1:
        raise BadInput("a network with several outputs cannot be trained here")
    return int(output.shape[-1]) if output.ndim > 1 else 1


def random_start(model: Model, seed: int) -> dict[str, np.ndarray]:
    """Random weights, drawn as Keras does for Dense and convolutions: Glorot uniform for matrices, zeros for biases, ones for scales.

    Embeddings, which Keras draws from -0.05 to 0.05, recurrent kernels, which it makes orthogonal, and the biases of forget gates, which it
    makes 1, are no exceptions here.
    """
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
