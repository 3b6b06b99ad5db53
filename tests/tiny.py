"""A model small enough to be known by heart: two inputs, Dense(2), softmax; written with h5py alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from weightlens.inputs.given import read_samples, sample_chunks
from weightlens.model import Model

KERNEL = [[1.5, -2.0], [0.25, 1.0]]
BIAS = [0.5, -1.25]


def write_tiny(path: Path, kernel: Any = KERNEL, bias: Any = BIAS, name: str = "dense", activation: str = "softmax") -> Path:
    """The model as Keras 3 writes it to HDF5."""
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, len(kernel)], "dtype": "float32"}},
        {"class_name": "Dense", "config": {"name": name, "units": len(bias), "activation": activation, "use_bias": True}},
    ]
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "3.5.0", "tensorflow"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "tiny", "layers": layers}})
        group = file.create_group(f"model_weights/{name}")
        file["model_weights"].attrs["layer_names"] = np.array([name.encode()])
        group.attrs["weight_names"] = np.array([f"{name}/kernel".encode(), f"{name}/bias".encode()])
        group[f"{name}/kernel"], group[f"{name}/bias"] = np.array(kernel, "float32"), np.array(bias, "float32")
    return path


def arrays_of(given: str, model: Model, note: Callable[[str], None] | None = None) -> list[np.ndarray]:
    """The arrays of a command line INPUT, one per input of the model."""
    return read_samples(given, model, note).arrays


def chunks_of(given: str, model: Model, size: int) -> Iterator[list[np.ndarray]]:
    """The same in chunks of ``size`` samples."""
    return (samples.arrays for samples in sample_chunks(given, model, size))
