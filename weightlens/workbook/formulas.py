"""From recorded NumPy to spreadsheet formulas: one table and four rules (product, reduction, lookup, precedence).

Only what Excel 2010, LibreOffice, Gnumeric, Google Sheets and IronCalc all compute alike is used: no array
entry, no volatile functions, no array arithmetic in a normal cell. What has no rule raises ``Unwritable``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.recording import Part, Recorded, cast, each
from weightlens.workbook import areas
from weightlens.workbook.cells import (
    ADD,
    ATOM,
    COMPARE,
    CONSTANTS,
    MULTIPLY,
    POWER,
    ROW,
    UNARY,
    Cells,
    Expression,
    Unwritable,
    combine,
    number,
    pick,
    refer,
)

# Calls that only move numbers: applied to the cells just as they are to the values. Data comes first.
MOVES: set[Any] = {
    np.reshape, np.transpose, np.pad, np.split, np.array_split, np.stack, np.concatenate, np.flip, np.repeat, np.tile, np.expand_dims, np.squeeze,
    np.swapaxes, np.moveaxis, np.broadcast_to, np.roll, np.rot90, np.ravel, np.atleast_1d, np.atleast_2d, np.diagonal, np.hstack, np.vstack, np.triu, np.tril,
    np.flipud, np.fliplr, np.rollaxis, np.copy, np.take, np.take_along_axis, np.delete, np.compress, operator.getitem, sliding_window_view, np.dstack, np.column_stack, np.broadcast_arrays,
}  # fmt: skip
if hasattr(np, "unstack"):
    MOVES.add(np.unstack)
# Moves of one array that an unnamed expression can follow, too: every element stays one element of it.
FOLLOWS: set[Any] = MOVES - {
    np.pad,
    np.stack,
    np.concatenate,
    np.hstack,
    np.vstack,
    np.dstack,
    np.column_stack,
    np.triu,
    np.tril,
    sliding_window_view,
    np.repeat,
    np.tile,
    np.broadcast_arrays,
}

INFIX: dict[Any, tuple[str, int, int, int]] = {  # sign, level, level needed left, right
    np.add: ("+", ADD, ADD, ADD),
    np.subtract: ("-", ADD, ADD, MULTIPLY),
    np.multiply: ("*", MULTIPLY, MULTIPLY, MULTIPLY),
    np.divide: ("/", MULTIPLY, MULTIPLY, UNARY),
    np.power: ("^", POWER, ATOM, ATOM),
    np.float_power: ("^", POWER, ATOM, ATOM),
    np.greater: (">", COMPARE, ADD, ADD),
    np.greater_equal: (">=", COMPARE, ADD, ADD),
    np.less: ("<", COMPARE, ADD, ADD),
    np.less_equal: ("<=", COMPARE, ADD, ADD),
    np.equal: ("=", COMPARE, ADD, ADD),
    np.not_equal: ("<>", COMPARE, ADD, ADD),
}
COMPARISONS = {np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal}

CALLS: dict[Any, str] = {  # every {} is one operand, written once
    np.exp: "EXP({})", np.log: "LN({})", np.log2: "LOG({},2)", np.log10: "LOG10({})", np.sqrt: "SQRT({})", np.tanh: "TANH({})", np.abs: "ABS({})", np.fabs: "ABS({})",
    np.sign: "SIGN({})", np.sin: "SIN({})", np.cos: "COS({})", np.tan: "TAN({})", np.sinh: "SINH({})", np.cosh: "COSH({})", np.arcsin: "ASIN({})", np.arccos: "ACOS({})",
    np.arctan: "ATAN({})", np.arcsinh: "ASINH({})", np.arccosh: "ACOSH({})", np.arctanh: "ATANH({})", np.maximum: "MAX({},{})", np.minimum: "MIN({},{})", np.fmax: "MAX({},{})",
    np.fmin: "MIN({},{})", np.floor: "INT({})", np.trunc: "TRUNC({})", np.mod: "MOD({},{})", np.remainder: "MOD({},{})", np.where: "IF({},{},{})",
    np.expm1: "(EXP({})-1)", np.log1p: "LN(1+{})", np.exp2: "(2^{})", np.reciprocal: "(1/{})", np.ceil: "(-INT(-({})))", np.floor_divide: "INT(({})/({}))", np.degrees: "DEGREES({})", np.radians: "RADIANS({})",
    np.deg2rad: "RADIANS({})", np.rad2deg: "DEGREES({})",
}  # fmt: skip
LOGICAL: dict[Any, str] = {
    np.logical_and: "AND({},{})",
    np.logical_or: "OR({},{})",
    np.logical_not: "NOT({})",
    np.bitwise_and: "AND({},{})",
    np.bitwise_or: "OR({},{})",
    np.invert: "NOT({})",
}
SELF_WRAPPED = {np.exp2, np.log1p}  # their operand stands beside an operator

REDUCTIONS: dict[Any, tuple[str, float | None]] = {  # function, and the constant that it may leave out
    np.sum: ("SUM", 0.0), np.add.reduce: ("SUM", 0.0), np.mean: ("AVERAGE", None), np.max: ("MAX", -np.inf), np.min: ("MIN", np.inf), np.maximum.reduce: ("MAX", -np.inf),
    np.minimum.reduce: ("MIN", np.inf), np.prod: ("PRODUCT", 1.0), np.multiply.reduce: ("PRODUCT", 1.0), np.nanmean: ("AVERAGE", np.nan), np.nanmax: ("MAX", np.nan), np.nansum: ("SUM", np.nan), np.any: ("MAX", 0.0),
    np.nanmin: ("MIN", np.nan), np.all: ("MIN", 1.0), np.var: ("VARP", None), np.std: ("STDEVP", None), np.logical_or.reduce: ("MAX", 0.0), np.logical_and.reduce: ("MIN", 1.0), np.median: ("MEDIAN", None),
}  # fmt: skip
UFUNC_REDUCTIONS = {
    np.add.reduce,
    np.maximum.reduce,
    np.minimum.reduce,
    np.multiply.reduce,
    np.logical_or.reduce,
    np.logical_and.reduce,
}  # over axis 0 unless told
PREFIX = {np.cumsum: ("SUM", 0.0), np.add.accumulate: ("SUM", 0.0), np.cumprod: ("PRODUCT", 1.0), np.maximum.accumulate: ("MAX", -np.inf)}
PRODUCTS = {np.matmul, np.dot, np.einsum, np.tensordot, np.inner, np.outer, np.vdot}
ORDERED = {np.sort, np.argmax, np.argmin}

Rule = Callable[[Recorded, "Formulas"], Expression]


def operation(x: Recorded) -> Any:
    """The NumPy call behind ``x``, without the choice of one of its several results."""
    return x.op.op if isinstance(x.op, Part) else x.op


def needs_cells(x: Recorded) -> bool:
    """Whether the operands of this call must have cells of their own."""
    op = operation(x)
    return op in PRODUCTS or op in REDUCTIONS or op in PREFIX or op in ORDERED or (op in MOVES and op not in FOLLOWS)


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
            same = (
                np.dtype(x.args[1]).kind == "f"
                or x.dtype.kind == x.args[0].dtype.kind
                or (x.dtype.kind in "iu" and x.args[0].dtype.kind in "iub")
            )
            return self.cells(x.args[0]) if same else None
        if op not in MOVES or (op is np.take and isinstance(_argument(x, 1, "indices"), Recorded)):
            return None
        data = x.args[0]
        moved = [self.cells(part) for part in data] if isinstance(data, (list, tuple)) else self.cells(data)
        if moved is None or (isinstance(moved, list) and any(part is None for part in moved)):
            return None
        kwargs = dict(x.kwargs)
        if op is np.pad:
            kwargs["constant_values"] = (
                each(lambda v: CONSTANTS.code(float(v)), kwargs.get("constant_values", 0))
                if kwargs.get("mode", "constant") == "constant"
                else 0
            )
            if kwargs.get("mode", "constant") != "constant":
                del kwargs["constant_values"]
        if op in (np.triu, np.tril):
            keep = op(np.ones(x.shape, bool), *x.args[1:], **kwargs)
            return np.where(keep, moved, CONSTANTS.code(0.0))  # type: ignore[arg-type]
        result: Cells = x.op(moved, *x.args[1:], **kwargs)  # type: ignore[misc]
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
        if op in INFIX:
            return self.infix(x, op)
        if op is np.where and not isinstance(x.args[0], Recorded):
            yes, no = (self.expression(arg) for arg in x.args[1:3])
            return pick(np.asarray(x.args[0], bool), yes, no, x.shape)
        if op in CALLS:
            return self.call(CALLS[op], x, POWER if op in SELF_WRAPPED else COMPARE)
        if op in LOGICAL:
            return self.call(LOGICAL[op], x, COMPARE, boolean=True)
        rule = RULES.get(op) or BY_NAME.get(getattr(op, "__name__", ""))
        if rule is not None:
            return rule(x, self)
        if op in REDUCTIONS:
            return self.reduction(x, *REDUCTIONS[op])
        if op in PREFIX:
            return self.prefix(x, *PREFIX[op])
        if op in PRODUCTS:
            return product(x, self)
        cells = self.cells_through(x)
        if cells is not None:
            return refer(cells)
        if op in FOLLOWS:
            inner = self.expression(x.args[0])
            return inner.moved(lambda array: x.op(array, *x.args[1:], **x.kwargs), x.shape)  # type: ignore[misc]
        raise Unwritable(getattr(op, "__name__", str(op)))

    def cells_through(self, x: Recorded) -> Cells | None:
        """The cells that ``x`` itself copies, if it is a step that only moves numbers."""
        bare = Recorded.__new__(Recorded)
        for slot in Recorded.__slots__:
            setattr(bare, slot, getattr(x, slot))
        place, self.place = self.place, lambda y: None if y is bare else place(y)
        try:
            return self.cells(bare)
        finally:
            self.place = place

    def arithmetic(self, x: Any) -> Expression:
        """An operand of arithmetic: TRUE and FALSE become 1 and 0."""
        made = self.expression(x)
        return combine(["IF(", made, ",1,0)"], made.shape) if made.boolean else made

    def infix(self, x: Recorded, op: Any) -> Expression:
        sign, level, left, right = INFIX[op]
        a, b = (self.arithmetic(arg) for arg in x.args)
        if op is np.multiply and x.dtype == bool:
            return combine(["AND(", a, ",", b, ")"], x.shape, boolean=True)
        return combine([a.at_least(left), sign, b.at_least(right)], x.shape, level, boolean=op in COMPARISONS)

    def call(self, template: str, x: Recorded, level: int, boolean: bool = False) -> Expression:
        parts: list[str | Expression] = []
        texts = template.split("{}")
        for i, (text, arg) in enumerate(zip(texts, x.args, strict=False)):
            condition = boolean or (template.startswith("IF") and i == 0)
            made = self.expression(arg) if condition else self.arithmetic(arg)
            parts += [text, made.at_least(level)]
        return combine([*parts, texts[-1]], x.shape, ATOM, boolean)

    def axes(self, x: Recorded) -> tuple[list[int], list[int]]:
        """The axes that a reduction runs over, and the others."""
        rank, axis = len(x.args[0].shape), _argument(x, 1, "axis")
        if axis is None and operation(x) in UFUNC_REDUCTIONS and "axis" not in x.kwargs and len(x.args) < 2:
            axis = 0
        over = list(range(rank)) if axis is None else [a % rank for a in (axis if isinstance(axis, (tuple, list)) else (axis,))]
        return over, [a for a in range(rank) if a not in over]

    def rows(self, x: Recorded) -> tuple[Cells, tuple[int, ...]]:
        """The operand's cells with the reduced axes last: ``(elements, reduced)``, and the shape of the elements."""
        cells = self.cells(x.args[0])
        if cells is None:
            raise Unwritable("an operand without cells")
        axes, rest = self.axes(x)
        shape = tuple(cells.shape[a] for a in rest)
        return np.ascontiguousarray(np.transpose(cells, [*rest, *axes])).reshape(int(np.prod(shape, dtype=np.int64)), -1), shape

    def sample(self, x: Recorded) -> Expression:
        """The formulas of a few elements of a product or a reduction, to judge how long they are."""
        if operation(x) in PRODUCTS:
            left, right, _, _ = batches(x, self)
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
        axis = int(_argument(x, 1, "axis")) % len(x.shape) if _argument(x, 1, "axis") is not None else 0
        return made.moved(lambda array: np.moveaxis(array.reshape((*shape, k)), -1, axis).reshape(x.shape), x.shape)


