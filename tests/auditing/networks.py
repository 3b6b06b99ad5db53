"""Small networks of many kinds, drawn so that they look trained, and written as Keras 2 and 3 write them; without Keras."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.formats.build import archive, functional, given, layer, legacy, node, sequential
from weightlens.formats.weights.objects import snake_case

Rng = np.random.Generator
Entry = dict[str, Any]


@dataclass
class Network:
    """The layers of a network in order (each takes the one before, but for the ``extra`` inputs of a merge), and their arrays."""

    entries: list[Entry]
    arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    extra: dict[str, list[str]] = field(default_factory=dict)  # a merge's inputs by its name
    optimizer: dict[str, np.ndarray] = field(default_factory=dict)

    def copy(self) -> Network:
        return copy.deepcopy(self)

    def config(self, name: str) -> Entry:
        return next(entry["config"] for entry in self.entries if entry["config"]["name"] == name)

    def architecture(self) -> Entry:
        if not self.extra:
            return sequential(*self.entries)
        names = [entry["config"]["name"] for entry in self.entries]
        nodes = [
            node(entry, *([[[before, 0, 0, {}] for before in self.extra.get(name, names[i - 1 : i])]] if i else []))
            for i, (entry, name) in enumerate(zip(self.entries, names, strict=True))
        ]
        return functional(nodes, [[names[0], 0, 0]], [[names[-1], 0, 0]])


def dense(rng: Rng, net: Network, name: str, rows: int, units: int, activation: str = "relu", **config: Any) -> None:
    settings = {"units": units, "activation": activation, "use_bias": True, "kernel_initializer": "glorot_uniform", **config}
    net.entries.append(layer("Dense", name, **settings))
    net.arrays[name] = {"kernel": kernel(rng, (rows, units))}
    if settings["use_bias"]:
        net.arrays[name]["bias"] = bias(rng, units)


def conv(rng: Rng, net: Network, name: str, size: int, rows: int, filters: int, rank: int = 2, **config: Any) -> None:
    settings = {"filters": filters, "kernel_size": [size] * rank, "activation": "relu", "use_bias": True, "padding": "same", **config}
    net.entries.append(layer(f"Conv{rank}D", name, **settings))
    net.arrays[name] = {"kernel": kernel(rng, (*[size] * rank, rows, filters))}
    if settings["use_bias"]:
        net.arrays[name]["bias"] = bias(rng, filters)


def norm(rng: Rng, net: Network, name: str, units: int) -> None:
    net.entries.append(layer("BatchNormalization", name, axis=-1, epsilon=1e-3, center=True, scale=True, momentum=0.99))
    net.arrays[name] = {
        "gamma": (1 + 0.2 * rng.normal(size=units)).astype("f4"), "beta": bias(rng, units),
        "moving_mean": (0.3 * rng.normal(size=units)).astype("f4"), "moving_variance": rng.uniform(0.3, 3, units).astype("f4"),
    }  # fmt: skip


def kernel(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """As a fresh Glorot kernel that has been trained for a while."""
    limit = np.sqrt(6 / (np.prod(shape[:-2]) * (shape[-2] + shape[-1])))
    return (rng.uniform(-limit, limit, shape) + rng.choice([0.1, 0.3, 0.8]) * limit * rng.normal(size=shape)).astype("f4")


def bias(rng: Rng, units: int) -> np.ndarray:
    return (rng.choice([0.01, 0.05, 0.2]) * rng.normal(size=units)).astype("f4")


def some(rng: Rng, *sizes: int) -> int:
    return int(rng.choice(sizes))


def mlp(rng: Rng) -> Network:
    rows = some(rng, 2, 3, 5, 8, 20, 40)
    net = Network([given("x", rows)])
    for i in range(some(rng, 1, 2, 3)):
        units = some(rng, 6, 8, 16, 24, 48)
        dense(rng, net, f"hidden_{i}", rows, units, str(rng.choice(["relu", "relu", "tanh", "elu", "gelu"])))
        if rng.random() < 0.3:
            net.entries.append(layer("Dropout", f"dropout_{i}", rate=0.2))
        rows = units
    dense(rng, net, "out", rows, some(rng, 2, 3, 10), "softmax")
    return net


def mlp_norm(rng: Rng) -> Network:
    rows, units = some(rng, 4, 10, 30), some(rng, 8, 16, 32)
    net = Network([given("x", rows)])
    dense(rng, net, "hidden", rows, units, "linear", use_bias=bool(rng.random() < 0.5))
    norm(rng, net, "norm", units)
    net.entries.append(layer("Activation", "act", activation="relu"))
    dense(rng, net, "hidden_2", units, 12, "relu")
    dense(rng, net, "out", 12, 1, str(rng.choice(["sigmoid", "linear"])))
    return net


def cnn(rng: Rng) -> Network:
    channels, a, b = some(rng, 1, 3), some(rng, 4, 8, 16), some(rng, 8, 16, 32)
    net = Network([given("image", 8, 8, channels)])
    conv(rng, net, "conv_1", 3, channels, a)
    net.entries.append(layer("MaxPooling2D", "pool", pool_size=[2, 2], strides=[2, 2], padding="valid"))
    conv(rng, net, "conv_2", 3, a, b)
    net.entries.append(layer("Flatten", "flat"))
    dense(rng, net, "hidden", 16 * b, 16, "relu")
    dense(rng, net, "out", 16, 10, "softmax")
    return net


def cnn_norm(rng: Rng) -> Network:
    a, b = some(rng, 8, 16), some(rng, 16, 32)
    net = Network([given("image", 8, 8, 3)])
    conv(rng, net, "conv_1", 3, 3, a, activation="linear", use_bias=False)
    norm(rng, net, "norm_1", a)
    net.entries.append(layer("ReLU", "relu_1", max_value=None, negative_slope=0.0, threshold=0.0))
    conv(rng, net, "conv_2", 3, a, b, activation="linear", use_bias=False)
    norm(rng, net, "norm_2", b)
    net.entries.append(layer("Activation", "relu_2", activation="relu"))
    net.entries.append(layer("GlobalAveragePooling2D", "mean"))
    dense(rng, net, "hidden", b, 12, "relu")
    dense(rng, net, "out", 12, 5, "softmax")
    return net


def conv1d(rng: Rng) -> Network:
    a = some(rng, 8, 16)
    net = Network([given("series", 20, 4)])
    conv(rng, net, "conv_1", 3, 4, a, 1)
    conv(rng, net, "conv_2", 5, a, 12, 1)
    net.entries.append(layer("GlobalMaxPooling1D", "largest"))
    dense(rng, net, "hidden", 12, 8)
    dense(rng, net, "out", 8, 3, "softmax")
    return net


def recurrent(rng: Rng) -> Network:
    kind, units, rows = str(rng.choice(["LSTM", "GRU", "SimpleRNN"])), some(rng, 4, 8, 16), some(rng, 2, 6)
    gates = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}[kind]
    net = Network([given("series", 10, rows)])
    words = bool(rng.random() < 0.4)
    if words:
        net = Network([given("words", 10), layer("Embedding", "embedding", input_dim=50, output_dim=rows)])
        net.arrays["embedding"] = {"embeddings": (0.3 * rng.normal(size=(50, rows))).astype("f4")}
    settings = {"units": units, "activation": "tanh", "use_bias": True}
    settings |= {} if kind == "SimpleRNN" else {"recurrent_activation": "sigmoid"}
    settings |= {"unit_forget_bias": True} if kind == "LSTM" else {"reset_after": True} if kind == "GRU" else {}
    net.entries.append(layer(kind, "rnn", **settings))
    net.arrays["rnn"] = {
        "kernel": kernel(rng, (rows, gates * units)), "recurrent_kernel": kernel(rng, (units, gates * units)),
        "bias": bias(rng, gates * units) if kind != "GRU" else np.stack([bias(rng, 3 * units), bias(rng, 3 * units)]),
    }  # fmt: skip
    dense(rng, net, "hidden", units, 8)
    dense(rng, net, "out", 8, 2, "softmax")
    return net


def residual(rng: Rng) -> Network:
    rows, units = some(rng, 5, 10), some(rng, 8, 16, 24)
    net = Network([given("x", rows)])
    dense(rng, net, "first", rows, units)
    dense(rng, net, "second", units, units)
    dense(rng, net, "third", units, units)
    net.entries.append(layer("Add", "add"))
    net.extra["add"] = ["first", "third"]
    dense(rng, net, "hidden", units, 8)
    dense(rng, net, "out", 8, 3, "softmax")
    return net


def wide(rng: Rng) -> Network:
    net = Network([given("x", 20)])
    dense(rng, net, "first", 20, 512)
    dense(rng, net, "hidden", 512, some(rng, 64, 96))
    dense(rng, net, "out", net.config("hidden")["units"], 10, "softmax")
    return net


def without_accidents(net: Network) -> Network:
    """The network without a column of one sign, which after a relu would be a dead unit by chance."""
    for name, arrays in net.arrays.items():
        if name != "rnn" and "kernel" in arrays:
            flat = arrays["kernel"].reshape(-1, arrays["kernel"].shape[-1])
            flat[np.abs(flat).argmax(axis=0), np.arange(flat.shape[1])] = np.abs(flat).max(axis=0)
    return net


KINDS: tuple[Callable[[Rng], Network], ...] = (mlp, mlp_norm, cnn, cnn_norm, conv1d, recurrent, residual, wide)


def write(net: Network, path: Path, version: str = "3.5.0") -> Path:
    """The network as a file; ``.keras`` of Keras 3, else ``.h5``."""
    return write_archive(net, path) if path.suffix == ".keras" else write_hdf5(net, path, version)


def write_archive(net: Network, path: Path) -> Path:
    counts: dict[str, int] = defaultdict(int)
    stored = {f"optimizer/vars/{i}": array for i, array in enumerate(net.optimizer.values())}
    for entry in net.entries:
        name = snake_case(entry["class_name"])
        if entry["class_name"] != "InputLayer" or net.extra:
            number = counts[name]
            counts[name] += 1
            inside = "/cell" if entry["class_name"] in ("LSTM", "GRU", "SimpleRNN") else ""
            for i, array in enumerate(net.arrays.get(entry["config"]["name"], {}).values()):
                stored[f"layers/{name}{f'_{number}' if number else ''}{inside}/vars/{i}"] = array
    return archive(path, net.architecture() | {"module": "keras", "registered_name": None}, stored)


def write_hdf5(net: Network, path: Path, version: str) -> Path:
    groups = {entry["config"]["name"]: {} for entry in net.entries}
    for name, arrays in net.arrays.items():
        groups[name] = {f"{name}/{key}:0": array for key, array in arrays.items()}
    legacy(path, net.architecture(), groups, version)
    if net.optimizer:
        with h5py.File(path, "a") as file:
            for name, array in net.optimizer.items():
                file[f"optimizer_weights/{name}"] = array
    return path
