"""Rows of plain cells, thousands at a time: NumPy looks at all tags of a piece at once, and no cell becomes a Python object.

Plain is how spreadsheet programs write numbers, formulas and texts: ``<c r="B6" s="3" t="s"><f>...</f><v>...</v></c>``, with or
without ``s``, ``t``, ``f``, ``v`` and white space between the tags; ``<is><t>...</t></is>`` in place of ``v`` is a text that stands in
its cell. Rows in which anything else stands are left to the XML parser.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

ROW, CELL, FORMULA, VALUE, NO_VALUE, CELL_END, FORMULA_END, VALUE_END, ROW_END, EMPTY_CELL, EMPTY_ROW = range(1, 12)
CODES = 12
LIBRE, INLINE, TEXT, SPACED, TEXT_END, INLINE_END = range(CODES, CODES + 6)  # spellings of a formula's and a value's tags
SPELLED = {ROW: b"<row", CELL: b"<c r", FORMULA: b"<f>", LIBRE: b"<f a", VALUE: b"<v>", NO_VALUE: b"<v/>", CELL_END: b"</c>"} | {
    FORMULA_END: b"</f>", VALUE_END: b"</v>", ROW_END: b"</ro",
    INLINE: b"<is>", TEXT: b"<t>", SPACED: b"<t x", TEXT_END: b"</t>", INLINE_END: b"</is",
}  # fmt: skip
IN_A_ROW = {CELL, EMPTY_CELL, ROW_END}
FOLLOWED = {
    CELL: {FORMULA, VALUE, NO_VALUE, CELL_END}, FORMULA: {FORMULA_END}, FORMULA_END: {VALUE, NO_VALUE, CELL_END}, VALUE: {VALUE_END},
    VALUE_END: {CELL_END}, NO_VALUE: {CELL_END}, CELL_END: IN_A_ROW, EMPTY_CELL: IN_A_ROW, ROW: IN_A_ROW,
    ROW_END: {ROW, EMPTY_ROW}, EMPTY_ROW: {ROW, EMPTY_ROW},
}  # fmt: skip
ROW_TAG = re.compile(rb'<row(?: (?!r=)[\w:]+="[^"<&]*")* r="([1-9][0-9]{0,6})"(?: [\w:]+="[^"<&]*")* ?(/?)>')
TEXTS = re.compile(rb'<si><t(?: xml:space="preserve")?>([^<]*)</t></si>')
TEXTS_HEAD = re.compile(
    rb"""(?:<\?xml\ version="1\.0"(?:\ encoding="(?i:utf-8)")?(?:\ standalone="(?:yes|no)")?\s*\?>\s*)?
    <sst\ xmlns="http://schemas\.openxmlformats\.org/spreadsheetml/2006/main"(?:\ \w+="\d+")*>""",
    re.VERBOSE,
)
ROOM = b" " * 64  # after the last row, so that looking ahead ends nowhere
WIDEST, COLUMN = 24, 32  # letters of the longest number that a program writes; of it, blanks and a comma
COLUMNS = 1 << 14
ENTITIES = {b"&lt;": b"<", b"&gt;": b">", b"&quot;": b'"', b"&apos;": b"'", b"&amp;": b"&"}  # what begins others comes last


def word(text: bytes) -> np.uint64:
    """Up to eight letters as one number, as they stand in memory."""
    return np.uint64(int.from_bytes(text, "little"))


CODE, THIRD = np.zeros(1 << 16, np.uint8), np.zeros(CODES + 6, np.uint8)  # by the first two letters of a tag, by its code
for tag, letters in SPELLED.items():
    CODE[int.from_bytes(letters[1:3], "little")], THIRD[tag] = tag, letters[3] if len(letters) > 3 else 0
SHORT = np.isin(np.arange(256), list(b"nsbe"))  # the types of cells that are one letter
NEXT = bytes(tag * CODES + after for tag, followers in FOLLOWED.items() for after in followers)  # the pairs that may be
FIRST = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)  # the first so many letters of a word
HALF, SIX = FIRST[4], FIRST[6]
INSIDE = np.arange(COLUMN) < np.arange(WIDEST + 1)[:, None]
KEPT = np.where(INSIDE, 255, 0).astype(np.uint8).view(np.uint64)  # by the length of a number: its letters, and what follows them
FILLED = np.where(INSIDE, 0, np.frombuffer(b" " * (COLUMN - 1) + b",", np.uint8)).astype(np.uint8).view(np.uint64)


class NotPlain(Exception):
    """Something else than plain cells stands there."""


def require(plain: Any) -> None:
    """Go on where it holds of all."""
    if not np.all(plain):
        raise NotPlain


@dataclass
class PlainCells:
    """Cells of some rows, in their order: addresses, numbers (NaN where there is none), types, styles (-1: none), which are computed.

    A number of type ``s`` is the index of a shared text; ``texts`` are what stands in cells of other types, by position.
    """

    at: np.ndarray
    numbers: np.ndarray
    kinds: np.ndarray
    styles: np.ndarray
    computed: np.ndarray
    texts: dict[int, str]
    formulas: list[str]
    last: int


def plain_cells(rows: bytes, formulas: bool = False) -> PlainCells | None:
    """The cells of whole rows, with the texts of ``formulas`` if asked for; ``None`` where not all of them are plain."""
    try:
        return Piece(rows).cells(formulas)
    except (NotPlain, ValueError):  # a number that is none; letters that are not UTF-8
        return None


class Piece:
    """Whole rows as bytes: where each tag begins, and which one it is."""

    def __init__(self, rows: bytes) -> None:
        require(b"\r" not in rows)
        self.rows = rows + ROOM
        self.letters = np.frombuffer(self.rows, np.uint8)
        self.words = np.ndarray(len(rows) + 32, "<u8", self.rows, strides=(1,))  # eight letters, from each on
        self.at = np.flatnonzero(self.letters == ord("<"))
        first, second = (self.letters.take(self.at + k) for k in (1, 2))
        self.code = CODE.take(first | second.astype(np.uint16) << 8)
        third = THIRD.take(self.code)
        require((third == 0) | (third == self.letters[self.at + 3]))
        self.inline = self.join_inline(np.flatnonzero(self.code == INLINE))
        self.row_at = np.flatnonzero(self.code == ROW)
        self.row_tags = [ROW_TAG.match(self.rows, at) for at in self.at[self.row_at].tolist()]
        require([bool(self.row_tags), *map(bool, self.row_tags)])
        self.code[self.row_at] = [EMPTY_ROW if tag and tag[2] else ROW for tag in self.row_tags]
        require(self.words[self.at[self.code == ROW_END]] & SIX == word(b"</row>"))
        self.libre = self.at[libre := self.code == LIBRE]
        require(self.words[self.libre + 2] == word(b' aca="fa'))
        require(self.words[self.libre + 7] == word(b'"false">'))
        self.code[libre] = FORMULA
        require(self.code.max() < CODES)

    def join_inline(self, which: np.ndarray) -> bool:
        """Take ``<is><t>`` and ``</t></is>`` as the two tags of a value; whether there are any."""
        if not len(which):
            return False
        require(which[-1] + 3 < len(self.at))
        opening, text, text_end, end = (self.at[which + k] for k in range(4))
        spaced = self.code[which + 1] == SPACED
        require((self.code[which + 1] == TEXT) | spaced & (self.words[text + 8] == word(b'pace="pr')))
        require(~spaced | (self.words[text + 3] == word(b"xml:spac")) & (self.words[text + 16] == word(b'eserve">')))
        require((self.code[which + 2] == TEXT_END) & (self.code[which + 3] == INLINE_END) & (self.letters[end + 4] == ord(">")))
        require((text == opening + 4) & (end == text_end + 4))
        self.code[which], self.code[which + 2] = VALUE, VALUE_END
        kept = np.ones(len(self.at), bool)
        kept[which + 1] = kept[which + 3] = False
        self.at, self.code = self.at[kept], self.code[kept]
        return True

    def cells(self, formulas: bool) -> PlainCells:
        """All that the rows hold."""
        which = np.flatnonzero(self.code == CELL)
        at, end = self.addresses(which)
        styles, end = self.styles(end)
        kinds, end = self.kinds(end)
        letters = self.letters[end]
        empty = (letters == ord("/")) & (self.letters[end + 1] == ord(">"))
        require(empty | (letters == ord(">")))
        self.code[which[empty]] = EMPTY_CELL
        require(not (self.code[:-1] * np.uint8(CODES) + self.code[1:]).tobytes().translate(None, NEXT))
        require([self.code[0] in (ROW, EMPTY_ROW), self.code[-1] in (ROW_END, EMPTY_ROW)])
        computed = self.code[which + 1] == FORMULA
        valued = np.where(computed, self.code[np.minimum(which + 3, len(self.code) - 1)], self.code[which + 1]) == VALUE
        values = np.flatnonzero(self.code == VALUE)
        start, stop, holds = self.at[values] + 3, self.at[values + 1], kinds[valued]
        if self.inline or ord("i") in holds:
            inline = self.letters[start - 2] == ord("i")
            require(inline == (holds == ord("i")))
            start += 4 * inline + 21 * (inline & (self.letters[start + 3] == ord(" ")))
        numeric = (holds == ord("n")) | (holds == ord("s"))
        numbers, owner, texts = np.full(len(at), np.nan), np.flatnonzero(valued), {}
        if not numeric.all():
            other = zip(*(part[~numeric].tolist() for part in (owner, start, stop)), strict=True)
            texts = {cell: self.text(*span) for cell, *span in other}
            owner, start, stop = owner[numeric], start[numeric], stop[numeric]
        numbers[owner] = self.numbers(start, stop)
        last = int(self.row_tags[-1][1])  # type: ignore[index]  # all have been found
        return PlainCells(at, numbers, kinds, styles, computed, texts, self.formulas() if formulas else [], last)

    def addresses(self, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The address of each cell, and where what follows it begins. Its row has to be that of the ``<row>`` it stands in."""
        require(self.words[self.at[which]] & SIX == word(b'<c r="'))
        end = self.at[which] + 6
        column, there = np.zeros(len(end), np.int32), np.ones(len(end), bool)
        for _ in range(3):
            letter = self.letters.take(end)
            there = there & (letter >= ord("A")) & (letter <= ord("Z"))
            column = np.where(there, column * 26 + letter - 64, column)
            end += there
            if not there.any():
                break
        require((column > 0) & (column <= COLUMNS))
        names = [tag[1] + b'"' if tag else b"" for tag in self.row_tags]
        cells = np.diff(np.searchsorted(which, self.row_at), append=len(which))
        length = np.array([len(name) for name in names])
        digits = np.array(names, "S8").view("<u8")
        require(self.words[end] & np.repeat(FIRST[length], cells) == np.repeat(digits, cells))
        first = np.array([int(name[:-1]) * COLUMNS - COLUMNS - 1 for name in names], np.int64)
        return np.repeat(first, cells) + column, end + np.repeat(length, cells)

    def styles(self, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The style of each cell, -1 where it has none, and where what follows it begins."""
        has = self.words[end] & HALF == word(b' s="')
        style, end = np.where(has, 0, -1), end + 4 * has
        digits = has
        for _ in range(6):
            digit = self.letters[end] - np.uint8(ord("0"))  # below 0 it begins again at 255
            digits = digits & (digit < 10)
            if not digits.any():
                break
            style, end = np.where(digits, style * 10 + digit, style), end + digits
        require(~has | (self.letters[end] == ord('"')))
        return style, end + has

    def kinds(self, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first letter of each cell's type (``t`` of ``str``, ``n`` where none is given), and where what follows it begins."""
        has = self.words[end] & HALF == word(b' t="')
        if not has.any():
            return np.full(len(end), ord("n"), np.uint8), end
        kind = np.where(has, self.letters[end + 4], ord("n")).astype(np.uint8)
        texts = has & (self.words[end + 4] & HALF == word(b'str"'))
        kind[texts] = ord("t")
        inline = has & (kind == ord("i"))
        if inline.any():
            require(~inline | (self.words[end + 4] == word(b"inlineSt")) & (self.words[end + 12] & FIRST[2] == word(b'r"')))
        require(~has | texts | inline | (self.letters[end + 5] == ord('"')) & SHORT.take(kind))
        return kind, end + 6 * has + 2 * texts + 8 * inline

    def numbers(self, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        """The numbers that stand there, each the same as ``float`` of its text: the letters in columns of equal width, parsed as JSON."""
        length = stop - start
        if not len(length):
            return np.array([])
        require(length.max() <= WIDEST)
        columns = np.ndarray(len(self.rows) - COLUMN, f"V{COLUMN}", self.rows, strides=(1,))[start].view(np.uint64).reshape(-1, COLUMN // 8)
        columns &= KEPT.take(length, 0)
        columns |= FILLED.take(length, 0)
        text = columns.tobytes()[:-1]
        require([columns.view(np.uint8).max() <= ord("e"), b'"' not in text, b"[" not in text])  # no true, null, "1"
        found: list[float] = []
        with contextlib.suppress(orjson.JSONDecodeError):  # 1., .5, 007, 1e999
            found = orjson.loads(b"[%b]" % text)
        numbers = np.fromiter(found or map(float, text.split(b",")), np.float64)
        first = columns[:, 0] & FIRST[1]
        require([len(numbers) == len(start), first.min() > ord(" "), not np.isnan(numbers).any()])
        numbers[(first == ord("-")) & (numbers == 0)] = -0.0  # a zero of JSON has no sign
        return numbers

    def text(self, start: int, stop: int) -> str:
        """The text that stands there."""
        return text_of(self.rows[start:stop])

    def formulas(self) -> list[str]:
        """The text of each formula, in order, in XML's spelling."""
        which = np.flatnonzero(self.code == FORMULA)
        start = self.at[which] + 3
        start[np.isin(self.at[which], self.libre)] += 12
        return [self.text(begin, stop) for begin, stop in zip(start.tolist(), self.at[which + 1].tolist(), strict=True)]


def text_of(letters: bytes) -> str:
    """XML's spelling of a text as the text."""
    if b"&" in letters:
        require(letters.count(b"&") == sum(map(letters.count, ENTITIES)))
        for entity, letter in ENTITIES.items():
            letters = letters.replace(entity, letter)
    return letters.decode()


def plain_texts(table: bytes) -> list[str] | None:
    """A table of shared texts; ``None`` where anything but plain texts stands in it, such as runs of several fonts."""
    head, *texts = TEXTS.split(table)
    try:
        require([TEXTS_HEAD.fullmatch(head), b"\r" not in table, not any(texts[1:-1:2]), texts[-1:] == [b"</sst>"]])
        return [text_of(text) for text in texts[::2]]
    except (NotPlain, ValueError):
        return None
