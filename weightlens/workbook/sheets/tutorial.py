"""The one sheet of a small dense network: a row per sample, a column per unit, steps from left to right, weights below.

Weights stand under the columns that they make, so that "row of inputs times column of weights" is something to see.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from weightlens.recording import Recorded, Step
from weightlens.recording.graph import named_operands
from weightlens.specs.sizes import tuple_text
from weightlens.words.layer_words import in_framework_words, model_line, shares
from weightlens.workbook.formulas.cell_arrays import COLUMN
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.layout.plan import Placed, Plan
from weightlens.workbook.sheets.frame import GAP, HEAD, LABEL, SECTION, TITLES, TOP, column_after, legend, section, widen
from weightlens.workbook.sheets.network import Drawn, NetworkSheets
from weightlens.workbook.sheets.parts.input_blocks import put_input
from weightlens.workbook.sheets.parts.room import columns
from weightlens.workbook.sheets.play import made_up, winners
from weightlens.workbook.sheets.target import true_answers
from weightlens.workbook.xlsx import charts
from weightlens.workbook.xlsx.blocks import Text
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.pages import width_of

FAR, FEW_ANSWERS = 16, 4  # columns of steps that fit a screen beside the inputs; answers that are shown twice
CHART_WIDTH, CHART_ROWS = 56, 14  # characters and rows that a chart takes
TASK = "Fill in the dashed cells: by hand, or with a formula. Green is right, red is not. Point at a cell with a corner for help."
HINT = "Change a blue cell (input) or a yellow cell (weight) and watch the prediction move."
MOST_BRANCHES = 4  # branches under each other


@dataclass(frozen=True)
class Laid:
    """What was drawn: its weights, the row from which on they stand, the row and the column after all of it."""

    weights: list[Placed]
    under: int
    below: int
    right: int


def tutorial(net: NetworkSheets) -> Drawn:
    """All of the network on one sheet; several inputs as branches under each other, which meet on the right."""
    hint = (TASK if net.options.blanks else HINT) + made_up(net)
    sheet = net.plan.sheet("network", net.title, model_line(net.model), hint, numbered=True)
    samples = max((x.shape[0] for x in net.plan.trace.inputs), default=1)
    apart, together = branches(net.plan)
    parts, head = list[Laid](), HEAD
    for branch in apart:
        parts.append(draw(net, sheet, branch, head, samples))
        head = parts[-1].below + 2
    laid = parts[0]
    if together:
        parts.append(steps(net, sheet, together, max(part.right for part in parts), HEAD))
        below = max(part.below for part in parts)
        laid = Laid([placed for part in parts for placed in part.weights], below, below, parts[-1].right)
    winner, column = winners(net, sheet, laid.right, samples)
    targets = ""
    if net.options.target is not None and len(net.options.target) == samples:
        targets, column = true_answers(net, sheet, column, samples, winner)
    row = paths(net, sheet, laid.weights, max(laid.below, chart(net, sheet, laid)) + 1)
    names = ("input", "weight", "step", *(["off"] if any(name == "dead" for _, name, _ in sheet.rules) else []), "output")
    legend(sheet, row, 1, net.styles, (*names, "answer") if net.options.blanks else names, net.printed)
    net.finish(sheet, TOP if len(apart) == 1 else TITLES)
    return Drawn(dict.fromkeys((step.layer for step in net.plan.steps), sheet), winner, targets)


def draw(net: NetworkSheets, sheet: Sheet, branch: Branch, head: int, samples: int) -> Laid:
    """Inputs and the steps that are made of them, a row per sample."""
    sheet.write(head + LABEL - HEAD, 0, "sample", net.styles["label right"])
    for i in range(samples):
        sheet.texts[(head + TOP - HEAD + i, 0)] = Text(style=net.styles["label right"], value=i)
    column, inputs = 1, net.plan.trace.inputs
    for k in (k for k, x in enumerate(inputs) if any(x is y for y in branch.inputs)):
        column = gap(sheet, column + put_input(net, sheet, k, inputs[k], head, column))
    answers = column if len(branch.inputs) == len(inputs) and far_away(net) else 0
    column = gap(sheet, column + sum(x.shape[1] for x in net.plan.trace.results)) if answers else column
    laid = steps(net, sheet, branch.steps, column, head)
    if answers:
        repeat_answers(net, sheet, answers)
    return laid


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
        columns(sheet, column, block.arrangement, x.value, "answer")
        net.caption(sheet, HEAD, column, block.arrangement.width, "answer", f"from column {COLUMN[original.block.column]}")
        sheet.across(LABEL, column, net.classes(x) or net.column_heads(original)[1], net.styles, "label")
        sheet.put(block, TOP, column, net.styles.numbers("output", x.value, share=shares(x)))
        column += x.shape[1]


def chart(net: NetworkSheets, sheet: Sheet, laid: Laid) -> int:
    """Bars of the outputs beside the weights, or under the first of them; returns the row after them."""
    left = 1 + max([0, *(p.block.column + p.block.arrangement.width for p in laid.weights)])
    row = laid.under
    made = [x for x in net.plan.trace.results if x.ndim == 2 and id(x) in net.plan.placed]
    results = [net.plan.placed[id(x)].block for x in made]
    if len(results) != 1 or results[0].arrangement.height > charts.MOST_SAMPLES:
        return row
    if sum(width_of(sheet, c) for c in range(left, laid.right)) < CHART_WIDTH:
        reach, left = column_after(sheet, 1, CHART_WIDTH), 1
        above = (p.block.row + p.block.arrangement.height for p in laid.weights if p.block.column <= reach)
        row = max([row, *above]) + 1
    sheet.finishing.append(charts.bars(results[0], row, left, shares(made[0]), "output of each sample"))
    return row + CHART_ROWS


def steps(net: NetworkSheets, sheet: Sheet, made: list[Step], column: int, head: int) -> Laid:
    """The steps side by side, each with the weights that make it below."""
    heights = (net.plan.placed[id(step.made)].block.arrangement.height for step in made)
    under = head + TOP - HEAD + 2 + max(heights, default=0)
    laid = Laid([], under, under, column)
    start, begun = column, set[str]()
    for step in made:
        if step.layer not in begun:
            begun.add(step.layer)
            start = column
        width = net.put_step(sheet, step, column, head)
        row, names = under, input_names(net, step)
        for placed in net.plan.weights_of[id(step.made)]:
            laid.weights.append(placed)
            row = net.put_weight(sheet, placed, row, column, names) + 1
        column += width
        section(sheet, head - HEAD + SECTION, start, column, in_framework_words(net.plan.trace, step.layer), net.styles)
        column = gap(sheet, column)
        laid = replace(laid, below=max(laid.below, row), right=column)
    return laid


def input_names(net: NetworkSheets, step: Step) -> list[str]:
    """The columns of the input that a step reads."""
    read = next((x for x in named_operands(step.made) if x.kind == "input"), None)
    return [] if read is None else net.options.input_names(read.shape[-1])


def gap(sheet: Sheet, column: int) -> int:
    """A narrow empty column; returns the one after it."""
    widen(sheet, column, GAP)
    return column + 1


def paths(net: NetworkSheets, sheet: Sheet, weights: list[Placed], row: int) -> int:
    """Where in the file each weight comes from; returns the row after."""
    if not weights:
        return row
    sheet.write(row, 1, "yellow: from the file", net.styles["path"])
    second = column_after(sheet, 1, 20)
    third = column_after(sheet, second, max(len(f"{p.layer}/{p.name} (00, 00)") for p in weights) * 0.95)
    for placed in weights:
        sheet.write(row, second, f"{placed.layer}/{placed.name} {tuple_text(placed.made.shape)}", net.styles["path"])
        source = placed.made.source
        if source is not None:
            sheet.write(row, third, source.path + (f" ({source.note})" if source.note else ""), net.styles["path"])
        row += 1
    return row + 1


@dataclass(frozen=True)
class Branch:
    """Some of the inputs, and the steps that need no other one."""

    inputs: list[Recorded]
    steps: list[Step]


def branches(plan: Plan) -> tuple[list[Branch], list[Step]]:
    """One branch for each input, and the steps in which they meet; all in one branch where they meet at once, or are many."""
    inputs = plan.trace.inputs
    reads: dict[int, frozenset[int]] = {id(x): frozenset((k,)) for k, x in enumerate(inputs)}
    for step in plan.steps:
        reads[id(step.made)] = frozenset().union(*(reads.get(id(x), frozenset()) for x in named_operands(step.made)))
    alone = [[step for step in plan.steps if reads[id(step.made)] == {k}] for k in range(len(inputs))]
    if not 1 < len(inputs) <= MOST_BRANCHES or not all(alone):
        return [Branch(inputs, plan.steps)], []
    own = [Branch([x], steps) for x, steps in zip(inputs, alone, strict=True)]
    return own, [step for step in plan.steps if len(reads[id(step.made)]) != 1]