def _argument(x: Recorded, position: int, name: str) -> Any:
    return x.args[position] if len(x.args) > position else x.kwargs.get(name)


def batches(x: Recorded, formulas: Formulas) -> tuple[Cells, Cells, list[str], dict[str, int]]:
    """A product as batches of matrix products: the cells ``(g, n, k)`` and ``(g, k, m)``, the order of the result's axes, their sizes."""
    left, right = (formulas.cells(arg) for arg in [arg for arg in x.args if not isinstance(arg, str)][:2])
    if left is None or right is None:
        raise Unwritable("an operand without cells")
    inputs, output = einsum_subscripts(x).split("->")
    a, b = inputs.split(",")
    size: dict[str, int] = {}
    for label, n in zip(a + b, left.shape + right.shape, strict=True):
        size[label] = max(size.get(label, 1), n)
    batch = [c for c in a if c in b and c in output]
    rows = [c for c in a if c not in b and c in output]
    columns = [c for c in b if c not in a and c in output]
    summed = [c for c in dict.fromkeys(a + b) if c not in output]

    def arrange(cells: Cells, labels: str, wanted: list[str], parts: tuple[list[str], ...]) -> Cells:
        present = [c for c in wanted if c in labels]
        cells = np.transpose(cells, [labels.index(c) for c in present])
        cells = cells.reshape([cells.shape[present.index(c)] if c in present else 1 for c in wanted])
        shape = [int(np.prod([size[c] for c in part], dtype=np.int64)) for part in parts]
        return np.broadcast_to(cells, [size[c] for c in wanted]).reshape(shape)

    a_cells = arrange(left, a, batch + rows + summed, (batch, rows, summed))
    b_cells = arrange(right, b, batch + summed + columns, (batch, summed, columns))
    return a_cells, b_cells, batch + rows + columns, size


