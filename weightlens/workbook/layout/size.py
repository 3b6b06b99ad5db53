"""What a workbook will be, before it is written: sheets, cells, formulas, bytes, seconds to recalculate.

The bytes of a small one are those of its file, which is made; those of a large one follow from some of its cells.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import BinaryIO, TypeVar

import numpy as np

from weightlens.specs.words.number_words import counted
from weightlens.workbook.formulas.cell_arrays import COLUMN
from weightlens.workbook.layout.plan import Plan
from weightlens.workbook.xlsx.blocks import Block
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.grid import block_rows
from weightlens.workbook.xlsx.package import compressor
from weightlens.workbook.xlsx.strings import Strings, element

# Measured with LibreOffice 7.4 on an ordinary machine, on seven networks (within 15 %).
SECONDS_PER_NUMBER, SECONDS_PER_FORMULA, SECONDS_PER_AREA = 1.4e-6, 8.1e-6, 5e-6
SOME_ARRAYS, SOME = 60, 4000  # that are looked at, and numbers of each
MOST_FORMULAS, MOST_BYTES = 3_000_000, 100_000_000  # more than that hardly any program opens
Thing = TypeVar("Thing")
FEW_CELLS = 20_000  # of a workbook that is made whole
FEW_BLOCKS, FEW_TEXTS = 5, 2_000  # that are made of each kind on a sheet of a large one
BYTES_PER_SHEET, BYTES_AT_LEAST, BYTES_PER_ROW = 1500, 9000, 5


@dataclass
class SheetSize:
    """One sheet: how many cells hold something, how many of them formulas."""

    title: str
    cells: int
    formulas: int


@dataclass(frozen=True)
class Size:
    """The whole workbook: its sheets, how large its file is, and what follows from them."""

    detail: str
    sheets: list[SheetSize] = field(default_factory=list)
    bytes: int = 0  # about how large the file will be
    areas: int = 0  # about how many rectangles of cells its formulas read
    blocks: int = 0  # arrays that have cells
    given: int = 0  # about the bytes of the numbers that are not computed, as a page holds them, squeezed
    computed: int = 0  # numbers that are
    bytes_of_computed: int = 0  # about the same of these

    @property
    def cells(self) -> int:
        """Cells that hold something."""
        return sum(sheet.cells for sheet in self.sheets)

    @property
    def formulas(self) -> int:
        """Cells that are computed."""
        return sum(sheet.formulas for sheet in self.sheets)

    @property
    def seconds(self) -> float:
        """About how long LibreOffice takes to load and recalculate it."""
        numbers = self.cells - self.formulas
        return numbers * SECONDS_PER_NUMBER + self.formulas * SECONDS_PER_FORMULA + self.areas * SECONDS_PER_AREA

    @property
    def summary(self) -> str:
        """All of it in one line."""
        counts = f"{counted(len(self.sheets), 'sheet')}, {counted(self.cells, 'cell')}, {counted(self.formulas, 'formula')}"
        return f"detail {self.detail}: {counts}; about {bytes_text(self.bytes)}, about {self.seconds:.1f} s to load and recalculate"

    @property
    def warning(self) -> str:
        """What to say where hardly any program opens the workbook: how large it is, and what else there is."""
        if self.formulas <= MOST_FORMULAS and self.bytes <= MOST_BYTES:
            return ""
        instead = "" if self.detail == "layers" else "--detail layers (one block a layer), "
        return (
            f"hardly any program opens a workbook of {self.formulas:,} formulas and about {self.bytes / 1e6:,.0f} MB; instead: "
            f"a page (-o FILE.html), {instead}--layers A..B (a part of the network)"
        )


def bytes_text(size: int) -> str:
    """``1.4 MB``; ``51 kB``."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"


def measure(plan: Plan, detail: str) -> Size:
    """Count what the plan holds."""
    sheets = []
    for sheet in plan.sheets:
        areas = [(math.prod(block.arrangement.shape), block.make is not None) for block in sheet.blocks]
        written = sum(1 for text in sheet.texts.values() if text.formula)
        sheets.append(SheetSize(sheet.title, sum(n for n, _ in areas) + len(sheet.texts), sum(n for n, live in areas if live) + written))
    numbers = [placed for placed in plan.placed.values() if placed.made.dtype.kind != "U"]
    given, _ = squeezed([placed.made.value for placed in numbers if placed.block.make is None])
    bytes_of_computed, computed = squeezed([placed.made.value for placed in numbers if placed.block.make is not None])
    return Size(detail, sheets, blocks=len(plan.placed), given=given, computed=computed, bytes_of_computed=bytes_of_computed)


