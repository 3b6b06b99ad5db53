"""From recorded NumPy to spreadsheet formulas: one table and four rules (product, reduction, lookup, precedence).

What has neither an entry in the table nor a rule raises ``Unwritable``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.errors import NoFormula
from weightlens.recording import Recorded, cast, each
from weightlens.recording.calls import FOLLOWS, MOVES, PRODUCTS, argument, moved_by_data, operation, reduced_axes
from weightlens.recording.graph import pads_with_a_number
from weightlens.workbook.formulas import areas
from weightlens.workbook.formulas.call_rules import BY_NAME, RULES, rounds
from weightlens.workbook.formulas.cell_arrays import ATOM, COMPARE, CONSTANTS, POWER, Cells, Expression, Unwritable, combine, pick, refer
from weightlens.workbook.formulas.function_table import CALLS, INFIX, LOGICAL, OF_TEXTS, PREFIX, REDUCTIONS, SELF_WRAPPED
from weightlens.workbook.formulas.products import batches, product


def as_number(made: Expression) -> Expression:
    """TRUE and FALSE as 1 and 0."""
    return combine(["IF(", made, ",1,0)"], made.shape) if made.boolean else made


class Formulas:
    """Writes formulas, given where the inputs, weights and steps stand (``place``: recorded array -> its cells)."""

    def __init__(self, place: Callable[[Recorded], Cells | None]) -> None:
        self.place = place

    def cells(self, x: Any) -> Cells | None:
        """The cells that hold ``x``, or ``None`` where it is an expression."""
        if not isinstance(x, Recorded):
            return CONSTANTS.codes(x)
        placed = self.place(x)
        if placed is not None or x.op is None:
            return placed
        op = operation(x)
        if op is cast:
            before, after = x.args[0].dtype.kind, x.dtype.kind
            same = not rounds(x) and (after in ("f", before) or (after in "iu" and before in "iub"))
            return self.cells(x.args[0]) if same else None
        if op not in MOVES or moved_by_data(x):
            return None
        data = x.args[0]
        moved = [self.cells(part) for part in data] if isinstance(data, (list, tuple)) else self.cells(data)
        if moved is None or (isinstance(moved, list) and any(part is None for part in moved)):
            return None
        kwargs = dict(x.kwargs)
        if pads_with_a_number(x):
            kwargs["constant_values"] = each(lambda v: CONSTANTS.code(float(v)), kwargs.get("constant_values", 0))
        if op in (np.triu, np.tril):
            keep = op(np.ones(x.shape, bool), *x.args[1:], **kwargs)
            return np.where(keep, np.asarray(moved), CONSTANTS.code(0.0))
        result: Cells = x.op(moved, *x.args[1:], **kwargs)
        return result

    def expression(self, x: Any) -> Expression:
        """The formula of every element of ``x``; a plain reference where it has cells."""
        cells = self.cells(x)
        if cells is not None:
            return refer(cells)
        return self.made(x)

    def made(self, x: Recorded) -> Expression:
        """The formula that computes ``x`` from its operands, whether it has cells itself or not."""
        op = operation(x)
        if op in OF_TEXTS and any(isinstance(arg, Recorded) and arg.dtype.kind == "U" for arg in x.args):
            return self.call(OF_TEXTS[op], x, COMPARE, boolean=True)
        if op in LOGICAL and x.dtype == bool:  # of whole numbers: bit by bit, or a sum
            return self.call(LOGICAL[op], x, COMPARE, boolean=True)
        if op in INFIX:
            sign, level, left, right = INFIX[op]
            a, b = (self.arithmetic(arg) for arg in x.args)
            return combine([a.at_least(left), sign, b.at_least(right)], x.shape, level, boolean=level == COMPARE)
        if op is np.where and not isinstance(x.args[0], Recorded):
            yes, no = (self.expression(arg) for arg in x.args[1:])
            return pick(np.asarray(x.args[0], bool), yes, no, x.shape)
        if op in CALLS:
            return self.call(CALLS[op], x, POWER if op in SELF_WRAPPED else COMPARE)
        rule = RULES.get(op) or BY_NAME.get(getattr(op, "__name__", ""))
        if rule is not None:
            return rule(x, self)
        if op in REDUCTIONS:
            return self.reduction(x, *REDUCTIONS[op])
        if op in PREFIX:
            return self.prefix(x, *PREFIX[op])
        if op in PRODUCTS and x.dtype != bool:  # of conditions NumPy says whether there are any, not how many
            return product(x, self.cells)
        cells = self.cells_through(x)
        if cells is not None:
            return refer(cells)
        if op in FOLLOWS and not moved_by_data(x):
            inner = self.expression(x.args[0])
            return inner.moved(lambda array: x.op(array, *x.args[1:], **x.kwargs), x.shape)  # type: ignore[misc]  # what has an operation was made by a call
        raise Unwritable(getattr(op, "__name__", str(op)))

    def step(self, x: Recorded) -> Expression:
        """The formula of a step's cells, which hold numbers. Raises ``NoFormula``."""
        try:
            return as_number(self.made(x))
        except Unwritable as what:
            raise NoFormula(
                x.layer, f"step {x.name}", f"uses {what}, for which there is no formula that every spreadsheet computes"
            ) from None

    def cells_through(self, x: Recorded) -> Cells | None:
        """The cells that ``x`` itself copies, if it is a step that only moves numbers."""
        bare = x.copy()
        return Formulas(lambda y: None if y is bare else self.place(y)).cells(bare)

    def arithmetic(self, x: Any) -> Expression:
        """An operand of arithmetic: TRUE and FALSE become 1 and 0."""
        return as_number(self.expression(x))

    def call(self, template: str, x: Recorded, level: int, boolean: bool = False) -> Expression:
        parts: list[str | Expression] = []
        texts = template.split("{}")
        for i, (text, arg) in enumerate(zip(texts, x.args, strict=False)):
            condition = boolean or (template.startswith("IF") and i == 0)
            made = self.expression(arg) if condition else self.arithmetic(arg)
            parts += [text, made.at_least(level)]
        return combine([*parts, texts[-1]], x.shape, ATOM, boolean)

    def rows(self, x: Recorded) -> tuple[Cells, tuple[int, ...]]:
        """The operand's cells with the reduced axes last: ``(elements, reduced)``, and the shape of the elements."""
        cells = self.cells(x.args[0])
        if cells is None:
            raise Unwritable("an operand without cells")
        axes, rest = reduced_axes(x)
        shape = tuple(cells.shape[a] for a in rest)
        return np.ascontiguousarray(np.transpose(cells, [*rest, *axes])).reshape(int(np.prod(shape, dtype=np.int64)), -1), shape

    def sample(self, x: Recorded) -> Expression:
        """The formulas of a few elements of a product or a reduction, to judge how long they are."""
        if operation(x) in PRODUCTS:
            left, right, _, _ = batches(x, self.cells)
            some = [(0, n // 2, n - 1) for n in (left.shape[1], right.shape[2])]
            group = left.shape[0] // 2
            return areas.product(left[group : group + 1, some[0]], right[group : group + 1][:, :, some[1]])
        rows, _ = self.rows(x)
        return areas.reduction(rows[[0, len(rows) // 2, len(rows) - 1]], *REDUCTIONS[operation(x)])

    def reduction(self, x: Recorded, function: str, neutral: float | None) -> Expression:
        rows, _ = self.rows(x)
        made = areas.reduction(rows, function, neutral)
        return made.moved(lambda array: array.reshape(x.shape), x.shape)

    def prefix(self, x: Recorded, function: str, neutral: float) -> Expression:
        rows, shape = self.rows(x)
        n, k = rows.shape
        prefixes = np.where(np.tri(k, dtype=bool), rows[:, None, :], CONSTANTS.code(neutral))
        made = areas.reduction(prefixes.reshape(n * k, k), function, neutral)
        axis = int(argument(x, 1, "axis")) % len(x.shape) if argument(x, 1, "axis") is not None else 0
        return made.moved(lambda array: np.moveaxis(array.reshape((*shape, k)), -1, axis).reshape(x.shape), x.shape)
