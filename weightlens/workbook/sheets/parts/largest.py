"""The largest share of every row is framed: which token a token looks at most."""

from __future__ import annotations

from weightlens.recording import Step
from weightlens.words.layer_words import shares_out
from weightlens.workbook.formulas.cell_arrays import COLUMN, ROW, cell_name, rectangle
from weightlens.workbook.xlsx.blocks import Block
from weightlens.workbook.xlsx.book import Sheet

MOST = 64  # heads
FRAMED = "Framed is the largest share of each row."


def frame_largest(sheet: Sheet, step: Step, block: Block) -> bool:
    """Frames and colours by rule, in the table of each head, where a step shares something out among the places across.

    Whether it does. LibreOffice shows a frame and a colour together only where both are for the same cells.
    """
    a, last = block.arrangement, step.made.ndim - 1
    if last < 2 or not shares_out(step.made) or a.column_axes[-1:] != (last,) or a.shape[last] < 2:
        return False
    starts = a.columns[:: a.shape[last]].tolist()
    if len(starts) > MOST:
        return False
    for start in starts:
        first, row, end = block.first + start, block.row + 1, block.column + start + a.shape[last] - 1
        cell, across = cell_name(first), f"${COLUMN[block.column + start]}{row}:${COLUMN[end]}{row}"
        area = rectangle(first, first + (a.height - 1) * ROW + a.shape[last] - 1)
        sheet.heats.append((area, "size"))
        sheet.rule(area, "passed", f"AND(ISNUMBER({cell}),{cell}=MAX({across}))")
    sheet.hint = sheet.hint if FRAMED in sheet.hint else f"{sheet.hint} {FRAMED}".strip()
    return True
