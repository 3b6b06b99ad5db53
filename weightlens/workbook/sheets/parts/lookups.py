"""Numbers that choose rows of a table of weights: which value they are, and which rows there are to choose from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from weightlens.axes.factors import axis_words
from weightlens.recording import Recorded, Step, cast
from weightlens.recording.calls import MOVES, operation
from weightlens.recording.graph import expression, named_operands
from weightlens.specs.registry import spec_of
from weightlens.words.wording import plural
from weightlens.workbook.layout.plan import Plan


def lookups(step: Step) -> Iterator[Recorded]:
    """The calls that look something up in a table of weights."""
    return (x for x in expression(step.made) if operation(x) is np.take and x.args[0].kind == "weight")


def chosen_by(plan: Plan, step: Step) -> tuple[Recorded | None, str]:
    """What a step looks up in a table of weights, and what a row of it is called; ``None`` where it looks up nothing."""
    found = ((y, x.args[0]) for x in lookups(step) for y in named_operands(x) if y.kind != "weight")
    return next(((y, row_word(plan, table)) for y, table in found), (None, ""))


def row_word(plan: Plan, table: Recorded) -> str:
    """What a row of a table stands for: a word."""
    return axis_words(plan.trace.axes.named(table).axes[0]) or "row"


def to_choose(plan: Plan, x: Recorded) -> tuple[str, int] | None:
    """What a number of an input stands for, and the largest that there is a row for; ``None`` where they choose no rows."""
    layers = {path for path, layer in plan.trace.layers.items() if spec_of(layer).tokens is not None}
    looked = [y for step in plan.steps if step.layer in layers for y in lookups(step) if unmoved(y.args[1]) is x]
    shortest = min((y.args[0] for y in looked), key=lambda table: len(table.value), default=None)
    return None if shortest is None else (row_word(plan, shortest), len(shortest.value) - 1)


def input_words(plan: Plan, x: Recorded) -> str:
    """What stands under the name of an input: ``x`` where it is the only one, and which numbers there may be where they choose rows."""
    chosen, name = to_choose(plan, x), "x" if len(plan.trace.inputs) == 1 else ""
    return ": ".join(filter(None, [name, "" if chosen is None else f"numbers of {plural(chosen[0])}, 0 to {chosen[1]}"]))


def unmoved(x: object) -> object:
    """What is computed or given, without the moves and casts after it."""
    while isinstance(x, Recorded) and not x.kind and x.args and (x.op is cast or operation(x) in MOVES):
        x = x.args[0]
    return x
