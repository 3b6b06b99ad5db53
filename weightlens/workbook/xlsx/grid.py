"""The grid: millions of cells as sheet XML, streamed row by row, with formulas, cached values and exact numbers.

No spreadsheet library writes a formula together with its value in reasonable time (and without the value every
previewer shows an empty sheet), nor all 17 digits. So the rows are ours; everything small is openpyxl's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import orjson

from weightlens.errors import WorkbookTooLarge
from weightlens.workbook.formulas.cell_arrays import COLUMN, MAX_COLUMNS, MAX_ROWS, ROW, Area, Cells, Expression, Piece, cell_name
from weightlens.workbook.layout.arrangement import Arrangement
from weightlens.workbook.xlsx.strings import Strings, escape, literal

CHUNK = 1 << 14  # cells that are made into text at once
MAX_FORMULA = 8192


def numbers(values: np.ndarray) -> list[str]:
    """Every number with the digits it needs to be read back exactly; NaN and infinity as words."""
    flat = np.ascontiguousarray(values, dtype=np.float64).reshape(-1)
    texts = orjson.dumps(flat, option=orjson.OPT_SERIALIZE_NUMPY).decode()[1:-1].split(",") if flat.size else []
    for i in np.flatnonzero(~np.isfinite(flat)).tolist():
        texts[i] = "not a number" if flat[i] != flat[i] else "infinite" if flat[i] > 0 else "minus infinite"
    return texts


@dataclass(eq=False)
class Block:
    """A rectangle of cells that holds one array: numbers, or the formulas that compute them.

    ``first`` is the address of the first cell; ``values`` what the cells show; ``make`` (called only while the
    block is written, so that formulas take memory one block at a time) how they are computed.
    """

    arrangement: Arrangement
    values: np.ndarray | None
    style: int = 0
    first: int = 0
    make: Callable[[], Expression | None] | None = None
    sheet_names: Sequence[str] = field(default_factory=list)
    flows: tuple[int, int] = (0, -1)  # rows of a table in which a reference moves along when a formula is dragged down

    @property
    def cells(self) -> Cells:
        """The address of every element."""
        return self.arrangement.cells(self.first)

    @property
    def row(self) -> int:
        return (self.first >> 14) & (MAX_ROWS - 1)

    @property
    def column(self) -> int:
        return self.first & (ROW - 1)

    @property
    def area(self) -> str:
        """The rectangle in absolute terms: ``$B$7:$C$10``."""
        return rectangle(self.first, self.first + (self.arrangement.height - 1) * ROW + self.arrangement.width - 1)

    def check(self) -> None:
        """Refuse what no sheet can hold."""
        if self.row + self.arrangement.height > MAX_ROWS or self.column + self.arrangement.width > MAX_COLUMNS:
            raise WorkbookTooLarge(
                f"a block of {self.arrangement.height:,} rows and {self.arrangement.width:,} columns does not fit a sheet "
                f"({MAX_ROWS:,} x {MAX_COLUMNS:,}); try one sample, --layers A..B, or --detail weights"
            )

    def texts(self, strings: Strings) -> Iterator[tuple[np.ndarray, list[str]]]:
        """The cells of this block as XML, some table rows at a time: sheet rows, and the cells of each."""
        rows, columns = self.arrangement.rows + self.row, self.arrangement.columns + self.column
        is_text = self.values is not None and self.values.dtype.kind == "U"
        table = self.arrangement.table(np.asarray(self.values, None if is_text else np.float64))
        names = [COLUMN[c] for c in columns.tolist()]
        expression = None if self.make is None else self.make()
        printer = None if expression is None else Printer(expression, self)
        height = max(1, CHUNK // max(1, len(names)))
        for start in range(0, len(rows), height):
            part = rows[start : start + height]
            cells = self._chunk(part, names, table[start : start + height], printer, start, strings)
            width = len(names)
            yield part, ["".join(cells[i * width : (i + 1) * width]) for i in range(len(part))]

    def _chunk(
        self, rows: np.ndarray, names: list[str], table: np.ndarray, printer: Printer | None, start: int, strings: Strings
    ) -> list[str]:
        places = [name + row for row in map(str, (rows + 1).tolist()) for name in names]
        if self.values is None:  # to be filled in
            return [f'<c r="{place}" s="{self.style}"/>' for place in places]
        if table.dtype.kind == "U":
            texts = table.reshape(-1).tolist()
            if printer is None:
                return [Text(text, self.style).xml(place, strings) for place, text in zip(places, texts, strict=True)]
            before = f'<c r="%s" s="{self.style}" t="str"><f>'
            return printer.chunk(places, [escape(literal(text)) for text in texts], start, start + len(rows), before, "</f><v>%s</v></c>")
        values = numbers(table)
        words = [] if np.isfinite(table).all() else np.flatnonzero(~np.isfinite(table.reshape(-1))).tolist()
        if printer is None:
            pattern = f'<c r="%s" s="{self.style}"><v>%s</v></c>'
            cells = [pattern % pair for pair in zip(places, values, strict=True)]
            for i in words:
                cells[i] = strings.cell(f'<c r="{places[i]}" s="{self.style}"', values[i])
            return cells
        cells = printer.chunk(places, values, start, start + len(rows), f'<c r="%s" s="{self.style}"><f>', "</f><v>%s</v></c>")
        for i in words:
            cells[i] = cells[i].replace(f' s="{self.style}">', f' s="{self.style}" t="str">', 1)
        return cells


def runs(blocks: Sequence[Block]) -> list[str]:
    """The areas that blocks of the same columns take together, without the rows in between that belong to others."""
    rows = np.unique(np.concatenate([block.row + block.arrangement.rows for block in blocks]))
    edges = [0, *(np.flatnonzero(np.diff(rows) > 1) + 1).tolist(), len(rows)]
    left, width = blocks[0].column, blocks[0].arrangement.width
    return [rectangle(int(rows[i]) * ROW + left, int(rows[j - 1]) * ROW + left + width - 1) for i, j in pairwise(edges)]


def rectangle(first: int, last: int) -> str:
    """The area between two cells in absolute terms."""
    a, b = absolute(cell_name(first)), absolute(cell_name(last))
    return a if a == b else f"{a}:{b}"


def absolute(name: str) -> str:
    """``B7`` as ``$B$7``."""
    letters = name.rstrip("0123456789")
    return f"${letters}${name[len(letters) :]}"


class Printer:
    """Writes one block's formulas: each option of its expression becomes a text with holes for cell names."""

    def __init__(self, expression: Expression, block: Block) -> None:
        arrangement = block.arrangement
        self.choice = None if expression.choice is None else arrangement.table(expression.choice)
        self.sheet_names, self.home = block.sheet_names, block.first >> 34
        self.options = [
            [p if isinstance(p, str) else Area(arrangement.table(p.first), p.height, p.width) for p in option]
            for option in expression.options
        ]
        self.block = block

    def chunk(self, places: list[str], values: list[str], top: int, bottom: int, before: str, after: str) -> list[str]:
        """The cells of table rows ``top`` to ``bottom``."""
        if self.choice is None:
            holes, pattern = self.holes(self.options[0], slice(top, bottom), None)
            self.measure(pattern, holes)
            form = before + pattern + after
            return [form % parts for parts in zip(places, *holes, values, strict=True)]
        choice = self.choice[top:bottom].reshape(-1)
        cells = [""] * len(places)
        for option in np.unique(choice).tolist():
            at = np.flatnonzero(choice == option)
            holes, pattern = self.holes(self.options[option], slice(top, bottom), at)
            self.measure(pattern, holes)
            form = before + pattern + after
            for i, *parts in zip(at.tolist(), *holes, strict=True):
                cells[i] = form % (places[i], *parts, values[i])
        return cells

    def measure(self, pattern: str, holes: list[list[str]]) -> None:
        """Excel stops at 8,192 characters and no other program says so: check."""
        length = len(pattern) + sum(len(hole[0]) for hole in holes if hole)
        if length > MAX_FORMULA - 64:
            raise WorkbookTooLarge(
                f"a formula of {length:,} characters is longer than a spreadsheet takes ({MAX_FORMULA:,}); "
                "try --detail weights, or --layers A..B to leave this layer out"
            )

    def holes(self, option: list[Piece], rows: slice, at: np.ndarray | None) -> tuple[list[list[str]], str]:
        """Lists of cell names to fill in, and the text around them."""
        lists: list[list[str]] = []
        text: list[str] = []
        for piece in option:
            if isinstance(piece, str):
                text.append(escape(piece).replace("%", "%%"))
                continue
            first = piece.first[rows] if at is None else piece.first[rows].reshape(-1)[at][None, :]
            sheet = int(first[0, 0] >> 34)
            if sheet != self.home:
                text.append(f"'{self.sheet_names[sheet]}'!")
            fixed = self.fixed(piece.first)
            lists.append(cell_names(first, *fixed))
            text.append("%s")
            if piece.height * piece.width > 1:
                lists.append(cell_names(first + ((piece.height - 1) * ROW + piece.width - 1), *fixed))
                text.append(":%s")
        return lists, "".join(text)

    def fixed(self, first: np.ndarray) -> tuple[str, str]:
        """``$`` where the reference stays while the formula is dragged across or down."""
        height, width = first.shape
        same_row = height > 1 and (first[0, 0] >> 14) == (first[1, 0] >> 14)
        if height == 1:
            row, (top, bottom) = (first[0, 0] >> 14) & (MAX_ROWS - 1), self.block.flows
            same_row = (row != self.block.row and not top <= row <= bottom) or (first[0, 0] >> 34) != self.home
        same_column = width > 1 and (first[0, 0] & (ROW - 1)) == (first[0, 1] & (ROW - 1))
        return "$" if same_column else "", "$" if same_row else ""


