"""Text as a spreadsheet's XML holds it, and the workbook's table of texts."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
MOST_TEXTS = 1 << 17  # different texts in the table, so that memory stays flat
LONGEST = 32_767  # UTF-16 units in a cell
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
CODE = re.compile(r"_x(?=[0-9A-Fa-f]{4}_)")  # the beginning of what a spreadsheet reads as one character


def printable(text: str) -> str:
    """Text without control characters, which XML does not allow, not even escaped."""
    return FORBIDDEN.sub("\ufffd", text.encode("utf-8", "replace").decode("utf-8"))


def escape(text: str) -> str:
    """Text for XML: no markup, no control characters."""
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def literal(text: str) -> str:
    """Text that stays as it is: a spreadsheet reads ``_x0041_`` as the letter A, and ``_x005F_x0041_`` as ``_x0041_``."""
    return CODE.sub("_x005F_x", text) if "_x" in text else text


def element(text: str) -> str:
    """A text as XML, its spaces kept, as long as a cell takes."""
    if len(text) > LONGEST // 2:
        text = text.encode("utf-16-le", "replace")[: 2 * LONGEST].decode("utf-16-le", "ignore")
    return f'<t xml:space="preserve">{escape(literal(text))}</t>'


class Strings:
    """The workbook's table of texts: each is written once, and cells hold its number. Beyond ``MOST_TEXTS`` they hold the text itself."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def cell(self, head: str, text: str) -> str:
        """The cell that shows a text; ``head`` is its opening tag without the end."""
        if len(self.numbers) >= MOST_TEXTS and text not in self.numbers:
            return f'{head} t="inlineStr"><is>{element(text)}</is></c>'
        return f'{head} t="s"><v>{self.numbers.setdefault(text, len(self.numbers))}</v></c>'

    def xml(self) -> Iterator[str]:
        """The table as a part of the package, in pieces."""
        yield f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<sst xmlns="{MAIN}" uniqueCount="{len(self.numbers)}">'
        yield from (f"<si>{element(text)}</si>" for text in self.numbers)
        yield "</sst>"
