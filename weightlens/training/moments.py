"""The history of a training that Keras runs: its weights and what it reports, moment by moment.

Relu units that let nothing through are counted: 0 for every sample, so that no gradient comes back and they cannot learn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property

import numpy as np

from weightlens.engine.forward import trace
from weightlens.errors import BadInput
from weightlens.model import Model, Weight

SMALL = 1_000  # numbers of a network of which every one is followed
EACH, MOST_FOLLOWED = 10, 240  # numbers of one weight, and of all, that are followed in a larger network
MOST_CHOSEN = 2_000  # numbers that somebody may choose
LOSS, RATES = "loss", ("learning_rate", "lr")  # how the names end that Keras has for these
LINES = 8  # paths in one chart: the legend of more would take its room
PLACE = re.compile(r"(.*)\[(\d+(?:, ?\d+)*)\]")

Arrays = Mapping[tuple[str, str], np.ndarray]  # of the weights at one moment, by layer and name
RELUS = ("relu", "relu6")
MOST_SAMPLES = 256  # that are looked at
MOST_NUMBERS = 20_000_000  # that all steps of these samples may have: they are in memory together


@dataclass(frozen=True, eq=False)
class Moment:
    """The network after ``epoch`` whole epochs and ``batch`` batches of the next one.

    ``logs`` is what Keras reports (after a batch: means since the epoch began). ``numbers`` are those that are followed, ``norms``
    the length of each layer's weights as one vector, ``changes`` the length of the step since the moment before (``None`` at first),
    ``dead`` how many relu units of each layer give 0 for all samples (``None`` where they were not counted).
    """

    epoch: int
    batch: int
    logs: dict[str, float]
    numbers: np.ndarray
    norms: np.ndarray
    changes: np.ndarray | None
    dead: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Number:
    """One number that is followed: its layer, its weight, and its place in that weight."""

    layer: str
    weight: str
    place: tuple[int, ...]

    @property
    def label(self) -> str:
        """``kernel[0,1]``; a weight of one number needs no place."""
        return self.weight + (f"[{','.join(map(str, self.place))}]" if self.place else "")


@dataclass(eq=False)
class TrainingHistory:
    """What was seen of one training: the layers with weights, the numbers that are followed, and every moment.

    ``whole``: every number is followed, layer by layer. ``chosen`` are those that somebody asked for, by position. ``relus`` are
    the layers with relu units and how many they have. ``steps``: batches of an epoch, as far as it is known.
    """

    title: str
    about: str
    layers: tuple[str, ...]
    followed: tuple[Number, ...]
    whole: bool
    chosen: tuple[int, ...] = ()
    relus: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    moments: list[Moment] = field(default_factory=list)

    @property
    def positions(self) -> list[float]:
        """Where each moment stands on an axis of epochs."""
        steps = max([self.steps, 1, *(moment.batch for moment in self.moments)])
        return [moment.epoch + moment.batch / steps for moment in self.moments]

    @property
    def by_batches(self) -> bool:
        """Whether there are moments within an epoch."""
        return any(moment.batch for moment in self.moments)

    @property
    def reported(self) -> list[str]:
        """The names of what Keras reports, losses first."""
        names = dict.fromkeys(name for moment in self.moments for name in moment.logs)
        return sorted(names, key=lambda name: not name.endswith(LOSS))

    @property
    def losses(self) -> list[str]:
        """The losses among them."""
        return [name for name in self.reported if name.endswith(LOSS)]

    @property
    def metrics(self) -> list[str]:
        """What is neither a loss nor the learning rate."""
        return [name for name in self.reported if not name.endswith((LOSS, *RATES))]

    @property
    def paths_title(self) -> str:
        """What the chart of ``drawn`` is called."""
        return "the paths of chosen weights" if self.chosen else "the paths of the weights that moved most"

    @property
    def drawn(self) -> list[int]:
        """The followed numbers to draw: the chosen ones, else those that moved most."""
        if self.chosen:
            return [*self.chosen[:LINES]]
        with np.errstate(all="ignore"):
            moved = np.nan_to_num(np.abs(self.moments[-1].numbers - self.moments[0].numbers))
        return sorted(np.argsort(-moved, kind="stable")[:LINES].tolist())

    @cached_property
    def spans(self) -> dict[str, tuple[int, int]]:
        """For each layer: which of the followed numbers is its first, and how many it has."""
        owners = [number.layer for number in self.followed]
        return {layer: (owners.index(layer), owners.count(layer)) for layer in self.layers if layer in owners}


@dataclass(frozen=True, eq=False)
class Forward:
    """What the forward pass of one epoch is shown with: the network as it was then, the samples, names of its classes."""

    model: Model
    inputs: Sequence[np.ndarray]
    epoch: int
    labels: tuple[str, ...] = ()


def weights_by_layer(model: Model) -> dict[tuple[str, str], Weight]:
    """Every weight of floating-point numbers, by layer and name; arrays without a layer are a layer of their own."""
    pairs = [((layer.name, name), weight) for layer in model.layers for name, weight in layer.weights.items()]
    pairs += [((weight.path, "value"), weight) for weight in model.unplaced]
    return {key: weight for key, weight in pairs if weight.is_floating}


def empty_history(model: Model, about: str, wishes: Sequence[str]) -> TrainingHistory:
    """A history of nothing yet; ``wishes`` choose the numbers to draw: ``dense/kernel``, ``conv*/bias`` or ``dense/kernel[0,1]``."""
    weights = weights_by_layer(model)
    whole = sum(weight.size for weight in weights.values()) <= SMALL
    chosen = list(dict.fromkeys(number for wish in wishes for number in numbers_called(wish, weights)))
    if len(chosen) > MOST_CHOSEN:
        raise BadInput(f"weights: {len(chosen):,} numbers are chosen, and at most {MOST_CHOSEN:,} can be followed; name fewer places")
    followed = chosen if chosen and not whole else [number for key, weight in weights.items() for number in places_of(key, weight, whole)]
    if not whole and not chosen:
        followed = followed[:: -(-len(followed) // MOST_FOLLOWED)]
    at = {number: position for position, number in enumerate(followed)}
    layers = tuple(dict.fromkeys(layer for layer, _ in weights))
    return TrainingHistory(model.name, about, layers, tuple(followed), whole, tuple(at[number] for number in chosen))


def places_of(key: tuple[str, str], weight: Weight, whole: bool) -> Iterator[Number]:
    """All numbers of a weight, or a few that lie evenly apart."""
    count = weight.size if whole else min(EACH, weight.size)
    for position in np.linspace(0, weight.size - 1, count).round().astype(int).tolist() if count else ():
        yield Number(*key, tuple(map(int, np.unravel_index(position, weight.shape))))


def numbers_called(wish: str, weights: Mapping[tuple[str, str], Weight]) -> list[Number]:
    """The numbers that are meant by a name, a pattern, or a name with a place; ``BadInput`` if there are none."""
    placed = PLACE.fullmatch(wish)
    wanted, place = (placed[1], tuple(map(int, placed[2].split(",")))) if placed else (wish, None)
    named = {key: weight for key, weight in weights.items() if "/".join(key) == wanted or fnmatchcase("/".join(key), wanted)}
    if not named:
        raise BadInput(f"weights: {wish!r} is no weight of this network; there are {', '.join(map('/'.join, list(weights)[:8]))}")
    if place is None:
        return [Number(*key, index) for key, weight in named.items() for index in np.ndindex(weight.shape)]
    for key, weight in named.items():
        if len(place) != len(weight.shape) or any(i >= n for i, n in zip(place, weight.shape, strict=True)):
            raise BadInput(f"weights: {wish!r}: {'/'.join(key)} has the shape {weight.shape}")
    return [Number(*key, place) for key in named]


def lengths(history: TrainingHistory, arrays: Arrays) -> np.ndarray:
    """The Euclidean length of each layer's numbers."""
    squares = dict.fromkeys(history.layers, 0.0)
    with np.errstate(all="ignore"):
        for (layer, _), array in arrays.items():
            flat = array.astype(np.float64).reshape(-1)
            squares[layer] += float(flat @ flat)
        return np.array([*squares.values()]) ** 0.5


