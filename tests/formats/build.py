"""Small model files in every layout that Keras has had, written with h5py alone."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Arrays = dict[str, np.ndarray]


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    """Random float32 weights, the same for the same shape and seed."""
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def zeros_packed(megabytes: int) -> bytes:
    """So many megabytes of zeros, packed a thousandfold: the first of them, so many times."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    piece = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = (megabytes * 2**20 % 65521) << 16 | 1
    return b"\x78\xda" + megabytes * piece + packer.flush() + checksum.to_bytes(4, "big")


def layer(class_name: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": name, "trainable": True, "dtype": "float32", **config}}


def given(name: str, *shape: int | None, key: str = "batch_input_shape", dtype: str = "float32") -> dict[str, Any]:
    return {"class_name": "InputLayer", "config": {"name": name, key: [None, *shape], "dtype": dtype}}


def sequential(*layers: dict[str, Any], name: str = "sequential", aslist: bool = False) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": list(layers) if aslist else {"name": name, "layers": list(layers)}}


def functional(layers: list[dict[str, Any]], inputs: Any, outputs: Any, name: str = "model", **extra: Any) -> dict[str, Any]:
    config = {"name": name, "layers": layers, "input_layers": inputs, "output_layers": outputs}
    return {"class_name": "Functional", "config": config, **extra}


def node(entry: dict[str, Any], *inbound: Any, **extra: Any) -> dict[str, Any]:
    """A layer of a functional model with its inbound nodes."""
    return {**entry, "name": entry["config"]["name"], "inbound_nodes": list(inbound), **extra}


def tensor(name: str, call: int = 0, index: int = 0, dtype: str = "float32") -> dict[str, Any]:
    """A tensor as Keras 3 writes it."""
    return {"class_name": "__keras_tensor__", "config": {"shape": [None, 4], "dtype": dtype, "keras_history": [name, call, index]}}


def names_attribute(group: h5py.Group, key: str, names: list[str], pieces: int = 1) -> None:
    """A list of names as Keras stores it, cut into pieces where it would be too long."""
    texts = np.array([name.encode() for name in names]) if names else np.array([])
    if pieces == 1:
        group.attrs[key] = texts
    for number, piece in enumerate(np.array_split(texts, pieces) if pieces > 1 else []):
        group.attrs[f"{key}{number}"] = piece


def write_groups(root: h5py.Group, groups: dict[str, Arrays], pieces: int = 1) -> None:
    """A group per layer, its arrays listed in ``weight_names``: Keras 1 and 2, and the ``.h5`` of Keras 3."""
    names_attribute(root, "layer_names", list(groups), pieces)
    for name in sorted(groups):
        group = root.require_group(name)
        names_attribute(group, "weight_names", list(groups[name]))
        for path, array in groups[name].items():
            group[path] = array


def legacy(
    path: Path, config: Any, groups: dict[str, Arrays], version: str = "2.11.0", backend: str = "tensorflow", pieces: int = 1
) -> Path:
    """A whole model in HDF5; without ``config`` the weights alone."""
    with h5py.File(path, "w") as file:
        root = file if config is None else file.create_group("model_weights")
        for place in {file, root}:
            place.attrs.update({key: value for key, value in (("keras_version", version), ("backend", backend)) if value})
        if config is not None:
            file.attrs["model_config"] = config if isinstance(config, str) else json.dumps(config)
        write_groups(root, groups, pieces)
    return path


def objects(target: Any, arrays: Arrays, names: dict[str, str] | None = None) -> None:
    """Numbered variables by object path (``layers/dense/vars/0``): Keras 3's own layout."""
    with h5py.File(target, "w") as file:
        for path, array in arrays.items():
            file[path] = array
        for path, name in (names or {}).items():
            file.require_group(f"{path}/vars").attrs["name"] = name


def archive(path: Path, config: Any, arrays: Arrays, version: str = "3.15.1", names: dict[str, str] | None = None, compress: bool = False,
            extra: dict[str, str] | None = None) -> Path:  # fmt: skip
    """A ``.keras`` file."""
    weights = io.BytesIO()
    objects(weights, arrays, names)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED) as file:
        file.writestr("metadata.json", json.dumps({"keras_version": version, "date_saved": "2026-01-02@03:04:05"}))
        file.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
        file.writestr("model.weights.h5", weights.getvalue())
        for name, text in (extra or {}).items():
            file.writestr(name, text)
    return path


def dense(name: str, units: int, **config: Any) -> dict[str, Any]:
    return layer("Dense", name, **{"units": units, "activation": "linear", "use_bias": True, **config})


def dense_arrays(prefix: str, rows: int, units: int, seed: int = 0, suffix: str = ":0") -> Arrays:
    return {f"{prefix}kernel{suffix}": numbers(rows, units, seed=seed), f"{prefix}bias{suffix}": numbers(units, seed=seed)}


def numbered(prefix: str, *arrays: np.ndarray) -> Arrays:
    return {f"{prefix}/vars/{number}": array for number, array in enumerate(arrays)}
