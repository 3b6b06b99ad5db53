"""Mistakes with inputs and intermediate numbers: scaling, feature order, flattening order, rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import combinations, permutations

import numpy as np

from weightlens.checks.by_hand.mistakes.mistake import Mistake, multiply_by, plain_orders, rarer_orders
from weightlens.checks.by_hand.replay import Edits, Function, change_by, compute_from, replace_by
from weightlens.checks.by_hand.scene import Scene, rectangle_sizes
from weightlens.recording import Recorded
from weightlens.specs.words.number_words import counted

ODD_DIGITS = {0: 10.0, 1: 0.5, 5: 1.0}  # how much less likely it is to round to so many decimals than to 2, 3 or 4
SCALES = (255.0, 256.0, 127.5, 16.0, 10.0, 100.0, 1000.0, 2.0, 15.0, 32.0, 128.0)
RESCALED: dict[str, Function] = {
    "brought to -1..1": lambda v: 2 * v - 1,
    "brought from -1..1 to 0..1": lambda v: (v + 1) / 2,
    "brought to mean 0 and deviation 1": lambda v: (v - v.mean(0)) / np.where(v.std(0) > 0, v.std(0), 1.0),
    "divided by the largest": lambda v: v / np.max(np.abs(v)),
    "divided by the largest of the sample": lambda v: v / np.max(np.abs(v), axis=tuple(range(1, v.ndim)), keepdims=True),
    "inverted (1 - x)": lambda v: 1 - v,
}
ROUNDINGS: dict[str, Callable[..., np.ndarray]] = {
    "rounded": np.round,
    "cut off": lambda array, decimals: np.trunc(array * 10.0**decimals) / 10.0**decimals,
}


def layer_scaling(scene: Scene) -> Iterator[Mistake]:
    """A scaling layer left out, or applied twice."""
    for step, source in scene.scalings:
        left_out = {id(step.made): compute_from(source)}
        twice = {id(step.made): change_by(partial(scaled_again, scene, source, step.made))}
        yield Mistake("input not scaled", f"the input was not scaled ({step.layer} was left out)", left_out, step)
        yield Mistake("input scaled twice", f"the input was scaled twice ({step.layer})", twice, step)


def scaled_again(scene: Scene, source: Recorded, out: Recorded, scaled: np.ndarray) -> np.ndarray:
    """A scaling layer applied to its own output."""
    array: np.ndarray = scene.replay.run([out], {id(source): replace_by(scaled)})[0]
    return array


def input_scaling(scene: Scene) -> Iterator[Mistake]:
    """Inputs from before their scaling, or scaled a second time."""
    for x in scene.float_inputs:
        for scale in SCALES:
            more, less = ({id(x): change_by(multiply_by(factor))} for factor in (scale, 1 / scale))
            yield Mistake("input not scaled", f"the input was not scaled: {scale:g} times as large", more)
            yield Mistake("input scaled twice", f"the input was scaled twice: divided by {scale:g}", less)


def input_standardised(scene: Scene) -> Iterator[Mistake]:
    """Inputs rescaled to a range that the network does not expect."""
    for x in scene.float_inputs:
        for words, function in RESCALED.items():
            yield Mistake("input scaled otherwise", f"the input was {words}", {id(x): change_by(function)})


def inputs_in_another_order(scene: Scene) -> Iterator[Mistake]:
    """Features rotated or reversed, pictures turned, whole inputs swapped."""
    for x in scene.trace.inputs:
        yield from inputs_moved(x, whole_orders(x.value))
    for one, two in combinations(scene.trace.inputs, 2):
        if one.shape == two.shape:
            edits = {id(one): replace_by(two.value), id(two): replace_by(one.value)}
            yield Mistake("inputs in another order", f"the inputs {one.name} and {two.name} were exchanged", edits)


def inputs_exchanged(scene: Scene) -> Iterator[Mistake]:
    """Two features swapped, or a few in any order."""
    for x in (x for x in scene.trace.inputs if x.ndim > 1):
        yield from inputs_moved(x, rarer_orders(x.value))


def inputs_moved(x: Recorded, orders: Iterable[tuple[str, np.ndarray]]) -> Iterator[Mistake]:
    """An input in other orders."""
    for words, array in orders:
        yield Mistake("inputs in another order", f"the inputs were taken in another order ({words})", {id(x): replace_by(array)})


def whole_orders(value: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Orders of all numbers of a sample: pictures turned, features rotated or reversed, rows read as columns."""
    if value.ndim > 2 and value.shape[1] == value.shape[2]:
        yield "rows and columns exchanged", np.swapaxes(value, 1, 2)
    if value.ndim > 1:
        yield from plain_orders(value)
    if value.ndim > 2:
        yield "reversed along axis 1", np.flip(value, 1)
    for rows, columns in rectangle_sizes(value.shape[1]) if value.ndim == 2 else ():
        yield "column by column", value.reshape(-1, rows, columns).swapaxes(1, 2).reshape(value.shape)


def flatten_order(scene: Scene) -> Iterator[Mistake]:
    """Pictures and sequences flattened with their axes in another order."""
    for step, source, out in scene.flattenings:
        for order in list(permutations(range(1, source.ndim)))[1:] if source.ndim <= 5 else []:
            edit = compute_from(source, partial(flatten_in_order, (0, *order), out.shape))
            first = " (channels first)" if order[0] == source.ndim - 1 else ""
            yield Mistake("flatten order", f"{step.layer} was flattened in another order{first}", {id(out): edit}, step)


def flatten_in_order(order: tuple[int, ...], shape: tuple[int, ...], array: np.ndarray) -> np.ndarray:
    """The array with its axes in the given order, flattened to one row per sample."""
    return np.transpose(array, order).reshape(shape)


def rounding(scene: Scene) -> Iterator[Mistake]:
    """Weights, inputs or intermediate results rounded or truncated to a few decimals; e^x also without the maximum."""
    steps = [step.made for step in scene.trace.steps]
    largest: Edits = {id(x): replace_by(np.zeros(x.shape)) for x in scene.maxima}
    rounded: list[tuple[str, list[Recorded], Edits]] = [("the weights were", scene.weights, {})]
    if len(ends := [steps_of_layer[-1].made for steps_of_layer in scene.steps_of_layer.values()]) > 1:
        rounded.append(("the results of the layers were", ends, {}))
    for unshifted in [{}, largest] if largest else [{}]:
        rounded.append(("intermediate results were", steps, unshifted))
        rounded.append(("weights and intermediate results were", [*scene.weights, *steps], unshifted))
    for digits in range(6):
        for how, function in ROUNDINGS.items():
            for what, nodes, unshifted in rounded:
                edits = {id(x): change_by(partial(function, decimals=digits)) for x in nodes} | unshifted
                bits = ODD_DIGITS.get(digits, 0.0) + 2.0 * (how != "rounded")
                yield Mistake("rounding", f"{what} {how} to {counted(digits, 'decimal')}", edits, bits=bits, harmless=True)