def product(x: Recorded, formulas: Formulas) -> Expression:
    """``@``, ``np.dot``, ``np.tensordot`` and two-operand ``np.einsum``, all as batches of matrix products."""
    left, right, order, size = batches(x, formulas)
    output = einsum_subscripts(x).split("->")[1]
    full = tuple(size[c] for c in order)
    return areas.product(left, right).moved(
        lambda array: np.transpose(array.reshape(full), [order.index(c) for c in output]).reshape(x.shape), x.shape
    )


def einsum_subscripts(x: Recorded) -> str:
    """The product's axes in einsum's letters: ``ab,bc->ac``."""
    op = operation(x)
    if op is np.einsum:
        return full_subscripts(x.args[0], [np.ndim(arg) for arg in x.args[1:]])
    a, b = (len(np.shape(arg)) for arg in x.args[:2])
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    if op is np.tensordot:
        axes = _argument(x, 2, "axes")
        axes = 2 if axes is None else axes
        left, right = (
            ([*range(a - axes, a)], [*range(axes)])
            if isinstance(axes, int)
            else ([v % n for v in (ax if isinstance(ax, (list, tuple)) else [ax])] for ax, n in zip(axes, (a, b), strict=True))
        )
        first, second = list(letters[:a]), list(letters[a : a + b])
        for i, j in zip(left, right, strict=True):
            second[j] = first[i]
        return f"{''.join(first)},{''.join(second)}->{''.join(c for c in first + second if (c in first) != (c in second))}"
    if op is np.outer:
        return "a,b->ab"
    if op is np.inner or (op is np.dot and b == 1):
        return f"{letters[: a - 1]}z,{letters[a - 1 : a + b - 2]}z->{letters[: a + b - 2]}"
    if op is np.dot and b > 2:
        raise Unwritable("dot")
    rank = max(a, b) - 2
    batch = letters[: max(rank, 0)]
    first_part = batch[len(batch) - (a - 2) :] + "yz" if a > 1 else "z"
    second_part = batch[len(batch) - (b - 2) :] + "zx" if b > 1 else "z"
    return f"{first_part},{second_part}->{batch}{'y' if a > 1 else ''}{'x' if b > 1 else ''}"