def steps_between(history: TrainingHistory, old: Arrays, new: Arrays) -> np.ndarray:
    """The Euclidean length of each layer's step from one moment to another."""
    with np.errstate(all="ignore"):
        return lengths(history, {key: array.astype(np.float64) - old[key] for key, array in new.items()})


def numbers_of(history: TrainingHistory, arrays: Arrays) -> np.ndarray:
    """The followed numbers at a moment."""
    if history.whole:
        return np.concatenate([np.zeros(0), *(array.astype(np.float64).reshape(-1) for array in arrays.values())])
    return np.array([float(arrays[number.layer, number.weight][number.place]) for number in history.followed])


def samples_to_watch(model: Model, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The first samples, as many as are computed together without taking much memory."""
    try:
        numbers = sum(step.value.size for step in trace(model, [x[:1] for x in inputs], np.float32).steps)
    except BadInput:  # a network of a fixed number of samples
        return [*inputs]
    count = max(1, min(MOST_SAMPLES, MOST_NUMBERS // max(numbers, 1)))
    return [x[:count] for x in inputs]


def silent_units(model: Model, inputs: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """For each layer with relu units, which of them give 0 for all samples; a unit of a picture is a channel."""
    silent: dict[str, np.ndarray] = {}
    for step in trace(model, [*inputs], np.float32).steps:
        if step.made.function[0] in RELUS and step.value.ndim:
            quiet = (step.value == 0).all(axis=tuple(range(step.value.ndim - 1)))
            silent[step.layer] = quiet & silent.get(step.layer, True)
    return silent
