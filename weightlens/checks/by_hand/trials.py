"""Trying a mistake: the recorded calculation is run again with it, and held against the person's numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from weightlens.checks.by_hand.mistakes.mistake import LOOSE
from weightlens.checks.by_hand.placing import Given
from weightlens.checks.by_hand.replay import Edits, Replay, replace_by
from weightlens.checks.by_hand.scene import Scene

EFFORT = 2e9  # the search budget, in computed numbers
FAR = 20.0  # if numbers are this far off, a mistake may match loosely: they may be rounded on the way too
MOST = 0.5  # of the numbers of a later time, that have to follow from a mistake
ENDS, AT_AN_END = (0.0, 1.0), 4.0  # what many a mistake leads to, as the least and the most of an activation; bits of such a number


class Trials:
    """Trials in one calculation: ``givens`` in order, the last of them the first step that differs.

    ``legitimate`` are edits that a correct calculation may contain as well (e^x without subtracting the maximum). ``later`` are the
    numbers of the same step at later times.
    """

    def __init__(self, scene: Scene, givens: Sequence[Given], legitimate: Edits, later: Sequence[Given] = ()) -> None:
        self.scene, self.replay = scene, scene.replay
        self.target, self.earlier, self.legitimate, self.later = givens[-1], list(givens[:-1]), legitimate, later
        self.pins = pin_given_numbers(self.earlier, self.replay, legitimate)
        work = sum(node.size for node in self.replay.nodes) + sum(w.size for w in scene.weights)
        self.runs = int(max(200, min(20000, EFFORT / max(work, 1))))
        off = self.target.distances(self.replay.run([self.target.node], legitimate)[0])
        self.sought, self.far = off > 1, bool(off.max() > FAR)
        bits = np.log2(np.clip(off, 1.0, 1e6))  # how unlikely a match of each number is by chance
        self.bits: np.ndarray = np.where(np.isin(self.target.values, ENDS), np.minimum(bits, AT_AN_END), bits)
        different, which = np.unique(self.target.values, return_inverse=True)
        most = np.zeros(different.shape)
        np.maximum.at(most, which, self.bits)
        self.evidence = float(most.sum())

    @property
    def says_nothing(self) -> bool:
        """Whether the wrong numbers are all 0: a dead unit, a saturated one, a product with 0, for which there are many causes."""
        return not self.target.values[self.sought].any()

    def goes_on(self, edits: Edits) -> bool:
        """Whether the numbers of this step at later times follow from a mistake as well, where it leads to others: most of them."""
        mistaken = self.legitimate | edits
        try:
            exact = self.replay.run([given.node for given in self.later], mistaken)
            for (given, pins, without), alone in zip(self.onwards, exact, strict=True):
                carried = self.replay.run([given.node], mistaken | pins)[0]
                changed = np.abs(given.pick(carried) - without) > LOOSE * given.allowed
                follows = np.minimum(given.distances(carried), given.distances(alone)) <= LOOSE
                if changed.any() and follows[changed].mean() < MOST:
                    return False
        except (ValueError, IndexError, TypeError):  # the mistake gives a wrong shape there
            return False
        return True

    @cached_property
    def onwards(self) -> list[tuple[Given, Edits, np.ndarray]]:
        """The numbers of this step at later times: each with the person's numbers before it, and with what follows from these alone."""
        pins, onwards = self.legitimate | self.pins, []
        for before, given in pairwise([self.target, *self.later]):
            pins = pins | pin_given_numbers([before], self.replay, self.legitimate)
            onwards.append((given, pins, given.pick(self.replay.run([given.node], pins)[0])))
        return onwards

    @cached_property
    def probabilities(self) -> bool:
        """Whether the wrong numbers come out of a sigmoid or a softmax."""
        if not ((self.target.values >= 0) & (self.target.values <= 1) & (self.target.allowed < 0.5)).all():
            return False
        return any(s.out is self.target.node and s.function in ("sigmoid", "softmax") for s in self.scene.sites)

    def try_mistake(self, edits: Edits) -> np.ndarray | None:
        """How far the numbers are off after a mistake; ``None`` if it gives none of the wrong ones or contradicts earlier steps.

        It is tried on the person's own earlier numbers, and on the exact ones.
        """
        results = [self.try_edits(edits, self.pins)] if self.pins else []
        if not results or results[0] is None or not (results[0] <= 1).all():
            results.append(self.try_edits(edits, {}, self.earlier))
        known = [r for r in results if r is not None]
        return min(known, key=lambda off: (int((off > 1).sum()), float(np.minimum(off, 100).sum())), default=None)

    def try_edits(self, edits: Edits, pins: Edits, others: Sequence[Given] = ()) -> np.ndarray | None:
        """How far the numbers are off after the edits; ``None`` unless the ``others`` agree."""
        target = self.target
        if not self.affects_target(edits):
            return None
        try:
            values = self.replay.run([target.node, *(g.node for g in others)], self.legitimate | edits | pins)
            if not all(g.agrees(v).all() for g, v in zip(others, values[1:], strict=True)):
                return None
            off = target.distances(values[0])
        except (ValueError, IndexError, TypeError):  # the mistake gives a wrong shape: not what was calculated
            return None
        return off if (off[self.sought] <= LOOSE).any() else None

    def affects_target(self, edits: Iterable[int]) -> bool:
        """Whether the step to be explained depends on an edited value."""
        behind, number = self.replay.ancestors(self.target.node), self.replay.number
        return any(key in number and behind[number[key]] for key in edits)


def pin_given_numbers(givens: Sequence[Given], replay: Replay, legitimate: Edits) -> Edits:
    """Edits that replace our values by the person's own, for the steps computed from them."""
    pins: Edits = {}
    for given in givens:
        array = np.array(replay.run([given.node], legitimate)[0], np.float64)
        array[given.at] = given.values
        pins[id(given.node)] = replace_by(array)
    return pins
