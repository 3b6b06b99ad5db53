"""The branches of a network of several inputs: what is computed from one input alone, before they meet."""

from __future__ import annotations

from dataclasses import dataclass

from weightlens.recording import Recorded, Step
from weightlens.recording.graph import named_operands
from weightlens.workbook.layout.plan import Plan

MOST = 4  # branches under each other


@dataclass(frozen=True)
class Branch:
    """Some of the inputs, and the steps that need no other one."""

    inputs: list[Recorded]
    steps: list[Step]


def branches(plan: Plan) -> tuple[list[Branch], list[Step]]:
    """One branch for each input, and the steps in which they meet; all in one branch where they meet at once, or are many."""
    inputs = plan.trace.inputs
    reads: dict[int, frozenset[int]] = {id(x): frozenset((k,)) for k, x in enumerate(inputs)}
    for step in plan.steps:
        reads[id(step.made)] = frozenset().union(*(reads.get(id(x), frozenset()) for x in named_operands(step.made)))
    alone = [[step for step in plan.steps if reads[id(step.made)] == {k}] for k in range(len(inputs))]
    if not 1 < len(inputs) <= MOST or not all(alone):
        return [Branch(inputs, plan.steps)], []
    own = [Branch([x], steps) for x, steps in zip(inputs, alone, strict=True)]
    return own, [step for step in plan.steps if len(reads[id(step.made)]) != 1]
