"""The grid: millions of cells as sheet XML, streamed row by row, with formulas, cached values and exact numbers.

No spreadsheet library writes a formula together with its value in reasonable time (and without the value every
previewer shows an empty sheet), nor all 17 digits. So the rows are ours; everything small is openpyxl's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import orjson

from weightlens.workbook.formulas.cell_arrays import COLUMN, NO_NUMBER
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.printer import Printer
from weightlens.workbook.xlsx.strings import Strings, escape, literal

CHUNK = 1 << 14  # cells that are made into text at once
NAN, INFINITE, MINUS_INFINITE = NO_NUMBER


def numbers(values: np.ndarray) -> list[str]:
    """Every number with the digits it needs to be read back exactly; NaN and infinity as words."""
    flat = np.ascontiguousarray(values, dtype=np.float64).reshape(-1)
    texts = orjson.dumps(flat, option=orjson.OPT_SERIALIZE_NUMPY).decode()[1:-1].split(",") if flat.size else []
    for i in np.flatnonzero(~np.isfinite(flat)).tolist():
        texts[i] = NAN if flat[i] != flat[i] else INFINITE if flat[i] > 0 else MINUS_INFINITE
    return texts


def block_rows(block: Block, titles: Sequence[str], strings: Strings) -> Iterator[tuple[np.ndarray, list[str]]]:
    """The cells of a block as XML, some table rows at a time: sheet rows, and the cells of each."""
    rows, columns = block.arrangement.rows + block.row, block.arrangement.columns + block.column
    is_text = block.values is not None and block.values.dtype.kind == "U"
    table = block.arrangement.table(np.asarray(block.values, None if is_text else np.float64))
    names = [COLUMN[c] for c in columns.tolist()]
    expression = None if block.make is None else block.make()
    printer = None if expression is None else Printer(expression, block, titles)
    height = max(1, CHUNK // max(1, len(names)))
    for start in range(0, len(rows), height):
        part = rows[start : start + height]
        if printer is None:
            yield part, plain_rows(block, part, names, table[start : start + height], strings)
        else:
            yield part, formula_rows(block, part, names, table[start : start + height], printer, start)


def plain_rows(block: Block, rows: np.ndarray, names: list[str], table: np.ndarray, strings: Strings) -> list[str]:
    """Some table rows of a block of values as XML cells; ``rows`` is where they stand on the sheet."""
    numerals, width = numerals_of(rows), len(names)
    head = f'" s="{block.style}"'
    if block.values is None:  # to be filled in
        return filled("".join(f'<c r="{name}%s{head}/>' for name in names), [numerals] * width)
    if table.dtype.kind == "U":
        places, texts = [name + row for row in numerals for name in names], table.reshape(-1).tolist()
        cells = [Text(text, block.style).xml(place, strings) for place, text in zip(places, texts, strict=True)]
        return ["".join(cells[i : i + width]) for i in range(0, len(cells), width)]
    values, words = numbers(table), not_finite(table)
    heads = {i: f'<c r="{names[i % width]}{numerals[i // width]}{head}' for i in words}
    in_words = {i: strings.cell(heads[i], values[i]) for i in words}
    if block.is_operand:  # in words until a program computes the formula, and every formula that reads it, to an error
        in_words = {i: f'{heads[i]} t="str"><f>{NO_NUMBER[values[i]]}</f><v>{values[i]}</v></c>' for i in words}
    with_words = {i % width for i in words}
    form, lists = "", []
    for j, name in enumerate(names):
        cell, parts = f'<c r="{name}%s{head}><v>%s</v></c>', [numerals, values[j::width]]
        if j in with_words:
            cell, parts = "%s", [[in_words.get(i * width + j, text) for i, text in enumerate(filled(cell, parts))]]
        form += cell
        lists += parts
    return filled(form, lists)


def formula_rows(block: Block, rows: np.ndarray, names: list[str], table: np.ndarray, printer: Printer, start: int) -> list[str]:
    """Some table rows of a block of formulas as XML cells; ``start`` is the first of them in the table."""
    numerals, width, head = numerals_of(rows), len(names), f'" s="{block.style}"'
    is_text = table.dtype.kind == "U"
    values = [escape(literal(text)) for text in table.reshape(-1).tolist()] if is_text else numbers(table)
    kinds = dict.fromkeys(range(table.size) if is_text else not_finite(table), ' t="str"')
    texts = [""] * len(rows)
    for group in printer.groups(start, start + len(rows)):
        at = (group - start).tolist()
        places, form = pick(numerals, at), ""
        lists: list[list[str]] = []
        for j, (name, formula) in enumerate(zip(names, printer.columns(group), strict=True)):
            kind = [[kinds.get(i * width + j, "") for i in at]] if kinds else []
            form += f'<c r="{name}%s{head}{"%s" * len(kind)}><f>{formula.text}</f><v>%s</v></c>'
            lists += [places, *kind, *formula.lists, pick(values[j::width], at)]
        for i, text in zip(at, filled(form, lists), strict=True):
            texts[i] = text
    return texts


def filled(form: str, lists: list[list[str]]) -> list[str]:
    """A text for each entry of the lists, which fill the holes of the form."""
    return [form % parts for parts in zip(*lists, strict=True)]


def numerals_of(rows: np.ndarray) -> list[str]:
    """How rows are called in the names of cells."""
    return list(map(str, (rows + 1).tolist()))


def not_finite(table: np.ndarray) -> list[int]:
    """The elements, counted row by row, that are no finite numbers."""
    return [] if np.isfinite(table).all() else np.flatnonzero(~np.isfinite(table.reshape(-1))).tolist()


def pick(texts: list[str], at: list[int]) -> list[str]:
    """Some of the texts, in order."""
    return texts if len(at) == len(texts) else [texts[i] for i in at]


def rows_of(sheet: Sheet, titles: Sequence[str], strings: Strings) -> Iterator[str]:
    """All rows of one sheet as XML, in order, from blocks that may stand side by side."""
    single: dict[int, list[tuple[int, Text]]] = {}
    for (row, column), text in sheet.texts.items():
        single.setdefault(row, []).append((column, text))
    waiting = sorted(
        (block for block in sheet.blocks if block.arrangement.height and block.arrangement.width), key=lambda block: block.row, reverse=True
    )
    streams: list[_Stream] = []
    loose = sorted(set(single) | set(sheet.heights), reverse=True)
    while waiting or streams or loose:
        row = min([*(s.row for s in streams), *([waiting[-1].row] if waiting else []), *(loose[-1:])])
        while waiting and waiting[-1].row <= row:
            streams.append(_Stream(waiting.pop(), titles, strings))
        parts = [(column, text.xml(f"{COLUMN[column]}{row + 1}", strings)) for column, text in single.pop(row, [])]
        if loose and loose[-1] == row:
            loose.pop()
        for stream in streams:
            if stream.row == row:
                parts.append((stream.column, stream.text))
                stream.advance()
        streams = [stream for stream in streams if stream.row >= 0]
        if len(parts) > 1:
            parts.sort()
        height = f' ht="{sheet.heights[row]}" customHeight="1"' if row in sheet.heights else ""
        yield "".join([f'<row r="{row + 1}"{height}>', *(text for _, text in parts), "</row>"])


class _Stream:
    """A block being written: its next sheet row and that row's cells."""

    def __init__(self, block: Block, titles: Sequence[str], strings: Strings) -> None:
        self.column, self.chunks = block.column, block_rows(block, titles, strings)
        self.rows: list[int] = []
        self.texts: list[str] = []
        self.at = -1
        self.advance()

    def advance(self) -> None:
        self.at += 1
        if self.at >= len(self.rows):
            following = next(self.chunks, None)
            if following is None:
                self.row, self.text = -1, ""
                return
            self.rows, self.texts, self.at = following[0].tolist(), following[1], 0
        self.row, self.text = self.rows[self.at], self.texts[self.at]
