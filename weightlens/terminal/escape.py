"""Text from a file made harmless: it may hold escape sequences, line breaks, or marks that turn the writing direction."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

LONGEST = 100
HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format (bidirectional marks), surrogate, private, unassigned, separators


def clean(text: object, longest: int = LONGEST) -> str:
    """The text as one line with invisible characters escaped (``\\x1b``), its middle left out if too long."""
    line = str(text)
    if len(line) > 2 * longest:
        line = line[:longest] + line[-longest:]
    line = written_out(line)
    if len(line) > longest:
        head = longest * 2 // 3
        line = f"{line[:head]}...{line[head + 3 - longest :]}"
    return line


def width_of(text: str) -> int:
    """How many places of a terminal a text takes: two for each Chinese, Japanese or Korean letter, none for a mark on a letter."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.category(c) in ("Mn", "Me") else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def to_right(text: str, width: int) -> str:
    """A text padded at the left to a width."""
    return " " * (width - width_of(text)) + text


def written_out(text: str, escape: Callable[[str], str] | None = None) -> str:
    """The whole text with invisible characters escaped."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in HARMFUL else (escape or escaped)(c) for c in text)


def escaped(character: str) -> str:
    """A character as Python writes it: ``\\x1b``, ``\\u202e``."""
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
