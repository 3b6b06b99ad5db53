"""Formulas of the calls that need more than a line in the table: rounding, lookups, order, conversions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np

from weightlens.recording import Recorded, cast
from weightlens.recording.calls import argument
from weightlens.recording.graph import evaluated
from weightlens.recording.texts import BLANKS, CAPITALS, PUNCTUATION
from weightlens.workbook.formulas import areas
from weightlens.workbook.formulas.cell_arrays import (
    ADD,
    ATOM,
    COMPARE,
    MULTIPLY,
    POWER,
    ROW,
    Area,
    Cells,
    Expression,
    Unwritable,
    combine,
    refer,
)

EXACT, ALMOST_WHOLE = 2.0**53, 1e-14
LONGEST = 32_767  # characters in a cell, also on the way to a result


class Translator(Protocol):
    """What a rule asks of its operands; ``Formulas`` in ``translate.py``, which calls the rules, answers."""

    def cells(self, x: Any) -> Cells | None: ...
    def cells_through(self, x: Recorded) -> Cells | None: ...
    def rows(self, x: Recorded) -> tuple[Cells, tuple[int, ...]]: ...
    def expression(self, x: Any) -> Expression: ...
    def arithmetic(self, x: Any) -> Expression: ...
    def call(self, template: str, x: Recorded, level: int) -> Expression: ...


Rule = Callable[[Recorded, Translator], Expression]


def negative(x: Recorded, formulas: Translator) -> Expression:
    """``-x``; before parentheses ``0-(...)``: a spreadsheet reads ``-A1^2`` as ``(-A1)^2``, and IronCalc loses the parentheses."""
    made = formulas.arithmetic(x.args[0])
    return combine(["-" if made.level >= ATOM else "0-", made.at_least(ATOM)], x.shape, ADD)


def square(x: Recorded, formulas: Translator) -> Expression:
    """``x^2``."""
    return combine([formulas.arithmetic(x.args[0]).at_least(ATOM), "^2"], x.shape, POWER)


def rounded(x: Recorded, formulas: Translator) -> Expression:
    """Half to even, as NumPy rounds: ``ROUND`` itself goes away from zero."""
    a = formulas.arithmetic(x.args[0]).at_least(ADD)
    return combine(["IF(ABS(", a, "-TRUNC(", a, "))=0.5,2*ROUND((", a, ")/2,0),ROUND(", a, ",0))"], x.shape)


def clip(x: Recorded, formulas: Translator) -> Expression:
    """``MIN(MAX(x, low), high)``, either bound only if there is one."""
    low, high = argument(x, 1, "a_min"), argument(x, 2, "a_max")
    low, high = x.kwargs.get("min", low), x.kwargs.get("max", high)
    made = formulas.arithmetic(x.args[0])
    made = made if low is None else combine(["MAX(", made, ",", formulas.arithmetic(low), ")"], x.shape)
    return made if high is None else combine(["MIN(", made, ",", formulas.arithmetic(high), ")"], x.shape)


def one_area(rows: Cells, what: str) -> Area:
    """The rectangle that each row of addresses is; ``what`` has no formula where there is more in one."""
    made = areas.reduction(rows, "AREA", None)
    if made.choice is not None or len(made.options[0]) != 3 or not isinstance(made.options[0][1], Area):
        raise Unwritable(what)
    return made.options[0][1]


def in_line(lines: Cells, what: str) -> tuple[Area, int]:
    """The part of a row or column that each line of cells lies in, from its first to its last, and how many cells on the next one is."""
    apart = np.diff(lines, axis=1)
    stride = int(apart.flat[0]) if apart.size else 1
    along, across = divmod(stride, ROW)
    if (lines < 0).any() or (apart != stride).any() or stride < 1 or (along and across):
        raise Unwritable(what)
    length = (lines.shape[1] - 1) * (along or across) + 1
    return Area(lines[:, 0], *((length, 1) if along else (1, length))), along or across


def lookup(x: Recorded, formulas: Translator) -> Expression:
    """``np.take`` with a computed index: ``INDEX(column of the table, index + 1, 1)``; in a row that holds all columns, every n-th cell.

    Where somebody can type the index, one below 0 is refused: INDEX would take 0 for the whole column.
    """
    at = argument(x, 1, "indices")
    table, axis = formulas.cells(x.args[0]), argument(x, 2, "axis")
    if table is None:
        raise Unwritable("take")
    axis = 0 if axis is None else axis % table.ndim
    table = table if argument(x, 2, "axis") is not None else table.reshape(-1)
    before, after = table.shape[:axis], table.shape[axis + 1 :]
    columns = np.ascontiguousarray(np.moveaxis(table, axis, -1)).reshape(-1, table.shape[axis])
    area, stride = in_line(columns, "a place counted in cells that do not stand in one row or column, in order")
    at = at.args[0] if at.op is cast and stride == 1 else at  # INDEX cuts fractions off by itself
    index, tall, shape = formulas.arithmetic(at), area.height > 1, before + (1,) * np.ndim(at) + after
    where = Expression(shape, [[Area(area.first.reshape(shape), area.height, area.width)]])
    place = index.moved(lambda array: array.reshape(index.shape + (1,) * len(after)), index.shape + (1,) * len(after))
    counted: list[str | Expression] = [place.at_least(ADD if stride == 1 else MULTIPLY), "+1" if stride == 1 else f"*{stride}+1"]
    if at.kind:
        counted = ["IF(", place.at_least(COMPARE + 1), "<0,NA(),", *counted, ")"]
    return combine(["INDEX(", where, ",", *([] if tall else ["1,"]), *counted, *([",1"] if tall else []), ")"], x.shape)


def rounds(x: Recorded) -> bool:
    """Whether a cast drops digits of fractions: cells hold doubles, and no formula rounds them in binary."""
    before, after = x.args[0].dtype, np.dtype(x.args[1])
    return bool(before.kind == after.kind == "f" and after.itemsize < before.itemsize)


def converted(x: Recorded, formulas: Translator) -> Expression:
    """``astype``: numbers to whole numbers are cut off, anything to bool is "not 0"."""
    kind = np.dtype(x.args[1]).kind
    if rounds(x):
        raise Unwritable("rounding to fewer digits than a cell has")
    if kind == "b":
        made = formulas.expression(x.args[0])
        return made if made.boolean else combine([made.at_least(ADD), "<>0"], x.shape, COMPARE, boolean=True)
    made = formulas.arithmetic(x.args[0])
    return combine(["TRUNC(", made, ")"], x.shape) if kind in "iu" and x.args[0].dtype.kind == "f" else made


def extreme_place(function: str) -> Rule:
    """``np.argmax``, ``np.argmin``: the place of the extreme within its row or column of cells."""

    def rule(x: Recorded, formulas: Translator) -> Expression:
        rows, _ = formulas.rows(x)
        area, stride = in_line(rows, function)
        if stride > 1:
            raise Unwritable(function)
        where = Expression((len(rows),), [[area]])
        made = combine(["MATCH(", function + "(", where, "),", where, ",0)-1"], where.shape, ADD)
        return made.moved(lambda array: array.reshape(x.shape), x.shape)

    return rule


def sorted_values(x: Recorded, formulas: Translator) -> Expression:
    """``np.sort``: the k-th smallest of its row of cells."""
    axis = argument(x, 1, "axis")
    axis = (len(x.shape) - 1) if axis is None else axis % len(x.shape)
    if x.shape[axis] == 1:  # IronCalc knows no smallest of one cell
        return formulas.expression(x.args[0])
    stand_in = Recorded(np.zeros(()), np.sum, x.args[:1], {"axis": axis})
    rows, shape = formulas.rows(stand_in)
    area, k = one_area(rows, "sort"), x.shape[axis]
    where = Area(area.first[:, None], area.height, area.width)
    made = Expression((len(rows), k), [["SMALL(", where, f",{i + 1})"] for i in range(k)], np.arange(k)[None, :])
    return made.moved(lambda array: np.moveaxis(array.reshape((*shape, k)), -1, axis), x.shape)


def quoted(character: str) -> str:
    """A character inside a formula."""
    return f"CHAR({ord(character)})" if character < " " or character == "\\" else '""""' if character == '"' else f'"{character}"'


