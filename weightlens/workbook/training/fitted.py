"""The Fitted sheet: the network's prediction between the samples, with the weights of the chosen epoch.

One input that varies gives a curve with the samples as points; two give a map, coloured live. The answers are a
forward pass on a grid of inputs, recorded like any other, that reads the weights from the One step sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from weightlens.model import Model
from weightlens.recording import Recorded
from weightlens.training.epoch import Epoch
from weightlens.training.record import forward_at_start
from weightlens.words.layer_words import is_yes_or_no, shares
from weightlens.workbook.formulas.cell_arrays import COLUMN, Cells, rectangle, refer
from weightlens.workbook.formulas.promote import promoted
from weightlens.workbook.formulas.translate import Formulas
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.sheets.frame import GAP, widen
from weightlens.workbook.training.epochs_sheet import numbers_of_frozen, style_of
from weightlens.workbook.training.one_step import OneStep
from weightlens.workbook.training.training_labels import PER_POINT, is_one_per_sample
from weightlens.workbook.xlsx.blocks import Block
from weightlens.workbook.xlsx.book import Book, Sheet
from weightlens.workbook.xlsx.styles import Styles

POINTS, SIDE = 41, 15  # of a curve, and along each side of a map
MAP_TOP, HEAD, BESIDE, BESIDE_CURVE = 5, 3, SIDE + 4, 11  # rows; the column where the arithmetic of the picture begins
MOST_LABELS = 200
HINT = "What the network answers between the samples, with the weights of the epoch chosen on One step."
SQUARE, SQUARE_HEIGHT = 5.2, 27.0  # characters and points of a cell of the map


def fitted_sheet(book: Book, model: Model, epoch: Epoch, step: OneStep, styles: Styles, labels: list[str]) -> None:
    """Add the sheet if one or two columns of the only input vary."""
    x = epoch.trace.inputs[0].value
    varying = [j for j in range(x.shape[-1]) if np.ptp(x[:, j])] if x.ndim == 2 and len(epoch.trace.inputs) == 1 else []
    if len(varying) not in (1, 2) or epoch.targets.ndim != 2:
        return
    sheet = book.sheet("Fitted", hint=HINT)
    step.show_epoch(sheet, 2)
    names = labels if len(labels) == x.shape[-1] else [f"x{j}" for j in range(x.shape[-1])]
    axes = [np.linspace(*_span(x[:, j]), POINTS if len(varying) == 1 else SIDE).round(6) for j in varying]
    answers, first, y = _answers(sheet, model, step, varying, axes, names)
    if len(varying) == 1:
        sheet.finishing.append(_curve(book, step, first, answers, epoch, names[varying[0]]))
        return
    _map(sheet, styles, answers, axes, [names[j] for j in varying], shares(y) or is_yes_or_no(y))


def _span(column: np.ndarray) -> tuple[float, float]:
    margin = 0.25 * float(np.ptp(column))
    return float(column.min()) - margin, float(column.max()) + margin


def _answers(
    sheet: Sheet, model: Model, step: OneStep, varying: list[int], axes: list[np.ndarray], labels: list[str]
) -> tuple[Block, Block, Recorded]:
    """The forward pass on the grid, its blocks side by side; returns the blocks of outputs and inputs, and the outputs."""
    epoch, styles, x = step.epoch, step.styles, step.epoch.trace.inputs[0].value
    mesh = np.meshgrid(*axes, indexing="ij")
    grid = np.repeat(x[:1], mesh[0].size, axis=0)
    for j, values in zip(varying, mesh, strict=True):
        grid[:, j] = values.reshape(-1)
    inputs = Recorded(grid, kind="input", name="input")
    with np.errstate(all="ignore"):
        trace = forward_at_start(model, epoch, [inputs])
    places: dict[int, Cells] = step.places | numbers_of_frozen(trace.results, step.places)
    formulas = Formulas(lambda y: places.get(id(y)))
    top, column = MAP_TOP, BESIDE if len(varying) == 2 else BESIDE_CURVE
    blocks: dict[int, Block] = {}
    for name, y in [("input", inputs), *((s.name, s.made) for s in promoted(trace.steps))]:
        look = style_of(styles, "constant" if y is inputs else "step", y.value)
        block = Block(in_rows(y.shape), y.value, look)
        if y.op is not None:
            block.make = partial(formulas.step, y)
        width = block.arrangement.width
        sheet.write(HEAD, column, name, styles["caption left"])
        for j in range(min(width, MOST_LABELS)):
            label = labels[j] if y is inputs else PER_POINT if is_one_per_sample(y) else f"unit {j}"
            sheet.write(HEAD + 1, column + j, label, styles["label"])
            widen(sheet, column + j, max(sheet.default_width, len(label) + 1, (len(name) * 1.2 + 1) / width))
        blocks[id(y)] = sheet.put(block, top, column)
        places[id(y)] = block.cells
        widen(sheet, column + width, GAP)
        column += width + 1
    return blocks[id(trace.results[0])], blocks[id(inputs)], trace.results[0]


def _map(sheet: Sheet, styles: Styles, answers: Block, axes: list[np.ndarray], names: list[str], probable: bool) -> None:
    """A coloured map of the output: the first input across, the second up. Of several outputs, the last is shown.

    ``probable``: it is how probable a class is, and has the colours of classes.
    """
    shape = (SIDE, SIDE)
    cells = answers.cells[:, -1].reshape(shape).T[::-1]
    values = np.asarray(answers.values)[:, -1].reshape(shape).T[::-1]
    last = answers.arrangement.width - 1
    what = f"the answer of unit {last}" if last else "the answer"
    scale = "from 0 (blue) to 1 (orange); white is undecided" if probable else "blue is above 0, orange below"
    sheet.write(HEAD, 1, f"{names[0]} across, {names[1]} up: {what} at each point, {scale}.", styles["caption left"])
    picture = Block(
        in_rows(shape),
        values,
        styles.numbers("step", values, small=True),
        make=lambda: refer(cells),
    )
    sheet.put(picture, MAP_TOP, 2)
    sheet.heats.append((picture.area, "classes" if probable else "both signs"))
    sheet.put(Block(in_rows((1, SIDE)), axes[0][None].round(2), styles["label"]), MAP_TOP - 1, 2)
    sheet.put(Block(in_rows((SIDE, 1)), axes[1][::-1, None].round(2), styles["label right"]), MAP_TOP, 1)
    for i in range(SIDE):
        sheet.widths[(2 + i, 2 + i)], sheet.heights[MAP_TOP + i] = SQUARE, SQUARE_HEIGHT
    sheet.print_area = f"A1:{COLUMN[BESIDE - 2]}{MAP_TOP + SIDE + 1}"  # without the arithmetic beside the map


def _curve(book: Book, step: OneStep, x: Block, answers: Block, epoch: Epoch, name: str) -> Callable[[Any], None]:
    """The output as a line, with the samples as points."""
    given = epoch.trace.inputs[0].value

    def finish(page: Any) -> None:
        from openpyxl.chart import Series

        from weightlens.workbook.xlsx.charts import COLOURS, as_line, scatter

        varying = next(j for j in range(given.shape[-1]) if np.ptp(given[:, j]))

        def on_data(y: Recorded, column: int) -> str:
            """The cells of an input or target column on the Data sheet."""
            cells = step.places[id(y)][:, column]
            return f"'{book.titles[0]}'!{rectangle(int(cells[0]), int(cells[-1]))}"

        chart = scatter("the network's answer", 17, 9, (name, ""))
        across, up = (f"'{page.title}'!{block.column_area(block.arrangement.width - 1)}" for block in (x, answers))
        line = as_line(Series(up, across, title="network"), COLOURS[0], 22000)
        points = Series(on_data(epoch.targets, -1), on_data(epoch.trace.inputs[0], varying), title="samples")
        points.marker.symbol, points.marker.size = "circle", 7
        points.marker.graphicalProperties.solidFill = COLOURS[1]
        points.graphicalProperties.line.noFill = True
        chart.series += [line, points]
        page.add_chart(chart, f"B{HEAD + 1}")

    return finish
