"""Which step of the forward pass each number of a calculation by hand belongs to."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from weightlens.checks.by_hand.claims import NOISE, Claim, Claims
from weightlens.checks.by_hand.numbers import WrittenNumber, rounding_allowances
from weightlens.errors import BadInput, unknown
from weightlens.recording import Recorded, Step, Trace

Index = tuple[int, ...]

WEIGHTED_SUM = "weighted sum"
OTHER_WORDS = {
    "dot product": ("dot", "product", "matmul", "x w", "wx", "xw", "x kernel"),
    "pre activation": ("preactivation", "z", "logits", "logit", "net", "net input", WEIGHTED_SUM, "biased", "with bias", "linear"),
    "exponentials": ("e^x", "e^z", "exp", "exps", "exponential", "e x", "exp x", "exp z"),
    "sum": ("total", "sum of exponentials", "denominator", "sum of e^x"),
    "activation": (
        "output", "a", "h", "y", "out", "result", "softmax", "relu", "sigmoid", "tanh", "probability", "probabilities", "prediction",
    ),
}  # fmt: skip
OF_THE_NETWORK = ("output", "y", "out", "result", "prediction", "probability", "probabilities")  # of the last layer, where none is named
INSTEAD = {"pre activation": ("dot product",), "dot product": ()}  # a layer without a bias has one step less


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


class OutOfRange(BadInput):
    """A sample or a unit that is not there, if they are numbered so."""


class NoSuchStep(BadInput):
    """The layer has no step of that name: a typing error, or a step that only a wrong calculation has."""


def place_claims(claims: Claims, trace: Trace) -> Placed:
    """The claims grouped by step.

    Samples and units are numbered from 0, as everywhere here, or from 1, as people count: of the numberings that are possible
    the one that agrees with more numbers is taken.
    """
    samples = {claim.sample for claim in claims.items if claim.sample is not None}
    units = {i for claim in claims.items if claim.unit is not None and len(claim.unit) == 1 for i in claim.unit}
    ways = [(sample, unit) for unit in firsts(units) for sample in firsts(samples)]
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


def without_bias(claims: list[Claim]) -> list[Claim]:
    """The claims, where a weighted sum that stands beside a pre-activation of its layer is the sum before the bias."""
    names = [(claim.layer, *claim.step.lower().rpartition("/")[::2]) for claim in claims]
    biased = {(layer, path) for layer, path, name in names if name != WEIGHTED_SUM and plain_words(name) == "pre activation"}
    return [
        replace(claim, step=claim.step[: -len(WEIGHTED_SUM)] + "dot product") if name == WEIGHTED_SUM and (layer, path) in biased else claim
        for claim, (layer, path, name) in zip(claims, names, strict=True)
    ]


def firsts(numbers: set[int]) -> tuple[int, ...]:
    """With what a numbering may begin."""
    return (0,) if not numbers or 0 in numbers else (0, 1)


def place_numbered_from(claims: Claims, trace: Trace, first: tuple[int, int]) -> Placed:
    """The claims grouped by step, if samples and units are numbered from ``first``."""
    steps = steps_of(trace)
    order = {id(step.made): i for i, step in enumerate(steps)}
    groups: dict[int, list[Claim]] = {}
    unknown = []
    for claim in without_bias(claims.items):
        try:
            groups.setdefault(order[id(find_step(trace, steps, claim, claims.source).made)], []).append(claim)
        except NoSuchStep as reason:
            unknown.append(str(reason))
    if not groups:
        raise BadInput(unknown[0] if unknown else f"{claims.source}: holds no numbers")
    return Placed([group_claims(steps[i], groups[i], first) for i in sorted(groups)], unknown)


def steps_of(trace: Trace) -> list[Step]:
    """The inputs as steps, then every step."""
    return [Step(x.name, "input", x) for x in trace.inputs] + list(trace.steps)


def output_step(trace: Trace, number: int = 0) -> Step:
    """The step that is the network's output."""
    node = trace.results[number]
    return next((step for step in trace.steps if step.made is node), Step(node.layer or "output", node.name or "output", node))


def plain_words(name: str) -> str:
    """A name in lower case with single spaces; a synonym is replaced by the trace's own name."""
    clean = re.sub(r"[\s_\-*.·@()]+", " ", name.lower()).strip()
    return next((known for known, others in OTHER_WORDS.items() if clean in others), clean)


