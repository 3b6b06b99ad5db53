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
    """Where every value stands, and how its axes lie. A value that only fused formulas have is of the kind ``fused``.

    The cells to be filled in in an exercise are of the kind ``blank``, besides the step.
    """
    plan, style = net.plan, net.styles["plain"]
    sheet = plan.sheet("Cells")
    sheet.across(0, 0, HEADS, net.styles, "head")
    written: dict[str, Text] = {}  # most cells are like one above them
    row = 0
    for placed in plan.placed.values():
        a, block, kind, occurrence = placed.block.arrangement, placed.block, placed.kind, placed.occurrence
        if kind == "step" and net.occurrences is not None:
            original = id(plan.trace.originals.get(id(placed.made)))
            kind, occurrence = ("step", net.occurrences[original]) if original in net.occurrences else ("fused", occurrence)
        path = placed.made.source.path if placed.made.source is not None else ""
        axes = (",".join(map(str, a.row_axes)), ",".join(map(str, a.column_axes)))
        shape = ",".join(map(str, a.shape))
        places = [(kind, block, placed.defined_name)]
        places += [("blank", placed.blank, placed.blank_name)] if placed.blank is not None else []
        for kind_there, there, name in places:
            where = (plan.titles[there.sheet], cell_name(there.first))
            values: list[object] = [kind_there, placed.layer, placed.name, occurrence, *where, shape, *axes]
            values += [a.row_gap, a.column_gap, a.stretch, name, path]
            row += 1
            for column, value in enumerate(values):
                if text := str(value):
                    sheet.texts[row, column] = written.get(text) or written.setdefault(text, Text(text, style))
    sheet.hidden = True