def replaced(x: Recorded, formulas: Translator, pairs: Iterable[tuple[str, str]]) -> Expression:
    """``SUBSTITUTE(SUBSTITUTE(text, a, b), c, d)``."""
    pairs = list(pairs)
    ends = [f",{quoted(old)},{quoted(new) if new else chr(34) * 2})" for old, new in pairs]
    return combine(["SUBSTITUTE(" * len(pairs), formulas.expression(x.args[0]), *ends], x.shape)


def lowered(x: Recorded, formulas: Translator) -> Expression:
    """``LOWER`` would also lower letters that TensorFlow leaves alone."""
    return replaced(x, formulas, ((chr(old), chr(new)) for old, new in CAPITALS.items()))


def without_marks(x: Recorded, formulas: Translator) -> Expression:
    """Each mark replaced by nothing."""
    return replaced(x, formulas, ((mark, "") for mark in PUNCTUATION))


def spaced(x: Recorded, formulas: Translator) -> Expression:
    """Tabs and line ends as spaces; ``TRIM`` leaves one space between words."""
    return combine(["TRIM(", replaced(x, formulas, ((blank, " ") for blank in BLANKS)), ")"], x.shape)


def word_at(x: Recorded, formulas: Translator) -> Expression:
    """A piece of the text with its spaces made as wide as all of it, trimmed; too many words are ``#N/A``."""
    lines, places, most = x.args
    texts = lines.value if lines.value is not None else np.zeros(0, str)
    if any((len(line) + 1) * (line.count(" ") + 2) > LONGEST for line in texts.ravel().tolist()):
        raise Unwritable("a text too long to be cut into words in one cell")
    line, place = (formulas.expression(part) for part in (lines, places))
    wide = combine(["(LEN(", line, ")+1)"], line.shape)
    piece: list[str | Expression] = ["MID(SUBSTITUTE(", line, '," ",REPT(" ",', wide, ")),", place, "*", wide, "+1,", wide, ")"]
    if not most:
        return combine(["TRIM(", *piece, ")"], x.shape)
    return combine(["IF(LEN(", line, ")-LEN(SUBSTITUTE(", line, f'," ",""))>={most},NA(),TRIM(', *piece, "))"], x.shape)


