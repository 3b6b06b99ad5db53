"""The sheet Neuron data: what the sheet Neuron looks up, as tables with an input to the right, a unit or a place down.

All tables stand in one area with the same columns, so that one INDEX reads each of them: the row says the layer and its unit
or place, the column the input. What is picked on the sheet Neuron is found once, at the top.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

import numpy as np

from weightlens.workbook.formulas.cell_arrays import COLUMN, Cells, Expression, absolute, cell_name, combine, number, refer
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.neuron.cell_numbers import CellNumbers, of_sample
from weightlens.workbook.neuron.curves import Activated
from weightlens.workbook.neuron.neurons import Neuron
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Sheet

KEY, LABEL, GROUP, BIAS, CURVE, FIRST = range(6)  # columns; the values begin at FIRST
TABLES = 22  # the row of the first table; above it stands what is picked
FIELDS = (
    "first unit", "units", "first place", "places", "inputs", "names", "sums", "outputs",
    "rows", "columns", "channels", "by row", "by column", "by channel", "units of a row", "biases", "first factor",
    "second factor", "total",
)  # fmt: skip


OWN_CELL = re.compile(r"(?<![A-Z0-9$:!])\$[A-Z]+\$\d+")  # of a formula's own sheet; of an area the first cell


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows (from 0) in which the tables of one neuron begin; ``sums`` and ``outputs`` -1 where the network has none."""

    units: int
    places: int
    names: int
    sums: int
    outputs: int


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables that were written: where each neuron's begin, the columns, the row after the last."""

    sheet: Sheet
    neurons: list[Neuron]
    activated: list[Activated]
    rows: list[Rows]
    width: int
    end: int

    @property
    def area(self) -> str:
        """The area that holds all numbers: its first column is GROUP, its rows are those of the sheet."""
        return f"${COLUMN[GROUP]}$1:${COLUMN[FIRST + self.width - 1]}${self.end}"

    @property
    def keys(self) -> str:
        """The column of keys, from the first row on."""
        return f"${COLUMN[KEY]}$1:${COLUMN[KEY]}${self.end}"

    @property
    def labels(self) -> str:
        """The column of names of units and places, from the first row on."""
        return f"${COLUMN[LABEL]}$1:${COLUMN[LABEL]}${self.end}"

    @property
    def layers(self) -> str:
        """The names of all layers, in the table of layers."""
        return f"${COLUMN[KEY]}${TABLES + 2}:${COLUMN[KEY]}${TABLES + 1 + len(self.neurons)}"

    def value(self, row: str, column: str | int) -> str:
        """The value in a row of the sheet (from 1) and a column counted from FIRST (from 1)."""
        place = str(FIRST - GROUP + column) if isinstance(column, int) else f"{FIRST - GROUP}+{column}"
        return f"INDEX({self.area},{row},{place})"

    def field(self, layer: str, name: str) -> str:
        """What the table of layers says of the picked one."""
        return self.value(f"{TABLES + 1}+{layer}", FIELDS.index(name) + 1)


def rows_of(neurons: list[Neuron], activated: list[Activated]) -> tuple[list[Rows], int]:
    """Where the tables of each neuron begin, and the row after the last."""
    row, found = TABLES + len(neurons) + 3, []
    for neuron, after in zip(neurons, activated, strict=True):
        places, has_sums, has_outputs = len(neuron.places), neuron.sums is not None, after.outputs is not None
        heights = len(neuron.units), places * neuron.inputs.shape[1], 1, places if has_sums else 0
        first, inputs, names, sums, outputs = accumulate((height + 1 for height in heights), initial=row + 1)
        found.append(Rows(first, inputs, names, sums if has_sums else -1, outputs if has_outputs else -1))
        row = outputs + 1 + (places + 1 if has_outputs else 0)
    return found, row


def write_tables(net: NetworkSheets, sheet: Sheet, neurons: list[Neuron], activated: list[Activated], sample: str, first: int) -> Tables:
    """All tables; ``sample`` is the cell that holds the number of the picked sample, at first ``first`` (from 0)."""
    width = max(len(FIELDS), *(max(len(n.names), len(n.units)) for n in neurons))
    rows, end = rows_of(neurons, activated)
    tables = Tables(sheet, neurons, activated, rows, width, end)
    write = TableWriter(net, tables, CellNumbers(net.plan), sample, first)
    sheet.write(TABLES, KEY, "layers", net.styles["caption left"])
    sheet.across(TABLES, FIRST, FIELDS, net.styles, "label")
    for i, neuron in enumerate(neurons):
        write.layer(i, neuron)
        write.units(i, neuron, activated[i])
        write.places(i, neuron, activated[i])
    return tables


