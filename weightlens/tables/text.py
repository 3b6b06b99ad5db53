"""Tables in text files: the encoding, the separator, and the rows of cells (or a matrix if all are plain numbers)."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

import numpy as np

from weightlens.errors import BadInput
from weightlens.tables.cells import is_number
from weightlens.tables.table import Block, Row, Table

SAMPLE = 20  # lines that tell the separator
STATED = re.compile(r'\s*"?sep=(.)"?\s*', re.IGNORECASE)  # a first line that tells Excel the separator
QUOTED = re.compile(r'"[^"]*"')
COMMENT = ["#"]  # the cells of a comment
NO_TABLE = "is not a text file of rows and columns"


def decode_windows_byte(error: UnicodeError) -> tuple[str, int]:
    """A byte that is not valid UTF-8, decoded as Windows-1252, which spreadsheets also write."""
    try:
        if isinstance(error, UnicodeDecodeError) and error.encoding == "utf-8":
            return error.object[error.start : error.end].decode("cp1252"), error.end
    except UnicodeDecodeError:
        pass
    raise BadInput(f"a file that should hold a table {NO_TABLE}")


codecs.register_error("weightlens.windows", decode_windows_byte)


def decode_lines(stream: io.BufferedReader, name: str) -> Iterable[str]:
    """The lines of a byte stream: UTF-8 or UTF-16, with or without a byte order mark, or Windows-1252."""
    head = stream.peek(1024)[:1024]
    encoding = "utf-16" if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in head:
        first, second = (head[start::2].count(0) * 3 > len(head) for start in (0, 1))
        if first == second:
            raise BadInput(f"{name}: {NO_TABLE}")
        encoding = "utf-16-be" if first else "utf-16-le"
    return lines_of(io.TextIOWrapper(stream, encoding, errors="weightlens.windows", newline=""))


def lines_of(text: io.TextIOWrapper) -> Iterator[str]:
    """The lines of an open file, which is closed after the last, or when nobody asks for more."""
    with text:
        yield from text


class TextTable(Table):
    """The lines of a text file, split into cells. ``loose``: lines that begin with ``#`` are skipped."""

    def __init__(self, name: str, lines: Iterable[str], loose: bool = False, number: Callable[[str], object] = is_number) -> None:
        self.lines, self.loose, self.at = iter(lines), loose, 0
        separator = ""
        sample: list[str] = []
        for line in self.lines:
            if not sample and self.is_blank(line):
                self.at += 1
            elif not sample and not self.at and (stated := STATED.fullmatch(line)):
                separator, self.at = stated[1], 1
            elif len(sample := [*sample, line]) == SAMPLE:
                break
        self.separator = separator or separator_of([line for line in sample if not self.is_blank(line)], loose, number)
        if self.separator == " ":
            sample[:1] = [without_comment_sign(line) for line in sample[:1]]
        self.name, self.lines = name, chain(sample, self.lines)
        self.head: list[str] = []  # the lines of the first row
        super().__init__(name, self.first_row(), separator=self.separator, loose=loose)

    def is_blank(self, line: str) -> bool:
        """Whether a line holds no cells."""
        return not line.strip() or (self.loose and line.lstrip().startswith("#"))

    def first_row(self) -> Iterator[Row]:
        """The first row that is not empty."""
        read = 1
        while read:
            rows, read = self.cut(self.remembered(), 1, self.at)
            if rows and any(rows[0][1]):
                yield rows[0]
                return
            self.at, self.head = self.at + read, []

    def remembered(self) -> Iterator[str]:
        """The lines, buffered until it is known whether the first holds titles."""
        for line in self.lines:
            self.head.append(line)
            yield line

    def blocks(self, size: int | None, plain: bool = True) -> Iterator[Block]:
        """The rows below the titles, about ``size`` lines at a time."""
        lines, at = (self.lines, self.at + len(self.head)) if self.titles else (chain(self.head, self.lines), self.at)
        while chunk := list(islice(lines, size)):
            matrix = self.matrix(chunk) if plain else None
            rows, read = ([], len(chunk)) if matrix is not None else self.cut(chain(chunk, lines), len(chunk), at)
            at += read
            if rows or matrix is not None:
                yield Block(self.checked(rows), matrix)

    def matrix(self, lines: list[str]) -> np.ndarray | None:
        """Lines of plain numbers as a matrix; ``None`` if any cell is not one."""
        if self.decimal == ",":
            return None
        with contextlib.suppress(ValueError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lines without any cell
            split = None if self.separator == " " else self.separator
            numbers = np.loadtxt(lines, delimiter=split, comments=None, ndmin=2)  # with quotes it would take "1"2 for 12
            if numbers.size and numbers.shape[1] == self.width and np.isfinite(numbers).all():
                if self.separator != "," and any("." in line for line in lines):
                    self.decimal = "."
                return numbers
        return None

    def cut(self, lines: Iterator[str], most: int, at: int) -> tuple[list[Row], int]:
        """Numbered rows of cells, and how many lines were read: ``most``, plus those of a quoted cell that continues."""
        rows: list[Row] = []
        reader, read = self.reader(lines), 0
        while read < most:
            try:
                line, cells = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                raise BadInput(f"{self.name}: line {at + read + 1} cannot be split into cells: {csv_error_words(error)}") from None
            if any(cells) if not self.loose else cells != COMMENT:
                rows.append((at + read + 1, cells))
            read = line
        return rows, read

    def reader(self, lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
        """The cells of each row, with the number of lines read so far."""
        if self.loose:
            lines = (COMMENT[0] + "\n" if line.lstrip().startswith("#") else line for line in lines)
        if self.separator == " ":
            yield from enumerate(map(str.split, lines), 1)
            return
        reader = csv.reader(lines, delimiter=self.separator, skipinitialspace=True, strict=True)
        for row in reader:
            yield reader.line_num, [cell.strip() for cell in row]


def separator_of(lines: list[str], loose: bool = False, number: Callable[[str], object] = is_number) -> str:
    """The separator: a tab, semicolon or bar if it is in most lines, else a comma; else spaces between numbers.

    ``loose``: also spaces between several words and, at the end of a line, a number.
    """
    bare = [QUOTED.sub("", line) for line in lines]
    for mark in "\t;|":
        if sum(mark in line for line in bare) * 2 > len(bare) and (mark in bare[0] or "," not in bare[0]):
            return mark
    words = lines[-1].split() if lines else []
    named = loose and len(words) > 2 and not any(word.endswith(",") for word in words)
    if len(words) > 1 and all(map(number, words[-1:] if named else words)) and len(without_comment_sign(lines[0]).split()) == len(words):
        return " "
    return max(",;\t|", key=bare[0].count) if bare else ","


def without_comment_sign(line: str) -> str:
    """A line without the ``#`` that NumPy writes before titles."""
    return line.lstrip().removeprefix("#")


def csv_error_words(error: csv.Error) -> str:
    """An error of Python's csv reader in plain words."""
    words = str(error)
    if "field larger" in words:
        return f"a cell holds more than {csv.field_size_limit():,} letters"
    return "a quotation mark is not closed" if "unexpected end" in words else words
