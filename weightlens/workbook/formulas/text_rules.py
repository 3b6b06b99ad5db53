"""Formulas on texts: small letters, punctuation, words. ``SUBSTITUTE`` tells small letters from capitals in every spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from weightlens.recording import Recorded
from weightlens.recording.texts import BLANKS, CAPITALS, PUNCTUATION
from weightlens.workbook.formulas.cell_arrays import Expression, Unwritable, combine

if TYPE_CHECKING:
    from weightlens.workbook.formulas.translate import Formulas

LONGEST = 32_767  # characters in a cell, also on the way to a result


def quoted(character: str) -> str:
    """A character inside a formula."""
    return f"CHAR({ord(character)})" if character < " " or character == "\\" else '""""' if character == '"' else f'"{character}"'


def replaced(x: Recorded, formulas: Formulas, pairs: Iterable[tuple[str, str]]) -> Expression:
    """``SUBSTITUTE(SUBSTITUTE(text, a, b), c, d)``."""
    pairs = list(pairs)
    ends = [f",{quoted(old)},{quoted(new) if new else chr(34) * 2})" for old, new in pairs]
    return combine(["SUBSTITUTE(" * len(pairs), formulas.expression(x.args[0]), *ends], x.shape)


def lowered(x: Recorded, formulas: Formulas) -> Expression:
    """``LOWER`` would also lower letters that TensorFlow leaves alone."""
    return replaced(x, formulas, ((chr(old), chr(new)) for old, new in CAPITALS.items()))


def without_marks(x: Recorded, formulas: Formulas) -> Expression:
    """Each mark replaced by nothing."""
    return replaced(x, formulas, ((mark, "") for mark in PUNCTUATION))


def spaced(x: Recorded, formulas: Formulas) -> Expression:
    """Tabs and line ends as spaces; ``TRIM`` leaves one space between words."""
    return combine(["TRIM(", replaced(x, formulas, ((blank, " ") for blank in BLANKS)), ")"], x.shape)


def word_at(x: Recorded, formulas: Formulas) -> Expression:
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


TEXT_RULES = {"lowered": lowered, "without_marks": without_marks, "spaced": spaced, "word_at": word_at}
