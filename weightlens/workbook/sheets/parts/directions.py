"""A layer that runs over time in both directions: its two tables under each other on one sheet, under them what joins them."""

from __future__ import annotations

from weightlens.recording import Step
from weightlens.words.layer_words import in_framework_words
from weightlens.workbook.layout.plan import Plan
from weightlens.workbook.sheets.frame import HEAD, SECTION, TITLES, column_after, section
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.sheets.parts.bands import put_steps
from weightlens.workbook.sheets.time_sheet import TimeSheet
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.styles import Styles

LEAST = 8  # columns of the line under what joins them
WAYS = ("forward", "backward")  # the layers inside, in the order in which they run
FIRST = 2  # rows that the first table stands lower than alone: room for the name of the layer


def directions(plan: Plan) -> dict[str, list[str]]:
    """For each layer that is wrapped around two recurrent ones, these two."""
    owners = {path: path.rpartition("/")[0] for path in plan.tables}
    wrapped = {owner for owner in owners.values() if (layer := plan.trace.layers.get(owner)) and "backward_layer" in layer.inner}
    both = {path: owner for path, owner in owners.items() if owner in wrapped}
    return {owner: paths for owner in both.values() if len(paths := [path for path in both if both[path] == owner]) > 1}


def in_both_directions(net: NetworkSheets, sheet: Sheet, inner: list[str], steps: list[Step]) -> None:
    """The tables of the layers inside, and the steps of the one around them."""
    shift = FIRST
    for path, way in zip(inner, WAYS, strict=False):
        own = [step for step in net.plan.steps if step.layer == path]
        table = TimeSheet(net, sheet, net.plan.tables[path], own, shift)
        right, _ = put_steps(net, sheet, table.others, table.draw(), shift + HEAD)
        order = ", from the last time step to the first" if net.plan.tables[path].backwards else ""
        heading = in_framework_words(net.plan.trace, path) + order
        section(sheet, shift + SECTION - 1, 1, right - 1, heading, net.styles)
        repeat_name(sheet, shift + SECTION - 1, column_after(sheet, 1, len(heading)), way, net.styles)
        shift = max(block.row + block.arrangement.height for block in sheet.blocks) + 3 - SECTION
    right, _ = put_steps(net, sheet, steps, 1, shift + HEAD)
    words = joined(net.plan, inner) if steps and steps[-1].made.ndim == 2 else "both directions, time step by time step"
    section(sheet, shift + SECTION - 1, 1, max(right - 1, LEAST), words, net.styles)
    net.finish(sheet, TITLES)


def repeat_name(sheet: Sheet, row: int, column: int, name: str, styles: Styles) -> None:
    """The name of a direction over each of its steps from this column on, where its heading is out of sight."""
    for block in sorted(sheet.blocks, key=lambda block: block.column):
        if block.row > row and block.column >= column:
            sheet.write(row, block.column, name, styles["section"])
            column = column_after(sheet, block.column, len(name))


def joined(plan: Plan, inner: list[str]) -> str:
    """Which time step of each direction is handed on where none but the last is: for the one that runs backwards it is the first."""
    last = [f"{path} at t={0 if plan.tables[path].backwards else plan.tables[path].steps - 1}" for path in inner]
    return f"{' and '.join(last)}: what each has read last"