def cell_names(addresses: np.ndarray, column_sign: str, row_sign: str) -> list[str]:
    """Names of a table of cells, row by row. Mostly the row follows from one side of the table and the column from
    the other: then each is written once and the names are only put together."""
    height, width = addresses.shape
    columns, rows = addresses & (ROW - 1), (addresses >> 14) & (MAX_ROWS - 1)
    column_by, row_by = _follows(columns), _follows(rows)
    if column_by == "both" or row_by == "both":
        pairs = zip(columns.reshape(-1).tolist(), (rows.reshape(-1) + 1).tolist(), strict=True)
        return [f"{column_sign}{COLUMN[c]}{row_sign}{r}" for c, r in pairs]
    letters = [column_sign + COLUMN[c] for c in (columns[0] if column_by == "across" else columns[:, 0]).tolist()]
    numerals = [f"{row_sign}{r + 1}" for r in (rows[0] if row_by == "across" else rows[:, 0]).tolist()]
    if column_by == row_by:
        names = [c + r for c, r in zip(letters, numerals, strict=True)]
        return names * height if column_by == "across" else [name for name in names for _ in range(width)]
    if column_by == "across":
        return [c + r for r in numerals for c in letters]
    return [c + r for c in letters for r in numerals]


def _follows(table: np.ndarray) -> str:
    """Whether a table of numbers changes only from row to row (``down``), from column to column (``across``), or ``both``."""
    if (table == table[:, :1]).all():
        return "down"
    return "across" if (table == table[:1]).all() else "both"


