"""Why a number is wrong: every known mistake is made in the recorded calculation, and those that give the person's numbers are named."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from weightlens.checks.by_hand.mistakes import LOOSE, Mistake, known_mistakes
from weightlens.checks.by_hand.mistakes.misread import misread
from weightlens.checks.by_hand.mistakes.pen import slips_of_the_pen
from weightlens.checks.by_hand.placing import Given
from weightlens.checks.by_hand.replay import replace_by
from weightlens.checks.by_hand.trials import Trials
from weightlens.recording import Step
from weightlens.words.worked import arithmetic, plain

SHOWN = 5  # explanations that are kept
PLAIN = 10.0  # bits; where no likelier mistake is found, single cells are tried one after the other
FEW_CELLS = 40  # this many cells are always tried
PARTLY = 8.0  # bits for each sample or unit: a mistake is less likely to be made in some of them only


@dataclass(frozen=True)
class Explanation:
    """A mistake that leads to the given numbers: its kind, a sentence, and the correct line of arithmetic."""

    kind: str
    words: str
    correction: str = ""
    step: str = ""
    bits: float = 0.0
    harmless: bool = False

    def __str__(self) -> str:
        return f"{self.words}. {self.correction}".strip()


class Explainer(Trials):
    """Searches for the mistake in one calculation."""

    def explanations(self) -> list[Explanation]:
        """The explanations, likeliest first; empty if no known mistake leads to the numbers, or if too many would: to nothing but zeros."""
        if self.says_nothing:
            return []
        matching, loosely, partly = self.matching_mistakes(known_mistakes(self.scene))
        mistakes = self.borne_out([*matching, *self.other_samples()])
        weights = [w for w in self.scene.weights if w.value.dtype.kind == "f" and self.affects_target([id(w)])]
        cells = [(w, i) for w in reversed(weights) for i in range(w.size)][: self.runs // 4]  # the last layer's first
        if len(cells) <= FEW_CELLS or min((m.bits for m in mistakes), default=np.inf) > PLAIN:
            mistakes += [m for m in misread(self, cells) if self.goes_on(m.edits)]
        mistakes += [m for m in (*partly, *self.slips()) if m.bits < self.evidence]
        mistakes = mistakes or self.borne_out(loosely)
        best = {m.words: m for m in sorted(mistakes, key=lambda m: -m.bits)}
        ranked = sorted(best.values(), key=lambda m: m.bits)[:SHOWN]
        return [Explanation(m.kind, m.words, self.correction(m), step_path(m.at), m.bits, m.harmless) for m in ranked]

    def borne_out(self, mistakes: Iterable[Mistake]) -> list[Mistake]:
        """Those for which the numbers are more evidence than chance, at the digits written, and that later numbers do not contradict."""
        return [m for m in mistakes if m.bits < self.evidence and self.goes_on(m.edits)]

    def matching_mistakes(self, mistakes: Iterable[Mistake]) -> tuple[list[Mistake], list[Mistake], list[Mistake]]:
        """The mistakes that give every number; those that give them loosely; those that give only the wrong ones."""
        matching, loosely, partly = [], [], []
        for number, mistake in enumerate(mistakes):
            if number >= self.runs:
                break
            off = self.try_mistake(mistake.edits)
            if off is None:
                continue
            if (off <= 1).all():
                matching.append(mistake)
            elif self.far and (off <= LOOSE).all() and not mistake.harmless:
                loosely.append(mistake)
            elif (off[self.sought] <= 1).all() and not mistake.harmless:
                bits, where = self.where_it_differs
                partly.append(replace(mistake, bits=mistake.bits + bits, words=f"{mistake.words}, {where}"))
        return matching, loosely, partly

    @cached_property
    def where_it_differs(self) -> tuple[float, str]:
        """In which samples, or units, the numbers differ: how unlikely this set is, in bits, and ``in sample 3 only``."""
        if not self.target.node.shape:
            return PARTLY, "here only"
        differing = [self.target.elements[i] for i in np.flatnonzero(self.sought)]
        (samples, of_samples), (units, of_units) = (
            (sorted({e[axis] for e in differing}), len({e[axis] for e in self.target.elements})) for axis in (0, -1)
        )
        by_sample = len(units) == of_units or len(samples) <= min(len(units), of_samples - 1)  # nothing is said by naming all of them
        places, out_of, what = (samples, of_samples, "sample") if by_sample else (units, of_units, "unit")
        bits = PARTLY * len(places) + math.log2(math.comb(out_of, len(places)))
        return bits, f"in {what} {', '.join(map(str, places[:6]))} only" if len(places) < out_of else "in some of the numbers"

    def slips(self) -> list[Mistake]:
        """Slips of the pen, where a single number of several differs."""
        if self.sought.sum() != 1 or len(self.sought) < 2 or not self.target.node.shape:
            return []
        (own,) = self.replay.run([self.target.node], self.legitimate | self.pins)
        label = element_label(self.target.step, self.target.elements[int(self.sought.argmax())])
        return list(slips_of_the_pen(self, np.asarray(np.broadcast_to(own, self.target.node.shape), np.float64), label))

    def other_samples(self) -> list[Mistake]:
        """A mistake if the given rows are right for other samples of the input."""
        inputs = self.scene.trace.inputs
        samples = inputs[0].shape[0]
        if samples < 2 or not self.target.node.shape or self.target.node.shape[0] != samples or any(x.shape[0] != samples for x in inputs):
            return []
        rows = matching_samples(self.target, self.replay.run([self.target.node], self.legitimate)[0], self.sought)
        if rows is None:
            return []
        moved = {a: b for a, b in rows.items() if a != b}
        order = np.arange(samples)
        for given, meant in moved.items():
            order[given] = meant
        edits = {id(x): replace_by(x.value[order]) for x in inputs}
        off = self.try_mistake(edits)
        if off is None or (off > 1).any():
            return []
        in_reverse = len({a + b for a, b in moved.items()}) == 1
        plain_order = in_reverse or len({(b - a) % samples for a, b in moved.items()}) == 1
        bits = np.log2(samples) * (1 if plain_order else len(moved)) + 1.0
        pairs = "; ".join(f"sample {a} is that of {b}" for a, b in sorted(moved.items())[:4])
        return [Mistake("another sample", f"another sample of the data was computed ({pairs})", edits, None, float(bits))]

    def correction(self, mistake: Mistake) -> str:
        """The correct line of arithmetic, for the element that the mistake changes most."""
        target = self.target.step
        step = mistake.at if mistake.at is not None and self.affects_target([id(mistake.at.made)]) else target
        try:
            wrong, right = (self.replay.run([step.made], self.legitimate | edits)[0] for edits in (mistake.edits, {}))
            if step is not target and np.array_equal(wrong, right):  # the mistake shows only in a later step
                return self.correction(replace(mistake, at=target))
        except (ValueError, IndexError, TypeError):
            wrong, right = None, step.value
        index = self.element_to_show(step, wrong, right)
        told = "" if wrong is None or plain(wrong[index]) == plain(right[index]) else f", not {plain(wrong[index])}"
        return f"{element_label(step, index)}: {arithmetic(step, index)}{told}"

    def element_to_show(self, step: Step, wrong: np.ndarray | None, right: np.ndarray) -> tuple[int, ...]:
        """The index of the worst given element or, in another step, of the element that the mistake changes most.

        It is one of a sample in which the given numbers are wrong.
        """
        if step.made is self.target.node:
            return self.target.elements[int(self.target.distances(right).argmax())]
        if wrong is None or np.shape(wrong) != np.shape(right):
            return (0,) * step.made.ndim
        difference = np.nan_to_num(np.abs(wrong - right))
        if step.axes[:1] == self.target.step.axes[:1] == ("sample",):
            differing = {self.target.elements[i][0] for i in np.flatnonzero(self.sought)}
            difference[[sample for sample in range(len(difference)) if sample not in differing]] = -1.0
        return tuple(int(i) for i in np.unravel_index(int(difference.argmax()), difference.shape))


def matching_samples(given: Given, array: np.ndarray, sought: np.ndarray) -> dict[int, int] | None:
    """For each sample with a wrong number, the sample for which its numbers are right; ``None`` if there is none."""
    rows: dict[int, list[int]] = {}
    for i, element in enumerate(given.elements):
        rows.setdefault(element[0], []).append(i)
    matches: dict[int, int] = {}
    for row, members in rows.items():
        if not sought[members].any():
            continue
        fits = [other for other in range(len(array)) if other != row and matches_sample(given, array, members, other)]
        if not fits:
            return None
        matches[row] = fits[0]
    return matches


def matches_sample(given: Given, array: np.ndarray, members: list[int], other: int) -> bool:
    """Whether these numbers are right for another sample."""
    true = np.array([array[(other, *given.elements[i][1:])] for i in members])
    return bool((np.abs(given.values[members] - true) <= given.allowed[members] * (1 + 1e-9)).all())


def step_path(step: Step | None) -> str:
    """``dense/activation``; empty without a step."""
    return "" if step is None else f"{step.layer}/{step.name}"


def element_label(step: Step, index: tuple[int, ...]) -> str:
    """``dense/pre-activation, sample 2, unit 1``; of a step that occurs several times also which it is: ``time 1``."""
    steps = [] if step.trace is None else step.trace.steps
    repeated = any((other.layer, other.name) == (step.layer, step.name) and other.made is not step.made for other in steps)
    return ", ".join(filter(None, [step_path(step), f"time {step.made.round}" if repeated else "", step.place(index)]))
