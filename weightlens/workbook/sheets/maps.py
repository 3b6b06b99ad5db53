"""What the network answers everywhere: a curve over its only input, or a map over its two inputs, all of it live.

The grid points are further samples: the network is recorded on them once more, and its formulas read the same yellow
cells. The steps of a layer are fused into one block, on a sheet of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from weightlens.engine.forward import trace
from weightlens.recording import Recorded, Step
from weightlens.words.layer_words import is_yes_or_no, shares
from weightlens.workbook.formulas.cell_arrays import COLUMN, ROW, Area, Cells, Expression, combine, refer
from weightlens.workbook.formulas.promote import fuse, with_operands
from weightlens.workbook.formulas.translate import Formulas
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.sheets.controls import control
from weightlens.workbook.sheets.frame import HEAD, LABEL, SQUARE_HEIGHT, TOP, widen
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.xlsx import charts
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Sheet

POINTS, SIDE = 41, 21  # points of a curve, points along each side of a map
MOST_OUTPUTS = 6


class Run(NamedTuple):
    """The network on the points of a map: its steps with their blocks, in order, and the block of the output."""

    steps: list[tuple[Step, Block]]
    output: Block


def draw(net: NetworkSheets, targets: str) -> Run | None:
    """The curve or the map, where the network has one input of one or two numbers and one small output; returns the run behind a map.

    ``targets`` is the area of the true answers, empty where there are none.
    """
    inputs, results = net.plan.trace.inputs, net.plan.trace.results
    if not net.plan.one_sheet or len(inputs) != 1 or len(results) != 1:  # on one sheet stand tables only
        return None
    if inputs[0].dtype.kind == "U" or not np.isfinite(inputs[0].value).all():
        return None
    wide, out = inputs[0].shape[1], results[0].shape[1]
    if out > MOST_OUTPUTS or results[0].shape[0] != inputs[0].shape[0] or net.plan.placed.get(id(results[0])) is None:
        return None
    if wide == 1:
        draw_curve(net, inputs[0], results[0], targets)
    elif wide == 2:
        return draw_map(net, inputs[0], results[0])
    return None


def span(values: np.ndarray) -> tuple[float, float]:
    """From where to where: the samples and a bit around them, in round numbers."""
    low, high = float(np.min(values)), float(np.max(values))
    margin = max((high - low) * 0.25, 0.5 if high == low else 0.0)
    unit = 10.0 ** np.floor(np.log10(max(high - low, 1.0))) / 4
    return float(np.floor((low - margin) / unit) * unit), float(np.ceil((high + margin) / unit) * unit)


def network_on(net: NetworkSheets, sheet: Sheet, points: np.ndarray, grid: Block, column: int) -> Run:
    """The network on the points of a grid, with the yellow cells of the first run: blocks from left to right."""
    recorded = with_operands(fuse(trace(net.model, points))[0])
    weights = {(p.layer, p.name): p.made for p in net.plan.placed.values() if p.kind == "weight"}
    blocks = {id(recorded.inputs[0]): grid}

    def cells(x: Recorded) -> Cells | None:
        if x.kind == "weight":
            return net.plan.cells(weights[(x.layer, x.name)])
        return blocks[id(x)].cells if id(x) in blocks else None

    formulas = Formulas(cells)
    for step in recorded.steps:
        block = Block(in_rows(step.made.shape), step.made.value, net.styles.numbers("step", step.made.value))
        block.make = partial(formulas.step, step.made) if step.made.op is not None else None
        sheet.write(HEAD, column, step.layer, net.styles["caption left"])
        sheet.write(LABEL, column, step.name, net.styles["label left"])
        blocks[id(step.made)] = sheet.put(block, TOP, column)
        column += block.arrangement.width + 1
    return Run([(step, blocks[id(step.made)]) for step in recorded.steps], blocks[id(recorded.results[0])])


def axis(sheet: Sheet, places: Sequence[int], bounds: tuple[str, str], values: np.ndarray, style: int) -> None:
    """Evenly spaced numbers between two cells: each is a formula of the bounds."""
    low, high = bounds
    last = len(places) - 1
    for i, (address, value) in enumerate(zip(places, values.tolist(), strict=True)):
        formula = low if i == 0 else f"{low}+({high}-{low})*{i}/{last}"
        sheet.texts[((address >> 14) & (ROW * 64 - 1), address & (ROW - 1))] = Text(style=style, formula=formula, value=value)


def draw_curve(net: NetworkSheets, x: Recorded, y: Recorded, targets: str) -> None:
    """The prediction for 41 points of the only input, and the samples on it."""
    hint = "What the network answers from one end to the other. Change the range, a weight, or a sample."
    sheet = net.plan.sheet("Curve", hint=hint)
    low, high = span(x.value)
    start = control(net, sheet, 1, "from", low)
    end = control(net, sheet, start.after, "to", high)
    values = low + (high - low) * np.arange(POINTS) / (POINTS - 1)
    base = sheet.number << 34
    axis(sheet, [base + ((TOP + i) << 14) + 1 for i in range(POINTS)], (start.place, end.place), values, net.styles["step"])
    name = (net.options.input_labels or ("x0",))[0]
    sheet.write(HEAD, 1, "input", net.styles["caption"])
    sheet.write(LABEL, 1, name, net.styles["label"])
    grid = Block(in_rows((POINTS, 1)), values[:, None], first=base + (TOP << 14) + 1)
    output = network_on(net, sheet, values[:, None], grid, 3).output
    names = net.options.class_names(y.shape[1], shares(y))
    lines = [(output, j, "prediction" if y.shape[1] == 1 else names[j]) for j in range(y.shape[1])]
    samples = net.plan.placed[id(x)].block, net.plan.placed[id(y)].block
    where = [f"'{net.home.title}'!{block.area}" for block in samples]
    points = [("samples", where[0], where[1])] if y.shape[1] == 1 else []
    points += [("target", where[0], targets)] if targets and y.shape[1] == 1 else []
    right = output.column + output.arrangement.width + 1
    sheet.finishing.append(charts.curve(grid, lines, points, f"{COLUMN[right]}{HEAD + 1}", f"prediction against {name}"))
    sheet.freeze = (TOP, 1)


def draw_map(net: NetworkSheets, x: Recorded, y: Recorded) -> Run:
    """21 x 21 live predictions over the two inputs, in colour; the run behind them, on a sheet of its own, is returned."""
    names = net.options.input_names(2)
    hint = "What the network answers everywhere. Change the range, or a weight, and the map changes."
    sheet = net.plan.sheet("Map", "Decision map", hint=hint)
    hint = "Each row is one point of the map, run through the network; a block per layer. On paper only the first rows."
    behind = net.plan.sheet("Map steps", "Map steps: behind the map", hint=hint)
    behind.printed_rows = TOP + SIDE
    base = sheet.number << 34
    sheet.default_height = SQUARE_HEIGHT
    for j in range(SIDE + 1):
        widen(sheet, 1 + j, 4.6)
    ends, values, column = [], [], 1
    for name, numbers in zip(names, x.value.T, strict=True):
        low, high = span(numbers)
        start = control(net, sheet, column, f"{name} from", low)
        end = control(net, sheet, start.after, "to", high)
        column = end.after
        ends.append((start.place, end.place))
        values.append(low + (high - low) * np.arange(SIDE) / (SIDE - 1))
    small = net.styles.numbers("label", None, small=True)
    across = [base + ((TOP + SIDE) << 14) + 2 + j for j in range(SIDE)]
    down = [base + ((TOP + SIDE - 1 - i) << 14) + 1 for i in range(SIDE)]
    axis(sheet, across, ends[0], values[0], small)
    axis(sheet, down, ends[1], values[1], small)
    sheet.write(TOP + SIDE + 1, 2 + SIDE // 2, names[0], net.styles["caption left"])
    sheet.write(TOP + SIDE // 2, 0, names[1], net.styles["caption"])
    points = np.stack(np.meshgrid(values[0], values[1][::-1]), axis=-1).reshape(-1, 2)
    cells = np.stack([np.tile(across, SIDE), np.repeat(down[::-1], SIDE)], axis=-1)
    arrangement = in_rows(points.shape)
    grid = behind.put(Block(arrangement, points, net.styles["step"], make=lambda: refer(cells)), TOP, 1)
    behind.across(LABEL, 1, names, net.styles, "label")
    run = network_on(net, behind, points, grid, 4)
    behind.freeze = (TOP, 0)
    paint(net, sheet, run.output, y)
    return run


def paint(net: NetworkSheets, sheet: Sheet, output: Block, y: Recorded) -> None:
    """The coloured squares: the output of each point; of many classes, the number of the winner."""
    answers, width = np.asarray(output.values), output.arrangement.width
    square = in_rows((SIDE, SIDE))
    probable = shares(y) or is_yes_or_no(y)
    shown = width - 1 if width <= 2 else 0
    names = net.options.class_names(width, shares(y))
    if width <= 2:
        what = f"{'probability' if probable else 'output'} of {names[-1]}" if width == 2 else "the prediction"
        if probable:
            low, high = names if width == 2 else ("0", "1")
            what += f": from {low} (blue) to {high} (orange); white is undecided"
        values, cells = answers[:, shown], output.cells[:, shown].reshape(SIDE, SIDE)
        made = refer(cells)
    else:
        what = "number of the largest output: " + ", ".join(f"{j} {name}" for j, name in enumerate(names))
        values, first = answers.argmax(axis=1), output.cells[:, 0].reshape(SIDE, SIDE)
        row = Expression((SIDE, SIDE), [[Area(first, 1, width)]])
        made = combine(["MATCH(MAX(", row, "),", row, ",0)-1"], (SIDE, SIDE))
    block = Block(
        square,
        values.reshape(SIDE, SIDE).astype(float),
        net.styles.numbers("step", None, small=True),
        make=lambda: made,
    )
    sheet.put(block, TOP, 2)
    sheet.write(LABEL, 2, what, net.styles["caption left"])
    scale = "both signs" if float(values.min()) < 0 < float(values.max()) else "size"
    sheet.heats.append((block.area, "classes" if probable and width <= 2 else scale))
