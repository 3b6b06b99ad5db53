"""Which step of the forward pass each number of a calculation by hand belongs to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from weightlens.checks.by_hand.claims import NOISE, Claim, Claims
from weightlens.checks.by_hand.numbers import WrittenNumber, rounding_allowances
from weightlens.checks.by_hand.step_names import NoSuchStep, OutOfRange, find_step, steps_of, timed, without_bias
from weightlens.errors import BadInput
from weightlens.recording import Recorded, Step, Trace
from weightlens.specs.words.number_words import counted

Index = tuple[int, ...]

IN_TIME = ("time step", "token")  # axes that a column of time counts along


@dataclass(frozen=True, eq=False)
class Given:
    """The numbers given for one step: their elements in its array, and the rounding error allowed.

    ``noise``: the error that float32 rounding can cause, for each number or for all of them.
    """

    step: Step
    elements: list[Index]
    written: list[WrittenNumber]
    noise: np.ndarray | float = 0.0

    @cached_property
    def values(self) -> np.ndarray:
        """The numbers."""
        return np.array([w.value for w in self.written])

    @cached_property
    def allowed(self) -> np.ndarray:
        """The largest rounding error of each number."""
        return rounding_allowances(self.written)

    @cached_property
    def at(self) -> tuple[np.ndarray, ...]:
        """The elements as an index into the step's array."""
        return tuple(np.array(axis) for axis in zip(*self.elements, strict=True)) if self.node.shape else ()

    @property
    def node(self) -> Recorded:
        """The step's array."""
        return self.step.made

    def pick(self, array: np.ndarray) -> np.ndarray:
        """The given elements of an array of the step's shape."""
        whole = array if np.shape(array) == self.node.shape else np.broadcast_to(array, self.node.shape)
        return np.atleast_1d(whole[self.at]).astype(np.float64)

    def distances(self, array: np.ndarray) -> np.ndarray:
        """How far each number is off, in units of its allowed rounding error."""
        true = self.pick(array)
        with np.errstate(all="ignore"):
            difference = np.abs(self.values - true)
            room = self.allowed * (1 + 1e-9) + np.maximum(NOISE * np.maximum(1.0, np.abs(true)), self.noise)
            return np.where(np.isfinite(difference), difference / room, np.inf)

    def agrees(self, array: np.ndarray) -> np.ndarray:
        """Which numbers are right within their digits."""
        return self.distances(array) <= 1.0


class First(NamedTuple):
    """With what samples, units and time steps are counted from."""

    sample: int = 0
    unit: int = 0
    time: int = 0


@dataclass(frozen=True)
class Placed:
    """The numbers of a calculation by step, in the order of the computation.

    ``unknown``: why some of them belong to no step. ``notes``: how the numbers were read, if not in the usual way.
    """

    givens: list[Given]
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def count_right(givens: list[Given]) -> int:
    """How many numbers are right."""
    return sum(int(given.agrees(given.step.value).sum()) for given in givens)


def place_claims(claims: Claims, trace: Trace) -> Placed:
    """The claims grouped by step.

    Samples, units and time steps are numbered from 0, as everywhere here, or from 1, as people count: of the numberings that are
    possible the one that agrees with more numbers is taken.
    """
    claims = replace(claims, items=timed(without_bias(claims.items), trace))
    samples = {claim.sample for claim in claims.items if claim.sample is not None}
    units = {i for claim in claims.items if claim.unit is not None and len(claim.unit) == 1 for i in claim.unit}
    times = {claim.time for claim in claims.items if claim.time is not None}
    ways = [First(sample, unit, time) for time in firsts(times) for unit in firsts(units) for sample in firsts(samples)]
    placed, refusals = [], []
    for way in ways:
        try:
            placed.append(place_numbered_from(claims, trace, way))
        except OutOfRange as refusal:
            refusals.append(refusal)
    if not placed:
        raise refusals[0]
    best = max(placed, key=lambda one: count_right(one.givens))
    return replace(best, notes=[*claims.notes, *best.notes])


def firsts(numbers: set[int]) -> tuple[int, ...]:
    """With what a numbering may begin."""
    return (0,) if not numbers or 0 in numbers else (0, 1)


