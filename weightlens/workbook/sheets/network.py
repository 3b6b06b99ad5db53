"""The sheets of the network itself: the tutorial's one sheet for small dense networks, else a sheet per layer.

On each sheet the steps stand side by side from left to right; a caption over each says what it is in words
and in mathematics; the weights stand in yellow, under the columns that they make (tutorial) or beside the steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from weightlens.formats.weights.order import NOT_TRAINED
from weightlens.model import Model
from weightlens.recording import Recorded, Step
from weightlens.specs.sizes import tuple_text
from weightlens.words.captions import mathematics, note
from weightlens.words.layer_words import cuts, never_negative, shares
from weightlens.workbook.formulas.cell_arrays import cell_name
from weightlens.workbook.layout.blanks import is_called, usual_blanks
from weightlens.workbook.layout.labels import Gate, axes_in_words, gates_of, over_pictures, row_labels, two_rows
from weightlens.workbook.layout.plan import Placed, Plan
from weightlens.workbook.sheets.frame import HEAD, LABEL, TOP, column_after, squares, widen
from weightlens.workbook.sheets.parts.largest import frame_largest
from weightlens.workbook.sheets.parts.room import LETTER, columns, is_taken, make_room, room_for
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.pages import width_of
from weightlens.workbook.xlsx.styles import Styles

if TYPE_CHECKING:
    from weightlens.axes import Named
    from weightlens.workbook.export_options import Options

EACH_ROW = "each row"  # of the step that it makes: beside a vector, whose row may be one of a matrix with names of its own
ON_THE_WAY = ("dot product", "pre-activation")  # names of steps after which an activation is expected
SOME = 24  # numbers from which colours help to see where the large ones are
MOST_HEATED = 300_000  # cells under one colour scale
MOST_EXPLAINED = 100_000  # a step larger than this gets a note without its numbers


@dataclass(frozen=True)
class Winner:
    """A class in words for every sample: the column that says it, its first cell, the classes, what is found, all its cells."""

    column: int
    cell: str
    classes: list[str]
    found: list[str]
    layer: str  # that made the output
    cells: str
    across: bool  # the cells stand side by side

    def of_sample(self, picked: str) -> str:
        """The formula that fetches the class of a sample; ``picked`` is the formula of its number, from 1."""
        place = f"1,{picked}" if self.across else f"{picked},1"
        return self.cell if len(self.found) == 1 else f"INDEX({self.cells},{place})"


@dataclass(frozen=True)
class Drawn:
    """What the sheets that were drawn hold for those to come: each layer's sheet, the winner, the area of the true answers."""

    homes: Mapping[str, Sheet] = field(default_factory=dict)
    winner: Winner | None = None
    targets: str = ""


