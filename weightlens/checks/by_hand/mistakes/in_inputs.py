"""Mistakes with inputs and intermediate numbers: scaling, feature order, flattening order, rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations, permutations
from typing import Any

import numpy as np

from weightlens.checks.by_hand.mistakes.mistake import Mistake, plain_orders, rarer_orders
from weightlens.checks.by_hand.replay import Edits, change_by, compute_from, replace_by
from weightlens.checks.by_hand.scene import Scene, rectangle_sizes
from weightlens.recording import Recorded

ODD_DIGITS = {0: 10.0, 1: 2.0, 5: 1.0}  # how much less likely it is to round to so many decimals than to 2, 3 or 4
SCALES = (255.0, 256.0, 127.5, 16.0, 10.0, 100.0, 1000.0, 2.0, 15.0, 32.0, 128.0)


def layer_scaling(scene: Scene) -> Iterator[Mistake]:
    """A scaling layer left out, or applied twice."""
    for step, source in scene.scalings:
        out = step.made
        yield Mistake(
            "input not scaled", f"the input was not scaled ({step.layer} was left out)", {id(out): compute_from(source, lambda v: v)}, step
        )
        again = partial(scaled_twice, scene, source, out)
        yield Mistake("input scaled twice", f"the input was scaled twice ({step.layer})", {id(out): change_by(again)}, step)


def scaled_twice(scene: Scene, source: Recorded, out: Recorded, once: Any) -> Any:
    """A scaling layer applied to its own output."""
    return scene.replay.run([out], {id(source): replace_by(once)})[0]


def input_scaling(scene: Scene) -> Iterator[Mistake]:
    """Inputs from before their scaling, or scaled a second time."""
    for x in scene.trace.inputs:
        if x.value.dtype.kind != "f":
            continue
        for scale in SCALES:
            more, less = ({id(x): change_by(partial(np.multiply, k))} for k in (scale, 1 / scale))
            yield Mistake("input not scaled", f"the input was not scaled: {scale:g} times as large", more)
            yield Mistake("input scaled twice", f"the input was scaled twice: divided by {scale:g}", less)


def input_standardised(scene: Scene) -> Iterator[Mistake]:
    """Inputs rescaled to a range that the network does not expect."""
    ways: dict[str, Callable[[Any], Any]] = {
        "brought to -1..1": lambda v: 2 * v - 1,
        "brought from -1..1 to 0..1": lambda v: (v + 1) / 2,
        "brought to mean 0 and deviation 1": lambda v: (v - v.mean(0)) / np.where(v.std(0) > 0, v.std(0), 1.0),
        "divided by the largest": lambda v: v / np.max(np.abs(v)),
        "divided by the largest of the sample": lambda v: v / np.max(np.abs(v), axis=tuple(range(1, v.ndim)), keepdims=True),
        "inverted (1 - x)": lambda v: 1 - v,
    }
    for x in (x for x in scene.trace.inputs if x.value.dtype.kind == "f"):
        for words, function in ways.items():
            yield Mistake("input scaled otherwise", f"the input was {words}", {id(x): change_by(function)})


def inputs_in_another_order(scene: Scene) -> Iterator[Mistake]:
    """Features reversed, rotated by one, or read column by column; pictures turned; two inputs swapped."""
    for x in scene.trace.inputs:
        value = x.value
        orders = plain_orders(value) if value.ndim > 1 else []
        if value.ndim > 2:
            orders += [("reversed along axis 1", np.flip(value, 1))]
            if value.shape[1] == value.shape[2]:
                orders.insert(0, ("rows and columns exchanged", np.swapaxes(value, 1, 2)))
        if value.ndim == 2:
            for a, b in rectangle_sizes(value.shape[1]):
                orders.append(("column by column", value.reshape(-1, a, b).swapaxes(1, 2).reshape(value.shape)))
        for words, array in orders:
            yield Mistake("inputs in another order", f"the inputs were taken in another order ({words})", {id(x): replace_by(array)})
    for one, two in combinations(scene.trace.inputs, 2):
        if one.shape == two.shape:
            edits = {id(one): replace_by(two.value), id(two): replace_by(one.value)}
            yield Mistake("inputs in another order", f"the inputs {one.name} and {two.name} were exchanged", edits)


def inputs_exchanged(scene: Scene) -> Iterator[Mistake]:
    """Two features swapped, or a few in any order."""
    for x in (x for x in scene.trace.inputs if x.ndim > 1):
        for words, array in rarer_orders(x.value):
            yield Mistake("inputs in another order", f"the inputs were taken in another order ({words})", {id(x): replace_by(array)})


def flatten_order(scene: Scene) -> Iterator[Mistake]:
    """Pictures and sequences flattened with their axes in another order."""
    for step, source, out in scene.flattenings:
        for order in list(permutations(range(1, source.ndim)))[1:] if source.ndim <= 5 else []:
            edit = compute_from(source, partial(flatten_in_order, (0, *order), out.shape))
            first = " (channels first)" if order[0] == source.ndim - 1 else ""
            yield Mistake("flatten order", f"{step.layer} was flattened in another order{first}", {id(out): edit}, step)


def flatten_in_order(order: tuple[int, ...], shape: tuple[int, ...], array: Any) -> Any:
    """The array with its axes in the given order, flattened to one row per sample."""
    return np.transpose(array, order).reshape(shape)


def rounding(scene: Scene) -> Iterator[Mistake]:
    """Weights, inputs or intermediate results rounded or truncated to a few decimals; e^x also without the maximum."""
    ways: tuple[tuple[str, Callable[..., Any]], ...] = (("rounded", np.round), ("cut off", truncated))
    steps = [step.made for step in scene.trace.steps]
    largest: Edits = {id(x): replace_by(np.zeros(x.shape)) for x in scene.maxima}
    both = [*scene.weights, *steps]
    everything: list[tuple[str, list[Recorded], Edits]] = [("the weights were", scene.weights, {})]
    if len(ends := [named[-1].made for named in scene.steps_of_layer.values()]) > 1:
        everything.append(("the results of the layers were", ends, {}))
    for unshifted in [{}, largest] if largest else [{}]:
        everything.append(("intermediate results were", steps, unshifted))
        everything.append(("weights and intermediate results were", both, unshifted))
    for digits in range(6):
        for how, function in ways:
            for what, nodes, unshifted in everything:
                edits = {id(x): change_by(partial(function, decimals=digits)) for x in nodes} | unshifted
                bits = ODD_DIGITS.get(digits, 0.0) + 2.0 * (how != "rounded")
                yield Mistake("rounding", f"{what} {how} to {digits} decimals", edits, bits=bits, harmless=True)


def truncated(array: Any, decimals: int) -> Any:
    """Numbers truncated to a number of decimals."""
    return np.trunc(array * 10.0**decimals) / 10.0**decimals
