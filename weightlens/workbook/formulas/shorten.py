"""Formulas that would be too long are cut into named partial steps: a spreadsheet takes 8,192 characters.

A sum over many scattered cells becomes a sum of partial sums, a product the sum of products over parts of the
features. The parts are made by recording the same NumPy calls on slices, so they are steps like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from weightlens.recording import Recorded, Step, operands
from weightlens.recording.calls import PRODUCTS, einsum_subscripts, factors, operation, reduced_axes
from weightlens.recording.graph import evaluate, expression
from weightlens.workbook.formulas.function_table import REDUCTIONS
from weightlens.workbook.formulas.products import summed_length
from weightlens.workbook.formulas.translate import Formulas

LONGEST = 6000  # characters that one product or reduction may take of a formula, sheet names included
PER_AREA = 64  # characters of a rectangle on another sheet
WORTH_A_LOOK = 60  # numbers added up: fewer are never too long
COMBINED: dict[str, Callable[..., Any]] = {"SUM": np.sum, "AVERAGE": np.sum, "MAX": np.max, "MIN": np.min, "PRODUCT": np.prod}


def shorten(step: Step, formulas: Formulas, place: Callable[[Step], None]) -> list[Step]:
    """Cut what is too long in a step's formula; ``place`` gives the new partial steps cells. Returns them, in order."""
    made: list[Step] = []
    for x in expression(step.made):
        op = operation(x)
        if op not in PRODUCTS and not (op in REDUCTIONS and REDUCTIONS[op][0] in COMBINED):
            continue
        parts = _too_long(x, formulas)
        if parts > 1:
            made += _cut_product(x, parts, step.layer, place) if op in PRODUCTS else _cut_reduction(x, parts, step.layer, place)
    return made


def _too_long(x: Recorded, formulas: Formulas) -> int:
    """Into how many parts a product or a reduction has to be cut, judged by some of its elements."""
    out = max(int(np.prod(x.shape, dtype=np.int64)), 1)
    if max(y.size for y in operands(x)) // out < WORTH_A_LOOK and operation(x) not in PRODUCTS:
        return 1
    if operation(x) in PRODUCTS and summed_length(x) < WORTH_A_LOOK:
        return 1
    length = max(map(_length, formulas.sample(x).options))
    return -(-length // LONGEST)


def _length(option: list[Any]) -> int:
    return sum(len(piece) if isinstance(piece, str) else PER_AREA for piece in option)


def _slices(n: int, parts: int) -> list[slice]:
    edges = np.linspace(0, n, min(parts, n) + 1).astype(int).tolist()
    return [slice(a, b) for a, b in pairwise(edges)]


def _cut_product(x: Recorded, parts: int, layer: str, place: Callable[[Step], None]) -> list[Step]:
    """A product over all features as the sum of products over some of them."""
    subscripts = einsum_subscripts(x)
    labels, output = subscripts.split("->")
    first, second = labels.split(",")
    left, right = map(_with_value, factors(x))
    summed = max((c for c in first if c in second and c not in output), key=lambda c: np.shape(left)[first.index(c)])
    made: list[Step] = []
    total: Any = None
    for cut in _slices(np.shape(left)[first.index(summed)], parts):
        a = left[tuple(cut if c == summed else slice(None) for c in first)]
        b = right[tuple(cut if c == summed else slice(None) for c in second)]
        made.append(_named(np.einsum(subscripts, a, b), f"partial product {len(made) + 1}", layer, place))
        total = made[-1].made if total is None else total + made[-1].made
    _become(x, total)
    return made


def _cut_reduction(x: Recorded, parts: int, layer: str, place: Callable[[Step], None]) -> list[Step]:
    """A reduction of many cells as the reduction of partial ones."""
    function = COMBINED[REDUCTIONS[operation(x)][0]]
    axes, rest = reduced_axes(x)
    data = _with_value(x.args[0])
    shape = tuple(data.shape[a] for a in rest)
    rows = np.reshape(np.transpose(data, [*rest, *axes]), (*shape, -1))
    made = [
        _named(function(rows[..., cut], axis=-1), f"partial {function.__name__} {i}", layer, place)
        for i, cut in enumerate(_slices(rows.shape[-1], parts), 1)
    ]
    total = function(np.stack([part.made for part in made], axis=-1), axis=-1)
    _become(x, np.reshape(total / float(rows.shape[-1]) if REDUCTIONS[operation(x)][0] == "AVERAGE" else total, x.shape))
    return made


def _with_value(x: Any) -> Any:
    """An operand whose value is at hand again, so that new calls on it can be recorded."""
    if isinstance(x, Recorded):
        evaluate(x)
    return x


def _named(x: Recorded, name: str, layer: str, place: Callable[[Step], None]) -> Step:
    x.kind, x.name, x.layer = "step", name, layer
    step = Step(layer, name, x)
    place(step)  # may give it a number, if the layer has a step of this name
    return step


def _become(x: Recorded, other: Any) -> None:
    """Let a value be computed in another way."""
    x.made_by(other.op, other.args, other.kwargs)
