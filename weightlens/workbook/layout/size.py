"""What a workbook will be, before it is written: sheets, cells, formulas, bytes, seconds to recalculate."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from weightlens.workbook.layout.plan import Plan

# Measured with LibreOffice 7.4 on an ordinary machine, on seven networks (within 15 %).
SECONDS_PER_NUMBER, SECONDS_PER_FORMULA, SECONDS_PER_AREA = 1.4e-6, 8.1e-6, 5e-6
SOME_ARRAYS, SOME = 60, 4000  # that are looked at, and numbers of each
MOST_FORMULAS, MOST_BYTES = 3_000_000, 100_000_000  # more than that hardly any program opens


@dataclass
class SheetSize:
    """One sheet: how many cells hold something, how many of them formulas."""

    title: str
    cells: int
    formulas: int


@dataclass
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
        counts = f"{len(self.sheets)} sheets, {self.cells:,} cells, {self.formulas:,} formulas"
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
    size = Size(detail)
    for sheet in plan.sheets:
        areas = [(math.prod(block.arrangement.shape), block.make is not None) for block in sheet.blocks]
        written = sum(1 for text in sheet.texts.values() if text.formula)
        size.sheets.append(
            SheetSize(sheet.title, sum(n for n, _ in areas) + len(sheet.texts), sum(n for n, live in areas if live) + written)
        )
    size.blocks = len(plan.placed)
    numbers = [placed for placed in plan.placed.values() if placed.made.dtype.kind != "U"]
    size.given, _ = squeezed([placed.made.value for placed in numbers if placed.block.make is None])
    size.bytes_of_computed, size.computed = squeezed([placed.made.value for placed in numbers if placed.block.make is not None])
    return size


def squeezed(arrays: Sequence[np.ndarray]) -> tuple[int, int]:
    """About the bytes of arrays in a page (4 a number where that is exact), by some of each of some of them; and how many numbers."""
    count = sum(array.size for array in arrays)
    some = [np.asarray(array, np.float64).reshape(-1)[:SOME] for array in arrays[:: 1 + len(arrays) // SOME_ARRAYS]]
    looked_at = np.concatenate(some) if some else np.zeros(0)
    with np.errstate(over="ignore"):
        narrow = looked_at.astype(np.float32)
    data = (narrow if np.array_equal(narrow, looked_at, equal_nan=True) else looked_at).tobytes()
    return round(len(zlib.compress(data)) * count / max(1, looked_at.size)), count
