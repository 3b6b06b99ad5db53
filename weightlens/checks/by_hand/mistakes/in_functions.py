"""Mistakes with functions: activations replaced or left out, a softmax without its division, the wrong logarithm."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from weightlens.checks.by_hand.mistakes.mistake import Mistake
from weightlens.checks.by_hand.replay import Edits, change_by, compute_from
from weightlens.checks.by_hand.scene import Scene, Site

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0.0),
    "sigmoid": lambda z: 1.0 / (1.0 + np.exp(-z)),
    "softmax": lambda z: softmax(z, -1),
}
RARER: dict[str, Callable[[Any], Any]] = {
    "tanh": np.tanh,
    "hard_sigmoid": lambda z: np.clip(z / 6.0 + 0.5, 0.0, 1.0),
    "hard_sigmoid of Keras 2": lambda z: np.clip(0.2 * z + 0.5, 0.0, 1.0),
    "step": lambda z: np.where(z > 0, 1.0, 0.0),
    "absolute value": np.abs,
}
ODD = 3.0  # bits: these are rarely confused with a softmax


def softmax(z: Any, axis: Any) -> Any:
    """``e^z / sum of e^z`` along the axis."""
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


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
        return (
            "activation left out",
            f"the {old} was left out in {place}" if old != "activation" else f"the activation was left out in {place}",
        )
    if old == "linear":
        return "activation added", f"{new} was applied in {place}, which has no activation"
    return "another activation", f"{new} was applied in {place} instead of {old if old != 'activation' else 'its activation'}"


def replaced_activations(scene: Scene, functions: dict[str, Callable[[Any], Any]], without: str = "") -> Iterator[Mistake]:
    """Every activation replaced by each of the functions."""
    for place, sites in groups_of_sites(scene.sites):
        for name, function in functions.items():
            if name not in (sites[0].function, without):
                kind, words = activation_words(place, sites[0].function, name)
                bits = ODD if sites[0].function == "softmax" and name in RARER else 0.0
                yield Mistake(kind, words, replacement_edits(sites, function), sites[0].at, bits)


def replacement_edits(sites: list[Site], function: Callable[[Any], Any]) -> Edits:
    """Edits that apply another function at each of the sites."""
    return {id(s.out): change_by(function) if s.out is s.argument else compute_from(s.argument, function) for s in sites}


def another_activation(scene: Scene) -> Iterator[Mistake]:
    """relu, sigmoid and softmax used instead of each other, left out, or added."""
    yield from replaced_activations(scene, FUNCTIONS)
    hidden = [s for s in scene.sites if s.function not in ("linear", "softmax")]
    if len({s.at.layer for s in hidden}) > 1:
        for name, function in FUNCTIONS.items():
            if name != "softmax" and any(s.function != name for s in hidden):
                words = "the activations were left out in every layer" if name == "linear" else f"{name} was applied in every layer"
                yield Mistake(
                    "activation left out" if name == "linear" else "another activation",
                    words,
                    replacement_edits(hidden, function),
                    hidden[0].at,
                )


def rarer_activation(scene: Scene) -> Iterator[Mistake]:
    """Functions less often confused, and errors in writing the right one."""
    yield from replaced_activations(scene, RARER)
    sigmoids = [s for s in scene.sites if s.function == "sigmoid"]
    if len({s.at.layer for s in sigmoids}) > 1:
        for name in ("hard_sigmoid", "hard_sigmoid of Keras 2"):
            words = f"{name} was applied in every layer instead of sigmoid"
            yield Mistake("another activation", words, replacement_edits(sigmoids, RARER[name]), sigmoids[0].at)
    for place, sites in groups_of_sites(sigmoids):
        for words, function in (
            ("1 / (1 + e^x) was computed, with the wrong sign", lambda z: 1.0 / (1.0 + np.exp(z))),
            ("e^-x was computed, not 1 / (1 + e^-x)", lambda z: np.exp(-z)),
            ("1 + e^-x was computed, not 1 / (1 + e^-x)", lambda z: 1.0 + np.exp(-z)),
        ):
            yield Mistake("sigmoid miswritten", f"{words}, in {place}", replacement_edits(sites, function), sites[0].at)


def not_divided(scene: Scene) -> Iterator[Mistake]:
    """e^x not divided by the sum, with and without the maximum subtracted."""
    for s in (s for s in scene.sites if s.function == "softmax"):
        words = f"e^x was not divided by the sum in {s.at.layer}"
        axis = softmax_axis(s)
        yield Mistake("not divided by the sum", words, replacement_edits([s], np.exp), s.at)
        yield Mistake("not divided by the sum", words, replacement_edits([s], partial(shifted_powers, axis=axis)), s.at)


def shifted_powers(z: Any, axis: Any) -> Any:
    """``e^(z - max)``."""
    return np.exp(z - np.max(z, axis=axis, keepdims=True))


def softmax_axis(site: Site) -> Any:
    """The axis over which a softmax sums."""
    total = site.out.args[1]
    return total.kwargs.get("axis", -1)


def softmax_miswritten(scene: Scene) -> Iterator[Mistake]:
    """A softmax without e^x, or divided by the largest, by the other units only, or with another base."""
    ways: dict[str, Callable[..., Any]] = {
        "the numbers were divided by their sum without e^x": lambda z, axis: z / np.sum(z, axis=axis, keepdims=True),
        "e^x was divided by the largest e^x, not by the sum": shifted_powers,
        "e^x was divided by the sum of x": lambda z, axis: np.exp(z) / np.sum(z, axis=axis, keepdims=True),
        "e^x was divided by the sum over the other units": lambda z, axis: softmax(z, axis) / (1.0 - softmax(z, axis)),
        "e^-x was taken instead of e^x": lambda z, axis: softmax(-z, axis),
        "10^x was taken instead of e^x": lambda z, axis: softmax(z * math.log(10), axis),
        "2^x was taken instead of e^x": lambda z, axis: softmax(z * math.log(2), axis),
    }
    for s in (s for s in scene.sites if s.function == "softmax"):
        axis = softmax_axis(s)
        for words, function in ways.items():
            yield Mistake("softmax miswritten", f"{words}, in {s.at.layer}", replacement_edits([s], partial(function, axis=axis)), s.at)


def softmax_over_another_axis(scene: Scene) -> Iterator[Mistake]:
    """The sum of a softmax taken over the samples, or over everything."""
    for s in (s for s in scene.sites if s.function == "softmax"):
        own = softmax_axis(s)
        own = own % s.out.ndim if isinstance(own, int) else own
        for axis in [*(a for a in range(s.out.ndim) if a != own), None]:
            over = "everything" if axis is None else "the samples" if axis == 0 else f"axis {axis}"
            edits = replacement_edits([s], partial(softmax, axis=axis))
            edits[id(s.out.args[1])] = compute_from(s.out.args[0], partial(np.sum, axis=axis, keepdims=True))
            yield Mistake("softmax over the wrong axis", f"the softmax of {s.at.layer} was taken over {over}", edits, s.at)


def another_logarithm(scene: Scene) -> Iterator[Mistake]:
    """LOG, which in a spreadsheet is the logarithm to base 10, instead of LN."""
    for layer, nodes in scene.with_operation(np.log, np.log1p):
        for words, base in (("10 (LOG instead of LN)", 10.0), ("2", 2.0)):
            edits = {id(x): change_by(partial(np.multiply, 1 / math.log(base))) for x in nodes}
            at = scene.owner[id(nodes[0])]
            yield Mistake(f"log base {base:g}", f"the logarithm to base {words} was taken in {layer}", edits, at)
