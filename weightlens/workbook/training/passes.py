"""The sheet Passes: a forward pass in each row, up to the loss, with other weights in each.

The formulas are those of the recorded epoch, made once for the first row and repeated in all others. What the weights of a row
are is said by whoever needs their losses: the gradient check, the loss surface.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from weightlens.recording import Recorded, Step
from weightlens.recording.prepared_calls import Program
from weightlens.training.epoch import Trained
from weightlens.words.layer_words import inputs_of_corners
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.formulas.cell_arrays import MAX_COLUMNS, ROW, SHEET, Area, Cells, Expression, Piece
from weightlens.workbook.formulas.translate import Formulas
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.sheets.frame import GAP, widen
from weightlens.workbook.training.epochs_sheet import in_every_row, style_of
from weightlens.workbook.training.one_step import OneStep
from weightlens.workbook.xlsx.blocks import Block
from weightlens.workbook.xlsx.book import Book, Sheet

LAYER, HEAD, LABEL, NUMBER, TOP = 2, 3, 4, 5, 6  # rows of the captions, of the weights' numbers, and of the first pass
MOST_CELLS = 400_000
HINT = "A forward pass in each row, with the weights of the chosen epoch but for one or two: the arithmetic behind the sheets before."


@dataclass(eq=False)
class Variants:
    """Rows of passes: for each weight a pattern for each row, from ``options``; and the numbers of each row.

    ``options`` makes the patterns from the cells of a weight in the chosen epoch and the cells of its numbers (1, 2, 3...).
    ``choice`` says for each row and each weight (all in one line) which pattern it has.
    """

    choice: np.ndarray
    values: np.ndarray
    names: list[str]
    options: list[list[Piece]] = field(default_factory=list)


def together(parts: list[Variants]) -> Variants:
    """The passes of several sheets under each other."""
    choices, options, above = [], list[list[Piece]](), 0
    rows = sum(len(part.choice) for part in parts)
    for part in parts:
        choices.append(part.choice + len(options))
        options += [[in_rows_from(piece, above, rows) for piece in option] for option in part.options]
        above += len(part.choice)
    values = np.concatenate([part.values for part in parts])
    return Variants(np.concatenate(choices), values, [name for part in parts for name in part.names], options)


def in_rows_from(piece: Piece, above: int, rows: int) -> Piece:
    """A piece with a cell for each row of one sheet, for all rows: there are others ``above`` and below."""
    if isinstance(piece, str) or not np.ndim(piece.first):
        return piece
    return Area(np.pad(piece.first, (above, rows - above - len(piece.first)), mode="edge"))


def weight_names(step: OneStep) -> list[str]:
    """Every number of every weight by name, in the order of the file: ``hidden kernel x0 -> u1``."""
    trained = step.epoch.trained
    several = len({t.layer for t in trained}) > 1
    return [f"{f'{t.layer} ' * several}{t.now.name} {label}".strip() for t in trained for label in step.names.columns(t.now)[1]]


class Passes:
    """Places all passes; ``losses`` are the cells of their losses."""

    def __init__(self, step: OneStep) -> None:
        self.step, self.epoch, self.styles = step, step.epoch, step.styles
        self.program = Program([self.epoch.loss])
        inside = {id(x) for x in self.program.nodes}
        self.steps: list[Step] = [s for s in step.history.steps if id(s.made) in inside and s.made.op is not None]
        self.weights = [t for t in self.epoch.trained if id(t.now) in inside]
        self.places: dict[int, int] = {}
        self.formulas = Formulas(self.cells)
        self.rows = 0
        self.values: dict[int, np.ndarray] = {}  # of every step, in all passes

    @property
    def width(self) -> int:
        """The columns of a pass."""
        return sum(x.size + 1 for x in [*(t.now for t in self.weights), *(s.made for s in self.steps)]) + 1

    def fits(self, rows: int) -> bool:
        """Whether so many passes are not too much for a workbook."""
        return self.width < MAX_COLUMNS and self.width * rows <= MOST_CELLS

    def cells(self, x: Recorded) -> Cells | None:
        """The cells of a value in the first row; data and constants are where they always are."""
        if id(x) in self.places:
            return self.places[id(x)] + np.arange(x.size, dtype=np.int64).reshape(x.shape)
        return self.step.history.cells(x) if x.op is None else None

    def numbers_of(self, trained: Trained) -> slice:
        """Where the numbers of a weight are among those of all weights in one line."""
        sizes = [t.now.size for t in self.epoch.trained]
        start = sum(sizes[: self.epoch.trained.index(trained)])
        return slice(start, start + trained.now.size)

    def build(self, book: Book, variants: Variants) -> tuple[Cells, np.ndarray]:
        """Write the sheet; returns the cells of the losses, and the losses."""
        sheet = book.sheet("Passes", hint=HINT)
        sheet.wide = True
        self.rows = len(variants.choice)
        values = self.values = self.computed(variants)
        sheet.down(TOP, 0, variants.names, self.styles, "label right")
        widen(sheet, 0, 30)
        column = 1
        for t in self.weights:
            self.place(sheet, t.now, t.layer, t.now.name, column)
            self.weight(sheet, t, variants, values[id(t.now)])
            column += t.now.size + 1
        for step in self.steps:
            self.place(sheet, step.made, step.layer, step.name, column)
            make = partial(in_every_row, self.formulas.step, step.made, self.rows, sheet.number)
            self.put(sheet, step.made, values, Block(self.arrangement(step.made), None, make=make))
            column += step.made.size + 1
        sheet.freeze = (TOP, 1)
        return self.places[id(self.epoch.loss)] + np.arange(self.rows, dtype=np.int64) * ROW, values[id(self.epoch.loss)]

    def inputs_of_corners(self) -> list[Recorded]:
        """What goes into functions of layers that have a corner at 0, such as relu, as far as it has cells."""
        of_layers = [step for step in self.steps if self.step.history.parts[id(step.made)][1] == "Forward"]
        return [z for step in of_layers for z in inputs_of_corners(step.made) if id(z) in self.places]

    def beside_loss(self, x: Recorded, losses: Cells) -> tuple[Cells, np.ndarray]:
        """A value in the passes with these losses: its first cells, and its numbers, a row for each pass."""
        first = self.places[id(self.epoch.loss)]
        return losses - first + self.places[id(x)], self.values[id(x)][(losses - first) // ROW].reshape(len(losses), -1)

    def computed(self, variants: Variants) -> dict[int, np.ndarray]:
        """The numbers of every pass."""
        runs: list[dict[int, np.ndarray]] = []
        for row in variants.values:
            start = {id(t.now): row[self.numbers_of(t)].reshape(t.now.shape) for t in self.weights}
            run = self.program.run(start)
            runs.append({id(x): np.asarray(run[id(x)]) for x in [*(t.now for t in self.weights), *(s.made for s in self.steps)]})
        return {key: np.stack([run[key] for run in runs]) for key in runs[0]}

    def arrangement(self, x: Recorded) -> Arrangement:
        """A row for each pass."""
        return Arrangement((self.rows, *x.shape), (0,), tuple(range(1, x.ndim + 1)))

    def place(self, sheet: Sheet, x: Recorded, layer: str, name: str, column: int) -> None:
        """Give a value its columns, with layer, name and labels above."""
        self.places[id(x)] = sheet.number * SHEET + TOP * ROW + column
        sheet.write(LAYER, column, layer, self.styles["label left"])
        sheet.write(HEAD, column, name, self.styles["caption left"])
        groups, labels = self.step.names.columns(x)
        for i, text in enumerate(labels):
            sheet.write(LABEL, column + i, text, self.styles["label"])
            widen(sheet, column + i, max(9.0, len(text) + 1, (len(name) * 1.2 + 1) / x.size, 11.0 if i in groups else 0))
        sheet.across(NUMBER, column, groups, self.styles, "label")
        widen(sheet, column + x.size, GAP)

    def put(self, sheet: Sheet, x: Recorded, values: dict[int, np.ndarray], block: Block) -> None:
        """A block of all passes for one value."""
        block.values, block.style = values[id(x)], style_of(self.styles, "step", values[id(x)])
        sheet.put(block, TOP, self.places[id(x)] & (ROW - 1))

    def weight(self, sheet: Sheet, trained: Trained, variants: Variants, values: np.ndarray) -> None:
        """The numbers of a weight in every pass, under the place that each has among all."""
        x, mine = trained.now, self.numbers_of(trained)
        numbers = np.arange(mine.start + 1, mine.stop + 1, dtype=np.float64).reshape(1, -1)
        count = sheet.put(Block(in_rows(numbers.shape), numbers, self.styles["count"]), NUMBER, self.places[id(x)] & (ROW - 1))
        shape = (self.rows, *x.shape)
        stand_for = {"weight": self.step.places[id(x)], "number": count.cells.reshape(x.shape)}
        options = [[self.piece(piece, stand_for, shape) for piece in option] for option in variants.options]
        made = Expression(shape, options, variants.choice[:, mine].reshape(shape))
        self.put(sheet, x, {id(x): values}, Block(self.arrangement(x), None, make=lambda: made))

    def piece(self, piece: Piece, stand_for: dict[str, Cells], shape: tuple[int, ...]) -> Piece:
        """A piece of a pattern: text, the ``weight`` or its ``number``, or a cell for each row (or one for all)."""
        if isinstance(piece, str):
            return Area(np.broadcast_to(stand_for[piece], shape)) if piece in stand_for else piece
        first = np.asarray(piece.first)
        return Area(np.broadcast_to(first.reshape(-1, *[1] * (len(shape) - 1)) if first.ndim else first, shape))
