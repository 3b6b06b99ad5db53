"""A converted file, read again: it must hold the same model."""

from __future__ import annotations

import json
from pathlib import Path

from weightlens.diff import compare
from weightlens.errors import BadInput, WeightlensError
from weightlens.formats import load
from weightlens.model import Model
from weightlens.writers.entries import model_entry


def verify(meant: Model, written: Path) -> None:
    """Refuse a file that is not read as the model that was meant: Keras would compute something else with it."""
    config = None
    if written.name.endswith(".weights.h5"):
        config = written.with_name("architecture.json")
        config.write_text(json.dumps(model_entry(meant)))
    try:
        difference = compare(meant, load(written, config))
    except WeightlensError as error:
        raise BadInput(f"cannot be converted: {error}") from None
    if not difference.same:
        changed = [f"{change.name}: {change.status}" for change in difference.weights if not change.same]
        raise BadInput(f"cannot be converted: read again, {(difference.architecture + changed)[0]}")
