"""Relu units that let nothing through: 0 for every sample, so that no gradient comes back and they cannot learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from weightlens.engine.forward import trace
from weightlens.errors import BadInput
from weightlens.model import Model

RELUS = ("relu", "relu6")
MOST_SAMPLES = 256  # that are looked at
MOST_NUMBERS = 20_000_000  # that all steps of these samples may have: they are in memory together


def samples_to_watch(model: Model, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The first samples, as many as are computed together without taking much memory."""
    try:
        numbers = sum(step.value.size for step in trace(model, [x[:1] for x in inputs], np.float32).steps)
    except BadInput:  # a network of a fixed number of samples
        return [*inputs]
    count = max(1, min(MOST_SAMPLES, MOST_NUMBERS // max(numbers, 1)))
    return [x[:count] for x in inputs]


def silent_units(model: Model, inputs: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """For each layer with relu units, which of them give 0 for all samples; a unit of a picture is a channel."""
    silent: dict[str, np.ndarray] = {}
    for step in trace(model, [*inputs], np.float32).steps:
        if step.made.function[0] in RELUS and step.value.ndim:
            quiet = (step.value == 0).all(axis=tuple(range(step.value.ndim - 1)))
            silent[step.layer] = quiet & silent.get(step.layer, True)
    return silent
