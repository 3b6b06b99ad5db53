"""One weight misread: which cell, and as which number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, product

import numpy as np

from weightlens.checks.by_hand.mistakes.mistake import LOOSE, Mistake, with_part
from weightlens.checks.by_hand.replay import Edits, replace_by
from weightlens.checks.by_hand.scene import is_bias
from weightlens.checks.by_hand.trials import Trials
from weightlens.recording import Recorded

SURE = 2.0  # bits by which the evidence of the other numbers must exceed the choice of the cell
BITS = 6.0  # how unlikely a misreading is; the choice of the cell is counted apart
FREE = 6.0  # further bits for a value without an obvious cause
ENOUGH = 6  # one cell that explains this many differing numbers ends the search
ROUNDS = 12  # of Newton's method
STARTS = (0.0, 0.5, -0.5, 2.0, -2.0)  # where it may begin, away from the weight and in units of its size


@dataclass(frozen=True)
class Reading:
    """A number that may have been read in place of a weight: in words, how unlikely in bits, and what kind of mistake it is."""

    value: float
    words: str
    bits: float = 0.0
    kind: str = "weight misread"


def misread(trials: Trials, cells: Sequence[tuple[Recorded, int]]) -> list[Mistake]:
    """Mistakes in which one cell was read as another number that explains the given ones; the best fit first.

    A free value is fitted to one of the numbers: the other numbers must be evidence enough for the choice of the cell.
    """
    fits: list[tuple[float, Mistake]] = []
    evidence, choice = independent_bits(trials), math.log2(max(len(cells), 1))
    free = bool(np.count_nonzero(evidence) > 1) and float(evidence.sum() - evidence.max()) >= choice + SURE
    bases = [trials.legitimate, trials.legitimate | trials.pins][: 1 + bool(trials.pins)]
    for (w, i), base in product(cells, bases):
        if fits and np.count_nonzero(trials.sought) >= ENOUGH:
            break
        cell = Cell(trials, w, i, base)
        for reading in cell.readings(free):
            at = "" if w.ndim == 0 else f"[{', '.join(map(str, np.unravel_index(i, w.shape)))}]"
            words = f"{w.layer}/{w.name} {at} was read as {reading.words} instead of {told_apart(cell.value, reading.value)}"
            bits = BITS + reading.bits + choice
            mistake = Mistake(reading.kind, words, cell.edits(reading.value), trials.scene.readers.get(id(w)), bits)
            fits.append((cell.misfit(reading.value), mistake))
    fits.sort(key=lambda pair: (round(pair[1].bits, 6), pair[0]))
    return [mistake for _, mistake in fits]


def independent_bits(trials: Trials) -> np.ndarray:
    """How unlikely each number is by chance, in bits; in a softmax one number follows from the others and counts 0."""
    target, bits = trials.target, trials.bits.copy()
    if any(s.out is target.node for s in trials.scene.softmaxes):
        for sample in {element[:-1] for element in target.elements}:
            mine = [i for i, element in enumerate(target.elements) if element[:-1] == sample]
            if len(mine) == target.node.shape[-1]:
                bits[min(mine, key=lambda i: bits[i])] = 0.0
    return bits


class Cell:
    """One element of a weight, and the effect of another number in it."""

    def __init__(self, trials: Trials, weight: Recorded, position: int, base: Edits) -> None:
        self.trials, self.weight, self.base = trials, weight, base
        self.index = tuple(int(i) for i in np.unravel_index(position, weight.shape)) if weight.ndim else ()
        self.value = float(weight.value[self.index])

    def edits(self, value: float) -> Edits:
        """Edits that put another number in this cell."""
        return {id(self.weight): replace_by(with_part(self.weight.value, self.index, value))}

    def result(self, value: float) -> np.ndarray:
        """The given elements, computed with another number in this cell."""
        target = self.trials.target
        numbers: np.ndarray = target.pick(self.trials.replay.run([target.node], self.base | self.edits(value))[0])
        return numbers

    def misfit(self, value: float) -> float:
        """The sum of squared differences for this number, in units of the allowed rounding errors."""
        target = self.trials.target
        return float(np.sum(((self.result(value) - target.values) / target.allowed) ** 2))

    def fits(self, value: float, room: float = 1.0) -> bool:
        """Whether this number gives the target values, within ``room`` times the allowed rounding errors."""
        off = self.trials.try_mistake(self.edits(value))
        return off is not None and bool((off <= room).all())

    def readings(self, free: bool) -> Iterator[Reading]:
        """Readings that fit: the plain ones first, then a ``free`` value."""
        start = self.start()
        if start is None:
            return
        solved, room = self.solved(start)
        likely = list(self.plain_readings())
        if not self.fits(solved):
            yield from islice((reading for reading in likely[:4] if self.fits(reading.value)), 1)
            return
        loose = LOOSE if self.trials.far else 1.0
        near = [r for r in likely if (r in likely[:2] or abs(r.value - solved) <= 2 * room) and self.fits(r.value, loose)]
        if near or free:
            yield near[0] if near else Reading(solved, f"about {self.shortest(solved):.4g}", FREE)

    def start(self) -> float | None:
        """A starting value for the search at which the result has a slope; ``None`` if there is none (a dead ReLU)."""
        for away in STARTS:
            value = self.value + away * max(1.0, abs(self.value))
            slope = self.result(value + 1e-4 * max(1.0, abs(value))) - self.result(value)
            if np.isfinite(slope).all() and slope[self.trials.sought].any():
                return value
        return None

    @np.errstate(all="ignore")
    def solved(self, start: float) -> tuple[float, float]:
        """The number in this cell that best gives the target values, and the width of the interval in which all digits agree."""
        value, room = self.nearest(start), 0.1 * abs(self.value) + 0.1
        target = self.trials.target
        for _ in range(3):
            h = 1e-6 * max(1.0, abs(value))
            result = self.result(value)
            slope = (self.result(value + h) - result) / h
            moves = np.flatnonzero(np.abs(slope) * max(1.0, abs(value)) > 1e-3 * target.allowed)
            ends = np.array([(target.values + side * target.allowed - result)[moves] / slope[moves] for side in (-1, 1)])
            low, high = ends.min(0).max(initial=-np.inf), ends.max(0).min(initial=np.inf)  # what every number allows
            if not (np.isfinite(low) and np.isfinite(high) and low <= high):
                break
            value, room = value + float(low + high) / 2, float(high - low)
        return value, room

    def nearest(self, start: float) -> float:
        """The least-squares number for this cell, by Gauss-Newton with step halving."""
        value, wanted = start, self.trials.target.values
        away = self.measured(wanted) - self.measured(self.result(value))
        for _ in range(ROUNDS):
            h = 1e-5 * max(1.0, abs(value))
            slope = (self.measured(wanted) - self.measured(self.result(value + h)) - away) / -h
            steepness = float(slope @ slope)
            if not np.isfinite(steepness) or steepness == 0:
                break
            reach = 4 + 4 * abs(value)
            move = float(np.clip(away @ slope / steepness, -reach, reach))
            for _ in range(6):
                closer = self.measured(wanted) - self.measured(self.result(value + move))
                if closer @ closer < away @ away:
                    break
                move /= 4
            if closer @ closer > 0.9 * (away @ away):  # no progress: the search is stuck
                break
            value, away = value + move, closer
            if abs(move) < 1e-7 * max(1.0, abs(value)):
                break
        return value

    def measured(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers in units of their allowed rounding errors; probabilities as log-odds, in which the effect of a weight is even."""
        target = self.trials.target
        if not self.trials.probabilities:
            scaled: np.ndarray = numbers / target.allowed
            return scaled
        p, q = (np.clip(x, target.allowed / n, 1 - target.allowed / n) for x, n in ((target.values, 2), (numbers, 100)))
        odds: np.ndarray = np.log(q / (1 - q)) * p * (1 - p) / target.allowed
        return odds

    def plain_readings(self) -> Iterator[Reading]:
        """A lost sign, zero, a misplaced decimal point, a neighbour's number, two swapped digits."""
        array, v = self.weight.value, self.value
        yield self.reading(-v, f"{-v:.4g}, with the wrong sign,")
        yield self.reading(0.0, "0")
        for value in (10 * v, v / 10):
            yield self.reading(value, f"{value:.4g}, with the point in the wrong place,", 2.0)
        for axis, length in enumerate(array.shape):
            for other in (other for other in range(length) if other != self.index[axis]):
                place = (*self.index[:axis], other, *self.index[axis + 1 :])
                near = abs(other - self.index[axis]) == 1
                whose = f"{'its neighbour' if near else 'another cell,'} [{', '.join(map(str, place))}]"
                words = f"that of {f'unit {other}' if array.ndim == 1 else whose}, {array[place]:.4g},"
                kind = "bias of another unit" if array.ndim == 1 and is_bias(self.weight) else ""
                yield self.reading(float(array[place]), words, 1.0 if near else 2.0 + math.log2(length), kind)
        for value in exchanged_digits(v):
            yield self.reading(value, f"{told_apart(value, v)}, with two digits exchanged,", 2.0)

    def reading(self, value: float, words: str, bits: float = 0.0, kind: str = "") -> Reading:
        """A reading of this cell; a bias read as 0 is a bias left out."""
        return Reading(value, words, bits, "no bias" if value == 0 and is_bias(self.weight) else kind or "weight misread")

    def shortest(self, value: float) -> float:
        """The number with the fewest digits that fits."""
        return next((rounded for digits in range(1, 6) if self.fits(rounded := float(f"{value:.{digits}g}"))), value)


def told_apart(value: float, other: float) -> str:
    """A number with four digits, or as many as tell it from the other."""
    return next((text for digits in (4, 6, 9, 15) if (text := f"{value:.{digits}g}") != f"{other:.{digits}g}"), f"{value:.4g}")


def exchanged_digits(value: float, shown: Sequence[int] = (2, 3, 4, 5)) -> Iterator[float]:
    """The number with two adjacent digits swapped, as shown with so many decimals."""
    for decimals in shown:
        text = f"{value:.{decimals}f}"
        for i, (one, other) in enumerate(pairwise(text)):
            if one.isdigit() and other.isdigit() and one != other:
                yield float(f"{text[:i]}{other}{one}{text[i + 2 :]}")
