"""TensorFlow.js itself as a witness, under Node; see ``witness.mjs``. It is installed with the readers of workbooks."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from tests.workbook.readers import FOLDER

SCRIPT = Path(__file__).resolve().parent / "witness.mjs"


def run(task: str, place: Path) -> str:
    """What the script prints."""
    command = ["node", str(SCRIPT), str(FOLDER), task, str(place)]
    return subprocess.run(command, check=True, capture_output=True, timeout=600, text=True).stdout


def array(said: dict[str, Any]) -> np.ndarray:
    """An array as the script writes it."""
    return np.array(said["values"], float).reshape(said["shape"])


def made(folder: Path) -> dict[str, tuple[list[np.ndarray], list[np.ndarray]]]:
    """Models that TensorFlow.js built and saved in folders of these names: the inputs, and the outputs that it computes."""
    run("make", folder)
    found = {path.parent.name: json.loads(path.read_text()) for path in sorted(folder.glob("*/io.json"))}
    return {name: ([array(x) for x in said["inputs"]], [array(y) for y in said["outputs"]]) for name, said in found.items()}


def predictions(jobs: list[tuple[Path, list[np.ndarray]]], scratch: Path) -> list[list[np.ndarray] | str]:
    """What TensorFlow.js computes with each ``model.json``; why it cannot, in words."""
    given = [[str(path), [{"shape": x.shape, "values": x.ravel().tolist()} for x in inputs]] for path, inputs in jobs]
    (scratch / "jobs.json").write_text(json.dumps(given))
    said = json.loads(run("predict", scratch / "jobs.json").splitlines()[-1])
    return [one["failed"] if isinstance(one, dict) else [array(y) for y in one] for one in said]
