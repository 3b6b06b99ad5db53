"""Mistakes with functions: activations replaced or left out, a softmax without its division, the wrong logarithm."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

import numpy as np

from weightlens.checks.by_hand.mistakes.mistake import Mistake
from weightlens.checks.by_hand.replay import Edits, Function, change_by, compute_from
from weightlens.checks.by_hand.scene import Scene, Site

Axis: TypeAlias = int | tuple[int, ...] | None  # over which a softmax sums; ``None`` for all
OverAxis = Callable[..., np.ndarray]  # of ``z`` and an axis

ODD = 3.0  # bits: these are rarely confused with a softmax
FUNCTIONS: dict[str, Function] = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0.0),
    "sigmoid": lambda z: 1.0 / (1.0 + np.exp(-z)),
    "softmax": lambda z: softmax(z, -1),
}
RARER: dict[str, Function] = {
    "tanh": np.tanh,
    "hard_sigmoid": lambda z: np.clip(z / 6.0 + 0.5, 0.0, 1.0),
    "hard_sigmoid of Keras 2": lambda z: np.clip(0.2 * z + 0.5, 0.0, 1.0),
    "step": lambda z: np.where(z > 0, 1.0, 0.0),
    "absolute value": np.abs,
}
SIGMOID_MISWRITTEN: dict[str, Function] = {
    "1 / (1 + e^x) was computed, with the wrong sign": lambda z: 1.0 / (1.0 + np.exp(z)),
    "e^-x was computed, not 1 / (1 + e^-x)": lambda z: np.exp(-z),
    "1 + e^-x was computed, not 1 / (1 + e^-x)": lambda z: 1.0 + np.exp(-z),
}
SOFTMAX_MISWRITTEN: dict[str, OverAxis] = {
    "the numbers were divided by their sum without e^x": lambda z, axis: z / np.sum(z, axis=axis, keepdims=True),
    "e^x was divided by the largest e^x, not by the sum": lambda z, axis: shifted_powers(z, axis),
    "e^x was divided by the sum of x": lambda z, axis: np.exp(z) / np.sum(z, axis=axis, keepdims=True),
    "e^x was divided by the sum over the other units": lambda z, axis: softmax(z, axis) / (1.0 - softmax(z, axis)),
    "e^-x was taken instead of e^x": lambda z, axis: softmax(-z, axis),
    "10^x was taken instead of e^x": lambda z, axis: softmax(z * math.log(10), axis),
    "2^x was taken instead of e^x": lambda z, axis: softmax(z * math.log(2), axis),
}
LOGARITHMS = {"10 (LOG instead of LN)": 10.0, "2": 2.0}


def softmax(z: np.ndarray, axis: Axis) -> np.ndarray:
    """``e^z / sum of e^z`` along the axis."""
    powers = shifted_powers(z, axis)
    parts: np.ndarray = powers / np.sum(powers, axis=axis, keepdims=True)
    return parts


def shifted_powers(z: np.ndarray, axis: Axis) -> np.ndarray:
    """``e^(z - max)``."""
    powers: np.ndarray = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return powers


def groups_of_sites(sites: list[Site]) -> Iterator[tuple[str, list[Site]]]:
    """The sites of one function by step (all its time steps together), then by layer."""
    steps: dict[tuple[str, str, str], list[Site]] = {}
    layers: dict[tuple[str, str], list[Site]] = {}
    for site in sites:
        steps.setdefault((site.at.layer, site.at.name, site.function), []).append(site)
        layers.setdefault((site.at.layer, site.function), []).append(site)
    for (layer, name, _), group in steps.items():
        yield layer if name in ("activation", "pre-activation", "dot product", "output") else f"the {name} of {layer}", group
    for (layer, _), group in layers.items():
        if len({site.at.name for site in group}) > 1:
            yield layer, group


def activation_words(place: str, old: str, new: str) -> tuple[str, str]:
    """The kind of mistake and its words, for one function used instead of another."""
    if new == "linear":
        return "activation left out", f"the {old} was left out in {place}"
    if old == "linear":
        return "activation added", f"{new} was applied in {place}, which has no activation"
    return "another activation", f"{new} was applied in {place} instead of {old if old != 'activation' else 'its activation'}"


def replaced_activations(scene: Scene, functions: dict[str, Function]) -> Iterator[Mistake]:
    """Every activation replaced by each of the functions."""
    for place, sites in groups_of_sites(scene.sites):
        old = sites[0].function
        for name, function in functions.items():
            if name != old:
                kind, words = activation_words(place, old, name)
                bits = ODD if old == "softmax" and name in RARER else 0.0
                yield Mistake(kind, words, replacement_edits(sites, function), sites[0].at, bits)


def replacement_edits(sites: list[Site], function: Function) -> Edits:
    """Edits that apply another function at each of the sites."""
    return {id(s.out): change_by(function) if s.out is s.argument else compute_from(s.argument, function) for s in sites}


def another_activation(scene: Scene) -> Iterator[Mistake]:
    """relu, sigmoid and softmax used instead of each other, left out, or added."""
    yield from replaced_activations(scene, FUNCTIONS)
    hidden = [s for s in scene.sites if s.function not in ("linear", "softmax")]
    if len({s.at.layer for s in hidden}) > 1:
        edits = {name: replacement_edits(hidden, function) for name, function in FUNCTIONS.items()}
        yield Mistake("activation left out", "the activations were left out in every layer", edits["linear"], hidden[0].at)
        for name in ("relu", "sigmoid"):
            if any(s.function != name for s in hidden):
                yield Mistake("another activation", f"{name} was applied in every layer", edits[name], hidden[0].at)


def rarer_activation(scene: Scene) -> Iterator[Mistake]:
    """Functions less often confused, and errors in writing the right one."""
    yield from replaced_activations(scene, RARER)
    sigmoids = [s for s in scene.sites if s.function == "sigmoid"]
    if len({s.at.layer for s in sigmoids}) > 1:
        for name in ("hard_sigmoid", "hard_sigmoid of Keras 2"):
            words = f"{name} was applied in every layer instead of sigmoid"
            yield Mistake("another activation", words, replacement_edits(sigmoids, RARER[name]), sigmoids[0].at)
    for place, sites in groups_of_sites(sigmoids):
        for words, function in SIGMOID_MISWRITTEN.items():
            yield Mistake("sigmoid miswritten", f"{words}, in {place}", replacement_edits(sites, function), sites[0].at)


def activation_twice(scene: Scene) -> Iterator[Mistake]:
    """An activation applied to its own result: a softmax in the network, and another one after it."""
    for place, sites in groups_of_sites(scene.sites):
        function = (FUNCTIONS | RARER).get(sites[0].function)
        if function is not None and sites[0].function not in ("linear", "relu"):  # these change nothing the second time
            words = f"{sites[0].function} was applied twice in {place}"
            yield Mistake("activation twice", words, {id(s.out): change_by(function) for s in sites}, sites[0].at)


def softmax_axis(site: Site) -> Axis:
    """The axis or axes over which a softmax sums; one axis is counted from the first."""
    axis: Axis = site.out.args[1].kwargs.get("axis", -1)
    return axis % site.out.ndim if isinstance(axis, int) else axis


def not_divided(scene: Scene) -> Iterator[Mistake]:
    """e^x not divided by the sum, without and with the maximum subtracted."""
    for s in scene.softmaxes:
        for function in (np.exp, partial(shifted_powers, axis=softmax_axis(s))):
            words = f"e^x was not divided by the sum in {s.at.layer}"
            yield Mistake("not divided by the sum", words, replacement_edits([s], function), s.at)


def softmax_miswritten(scene: Scene) -> Iterator[Mistake]:
    """A softmax without e^x, or divided by the largest, by the other units only, or with another base."""
    for s in scene.softmaxes:
        for words, function in SOFTMAX_MISWRITTEN.items():
            edits = replacement_edits([s], partial(function, axis=softmax_axis(s)))
            yield Mistake("softmax miswritten", f"{words}, in {s.at.layer}", edits, s.at)


def softmax_over_another_axis(scene: Scene) -> Iterator[Mistake]:
    """The sum of a softmax taken over the samples, or over everything."""
    for s in scene.softmaxes:
        for axis in [*(a for a in range(s.out.ndim) if a != softmax_axis(s)), None]:
            over = "everything" if axis is None else "the samples" if axis == 0 else f"axis {axis}"
            edits = replacement_edits([s], partial(softmax, axis=axis))
            edits[id(s.out.args[1])] = compute_from(s.out.args[0], partial(np.sum, axis=axis, keepdims=True))
            yield Mistake("softmax over the wrong axis", f"the softmax of {s.at.layer} was taken over {over}", edits, s.at)


def another_logarithm(scene: Scene) -> Iterator[Mistake]:
    """LOG, which in a spreadsheet is the logarithm to base 10, instead of LN."""
    for layer, nodes, step in scene.with_operation(np.log, np.log1p):
        for words, base in LOGARITHMS.items():
            edits = {id(x): change_by(partial(np.multiply, 1 / math.log(base))) for x in nodes}
            yield Mistake(f"log base {base:g}", f"the logarithm to base {words} was taken in {layer}", edits, step)
