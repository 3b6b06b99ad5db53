"""The looks of cells: one fixed set of roles, told apart by colour, border and weight of the letters."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

# Okabe and Ito's hues, lightened: told apart by colour-blind eyes, and by border and lettering in black and white.
FILLS = {"input": "D6E8F7", "weight": "FFF2B8", "output": "DCEFD5", "check": "EDE3F3", "constant": "F2F2F2", "answer": "FFFFFF"}
GOOD, BAD, DEAD = "C6E5C3", "F6C9C0", "C9C9C9"  # right, wrong, a relu that lets nothing through
NEGATIVE, NEUTRAL, POSITIVE, STRONG = "F2B48C", "FFFFFF", "8FBCE0", "7DBE8B"  # ends and middles of colour scales
LINE, FRAME, INK, GREY = "BFBFBF", "6B6B6B", "222222", "6A6A6A"


MOST_DIGITS, MOST_IN_A_SQUARE = 9, 4  # decimals
SHORT = 1e6  # hundredths: below 10,000
EQUAL = 1e-9  # relative: numbers that are equal but for rounding


@dataclass(frozen=True)
class Look:
    """One kind of cell."""

    fill: str = ""
    bold: bool = False
    italic: bool = False
    size: float = 10
    colour: str = INK
    border: str = ""  # thin, medium, dashed...; "under": a line below only
    sides: str = ""  # where the border is: "left top"; all around where it is empty
    format: str = "General"
    align: str = ""
    wrap: bool = False
    shrink: bool = False


LOOKS: dict[str, Look] = {
    "plain": Look(align="left"),
    "title": Look(bold=True, size=16, align="left"),
    "about": Look(colour=GREY, align="left"),
    "hint": Look(italic=True, colour=GREY, align="left"),
    "long hint": Look(italic=True, colour=GREY, wrap=True, align="left"),
    "section": Look(bold=True, size=11, colour="1F4E79", border="under", align="left"),
    "caption": Look(bold=True, align="center", wrap=True),
    "caption left": Look(bold=True, align="left"),
    "math": Look(italic=True, size=9, colour="7F6000", align="center", wrap=True),
    "math left": Look(italic=True, size=9, colour="7F6000", align="left"),
    "label": Look(colour=GREY, size=9, align="center", shrink=True),
    "label right": Look(colour=GREY, size=9, align="right"),
    "label left": Look(colour=GREY, size=9, align="left"),
    "path": Look(colour="8A8A8A", size=8, align="left"),
    "link": Look(colour="0563C1", align="left"),
    "name": Look(colour="0563C1", align="left", shrink=True),  # a link that the next cell would cut
    "whole": Look(align="left", shrink=True),
    "live": Look(bold=True, colour="2F6B2F"),
    "input": Look(FILLS["input"], border="medium", align="center"),
    "fetched": Look(border="thin", align="center"),
    "switch": Look(FILLS["input"], bold=True, border="medium", align="center", shrink=True),
    "weight": Look(FILLS["weight"], border="thin", format="0.000", align="center"),
    "step": Look(border="thin", format="0.000", align="center"),
    "helper": Look(border="hair", format="0.000", align="center", colour=GREY),
    "constant": Look(FILLS["constant"], border="hair", align="center"),
    "output": Look(FILLS["output"], bold=True, border="medium", format="0.000", align="center"),
    "winner": Look(FILLS["output"], bold=True, border="thin", align="center"),
    "answer": Look(FILLS["answer"], border="dashed", format="0.000", align="center", colour="1F4E79"),
    "off": Look(DEAD, border="thin", format="0.000", align="center"),
    "below 0": Look(NEGATIVE, border="thin", align="center"),
    "above 0": Look(POSITIVE, border="thin", align="center"),
    "large": Look(STRONG, border="thin", align="center"),
    "check": Look(FILLS["check"], border="thin", format="0.00E+00", align="center"),
    "expected large": Look(FILLS["check"], border="thin", format="0.000000E+00", align="center", shrink=True),
    "expected": Look(FILLS["check"], border="thin", format="0.000000", align="center", shrink=True),
    "verdict": Look(FILLS["check"], bold=True, border="medium", align="center"),
    "advice": Look(bold=True, colour="9C4A00"),
    "head": Look(FILLS["constant"], bold=True, border="thin", align="left"),
    "text": Look(wrap=True, align="left"),
    "count": Look(format="#,##0", align="right"),
    "size": Look(format="#,##0", align="left"),
    "share": Look(format="0.0%", bold=True, align="left"),
    "mark": Look(border="hair", format="0", align="center", colour=GREY),
    "tally": Look(FILLS["check"], border="thin", format="0", align="center"),
    "hits": Look(FILLS["output"], bold=True, border="thin", format="0", align="center"),
    "data": Look(size=9, align="center"),
}


class Styles:
    """Style ids of the looks in one workbook, which our rows refer to; ``add_to`` makes openpyxl's tables of them.

    ``whole``: the network has small whole numbers (or halves), and what is made of them stands without zeros after the point.
    """

    whole = False

    def __init__(self) -> None:
        self._ids: dict[Look, int] = {}
        self._named: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        if name not in self._named:
            self._named[name] = self.style_id(LOOKS[name])
        return self._named[name]

    def style_id(self, look: Look) -> int:
        """The id of a look, counted from 1: 0 is that of cells without one."""
        return self._ids.setdefault(look, len(self._ids) + 1)

    def add_to(self, book: Any) -> None:
        """Write the looks into the tables of a new workbook, in the order of their ids."""
        from openpyxl.styles import Alignment, Font, PatternFill
        from openpyxl.styles.cell_style import StyleArray
        from openpyxl.styles.numbers import BUILTIN_FORMATS_MAX_SIZE, BUILTIN_FORMATS_REVERSE

        @cache  # many looks share fonts, fills, borders...
        def part(table: str, make: Callable[..., Any], **wanted: Any) -> int:
            number: int = getattr(book, table).add(make(**wanted))
            return number

        for look in self._ids:
            style: Any = StyleArray()
            style.fontId = part("_fonts", Font, name="Calibri", bold=look.bold, italic=look.italic, size=look.size, color=look.colour)
            style.fillId = part("_fills", PatternFill, patternType="solid", fgColor=look.fill) if look.fill else 0
            style.borderId = part("_borders", border, kind=look.border, sides=look.sides) if look.border else 0
            align, wrap, shrink = look.align or None, look.wrap or None, look.shrink or None
            style.alignmentId = part("_alignments", Alignment, horizontal=align, vertical="center", wrap_text=wrap, shrink_to_fit=shrink)
            built_in = BUILTIN_FORMATS_REVERSE.get(look.format)
            style.numFmtId = book._number_formats.add(look.format) + BUILTIN_FORMATS_MAX_SIZE if built_in is None else built_in
            book._cell_styles.append(style)  # two looks may be alike, but each has its id

    def numbers(self, name: str, values: np.ndarray | None, small: bool = False, share: bool = False, narrow: bool = False) -> int:
        """A look with the format that suits these numbers: short on screen, all digits in the cell.

        ``small``: square cells; ``narrow``: cells in which larger numbers than these are to be seen too, in smaller letters.
        """
        look = LOOKS[name]
        if share:
            look = replace(look, format=f"0.{'0' * max(1, digits(values) - 2)}%")
        elif values is not None and values.dtype.kind == "U":
            look, small = replace(look, format="@" if name == "input" else "General"), False
        elif values is not None and values.dtype.kind == "b" and look.format == "0.000":
            look = replace(look, format="0")
        elif self.whole and look.format == "0.000" and is_short(values):
            look = replace(look, format="General")
        elif values is not None and (look.format == "0.000" or (name in ("input", "constant", "fetched") and has_many_digits(values))):
            look = replace(look, format=short_format(values))
        if small:
            whole = values is None or bool((values == np.floor(values)).all())
            kept = values is None or share or (look.format == "General" and whole)
            short = look.format if values is None or kept else squares_format(values)
            look = replace(look, size=7, format=short, shrink=True, border="hair" if look.border == "thin" else look.border)
        return self.style_id(replace(look, shrink=True) if narrow else look)


def border(kind: str, sides: str) -> Any:
    """The lines around a look; ``under`` is one below."""
    from openpyxl.styles import Border, Side

    under = kind == "under"
    style: Any = "medium" if under else kind
    side = Side(style, color=FRAME if kind == "medium" else LINE)
    around: dict[str, Any] = dict.fromkeys(("bottom" if under else sides or "left right top bottom").split(), side)
    return Border(**around)


def is_short(values: np.ndarray | None) -> bool:
    """Whether no number has more than two decimals, or is large; nothing is known of those that are still to be filled in."""
    if values is None:
        return True
    cents = values * 100.0 if values.dtype.kind in "fiu" else np.full(1, np.nan)
    return bool((np.rint(cents) == cents).all() and (np.abs(cents) < SHORT).all())


def has_many_digits(values: np.ndarray) -> bool:
    """Whether there are numbers of more than three decimals."""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else np.zeros(0)
    return not np.array_equal(np.round(finite, 3), finite)


def short_format(values: np.ndarray) -> str:
    """The number format for a block: at least two digits of what its numbers differ in, three decimals, fewer for large numbers.

    Of very large and very small numbers powers of ten.
    """
    finite = np.abs(values[np.isfinite(values)])
    largest, needed = float(finite.max(initial=0.0)), last_digit(values)
    if largest >= 1e6 or 0 < largest < 1e-3:
        return f"0.{'0' * max(2, min(needed + math.floor(math.log10(largest)), MOST_DIGITS))}E+00"
    return "0." + "0" * max(min(needed, MOST_DIGITS), 3 if largest < 1000 else 1)


def digits(values: np.ndarray | None) -> int:
    """How many decimals show two digits of what numbers differ in; of equal numbers, two of their own. Whole numbers need none."""
    return 0 if values is None else max(0, min(last_digit(values), MOST_DIGITS))


def last_digit(values: np.ndarray) -> int:
    """The place after the point of the last of these digits; below 0 it is before the point."""
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size or bool((finite == np.floor(finite)).all()):
        return 0
    largest, spread = float(np.abs(finite).max()), float(np.ptp(finite))
    return 1 - math.floor(math.log10(spread if spread > EQUAL * largest else largest))


def squares_format(values: np.ndarray) -> str:
    """The format of ``short_format`` for small cells: a decimal less; where there are more than two, no 0 before the point."""
    form, decimals = short_format(values), max(2, digits(values))
    if "E" in form or (decimals > MOST_IN_A_SQUARE and float(np.abs(values[np.isfinite(values)]).max()) < 0.1):
        return "0.0E+00"
    if form == "0.0":
        return form
    return "0.00" if decimals == 2 else "." + "0" * decimals


def characters(values: np.ndarray) -> float:
    """How wide a column has to be for these numbers as they are shown; 0: as wide as usual."""
    if values.dtype.kind != "f" or not np.isfinite(values).all() or not values.size:
        return 0.0
    form, ends = short_format(values), (float(values.min()), float(values.max()))
    decimals = form.removesuffix("E+00").count("0") - 1
    texts = (f"{v:.{decimals}E}" if form.endswith("E+00") else f"{v:.{decimals}f}" for v in ends)
    return max(map(len, texts)) + 0.2
