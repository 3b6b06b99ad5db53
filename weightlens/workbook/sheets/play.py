"""What invites to play: the winning class in words, and the threshold of a yes-or-no prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from weightlens.words.layer_words import activation_of, find, shares
from weightlens.workbook.formulas.cell_arrays import absolute, cell_name
from weightlens.workbook.sheets import target
from weightlens.workbook.sheets.frame import GAP, HEAD, LABEL, MATH, TOP, widen
from weightlens.workbook.sheets.target import THRESHOLD
from weightlens.workbook.xlsx import charts
from weightlens.workbook.xlsx.blocks import Block, Text

if TYPE_CHECKING:
    from weightlens.recording import Recorded
    from weightlens.workbook.layout.plan import Sheet
    from weightlens.workbook.sheets.network import NetworkSheets


def made_up(net: NetworkSheets) -> str:
    """Where the inputs come from, if nobody gave any."""
    if not net.options.made_up:
        return ""
    table = net.plan.one_sheet and all(bool(np.isin(x.value, (0.0, 1.0)).all()) for x in net.plan.trace.inputs)
    what = "all combinations of 0 and 1" if table else "examples, most of them random"
    return f" No input was given (-i): these are {what}."


def is_yes_or_no(net: NetworkSheets, x: Recorded) -> bool:
    """Whether this is one number between 0 and 1 per sample: the output of a single sigmoid unit."""
    layer = find(net.model, x.layer)
    return x.ndim == 2 and x.shape[1] == 1 and layer is not None and activation_of(layer) in ("sigmoid", "hard_sigmoid")


def winners(net: NetworkSheets, sheet: Sheet, column: int, samples: int) -> int:
    """Right of the steps: the winning class in words, or yes or no by a threshold; returns the column after it."""
    for x in net.plan.trace.results:
        placed = net.plan.placed.get(id(x))
        if placed is None or x.ndim != 2 or x.shape[0] != samples:
            continue
        if x.shape[1] > 1 and (shares(x) or len(net.options.labels) == x.shape[1]):
            column = winner_column(net, sheet, placed.block, column)
        elif is_yes_or_no(net, x):
            column = threshold_column(net, sheet, placed.block, column)
    return column


def layer_winner(net: NetworkSheets, sheet: Sheet, path: str) -> None:
    """On a layer's own sheet: the winner right of its outputs, or under them where a sample is a column."""
    for x in net.plan.trace.results:
        placed = net.plan.placed.get(id(x))
        if placed is None or x.layer != path or x.ndim != 2 or not net.at_top(placed.block):
            continue
        a, right = placed.block.arrangement, 1 + max(block.column + block.arrangement.width for block in sheet.blocks)
        named = shares(x) or len(net.options.labels) == x.shape[1] > 1
        if named and a.column_axes == (0,):
            winner_row(net, sheet, placed.block)
        elif named:
            right = winner_column(net, sheet, placed.block, right)
        elif is_yes_or_no(net, x):
            right = threshold_column(net, sheet, placed.block, right)
        if net.options.target is not None and len(net.options.target) == x.shape[0] and a.column_axes != (0,):
            target.beside(net, sheet, right, net.options.target, x.shape[0])
        if x.shape[0] <= charts.MOST_SAMPLES and x.shape[1] <= charts.MOST_BARS:
            row, column = (HEAD, right + 2) if a.column_axes == (0,) else (2 + max(b.row + b.arrangement.height for b in sheet.blocks), 1)
            sheet.finishing.append(charts.bars(placed.block, row, column, shares(x), "output of each sample"))


def winner_row(net: NetworkSheets, sheet: Sheet, block: Block) -> None:
    """The label beside the largest output of each sample, under the sample's column."""
    samples, units = block.arrangement.shape
    names = list(net.options.labels) if len(net.options.labels) == units else [f"unit {i}" for i in range(units)]
    labels = f"{absolute(cell_name(block.first - 1))}:{absolute(cell_name(block.first - 1 + ((units - 1) << 14)))}"
    row, values = TOP + units + 1, np.asarray(block.values)
    for i, name in enumerate(names):
        sheet.write(TOP + i, block.column - 1, name, net.styles["label right"])
    sheet.write(row, block.column - 1, "winner", net.styles["label right"])
    for i in range(samples):
        first = block.first + i
        area = f"{cell_name(first)}:{cell_name(first + ((units - 1) << 14))}"
        formula = f"INDEX({labels},MATCH(MAX({area}),{area},0),1)"
        sheet.texts[(row, block.column + i)] = answer(net, sheet, block, area, formula, names[int(values[i].argmax())])
    net.answer = f"'{sheet.title}'!{absolute(cell_name((row << 14) + block.column))}", names[int(values[0].argmax())]
    net.winner = (sheet, block.column, names)


