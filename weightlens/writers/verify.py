"""A converted file, read again: it must hold the same model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from weightlens.diff import compare
from weightlens.errors import BadInput, UnsupportedLayer, WeightlensError
from weightlens.formats import load
from weightlens.formats.tfjs.differences import makes_mask
from weightlens.model import Model
from weightlens.writers.entries import model_entry
from weightlens.writers.expressible import every_layer


def verify(meant: Model, written: Path) -> None:
    """Refuse a file that is not read as the model that was meant: Keras would compute something else with it."""
    config = None
    if written.name.endswith(".weights.h5"):
        config = written.with_name("architecture.json")
        config.write_text(json.dumps(model_entry(meant)))
    try:
        found = load(written, config)
        difference = compare(meant, found)
        if not difference.same:
            changed = [f"{change.name}: {change.status}" for change in difference.weights if not change.same]
            raise BadInput(f"read again, {(difference.architecture + changed)[0]}")
        if any(makes_mask(layer) and layer.quirks.before_keras_3 for layer in every_layer(meant)):
            compare_masked(meant, found)
    except WeightlensError as error:
        raise BadInput(f"cannot be converted: {error}") from None


def compare_masked(meant: Model, found: Model) -> None:
    """Refuse a model in which masks of Keras 2 count where those of Keras 3 do not: no setting says so, only the numbers."""
    from weightlens.inputs.defaults import default_inputs

    whole = default_inputs(meant)
    for samples in (whole, [padded(x) for x in whole]):
        try:
            pairs = zip(meant.predict(samples), found.predict(samples), strict=True)
        except UnsupportedLayer:  # not computed here: Keras has the last word
            return
        if not all(np.allclose(y, z, rtol=1e-9, atol=1e-9, equal_nan=True) for y, z in pairs):
            raise BadInput("the masks of older versions count in other places than those of Keras 3")


def padded(x: np.ndarray) -> np.ndarray:
    """The samples with zeros in the second half of each row, as sequences are padded."""
    made = x.copy()
    if x.ndim > 1:
        made[:, x.shape[1] // 2 :] = 0
    return made
