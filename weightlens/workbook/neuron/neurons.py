"""The weighted sums of a network, with names for their units, places and inputs: what the sheet Neuron lets one pick from."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from weightlens.axes import Axis, Factor, Mark
from weightlens.recording import Recorded, Step
from weightlens.workbook.formulas.cell_arrays import Cells
from weightlens.workbook.neuron.cell_numbers import can_be_picked
from weightlens.workbook.neuron.unit_inputs import Pixels, factor_names, input_names, pixels_of, words
from weightlens.workbook.neuron.weighted_sums import WeightedSum, WeightedSums
from weightlens.workbook.sheets.network import NetworkSheets

SAMPLE, THE_ONE = "sample", "the only one"
WILD = str.maketrans("*?~", "x__")  # signs that stand for others where a text is looked up
MOST_INPUTS = 4000  # inputs of one unit; and units


@dataclass(frozen=True, eq=False)
class Neuron:
    """The units of one layer, or of one gate or head: everything that the sums of one step read.

    Cells are by ``inputs[sample, group, place, input]`` and ``weights[sample, unit, input]``: the units of a group (a head, a
    group of channels) see the same inputs. ``scale`` multiplies the weights of each input; ``bias`` has cells for each unit,
    perhaps of several weights; ``sums`` are the cells in which the network has the result, ``[sample, place, unit]``, ``outputs``
    those of what comes next, where ``functions`` (recorded values, one for each occurrence) are functions of sums without cells.
    ``parts`` are the named values that it spells out; ``row`` is how many units lie along the last axis: all, or those of a head.
    ``factors`` and ``total`` are the names of what is multiplied and of the sum: a query and a key make scores.
    """

    name: str
    layer: str
    step: str
    units: list[str]
    places: list[str]
    names: list[str]
    inputs: Cells
    weights: Cells
    scale: np.ndarray
    group: np.ndarray
    bias: list[Cells]
    sums: Cells | None
    outputs: Cells | None
    functions: list[Recorded]
    fixed: dict[str | Mark, Factor]
    row: int
    pixels: Pixels | None
    parts: frozenset[int]
    factors: tuple[str, str]
    total: str

    @property
    def size(self) -> int:
        """How many cells its tables take."""
        return math.prod(self.weights.shape[1:]) + self.size_of_places

    @property
    def size_of_places(self) -> int:
        """How many of them are for its places: they come again with every time step."""
        return math.prod(self.inputs.shape[1:]) + 2 * len(self.places) * len(self.units)

    @property
    def can_be_picked(self) -> bool:
        """Whether its units fit into the columns of a sheet, and a formula finds the cells of the picked sample."""
        cells = [array for array in (self.inputs, self.weights, self.sums, self.outputs) if array is not None]
        return len(self.units) <= MOST_INPUTS and all(can_be_picked(array) for array in cells)


def neurons_of(net: NetworkSheets, most: float = math.inf) -> list[Neuron]:
    """All neurons of a network, in the order in which they are computed; the time steps of a layer are places of one.

    None where time steps alone take more than ``most`` cells: of a thousand not all are looked at to learn that.
    """
    sums, found = WeightedSums(net.plan.formulas), dict[tuple[str, str], list[Neuron | None]]()
    owner = {id(step.made): (step.layer, step.name) for step in net.plan.steps}
    spelled_out, taken = set[tuple[str, str]](), Counter[tuple[str, str]]()  # steps; cells of all their rounds but the last
    for step in net.plan.steps:
        rounds = found.setdefault(owner[id(step.made)], [])
        if rounds[:2] == [None, None]:  # then no other round of it is a neuron
            continue
        for value in candidates(step):
            whole = sums.find(value, step.layer)
            neuron = neuron_of(net, step, value, whole) if whole is not None and whole.terms else None
            spelled_out |= {owner[part] for part in (neuron.parts if neuron else ()) if part in owner}
            taken[owner[id(step.made)]] += rounds[-1].size_of_places if rounds and rounds[-1] else 0
            rounds.append(neuron)
        if len(rounds) > 1 and sum(cells for key, cells in taken.items() if key not in spelled_out) > most:
            return []
    merged = [neuron for rounds in found.values() for neuron in over_time([n for n in rounds if n is not None])]
    return named([neuron for neuron in merged if (neuron.layer, neuron.step) not in spelled_out])


def candidates(step: Step) -> list[Recorded]:
    """What may be a weighted sum in a step: the step itself, or what its activation is a function of, where that has no name."""
    argument = step.made.function[1]
    return [argument] if isinstance(argument, Recorded) and not argument.kind else [step.made]


def neuron_of(net: NetworkSheets, step: Step, value: Recorded, whole: WeightedSum) -> Neuron | None:
    """A weighted sum as neurons; ``None`` where its sums are not alike in all samples and places."""
    named_axes = net.plan.trace.axes.named(value)
    full, axes = by_sample(net, value, named_axes.titled)
    if not full or sum(term.inputs.shape[1] for term in whole.terms) > MOST_INPUTS or len({term.scale for term in whole.terms}) > 1:
        return None
    whole = whole.moved(lambda array: array.reshape(full))
    own = [d for d in range(1, len(full)) if d == len(full) - 1 or any((array != np.take(array, [0], d)).any() for array in by_unit(whole))]
    others = [d for d in range(1, len(full)) if d not in own]
    placed = partial(by_place_and_unit, full=full, places=others, units=own)
    whole = whole.moved(placed)
    groups = groups_of(whole)
    if groups is None:
        return None
    group, first = groups
    sums, outputs = (net.plan.formulas.cells(x) for x in (value, step.made))
    return Neuron(
        step.layer,
        step.layer,
        step.name,
        words([axes[d] for d in own], [full[d] for d in own], "unit"),
        words([axes[d] for d in others], [full[d] for d in others], "place") if any(full[d] > 1 for d in others) else [THE_ONE],
        [name for term in whole.terms for name in input_names(net, term, step.layer, len(whole.terms) > 1)],
        np.concatenate([np.swapaxes(term.inputs[term.input_row[:, :, first]], 1, 2) for term in whole.terms], axis=-1),
        np.concatenate([term.weights[term.weight_row[:, 0]] for term in whole.terms], axis=-1),
        np.concatenate([np.full(term.inputs.shape[1], term.scale) for term in whole.terms]),
        group,
        [added[0, 0] for added in whole.added],
        None if sums is None else placed(sums),
        placed(outputs) if sums is None and outputs is not None else None,
        [step.made] if sums is None else [],
        named_axes.fixed | net.plan.trace.axes.named(step.made).fixed,
        full[-1],
        pixels_of(net, whole.terms[0]) if len(whole.terms) == 1 else None,
        frozenset(whole.parts),
        factor_names(whole.terms, step.layer),
        step.name if value is step.made else "pre-activation",
    )


def by_place_and_unit(array: np.ndarray, full: tuple[int, ...], places: list[int], units: list[int]) -> np.ndarray:
    """A value of a full shape with its places on the second axis, its units on the third."""
    shape = full[0], math.prod(full[d] for d in places), math.prod(full[d] for d in units)
    return np.transpose(array.reshape(full), [0, *places, *units]).reshape(shape)


def by_sample(net: NetworkSheets, value: Recorded, axes: list[Axis]) -> tuple[tuple[int, ...], list[Axis]]:
    """The shape and the axes of a value with the samples on the first axis; nothing where they are not there.

    Where time steps were treated as samples (TimeDistributed), the first axis is both: it is taken apart.
    """
    samples = net.plan.trace.inputs[0].shape[0]
    if value.ndim < 2 or 0 in value.shape or not axes[0] or axes[0][0].name != SAMPLE or value.shape[0] % samples:
        return (), axes
    if value.shape[0] == samples:
        return value.shape, axes
    inner = value.shape[0] // samples
    return (samples, inner, *value.shape[1:]), [axes[0][:1], tuple(f.picked(np.arange(inner)) for f in axes[0][1:]), *axes[1:]]


def by_unit(whole: WeightedSum) -> list[np.ndarray]:
    """What tells units apart: the weights of each term, and what is added."""
    return [*(term.weight_row for term in whole.terms), *whole.added]


def groups_of(whole: WeightedSum) -> tuple[np.ndarray, np.ndarray] | None:
    """For each unit the number of its group, and the first unit of each group: units that read the same inputs.

    ``None`` where weights or what is added differ from place to place, or groups from sample to sample.
    """
    if any((array != array[:, :1]).any() for array in by_unit(whole)) or any((added != added[:1, :1]).any() for added in whole.added):
        return None
    seen = np.concatenate([term.input_row[0].T for term in whole.terms], axis=1)  # (units, places of all terms)
    _, first, group = np.unique(seen, axis=0, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    same = all((term.input_row == term.input_row[:, :, first][:, :, group]).all() for term in whole.terms)
    return (group, first) if same else None


def over_time(neurons: list[Neuron]) -> list[Neuron]:
    """The occurrences of one step (time steps, calls) as places of one neuron, where they have the same weights."""
    if len(neurons) < 2 or not all(is_like(neurons[0], n) for n in neurons):
        return neurons
    first = neurons[0]
    times = times_of(neurons)
    several = len(first.places) > 1
    return [
        replace(
            first,
            places=[f"{time}, {place}" if several else time for time, n in zip(times, neurons, strict=True) for place in n.places],
            inputs=np.concatenate([n.inputs for n in neurons], axis=2),
            sums=in_order([n.sums for n in neurons]),
            outputs=in_order([n.outputs for n in neurons]),
            functions=[y for n in neurons for y in n.functions],
            parts=frozenset().union(*(n.parts for n in neurons)),
        )
    ]


def times_of(neurons: list[Neuron]) -> list[str]:
    """What tells the occurrences of a step apart: the time step, or the token, that each reads; else their order."""
    for name in neurons[0].fixed:
        times = [neuron.fixed[name].text(0) for neuron in neurons if name in neuron.fixed]
        if len(set(times)) == len(neurons):
            return times
    return [f"round {i}" for i in range(len(neurons))]


def is_like(a: Neuron, b: Neuron) -> bool:
    """Whether two occurrences have the same weights, and as many inputs."""
    same = all(np.array_equal(x, y) for x, y in ((a.weights, b.weights), (a.bias, b.bias), (a.group, b.group), (a.scale, b.scale)))
    return same and a.inputs.shape == b.inputs.shape and (a.sums is None) == (b.sums is None) and (a.outputs is None) == (b.outputs is None)


def in_order(cells: list[Cells | None]) -> Cells | None:
    """The cells of all occurrences, place after place."""
    there = [array for array in cells if array is not None]
    return np.concatenate(there, axis=1) if there else None


def named(neurons: list[Neuron]) -> list[Neuron]:
    """The neurons, each with a name of its own that can be looked up: the layer's, with the step where there are several."""
    layers = [neuron.layer for neuron in neurons]
    taken: set[str] = set()
    result = []
    for neuron in neurons:
        name = neuron.layer if layers.count(neuron.layer) == 1 else f"{neuron.layer}: {neuron.step}"
        name = name.translate(WILD)
        endings = itertools.chain([""], (f" ({i})" for i in itertools.count(2)))
        name = next(name + end for end in endings if (name + end).lower() not in taken)
        taken.add(name.lower())
        result.append(replace(neuron, name=name))
    return result