def answer(net: NetworkSheets, sheet: Sheet, block: Block, area: str, formula: str, value: str) -> Text:
    """A class in words; nothing where the output is still to be filled in by a student."""
    if block.first >> 34 != sheet.number:
        formula, value = f'IF(COUNT({area})<{block.arrangement.shape[-1]},"",{formula})', ""
    return Text(style=net.styles["winner"], formula=formula, value=value)


def caption(net: NetworkSheets, sheet: Sheet, column: int, name: str, words: str, label: str, longest: int) -> None:
    """The caption over one column of words."""
    widen(sheet, column, max(10, longest * 1.2 + 2))
    sheet.write(HEAD, column, name, net.styles["caption"])
    sheet.write(MATH, column, words, net.styles["math"])
    sheet.write(LABEL, column, label, net.styles["label"])


def winner_column(net: NetworkSheets, sheet: Sheet, block: Block, column: int) -> int:
    """The label over the largest output of each sample."""
    n, width = block.arrangement.shape
    names = list(net.options.labels) if len(net.options.labels) == width else [f"unit {i}" for i in range(width)]
    caption(net, sheet, column, "winner", "class with the largest output", "class", max(map(len, names)))
    first, last = cell_name(block.first + ((LABEL - TOP) << 14)), cell_name(block.first + ((LABEL - TOP) << 14) + width - 1)
    labels = f"{absolute(first)}:{absolute(last)}"
    values = np.asarray(block.values)
    for i in range(n):
        row = block.first + (i << 14)
        area = f"{cell_name(row)}:{cell_name(row + width - 1)}"
        formula = f"INDEX({labels},1,MATCH(MAX({area}),{area},0))"
        sheet.texts[(TOP + i, column)] = answer(net, sheet, block, area, formula, names[int(values[i].argmax())])
    net.answer = f"'{sheet.title}'!{absolute(cell_name((TOP << 14) + column))}", names[int(values[0].argmax())]
    sheet.notes[(TOP, column)] = "The class with the largest output: INDEX picks the label that stands over it."
    net.winner = (sheet, column, names)
    widen(sheet, column + 1, GAP)
    return column + 2


def threshold_column(net: NetworkSheets, sheet: Sheet, block: Block, column: int) -> int:
    """Yes or no: which side of the threshold the output is on; the threshold and both words can be changed."""
    names = list(net.options.labels) if len(net.options.labels) == 2 else ["no", "yes"]
    caption(net, sheet, column, "class", "output \u2265 threshold?", "class", max(map(len, names)))
    n = block.arrangement.shape[0]
    row = TOP + n + 2
    sheet.write(row, column, "threshold", net.styles["label"])
    sheet.texts[(row + 1, column)] = Text(style=net.styles["switch"], value=THRESHOLD)
    sheet.notes[(row + 1, column)] = "From this output on the answer is yes. Try 0.3 or 0.9."
    for i, (word, name) in enumerate((("below", names[0]), ("at or above", names[1]))):
        sheet.write(row + 2 + 2 * i, column, word, net.styles["label"])
        sheet.texts[(row + 3 + 2 * i, column)] = Text(name, net.styles["input"])
    at = [absolute(cell_name(((row + k) << 14) + column)) for k in (1, 3, 5)]
    values = np.asarray(block.values)
    for i in range(n):
        cell = cell_name(block.first + (i << 14))
        formula = f"IF({cell}>={at[0]},{at[2]},{at[1]})"
        sheet.texts[(TOP + i, column)] = answer(net, sheet, block, cell, formula, names[int(values[i, 0] >= THRESHOLD)])
    net.answer = f"'{sheet.title}'!{absolute(cell_name((TOP << 14) + column))}", names[int(values[0, 0] >= THRESHOLD)]
    net.plan.names["threshold"] = (sheet.number, at[0])
    net.winner = (sheet, column, names)
    widen(sheet, column + 1, GAP)
    return column + 2