def full_subscripts(text: str, ranks: list[int]) -> str:
    """An einsum string with its ellipses and implied output written out."""
    text = text.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    parts = inputs.split(",")
    if len(parts) != 2:
        raise Unwritable("einsum of other than two arrays")
    spare = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in text]
    longest = max((rank - len(part) + 3 for part, rank in zip(parts, ranks, strict=True) if "..." in part), default=0)
    ellipsis = "".join(spare[:longest])
    parts = [
        part.replace("...", ellipsis[len(ellipsis) - (rank - len(part) + 3) :] if "..." in part else "")
        for part, rank in zip(parts, ranks, strict=True)
    ]
    if not arrow:
        joined = "".join(parts)
        output = "..." + "".join(sorted(c for c in set(joined) if joined.count(c) == 1 and c not in ellipsis))
    return f"{parts[0]},{parts[1]}->{output.replace('...', ellipsis)}"


def negative(x: Recorded, formulas: Formulas) -> Expression:
    """``-x``; a minus before a power or another minus gets parentheses (a spreadsheet reads ``-A1^2`` as ``(-A1)^2``)."""
    return combine(["-", formulas.arithmetic(x.args[0]).at_least(ATOM)], x.shape, ADD)


def square(x: Recorded, formulas: Formulas) -> Expression:
    return combine([formulas.arithmetic(x.args[0]).at_least(ATOM), "^2"], x.shape, POWER)


