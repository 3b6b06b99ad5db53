"""A map of every hidden unit beside the output's: which part of the plane of both inputs each of them answers to."""

from __future__ import annotations

from functools import partial

import numpy as np

from weightlens.recording import Step
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.formulas.cell_arrays import refer
from weightlens.workbook.layout.plan import weights_read
from weightlens.workbook.sheets.frame import SECTION
from weightlens.workbook.sheets.maps import SIDE, Run
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.xlsx.blocks import Block
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.styles import Look

MOST, IN_A_ROW = 48, 8  # maps, and those side by side
WIDTH, HEIGHT = 1.3, 9.0  # of a square and of a line of text
SQUARE = Look(format=";;;")  # the colour is to be seen, the number in the formula bar only


def hidden_layers(steps: list[Step]) -> dict[str, Step]:
    """The last step of each layer after which a layer with weights still follows."""
    readers = [i for i, step in enumerate(steps) if weights_read(step.made)]
    last = readers[-1] if readers else 0
    before = {step.layer: step for step in steps[:last] if step.layer != steps[last].layer}
    return {layer: step for layer, step in before.items() if step.made.ndim == 2}


def draw(net: NetworkSheets, run: Run) -> None:
    """The maps of all hidden units, a row or more for each layer, the output's at the end; none where no layer is hidden."""
    blocks = {id(step.made): block for step, block in run.steps}
    hidden = hidden_layers([step for step, _ in run.steps])
    layers = [(f"{layer}: {unit_words(step)}", blocks[id(step.made)]) for layer, step in hidden.items()]
    shown = sum(block.arrangement.width for _, block in layers)
    if not layers or shown > MOST:
        return
    hint = "What each hidden unit says everywhere on the plane of the sheet Map."
    sheet = net.plan.sheet("Hidden units", hint=hint)
    sheet.default_width = WIDTH
    row = SECTION + 1
    for name, block in [*layers, ("the output", run.output)]:
        sheet.write(row, 1, name, net.styles["caption left"])
        row += 1
        for start in range(0, block.arrangement.width, IN_A_ROW):
            for place, unit in enumerate(range(start, min(start + IN_A_ROW, block.arrangement.width))):
                draw_unit(net, sheet, block, unit, row, 1 + place * (SIDE + 1))
            for r in range(row + 1, row + 1 + SIDE):
                sheet.heights[r] = HEIGHT
            row += SIDE + 2
    sheet.freeze = (SECTION, 0)


def unit_words(step: Step) -> str:
    """How many units a layer has, in words."""
    units = step.made.shape[1]
    return "1 unit" if units == 1 else f"{units} units"


def draw_unit(net: NetworkSheets, sheet: Sheet, block: Block, unit: int, row: int, column: int) -> None:
    """One map with the number of its unit over it: plain references to the run behind the sheet Map."""
    cells, values = block.cells[:, unit].reshape(SIDE, SIDE), np.asarray(block.values, float)[:, unit].reshape(SIDE, SIDE)
    sheet.write(row, column, f"unit {unit}" if block.arrangement.width > 1 else "", net.styles["label left"])
    square = Block(Arrangement((SIDE, SIDE), (0,), (1,)), values, net.styles.of(SQUARE), make=partial(refer, cells))
    sheet.heats.append((sheet.put(square, row + 1, column).area, "both signs"))
