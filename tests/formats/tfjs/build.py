"""Small TensorFlow.js models, written byte by byte."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.formats.build import dense, dense_arrays, given, sequential

Arrays = dict[str, np.ndarray]
STACK = sequential(given("i", 3), dense("a", 4, activation="relu"), dense("b", 2, activation="softmax"))
ARRAYS = dense_arrays("a/", 3, 4, suffix="") | dense_arrays("b/", 4, 2, seed=1, suffix="")
X = np.array([[0.5, -1.0, 2.0], [1.0, 0.25, -0.5]])


def listed(name: str, array: np.ndarray, **more: Any) -> dict[str, Any]:
    """An array as the manifest lists it."""
    return {"name": name, "shape": list(array.shape), "dtype": "float32", **more}


def group(arrays: Arrays, *cuts: int, stem: str = "group1") -> tuple[dict[str, Any], dict[str, bytes]]:
    """A group of weights, its bytes cut into shards at these places: the entry of the manifest, and the files."""
    data = b"".join(array.astype("<f4").tobytes() for array in arrays.values())
    ends = [0, *cuts, len(data)]
    files = {f"{stem}-shard{i + 1}of{len(ends) - 1}.bin": data[ends[i] : ends[i + 1]] for i in range(len(ends) - 1)}
    return {"paths": list(files), "weights": [listed(name, array) for name, array in arrays.items()]}, files


def model_json(topology: Any, manifest: Any, **more: Any) -> bytes:
    return json.dumps({"format": "layers-model", "modelTopology": topology, "weightsManifest": manifest, **more}).encode()


def whole(topology: Any = None, arrays: Arrays | None = None, *cuts: int, **more: Any) -> dict[str, bytes]:
    """The files of a model with one group."""
    entry, files = group(ARRAYS if arrays is None else arrays, *cuts)
    return {"model.json": model_json(STACK if topology is None else topology, [entry], **more), **files}


def written(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder of these files."""
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def zipped(path: Path, files: dict[str, bytes], how: int = zipfile.ZIP_STORED, inside: str = "") -> Path:
    """A zip of these files."""
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in files.items():
            archive.writestr(inside + name, data)
    return path