def rounded(x: Recorded, formulas: Formulas) -> Expression:
    """Half to even, as NumPy rounds: ``ROUND`` itself goes away from zero."""
    a = formulas.arithmetic(x.args[0]).at_least(ADD)
    return combine(["IF(ABS(", a, "-TRUNC(", a, "))=0.5,2*ROUND((", a, ")/2,0),ROUND(", a, ",0))"], x.shape)


def clip(x: Recorded, formulas: Formulas) -> Expression:
    low, high = _argument(x, 1, "a_min"), _argument(x, 2, "a_max")
    low, high = x.kwargs.get("min", low), x.kwargs.get("max", high)
    made = formulas.arithmetic(x.args[0])
    made = made if low is None else combine(["MAX(", made, ",", formulas.arithmetic(low), ")"], x.shape)
    return made if high is None else combine(["MIN(", made, ",", formulas.arithmetic(high), ")"], x.shape)


def in_line(lines: Cells) -> Cells:
    """The cells, if each line of them stands in one column from top to bottom or in one row from left to right."""
    apart = np.diff(lines, axis=1)
    if not ((apart == ROW).all() or (apart == 1).all()):
        raise Unwritable("a place counted in cells that do not stand in one row or column, in order")
    return lines


def lookup(x: Recorded, formulas: Formulas) -> Expression:
    """``np.take`` with a computed index: ``INDEX(column of the table, index + 1, 1)``."""
    at = _argument(x, 1, "indices")
    at = at.args[0] if at.op is cast else at  # INDEX cuts fractions off by itself
    table, index, axis = formulas.cells(x.args[0]), formulas.arithmetic(at), _argument(x, 2, "axis")
    if table is None:
        raise Unwritable("take")
    axis = 0 if axis is None else axis % table.ndim
    table = table if _argument(x, 2, "axis") is not None else table.reshape(-1)
    before, after = table.shape[:axis], table.shape[axis + 1 :]
    columns = np.ascontiguousarray(np.moveaxis(table, axis, -1)).reshape(-1, table.shape[axis])
    area = areas.reduction(in_line(columns), "AREA", None)
    if area.choice is not None or len(area.options[0]) != 3:
        raise Unwritable("take from a table that does not stand in one rectangle")
    rank = len(index.shape)
    tall = getattr(area.options[0][1], "height", 1) > 1
    where = area.moved(lambda array: array.reshape(before + (1,) * rank + after), before + (1,) * rank + after)
    where = Expression(where.shape, [[where.options[0][1]]])
    place = index.moved(lambda array: array.reshape(index.shape + (1,) * len(after)), index.shape + (1,) * len(after))
    return combine(["INDEX(", where, ",", *([] if tall else ["1,"]), place.at_least(ADD), "+1", *([",1"] if tall else []), ")"], x.shape)