def squeezed(arrays: Sequence[np.ndarray]) -> tuple[int, int]:
    """About the bytes of arrays in a page (4 a number where that is exact), by some of each of some of them; and how many numbers."""
    count = sum(array.size for array in arrays)
    some = [np.asarray(array, np.float64).reshape(-1)[:SOME] for array in arrays[:: 1 + len(arrays) // SOME_ARRAYS]]
    looked_at = np.concatenate(some) if some else np.zeros(0)
    with np.errstate(over="ignore"):
        narrow = looked_at.astype(np.float32)
    data = (narrow if np.array_equal(narrow, looked_at, equal_nan=True) else looked_at).tobytes()
    return round(len(zlib.compress(data)) * count / max(1, looked_at.size)), count


def with_file(size: Size, plan: Plan, write: Callable[[BinaryIO], None]) -> Size:
    """The size with what the file of a plan will be, which ``write`` writes: its bytes, and the areas that its formulas read."""
    size = with_estimate(size, plan)
    if size.cells > FEW_CELLS:
        return size
    made = io.BytesIO()
    write(made)
    return replace(size, bytes=made.tell())


def with_estimate(size: Size, plan: Plan) -> Size:
    """The size with an estimate of the file, which is not written: by some blocks of each kind on each sheet, and some of the texts."""
    made, areas = float(BYTES_AT_LEAST), 0.0
    strings = Strings()
    for sheet in plan.sheets:
        rows = {row for row, _ in sheet.texts}.union(*((block.row + block.arrangement.rows).tolist() for block in sheet.blocks))
        some = [text.xml(f"{COLUMN[c]}{row + 1}", strings) for (row, c), text in spread(list(sheet.texts.items()), FEW_TEXTS)]
        made += BYTES_PER_SHEET + BYTES_PER_ROW * len(rows) + in_proportion(len(sheet.texts), some)
        for blocks in by_kind(sheet):
            cells = sum(math.prod(block.arrangement.shape) for block in blocks)
            looked_at, pieces = cells_of(spread(blocks, FEW_BLOCKS), plan.titles, strings)
            made += deflated(pieces) * cells / looked_at
            areas += sum(piece.count(":") for piece in pieces) * cells / looked_at if blocks[0].make is not None else 0
    words = list({text.text for sheet in plan.sheets for text in sheet.texts.values()})
    made += in_proportion(len(words), [element(word) for word in spread(words, FEW_TEXTS)])
    return replace(size, bytes=round(made), areas=round(areas))


def by_kind(sheet: Sheet) -> list[list[Block]]:
    """The blocks of a sheet, formulas and values apart, and so are many numbers and few."""
    kinds: dict[tuple[bool, int], list[Block]] = {}
    for block in sheet.blocks:
        if block.arrangement.height and block.arrangement.width:
            kinds.setdefault((block.make is not None, math.prod(block.arrangement.shape).bit_length() // 4), []).append(block)
    return list(kinds.values())


def cells_of(blocks: Sequence[Block], titles: Sequence[str], strings: Strings) -> tuple[int, list[str]]:
    """Cells of some blocks, up to a number of each: how many, and their XML."""
    pieces: list[str] = []
    count = 0
    for block in blocks:
        for _, rows in islice(block_rows(block, titles, strings), 1):
            pieces += rows
            count += len(rows) * block.arrangement.columns.size
    return count, pieces


def in_proportion(count: int, some: Sequence[str]) -> float:
    """Bytes of so many texts, by some of them."""
    return deflated(some) * count / len(some) if some else 0.0


def deflated(pieces: Sequence[str]) -> int:
    """Bytes of text in the file."""
    made = compressor()
    return len(made.compress("".join(pieces).encode())) + len(made.flush())


def spread(things: Sequence[Thing], most: int) -> Sequence[Thing]:
    """Some of the things, from first to last."""
    return things[:: max(1, -(-len(things) // most))]
