"""The one sheet of a small dense network: a row per sample, a column per unit, steps from left to right, weights below.

Weights stand under the columns that they make, so that "row of inputs times column of weights" is something to see.
"""

from __future__ import annotations

from weightlens.words.captions import shape_words
from weightlens.words.layer_words import in_framework_words, model_line, shares
from weightlens.workbook.formulas.cell_arrays import COLUMN
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.layout.plan import Placed
from weightlens.workbook.sheets.frame import GAP, HEAD, LABEL, SECTION, TOP, column_after, legend, widen, width_of
from weightlens.workbook.sheets.network import Drawn, NetworkSheets
from weightlens.workbook.sheets.play import made_up, winners
from weightlens.workbook.sheets.target import true_answers
from weightlens.workbook.xlsx import charts
from weightlens.workbook.xlsx.blocks import Text
from weightlens.workbook.xlsx.book import Sheet

FAR, FEW_ANSWERS = 16, 4  # columns of steps that fit a screen beside the inputs; answers that are shown twice
CHART_WIDTH, CHART_ROWS = 56, 14  # characters and rows that a chart takes
TASK = "Fill in the dashed cells: by hand, or with a formula. Green is right, red is not. Point at a cell with a corner for help."
HINT = "Change a blue cell (input) or a yellow cell (weight) and watch the prediction move."


def tutorial(net: NetworkSheets) -> Drawn:
    """All of the network on one sheet."""
    hint = (TASK if net.options.blanks else HINT) + made_up(net)
    sheet = net.plan.sheet("network", net.title, model_line(net.model), hint, numbered=True)
    inputs = net.plan.trace.inputs
    samples = max((x.shape[0] for x in inputs), default=1)
    sheet.write(LABEL, 0, "sample", net.styles["label right"])
    for i in range(samples):
        sheet.texts[(TOP + i, 0)] = Text(style=net.styles["label right"], value=i + 1)
    column = 1
    for k, x in enumerate(inputs):
        column += net.put_input(sheet, k, x, HEAD, column)
        column = gap(sheet, column)
    beside = column if far_away(net) else 0
    column = gap(sheet, column + sum(x.shape[1] for x in net.plan.trace.results)) if beside else column
    heights = (net.plan.placed[id(step.made)].block.arrangement.height for step in net.plan.steps)
    under = TOP + max([samples, *heights]) + 2  # a constant may be taller than the samples are many
    weights, below, right = steps(net, sheet, column, under)
    weighted = max([0, *(p.block.column + p.block.arrangement.width for p in weights)])
    if beside:
        repeat_answers(net, sheet, beside)
    winner, column = winners(net, sheet, right, samples)
    targets = ""
    if net.options.target is not None and len(net.options.target) == samples:
        targets, column = true_answers(net, sheet, column, samples, winner)
    row = max(under, below) + 1
    row = max(row, chart(net, sheet, weighted + 1, right, under, weights))
    row = paths(net, sheet, weights, row)
    names = ("input", "weight", "step", *(["off"] if any(name == "dead" for _, name, _ in sheet.rules) else []), "output")
    legend(sheet, row, 1, net.styles, (*names, "answer") if net.options.blanks else names)
    net.finish(sheet)
    return Drawn(dict.fromkeys((step.layer for step in net.plan.steps), sheet), winner, targets)


def far_away(net: NetworkSheets) -> bool:
    """Whether the answers stand so far right of the inputs that nobody would see them move."""
    results = net.plan.trace.results
    wide = sum(step.made.shape[1] + 1 for step in net.plan.steps if step.made.ndim == 2)
    samples = {x.shape[0] for x in net.plan.trace.inputs}
    small = all(x.ndim == 2 and x.shape[1] <= FEW_ANSWERS and {x.shape[0]} == samples and id(x) in net.plan.placed for x in results)
    return wide > FAR and small and not net.options.blanks


def repeat_answers(net: NetworkSheets, sheet: Sheet, column: int) -> None:
    """The answers once more beside the inputs."""
    for x in net.plan.trace.results:
        original = net.plan.placed[id(x)]
        block = net.plan.mirror(x, in_rows(x.shape))
        net.columns(sheet, column, block.arrangement, False, "answer")
        net.caption(sheet, HEAD, column, block.arrangement.width, "answer", f"from column {COLUMN[original.block.column]}")
        net.labels(sheet, LABEL, column, net.classes(x) or net.over(original))
        sheet.put(block, TOP, column, net.styles.numbers("output", x.value, share=shares(x)))
        column += x.shape[1]


def chart(net: NetworkSheets, sheet: Sheet, left: int, right: int, row: int, weights: list[Placed]) -> int:
    """Bars of the outputs beside the weights, or under the first of them; returns the row after them."""
    made = [x for x in net.plan.trace.results if x.ndim == 2 and id(x) in net.plan.placed]
    results = [net.plan.placed[id(x)].block for x in made]
    if len(results) != 1 or results[0].arrangement.height > charts.MOST_SAMPLES:
        return row
    if sum(width_of(sheet, c) for c in range(left, right)) < CHART_WIDTH:
        reach, left = column_after(sheet, 1, CHART_WIDTH), 1
        above = (p.block.row + p.block.arrangement.height for p in weights if p.block.column <= reach)
        row = max([row, *above]) + 1
    sheet.finishing.append(charts.bars(results[0], row, left, shares(made[0]), "output of each sample"))
    return row + CHART_ROWS


def steps(net: NetworkSheets, sheet: Sheet, column: int, under: int) -> tuple[list[Placed], int, int]:
    """The steps side by side, each with the weights that make it below; returns these, the row and the column after them."""
    weights: list[Placed] = []
    names = net.options.input_names(net.plan.trace.inputs[0].shape[-1])
    start, below, begun = column, 0, set[str]()
    for step in net.plan.steps:
        if step.layer not in begun:
            begun.add(step.layer)
            start = column
            sheet.write(SECTION, column, in_framework_words(net.model, step.layer), net.styles["section"])
        width = net.put_step(sheet, step, column)
        row = under
        for placed in net.plan.weights_of[id(step.made)]:
            weights.append(placed)
            row = net.put_weight(sheet, placed, row, column, names) + 1
            below = max(below, row)
        if step.made.ndim == 2:
            names = [f"unit {i}" for i in range(step.made.shape[1])]
        column += width
        for c in range(start, column):  # the line under a layer's heading
            sheet.texts.setdefault((SECTION, c), Text(style=net.styles["section"]))
        column = gap(sheet, column)
    return weights, below, column


def gap(sheet: Sheet, column: int) -> int:
    """A narrow empty column; returns the one after it."""
    widen(sheet, column, GAP)
    return column + 1


def paths(net: NetworkSheets, sheet: Sheet, weights: list[Placed], row: int) -> int:
    """Where in the file each weight comes from; returns the row after."""
    if not weights:
        return row
    sheet.write(row, 0, "yellow: from the file", net.styles["path"])
    second = column_after(sheet, 0, 20)
    third = column_after(sheet, second, max(len(f"{p.layer}/{p.name} (00, 00)") for p in weights) * 0.95)
    for placed in weights:
        sheet.write(row, second, f"{placed.layer}/{placed.name} {shape_words(placed.made.shape)}", net.styles["path"])
        source = placed.made.source
        if source is not None:
            sheet.write(row, third, source.path + (f" ({source.note})" if source.note else ""), net.styles["path"])
        row += 1
    return row + 1
