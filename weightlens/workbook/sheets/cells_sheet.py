"""The hidden map of cells: one row per block, for programs (checking, reading weights back, printing cells)."""

from __future__ import annotations

from weightlens.workbook.formulas.cell_arrays import cell_name
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.xlsx.blocks import Text

HEADS = (
    "kind",
    "layer",
    "name",
    "occurrence",
    "sheet",
    "first",
    "shape",
    "row axes",
    "column axes",
    "row gap",
    "column gap",
    "stretch",
    "defined name",
    "path",
)


def write_cells(net: NetworkSheets) -> None:
    """Where every value stands, and how its axes lie. A value that only fused formulas have is of the kind ``fused``."""
    plan, style = net.plan, net.styles["plain"]
    sheet = plan.sheet("Cells")
    sheet.across(0, 0, HEADS, net.styles, "head")
    written: dict[str, Text] = {}  # most cells are like one above them
    for row, placed in enumerate(plan.placed.values(), 1):
        a, block, kind, occurrence = placed.block.arrangement, placed.block, placed.kind, placed.occurrence
        if kind == "step" and net.occurrences is not None:
            original = id(plan.trace.originals.get(id(placed.made)))
            kind, occurrence = ("step", net.occurrences[original]) if original in net.occurrences else ("fused", occurrence)
        path = placed.made.source.path if placed.made.source is not None else ""
        axes = (",".join(map(str, a.row_axes)), ",".join(map(str, a.column_axes)))
        where = (plan.titles[block.sheet], cell_name(block.first))
        shape = ",".join(map(str, a.shape))
        values: list[object] = [kind, placed.layer, placed.name, occurrence, *where, shape, *axes]
        values += [a.row_gap, a.column_gap, a.stretch, placed.defined_name, path]
        for column, value in enumerate(values):
            if text := str(value):
                sheet.texts[row, column] = written.get(text) or written.setdefault(text, Text(text, style))
    sheet.hidden = True
