"""Each layer case as a live network of another backend or of tf_keras, against the file that it is saved to.

``python -m tests.formats.live_backends keras`` (with ``KERAS_BACKEND=torch``) or ``... tf_keras``, then the first case and the distance
to the next one. Prints as JSON which cases are the same, which Keras itself cannot build or save there, and what is not the same.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import weightlens
from tests.cases import CASES, Case
from weightlens.checks.oracle import quiet_tensorflow
from weightlens.recording import Trace


def saved(case: Case, keras: Any, path: Path) -> Any:
    """The network, saved; ``None`` where this Keras lacks the layer, or cannot compute or save it."""
    keras.utils.set_random_seed(1)
    try:
        network = case.model(keras)
        network.save(path)
    except Exception:  # Keras raises anything here
        return None
    return network


def of_model(model: weightlens.Model, inputs: list[np.ndarray]) -> Trace | str:
    """The trace of a model, or why there is none."""
    try:
        return model.trace(inputs)
    except weightlens.WeightlensError as refusal:
        return str(refusal)


def difference(live: Trace | str, stored: Trace | str) -> str:
    """Where two traces are not the same; empty where they are."""
    if isinstance(live, str) or isinstance(stored, str):
        return "" if live == stored else f"live: {live}; stored: {stored}"
    if [(step.layer, step.name) for step in live] != [(step.layer, step.name) for step in stored]:
        return "other steps"
    apart = [a.name for a, b in zip(live, stored, strict=True) if not np.array_equal(a.value, b.value, equal_nan=a.value.dtype.kind == "f")]
    return f"other numbers in {apart[0]}" if apart else ""


def compared(library: str, cases: list[Case]) -> dict[str, Any]:
    """All cases, one after the other."""
    with quiet_tensorflow():
        keras = importlib.import_module(library)
    found: dict[str, Any] = {"backend": keras.backend.backend(), "same": [], "not built": [], "apart": {}}
    for case in cases:
        with tempfile.TemporaryDirectory() as folder, quiet_tensorflow():
            path, inputs = Path(folder) / "m.keras", case.inputs()
            network = saved(case, keras, path)
            if network is None:
                found["not built"].append(case.name)
                continue
            live, stored = of_model(weightlens.load(network), inputs), of_model(weightlens.load(path), inputs)
        if words := difference(live, stored):
            found["apart"][case.name] = words
        else:
            found["same"].append(case.name)
    return found


if __name__ == "__main__":
    library, first, distance = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(compared(library, CASES[first::distance])))