def rule_for_take(x: Recorded, formulas: Translator) -> Expression:
    """Lookups have a rule; a take at known places is a move."""
    if isinstance(argument(x, 1, "indices"), Recorded):
        return lookup(x, formulas)
    cells = formulas.cells_through(x)
    if cells is not None:
        return refer(cells)
    made = formulas.expression(x.args[0])
    return made.moved(lambda array: np.take(array, *x.args[1:], **x.kwargs), x.shape)


def repeating(template: str) -> Rule:
    """A function that repeats itself. Beyond 2^53 programs read different numbers, or refuse: each gives another answer."""

    def rule(x: Recorded, formulas: Translator) -> Expression:
        if any(np.any(np.abs(evaluated(arg)) >= EXACT) for arg in x.args):
            raise Unwritable("a function that repeats itself, of numbers beyond 2^53")
        return formulas.call(template, x, COMPARE)

    return rule


def remainder(x: Recorded, formulas: Translator) -> Expression:
    """``MOD``, which LibreOffice and IronCalc take for 0 where a quotient is all but whole: ``MOD(1,0.1)``, 0.1 in binary."""
    with np.errstate(all="ignore"):
        a, b = map(evaluated, x.args)
        quotient, rest = a / b, np.mod(a, b)
        is_whole = np.abs(quotient - np.rint(quotient)) <= ALMOST_WHOLE * np.maximum(np.abs(quotient), 1.0)
        if np.any(is_whole & (np.abs(rest) > np.abs(b) / 2.0)):
            raise Unwritable("the rest of a division that is all but even")
    return repeating("MOD({},{})")(x, formulas)


RULES: dict[Any, Rule] = {
    np.sin: repeating("SIN({})"),
    np.cos: repeating("COS({})"),
    np.tan: repeating("TAN({})"),
    np.mod: remainder,
    np.negative: negative,
    np.square: square,
    np.rint: rounded,
    np.round: rounded,
    np.clip: clip,
    cast: converted,
    np.argmax: extreme_place("MAX"),
    np.argmin: extreme_place("MIN"),
    np.sort: sorted_values,
    np.take: rule_for_take,
}
BY_NAME: dict[str, Rule] = {  # ufuncs made of Python functions are known by name
    "erf (vectorized)": lambda x, formulas: formulas.call("ERF({})", x, COMPARE),
    "lowered": lowered,
    "without_marks": without_marks,
    "spaced": spaced,
    "word_at": word_at,
}
