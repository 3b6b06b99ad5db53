"""What weightlens prints: plain aligned lines, coloured on a terminal that wants it.

Lines are formatted here rather than by a layout library: a matrix of a million numbers is printed row by row, and
a short listing imports little.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import TextIO

from weightlens.terminal.escape import clean, to_right, width_of

__all__ = ["Screen", "clean"]

SIMPLER = str.maketrans({"·": "-", "…": "~", "→": ">", "█": "#"} | dict(zip("▁▂▃▄▅▆▇", ".:-=+*%", strict=True)))
BLUES = (153, 117, 75, 33)  # of the 256 colours, light to strong
ORANGES = (223, 216, 215, 208)
NARROWEST = 10  # letters to which a column may be cut
GAP = "  "  # between columns
QUIET = ContextVar("QUIET", default=False)  # --quiet: no notes, no progress, no word of what was written


class Screen:
    """An output stream with a width, with or without colours."""

    def __init__(self, file: TextIO | None = None, width: int | None = None, colour: bool | None = None) -> None:
        self.file = file if file is not None else sys.stdout
        terminal = self.file.isatty()
        self.width = width or max(40, shutil.get_terminal_size((80, 24)).columns)
        self.colour = colour if colour is not None else wants_colour(terminal)
        self.terminal = terminal
        self.unicode = (getattr(self.file, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")

    def line(self, text: str = "") -> None:
        """Print one line."""
        text = text.rstrip()
        if not self.unicode:
            encoding = self.file.encoding or "ascii"
            text = text.translate(SIMPLER).encode(encoding, "backslashreplace").decode(encoding)
        self.file.write(text + "\n")

    def lines(self, texts: Iterable[str]) -> None:
        """Print several lines."""
        for text in texts:
            self.line(text)

    def wrapped(self, text: str, indent: str = "") -> list[str]:
        """A sentence wrapped to the screen's width."""
        return wrapped(text, self.width, indent)

    def table(
        self, rows: Sequence[Sequence[str]], right: Collection[int] = (), bad: Collection[int] = (), spare: Sequence[int] = ()
    ) -> Iterator[str]:
        """The lines of a table under a heading; the last cell of the rows in ``bad`` is in the style of what differs.

        Columns with nothing in them are left out; those in ``spare`` one after the other, rather than that names are cut.
        """
        kept = [i for i in range(len(rows[0])) if len(rows) == 1 or any(row[i] for row in rows[1:])]
        for column in spare:
            if column in kept and sum(widths_of([[row[i] for i in kept] for row in rows])) - len(GAP) > self.width:
                kept.remove(column)
        picked = [[row[i] for i in kept] for row in rows]
        for number, cells in enumerate(aligned(picked, [kept.index(i) for i in right if i in kept], self.width)):
            if number in bad:
                cells[-1] = self.bad(cells[-1].rstrip())
            line = GAP.join(cells).rstrip()
            yield line if number else self.dim(line)

    def styled(self, text: str, code: str) -> str:
        """The text in a style (an SGR code), if styles are on."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text

    def bold(self, text: str) -> str:
        """The text in the style of headings."""
        return self.styled(text, "1")

    def dim(self, text: str) -> str:
        """The text in the style of secondary facts."""
        return self.styled(text, "2")

    def good(self, text: str) -> str:
        """The text in the style of what is right."""
        return self.styled(text, "32")

    def bad(self, text: str) -> str:
        """The text in the style of what differs."""
        return self.styled(text, "1;31")

    def heat(self, text: str, value: float, largest: float) -> str:
        """A number on orange (negative) or blue (positive), as on a sheet, stronger for larger numbers; near 0 without colour."""
        if not self.colour or not largest or value != value:
            return text
        level = int(min(abs(value) / largest, 1.0) * 4.999)
        return text if level == 0 else self.styled(text, f"38;5;16;48;5;{(ORANGES if value < 0 else BLUES)[level - 1]}")


def wants_colour(terminal: bool) -> bool:
    """Whether output to a terminal, or to something else, is coloured: ``NO_COLOR`` forbids it, ``FORCE_COLOR`` asks for it."""
    if os.environ.get("NO_COLOR"):
        return False
    if forced := os.environ.get("FORCE_COLOR"):
        return forced.lower() not in ("0", "false")
    return terminal and os.environ.get("TERM") != "dumb"


def widths_of(rows: Sequence[Sequence[str]]) -> list[int]:
    """How wide each column of a table of these cells is, with the gap after it."""
    return [max(map(width_of, cells)) + len(GAP) for cells in zip(*rows, strict=True)]


def aligned(rows: Sequence[Sequence[str]], right: Collection[int], width: int) -> list[list[str]]:
    """Rows of cells padded to columns, together at most ``width`` wide; columns in ``right`` are right-aligned and never shortened."""
    widths = widths_of(rows)
    while sum(widths) - len(GAP) > width:
        widest = max((i for i in range(len(widths)) if i not in right), key=lambda i: widths[i], default=None)
        if widest is None or widths[widest] <= NARROWEST + len(GAP):
            break
        widths[widest] -= 1
    return [[fitted(cell, w - len(GAP), i in right) for i, (cell, w) in enumerate(zip(row, widths, strict=True))] for row in rows]


def fitted(cell: str, width: int, right: bool) -> str:
    """A cell padded or shortened to its column's width; what is shortened keeps its end, which tells one name from the next."""
    if right:
        return to_right(cell, width)
    if width_of(cell) <= width:
        return cell + " " * (width - width_of(cell))
    first, last = math.ceil((width - 1) / 2), (width - 1) // 2
    while width_of(cell[:first]) + width_of(cell[len(cell) - last :]) >= width:  # wide letters take two places
        first, last = (first - 1, last) if first > last else (first, last - 1)
    short = f"{cell[:first]}…{cell[len(cell) - last :]}"
    return short + " " * (width - width_of(short))


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """A sentence in lines of at most ``width``; lines after the first are indented by two more spaces."""
    lines = [indent]
    for word in text.split():
        if len(lines[-1]) + len(word) + 1 > width and lines[-1].strip():
            lines.append(indent + "  ")
        lines[-1] += (" " if lines[-1].strip() else "") + word
    return lines