def place_numbered_from(claims: Claims, trace: Trace, first: First) -> Placed:
    """The claims grouped by step, if samples, units and time steps are numbered from ``first``."""
    steps = steps_of(trace)
    order = {id(step.made): i for i, step in enumerate(steps)}
    groups: dict[int, list[Claim]] = {}
    unknown = []
    for claim in claims.items:
        try:
            groups.setdefault(order[id(find_step(trace, steps, claim, claims.source, first.time).made)], []).append(claim)
        except NoSuchStep as reason:
            unknown.append(str(reason))
    if not groups:
        raise BadInput(unknown[0] if unknown else f"{claims.source}: holds no numbers")
    return Placed([group_claims(steps[i], groups[i], first) for i in sorted(groups)], unknown)


def group_claims(step: Step, claims: list[Claim], first: First) -> Given:
    """The claims about one step, each with the index of its element."""
    shape = step.made.shape
    batched = len(shape) > 1 or (step.trace is None or step.axes == ("sample",))  # of a kernel the rows stand for samples
    inside = shape[1:] if batched else shape
    in_time = axis_of_time(step, inside) if any(claim.time is not None for claim in claims) else None
    seen: Counter[tuple[Index | None, int | None, int | None]] = Counter()
    elements = []
    for claim in claims:
        axis = None if claim.time is None or len(claim.unit or ()) == len(inside) > 1 else in_time
        rest = inside if axis is None else inside[:axis] + inside[axis + 1 :]
        size = int(np.prod(rest))
        unit = claim.unit if claim.unit is None or len(claim.unit) > 1 else (claim.unit[0] - first.unit,)
        if unit is None and size == 1:
            unit = (0,)
        count = seen[(unit, claim.sample, claim.time)]
        seen[(unit, claim.sample, claim.time)] += 1
        sample = claim.sample - first.sample if claim.sample is not None else count if unit is not None else count // size
        place = (count if claim.sample is not None else count % size,) if unit is None else unit
        within = element(claim, step, rest, place)
        if axis is not None:
            within = (*within[:axis], moment(claim, step, inside[axis], first), *within[axis:])
        elements.append((checked_sample(claim, step, sample), *within) if batched else within)
    return Given(step, elements, [claim.written for claim in claims])


def axis_of_time(step: Step, inside: Index) -> int | None:
    """Along which axis within a sample time goes on, if along one."""
    axes = step.axes[len(step.axes) - len(inside) :]
    return next((i for i, name in enumerate(axes) if name in IN_TIME), None)


def moment(claim: Claim, step: Step, length: int, first: First) -> int:
    """The index of a claim along the axis of time."""
    assert claim.time is not None
    if not 0 <= claim.time - first.time < length:
        raise OutOfRange(f"{claim.place}: time {claim.time} of {step.layer}/{step.name}, which has {length} (numbered from 0)")
    return claim.time - first.time


def checked_sample(claim: Claim, step: Step, sample: int) -> int:
    """The sample of a claim, which must be there."""
    samples = step.made.shape[0]
    if not 0 <= sample < samples:
        said = sample if claim.sample is None else claim.sample
        there = counted(samples, "sample")
        raise OutOfRange(f"{claim.place}: sample {said} of {step.layer}/{step.name}, but the input (-i) has {there}")
    return sample


def element(claim: Claim, step: Step, inside: Index, unit: Index) -> Index:
    """The index of an element within a sample of shape ``inside``; ``unit``: its flat position there, or its index."""
    path, size = f"{step.layer}/{step.name}", int(np.prod(inside))
    if len(unit) > 1 and (len(unit) != len(inside) or any(i >= n for i, n in zip(unit, inside, strict=True))):
        raise BadInput(f"{claim.place}: {path} has no element {unit}; its shape is {inside} for each sample")
    if len(unit) == 1 and not 0 <= unit[0] < max(size, 1):
        raise OutOfRange(f"{claim.place}: unit {claim.unit[0] if claim.unit else unit[0]} of {path}, which has {size} (numbered from 0)")
    return unit if len(unit) > 1 else tuple(int(i) for i in np.unravel_index(unit[0], inside)) if inside else ()
