"""A converted file, read again: it must hold the same model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from weightlens.call_order import every_layer
from weightlens.difference import compare
from weightlens.engine.faults import every_fault
from weightlens.errors import BadInput, UnsupportedLayer, WeightlensError
from weightlens.formats import load
from weightlens.formats.tfjs.differences import makes_mask
from weightlens.model import Model
from weightlens.writers.entries import model_entry


def verify(given: Model, meant: Model, written: Path) -> None:
    """Refuse a file that is not read as the model that was meant: Keras would compute something else with it."""
    config = None
    if written.name.endswith(".weights.h5"):
        config = written.with_name("architecture.json")
        config.write_text(json.dumps(model_entry(meant)))
    try:
        found = load(written, config)
        if fault := next(iter(every_fault(found)), ""):
            raise BadInput(f"read again, {fault}")
        difference = compare(meant, found)
        if not difference.same:
            changed = [f"{change.name}: {change.status}" for change in difference.weights if not change.same]
            raise BadInput(f"read again, {(difference.architecture + changed)[0]}")
        old = (layer for layer in every_layer(given) if layer.quirks.before_keras_3 or layer.quirks.old)
        if any(makes_mask(layer) or layer.is_operation for layer in old):  # a mask counts elsewhere, an operator is another
            compare_numbers(given, found)
    except WeightlensError as error:
        raise BadInput(f"cannot be converted: {error}") from None


def compare_numbers(given: Model, found: Model) -> None:
    """Refuse a model that computes something else than the one that was given, with sensible inputs or with padded ones."""
    from weightlens.inputs.defaults import default_inputs

    whole = default_inputs(given)
    for samples in (whole, [padded(x) for x in whole]):
        try:
            pairs = zip(given.predict(samples), found.predict(samples), strict=True)
        except UnsupportedLayer:  # not computed here: Keras has the last word
            return
        if not all(np.allclose(y, z, rtol=1e-6, atol=1e-9, equal_nan=True) for y, z in pairs):
            raise BadInput("it computes something else in today's Keras, where masks and operators differ from those of older versions")


def padded(x: np.ndarray) -> np.ndarray:
    """The samples with zeros in the second half of each row, as sequences are padded."""
    made = x.copy()
    if x.ndim > 1:
        made[:, x.shape[1] // 2 :] = 0
    return made
