"""The known ways to get a calculation wrong, each as edits of the recorded forward pass.

``FAMILIES`` is the table of contents. A family makes variants of one mistake: which layer, which function, which
order. ``bits`` says how unlikely it is to be made (a power of two); the more variants a family has, the
less likely is each, so that a mistake that can be fitted to anything does not crowd out a plain one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations, permutations
from typing import Any

import numpy as np

from weightlens.checks.replay import Edit, instead, of, through
from weightlens.checks.scene import Scene, Site, factors
from weightlens.recording import Recorded, Step

FEW = 5  # inputs of which every order is tried
SEVERAL = 40  # biases or inputs of which every two are exchanged
ODD_DIGITS = {0: 10.0, 1: 2.0, 5: 1.0}  # how much less likely it is to round to so many decimals than to 2, 3 or 4
SCALES = (255.0, 256.0, 127.5, 16.0, 10.0, 100.0, 1000.0, 2.0, 15.0, 32.0, 128.0)
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


@dataclass(frozen=True)
class Mistake:
    """One way to get it wrong: what was done, where, and how likely it is before any number is looked at.

    ``at`` is the step where it is made, the one whose arithmetic is shown corrected. Rounding is a ``harmless`` one.
    """

    kind: str
    words: str
    edits: dict[int, Edit] = field(repr=False)
    at: Step | None = None
    bits: float = 0.0
    harmless: bool = False


Family = Callable[[Scene], Iterator[Mistake]]


def softmax(z: Any, axis: Any) -> Any:
    """``e^z / sum of e^z`` along the axis."""
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def label(node: Recorded) -> str:
    """``dense/bias``."""
    return f"{node.layer}/{node.name}"


def is_bias(node: Recorded) -> bool:
    return node.name.split("/")[-1] in ("bias", "beta")


def is_kernel(node: Recorded) -> bool:
    return node.name.endswith("kernel") and node.ndim > 1


# -- weights -----------------------------------------------------------------------------------------------------------------


def weight_mistake(scene: Scene, kind: str, words: str, node: Recorded, array: Any, bits: float = 0.0) -> Mistake:
    """A weight replaced by another array."""
    return Mistake(kind, words, {id(node): instead(array)}, scene.readers.get(id(node)), bits)


def no_bias(scene: Scene) -> Iterator[Mistake]:
    """The bias left out: of one layer, of all, of one unit."""
    biases = [w for w in scene.weights if is_bias(w)]
    for b in biases:
        yield weight_mistake(scene, "no bias", f"the bias of {b.layer} was left out", b, np.zeros(b.shape))
    if len(biases) > 1:
        first = scene.readers.get(id(biases[0]))
        yield Mistake("no bias", "the biases were left out in every layer", {id(b): instead(np.zeros(b.shape)) for b in biases}, first)


def bias_of_one_unit_left_out(scene: Scene) -> Iterator[Mistake]:
    """The bias left out in a single unit."""
    for b in (w for w in scene.weights if is_bias(w) and w.size > 1):
        for i in range(b.size):
            array = b.value.copy()
            array.reshape(-1)[i] = 0.0
            yield weight_mistake(scene, "no bias", f"the bias of unit {i} of {b.layer} was left out", b, array)


def bias_of_another_unit(scene: Scene) -> Iterator[Mistake]:
    """Biases moved on by one, exchanged, or one of them used for all units."""
    for b in (w for w in scene.weights if is_bias(w) and w.ndim and w.shape[-1] > 1):
        for words, array in other_orders(b.value):
            yield weight_mistake(scene, "bias of another unit", f"the biases of {b.layer} went to other units ({words})", b, array)
        for i in range(b.shape[-1]):
            array = np.broadcast_to(b.value[..., i : i + 1], b.shape)
            yield weight_mistake(scene, "bias of another unit", f"the bias of unit {i} of {b.layer} was added to every unit", b, array)


def bias_added_wrongly(scene: Scene) -> Iterator[Mistake]:
    """The bias subtracted, or added twice."""
    for b in (w for w in scene.weights if is_bias(w)):
        yield weight_mistake(scene, "bias subtracted", f"the bias of {b.layer} was subtracted", b, -b.value)
        yield weight_mistake(scene, "bias added twice", f"the bias of {b.layer} was added twice", b, 2 * b.value)


def kernel_transposed(scene: Scene) -> Iterator[Mistake]:
    """Rows and columns of a kernel exchanged, also where it is not square and its numbers were only read in the other order."""
    for w in filter(is_kernel, scene.weights):
        words = f"the {w.name} of {w.layer} was transposed"
        axes = (
            [axes for axes in permutations(range(w.ndim)) if axes != tuple(range(w.ndim))]
            if w.ndim <= 4
            else [tuple(reversed(range(w.ndim)))]
        )
        for order in axes:
            turned = np.transpose(w.value, order)
            how = "" if turned.shape == w.shape else " (its numbers were read column by column)"
            bits = 0.0 if order == tuple(reversed(range(w.ndim))) or order[2:] == tuple(range(w.ndim))[2:] else 3.0
            yield weight_mistake(scene, "kernel transposed", words + how, w, turned.reshape(w.shape), bits)
        if w.ndim == 2:
            yield weight_mistake(
                scene, "kernel transposed", words + " (its columns were filled row by row)", w, w.value.reshape(w.shape[::-1]).T
            )


def kernel_reversed(scene: Scene) -> Iterator[Mistake]:
    """Kernels turned end for end (true convolution), rows or columns in reverse, units exchanged, a recurrent kernel left out."""
    for w in filter(is_kernel, scene.weights):
        if w.ndim > 2:
            flipped = np.flip(w.value, tuple(range(w.ndim - 2)))
            yield weight_mistake(scene, "kernel flipped", f"the {w.name} of {w.layer} was turned end for end", w, flipped)
        for axis, words in ((-2, "inputs"), (-1, "units")):
            reverse = np.flip(w.value, axis)
            yield weight_mistake(
                scene, "kernel in another order", f"the {words} of the {w.name} of {w.layer} were taken in reverse", w, reverse, 1.0
            )
        if w.name.endswith("recurrent_kernel"):
            yield weight_mistake(scene, "no recurrence", f"the hidden state was left out in {w.layer}", w, np.zeros(w.shape))


def gates_in_another_order(scene: Scene) -> Iterator[Mistake]:
    """The gates of a recurrent layer read in another order than Keras keeps them (i, f, c, o; z, r, h)."""
    for w in (w for w in scene.weights if w.name.endswith("recurrent_kernel") and w.ndim == 2 and w.shape[1] > w.shape[0]):
        count = w.shape[1] // w.shape[0]
        together = [x for x in scene.weights if x.layer == w.layer and x.ndim and x.shape[-1] == w.shape[1]]
        for order in list(permutations(range(count)))[1:] if count <= 4 else []:
            edits = {id(x): instead(np.concatenate([np.split(x.value, count, -1)[i] for i in order], -1)) for x in together}
            yield Mistake("gates in another order", f"the gates of {w.layer} were read in another order", edits, scene.readers.get(id(w)))


def normalization_mistakes(scene: Scene) -> Iterator[Mistake]:
    """Parts of a normalisation left out or exchanged."""
    for w in scene.weights:
        last = w.name.split("/")[-1]
        if last == "gamma":
            yield weight_mistake(scene, "gamma left out", f"the gamma of {w.layer} was left out", w, np.ones(w.shape))
            other = next((x for x in scene.weights if x.layer == w.layer and x.name.endswith("beta")), None)
            if other is not None:
                edits = {id(w): instead(other.value), id(other): instead(w.value)}
                yield Mistake("gamma and beta exchanged", f"gamma and beta of {w.layer} were exchanged", edits, scene.readers.get(id(w)))
        if last in ("moving_mean", "mean"):
            yield weight_mistake(scene, "mean not subtracted", f"the mean was not subtracted in {w.layer}", w, np.zeros(w.shape))
    for layer, nodes in scene.with_operation(np.sqrt):
        edits = {id(x): of(x.args[0], lambda v: v) for x in nodes if isinstance(x.args[0], Recorded)}
        yield Mistake("no square root", f"the square root was left out in {layer}", edits, scene.owner[id(nodes[0])])


# -- functions ---------------------------------------------------------------------------------------------------------------


def grouped(sites: list[Site]) -> Iterator[tuple[str, list[Site]]]:
    """The places of one function in one step (all time steps of it together), then those of a whole layer."""
    steps: dict[tuple[str, str, str], list[Site]] = {}
    layers: dict[tuple[str, str], list[Site]] = {}
    for site in sites:
        steps.setdefault((site.at.layer, site.at.name, site.function), []).append(site)
        layers.setdefault((site.at.layer, site.function), []).append(site)
    for (layer, name, _), found in steps.items():
        yield layer if name in ("activation", "pre-activation", "dot product", "output") else f"the {name} of {layer}", found
    for (layer, _), found in layers.items():
        if len({site.at.name for site in found}) > 1:
            yield layer, found


def activation_words(place: str, old: str, new: str) -> tuple[str, str]:
    """The kind of mistake and its words, for one function taken for another."""
    if new == "linear":
        return (
            "activation left out",
            f"the {old} was left out in {place}" if old != "activation" else f"the activation was left out in {place}",
        )
    if old == "linear":
        return "activation added", f"{new} was applied in {place}, which has no activation"
    return "another activation", f"{new} was applied in {place} instead of {old if old != 'activation' else 'its activation'}"


def exchanged(scene: Scene, functions: dict[str, Callable[[Any], Any]], without: str = "") -> Iterator[Mistake]:
    """Every activation replaced by each of the functions."""
    for place, sites in grouped(scene.sites):
        for name, function in functions.items():
            if name not in (sites[0].function, without):
                kind, words = activation_words(place, sites[0].function, name)
                yield Mistake(kind, words, edits_of(sites, function), sites[0].at)


def edits_of(sites: list[Site], function: Callable[[Any], Any]) -> dict[int, Edit]:
    """Another function at each of the places."""
    return {id(s.out): through(function) if s.out is s.argument else of(s.argument, function) for s in sites}


def another_activation(scene: Scene) -> Iterator[Mistake]:
    """relu, sigmoid and softmax exchanged, left out, or added."""
    yield from exchanged(scene, FUNCTIONS)
    hidden = [s for s in scene.sites if s.function not in ("linear", "softmax")]
    if len({s.at.layer for s in hidden}) > 1:
        for name, function in FUNCTIONS.items():
            if name != "softmax" and any(s.function != name for s in hidden):
                words = "the activations were left out in every layer" if name == "linear" else f"{name} was applied in every layer"
                yield Mistake(
                    "activation left out" if name == "linear" else "another activation", words, edits_of(hidden, function), hidden[0].at
                )


def rarer_activation(scene: Scene) -> Iterator[Mistake]:
    """Functions that are taken for another less often, and slips in writing the right one."""
    yield from exchanged(scene, RARER)
    for place, sites in grouped([s for s in scene.sites if s.function == "sigmoid"]):
        for words, function in (
            ("1 / (1 + e^x) was computed, with the wrong sign", lambda z: 1.0 / (1.0 + np.exp(z))),
            ("e^-x was computed, not 1 / (1 + e^-x)", lambda z: np.exp(-z)),
            ("1 + e^-x was computed, not 1 / (1 + e^-x)", lambda z: 1.0 + np.exp(-z)),
        ):
            yield Mistake("sigmoid miswritten", f"{words}, in {place}", edits_of(sites, function), sites[0].at)


def not_divided(scene: Scene) -> Iterator[Mistake]:
    """e^x not divided by the sum, with and without the maximum subtracted."""
    for s in (s for s in scene.sites if s.function == "softmax"):
        words = f"e^x was not divided by the sum in {s.at.layer}"
        axis = softmax_axis(s)
        yield Mistake("not divided by the sum", words, edits_of([s], np.exp), s.at)
        shifted = edits_of([s], lambda z, axis=axis: np.exp(z - np.max(z, axis=axis, keepdims=True)))  # type: ignore[misc]
        yield Mistake("not divided by the sum", words, shifted, s.at)


def softmax_axis(site: Site) -> Any:
    """The axis that a softmax adds up."""
    total = site.out.args[1]
    return total.kwargs.get("axis", -1)


def softmax_miswritten(scene: Scene) -> Iterator[Mistake]:
    """Divided without e^x, by the largest, by the other units only, or with another base."""
    ways: dict[str, Callable[[Any, Any], Any]] = {
        "the numbers were divided by their sum without e^x": lambda z, axis: z / np.sum(z, axis=axis, keepdims=True),
        "e^x was divided by the largest e^x, not by the sum": lambda z, axis: np.exp(z - np.max(z, axis=axis, keepdims=True)),
        "e^x was divided by the sum of x": lambda z, axis: np.exp(z) / np.sum(z, axis=axis, keepdims=True),
        "e^x was divided by the sum over the other units": lambda z, axis: softmax(z, axis) / (1.0 - softmax(z, axis)),
        "e^-x was taken instead of e^x": lambda z, axis: softmax(-z, axis),
        "10^x was taken instead of e^x": lambda z, axis: softmax(z * math.log(10), axis),
        "2^x was taken instead of e^x": lambda z, axis: softmax(z * math.log(2), axis),
    }
    for s in (s for s in scene.sites if s.function == "softmax"):
        axis = softmax_axis(s)
        for words, function in ways.items():
            edits = edits_of([s], lambda z, f=function, axis=axis: f(z, axis))  # type: ignore[misc]
            yield Mistake("softmax miswritten", f"{words}, in {s.at.layer}", edits, s.at)


def softmax_over_another_axis(scene: Scene) -> Iterator[Mistake]:
    """The sum of a softmax taken over the samples, or over everything."""
    for s in (s for s in scene.sites if s.function == "softmax"):
        own = softmax_axis(s)
        own = own % s.out.ndim if isinstance(own, int) else own
        for axis in [*(a for a in range(s.out.ndim) if a != own), None]:
            over = "everything" if axis is None else "the samples" if axis == 0 else f"axis {axis}"
            edits = edits_of([s], lambda z, axis=axis: softmax(z, axis))  # type: ignore[misc]
            total = s.out.args[1]
            edits[id(total)] = of(s.out.args[0], lambda e, axis=axis: np.sum(e, axis=axis, keepdims=True))  # type: ignore[misc]
            yield Mistake("softmax over the wrong axis", f"the softmax of {s.at.layer} was taken over {over}", edits, s.at)


def another_logarithm(scene: Scene) -> Iterator[Mistake]:
    """LOG, which is the logarithm to base 10 in a spreadsheet, for LN."""
    for layer, nodes in scene.with_operation(np.log, np.log1p):
        for words, base in (("10 (LOG instead of LN)", 10.0), ("2", 2.0)):
            edits = {id(x): through(lambda v, base=base: v / math.log(base)) for x in nodes}  # type: ignore[misc]
            yield Mistake(
                "log base 10" if base == 10 else "log base 2",
                f"the logarithm to base {words} was taken in {layer}",
                edits,
                scene.owner[id(nodes[0])],
            )


def pooling_exchanged(scene: Scene) -> Iterator[Mistake]:
    """The average of a window taken for its maximum, or the other way round."""
    for old, new, words in (
        (np.max, np.mean, "the average was taken instead of the maximum"),
        (np.mean, np.max, "the maximum was taken instead of the average"),
    ):
        for layer, nodes in scene.with_operation(old):
            if "Pool" in scene.class_of(scene.owner[id(nodes[0])]):
                edits = {id(x): of(x.args[0], lambda v, x=x, new=new: new(v, **x.kwargs)) for x in nodes if isinstance(x.args[0], Recorded)}  # type: ignore[misc]
                yield Mistake("pooling exchanged", f"{words} in {layer}", edits, scene.owner[id(nodes[0])])


# -- inputs ------------------------------------------------------------------------------------------------------------------


def layer_scaling(scene: Scene) -> Iterator[Mistake]:
    """A scaling layer left out, or applied twice."""
    for step, source in scene.scalings:
        out = step.made
        yield Mistake("input not scaled", f"the input was not scaled ({step.layer} was left out)", {id(out): of(source, lambda v: v)}, step)
        again: Edit = lambda now, own, out=out, source=source: scene.replay.run([out], {id(source): instead(own())})[0]  # type: ignore[misc]
        yield Mistake("input scaled twice", f"the input was scaled twice ({step.layer})", {id(out): again}, step)


def input_scaling(scene: Scene) -> Iterator[Mistake]:
    """Inputs taken before a scaling that they have had, or scaled once more."""
    for x in scene.trace.inputs:
        if x.value.dtype.kind != "f":
            continue
        for scale in SCALES:
            yield Mistake(
                "input not scaled", f"the input was not scaled: {scale:g} times as large", {id(x): through(lambda v, k=scale: v * k)}
            )  # type: ignore[misc]
            yield Mistake(
                "input scaled twice", f"the input was scaled twice: divided by {scale:g}", {id(x): through(lambda v, k=scale: v / k)}
            )  # type: ignore[misc]


def input_standardised(scene: Scene) -> Iterator[Mistake]:
    """Inputs brought to another range than the network takes."""
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
            yield Mistake("input scaled otherwise", f"the input was {words}", {id(x): through(function)})


def inputs_in_another_order(scene: Scene) -> Iterator[Mistake]:
    """Features in reverse, moved on by one, exchanged, or read column by column; pictures turned."""
    for x in scene.trace.inputs:
        value = x.value
        orders = other_orders(value) if value.ndim > 1 else []
        if value.ndim > 2:
            orders += [("reversed along axis 1", np.flip(value, 1))]
            if value.shape[1] == value.shape[2]:
                orders.insert(0, ("rows and columns exchanged", np.swapaxes(value, 1, 2)))
        if value.ndim == 2:
            for a, b in factors(value.shape[1]):
                orders.append(("column by column", value.reshape(-1, a, b).swapaxes(1, 2).reshape(value.shape)))
        for words, array in orders:
            yield Mistake("inputs in another order", f"the inputs were taken in another order ({words})", {id(x): instead(array)})
    for one, two in combinations(scene.trace.inputs, 2):
        if one.shape == two.shape:
            edits = {id(one): instead(two.value), id(two): instead(one.value)}
            yield Mistake("inputs in another order", f"the inputs {one.name} and {two.name} were exchanged", edits)


def other_orders(array: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """The last axis in other orders: reversed, moved on, every two exchanged, and every order of a few."""
    n = array.shape[-1]
    found = [("moved on by one", np.roll(array, 1, -1)), ("moved back by one", np.roll(array, -1, -1)), ("in reverse", np.flip(array, -1))]
    orders: list[tuple[str, list[int]]] = []
    if n <= SEVERAL:
        for i, j in combinations(range(n), 2):
            order = list(range(n))
            order[i], order[j] = j, i
            orders.append((f"{i} and {j} exchanged", order))
    if n <= FEW:
        orders += [(f"as {', '.join(map(str, order))}", list(order)) for order in permutations(range(n))]
    known = [a.tobytes() for _, a in found] + [array.tobytes()]
    for words, order in orders:
        moved = np.ascontiguousarray(array[..., order])
        if moved.tobytes() not in known:
            known.append(moved.tobytes())
            found.append((words, moved))
    return found


def flatten_order(scene: Scene) -> Iterator[Mistake]:
    """Pictures and sequences flattened with their axes in another order."""
    for step, source, out in scene.flattenings:
        for order in list(permutations(range(1, source.ndim)))[1:] if source.ndim <= 5 else []:
            edit = of(source, lambda v, order=order, shape=out.shape: np.transpose(v, (0, *order)).reshape(shape))  # type: ignore[misc]
            first = " (channels first)" if order[0] == source.ndim - 1 else ""
            yield Mistake("flatten order", f"{step.layer} was flattened in another order{first}", {id(out): edit}, step)


# -- rounding ----------------------------------------------------------------------------------------------------------------


def rounding(scene: Scene) -> Iterator[Mistake]:
    """Weights, inputs or results along the way rounded, or cut off, to a few digits after the point."""
    ways: tuple[tuple[str, Callable[[Any, int], Any]], ...] = (("rounded", np.round), ("cut off", cut_off))
    steps = [step.made for step in scene.trace.steps]
    everything = (
        ("the weights were", scene.weights),
        ("intermediate results were", steps),
        ("weights and intermediate results were", [*scene.weights, *steps]),
    )
    for digits in range(6):
        for how, function in ways:
            for what, nodes in everything:
                edits = {id(x): through(lambda v, f=function, d=digits: f(v, d)) for x in nodes}  # type: ignore[misc]
                bits = ODD_DIGITS.get(digits, 0.0) + 2.0 * (how != "rounded")
                yield Mistake("rounding", f"{what} {how} to {digits} decimals", edits, bits=bits, harmless=True)


def cut_off(array: Any, digits: int) -> Any:
    """Digits cut off instead of rounded."""
    return np.trunc(array * 10.0**digits) / 10.0**digits


FAMILIES: tuple[tuple[Family, float], ...] = (
    (no_bias, 0.0),
    (another_activation, 0.0),
    (not_divided, 0.0),
    (kernel_transposed, 0.0),
    (bias_of_another_unit, 0.0),
    (softmax_over_another_axis, 0.0),
    (layer_scaling, 0.0),
    (flatten_order, 0.0),
    (another_logarithm, 0.0),
    (rounding, 1.0),
    (input_scaling, 1.0),
    (inputs_in_another_order, 1.0),
    (bias_added_wrongly, 2.0),
    (rarer_activation, 2.0),
    (softmax_miswritten, 2.0),
    (gates_in_another_order, 2.0),
    (normalization_mistakes, 2.0),
    (pooling_exchanged, 2.0),
    (kernel_reversed, 2.0),
    (bias_of_one_unit_left_out, 2.0),
    (input_standardised, 3.0),
)


def known_mistakes(scene: Scene) -> list[Mistake]:
    """Every variant of every family, the likeliest first."""
    found = []
    for family, bits in FAMILIES:
        variants = list(family(scene))
        found += [replace(m, bits=m.bits + bits + math.log2(len(variants))) for m in variants]
    return sorted(found, key=lambda mistake: mistake.bits)
