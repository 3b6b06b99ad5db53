"""Networks of many kinds calculated in plain NumPy, with one mistake of a family on the way, or in float32 with its sums in any order.

``networks`` makes the files with Keras; ``calculate`` is a person with a calculator: it shares nothing with weightlens's own arithmetic
(it reads the numbers and settings of a file through ``weightlens.model`` and computes by itself).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from weightlens.model import Layer, Model

Steps = dict[tuple[str, str], np.ndarray]
FAMILIES = {  # what is made, and the kinds of explanation that name it
    "no bias": {"no bias"}, "activation left out": {"activation left out"}, "sigmoid for hard_sigmoid": {"another activation"},
    "hard_sigmoid for sigmoid": {"another activation"}, "another epsilon": {"another epsilon"},
    "epsilon outside": {"epsilon outside the root"},
    "batch statistics": {"batch statistics"}, "n-1": {"variance over n - 1", "batch statistics"},
    "symmetric padding": {"symmetric padding"},
    "halves swapped": {"halves exchanged"}, "the other gelu": {"another activation"}, "another slope": {"another slope"},
    "dropout applied": {"dropout applied"}, "1/256": {"another scale"}, "percent": {"percent"}, "reset gate": {"reset gate"},
    "one bias": {"one bias of the GRU"}, "mask ignored": {"mask ignored"}, "word one off": {"word numbers one off"},
    "not scaled": {"scores not scaled"}, "another axis": {"softmax over the wrong axis"},
    "queries' axis": {"softmax over the wrong axis"},
}  # fmt: skip


@dataclass
class Person:
    """Somebody who calculates: the mistake (a family, and a choice within it), the precision, the order of sums."""

    mistake: str = ""
    choice: int = 0
    dtype: Any = np.float64
    order: np.random.Generator | None = None
    steps: Steps = field(default_factory=dict)

    def product(self, x: Any, w: Any) -> Any:
        """``x . w``, the terms in any order, one after the other or by NumPy's own product."""
        if self.order is None:
            return x @ w
        order = self.order.permutation(x.shape[-1])
        x, w = x[..., order], w[order]
        if self.order.integers(2):
            return x @ w
        total = np.zeros((*x.shape[:-1], w.shape[-1]), self.dtype)
        for k in range(x.shape[-1]):
            total = total + x[..., k, None] * w[k]
        return total

    def weight(self, layer: Layer, name: str) -> Any:
        return layer.weights[name].value.astype(self.dtype)

    def makes(self, mistake: str) -> bool:
        return self.mistake == mistake


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(z: Any, axis: int = -1) -> Any:
    e = np.exp(z - z.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def erf(x: Any) -> Any:
    return np.vectorize(math.erf)(x).astype(x.dtype)


def gelu(z: Any, by_tanh: bool) -> Any:
    return z / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))) if by_tanh else z / 2 * (1 + erf(z / math.sqrt(2)))


def activated(z: Any, named: Any, person: Person) -> Any:
    """The activation, or the one taken for it."""
    name = named["config"]["name"] if isinstance(named, dict) and "name" in named.get("config", {}) else named
    if name == "hard_sigmoid":
        return sigmoid(z) if person.makes("sigmoid for hard_sigmoid") else np.clip(z / 6 + 0.5, 0, 1).astype(z.dtype)
    if name == "sigmoid" and person.makes("hard_sigmoid for sigmoid"):
        return np.clip(z / 6 + 0.5, 0, 1)
    if name == "gelu":
        return gelu(z, person.makes("the other gelu"))
    if name == "relu":
        return z if person.makes("activation left out") else np.maximum(z, 0)
    if name == "leaky_relu":
        slope = (0.01, 0.3)[person.choice % 2] if person.makes("another slope") else 0.2
        return np.where(z > 0, z, np.asarray(slope, z.dtype) * z)
    return {"linear": lambda v: v, "sigmoid": sigmoid, "softmax": softmax, "tanh": np.tanh, "softplus": lambda v: np.log1p(np.exp(v))}[
        name
    ](z)


