"""What invites to play: the winning class in words, and the threshold of a yes-or-no prediction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from weightlens.words.layer_words import is_yes_or_no, shares
from weightlens.workbook.formulas.cell_arrays import ROW, absolute, cell_name, rectangle
from weightlens.workbook.layout.plan import Placed
from weightlens.workbook.sheets import target
from weightlens.workbook.sheets.frame import GAP, HEAD, LABEL, MATH, TOP, widen
from weightlens.workbook.sheets.network import Drawn, NetworkSheets, Winner
from weightlens.workbook.sheets.parts.room import make_room
from weightlens.workbook.sheets.target import THRESHOLD
from weightlens.workbook.xlsx import charts
from weightlens.workbook.xlsx.blocks import Text
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.pages import width_of


def made_up(net: NetworkSheets) -> str:
    """Where the inputs come from, as a sentence after others, if nobody gave any."""
    return f" {net.made_up[0].upper()}{net.made_up[1:]}." if net.made_up else ""


def winners(net: NetworkSheets, sheet: Sheet, column: int, samples: int) -> tuple[Winner | None, int]:
    """Right of the steps: the winning class in words, or yes or no by a threshold; and the column after it."""
    winner = None
    for x in net.plan.trace.results:
        placed = net.plan.placed.get(id(x))
        if placed is None or x.ndim != 2 or x.shape[0] != samples:
            continue
        if x.shape[1] > 1 and (shares(x) or len(net.options.labels) == x.shape[1]):
            winner, column = winner_column(net, sheet, placed, column), column + 2
        elif is_yes_or_no(x):
            winner, column = threshold_column(net, sheet, placed, column), column + 2
    return winner, column


def layer_winner(net: NetworkSheets, sheet: Sheet, path: str, drawn: Drawn) -> Drawn:
    """On a layer's own sheet: the winner right of its outputs, or under them where a sample is a column."""
    winner, targets = drawn.winner, drawn.targets
    for x in net.plan.trace.results:
        placed = net.plan.placed.get(id(x))
        if placed is None or x.layer != path or x.ndim != 2 or placed.block.row != TOP:
            continue
        a, right = placed.block.arrangement, 1 + max(block.column + block.arrangement.width for block in sheet.blocks)
        named = shares(x) or len(net.options.labels) == x.shape[1] > 1
        if named and a.column_axes == (0,):
            winner = winner_row(net, sheet, placed)
        elif named:
            winner, right = winner_column(net, sheet, placed, right), right + 2
        elif is_yes_or_no(x):
            winner, right = threshold_column(net, sheet, placed, right), right + 2
        if net.options.target is not None and len(net.options.target) == x.shape[0] and a.column_axes != (0,):
            targets, _ = target.true_answers(net, sheet, right, x.shape[0], winner)
        if x.shape[0] <= charts.MOST_SAMPLES and x.shape[1] <= charts.MOST_BARS:
            row, column = (HEAD, right + 2) if a.column_axes == (0,) else (2 + max(b.row + b.arrangement.height for b in sheet.blocks), 1)
            sheet.finishing.append(charts.bars(placed.block, row, column, shares(x), "output of each sample"))
    return replace(drawn, winner=winner, targets=targets)


def winner_row(net: NetworkSheets, sheet: Sheet, placed: Placed) -> Winner:
    """The label beside the largest output of each sample, under the sample's column."""
    block = placed.block
    units = block.arrangement.shape[1]
    names, values = net.options.class_names(units), np.asarray(block.values)
    labels = rectangle(block.first - 1, block.first - 1 + (units - 1) * ROW)
    row = TOP + units + 1
    sheet.down(TOP, block.column - 1, names, net.styles, "label right")
    sheet.write(row, block.column - 1, "winner", net.styles["label right"])
    winners = [names[int(value.argmax())] for value in values]
    for i, name in enumerate(winners):
        area = f"{cell_name(block.first + i)}:{cell_name(block.first + i + (units - 1) * ROW)}"
        formula = f"INDEX({labels},MATCH(MAX({area}),{area},0),1)"
        put_answer(net, sheet, (row, block.column + i), placed, area, formula, name)
    return winner_of(sheet, placed, row, block.column, names, winners, across=True)


def output_in_words(net: NetworkSheets, placed: Placed) -> str:
    """``output``; of a network with several, which of them."""
    return f"output of {placed.layer}" if len(net.plan.trace.results) > 1 else "output"


