"""The hidden map of cells: one row per block, for programs (checking, reading weights back, printing cells)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlens.workbook.cells import cell_name

if TYPE_CHECKING:
    from weightlens.workbook.plan import Plan, Sheet
    from weightlens.workbook.styles import Styles

HEADS = (
    "kind", "layer", "name", "occurrence", "sheet", "first", "shape", "row axes", "column axes", "row gap", "column gap", "stretch", "defined name", "path",
)  # fmt: skip


def write_cells(sheet: Sheet, plan: Plan, weight_names: dict[int, str], styles: Styles) -> None:
    """Where every value stands, and how its axes lie."""
    for column, head in enumerate(HEADS):
        sheet.write(0, column, head, styles["head"])
    for row, placed in enumerate(plan.placed.values(), 1):
        a, block = placed.block.arrangement, placed.block
        if block.first >> 34 >= len(plan.sheets):
            continue
        path = placed.made.source.path if placed.made.source is not None else ""
        axes = (",".join(map(str, a.row_axes)), ",".join(map(str, a.column_axes)))
        where = (plan.sheets[block.first >> 34].title, cell_name(block.first))
        shape = ",".join(map(str, a.shape))
        name = weight_names.get(id(placed.made), "")
        values = (
            placed.kind,
            placed.layer,
            placed.name,
            placed.occurrence,
            *where,
            shape,
            *axes,
            a.row_gap,
            a.column_gap,
            a.stretch,
            name,
            path,
        )
        for column, value in enumerate(values):
            sheet.write(row, column, str(value), styles["plain"])
    sheet.hidden = True
