"""The defects that are planted in networks, each with what an audit has to find: by rule, layer and weight."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.auditing.networks import Network, Rng, kernel, write
from tests.formats.build import given, layer


@dataclass
class Planted:
    """A file with a defect: the rule that has to find it, where, and which other rules may say something of it too."""

    path: Path
    rule: str
    layer: str = ""
    also: frozenset[str] = frozenset()


Plant = Callable[[Network, Path, Rng], Planted | None]  # None: this network is not such that it can have the defect
PLANTS: dict[str, list[Plant]] = {}


def plant(rule: str, *also: str) -> Callable[[Callable[[Network, Path, Rng], tuple[Path, str] | None]], Any]:
    """Enter a function that writes a file with this defect; it returns the path and the layer."""

    def enter(make: Callable[[Network, Path, Rng], tuple[Path, str] | None]) -> Any:
        def planted(net: Network, folder: Path, rng: Rng) -> Planted | None:
            made = make(net, folder, rng)
            return None if made is None else Planted(made[0], rule, made[1], frozenset(also))

        planted.__name__ = make.__name__
        PLANTS.setdefault(rule, []).append(planted)
        return make

    return enter


def save(net: Network, folder: Path, rng: Rng, kinds: tuple[str, ...] = ("a.keras", "a.h5", "b.h5")) -> Path:
    """As a ``.keras``, an ``.h5`` of Keras 3 or one of Keras 2."""
    name = str(rng.choice(kinds))
    return write(net, folder / f"model.{name.partition('.')[2]}", "2.11.0" if name.startswith("b") else "3.5.0")


def products(net: Network, least: int = 1) -> list[str]:
    """The names of the dense and convolutional layers with so many units."""
    classes = {entry["config"]["name"]: entry["class_name"] for entry in net.entries}
    return [
        name for name, arrays in net.arrays.items() if classes[name].startswith(("Dense", "Conv")) and arrays["kernel"].shape[-1] >= least
    ]


def hidden(net: Network, least: int = 2) -> list[str]:
    return [name for name in products(net, least) if name != "out"]


def with_relu(net: Network) -> list[str]:
    return [name for name in hidden(net) if net.config(name)["activation"] == "relu"]


# --- security


@plant("code-in-file")
def lambda_in_depth(net: Network, folder: Path, rng: Rng) -> tuple[Path, str] | None:
    """A Lambda with marshalled code, in the model or wrapped, in either dialect."""
    code = base64.b64encode(b"\xe3\x01\x00\x00\x00" + rng.bytes(60)).decode()
    inside = layer(
        "Lambda", "deep", function={"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}, arguments={}
    )
    if rng.random() < 0.5:
        inside = layer("Lambda", "deep", function=[code, None, None], function_type="lambda", module="__main__")
    if not net.extra and rng.random() < 0.6:
        for _ in range(int(rng.integers(1, 4))):
            inside = {"class_name": "Sequential", "config": {"name": "inner", "layers": [given("inner_x", 2), inside]}}
    net.entries.append(inside)
    return save(net, folder, rng), "deep"


@plant("code-in-file")
def module_of_python(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    name = hidden(net)[0]
    net.config(name)["kernel_initializer"] = {
        "module": str(rng.choice(["os", "subprocess", "builtins.eval", "runpy"])),
        "class_name": "system",
        "config": {"command": "x"},
    }
    if net.config(name)["kernel_initializer"]["module"].startswith("builtins"):
        net.config(name)["kernel_initializer"] = {
            "module": "builtins",
            "class_name": "function",
            "config": "eval",
            "registered_name": "function",
        }
    return save(net, folder, rng), name


@plant("pickle-in-archive")
def pickle(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    path = save(net, folder, rng, ("a.keras",))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(
            str(rng.choice(["assets/data.pkl", "optimizer.pickle", "assets/x.bin"])), b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00}\x94."
        )
    return path, ""


@plant("external-link", "unreadable", "layer-without-weight")
def link(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    path, name = save(net, folder, rng, ("a.h5", "b.h5")), "out"
    with h5py.File(path, "a") as file:
        group = file[f"model_weights/{name}/{name}"]
        del group["kernel:0"]
        if rng.random() < 0.3:
            group["kernel:0"] = h5py.ExternalLink("/etc/passwd", "/x")
        elif rng.random() < 0.5:
            group["kernel:0"] = h5py.SoftLink("/elsewhere")
        else:
            group.create_dataset("kernel:0", (3, 2), "f4", external=[("/etc/hostname", 0, 24)])
    return path, ""


@plant("path-outside")
def outside(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    if rng.random() < 0.5:
        path = save(net, folder, rng, ("a.keras",))
        with zipfile.ZipFile(path, "a") as file:
            file.writestr(str(rng.choice(["../../x.txt", "/tmp/x.txt", "assets\\..\\..\\x", "C:\\x.txt"])), b"x")
        return path, ""
    net.entries[0] = {"class_name": "InputLayer", "config": {"name": "text", "batch_input_shape": [None, 1], "dtype": "string"}}
    net.entries = [
        net.entries[0],
        layer("StringLookup", "lookup", vocabulary=str(rng.choice(["/etc/passwd", "../secret.txt"])), max_tokens=None),
    ]
    net.arrays, net.extra = {}, {}
    return save(net, folder, rng, ("a.keras",)), "lookup"


@plant("bomb", "unreadable", "weights-contradict-architecture")
def bomb(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    path = save(net, folder, rng, ("a.h5", "b.h5"))
    with h5py.File(path, "a") as file:
        group = file["model_weights/out/out"]
        del group["kernel:0"]
        group.create_dataset("kernel:0", (1 << 20, 1 << 10), "f4", chunks=(1 << 10, 1 << 10), compression="gzip")
    return path, ""


@plant("name-with-control-characters", "needs-old-keras")
def control(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    name = hidden(net)[0]
    new = name + str(rng.choice(["\x1b[31m", "\u202e", "\u200b", "\n"]))
    net.config(name)["name"] = new
    net.arrays = {new if key == name else key: value for key, value in net.arrays.items()}
    net.extra = {key: [new if one == name else one for one in value] for key, value in net.extra.items()}
    return save(net, folder, rng), ""


# --- integrity


@plant("unreadable")
def unreadable(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    path = save(net, folder, rng)
    start = [b"<!DOCTYPE html><html>", b"version https://git-lfs.github.com/spec/v1\n", rng.bytes(4000), b"", b"\x80\x04\x95abc."][
        int(rng.integers(5))
    ]
    path.write_bytes(start)
    return path, ""


@plant("truncated")
def truncated(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    path = save(net, folder, rng)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * rng.uniform(0.2, 0.98))])
    return path, ""


@plant("nan-or-infinity")
def nan(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    name = str(rng.choice(list(net.arrays)))
    key = str(rng.choice(list(net.arrays[name])))
    net.arrays[name][key].flat[int(rng.integers(net.arrays[name][key].size))] = rng.choice([np.nan, np.inf, -np.inf])
    return save(net, folder, rng), name


@plant("weights-contradict-architecture")
def contradiction(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    name = str(rng.choice(products(net)))
    shape = net.arrays[name]["kernel"].shape
    if rng.random() < 0.5:
        net.arrays[name]["kernel"] = kernel(rng, (*shape[:-2], shape[-2] + 1, shape[-1]))
    else:
        net.config(name)["units" if "units" in net.config(name) else "filters"] = shape[-1] + 1
    return save(net, folder, rng), name


@plant("weight-without-layer")
def left_over(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    path = save(net, folder, rng)
    with h5py.File(path, "a") if path.suffix == ".h5" else h5py.File.in_memory() as file:
        if path.suffix == ".h5":
            file["model_weights/left/over/kernel:0"] = kernel(rng, (4, 5))
            names = [*file["model_weights"].attrs["layer_names"], b"left"]
            file["model_weights"].attrs["layer_names"] = np.array(names)
            file["model_weights/left"].attrs["weight_names"] = np.array([b"over/kernel:0"])
            return path, ""
    more = net.copy()
    number = sum(entry["class_name"] == "Dense" for entry in net.entries)
    from tests.auditing.networks import dense, write_archive

    dense(rng, more, "left", 4, 5)
    write_archive(more, path)
    with zipfile.ZipFile(path) as old:
        weights = old.read("model.weights.h5")
    write_archive(net, path)
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()} | {"model.weights.h5": weights}
    with zipfile.ZipFile(path, "w") as new:
        for name, data in members.items():
            new.writestr(name, data)
    return (path, "") if number else None


@plant("layer-without-weight")
def lacking(net: Network, folder: Path, rng: Rng) -> tuple[Path, str] | None:
    name = str(rng.choice([one for one in products(net) if "bias" in net.arrays[one]]))
    if rng.random() < 0.5:
        del net.arrays[name]["bias"]
        return save(net, folder, rng), name
    net.arrays["out"] = {}
    return save(net, folder, rng, ("a.keras",)), "out"


@plant("unknown-option")
def option(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    name = str(rng.choice(products(net)))
    net.config(name)[str(rng.choice(["activaton", "kernel_sze", "my_setting"]))] = "relu"
    return save(net, folder, rng), name


@plant("needs-old-keras")
def old(net: Network, folder: Path, rng: Rng) -> tuple[Path, str] | None:
    rnn = next((entry for entry in net.entries if entry["class_name"] in ("LSTM", "GRU", "SimpleRNN")), None)
    if rnn is not None:
        rnn["config"]["time_major"] = False
    elif rng.random() < 0.5:
        if any(entry["class_name"] == "BatchNormalization" for entry in net.entries):
            return None  # statistics of a relu make of numbers from 0 to 1 units that are really dead
        net.config(hidden(net)[0])["activation"] = "hard_sigmoid"
    else:
        net.entries.insert(-1, layer("ThresholdedReLU", "threshold", theta=0.1))
        if net.extra:
            return None
    return save(net, folder, rng, ("b.h5",)), ""


# --- health


@plant("untrained")
def fresh(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    """One layer, or all, as they were made."""
    classes = {entry["config"]["name"]: entry["class_name"] for entry in net.entries}
    names = (
        list(net.arrays)
        if rng.random() < 0.5
        else [str(rng.choice([n for n in products(net) if "bias" in net.arrays[n] and n != "out"] or ["out"]))]
    )
    for name in names:
        for key, array in net.arrays[name].items():
            values = first_values(rng, net.config(name), classes[name], key, array.shape)
            if (
                key == "kernel" and name != "rnn" and values[..., 0].size > 4
            ):  # a column without a positive number is a unit that is really dead
                values = np.where(values.reshape(-1, values.shape[-1]).max(axis=0) <= 0, -values, values)
            net.arrays[name][key] = values
    return save(net, folder, rng), names[-1]


def first_values(rng: Rng, config: dict[str, Any], class_name: str, key: str, shape: tuple[int, ...]) -> np.ndarray:
    if key == "bias" and class_name == "LSTM":
        units = shape[0] // 4
        return np.concatenate([np.zeros(units), np.ones(units), np.zeros(2 * units)]).astype("f4")
    if key in ("bias", "beta", "moving_mean"):
        return np.zeros(shape, "f4")
    if key in ("gamma", "moving_variance"):
        return np.ones(shape, "f4")
    if key == "recurrent_kernel":
        return orthogonal(rng, shape)
    if key == "embeddings":
        return rng.uniform(-0.05, 0.05, shape).astype("f4")
    if class_name in ("LSTM", "GRU", "SimpleRNN"):
        return drawn(rng, "GlorotUniform", shape)
    name = str(
        rng.choice(
            [
                "GlorotUniform",
                "HeNormal",
                "LecunNormal",
                "GlorotNormal",
                "HeUniform",
                "RandomNormal",
                "RandomUniform",
                "TruncatedNormal",
                "Orthogonal",
            ]
        )
    )
    settings = {
        "RandomNormal": {"mean": 0.0, "stddev": 0.02},
        "RandomUniform": {"minval": -0.1, "maxval": 0.1},
        "TruncatedNormal": {"mean": 0.0, "stddev": 0.03},
        "Orthogonal": {"gain": 1.0},
    }
    config["kernel_initializer"] = {"class_name": name, "config": settings.get(name, {})}
    return orthogonal(rng, shape) if name == "Orthogonal" else drawn(rng, name, shape)


def orthogonal(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    flat = (int(np.prod(shape[:-1])), shape[-1])
    q, r = np.linalg.qr(rng.normal(size=(max(flat), min(flat))))
    q *= np.sign(np.diag(r))
    return (q.T if flat[0] < flat[1] else q).reshape(shape).astype("f4")


def drawn(rng: Rng, name: str, shape: tuple[int, ...]) -> np.ndarray:
    fan_in, fan_out = np.prod(shape[:-1]), np.prod(shape[:-2]) * shape[-1]
    scale, fan = {"Gl": (1, (fan_in + fan_out) / 2), "He": (2, fan_in), "Le": (1, fan_in)}.get(name[:2], (0, 1))
    if name.endswith("Uniform"):
        limit = 0.1 if name == "RandomUniform" else np.sqrt(3 * scale / fan)
        return rng.uniform(-limit, limit, shape).astype("f4")
    deviation = {"RandomNormal": 0.02, "TruncatedNormal": 0.03}.get(name) or np.sqrt(scale / fan) / 0.87962566103423978
    values = rng.normal(size=shape)
    while name != "RandomNormal" and (beyond := np.abs(values) > 2).any():
        values[beyond] = rng.normal(size=beyond.sum())
    return (values * deviation).astype("f4")


@plant("dead-unit", "low-rank")
def dead(net: Network, folder: Path, rng: Rng) -> tuple[Path, str] | None:
    names = with_relu(net)
    if not names:
        return None
    name = str(rng.choice(names))
    unit = int(rng.integers(net.arrays[name]["bias"].size))
    if rng.random() < 0.5:
        net.arrays[name]["kernel"][..., unit] = 0
        net.arrays[name]["bias"][unit] = -abs(net.arrays[name]["bias"][unit])
    else:
        net.arrays[name]["bias"][unit] = -1e7
    return save(net, folder, rng), name


@plant("no-effect-unit")
def no_effect(net: Network, folder: Path, rng: Rng) -> tuple[Path, str] | None:
    pairs = [
        (a, b)
        for a, b in (("hidden", "out"), ("conv_1", "conv_2"), ("hidden_0", "hidden_1"), ("conv_2", "hidden"), ("first", "hidden"))
        if a in net.arrays and b in net.arrays
    ]
    pairs = [
        (a, b)
        for a, b in pairs
        if not net.extra and "hidden_2" not in net.arrays and net.arrays[b]["kernel"].shape[-2] % net.arrays[a]["kernel"].shape[-1] == 0
    ]
    if not pairs:
        return None
    first, second = pairs[int(rng.integers(len(pairs)))]
    units = net.arrays[first]["kernel"].shape[-1]
    net.arrays[second]["kernel"][..., int(rng.integers(units)) :: units, :] = 0
    return save(net, folder, rng), first


@plant("duplicate-units", "low-rank")
def duplicates(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    name = "rnn" if "rnn" in net.arrays and rng.random() < 0.5 else str(rng.choice(hidden(net)))
    units = net.config(name)["units"] if name == "rnn" else net.arrays[name]["kernel"].shape[-1]
    a, b = rng.choice(units, 2, replace=False)
    for array in net.arrays[name].values():
        of_gates = array.reshape(-1, units)  # the same numbers
        of_gates[:, b] = of_gates[:, a]
    return save(net, folder, rng), name


@plant("constant-output", "no-effect-unit", "not-compressed")
def constant(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    net.arrays["out"]["kernel"][:] = 0
    return save(net, folder, rng), "out"


@plant("spike", "int8-loss", "low-rank", "vanishing-or-exploding", "spectral-tail")
def spike(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    name = str(rng.choice([one for one in products(net) if net.arrays[one]["kernel"].size >= 24]))
    array = net.arrays[name]["kernel"]
    array.flat[int(rng.integers(array.size))] = rng.choice([-1, 1]) * rng.uniform(60, 1000) * np.abs(array).max()
    return save(net, folder, rng), name


@plant("vanishing-or-exploding", "dead-unit")
def exploding(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    name = str(rng.choice(products(net)))
    net.arrays[name]["kernel"] *= np.float32(rng.choice([1e-5, 1e-4, 200.0, 1e4]))
    return save(net, folder, rng), name


@plant("low-rank", "duplicate-units", "spectral-tail")
def low_rank(net: Network, folder: Path, rng: Rng) -> tuple[Path, str] | None:
    names = [
        name for name in products(net) if min(np.prod(net.arrays[name]["kernel"].shape[:-1]), net.arrays[name]["kernel"].shape[-1]) >= 12
    ]
    if not names:
        return None
    name = str(rng.choice(names))
    shape = net.arrays[name]["kernel"].shape
    rows = int(np.prod(shape[:-1]))
    made = rng.normal(size=(rows, 2)) @ rng.normal(size=(2, shape[-1])) + 1e-3 * rng.normal(size=(rows, shape[-1]))
    net.arrays[name]["kernel"] = (made * 0.3 / np.sqrt(rows)).reshape(shape).astype("f4")
    return save(net, folder, rng), name


@plant("spectral-tail", "low-rank", "vanishing-or-exploding", "spike", "int8-loss")
def heavy_tail(net: Network, folder: Path, rng: Rng) -> tuple[Path, str] | None:
    if "first" not in net.arrays or net.extra:
        return None
    shape = net.arrays["hidden"]["kernel"].shape
    u, _, v = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    values = np.sort((1 - (np.arange(shape[1]) + 0.5) / shape[1]) ** (-1 / 0.4))[::-1]  # quantiles of a Pareto law with alpha 1.4
    net.arrays["hidden"]["kernel"] = (u * np.sqrt(values / values.sum()) @ v * 2).astype("f4")
    return save(net, folder, rng), "hidden"


@plant("not-compressed", "dead-unit")
def pruned(net: Network, folder: Path, rng: Rng) -> tuple[Path, str] | None:
    if "first" not in net.arrays or net.extra:
        return None
    for name in ("first", "hidden"):
        array = net.arrays[name]["kernel"]
        array[rng.random(array.shape) < rng.uniform(0.75, 0.8)] = 0
        array[0, np.abs(array).max(axis=0) == 0] = 0.1
        array[np.abs(array).max(axis=1) == 0, 0] = 0.1
    return save(net, folder, rng), ""


@plant("int8-loss")
def int8(net: Network, folder: Path, rng: Rng) -> tuple[Path, str] | None:
    if "first" not in net.arrays or net.extra:
        return None
    array = net.arrays["hidden"]["kernel"]
    array[:] = 0.05 * rng.normal(size=array.shape)
    array[rng.integers(len(array), size=array.shape[1]), np.arange(array.shape[1])] = 2.0 * rng.choice([-1, 1], array.shape[1])
    return save(net, folder, rng), "hidden"


@plant("optimizer-state-left")
def optimizer(net: Network, folder: Path, rng: Rng) -> tuple[Path, str]:
    net.optimizer = {f"{name}_{key}_m": np.zeros_like(array) for name, arrays in net.arrays.items() for key, array in arrays.items()}
    return save(net, folder, rng), ""