@dataclass(frozen=True)
class NetworkSheets:
    """Puts the blocks of a plan on sheets, with captions and labels.

    ``arrays`` are the inputs as given, of which the network shows only some; ``made_up`` says what they are, if nobody gave any.
    ``occurrences`` are, where a layer is one block, those of the steps that are left. ``printed``: an exercise for a printer.
    """

    model: Model
    plan: Plan
    styles: Styles
    options: Options
    detail: str
    arrays: Sequence[np.ndarray] = ()
    made_up: str = ""
    occurrences: Mapping[int, int] | None = None
    printed: bool = False

    @cached_property
    def results(self) -> frozenset[int]:
        """The values that the network answers with, by id."""
        return frozenset(id(x) for x in self.plan.trace.results)

    @property
    def title(self) -> str:
        """The name of the file, or of the model."""
        return Path(self.model.provenance.path).name or self.model.name

    @property
    def home(self) -> Sheet:
        """The sheet of the first input."""
        return self.plan.sheets[self.plan.names["input_0"][0]]

    @property
    def many_samples(self) -> bool:
        """Whether there are more samples than the network's sheets show."""
        return bool(self.arrays) and len(self.arrays[0]) > self.plan.trace.inputs[0].shape[0]

    @cached_property
    def blanks(self) -> frozenset[int]:
        """The steps that are to be filled in, by id of their values: those of the names asked for, or the usual ones of an exercise."""
        if not self.options.blank:
            return usual_blanks(self.model, self.plan.trace) if self.options.exercise else frozenset()
        steps = [step for step in self.plan.steps if any(is_called(step.name, wish) for wish in self.options.blank)]
        return frozenset(id(step.made) for step in steps)

    def is_blank(self, made: Recorded) -> bool:
        """Whether a step is to be filled in."""
        return id(made) in self.blanks

    # -- blocks with their captions --------------------------------------------------------------------------------------------

    def put_step(self, sheet: Sheet, step: Step, column: int, head: int = HEAD, raised: bool = False, name: str = "") -> int:
        """A step with its caption at row ``head``, a row higher where it is ``raised``; returns the columns it takes.

        ``name``: what stands over it, if not its own name.
        """
        name = name or self.called(step)
        placed = self.plan.placed[id(step.made)]
        a, picture = placed.block.arrangement, squares(sheet)
        down = placed.occurrence if a.stretch > 1 or placed.of == 1 else placed.occurrence * (a.height + (1 if a.height > 1 else 0))
        if placed.occurrence == 0:
            words = "" if step.made.op is None else mathematics(step, placed.of > 1)
            columns(sheet, column, a, step.made.value, f"{name} {words}")
            if not raised and not picture and self.column_heads(placed)[0]:  # what several columns share stands where the mathematics would
                name, words = f"{name}: {words}", ""
            self.caption(sheet, head - raised, column, a.width, name, words)
            if picture:
                self.beside_name(sheet, head - raised, column, name, self.axes_over(placed))
            self.labels_over(sheet, head + LABEL - HEAD, column, placed, self.classes(step.made))
        self.place_step(sheet, step, head + TOP - HEAD + down, column, self.step_style(step, picture))
        if not self.is_blank(step.made) and not frame_largest(sheet, step, placed.block):
            self.scale(sheet, placed, picture, step)
        return a.width

    def called(self, step: Step) -> str:
        """The name of a step; of one that is on the way to others everywhere else, that it is what its layer hands on."""
        handed_on = any(x is step.made for x in self.plan.trace.layer_outputs.get(step.layer, ()))
        return f"{step.name} (output)" if handed_on and step.name in ON_THE_WAY else step.name

    def beside_name(self, sheet: Sheet, row: int, column: int, name: str, text: str) -> None:
        """Small letters behind the name of a block."""
        sheet.write(row, column_after(sheet, column, len(name) * 1.25 + 1), text, self.styles["path"])

    def labels_over(self, sheet: Sheet, row: int, column: int, placed: Placed, given: dict[int, str]) -> None:
        """The labels over a block's columns, in a row above them what several share; ``given``: the names of the classes."""
        shared, own = ({}, given) if given else self.column_heads(placed, squares(sheet))
        sheet.across(row - 1, column, shared, self.styles, "label left")
        sheet.across(row, column, own, self.styles, "label")

    def step_style(self, step: Step, picture: bool = False, values: np.ndarray | None = None) -> int:
        """How a step's cells look, in the format that suits its numbers, or ``values``: all that stand in its narrow columns."""
        is_result = id(step.made) in self.results
        role = "output" if is_result else "constant" if step.made.op is None else "helper" if step.made.role.kind == "helper" else "step"
        share = is_result and shares(step.made)
        return self.styles.numbers(role, step.made.value if values is None else values, picture, share, narrow=values is not None)

    def classes(self, made: Recorded) -> dict[int, str]:
        """The names of the classes, over the columns of a result that has as many."""
        a = self.plan.placed[id(made)].block.arrangement
        fitting = id(made) in self.results and a.column_axes == (1,) and (len(self.options.labels) == a.width or shares(made))
        return dict(enumerate(self.options.class_names(a.width))) if fitting else {}

    def place_step(self, sheet: Sheet, step: Step, row: int, column: int, style: int) -> None:
        """A step's cells, with a note on the first of them."""
        placed = self.plan.placed[id(step.made)]
        if placed.occurrence == 0:
            explained = step.made.size <= MOST_EXPLAINED
            sheet.notes[(row, column)] = note(step, not self.is_blank(step.made)) if explained else f"In words: {step.words}"
        sheet.put(placed.block, row, column, style)

    def put_weight(self, sheet: Sheet, placed: Placed, row: int, column: int, rows_named: list[str] | None = None) -> int:
        """A weight in yellow with its caption; returns the row after it."""
        a, picture = placed.block.arrangement, squares(sheet)
        sheet.write(row, column, placed.name, self.styles["caption left"])
        shape = self.shape_over(placed, picture)
        if picture or self.column_heads(placed)[0]:
            self.beside_name(sheet, row, column, placed.name, shape)
        else:
            sheet.write(row + 1, column, shape, self.styles["path"])
        self.labels_over(sheet, row + 2, column, placed, {})
        given = rows_named if placed.made.ndim == 2 and a.row_axes == (0,) and len(rows_named or ()) == a.height else None
        named = placed.made.ndim > 1 and column > 0
        rows = dict(enumerate(given)) if given else row_labels(a, self.axes(placed)) if named else {}
        vector = not a.row_axes and (placed.made.ndim > 1 or column > 1)
        if vector and not picture and placed.layer not in self.plan.tables:
            rows = {0: EACH_ROW}
        sheet.down(row + 3, column - 1, rows, self.styles, "label right")
        beside = is_taken(sheet, row + 3, row + 3 + a.height, column - 2)
        if rows and (not self.plan.one_sheet or vector or beside):
            widen(sheet, column - 1, room_for(rows))
        self.place_weight(sheet, placed, row + 3, column)
        return row + 3 + a.height

    def axes_over(self, placed: Placed) -> str:
        """What is written over a block among pictures: which axes run down, and which across."""
        return axes_in_words(placed.block.arrangement, self.axes(placed))

    def shape_over(self, placed: Placed, picture: bool) -> str:
        """The shape of a block, in the file's order; among pictures also where each axis runs."""
        shape = tuple_text(placed.made.shape)
        return f"{shape}: {self.axes_over(placed)}" if picture else shape

    def place_weight(self, sheet: Sheet, placed: Placed, row: int, column: int) -> None:
        """A weight's cells, with its name and a note."""
        sheet.put(placed.block, row, column, self.styles.numbers("weight", placed.made.value, squares(sheet)))
        if not self.plan.one_sheet and placed.made.size <= MOST_HEATED:
            sheet.heats.append((placed.block.area, "weight"))
        placed.defined_name = self.plan.define(f"w_{placed.layer}/{placed.name}", sheet, placed.block)
        source = placed.made.source
        path = f"In the file: {source.path}" + (f" ({source.note})" if source.note else "") if source is not None else ""
        came = "measured" if placed.name.rpartition("/")[2].startswith(NOT_TRAINED) else "learned"
        sheet.notes[(row, column)] = (
            f"{placed.layer}/{placed.name} {tuple_text(placed.made.shape)}, {came} in training.\n{path}\nType another number and watch."
        )

    def caption(self, sheet: Sheet, row: int, column: int, width: int, name: str, words: str) -> None:
        """Name and mathematics over a block: centred, wrapped to its width; left-aligned over wide ones and where it would break a word."""
        room = sum(width_of(sheet, column + j) for j in range(min(width, 200)))
        longest = max((len(word) for word in f"{name} {words}".split()), default=0) * LETTER
        narrow = longest < room < 100 and not squares(sheet)
        sheet.write(row, column, name, self.styles["caption" if narrow else "caption left"])
        sheet.write(row + 1, column, words, self.styles["math" if narrow else "math left"])
        if not narrow:
            return
        for r, text in ((row, name), (row + 1, words)):
            make_room(sheet, r, text, room)
            if text:
                sheet.merge(r, column, column + width - 1)

    def column_heads(self, placed: Placed, picture: bool = False) -> tuple[dict[int, str], dict[int, str]]:
        """What stands over the columns of a block: in one row what several share, and under it each one's own place.

        Gates side by side have a row of captions of their own.
        """
        a, helper = placed.block.arrangement, placed.kind == "step" and placed.made.role.kind == "helper"
        if helper and placed.made.shape[1:] == (1,):
            return {}, {0: "per sample" if [f.name for f in self.axes(placed).axes[0]] == ["sample"] else "per row"}
        if placed.kind == "step" and placed.made.dtype.kind == "U" and placed.made.ndim == 2:
            return {}, {j: f"word {j + 1}" for j in range(a.width)}
        shared, own = over_pictures(a, self.axes(placed)) if picture else two_rows(a, self.axes(placed))
        return ({}, own) if self.gates_over(placed) else (shared, own)

    def axes(self, placed: Placed) -> Named:
        """The axes of a value, with what each index stands for."""
        return self.plan.trace.axes.named(placed.made)

    def gates_over(self, placed: Placed) -> list[Gate]:
        """The gates that a block's columns are: from which column to which, and the gate."""
        last = placed.made.ndim - 1
        return gates_of(self.axes(placed).axes[last]) if placed.block.arrangement.column_axes == (last,) else []

    def scale(self, sheet: Sheet, placed: Placed, picture: bool, step: Step | None = None) -> None:
        """Colours by size: for pictures and for large tables; silent relu units in grey."""
        area, made = placed.block.area, placed.made
        relu = step is not None and cuts(step.made)
        if made.size > MOST_HEATED or made.dtype.kind == "U":
            return
        if self.plan.one_sheet:
            first = cell_name(placed.block.first)
            if relu:
                sheet.rule(area, "dead", f"AND(ISNUMBER({first}),{first}=0)")
        elif relu:
            sheet.heats.append((area, "relu"))
        elif picture or made.size >= SOME:
            ink = step is None and not (made.value < 0).any()
            sheet.heats.append((area, "ink" if ink else "size" if never_negative(made) else "both signs"))

    def finish(self, sheet: Sheet, rows: int = TOP) -> None:
        """Panes: captions and row labels stay in view."""
        sheet.freeze = (rows, 1)
        widen(sheet, 0, 9)