def dense(layer: Layer, x: Any, person: Person) -> Any:
    z = person.product(x, person.weight(layer, "kernel"))
    person.steps[layer.name, "dot product"] = z
    if not (person.makes("no bias") and layer.name == "out"):
        z = z + person.weight(layer, "bias")
    person.steps[layer.name, "pre-activation"] = z
    last = layer.name == "out" and layer.config["activation"] in ("sigmoid", "softmax")
    y = softmax(z, 0) if last and person.makes("another axis") else activated(z, layer.config["activation"], person)
    person.steps[layer.name, "activation"] = y = 100 * y if last and person.makes("percent") else y
    return y


def conv(layer: Layer, x: Any, person: Person) -> Any:
    """Any rank, padding ``same``."""
    kernel, rank = person.weight(layer, "kernel"), x.ndim - 2
    windows, shape = taken(layer, x, kernel.shape[:rank], layer.config["strides"], person, 0.0)
    z = person.product(windows.reshape(*shape, -1), kernel.reshape(-1, kernel.shape[-1])) + person.weight(layer, "bias")
    person.steps[layer.name, "pre-activation"] = z
    person.steps[layer.name, "activation"] = y = activated(z, layer.config["activation"], person)
    return y


def taken(layer: Layer, x: Any, size: Any, strides: Any, person: Person, fill: float) -> tuple[Any, Any]:
    """Every window of the padded input, flat: TensorFlow's margins, or PyTorch's."""
    out = [-(-n // s) for n, s in zip(x.shape[1:-1], strides, strict=True)]
    total = [max((o - 1) * s + k - n, 0) for o, s, k, n in zip(out, strides, size, x.shape[1:-1], strict=True)]
    before = (
        [t - t // 2 if k % 2 == 0 else (k - 1) // 2 for t, k in zip(total, size, strict=True)]
        if person.makes("symmetric padding")
        else [t // 2 for t in total]
    )
    wide = np.pad(x, [(0, 0), *((b, k + t) for b, k, t in zip(before, size, total, strict=True)), (0, 0)], constant_values=fill)
    rows = []
    for place in np.ndindex(*out):
        cut = tuple(slice(p * s, p * s + k) for p, s, k in zip(place, strides, size, strict=True))
        rows.append(wide[(slice(None), *cut)].reshape(len(x), -1, x.shape[-1]))
    return np.stack(rows, 1), (len(x), *out)


def pool(layer: Layer, x: Any, person: Person) -> Any:
    windows, shape = taken(layer, x, layer.config["pool_size"], layer.config["strides"], person, -np.inf)
    return windows.max(2).reshape(*shape, x.shape[-1])


def batch_norm(layer: Layer, x: Any, person: Person) -> Any:
    mean, variance = person.weight(layer, "moving_mean"), person.weight(layer, "moving_variance")
    if person.makes("batch statistics") or person.makes("n-1"):
        mean, variance = x.mean(0), x.var(0, ddof=int(person.makes("n-1")))
    y = (x - mean) / deviation(layer, variance, person) * person.weight(layer, "gamma") + person.weight(layer, "beta")
    person.steps[layer.name, "output"] = y
    return y


def layer_norm(layer: Layer, x: Any, person: Person) -> Any:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True, ddof=int(person.makes("n-1")))
    y = (x - mean) / deviation(layer, variance, person) * person.weight(layer, "gamma") + person.weight(layer, "beta")
    person.steps[layer.name, "output"] = y
    return y


def deviation(layer: Layer, variance: Any, person: Person) -> Any:
    epsilon = layer.config["epsilon"]
    if person.makes("epsilon outside"):
        return np.sqrt(variance) + epsilon
    return np.sqrt(variance + ((1e-5, 1e-6, 0.0)[person.choice % 3] if person.makes("another epsilon") else epsilon))


def recurrent(layer: Layer, x: Any, person: Person, mask: Any = None, prefix: str = "", inner: Layer | None = None) -> Any:
    """SimpleRNN, LSTM and GRU: all outputs, one a time step."""
    core = inner or layer
    config, kind, units = core.config, core.class_name, core.config["units"]
    kernel, own, bias = (person.weight(layer, prefix + name) for name in ("kernel", "recurrent_kernel", "bias"))
    h = c = np.zeros((len(x), units), person.dtype)
    outputs = []
    for t in reversed(range(x.shape[1])) if config.get("go_backwards") else range(x.shape[1]):
        if kind == "GRU":
            new, after = gru_step(x[:, t], h, kernel, own, bias, config, person), c
        elif kind == "LSTM":
            new, after = lstm_step(x[:, t], h, c, kernel, own, bias, config, person)
        else:
            new, after = np.tanh(person.product(np.concatenate([x[:, t], h], 1), np.concatenate([kernel, own])) + bias), c
        real = np.ones((len(x), 1), bool) if mask is None or person.makes("mask ignored") else mask[:, t : t + 1]
        h, c = np.where(real, new, h), np.where(real, after, c)
        outputs.append(h)
    return np.stack(outputs, 1)


def lstm_step(x: Any, h: Any, c: Any, kernel: Any, own: Any, bias: Any, config: Any, person: Person) -> tuple[Any, Any]:
    z = person.product(np.concatenate([x, h], 1), np.concatenate([kernel, own])) + bias
    i, f, g, o = np.split(z, 4, 1)
    i, f, o = (activated(v, config["recurrent_activation"], person) for v in (i, f, o))
    c = f * c + i * np.tanh(g)
    return o * np.tanh(c), c


def gru_step(x: Any, h: Any, kernel: Any, own: Any, bias: Any, config: Any, person: Person) -> Any:
    n, after = config["units"], config["reset_after"] != person.makes("reset gate")
    first, second = (bias[0], bias[1]) if bias.ndim == 2 else (bias, np.zeros_like(bias))
    if person.makes("one bias"):
        first, second = (first, 0 * second) if person.choice % 2 else (0 * first, second)
    a, b = person.product(x, kernel) + first, person.product(h, own) + second
    z, r = (activated(a[:, k : k + n] + b[:, k : k + n], config["recurrent_activation"], person) for k in (0, n))
    inner = r * b[:, 2 * n :] if after else person.product(r * h, own[:, 2 * n :]) + second[2 * n :]
    return z * h + (1 - z) * np.tanh(a[:, 2 * n :] + inner)


def both_ways(layer: Layer, x: Any, person: Person) -> Any:
    """Bidirectional, with sequences or without."""
    ways = [recurrent(layer, x, person, None, f"{name}/", layer.inner[name]) for name in ("forward_layer", "backward_layer")]
    sequences = layer.inner["forward_layer"].config["return_sequences"]
    ways = [ways[0], ways[1][:, ::-1]] if sequences else [way[:, -1] for way in ways]
    y = np.concatenate(ways[::-1] if person.makes("halves swapped") else ways, -1)
    person.steps[layer.name, "output"] = y
    return y


def attention(layer: Layer, x: Any, person: Person) -> Any:
    """A MultiHeadAttention of a sequence with itself."""

    def heads(name: str) -> Any:
        kernel = person.weight(layer, f"{name}/kernel")
        y = person.product(x, kernel.reshape(len(kernel), -1)).reshape(*x.shape[:2], *kernel.shape[1:])
        return (y + person.weight(layer, f"{name}/bias")).transpose(0, 2, 1, 3)

    q, k, v = heads("query"), heads("key"), heads("value")
    scores = q @ k.swapaxes(2, 3) / (1 if person.makes("not scaled") else person.dtype(math.sqrt(q.shape[-1])))
    context = (softmax(scores, -2 if person.makes("queries' axis") else -1) @ v).transpose(0, 2, 1, 3)
    kernel = person.weight(layer, "attention_output/kernel")
    y = person.product(context.reshape(*x.shape[:2], -1), kernel.reshape(-1, kernel.shape[-1])) + person.weight(
        layer, "attention_output/bias"
    )
    person.steps[layer.name, "output"] = y
    return y


def calculate(model: Model, x: Any, person: Person) -> Steps:
    """Every step that the person writes down, the final outputs last."""
    mask = None
    for layer in model.layers:
        kind, config = layer.class_name, layer.config
        if kind == "Embedding":
            mask, table = (x != 0 if config["mask_zero"] else None), person.weight(layer, "embeddings")
            off = (1, -1)[person.choice % 2] if person.makes("word one off") else 0
            x = table[np.clip(x + off, None, len(table) - 1)]
        elif kind in ("LSTM", "GRU", "SimpleRNN"):
            x = recurrent(layer, x, person, mask)[:, -1]
            person.steps[layer.name, "output"] = x
        elif kind == "LeakyReLU":
            slope = (0.01, 0.2, 0.1)[person.choice % 3] if person.makes("another slope") else config["negative_slope"]
            x = np.where(x > 0, x, np.asarray(slope, person.dtype) * x)
            person.steps[layer.name, "activation"] = x
        elif kind == "Rescaling":
            scale = config["scale"] * (255 / 256 if person.makes("1/256") else 1)
            x = (x * person.dtype(scale) + person.dtype(config["offset"])).astype(person.dtype)
            person.steps[layer.name, "output"] = x
        elif kind == "Dropout":
            keep = 1 - config["rate"]
            x = x * person.dtype((keep, 1 / keep)[person.choice % 2]) if person.makes("dropout applied") else x
        elif kind == "Flatten":
            x = x.reshape(len(x), -1)
        elif kind == "GlobalAveragePooling1D":
            x = x.mean(1)
        elif kind != "InputLayer" and not layer.is_operation:  # such as the test for padding
            x = COMPUTE[kind](layer, x, person)
    return person.steps


COMPUTE = {
    "Dense": dense, "Conv1D": conv, "Conv2D": conv, "MaxPooling2D": pool, "BatchNormalization": batch_norm,
    "LayerNormalization": layer_norm, "Bidirectional": both_ways, "MultiHeadAttention": attention,
}  # fmt: skip


@dataclass(frozen=True)
class Network:
    """A file, inputs for it, and the families of mistakes that can be made in it."""

    name: str
    outputs: int
    path: Path
    x: np.ndarray
    families: tuple[str, ...]


def networks(keras: Any, folder: Path, outputs: int, seed: int, every: int = 1) -> Iterator[Network]:
    """A network of each kind (or of ``every`` third), with weights like those of a trained one."""
    rng = np.random.default_rng(seed)
    for name, (shape, layers, families) in list(kinds(keras, rng).items())[seed % every :: every]:
        final = ("sigmoid", "linear")[seed % 2] if outputs == 1 else ("softmax", "softmax", "linear")[seed % 3]
        inputs = keras.Input(shape, name="x", dtype="int32" if name.startswith("embedding") else "float32")
        y = inputs
        for layer in layers:
            y = layer(y, y) if isinstance(layer, keras.layers.MultiHeadAttention) else layer(y)
        model = keras.Model(inputs, keras.layers.Dense(outputs, activation=final, name="out")(y))
        for weight in model.weights:
            spread = rng.normal(0, 0.6, weight.shape)
            weight.assign(
                1 + 0.2 * np.abs(spread) if "gamma" in weight.path else 0.2 + np.abs(spread) if "variance" in weight.path else spread
            )
        path = folder / f"{name}_{outputs}_{seed}.keras"
        model.save(path)
        more = (("percent",) if final != "linear" else ()) + (("another axis",) if final == "softmax" else ())
        yield Network(name, outputs, path, inputs_for(name, shape, rng), (*families, "no bias", *more))


def inputs_for(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Three samples; words with padding at the end; pixels for a scaling layer."""
    if name.startswith("embedding"):
        words = rng.integers(1, 9, (3, *shape))
        words[0, -2:] = words[1, -1:] = 0
        return words
    if name.startswith("rescaling"):
        return rng.integers(0, 256, (3, *shape)).astype(float)
    return np.round(rng.normal(0, 1, (3, *shape)), 2)


def kinds(keras: Any, rng: np.random.Generator) -> dict[str, tuple[tuple[int, ...], list[Any], tuple[str, ...]]]:
    """Shape of a sample, hidden layers, families."""
    k = keras.layers
    n = int(rng.integers(3, 6))
    norm = ("another epsilon", "epsilon outside", "n-1")
    return {
        "relu": ((4,), [k.Dense(n, activation="relu")], ("activation left out",)),
        "gelu": ((4,), [k.Dense(n, activation="gelu")], ("the other gelu",)),
        "hard_sigmoid": ((4,), [k.Dense(n, activation="hard_sigmoid")], ("sigmoid for hard_sigmoid",)),
        "sigmoid": ((4,), [k.Dense(n, activation="sigmoid")], ("hard_sigmoid for sigmoid",)),
        "leaky": ((4,), [k.Dense(n), k.LeakyReLU(negative_slope=0.3)], ("another slope",)),
        "leaky_function": ((4,), [k.Dense(n, activation="leaky_relu")], ("another slope",)),
        "rescaling": ((4,), [k.Rescaling(1 / 255), k.Dense(n, activation="tanh")], ("1/256",)),
        "dropout": ((4,), [k.Dense(n, activation="tanh"), k.Dropout(0.3)], ("dropout applied",)),
        "batch_norm": ((4,), [k.Dense(n), k.BatchNormalization()], (*norm, "batch statistics")),
        "layer_norm": ((4,), [k.Dense(n), k.LayerNormalization()], norm),
        "conv": ((6, 6, 1), [k.Conv2D(2, 3, 2, "same", activation="relu"), k.Flatten()], ("symmetric padding", "activation left out")),
        "conv_even": ((5, 2), [k.Conv1D(2, 2, 1, "same", activation="tanh"), k.Flatten()], ("symmetric padding",)),
        "pooling": ((4, 4, 2), [k.MaxPooling2D(3, 2, "same"), k.Flatten()], ("symmetric padding",)),
        "lstm_hard": ((3, 2), [k.LSTM(n, recurrent_activation="hard_sigmoid")], ("sigmoid for hard_sigmoid",)),
        "lstm": ((3, 2), [k.LSTM(n)], ("hard_sigmoid for sigmoid",)),
        "gru": ((3, 2), [k.GRU(n)], ("reset gate", "one bias", "hard_sigmoid for sigmoid")),
        "gru_before": ((3, 2), [k.GRU(n, reset_after=False)], ("reset gate",)),
        "both_ways": ((3, 2), [k.Bidirectional(k.LSTM(2))], ("halves swapped",)),
        "both_ways_all": ((3, 2), [k.Bidirectional(k.GRU(2, return_sequences=True)), k.Flatten()], ("halves swapped",)),
        "attention": ((3, 4), [k.MultiHeadAttention(2, 3), k.GlobalAveragePooling1D()], ("not scaled", "queries' axis")),
        "embedding_lstm": ((4,), [k.Embedding(10, 3, mask_zero=True), k.LSTM(n)], ("mask ignored", "word one off")),
        "embedding_rnn": ((5,), [k.Embedding(10, 2, mask_zero=True), k.SimpleRNN(n)], ("mask ignored", "word one off")),
        "embedding_gru": ((5,), [k.Embedding(10, 2), k.GRU(n)], ("word one off", "reset gate")),
    }  # fmt: skip
