"""Pictures: weights on the left, the steps under each other, so that a channel's pictures stand in one column."""

from __future__ import annotations

from weightlens.recording import Step
from weightlens.workbook.layout.labels import row_labels
from weightlens.workbook.layout.plan import Placed
from weightlens.workbook.sheets.frame import GAP, HEAD, SQUARE_HEIGHT, TOP, column_after, widen
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.sheets.parts.bands import Key, key_of, mover, name_rows, put_weights
from weightlens.workbook.sheets.parts.room import room_for
from weightlens.workbook.xlsx.book import Sheet

SMALL, LETTER = 0.65, 1.15  # characters of a column that a letter of small print takes, and one of a name


def pictures(net: NetworkSheets, sheet: Sheet, steps: list[Step], own: list[Placed]) -> None:
    """All steps of a layer of feature maps."""
    sheet.default_height = SQUARE_HEIGHT
    column = 1
    if own:
        put_weights(net, sheet, own, column)
        column = max(after(net, sheet, placed, column) for placed in own) + 1
    row, rows, named = HEAD, dict[Key, int](), dict[int, str]()
    for step in steps:
        placed, key = net.plan.placed[id(step.made)], key_of(step)
        if key not in rows:
            height, raised = placed.block.arrangement.height, bool(net.over(placed, True)[0])
            rows[key] = row + raised * bool(rows)
            row = rows[key] + TOP - HEAD + (height + (placed.of > 1)) * placed.of + 1
            texts = samples_in_words(net, placed)
            name_rows(net, sheet, texts, column, rows[key])
            named |= texts
        net.put_step(sheet, step, column, rows[key], bool(net.over(placed, True)[0]), mover(step, steps))
    widen(sheet, column - 1, room_for(named) if named else GAP)
    net.finish(sheet, 2)


def after(net: NetworkSheets, sheet: Sheet, placed: Placed, column: int) -> int:
    """The column after a weight and what is written over it."""
    behind_name = column_after(sheet, column, len(placed.name) * LETTER + 1)
    text = net.shape_over(placed, True)
    return max(column + placed.block.arrangement.width, column_after(sheet, behind_name, len(text) * SMALL + 1))


def samples_in_words(net: NetworkSheets, placed: Placed) -> dict[int, str]:
    """What stands left of each row of a picture: its number, and before the first one which picture it is."""
    a = placed.block.arrangement
    return row_labels(a, net.axes(placed)) if a.height > 1 else {}