def winner_of(sheet: Sheet, placed: Placed, row: int, column: int, names: list[str], classes: list[str], across: bool = False) -> Winner:
    """The winner whose first cell is this one."""
    first, more = row * ROW + column, len(classes) - 1
    cells = rectangle(first, first + more * (1 if across else ROW))
    there = f"'{sheet.title}'!"
    return Winner(column, there + absolute(cell_name(first)), names, classes, placed.layer, there + cells, across)


def put_answer(net: NetworkSheets, sheet: Sheet, place: tuple[int, int], placed: Placed, area: str, formula: str, value: str) -> None:
    """A class in words; nothing where the output is still to be filled in by a student, and on paper the class is, too."""
    look = net.styles["winner"]
    sheet.texts[place] = Text(style=look, formula=formula, value=value)
    if net.is_blank(placed.made):
        waits = f'IF(COUNT({area})<{placed.block.arrangement.shape[-1]},"",{formula})'
        sheet.texts[place] = Text(style=net.styles["answer"]) if net.printed else Text(style=look, formula=waits, value="")
    sheet.solved[place] = Text(value, look)


def caption(net: NetworkSheets, sheet: Sheet, column: int, name: str, words: str, classes: list[str]) -> None:
    """The caption over one column of classes."""
    widen(sheet, column, max(12, max(map(len, classes)) * 1.2 + 2))
    sheet.write(HEAD, column, name, net.styles["caption"])
    sheet.write(MATH, column, words, net.styles["math"])
    make_room(sheet, MATH, words, width_of(sheet, column))
    sheet.write(LABEL, column, "class", net.styles["label"])


def winner_column(net: NetworkSheets, sheet: Sheet, placed: Placed, column: int) -> Winner:
    """The label over the largest output of each sample; takes this column and a narrow one."""
    block, width = placed.block, placed.block.arrangement.shape[1]
    names, values = net.options.class_names(width), np.asarray(block.values)
    caption(net, sheet, column, "winner", f"class with the largest {output_in_words(net, placed)}", names)
    heads = block.first + (LABEL - TOP) * ROW
    labels = rectangle(heads, heads + width - 1)
    winners = [names[int(value.argmax())] for value in values]
    for i, name in enumerate(winners):
        first = block.first + i * ROW
        area = f"{cell_name(first)}:{cell_name(first + width - 1)}"
        formula = f"INDEX({labels},1,MATCH(MAX({area}),{area},0))"
        put_answer(net, sheet, (TOP + i, column), placed, area, formula, name)
    sheet.notes[(TOP, column)] = "The class with the largest output: INDEX picks the label that stands over it."
    widen(sheet, column + 1, GAP)
    return winner_of(sheet, placed, TOP, column, names, blank_or(net, placed, winners))


def blank_or(net: NetworkSheets, placed: Placed, classes: list[str]) -> list[str]:
    """The classes that the cells show: none while the output is still to be filled in."""
    return [""] * len(classes) if net.is_blank(placed.made) else classes


def threshold_column(net: NetworkSheets, sheet: Sheet, placed: Placed, column: int) -> Winner:
    """Yes or no: which side of the threshold the output is on; the threshold and both words can be changed."""
    block, names = placed.block, list(net.options.labels) if len(net.options.labels) == 2 else ["no", "yes"]
    caption(net, sheet, column, "class", f"{output_in_words(net, placed)} \u2265 threshold?", names)
    row = TOP + block.arrangement.shape[0] + 2
    sheet.write(row, column, "threshold", net.styles["label"])
    sheet.texts[(row + 1, column)] = Text(style=net.styles["switch"], value=THRESHOLD)
    sheet.notes[(row + 1, column)] = "From this output on the answer is yes. Try 0.3 or 0.9."
    for i, (word, name) in enumerate((("below", names[0]), ("at or above", names[1]))):
        sheet.write(row + 2 + 2 * i, column, word, net.styles["label"])
        sheet.texts[(row + 3 + 2 * i, column)] = Text(name, net.styles["input"])
    threshold, below, above = (absolute(cell_name((row + k) * ROW + column)) for k in (1, 3, 5))
    answers = [names[int(value >= THRESHOLD)] for value in np.asarray(block.values)[:, 0]]
    for i, name in enumerate(answers):
        cell = cell_name(block.first + i * ROW)
        put_answer(net, sheet, (TOP + i, column), placed, cell, f"IF({cell}>={threshold},{above},{below})", name)
    net.plan.names["threshold"] = (sheet.number, threshold)
    widen(sheet, column + 1, GAP)
    return winner_of(sheet, placed, TOP, column, names, blank_or(net, placed, answers))