def converted(x: Recorded, formulas: Formulas) -> Expression:
    """``astype``: numbers to whole numbers are cut off, anything to bool is "not 0"."""
    kind = np.dtype(x.args[1]).kind
    if kind == "b":
        made = formulas.expression(x.args[0])
        return made if made.boolean else combine([made.at_least(ADD), "<>0"], x.shape, COMPARE, boolean=True)
    made = formulas.arithmetic(x.args[0])
    return combine(["TRUNC(", made, ")"], x.shape) if kind in "iu" and x.args[0].dtype.kind == "f" else made


def extreme_place(function: str) -> Rule:
    """``np.argmax``, ``np.argmin``: the place of the extreme within its row or column of cells."""

    def rule(x: Recorded, formulas: Formulas) -> Expression:
        rows, _ = formulas.rows(x)
        area = areas.reduction(in_line(rows), "AREA", None)
        if area.choice is not None or len(area.options[0]) != 3:
            raise Unwritable(function)
        where = Expression(area.shape, [[area.options[0][1]]])
        made = combine(["MATCH(", function + "(", where, "),", where, ",0)-1"], area.shape, ADD)
        return made.moved(lambda array: array.reshape(x.shape), x.shape)

    return rule


def sorted_values(x: Recorded, formulas: Formulas) -> Expression:
    """``np.sort``: the k-th smallest of its row of cells."""
    axis = _argument(x, 1, "axis")
    axis = (len(x.shape) - 1) if axis is None else axis % len(x.shape)
    stand_in = Recorded(np.zeros(()), np.sum, x.args[:1], {"axis": axis})
    rows, shape = formulas.rows(stand_in)
    area = areas.reduction(rows, "AREA", None)
    if area.choice is not None or len(area.options[0]) != 3:
        raise Unwritable("sort")
    k = x.shape[axis]
    where = Expression((len(rows), 1), [[area.options[0][1]]]).options[0][0]
    options = [["SMALL(", where, f",{i + 1})"] for i in range(k)]
    made = Expression((len(rows),), options, np.zeros(len(rows), np.int64))
    made = Expression(
        (len(rows), k),
        [[p if isinstance(p, str) else type(p)(p.first[:, None], p.height, p.width) for p in o] for o in options],
        np.arange(k)[None, :],
    )
    return made.moved(lambda array: np.moveaxis(array.reshape((*shape, k)), -1, axis), x.shape)


def error_function(x: Recorded, formulas: Formulas) -> Expression:
    return combine(["ERF(", formulas.arithmetic(x.args[0]), ")"], x.shape)


RULES: dict[Any, Rule] = {
    np.negative: negative, np.square: square, np.rint: rounded, np.round: rounded, np.clip: clip, cast: converted, np.argmax: extreme_place("MAX"), np.argmin: extreme_place("MIN"),
    np.sort: sorted_values,
}  # fmt: skip


def rule_for_take(x: Recorded, formulas: Formulas) -> Expression:
    """Lookups have a rule; a take at known places is a move."""
    if isinstance(_argument(x, 1, "indices"), Recorded):
        return lookup(x, formulas)
    cells = formulas.cells_through(x)
    if cells is not None:
        return refer(cells)
    made = formulas.expression(x.args[0])
    return made.moved(lambda array: np.take(array, *x.args[1:], **x.kwargs), x.shape)


RULES[np.take] = rule_for_take
BY_NAME: dict[str, Rule] = {"erf (vectorized)": error_function}  # ufuncs made of Python functions are known by name
__all__ = ["Formulas", "Unwritable", "needs_cells", "number", "operation"]
