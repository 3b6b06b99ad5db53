"""A calculation made by hand held against the forward pass: the first step that differs, by how much, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from weightlens.checks.claims import Claims, read_csv
from weightlens.checks.explain import Explainer, Explanation, element_words, pinned
from weightlens.checks.placing import Given, place
from weightlens.checks.replay import Edit, Replay, instead
from weightlens.checks.report import Report, Row
from weightlens.checks.scene import Scene
from weightlens.errors import BadInput
from weightlens.forward import trace
from weightlens.model import Model

Number = float


@dataclass
class HandReport(Report):
    """What was found in a calculation by hand: a row per step, and explanations for the first that differs, likeliest first.

    In its rows ``worst_relative`` counts in units of what the digits given allow: up to 1 is right.
    """

    explanations: list[Explanation] = field(default_factory=list)
    first: str = ""

    @property
    def summary(self) -> str:
        """The verdict: right, or what is wrong first, and why."""
        if self.ok:
            count = sum(int(np.prod(row.shape)) for row in self.rows)
            return f"{self.subject}: right, all {count} numbers in {len(self.rows)} step{'s' * (len(self.rows) != 1)}" + self.remark
        if not self.rows:
            return f"{self.subject}: nothing was compared"
        why = f" {self.explanations[0]}" if self.explanations else " None of the known mistakes leads there."
        return f"{self.subject}: {self.first}.{why}"

    @property
    def remark(self) -> str:
        return f" ({self.notes[0]})" if self.notes else ""

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
        keys = ("kind", "words", "correction", "step", "harmless")
        found = [{key: getattr(e, key) for key in keys} for e in self.explanations]
        return super().as_dict() | {"first_difference": self.first, "explanations": found}


def check_by_hand(model: Model, inputs: Any, given: str | Path | Claims) -> HandReport:
    """Compare a calculation by hand (a .csv, ``-`` for typed lines, or claims) with the model's, step by step."""
    claims = given if isinstance(given, Claims) else read_csv(str(given))
    recorded = trace(model, inputs, stop_at_unsupported=True)
    scene = Scene(model, recorded, Replay(recorded))
    givens = place(claims, recorded)
    legitimate = without_maximum(scene, givens)
    report = HandReport(claims.source)
    for number, step in enumerate(givens):
        if report.first:
            report.rows.append(later_row(step, scene.replay, givens[:number], legitimate))
            continue
        off, carried = distance(step, scene.replay, givens[:number], legitimate)
        report.rows.append(row_of(step, scene.replay.run([step.node], legitimate)[0], off))
        if carried:
            report.notes.append(f"{step.step.layer}/{step.step.name} was computed from your rounded numbers")
        if (off > 1).any():
            report.first = first_difference(step, scene.replay.run([step.node], legitimate)[0], off)
            report.explanations = Explainer(scene, givens[: number + 1], legitimate).explanations()
    if claims.unknown and not report.first:
        raise BadInput(claims.unknown[0])
    report.notes += claims.unknown[:3]
    return report


def without_maximum(scene: Scene, givens: Sequence[Given]) -> dict[int, Edit]:
    """Whether e^x was computed without subtracting the maximum, which is as right: an edit for each such softmax."""
    found: dict[int, Edit] = {}
    for site in (s for s in scene.sites if s.function == "softmax"):
        exponentials, total = site.out.args
        largest = exponentials.args[0].args[1]
        edit = {id(largest): instead(np.zeros(largest.shape))}
        told = [g for g in givens if g.node is exponentials or g.node is total]
        plain, shifted = (
            ([g.agrees(v) for g, v in zip(told, scene.replay.run([g.node for g in told], e), strict=True)] for e in (edit, {}))
            if told
            else ([], [])
        )
        if sum(a.sum() for a in plain) > sum(a.sum() for a in shifted):
            found |= edit
    return found


def distance(given: Given, replay: Replay, earlier: Sequence[Given], legitimate: dict[int, Edit]) -> tuple[np.ndarray, bool]:
    """How far each number is off: from the exact value or, where that is nearer, from what follows from the person's own numbers."""
    exact = given.off(replay.run([given.node], legitimate)[0])
    if (exact <= 1).all() or not earlier:
        return exact, False
    own = given.off(replay.run([given.node], legitimate | pinned(earlier, replay, legitimate))[0])
    return np.minimum(exact, own), bool((np.minimum(exact, own) <= 1).all())


def row_of(given: Given, array: Any, off: np.ndarray) -> Row:
    """One step as a row of the report."""
    worst = int(off.argmax())
    true = float(given.picked(array)[worst])
    absolute = abs(float(given.values[worst]) - true)
    element = "[" + ", ".join(map(str, given.elements[worst])) + "]"
    step, shape = given.step, (len(given.elements),)
    return Row(step.layer, step.name, shape, "by hand", absolute, float(off[worst]), element, 1.0, true, float(given.values[worst]))


def later_row(given: Given, replay: Replay, earlier: Sequence[Given], legitimate: dict[int, Edit]) -> Row:
    """A step after the first that differs: right if it follows from the person's own numbers."""
    return row_of(given, replay.run([given.node], legitimate)[0], distance(given, replay, earlier, legitimate)[0])


def first_difference(given: Given, array: Any, off: np.ndarray) -> str:
    """``dense/pre-activation, sample 2, unit 1 is 0.31, but should be 0.13 (off by 0.18)``."""
    worst = int(off.argmax())
    true, have = float(given.picked(array)[worst]), given.written[worst]
    decimals = max(have.decimals, 0)
    place = element_words(given.step, given.elements[worst])
    more = int((off > 1).sum()) - 1
    others = f", and {more} more number{'s' * (more != 1)} of this step" if more else ""
    return f"the first step that differs is {place}: {have.value:.{decimals}f} should be {true:.{decimals + 1}f}, off by {abs(have.value - true):.2g}{others}"
