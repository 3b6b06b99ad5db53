"""The grid: millions of cells as sheet XML, streamed row by row, with formulas, cached values and exact numbers.

No spreadsheet library writes a formula together with its value in reasonable time (and without the value every
previewer shows an empty sheet), nor all 17 digits. So the rows are ours; everything small is openpyxl's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import orjson

from weightlens.workbook.formulas.cell_arrays import COLUMN
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.printer import Printer
from weightlens.workbook.xlsx.strings import Strings, escape, literal

CHUNK = 1 << 14  # cells that are made into text at once


def numbers(values: np.ndarray) -> list[str]:
    """Every number with the digits it needs to be read back exactly; NaN and infinity as words."""
    flat = np.ascontiguousarray(values, dtype=np.float64).reshape(-1)
    texts = orjson.dumps(flat, option=orjson.OPT_SERIALIZE_NUMPY).decode()[1:-1].split(",") if flat.size else []
    for i in np.flatnonzero(~np.isfinite(flat)).tolist():
        texts[i] = "not a number" if flat[i] != flat[i] else "infinite" if flat[i] > 0 else "minus infinite"
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
        cells = chunk(block, part, names, table[start : start + height], printer, start, strings)
        width = len(names)
        yield part, ["".join(cells[i * width : (i + 1) * width]) for i in range(len(part))]


def chunk(
    block: Block, rows: np.ndarray, names: list[str], table: np.ndarray, printer: Printer | None, start: int, strings: Strings
) -> list[str]:
    """Some table rows of a block as XML cells; ``start`` is the first of them, ``rows`` where they stand on the sheet."""
    places = [name + row for row in map(str, (rows + 1).tolist()) for name in names]
    if block.values is None:  # to be filled in
        return [f'<c r="{place}" s="{block.style}"/>' for place in places]
    if table.dtype.kind == "U":
        texts = table.reshape(-1).tolist()
        if printer is None:
            return [Text(text, block.style).xml(place, strings) for place, text in zip(places, texts, strict=True)]
        before = f'<c r="%s" s="{block.style}" t="str"><f>'
        return printer.chunk(places, [escape(literal(text)) for text in texts], start, start + len(rows), before, "</f><v>%s</v></c>")
    values = numbers(table)
    words = [] if np.isfinite(table).all() else np.flatnonzero(~np.isfinite(table.reshape(-1))).tolist()
    if printer is None:
        pattern = f'<c r="%s" s="{block.style}"><v>%s</v></c>'
        cells = [pattern % pair for pair in zip(places, values, strict=True)]
        for i in words:
            cells[i] = strings.cell(f'<c r="{places[i]}" s="{block.style}"', values[i])
        return cells
    cells = printer.chunk(places, values, start, start + len(rows), f'<c r="%s" s="{block.style}"><f>', "</f><v>%s</v></c>")
    for i in words:
        cells[i] = cells[i].replace(f' s="{block.style}">', f' s="{block.style}" t="str">', 1)
    return cells


def rows_of(sheet: Sheet, titles: Sequence[str], strings: Strings) -> Iterator[str]:
    """All rows of one sheet as XML, in order, from blocks that may stand side by side."""
    single: dict[int, list[tuple[int, str]]] = {}
    for (row, column), text in sheet.texts.items():
        single.setdefault(row, []).append((column, text.xml(f"{COLUMN[column]}{row + 1}", strings)))
    waiting = sorted(
        (block for block in sheet.blocks if block.arrangement.height and block.arrangement.width), key=lambda block: block.row, reverse=True
    )
    streams: list[_Stream] = []
    loose = sorted(set(single) | set(sheet.heights), reverse=True)
    while waiting or streams or loose:
        row = min([*(s.row for s in streams), *([waiting[-1].row] if waiting else []), *(loose[-1:])])
        while waiting and waiting[-1].row <= row:
            streams.append(_Stream(waiting.pop(), titles, strings))
        parts = single.pop(row, [])  # or every row would be kept
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
        yield f'<row r="{row + 1}"{height}>' + "".join(text for _, text in parts) + "</row>"


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
