"""The sheet Hints: for each step to be filled in what it is for, how it is computed, and, when asked for, its first number worked out."""

from __future__ import annotations

import contextlib

from weightlens.words.captions import mathematics
from weightlens.words.explained import explained
from weightlens.words.worked import arithmetic
from weightlens.workbook.exercises.in_words import by_step
from weightlens.workbook.formulas.cell_arrays import quoted
from weightlens.workbook.sheets.controls import drop_down
from weightlens.workbook.sheets.exercise import Blank
from weightlens.workbook.sheets.frame import widen
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.xlsx.blocks import Text

HEAD, TOP = 3, 4  # rows
WIDTHS = (24, 60, 40, 12, 60)
TEXTS = (*WIDTHS[:3], WIDTHS[4])  # of the columns whose texts are broken
HEADS = ("step", "what it is for", "how it is computed", "show one?", "its first number, worked out (with the numbers as exported)")
HINT = "Stuck? Read from left to right, and only as far as you need. Type yes in a blue cell to see the first number of a step worked out."
LINE = 15.0  # points of a line of text
MOST_WORKED = 250  # characters of a number worked out


def hints_sheet(net: NetworkSheets, blanks: list[Blank]) -> None:
    """A row for each step."""
    sheet, steps = net.plan.sheet("Hints", hint=HINT), {id(step.made): step for step in net.plan.steps}
    for j, (width, head) in enumerate(zip(WIDTHS, HEADS, strict=True)):
        widen(sheet, j, width)
        sheet.write(HEAD, j, head, net.styles["head"])
    for row, ((layer, name), group) in enumerate(by_step(blanks).items(), start=TOP):
        step, again = steps[id(group[0].placed.made)], len(group) > 1
        purpose, formula, worked = explained(step), mathematics(step, repeated=True) if again else step.words, ""
        with contextlib.suppress(TypeError, ValueError, KeyError, IndexError):  # some operations cannot be followed number by number
            worked = arithmetic(step, (0,) * step.made.ndim)
        sheet.across(row, 0, (f"{layer}: {name}", purpose, formula), net.styles["text"])
        sheet.heights[row] = LINE * (
            1 + max(len(text) // width for text, width in zip((f"{layer}: {name}", purpose, formula, worked), TEXTS, strict=True))
        )
        if not worked:
            continue
        sheet.texts[(row, 3)] = Text("no", net.styles["switch"])
        sheet.finishing.append(drop_down(f"D{row + 1}", '"no,yes"'))
        sheet.texts[(row, 4)] = Text(style=net.styles["text"], formula=f'IF($D{row + 1}="yes",{quoted(worked[:MOST_WORKED])},"")', value="")
    sheet.freeze, sheet.one_page = (TOP, 1), 0
    sheet.print_area = f"A1:C{max(row for row, _ in sheet.texts) + 1}"  # on paper nobody types yes