@dataclass(frozen=True, eq=False)
class TableWriter:
    """Writes the tables of each neuron."""

    net: NetworkSheets
    tables: Tables
    numbers: CellNumbers
    sample: str
    first: int

    def layer(self, i: int, neuron: Neuron) -> None:
        """One row of the table of layers: where its tables begin (rows from 1), and how large they are."""
        at, p = self.tables.rows[i], neuron.pixels
        sizes = [
            at.units + 1,
            len(neuron.units),
            at.places + 1,
            len(neuron.places),
            len(neuron.names),
            at.names + 1,
            at.sums + 1,
            at.outputs + 1,
        ]
        sizes += [0] * 6 if p is None else [p.rows, p.columns, p.channels, p.by_row, p.by_column, p.by_channel]
        sizes += [neuron.row, len(neuron.bias)]
        texts = [*neuron.factors, neuron.total]
        self.tables.sheet.write(TABLES + 1 + i, KEY, neuron.name, self.net.styles["plain"])
        for j, size in enumerate(sizes):
            self.constant(TABLES + 1 + i, FIRST + j, size)
        self.tables.sheet.across(TABLES + 1 + i, FIRST + len(sizes), texts, self.net.styles, "label")
        self.caption(at.names, f"{neuron.name}: names of the inputs")
        self.tables.sheet.across(at.names, FIRST, neuron.names, self.net.styles, "label")

    def units(self, i: int, neuron: Neuron, after: Activated) -> None:
        """A row for each unit: its group, bias, curve and weights."""
        sheet, row, styles = self.tables.sheet, self.tables.rows[i].units, self.net.styles
        self.caption(row, f"{neuron.name}: weights, a row for each unit")
        for column, name in ((GROUP, "group"), (BIAS, "bias"), (CURVE, "curve")):
            sheet.write(row - 1, column, name, styles["label"])
        for u, unit in enumerate(neuron.units):
            sheet.write(row + u, KEY, f"{i + 1}|{unit}", styles["path"])
            sheet.write(row + u, LABEL, unit, styles["label left"])
            self.constant(row + u, GROUP, int(neuron.group[u]) + 1)
            self.constant(row + u, CURVE, after.curves[u])
        if neuron.bias:
            biases = np.stack(neuron.bias)[:, :, None]
            self.block(row, BIAS, self.numbers.at(biases).sum(axis=0), lambda: added(biases))
        else:
            for u in range(len(neuron.units)):
                self.constant(row + u, BIAS, 0)
        weights = self.numbers.at(neuron.weights[self.first]) * neuron.scale
        self.block(row, FIRST, weights, partial(scaled, neuron.weights, neuron.scale, self.sample))

    def places(self, i: int, neuron: Neuron, after: Activated) -> None:
        """A row for each place: its inputs (group after group), the network's own sums and outputs."""
        sheet, at, styles = self.tables.sheet, self.tables.rows[i], self.net.styles
        inputs = neuron.inputs.reshape(len(neuron.inputs), -1, len(neuron.names))
        self.caption(at.places, f"{neuron.name}: inputs, a row for each place")
        self.block(at.places, FIRST, self.numbers.at(inputs[self.first]), partial(of_sample, inputs, self.sample))
        for p, place in enumerate(neuron.places):
            sheet.write(at.places + p, KEY, f"{i + 1}|{place}", styles["path"])
            sheet.write(at.places + p, LABEL, place, styles["label left"])
        for row, cells, name in ((at.sums, neuron.sums, "sums"), (at.outputs, after.outputs, "outputs")):
            if cells is not None:
                self.caption(row, f"{neuron.name}: {name} on its sheet, a row for each place, a column for each unit")
                self.block(row, FIRST, self.numbers.at(cells[self.first]), partial(of_sample, cells, self.sample))

    def caption(self, row: int, text: str) -> None:
        """What a table holds, over its first row."""
        self.tables.sheet.write(row - 1, KEY, text, self.net.styles["caption left"])

    def constant(self, row: int, column: int, value: int) -> None:
        """A fixed number."""
        self.tables.sheet.texts[(row, column)] = Text(style=self.net.styles["constant"], value=value)

    def block(self, row: int, column: int, values: np.ndarray, make: Callable[[], Expression]) -> None:
        """A table of formulas."""
        look = self.net.styles.numbers("helper", values)
        self.tables.sheet.put(Block(in_rows(values.shape), values, look, make=make), row, column)


def added(cells: Cells) -> Expression:
    """The sum of several cells for each element (the first axis of ``cells``)."""
    parts: list[str | Expression] = []
    for one in cells:
        parts += ["+", refer(one)] if parts else [refer(one)]
    return combine(parts, cells.shape[1:])


def scaled(cells: Cells, scale: np.ndarray, sample: str) -> Expression:
    """The weights of the picked sample (they differ where a network computes its weights), each times its number."""
    made = of_sample(cells, sample)
    factors = np.unique(scale)
    return made if factors.tolist() == [1.0] else combine([made, "*" + number(float(factors[0]))], made.shape)


def cell(sheet: Sheet, row: int, column: int) -> str:
    """The absolute name of a cell, for formulas on any sheet."""
    return f"'{sheet.title}'!{absolute(cell_name((row << 14) + column))}"


def for_another_sheet(sheet: Sheet, formula: str) -> str:
    """A formula of a sheet for another sheet: its references name that sheet."""
    return OWN_CELL.sub(lambda match: f"'{sheet.title}'!{match[0]}", formula)
