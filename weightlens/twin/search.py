"""The search for small whole numbers: every array is enlarged and rounded, then single numbers are mended, one step at a time.

It is coordinate descent: the size of one array, or one number, is changed while all others stay; what answers better is kept.
Nothing in it is random, so the same model and samples give the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from weightlens.call_order import every_layer
from weightlens.engine.run import Weights
from weightlens.model import Weight
from weightlens.twin.classes import Answers

CLEAR = 1e-5  # a class is clear where it leads by this share of what is usual: more than float32 rounds away
FINER = 2.0**0.25  # from one size of an array that is tried to the next
SIZES = 20  # that are tried of each array
ROUNDS = 2  # of sizes, through all arrays
SWEEPS = 6  # of steps, through all numbers


@dataclass(frozen=True, eq=False)
class Place:
    """An array that may change: its weight, and where its numbers are now: under ``name`` in the arrays of its layer."""

    weight: Weight
    arrays: Weights
    name: str

    @property
    def value(self) -> np.ndarray:
        """Its numbers now."""
        array: np.ndarray = self.arrays[self.name]
        return array

    def put(self, value: np.ndarray) -> None:
        """Change its numbers."""
        self.arrays[self.name] = value


@dataclass(frozen=True, eq=False)
class Score:
    """How well a network answers: how many samples keep their class, and how far the ``wrong`` ones are ``off`` (0, or negative).

    Both are told in multiples of the ``usual`` lead of a class.
    """

    kept: int
    off: float
    usual: float
    wrong: np.ndarray

    def __gt__(self, other: Score) -> bool:
        return (self.kept, self.off) > (other.kept, other.off)


class Search:
    """The numbers of a network on their way to multiples of ``step`` (1, or 1/2) that keep the classes of all samples.

    ``advance`` is called after each array that was rounded and each number that was tried.
    """

    def __init__(self, answers: Answers, step: float, advance: Callable[[int], None]) -> None:
        self.answers, self.step, self.advance = answers, step, advance
        self.weights: dict[int, Weights] = {}
        self.places: list[Place] = []
        for layer in every_layer(answers.model):
            arrays: Weights = {name: np.asarray(weight.value) for name, weight in layer.own_weights.items()}
            self.weights[id(layer)] = arrays
            self.places += [Place(weight, arrays, name) for name, weight in layer.own_weights.items() if is_searched(weight)]

    def score(self) -> Score:
        """How well the network answers now."""
        leads = self.answers.leads(self.weights)
        finite = np.abs(leads[np.isfinite(leads)])
        usual = float(finite.sum()) / max(finite.size, 1) or 1.0
        leads = leads / usual - CLEAR
        right = leads > 0
        return Score(int(right.sum()), float(np.minimum(leads, 0).sum()), usual, np.flatnonzero(~right))

    def may_help(self, best: Score) -> bool:
        """Whether the samples that have lost their class come nearer to it now; the others are not looked at."""
        leads = self.answers.leads(self.weights, best.wrong) / best.usual - CLEAR
        return float(np.minimum(leads, 0).sum()) > best.off

    def round(self, limit: float) -> Score:
        """Round every array, each in the size at which most samples keep their class."""
        for place in self.places:
            place.put(self.rounded(place, limit / largest(place), limit))
        best = self.score()
        for place in self.places * ROUNDS:
            now = place.value
            for size in limit / largest(place) * FINER ** np.arange(SIZES // 4, -SIZES * 3 // 4, -1):
                place.put(self.rounded(place, size, limit))
                score = self.score()
                best, now = (score, place.value) if score > best else (best, now)
            place.put(now)
            self.advance(1)
        return best

    def rounded(self, place: Place, size: float, limit: float) -> np.ndarray:
        """The numbers of the file, ``size`` times as large, rounded; none beyond the limit."""
        return np.clip(np.rint(np.asarray(place.weight.value, np.float64) * size / self.step) * self.step, -limit, limit) + 0.0

    def mend(self, limit: float, best: Score) -> Score:
        """Change single numbers by one step where that helps, until all samples keep their class or nothing helps any more."""
        for _ in range(SWEEPS):
            before = best
            for place in self.places:
                for index in np.ndindex(place.value.shape):
                    if not best.wrong.size:
                        return best
                    best = self.try_steps(place, index, limit, best)
                    self.advance(1)
            if not best > before:
                break
        return best

    def try_steps(self, place: Place, index: tuple[int, ...], limit: float, best: Score) -> Score:
        """One number a step up or down, if that is better."""
        numbers, now = place.value, float(place.value[index])
        for step in (self.step, -self.step):
            if abs(now + step) <= limit:
                numbers[index] = now + step
                if self.may_help(best) and (score := self.score()) > best:
                    return score
        numbers[index] = now
        return best


def is_searched(weight: Weight) -> bool:
    """Whether the numbers of a weight are searched for: those that are floating-point numbers."""
    return weight.is_floating and weight.size > 0


def largest(place: Place) -> float:
    """The size of the largest number of an array in the file."""
    return float(np.abs(place.weight.value).max()) or 1.0
