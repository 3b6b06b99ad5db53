"""Hidden layers drawn: each unit as a map over the plane of two inputs, and the samples as two of the units see them, on a chart."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from weightlens.recording import Step
from weightlens.specs.words.number_words import counted
from weightlens.workbook.formulas.cell_arrays import COLUMN, ROW, cell_name, rectangle, refer
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.layout.plan import weights_read
from weightlens.workbook.neuron.pixel_grids import PIXEL
from weightlens.workbook.sheets.controls import LONGEST_LIST, control, drop_down, in_quotes
from weightlens.workbook.sheets.frame import HEAD, LABEL, SECTION, TOP
from weightlens.workbook.sheets.maps import SIDE, Run
from weightlens.workbook.sheets.network import Drawn, NetworkSheets
from weightlens.workbook.sheets.target import as_answers
from weightlens.workbook.xlsx import charts
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.pages import rows_of_blocks

MOST_CLASSES = 8
NUMBER, CLASS, INPUTS = 0, 1, 2  # columns; the two hidden values come after the inputs
MOST, IN_A_ROW = 48, 8  # maps, and those side by side
WIDTH, HEIGHT = 1.3, 9.0  # of a square and of a line of text


def draw(net: NetworkSheets, drawn: Drawn) -> None:
    """The last hidden layer of two units or more, the samples as points in it, coloured by class."""
    layers = [step for step in hidden_layers(net.plan.steps).values() if step.made.shape[1] > 1 and id(step.made) in net.plan.placed]
    classes = classes_of(net, drawn)
    if not layers or not classes or net.options.blanks or len(classes) != layers[-1].made.shape[0] or len(set(classes)) > MOST_CLASSES:
        return
    made = layers[-1].made
    if not np.isfinite(made.value).all():
        return
    hidden, x = net.plan.placed[id(made)].block, net.plan.trace.inputs[0]
    hint = f"Each sample stands where two units of {layers[-1].layer} put it. Pick other units, or change a weight."
    sheet = net.plan.sheet("Hidden space", "The hidden space", hint=hint)
    units = [f"unit {i}" for i in range(made.shape[1])]
    pair = widest_pair(made.value)
    first = control(net, sheet, INPUTS + x.shape[1], "across", units[pair[0]])
    second = control(net, sheet, first.after + 1, "up", units[pair[1]])
    picked = [f'VALUE(SUBSTITUTE({pick.place},"unit ",""))+1' for pick in (first, second)]
    heads = ("sample", "class", *net.options.input_names(x.shape[1]), "across", "up")
    sheet.across(LABEL, 0, heads, net.styles, "label")
    sheet.write(HEAD, CLASS, "as exported", net.styles["caption"])
    rank = {name: k for k, name in enumerate(dict.fromkeys([*(drawn.winner.classes if drawn.winner else []), *classes]))}
    order = sorted(range(len(classes)), key=lambda i: rank[classes[i]])  # those of a class together: a series of the chart
    for row, i in enumerate(order, TOP):
        write_sample(net, sheet, row, i, classes[i], hidden, list(zip(picked, pair, strict=True)))
    colours = {name: charts.COLOURS[k % len(charts.COLOURS)] for name, k in rank.items()}
    series = [
        (name, colour, rows) for name, colour in colours.items() if (rows := [TOP + j for j, i in enumerate(order) if classes[i] == name])
    ]
    choices = to_choose(net, sheet, units, TOP + len(order) + 1)
    for pick in (first, second):
        sheet.finishing.append(drop_down(pick.place, choices))
    sheet.finishing.append(partial(draw_samples, sheet.title, series, INPUTS + x.shape[1], layers[-1].layer))
    sheet.freeze = (TOP, 0)


def to_choose(net: NetworkSheets, sheet: Sheet, units: list[str], row: int) -> str:
    """The units as a list to choose from; of a long list the cells, which stand below the samples."""
    listed = in_quotes(units)
    if len(listed) <= LONGEST_LIST:
        return listed
    sheet.write(row, NUMBER, "the units", net.styles["caption left"])
    sheet.down(row + 1, NUMBER, units, net.styles, "label left")
    return rectangle((row + 1) * ROW + NUMBER, (row + len(units)) * ROW + NUMBER)


def classes_of(net: NetworkSheets, drawn: Drawn) -> list[str]:
    """The class of each sample: the true one where it is known, else the network's answer as exported."""
    if drawn.winner is None:
        return []
    known = net.options.target is not None and drawn.targets and len(net.options.target) == len(drawn.winner.found)
    return [str(c) for c in as_answers(net.options.target, drawn.winner.classes, len(net.options.target))] if known else drawn.winner.found


