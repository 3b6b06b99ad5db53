"""Give names to what needs cells: the operands of products and reductions, and what would be written twice.

A layer names what a person would draw. A formula needs a little more: ``SUM`` and ``SUMPRODUCT`` read cells,
not expressions. Those values become steps of their own here, under a plain name.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from weightlens.recording import Recorded, Step, Trace, cast, operands
from weightlens.recording.calls import MOVES, moved_by_data, operation
from weightlens.recording.graph import evaluate, expression
from weightlens.workbook.formulas.function_table import needs_cells

NAMES: dict[Any, str] = {
    np.multiply: "product",
    np.add: "sum",
    np.subtract: "difference",
    np.divide: "quotient",
    np.matmul: "dot product",
    np.einsum: "dot product",
    np.exp: "exponentials",
    np.square: "squares",
    np.sqrt: "root",
    np.where: "chosen",
    np.mean: "mean",
    np.sum: "sum",
    np.max: "max",
    np.min: "min",
    np.pad: "padded",
    np.abs: "absolute",
    np.take: "looked up",
}
FEW_CONSTANTS = 8  # distinct numbers that may stand as literals in one block's formulas
MOST_CALLS, DEEPEST = 60, 24  # in one formula; a spreadsheet nests 64 levels, and nobody reads so many
LONG = 8  # calls; an expression longer than this that is used twice gets cells


def with_operands(trace: Trace) -> Trace:
    """The trace, or a copy of a complete one, with those values before each of its steps that need cells for its formula."""
    rewritten = trace.copy() if trace.complete else trace
    rewritten.steps = promoted(rewritten.steps)
    return rewritten


def fuse(trace: Trace) -> tuple[Trace, dict[int, int]]:
    """The trace without the names of all steps but each layer's outputs: what has no name is written inside the formula that uses it.

    Also, for each step that is left (by the id of its value in the given trace), how many of its name in its layer came before it.
    """
    recorded = trace.copy()
    kept = {id(x) for outputs in recorded.layer_outputs.values() for x in outputs if x is not None} | {id(x) for x in recorded.results}
    seen: Counter[tuple[str, str, tuple[int, ...]]] = Counter()
    occurrences = {}
    for step in recorded.steps:
        key = (step.layer, step.name, step.made.shape)
        if id(step.made) in kept or step.made.op is None:
            occurrences[id(recorded.originals[id(step.made)])] = seen[key]
        else:
            step.made.kind = ""
        seen[key] += 1
    recorded.steps = [step for step in recorded.steps if step.made.kind]
    return recorded, occurrences


def promoted(steps: list[Step]) -> list[Step]:
    """The steps, with new ones for the values that need cells: these are named, where they stand.

    This changes the values of the trace, so it has to be a copy, or one recorded for the sheet that is made (training).
    """
    for trace in {id(step.trace): step.trace for step in steps}.values():
        if trace is not None:
            trace.refuse_changes()
    expressions = [expression(step.made) for step in steps]
    uses = Counter(id(y) for x in {id(x): x for inside in expressions for x in inside}.values() for y in operands(x))
    result: list[Step] = []
    size: dict[int, tuple[int, int]] = {}  # of unnamed expressions: calls, and how deep they nest
    for step, inside in zip(steps, expressions, strict=True):
        before = len(result)
        for x in inside:
            _prepare(x, step.layer, uses, result)
            calls, depth = 1, 0
            for y in operands(x):
                if not y.kind and id(y) in size:
                    calls, depth = calls + size[id(y)][0], max(depth, size[id(y)][1])
            size[id(x)] = calls, depth + 1
            if (calls > MOST_CALLS or depth >= DEEPEST) and not has_cells(x):
                name_it(x, step.layer, result)
        for new in result[before:]:
            new.trace = step.trace
        result.append(step)
    return result


def has_cells(x: Any) -> bool:
    """Whether ``x`` is made of cells: named, or a rearrangement of what is."""
    if not isinstance(x, Recorded) or x.kind:
        return True
    if x.op is None:
        return False
    op = operation(x)
    if op is cast:
        return has_cells(x.args[0]) and x.dtype.kind != "b" and not (x.dtype.kind in "iu" and x.args[0].dtype.kind == "f")
    if op not in MOVES or moved_by_data(x):
        return False
    data = x.args[0]
    return all(has_cells(part) for part in (data if isinstance(data, (list, tuple)) else [data]))


def _prepare(x: Recorded, layer: str, uses: Counter[int], result: list[Step]) -> None:
    """Name the operands of ``x`` that its formula reads as cells; put constants that are many into cells."""
    if all(type(arg) is Recorded and arg.kind for arg in x.args):  # nothing to do, as so often
        return
    op = operation(x)
    need, lookup, moves = needs_cells(x), op is np.take, op in MOVES

    def settle(position: int, thing: Any) -> Any:
        if isinstance(thing, (list, tuple)) and any(isinstance(part, Recorded) for part in thing):
            return type(thing)(settle(position, part) for part in thing)
        if isinstance(thing, Recorded):
            used_twice = uses[id(thing)] > 1 and not thing.kind and _length(thing) > LONG
            wanted = (need or used_twice or (lookup and position == 0)) and not has_cells(thing)
            if wanted or (not thing.kind and thing.op is None and thing.size > 1):
                name_it(thing, layer, result)
            return thing
        if (
            isinstance(thing, np.ndarray)
            and thing.size > 1
            and not moves
            and thing.dtype.kind in "fiub"
            and (need or len(np.unique(thing)) > FEW_CONSTANTS)
        ):
            constant = Recorded(thing)
            name_it(constant, layer, result)
            return constant
        return thing

    x.made_by(x.op, tuple(settle(i, arg) for i, arg in enumerate(x.args)), x.kwargs)


def _length(x: Recorded) -> int:
    """Number of calls in an expression, cells not counted; products and reductions count as long."""
    total, stack = 0, [x]
    while stack and total <= LONG:
        y = stack.pop()
        if has_cells(y):
            continue
        total += LONG + 1 if needs_cells(y) else 1
        stack.extend(operands(y))
    return total


def name_it(x: Recorded, layer: str, result: list[Step]) -> None:
    """Make ``x`` a step of ``layer``; its value is computed again if it was dropped."""
    evaluate(x)
    x.kind, x.layer = "step", layer
    x.name = "constant" if x.op is None else NAMES.get(operation(x), getattr(operation(x), "__name__", "value"))
    result.append(Step(layer, x.name, x))
