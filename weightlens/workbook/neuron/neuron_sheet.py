"""The sheet Neuron: pick a layer, a unit and a sample, and see the sum of this one neuron, input by input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from weightlens.workbook.formulas.cell_arrays import COLUMN, absolute, cell_name, quoted
from weightlens.workbook.neuron.cell_numbers import CellNumbers
from weightlens.workbook.neuron.curves import Activated, Activations
from weightlens.workbook.neuron.data_tables import FIRST, Tables, cell, for_another_sheet, write_tables
from weightlens.workbook.neuron.neurons import Neuron, neurons_of
from weightlens.workbook.neuron.picks import (
    PICKED,
    POINTS,
    START,
    Columns,
    Start,
    shown_names,
    write_curves,
    write_lists,
    write_others,
    write_picked,
    write_products,
)
from weightlens.workbook.neuron.pixel_grids import draw_grids
from weightlens.workbook.sheets.controls import drop_down, sample_to_show
from weightlens.workbook.sheets.frame import SECTION, widen
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.sheets.parts.room import MOST_LABEL, make_room, room_for
from weightlens.workbook.xlsx.blocks import Text
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.styles import Look

SMALL = 5_000  # parameters of a network that has this sheet without being asked
FEW, MOST = 12_000, 200_000  # cells of its tables, without being asked and at most
PICK, NUMBERS = 3, 11  # the rows of the first drop-down and of the first input
NO, NAME, INPUT, WEIGHT, PRODUCT, DOWN, UP, SUM, SHARE = range(9)  # columns
RIGHT = 10  # the column of the chart and the pictures
BY_SIZE, IN_ORDER = "by size", "in order"
BARS = 10  # signs of the longest bar
NO_BIAS = "this layer has no bias"
BOLD = 1.25  # characters of a column that a bold letter takes
NUMBER = Look(format="0.000", align="center")  # without a border: rows that a layer does not fill are empty
BAR_UP, BAR_DOWN = Look(colour="5B9BD5", size=8), Look(colour="E08E45", size=8, align="right")
WIDTHS = (6, 26, 10, 10, 10, 10, 10, 11, 9, 2)
HINT = "Pick a layer, a unit and a sample in the blue cells: each row below is one product in the sum of this neuron."
BEHIND = "What the sheet Neuron looks up. Nothing is to be changed here."


def neuron_sheets(net: NetworkSheets) -> None:
    """The sheets Neuron and Neuron data, where they were asked for or the network is small."""
    wanted = net.options.neuron
    if wanted is False or net.options.blanks or not net.plan.whole or not net.plan.trace.inputs:
        return
    if wanted is None and net.model.size > SMALL:
        return
    found = neurons_of(net) if wanted else neurons_of(net, FEW)
    if not found:
        return
    numbers = CellNumbers(net.plan)
    neurons, left_out = that_fit(found, numbers, MOST if wanted else FEW)
    if not neurons or (wanted is None and left_out):
        return
    without = f"{', '.join(left_out[:6])}{'...' if len(left_out) > 6 else ''}"
    hint = f"{HINT} Without {without} (too large, or not finite)." if left_out else HINT
    sheet = net.plan.sheet("Neuron", "One neuron", hint=hint)
    data = net.plan.sheet("Neuron data", "Neuron data: behind the neuron", hint=BEHIND)
    controls = {name: cell(sheet, PICK + i, NAME) for i, name in enumerate(("layer", "unit", "place", "sample", "order", "channel"))}
    activations = Activations(net, numbers)
    activated = [activations.after_sums(neuron) for neuron in neurons]
    start = start_of(neurons[0], activated[0], numbers, first_sample(net))
    tables = write_tables(net, data, neurons, activated, PICKED["sample"], start.sample)
    write_picked(net, tables, controls, start, len(neurons[0].inputs))
    products = write_products(net, tables, start)
    right = write_others(net, tables, products.first + 5, start)
    curve = write_curves(net, tables, products, activations.curves, right, start)
    write_lists(net, tables, right + len(activations.curves) + 4)
    write_controls(net, sheet, tables, start)
    write_rows(net, sheet, tables, products, start)
    names = [curve.name for curve in activations.curves]
    write_sum(net, sheet, tables, products.height, curve, names, start)
    sheet.finishing.append(partial(curve_chart, curve, len(names) + 1))
    draw_grids(net, sheet, tables, products, start)
    data.default_width, data.widths[(0, 0)], data.widths[(1, 1)] = 8, 22, 24
    data.freeze = (SECTION, FIRST)


def that_fit(neurons: list[Neuron], numbers: CellNumbers, most: int) -> tuple[list[Neuron], list[str]]:
    """The neurons that there is room for, the smallest first; and the names of the others."""
    kept, room = set[str](), most
    for neuron in sorted(neurons, key=lambda n: n.size):
        if neuron.size <= room and neuron.can_be_picked and is_finite(neuron, numbers):
            kept.add(neuron.name)
            room -= neuron.size
    return [n for n in neurons if n.name in kept], [n.name for n in neurons if n.name not in kept]


def is_finite(neuron: Neuron, numbers: CellNumbers) -> bool:
    """Whether all numbers that a neuron reads, and its sums, are numbers that cells can hold."""
    cells = [neuron.inputs, neuron.weights, *neuron.bias, *(c for c in (neuron.sums, neuron.outputs) if c is not None)]
    return all(np.isfinite(numbers.at(c)).all() for c in cells)


def first_sample(net: NetworkSheets) -> int:
    """The sample that is picked at first, from 0: of those whose inputs are not all 0 the first."""
    alike = [x.value for x in net.plan.trace.inputs if x.ndim and x.dtype.kind in "fiub"]
    samples = len(alike[0]) if alike else 1
    return next((i for i in range(samples) if any(i < len(x) and x[i].any() for x in alike)), 0)


def start_of(neuron: Neuron, after: Activated, numbers: CellNumbers, sample: int) -> Start:
    """What is picked at first."""
    place = len(neuron.places) // 2
    inputs, weights = numbers.at(neuron.inputs[:, neuron.group[0], place]), numbers.at(neuron.weights[:, 0]) * neuron.scale
    sums = numbers.at(neuron.sums[sample, place]).tolist() if neuron.sums is not None else []
    outputs = after.outputs
    return Start(
        sample,
        place,
        inputs[sample],
        weights[sample],
        float(sum(numbers.at(bias)[0] for bias in neuron.bias)),
        after.curves[0],
        sums,
        neuron.row,
        "" if outputs is None else float(numbers.at(outputs[sample, place])[0]),
    )


def write_controls(net: NetworkSheets, sheet: Sheet, tables: Tables, start: Start) -> None:
    """The cells to pick with, each with a list to choose from."""
    n = tables.neurons[0]
    for column, width in enumerate(WIDTHS):
        sheet.widths[(column, column)] = width
    widen(sheet, NAME, room_for(dict(enumerate(name for neuron in tables.neurons for name in neuron.names))))
    widen(sheet, NAME, min(MOST_LABEL, BOLD * max(len(neuron.name) for neuron in tables.neurons)))
    last = max([1, *(n.pixels.channels for n in tables.neurons if n.pixels is not None)])
    sample, switch, shown = sample_to_show(net, start.sample), net.styles["switch"], shown_names(tables)
    choices: list[tuple[str, str, Text, str | range | None, str]] = [
        ("layer", "layer", Text(n.name, switch), "neuron_layers", ""),
        ("unit", "unit", Text(n.units[0], switch), "neuron_units", ""),
        ("place", "place", Text(n.places[start.place], switch), "neuron_places", ""),
        ("sample", sample.name, sample.text, sample.numbers, sample.words),
        ("order", "order", Text(BY_SIZE, switch), f'"{BY_SIZE},{IN_ORDER}"', ""),
        ("channel", "channel", Text.showing(0.0, switch), range(last), "of the pictures"),
    ]
    for i, (key, name, text, listed, words) in enumerate(choices[: 6 if last > 1 else 5]):
        sheet.write(PICK + i, NO, name, net.styles["label right"])
        sheet.texts[(PICK + i, NAME)] = text
        sheet.write(PICK + i, NAME + 1, words, net.styles["label left"])
        if key in shown:
            warn(net, sheet, PICK + i, for_another_sheet(tables.sheet, shown[key]))
        if listed is not None:
            sheet.finishing.append(drop_down(cell_name(((PICK + i) << 14) + NAME), listed))
        net.plan.names[f"neuron_{key}"] = (sheet.number, absolute(cell_name(((PICK + i) << 14) + NAME)))


def warn(net: NetworkSheets, sheet: Sheet, row: int, shown: str) -> None:
    """What is shown instead of a name that the picked layer does not have: it is still there from the layer picked before."""
    picked, place = absolute(cell_name((row << 14) + NAME)), cell_name((row << 14) + NAME + 1)
    words = f'IF({shown}={picked},"","not in this layer! shown: "&{shown})'
    sheet.texts[(row, NAME + 1)] = Text(style=net.styles["advice"], formula=words, value="")
    sheet.rule(cell_name((row << 14) + NAME), "wrong", f'{absolute(place)}<>""')


def write_rows(net: NetworkSheets, sheet: Sheet, tables: Tables, products: Columns, start: Start) -> None:
    """A row for each input: its number, name, value, weight, product, bars, the sum so far, its share of all products."""
    data, styles, k = tables.sheet, net.styles, products.height
    write_heads(net, sheet, tables)
    plain = styles.style_id(NUMBER)
    looks = [styles["label"], styles["label left"], plain, plain, plain, styles.style_id(BAR_DOWN), styles.style_id(BAR_UP), plain]
    looks.append(styles.style_id(replace(NUMBER, format="0.0%")))
    area = f"${COLUMN[PRODUCT]}${NUMBERS + 1}:${COLUMN[PRODUCT]}${NUMBERS + k}"
    largest, total = f"MAX(MAX({area}),-MIN({area}))", f'(SUMIF({area},">0")-SUMIF({area},"<0"))'
    count, order = for_another_sheet(data, PICKED["inputs"]), absolute(cell_name(((PICK + 4) << 14) + NAME))
    names = for_another_sheet(data, tables.value(tables.field(PICKED["layer"], "names"), "{}"))
    values = row_values(tables.neurons[0], start)
    for i in range(k):
        row = NUMBERS + 1 + i
        no, product = f"${COLUMN[NO]}{row}", f"${COLUMN[PRODUCT]}{row}"
        sort = f"MATCH(LARGE({products.for_another_sheet(3)},{i + 1}),{products.for_another_sheet(3)},0)"
        bar = f'REPT("\u2588",ROUND({BARS}*MAX(0,{{}}{product})/MAX({largest},0.000000001),0))'
        formulas = [
            f'IF({i + 1}>{count},"",IF({order}="{IN_ORDER}",{i},{sort}-1))',
            names.replace("{}", f"{no}+1"),
            *(f"INDEX({products.for_another_sheet(c)},{no}+1,1)" for c in range(3)),
            bar.format("-"),
            bar.format(""),
            f"SUM(${COLUMN[PRODUCT]}${NUMBERS + 1}:{product})",
            f"IF({total}=0,0,ABS({product})/{total})",
        ]
        for column, (formula, value) in enumerate(zip(formulas, values[i] if i < len(values) else [""] * 9, strict=True)):
            made = formula if column == NO else f'IF({no}="","",{formula})'
            sheet.texts[(NUMBERS + i, column)] = Text(style=looks[column], formula=made, value=value)
    shares = f"{COLUMN[SHARE]}{NUMBERS + 1}:{COLUMN[SHARE]}{NUMBERS + k}"
    sheet.finishing.append(partial(data_bars, shares))
    sheet.freeze = (NUMBERS, 0)


def write_heads(net: NetworkSheets, sheet: Sheet, tables: Tables) -> None:
    """What stands over the columns; what is multiplied is called as the picked layer calls it."""
    layer = PICKED["layer"]
    sheet.across(NUMBERS - 1, 0, ("no.", "input", "", "", "= product", "down", "up", "running sum", "share"), net.styles, "caption")
    for column, field, first in zip((INPUT, WEIGHT), ("first factor", "second factor"), tables.neurons[0].factors, strict=True):
        formula = for_another_sheet(tables.sheet, tables.field(layer, field))
        sheet.texts[(NUMBERS - 1, column)] = Text(style=net.styles["caption"], formula=formula, value=first)
    for name in {name for neuron in tables.neurons for name in neuron.factors}:
        make_room(sheet, NUMBERS - 1, name, WIDTHS[INPUT])


def row_values(neuron: Neuron, start: Start) -> list[list[float | str]]:
    """What the rows show at first: sorted by size."""
    order = np.argsort(-start.keys, kind="stable")
    products = start.products[order]
    sizes = np.abs(products)
    largest, total = max(float(sizes.max()), 1e-9), float(sizes.sum())
    shares = sizes / total if total else sizes
    bars = [["\u2588" * round(BARS * (max(0.0, sign * p) / largest)) for p in products.tolist()] for sign in (-1, 1)]
    columns: list[Sequence[Any]] = [
        (order + 0.0).tolist(),
        [neuron.names[i] for i in order],
        *(values[order].tolist() for values in (start.inputs, start.weights)),
        products.tolist(),
        *bars,
        np.cumsum(products).tolist(),
        shares.tolist(),
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def data_bars(area: str, page: Any) -> None:
    """Bars in the cells of numbers from 0."""
    from openpyxl.formatting.rule import DataBarRule

    make: Any = DataBarRule  # untyped in openpyxl's stubs
    page.conditional_formatting.add(area, make("num", 0, "max", None, color="FFB6D7A8", minLength=0))


def write_sum(net: NetworkSheets, sheet: Sheet, tables: Tables, rows: int, curve: Columns, names: list[str], start: Start) -> None:
    """The sum of the products (so many ``rows``), the bias, the pre-activation, the output, and what the layer's sheet has."""
    data, styles = tables.sheet, net.styles
    at = {name: for_another_sheet(data, place) for name, place in PICKED.items()}
    area = f"${COLUMN[PRODUCT]}${NUMBERS + 1}:${COLUMN[PRODUCT]}${NUMBERS + rows}"
    z, first = absolute(cell_name(((PICK + 2) << 14) + SUM)), curve.first + len(names) + 1
    biases = for_another_sheet(data, tables.field(PICKED["layer"], "biases"))
    biased, total = bool(tables.neurons[0].bias), for_another_sheet(data, tables.field(PICKED["layer"], "total"))
    whole = f"SUM({cell_name((PICK << 14) + SUM)}:{cell_name(((PICK + 1) << 14) + SUM)})"
    f = cell(data, START + POINTS, first)
    said = ["output", "output: z itself", *(f"output: {name} of z" for name in names[2:])]
    name = f"CHOOSE({at['curve']}+1,{','.join(quoted(text) for text in said)})"
    output = data.texts[(START + POINTS, first)].value  # at the picked sum itself, the last point of the curve
    lines: list[tuple[str, str, float | str | None, str]] = [
        ('"sum of the products"', f"SUM({area})", float(start.products.sum()), "step"),
        (f'IF({biases}=0,"{NO_BIAS}","+ bias")', f'IF({biases}=0,"",{at["bias"]})', start.bias if biased else "", "step"),
        (f'"z = "&{total}', whole, start.total, "step"),
        (name, f, output, "output"),
    ]
    words = ["sum of the products", "+ bias" if biased else NO_BIAS, f"z = {tables.neurons[0].total}", said[start.curve]]
    for i, ((label, formula, value, look), text) in enumerate(zip(lines, words, strict=True)):
        sheet.texts[(PICK + i, SUM - 1)] = Text(style=styles["label right"], formula=label, value=text)
        sheet.texts[(PICK + i, SUM)] = Text(style=styles[look], formula=formula, value=value)
    own = at["own sum"]
    warned = "&".join(cell_name(((PICK + i) << 14) + NAME + 1) for i in range(3))
    agrees = f'IF(AND(ISNUMBER({own}),{warned}=""),IF(ABS({z}-{own})<=0.000001*MAX(1,ABS({z})),"as on its sheet","not as on its sheet"),"")'
    shown = "as on its sheet" if tables.rows[0].sums >= 0 else ""
    sheet.texts[(PICK + 2, SHARE)] = Text(style=styles["label left"], formula=agrees, value=shown)


def curve_chart(curve: Columns, picked: int, page: Any) -> None:
    """The picked activation as a curve, with the sum of the picked neuron on it."""
    from openpyxl.chart import Series

    from weightlens.workbook.xlsx.charts import COLOURS, as_dots, as_line, scatter

    chart = scatter("activation: the curve, and this neuron on it", 13, 7.5)
    chart.legend = None

    def points(j: int, first: int, last: int) -> str:
        column = f"${COLUMN[curve.first + j]}"
        return f"'{curve.sheet.title}'!{column}${START + 1 + first}:{column}${START + 1 + last}"

    line = Series(points(picked, 0, POINTS - 1), points(picked + 1, 0, POINTS - 1), title="activation")
    point = Series(points(picked, POINTS, POINTS), points(picked + 1, POINTS, POINTS), title="this neuron")
    chart.series += [as_line(line, COLOURS[0], 22000), as_dots(point, COLOURS[5], 10)]
    chart.x_axis.title, chart.y_axis.crosses, chart.x_axis.tickLblPos = "z", "min", "low"
    page.add_chart(chart, f"{COLUMN[RIGHT]}{NUMBERS + 1}")