def widest_pair(values: np.ndarray) -> tuple[int, int]:
    """The two units between which the samples spread over the largest area."""
    spread = np.cov(values, rowvar=False, ddof=0)  # of one sample: no spread
    area = np.outer(np.diag(spread), np.diag(spread)) - spread**2
    first, second = np.unravel_index(np.argmax(np.triu(area, 1)), area.shape)
    return (int(first), int(second)) if first != second else (0, 1)


def write_sample(net: NetworkSheets, sheet: Sheet, row: int, i: int, name: str, hidden: Block, picked: list[tuple[str, int]]) -> None:
    """One sample: its number, class, inputs, and the two picked hidden values, all but the first two live."""
    x, styles = net.plan.trace.inputs[0], net.styles
    sheet.texts[(row, NUMBER)] = Text(style=styles["label"], value=float(i))
    sheet.write(row, CLASS, name, styles["constant"])
    inputs = net.plan.placed[id(x)].block
    for j, address in enumerate(inputs.cells[i].tolist()):
        formula = f"'{net.plan.titles[address >> 34]}'!{cell_name(address)}"
        sheet.texts[(row, INPUTS + j)] = Text(style=styles["fetched"], formula=formula, value=float(x.value[i, j]))
    cells = hidden.cells[i]
    area = f"'{net.plan.titles[int(cells[0]) >> 34]}'!{rectangle(int(cells[0]), int(cells[-1]))}"
    for j, (unit, now) in enumerate(picked):
        value = float(np.asarray(hidden.values)[i, now])
        sheet.texts[(row, INPUTS + x.shape[1] + j)] = Text(style=styles["step"], formula=f"INDEX({area},1,{unit})", value=value)


def draw_samples(title: str, series: list[tuple[str, str, list[int]]], column: int, layer: str, page: Any) -> None:
    """A point for each sample, a colour for each class."""
    from openpyxl.chart import Series

    chart = charts.scatter(f"the samples in {layer}", 13, 11, ("across", "up"))
    for name, colour, rows in series:
        across, up = (f"'{title}'!{rectangle(rows[0] * ROW + column + j, rows[-1] * ROW + column + j)}" for j in (0, 1))
        chart.series.append(charts.as_dots(Series(up, across, title=name), colour, 9))
    page.add_chart(chart, f"{COLUMN[column + 3]}{TOP + 1}")


def hidden_layers(steps: list[Step]) -> dict[str, Step]:
    """The last step of each layer after which a layer with weights still follows."""
    readers = [i for i, step in enumerate(steps) if weights_read(step.made)]
    last = readers[-1] if readers else 0
    before = {step.layer: step for step in steps[:last] if step.layer != steps[last].layer}
    return {layer: step for layer, step in before.items() if step.made.ndim == 2}


def draw_units(net: NetworkSheets, run: Run) -> None:
    """The maps of all hidden units, a row or more for each layer, the output's at the end; none where no layer is hidden."""
    blocks = {id(step.made): block for step, block in run.steps}
    hidden = hidden_layers([step for step, _ in run.steps])
    units = {layer: step.made.shape[1] for layer, step in hidden.items()}
    layers = [(f"{layer}: {counted(n, 'unit')}", blocks[id(hidden[layer].made)]) for layer, n in units.items()]
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
    sheet.freeze, sheet.kept = (SECTION, 0), rows_of_blocks(sheet)


def draw_unit(net: NetworkSheets, sheet: Sheet, block: Block, unit: int, row: int, column: int) -> None:
    """One map with the number of its unit over it: plain references to the run behind the sheet Map."""
    cells, values = block.cells[:, unit].reshape(SIDE, SIDE), np.asarray(block.values, float)[:, unit].reshape(SIDE, SIDE)
    sheet.write(row, column, f"unit {unit}" if block.arrangement.width > 1 else "", net.styles["label left"])
    square = Block(in_rows((SIDE, SIDE)), values, net.styles.style_id(PIXEL), make=partial(refer, cells))
    sheet.heats.append((sheet.put(square, row + 1, column).area, "both signs"))
