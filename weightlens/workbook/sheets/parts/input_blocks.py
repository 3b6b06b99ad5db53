"""The inputs of the network, in blue: to be changed by hand."""

from __future__ import annotations

from weightlens.axes.factors import picture_axis
from weightlens.recording import Recorded
from weightlens.workbook.layout.labels import is_counted, numbered
from weightlens.workbook.sheets.frame import HEAD, LABEL, TOP, squares
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.sheets.parts.lookups import input_words
from weightlens.workbook.sheets.parts.room import columns
from weightlens.workbook.xlsx.book import Sheet

MOST_NAMES = 2000  # columns of an input that are named
NOTE = "An input of the network. Type another number here, and everything that depends on it is computed again."


def put_input(net: NetworkSheets, sheet: Sheet, k: int, x: Recorded, row: int, column: int) -> int:
    """An input in blue; returns the columns it takes."""
    placed = net.plan.placed[id(x)]
    a, axes, picture = placed.block.arrangement, net.axes(placed), squares(sheet)
    name = "input" if len(net.plan.trace.inputs) == 1 else x.name
    columns(sheet, column, a, x.value)
    one_by_one = a.column_axes == (x.ndim - 1,) and x.ndim <= 3 and not is_counted(axes.axes[-1])
    names = dict(enumerate(net.options.input_names(x.shape[-1])[:MOST_NAMES])) if one_by_one else {}
    raised = not picture and not names and bool(net.column_heads(placed)[0])
    net.caption(sheet, row - raised, column, a.width, name, "" if picture else input_words(net.plan, x))
    if picture:
        net.beside_name(sheet, row, column, name, f"x {net.shape_over(placed, picture)}")
    if picture and len(a.column_axes) > 1:
        sheet.write(row + LABEL - HEAD, column - 1, picture_axis(axes.axes[numbered(a, axes)]), net.styles["label right"])
    net.labels_over(sheet, row + LABEL - HEAD, column, placed, names)
    sheet.put(placed.block, row + TOP - HEAD, column, net.styles.numbers("input", x.value, small=picture))
    net.scale(sheet, placed, picture)
    placed.defined_name = net.plan.define(f"input_{k}", sheet, placed.block)
    sheet.notes[(row + TOP - HEAD, column)] = NOTE
    return a.width
