"""The sheet Loss surface: the loss over two weights that are chosen there, and the path that the training takes across it.

All other weights are those of the chosen epoch, so the surface is a cut through the loss; the path lies on it at that epoch.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from weightlens.workbook.formulas.cell_arrays import COLUMN, ROW, SHEET, Area, Cells, Expression, Piece, rectangle, refer
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.sheets.controls import drop_down
from weightlens.workbook.sheets.frame import GAP, widen
from weightlens.workbook.training.epochs_sheet import style_of
from weightlens.workbook.training.one_step import OneStep
from weightlens.workbook.training.passes import Variants, weight_names
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Book
from weightlens.workbook.xlsx.styles import LOOKS

ACROSS, UP, EPOCH, AXIS, MAP = 2, 3, 4, 6, 7  # rows: the two weights, the chosen epoch, the axis of the map, its first row
SIDE = 13  # points along each side
POINTS = 61  # of the path, at most
LEFT, CHART = 1, 16  # columns: the axis that goes up, the chart
NUMBER, FROM, TO = 6, 8, 10  # columns of what belongs to a chosen weight
PATH = CHART + 11  # the first column of the path
CHOICES = PATH + 4  # the column with the names of the weights
MARGIN, LEAST = 0.3, 0.1  # beyond the path on either side: a share of its span, and more for a path that stands still
FAR = 10_000.0  # a weight that gets there has run away
CELL, CELL_HEIGHT = 6.4, 24.0
HINT = "Choose two weights (blue). The darker, the larger the loss; framed cells are those that the training passes."


class LossSurface:
    """The choice of two weights, their path, and the axes; then the map of the losses."""

    def __init__(self, book: Book, step: OneStep) -> None:
        self.book, self.step, self.styles = book, step, step.styles
        self.names = weight_names(step)
        history, trained = step.history, step.epoch.trained
        self.paths = np.concatenate([history.values[id(t.now)].reshape(history.epochs + 1, -1) for t in trained], axis=1)
        self.first = history.places[id(trained[0].now)]  # the weights stand side by side there
        furthest = np.argsort(-np.ptp(self.paths, axis=0), kind="stable")[:2]
        self.picked = sorted(int(number) for number in furthest)  # the two that move most
        self.epochs = np.unique(np.linspace(0, history.epochs, min(history.epochs + 1, POINTS)).astype(np.int64))

    @property
    def possible(self) -> bool:
        """Whether there are two weights, with names that tell them apart, and a path that stays where it can be drawn."""
        return len({*self.names}) == len(self.names) > 1 and bool((np.abs(self.paths) < FAR).all())

    def begin(self, start: np.ndarray) -> Variants:
        """All but the map; a pass for each of its cells, row by row from the top."""
        self.sheet = sheet = self.book.sheet("Loss surface", hint=HINT)
        self.step.show_epoch(sheet, EPOCH)
        sheet.write(EPOCH, LEFT + 1, "all other weights are those of this epoch, chosen on One step", self.styles["label left"])
        sheet.write(MAP - 1, CHOICES, "the weights", self.styles["caption left"])
        sheet.down(MAP, CHOICES, self.names, self.styles, "label left")
        sheet.write(MAP - 2, PATH, "the path", self.styles["caption left"])
        sheet.write(MAP - 1, PATH, "epoch", self.styles["label"])
        self.put(self.epochs[:, None] * 1.0, None, self.styles["count"], MAP, PATH)
        rows = (ACROSS, UP)
        numbers = [self.chooser(rows[k], k) for k in (0, 1)]
        self.path = [self.path_of(k, numbers[k]) for k in (0, 1)]
        across, up = self.axes = [self.axis(rows[k], k) for k in (0, 1)]
        values = np.repeat(start[None], SIDE * SIDE, axis=0)
        one, two = self.picked
        values[:, one], values[:, two] = np.tile(numbers_of(across), SIDE), np.repeat(numbers_of(up), SIDE)
        x, y = Area(np.tile(across.cells.ravel(), SIDE)), Area(np.repeat(up.cells.ravel(), SIDE))
        first, second = (Area(np.asarray(cell)) for cell in numbers)
        pattern: list[Piece] = ["IF(", first, "=", "number", ",", x, ",IF(", second, "=", "number", ",", y, ",", "weight", "))"]
        labels = [f"surface: row {i + 1}, column {j + 1}" for i in range(SIDE) for j in range(SIDE)]
        return Variants(np.zeros((len(values), len(start)), np.int64), values, labels, [pattern])

    def put(self, values: np.ndarray, made: Expression | None, style: int, row: int, column: int) -> Block:
        """A table of numbers."""
        block = Block(in_rows(values.shape), values, style, make=None if made is None else lambda: made)
        return self.sheet.put(block, row, column)

    def chooser(self, row: int, k: int) -> int:
        """The cell in which a weight is chosen by its name; returns the cell with the number that it has among all."""
        sheet, place = self.sheet, f"${COLUMN[LEFT]}${row + 1}"
        sheet.write(row, 0, ("across", "up")[k], self.styles["label right"])
        sheet.texts[(row, LEFT)] = Text(self.names[self.picked[k]], self.styles["input"])
        sheet.merge(row, LEFT, NUMBER - 2)
        area = rectangle(MAP * ROW + CHOICES, (MAP + len(self.names) - 1) * ROW + CHOICES)
        sheet.finishing.append(drop_down(place, area))
        sheet.write(row, NUMBER - 1, "number", self.styles["label right"])
        sheet.texts[(row, NUMBER)] = Text(style=self.styles["count"], formula=f"MATCH({place},{area},0)", value=self.picked[k] + 1.0)
        return sheet.number * SHEET + row * ROW + NUMBER

    def path_of(self, k: int, number: int) -> Block:
        """Where a chosen weight was in the epochs of the path."""
        shape = (len(self.epochs), 1)
        row = Area(self.first + self.epochs[:, None] * ROW, 1, len(self.names))
        made = Expression(shape, [["INDEX(", row, ",1,", Area(np.full(shape, number)), ")"]])
        self.sheet.write(MAP - 1, PATH + 1 + k, ("across", "up")[k], self.styles["label"])
        return self.put(
            self.paths[self.epochs, self.picked[k]][:, None], made, style_of(self.styles, "constant", self.paths), MAP, PATH + 1 + k
        )

    def axis(self, row: int, k: int) -> Block:
        """The values of a chosen weight along a side of the map: from below its path to above it."""
        path, values = self.path[k].area, np.asarray(self.path[k].values)
        room = MARGIN * float(np.ptp(values)) + LEAST
        ends = float(values.min()) - room, float(values.max()) + room
        for column, word, end, function, sign in ((FROM, "from", ends[0], "MIN", "-"), (TO, "to", ends[1], "MAX", "+")):
            formula = f"{function}({path}){sign}{MARGIN}*(MAX({path})-MIN({path})){sign}{LEAST}"
            self.sheet.write(row, column - 1, word, self.styles["label right"])
            self.sheet.texts[(row, column)] = Text(style=style_of(self.styles, "step", np.asarray(ends)), formula=formula, value=end)
        counts = np.arange(SIDE).reshape(1, -1) if k == 0 else np.arange(SIDE)[::-1, None]
        low, high = (Area(np.full(counts.shape, self.sheet.number * SHEET + row * ROW + column)) for column in (FROM, TO))
        made = Expression(counts.shape, [[low, "+(", high, "-", low, f")*{i}/{SIDE - 1}"] for i in range(SIDE)], counts)
        numbers = ends[0] + (ends[1] - ends[0]) * counts / (SIDE - 1)
        style = self.styles.numbers("constant", numbers, small=True)
        return self.put(numbers, made, style, *((AXIS, LEFT + 1) if k == 0 else (MAP, LEFT)))

    def finish(self, cells: Cells, losses: np.ndarray) -> None:
        """The map, the frames of the path on it, and the path as a chart."""
        sheet, values = self.sheet, losses.reshape(SIDE, SIDE)
        spread = float(np.ptp(values[np.isfinite(values)])) if np.isfinite(values).any() else 0.0
        decimals = "0.00" if spread >= 0.5 else "0.000" if spread >= 0.05 else "0.0000"
        style = self.styles.style_id(replace(LOOKS["step"], format=decimals, size=7, border="hair", shrink=True))
        picture = self.put(values, refer(cells.reshape(SIDE, SIDE)), style, MAP, LEFT + 1)
        sheet.heats.append((picture.area, "loss"))
        near = [
            f"ABS({self.path[k].area}-{axis})<=({end(row, TO)}-{end(row, FROM)})/{2 * (SIDE - 1)}"
            for k, row, axis in ((0, ACROSS, f"{COLUMN[LEFT + 1]}${AXIS + 1}"), (1, UP, f"${COLUMN[LEFT]}{MAP + 1}"))
        ]
        sheet.rule(picture.area, "passed", f"SUMPRODUCT(({near[0]})*({near[1]}))>0")
        for i in range(SIDE):
            sheet.widths[(LEFT + 1 + i, LEFT + 1 + i)], sheet.heights[MAP + i] = CELL, CELL_HEIGHT
        widen(sheet, LEFT, 8)
        widen(sheet, LEFT + SIDE + 1, GAP)
        widen(sheet, CHOICES, max(len(name) for name in self.names) + 1.0)
        sheet.finishing.append(partial(path_chart, path=self.path))
        sheet.print_area = f"A1:{COLUMN[PATH - 2]}{MAP + SIDE + 1}"  # without the numbers of the path, and the names
        self.book.define("loss_surface", sheet, picture)
        self.book.define("surface_across", sheet, self.axes[0])
        self.book.define("surface_up", sheet, self.axes[1])


def numbers_of(block: Block) -> np.ndarray:
    """The numbers of a block in one line."""
    return np.asarray(block.values).ravel()


def end(row: int, column: int) -> str:
    """The cell with an end of an axis."""
    return f"${COLUMN[column]}${row + 1}"


def path_chart(page: Any, path: list[Block]) -> None:
    """The path across the surface, its start and its end marked."""
    from openpyxl.chart import Series

    from weightlens.workbook.xlsx.charts import COLOURS, as_dots, scatter

    chart, last = scatter("the path of the two weights", 16, 11, ("across", "up")), path[0].arrangement.height - 1
    for title, a, b, colour in (("path", 0, last, COLOURS[0]), ("start", 0, 0, COLOURS[1]), ("end", last, last, COLOURS[2])):
        across, up = (f"'{page.title}'!{rectangle(block.first + a * ROW, block.first + b * ROW)}" for block in path)
        series = Series(up, across, title=title)
        series.smooth = False
        chart.series.append(as_dots(series, colour, 4, 20000) if title == "path" else as_dots(series, colour, 10))
    page.add_chart(chart, f"{COLUMN[CHART]}{MAP}")