def find_step(trace: Trace, steps: list[Step], claim: Claim, source: str) -> Step:
    """The step that a claim names; layers and steps may go by their common names."""
    layer, name = claim.layer.strip(), claim.step.strip()
    place = claim.place or source
    if not layer and "/" in name:
        layer, _, name = name.rpartition("/")
    if not layer and not name:
        return output_step(trace)
    own = [s for s in steps if layer and s.layer.lower() == layer.lower()] or [
        s for s in steps if s.layer.lower().startswith(layer.lower() + "/")
    ]
    if layer and not own:
        raise BadInput(f"{place}: {unknown('layer', layer, (s.layer for s in steps))}")
    matches = steps_named(own, name, trace, layer) if layer else []
    matches = matches or steps_named(next_layer(own, steps) if layer else steps, name, trace, "")
    if not matches and not layer:  # a layer alone: what it hands on
        matches = steps_named([s for s in steps if s.layer.lower() == name.lower()], "", trace, name)[-1:]
    if not matches:
        names = ", ".join(dict.fromkeys(s.name for s in own or steps))
        learned = any(word in name.lower() for word in ("delta", "gradient", "new ", "loss"))
        more = "; the steps of a training are checked by weightlens train-sheet --by-hand" if learned else ""
        raise NoSuchStep(f"{place}: there is no step {name!r}{f' in layer {layer!r}' if layer else ''}; there are: {names}{more}")
    if len({step.layer for step in matches}) > 1 and name.lower() not in OF_THE_NETWORK:
        layers = ", ".join(dict.fromkeys(step.layer for step in matches))
        raise BadInput(f"{place}: step {name!r} is in several layers ({layers}): name the layer, as in {matches[0].layer}/{name}")
    number = (claim.time or 0) if len(matches) > 1 else 0
    if number >= len(matches):
        raise BadInput(f"{place}: step {name!r} occurs {len(matches)} times, numbered from 0")
    return matches[number] if layer or claim.time is not None else matches[-1]


def next_layer(own: list[Step], steps: list[Step]) -> list[Step]:
    """The steps of the next layer: a softmax layer's exponentials and sum are often named with the Dense layer before it."""
    after = steps[steps.index(own[-1]) + 1 :]
    return [step for step in after if step.layer == after[0].layer and after[-1].made.shape == own[-1].made.shape]


def steps_named(steps: list[Step], name: str, trace: Trace, layer: str) -> list[Step]:
    """The steps with that name; ``output`` and its synonyms name a layer's output."""
    wanted = plain_words(name) if name else "activation"
    for word in (wanted, *INSTEAD.get(wanted, ())):
        matches = [step for step in steps if plain_words(step.name) == word or step.name.lower() == name.lower()]
        if matches:
            return matches
    if wanted in ("activation", "pre activation") and layer:
        outputs = next((nodes for path, nodes in trace.layer_outputs.items() if path.lower() == layer.lower()), [])
        return [step for node in outputs for step in steps_of(trace) if step.made is node] or steps[-1:]
    close = difflib.get_close_matches(wanted, [plain_words(step.name) for step in steps], 1, 0.8)
    return [step for step in steps if close and plain_words(step.name) == close[0]]


def group_claims(step: Step, claims: list[Claim], first: tuple[int, int]) -> Given:
    """The claims about one step, each with the index of its element."""
    shape = step.made.shape
    batched = len(shape) > 1 or (step.trace is None or step.axes == ("sample",))  # of a kernel the rows stand for samples
    inside = shape[1:] if batched else shape
    size = int(np.prod(inside))
    seen: Counter[tuple[Index | None, int | None]] = Counter()
    elements = []
    for claim in claims:
        unit = claim.unit if claim.unit is None or len(claim.unit) > 1 else (claim.unit[0] - first[1],)
        if unit is None and size == 1:
            unit = (0,)
        count = seen[(unit, claim.sample)]
        seen[(unit, claim.sample)] += 1
        sample = claim.sample - first[0] if claim.sample is not None else count if unit is not None else count // size
        elements.append(element(claim, step, inside, sample, (count % size,) if unit is None else unit))
    return Given(step, elements, [claim.written for claim in claims])


def element(claim: Claim, step: Step, inside: Index, sample: int, unit: Index) -> Index:
    """The index of an element of the step's array; ``unit``: its flat position within a sample of shape ``inside``, or its index."""
    path, shape, size = f"{step.layer}/{step.name}", step.made.shape, int(np.prod(inside))
    if len(shape) > len(inside) and not 0 <= sample < shape[0]:
        raise OutOfRange(f"{claim.place}: sample {claim.sample} of {path}, but the input (-i) has {shape[0]} sample{'s' * (shape[0] != 1)}")
    if len(unit) > 1 and (len(unit) != len(inside) or any(i >= n for i, n in zip(unit, inside, strict=True))):
        raise BadInput(f"{claim.place}: {path} has no element {unit}; its shape is {inside} for each sample")
    if len(unit) == 1 and not 0 <= unit[0] < max(size, 1):
        raise OutOfRange(f"{claim.place}: unit {claim.unit[0] if claim.unit else unit[0]} of {path}, which has {size} (numbered from 0)")
    within = unit if len(unit) > 1 else tuple(int(i) for i in np.unravel_index(unit[0], inside)) if inside else ()
    return (sample, *within) if len(shape) > len(inside) else within
