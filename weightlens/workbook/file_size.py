"""How large the file of a workbook will be, before it is written: of a small one all of it is made, of a large one some cells."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from itertools import islice
from typing import BinaryIO, TypeVar

from weightlens.workbook.formulas.cell_arrays import COLUMN
from weightlens.workbook.layout.plan import Plan
from weightlens.workbook.layout.size import Size
from weightlens.workbook.xlsx.blocks import Block
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.grid import block_rows
from weightlens.workbook.xlsx.package import compressor
from weightlens.workbook.xlsx.strings import Strings, element

Thing = TypeVar("Thing")

FEW_CELLS = 20_000  # of a workbook that is made whole
FEW_BLOCKS, FEW_TEXTS = 5, 2_000  # that are made of each kind on a sheet of a large one
BYTES_PER_SHEET, BYTES_AT_LEAST, BYTES_PER_ROW = 1500, 9000, 5


def add_file(size: Size, plan: Plan, write: Callable[[BinaryIO], None]) -> None:
    """Add what the file of a plan will be, which ``write`` writes: its bytes, and the areas that its formulas read."""
    add_sampled(size, plan)
    if size.cells <= FEW_CELLS:
        made = io.BytesIO()
        write(made)
        size.bytes = made.tell()


def add_sampled(size: Size, plan: Plan) -> None:
    """The same without writing: by some blocks of each kind on each sheet, and some of the texts."""
    made, areas = float(BYTES_AT_LEAST), 0.0
    strings = Strings()
    for sheet in plan.sheets:
        rows = {row for row, _ in sheet.texts}.union(*((block.row + block.arrangement.rows).tolist() for block in sheet.blocks))
        made += BYTES_PER_SHEET + BYTES_PER_ROW * len(rows) + texts(sheet, strings)
        for blocks in by_kind(sheet):
            cells = sum(math.prod(block.arrangement.shape) for block in blocks)
            some, pieces = cells_of(spread(blocks, FEW_BLOCKS), plan.titles, strings)
            made += squeezed(pieces) * cells / some
            areas += sum(piece.count(":") for piece in pieces) * cells / some if blocks[0].make is not None else 0
    words = list({text.text for sheet in plan.sheets for text in sheet.texts.values()})
    size.bytes = round(made + in_proportion(len(words), [element(word) for word in spread(words, FEW_TEXTS)]))
    size.areas = round(areas)


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


def texts(sheet: Sheet, strings: Strings) -> float:
    """Bytes of the single cells of a sheet, without the table of texts."""
    some = spread(list(sheet.texts.items()), FEW_TEXTS)
    return in_proportion(len(sheet.texts), [text.xml(f"{COLUMN[column]}{row + 1}", strings) for (row, column), text in some])


def in_proportion(count: int, some: Sequence[str]) -> float:
    """Bytes of so many texts, by some of them."""
    return squeezed(some) * count / len(some) if some else 0.0


def squeezed(pieces: Sequence[str]) -> int:
    """Bytes of text in the file."""
    made = compressor()
    return len(made.compress("".join(pieces).encode())) + len(made.flush())


def spread(things: Sequence[Thing], most: int) -> Sequence[Thing]:
    """Some of the things, from first to last."""
    return things[:: max(1, -(-len(things) // most))]
