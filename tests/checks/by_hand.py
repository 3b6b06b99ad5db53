"""Calculations by hand, with and without mistakes: plain loops over layers that know nothing of weightlens's own arithmetic.

``calculate`` runs a network the way a person would, and makes one mistake on the way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.conftest import SAMPLES
from weightlens.model import Layer, Model

Steps = dict[tuple[str, str], np.ndarray]  # (layer, step) -> numbers


@dataclass(frozen=True)
class Slip:
    """A mistake: what kind, in which layer (every layer where empty), and which variant of it."""

    kind: str
    layer: str = ""
    variant: Any = None

    def at(self, layer: str, *kinds: str) -> bool:
        return self.kind in kinds and self.layer in ("", layer)


RIGHT = Slip("none")
TRUTH_TABLE = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
OR = SAMPLES / "or.h5"


def calculate(model: Model, x: np.ndarray, slip: Slip = RIGHT) -> Steps:
    """Every step of a sequential network, with one mistake."""
    steps: Steps = {}
    if slip.kind == "inputs in another order":
        x = slip.variant(x)
    if slip.kind == "another sample":
        x = np.roll(x, slip.variant, axis=0)
    if slip.kind in ("input not scaled", "input scaled twice") and not slip.layer:
        x = x * slip.variant
    for layer in model.layers:
        if layer.class_name not in ("InputLayer", "Dropout"):
            x = COMPUTE[layer.class_name](layer, x, slip, steps)
    return steps


def bias_of(layer: Layer, slip: Slip) -> np.ndarray:
    bias = layer.bias.astype(float)
    if slip.at(layer.name, "no bias"):
        return np.zeros_like(bias)
    if slip.at(layer.name, "bias of another unit"):
        return np.roll(bias, slip.variant)
    if slip.at(layer.name, "bias misread"):
        bias = bias.copy()
        bias[slip.variant[0]] += slip.variant[1]
    return bias


def kernel_of(layer: Layer, slip: Slip, name: str = "kernel") -> np.ndarray:
    kernel = getattr(layer, name).astype(float)
    if slip.at(layer.name, "kernel transposed") and slip.variant == name:
        return kernel.T.reshape(kernel.shape) if kernel.ndim == 2 else np.swapaxes(kernel, 0, 1)
    if slip.at(layer.name, "weight misread") and name == "kernel":
        kernel = kernel.copy()
        place, factor = slip.variant
        kernel[place] *= factor
    return kernel


def activated(layer: str, name: str, z: np.ndarray, slip: Slip, steps: Steps) -> np.ndarray:
    """The activation, or another one."""
    if slip.at(layer, "activation left out"):
        return z
    if slip.at(layer, "another activation"):
        name = slip.variant
    if name == "softmax":
        return by_softmax(layer, z, slip, steps)
    return FUNCTIONS[name](z)


def by_softmax(layer: str, z: np.ndarray, slip: Slip, steps: Steps) -> np.ndarray:
    e = np.power(math.e, z)
    axis = 0 if slip.at(layer, "softmax over the wrong axis") else -1
    total = e.sum(axis=axis, keepdims=True)
    steps[layer, "exponentials"] = e
    if slip.at(layer, "not divided by the sum"):
        return e
    if axis == -1:
        steps[layer, "sum"] = total
    return e / total


FUNCTIONS = {
    "linear": lambda z: z, "relu": lambda z: z * (z > 0), "sigmoid": lambda z: 0.5 * (1 + np.tanh(z / 2)), "tanh": np.tanh,
    "softmax": lambda z: np.exp(z - z.max(-1, keepdims=True)) / np.exp(z - z.max(-1, keepdims=True)).sum(-1, keepdims=True),
}  # fmt: skip


def dense(layer: Layer, x: np.ndarray, slip: Slip, steps: Steps) -> np.ndarray:
    kernel = kernel_of(layer, slip)
    z = np.array([[sum(a * w for a, w in zip(row, column, strict=True)) for column in kernel.T] for row in x])
    steps[layer.name, "dot product"] = z
    if layer.config["use_bias"]:
        z = z + bias_of(layer, slip)
        steps[layer.name, "pre-activation"] = z
    steps[layer.name, "activation"] = y = activated(layer.name, layer.config["activation"], z, slip, steps)
    return y


def conv(layer: Layer, x: np.ndarray, slip: Slip, steps: Steps) -> np.ndarray:
    kernel, size = kernel_of(layer, slip), layer.config["kernel_size"][0]
    if layer.config["padding"] == "same":
        x = np.pad(x, ((0, 0), (size // 2, size // 2), (size // 2, size // 2), (0, 0)))
    high, wide = x.shape[1] - size + 1, x.shape[2] - size + 1
    z = np.zeros((len(x), high, wide, kernel.shape[3]))
    for i in range(size):
        for j in range(size):
            z += np.einsum("nyxc,cf->nyxf", x[:, i : i + high, j : j + wide], kernel[i, j])
    if layer.config["use_bias"]:
        z = z + bias_of(layer, slip)
    steps[layer.name, "activation"] = y = activated(layer.name, layer.config["activation"], z, slip, steps)
    return y


def pool(layer: Layer, x: np.ndarray, slip: Slip, steps: Steps) -> np.ndarray:
    n = layer.config["pool_size"][0]
    blocks = x[:, : x.shape[1] // n * n, : x.shape[2] // n * n].reshape(len(x), x.shape[1] // n, n, x.shape[2] // n, n, -1)
    return blocks.max((2, 4))


def normalise(layer: Layer, x: np.ndarray, slip: Slip, steps: Steps) -> np.ndarray:
    deviation = np.sqrt(layer.moving_variance.astype(float) + layer.config["epsilon"])
    beta = np.zeros_like(layer.beta) if slip.at(layer.name, "no bias") else layer.beta
    return (x - layer.moving_mean) / deviation * layer.gamma + beta


def flatten(layer: Layer, x: np.ndarray, slip: Slip, steps: Steps) -> np.ndarray:
    if slip.at(layer.name, "flatten order"):
        x = np.transpose(x, slip.variant)
    return x.reshape(len(x), -1)


def scale(layer: Layer, x: np.ndarray, slip: Slip, steps: Steps) -> np.ndarray:
    times = 0 if slip.at(layer.name, "input not scaled") else 2 if slip.at(layer.name, "input scaled twice") else 1
    return x * layer.config["scale"] ** times


def relu(layer: Layer, x: np.ndarray, slip: Slip, steps: Steps) -> np.ndarray:
    return activated(layer.name, "relu", x, slip, steps)


def activation(layer: Layer, x: np.ndarray, slip: Slip, steps: Steps) -> np.ndarray:
    steps[layer.name, "activation"] = y = activated(layer.name, layer.config["activation"], x, slip, steps)
    return y


def lstm(layer: Layer, x: np.ndarray, slip: Slip, steps: Steps) -> np.ndarray:
    units = layer.config["units"]
    kernel, recurrent, bias = kernel_of(layer, slip), kernel_of(layer, slip, "recurrent_kernel"), bias_of(layer, slip)
    sigmoid, tanh = FUNCTIONS["sigmoid"], FUNCTIONS["tanh"]
    if slip.at(layer.name, "activation left out"):
        tanh = FUNCTIONS["linear"]
    if slip.at(layer.name, "another activation"):
        tanh = FUNCTIONS[slip.variant]
    h = c = np.zeros((len(x), units))
    for t in range(x.shape[1]):
        z = x[:, t] @ kernel + h @ recurrent + bias
        i, f, g, o = (z[:, k * units : (k + 1) * units] for k in range(4))
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
    return h


COMPUTE = {
    "Dense": dense, "Conv2D": conv, "MaxPooling2D": pool, "BatchNormalization": normalise, "Flatten": flatten, "Rescaling": scale,
    "ReLU": relu, "Activation": activation, "LSTM": lstm,
}  # fmt: skip


def slips(model: Model, x: np.ndarray) -> Iterator[Slip]:
    """Every known mistake that can be made in this network."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        name, kind = layer.name, layer.class_name
        if "bias" in layer.own_weights or "beta" in layer.own_weights:
            yield Slip("no bias", name)
        if "bias" in layer.own_weights:
            yield Slip("bias misread", name, (int(rng.integers(layer.bias.size)), float(rng.choice([-0.7, 0.4, 1.1]))))
            if layer.bias.size > 1:
                yield Slip("bias of another unit", name, 1)
        for weight in ("kernel", "recurrent_kernel"):
            if weight in layer.own_weights and min(layer.own_weights[weight].shape[:2]) > 1:
                yield Slip("kernel transposed", name, weight)
        if "kernel" in layer.own_weights:
            kernel = layer.kernel
            place = np.unravel_index(int(np.abs(kernel).argmax()), kernel.shape)
            yield Slip("weight misread", name, (place, float(rng.choice([-1, 0.3, 1.7]))))
        used = "relu" if kind == "ReLU" else "tanh" if kind == "LSTM" else layer.config.get("activation")
        if used in ("relu", "sigmoid", "softmax", "tanh"):
            yield Slip("activation left out", name)
            yield from (
                Slip("another activation", name, f)
                for f in ("relu", "sigmoid", "softmax")
                if f != used and (kind != "LSTM" or f != "softmax")
            )
        if used == "softmax":
            yield Slip("not divided by the sum", name)
            yield Slip("softmax over the wrong axis", name)
        if kind == "Rescaling":
            yield Slip("input not scaled", name)
            yield Slip("input scaled twice", name)
        if kind == "Flatten":
            yield Slip("flatten order", name, (0, 3, 1, 2))
    if not any(layer.class_name == "Rescaling" for layer in model.layers) and x.max() <= 1 and x.min() >= 0 and x.shape[-1] > 8:
        yield Slip("input not scaled", "", 16.0)
        yield Slip("input scaled twice", "", 1 / 16)
    if x.shape[-1] > 1:
        yield Slip("inputs in another order", "", lambda v: v[..., ::-1])
    if x.shape[-1] == 64:
        yield Slip("inputs in another order", "", lambda v: v.reshape(-1, 8, 8).swapaxes(1, 2).reshape(-1, 64))
    yield Slip("another sample", "", 1)
    yield Slip("another sample", "", -1)


def rows(steps: Steps, digits: int) -> str:
    """The final outputs, a row per sample."""
    return "\n".join(",".join(f"{v:.{digits}f}" for v in row.ravel()) for row in steps[list(steps)[-1]])


def table(steps: Steps, digits: int, chosen: Any = None) -> str:
    """Steps (those chosen, or all), number by number."""
    lines = ["layer,step,sample,unit,value"]
    for number, ((layer, step), array) in enumerate(steps.items()):
        if chosen is None or chosen[number % len(chosen)] or number == len(steps) - 1:
            lines += [f"{layer},{step},{i},{u},{v:.{digits}f}" for i, row in enumerate(array) for u, v in enumerate(row.ravel())]
    return "\n".join(lines)