@dataclass
class Text:
    """One written cell: a caption, a label, a single formula with its value, or a single number."""

    text: str = ""
    style: int = 0
    formula: str = ""
    value: float | str | None = None

    def xml(self, place: str, strings: Strings) -> str:
        """The cell."""
        head = f'<c r="{place}" s="{self.style}"'
        if self.formula:
            if isinstance(self.value, str):
                return f'{head} t="str"><f>{escape(self.formula)}</f><v>{escape(literal(self.value))}</v></c>'
            return f"{head}><f>{escape(self.formula)}</f>{'' if self.value is None else f'<v>{self.value!r}</v>'}</c>"
        if isinstance(self.value, (int, float)):
            return f"{head}><v>{self.value!r}</v></c>"
        return strings.cell(head, self.text) if self.text else f"{head}/>"


def rows_of(
    blocks: list[Block], texts: dict[tuple[int, int], Text], strings: Strings, heights: dict[int, float] | None = None
) -> Iterator[str]:
    """All rows of one sheet as XML, in order, from blocks that may stand side by side."""
    single: dict[int, list[tuple[int, str]]] = {}
    for (row, column), text in texts.items():
        single.setdefault(row, []).append((column, text.xml(f"{COLUMN[column]}{row + 1}", strings)))
    waiting = sorted(
        (block for block in blocks if block.arrangement.height and block.arrangement.width), key=lambda block: block.row, reverse=True
    )
    streams: list[_Stream] = []
    heights = heights or {}
    loose = sorted(set(single) | set(heights), reverse=True)
    while waiting or streams or loose:
        row = min([*(s.row for s in streams), *([waiting[-1].row] if waiting else []), *(loose[-1:])])
        while waiting and waiting[-1].row <= row:
            streams.append(_Stream(waiting.pop(), strings))
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
        height = f' ht="{heights[row]}" customHeight="1"' if row in heights else ""
        yield f'<row r="{row + 1}"{height}>' + "".join(text for _, text in parts) + "</row>"


class _Stream:
    """A block being written: its next sheet row and that row's cells."""

    def __init__(self, block: Block, strings: Strings) -> None:
        self.column, self.chunks = block.column, block.texts(strings)
        self.rows: list[int] = []
        self.texts: list[str] = []
        self.at = -1
        self.advance()

    def advance(self) -> None:
        self.at += 1
        if self.at >= len(self.rows):
            found = next(self.chunks, None)
            if found is None:
                self.row, self.text = -1, ""
                return
            self.rows, self.texts, self.at = found[0].tolist(), found[1], 0
        self.row, self.text = self.rows[self.at], self.texts[self.at]
