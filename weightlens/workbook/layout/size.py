"""What a workbook will be, before it is written: sheets, cells, formulas, bytes, seconds to recalculate."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weightlens.recording import Recorded
from weightlens.recording.calls import PRODUCTS, factors, operation
from weightlens.recording.graph import expression

if TYPE_CHECKING:
    from weightlens.workbook.layout.plan import Plan

# Measured with LibreOffice 7.4 on an ordinary machine; for orders of magnitude, not for races.
BYTES_PER_NUMBER, BYTES_PER_FORMULA, BYTES_PER_SHEET, BYTES_AT_LEAST = 13.0, 17.0, 1500, 9000
SECONDS_PER_CELL, SECONDS_PER_FORMULA, SECONDS_PER_PRODUCT = 4.4e-6, 3.4e-6, 6e-8


@dataclass
class SheetSize:
    """One sheet: how many cells hold something, how many of them formulas."""

    title: str
    cells: int
    formulas: int


@dataclass
class Size:
    """The whole workbook: its sheets, the multiplications behind its formulas, and what follows from them."""

    detail: str
    sheets: list[SheetSize] = field(default_factory=list)
    products: int = 0

    @property
    def cells(self) -> int:
        """Cells that hold something."""
        return sum(sheet.cells for sheet in self.sheets)

    @property
    def formulas(self) -> int:
        """Cells that are computed."""
        return sum(sheet.formulas for sheet in self.sheets)

    @property
    def bytes(self) -> int:
        """About how large the file will be."""
        numbers = (self.cells - self.formulas) * BYTES_PER_NUMBER
        return int(BYTES_AT_LEAST + len(self.sheets) * BYTES_PER_SHEET + numbers + self.formulas * BYTES_PER_FORMULA)

    @property
    def seconds(self) -> float:
        """About how long LibreOffice takes to load and recalculate it."""
        return self.cells * SECONDS_PER_CELL + self.formulas * SECONDS_PER_FORMULA + self.products * SECONDS_PER_PRODUCT

    @property
    def summary(self) -> str:
        """All of it in one line."""
        size = f"{self.bytes / 1e6:,.1f} MB" if self.bytes >= 1e6 else f"{self.bytes / 1e3:,.0f} kB"
        counts = f"{len(self.sheets)} sheets, {self.cells:,} cells, {self.formulas:,} formulas"
        return f"detail {self.detail}: {counts}; about {size}, about {self.seconds:.1f} s to load and recalculate"


def measure(plan: Plan, detail: str) -> Size:
    """Count what the plan holds."""
    size = Size(detail)
    for sheet in plan.sheets:
        areas = [(math.prod(block.arrangement.shape), block.make is not None) for block in sheet.blocks]
        written = sum(1 for text in sheet.texts.values() if text.formula)
        size.sheets.append(
            SheetSize(sheet.title, sum(n for n, _ in areas) + len(sheet.texts), sum(n for n, live in areas if live) + written)
        )
    size.products = sum(products(step.made) for step in plan.steps)
    return size


def products(made: Recorded) -> int:
    """How many multiplications the matrix products behind one step take."""
    total = 0
    for x in expression(made):
        if operation(x) in PRODUCTS:
            sizes = [y.size for y in factors(x)]
            total += round((x.size * sizes[0] * sizes[1]) ** 0.5) if len(sizes) > 1 else x.size  # exact for a plain matrix product
    return total
