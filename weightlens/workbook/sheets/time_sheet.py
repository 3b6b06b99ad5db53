"""The sheet of a recurrent layer: a row per time step, a group of columns per gate, and above them the weights that make them."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from weightlens.recording import Recorded, Step
from weightlens.specs.sizes import tuple_text
from weightlens.words.captions import SYMBOLS, over_time, symbol_of
from weightlens.words.layer_words import never_negative
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.formulas.cell_arrays import Expression, refer
from weightlens.workbook.layout.labels import two_rows
from weightlens.workbook.layout.plan import Placed
from weightlens.workbook.layout.time_table import Key, TimeTable, sequence_read
from weightlens.workbook.sheets.frame import GAP, HEAD, LABEL, SECTION, TOP, column_after, widen
from weightlens.workbook.sheets.network import MOST_HEATED, SOME
from weightlens.workbook.sheets.parts.bands import FEW_ROWS, WIDEST_BAND, width_of_group
from weightlens.workbook.sheets.parts.room import FEW, LETTER, room_for
from weightlens.workbook.xlsx.blocks import Block, runs
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.pages import width_of
from weightlens.workbook.xlsx.styles import characters

if TYPE_CHECKING:
    from weightlens.workbook.sheets.network import NetworkSheets

FEW_WEIGHTS = 13  # rows of weights that stand above the table; more would push it off the screen
FEW_FEATURES = 8  # what comes in is shown again beside the time steps, up to so many numbers each
WIDEST_NAME = 24.0  # characters; what a name may ask of all columns of its step together
NARROW = 6.0  # characters in a column, at least
ROW_NAME = 4.5  # the same in a column of names of rows
WIDEST = 100  # columns of a table that stands in one piece
TOO_WIDE = 100  # characters over which nothing can be centred
MOST_LABELS = 100_000  # rows that are named
MOST_AREAS = 100  # of one colour scale: samples
# Steps that have all gates side by side, as every gate has itself: what is said with each gate's name, to tell them apart.
PARTS = {"input product": "x part", "recurrent product": "h part", "pre-activations": "z"}


class TimeSheet:
    """Draws one recurrent layer; ``others`` are the steps that are no part of its table, ``flows`` the rows of each band of it."""

    def __init__(self, net: NetworkSheets, sheet: Sheet, table: TimeTable, steps: list[Step], shift: int = 0) -> None:
        """``shift``: so many rows lower than alone on a sheet."""
        self.net, self.sheet, self.table, self.shift = net, sheet, table, shift
        self.groups: dict[Key, list[Step]] = {}  # what stands under each other
        self.starts: dict[Key, Step] = {}  # what stands in the row "start" of these columns
        self.others: list[Step] = []  # no part of the table
        for step in steps:
            key = (step.name, step.made.shape)
            if key in table.above:
                self.starts[table.above[key]] = step
            elif table.row(*key, 0) is None:
                self.others.append(step)
            else:
                self.groups.setdefault(key, []).append(step)
        first = net.plan.weights_of
        self.read = sequence_read(next(iter(self.groups.values()))[0].made, table)  # what comes in
        self.weights = {key: [placed for step in own for placed in first[id(step.made)]] for key, own in self.groups.items()}
        self.tallest = max([0, *(sum(1 + w.block.arrangement.height for w in own) for own in self.weights.values())])  # with their names
        self.above = 0 < self.tallest <= FEW_WEIGHTS and all(w.made.ndim <= 2 for own in self.weights.values() for w in own)
        self.heated = any(len(own) * own[0].made.size >= SOME for own in self.groups.values())  # all steps or none: they are compared
        self.flows: list[tuple[int, int]] = []  # the rows of each band
        self.top = self.begin(shift)

    def begin(self, shift: int) -> int:
        """A band that stands so many rows lower than alone on a sheet; returns its first row of numbers."""
        self.shift = shift
        top = shift + TOP + (self.tallest + 1 if self.above else 0)
        self.flows.append((top, top + self.table.height - 1))
        labels = self.table.labels() if self.table.height <= MOST_LABELS else {}
        widen(self.sheet, 0, room_for(labels))
        for row, text in labels.items():
            self.sheet.write(top + row, 0, text, self.net.styles["label right"])
        return top

    def draw(self) -> int:
        """The whole table, of very many columns in bands under each other; returns the column after it."""
        column = right = self.sequence(1)
        in_bands = self.table.height <= FEW_ROWS and sum(map(self.width, self.groups)) > WIDEST
        for i, key in enumerate(self.groups):
            if in_bands and column > 1 and column + self.width(key) > WIDEST_BAND:
                self.above = self.above and any([*self.weights.values()][i:])  # else no room is left for them
                self.top = self.begin(max(block.row + block.arrangement.height for block in self.sheet.blocks) + 2 - SECTION)
                column = 1
            if in_bands and not self.weights[key]:  # gates under gates: a page can end between them
                column = min((part for part in self.sheet.parts if part >= column - 1), default=column)
            column = self.group(key, column)
            right = max(right, column)
        column = right
        beside = [placed for own in self.weights.values() for placed in own] if not self.above and self.table.height > FEW_ROWS else []
        if beside:
            widen(self.sheet, column, ROW_NAME)
            self.under_each_other(beside, self.shift + HEAD, column + 1)
            column += 2 + max(placed.block.arrangement.width for placed in beside)
        return column

    def width(self, key: Key) -> int:
        """The columns of a step and its weights."""
        return width_of_group(self.net, self.groups[key])

    def under_each_other(self, weights: list[Placed], row: int, column: int) -> None:
        """Weights with their captions, from this row on."""
        for placed in weights:
            for j in range(placed.block.arrangement.width):
                widen(self.sheet, column + j, max(NARROW, characters(placed.made.value)))
            row = self.net.put_weight(self.sheet, placed, row, column, self.row_names(placed)) + 1

    def sequence(self, column: int) -> int:
        """What comes in, once more beside the time steps that it belongs to, where it is not too wide; returns the column after it."""
        net, table, x = self.net, self.table, self.read
        if x is None or x.shape[-1] > FEW_FEATURES:
            return column
        order = slice(None, None, -1) if table.backwards else slice(None)
        block = Block(
            Arrangement(x.shape, (0, 1), (2,), row_gap=1),
            x.value[:, order],
            net.styles.numbers("step", x.value, narrow=True),
        )
        block.make = partial(self.copied, x, order)
        for j in range(x.shape[-1]):
            widen(self.sheet, column + j, max(NARROW, characters(x.value)))
        net.caption(self.sheet, self.shift + HEAD, column, x.shape[-1], "x" if x.kind == "input" else f"x: {x.layer}", "")
        for j, text in two_rows(block.arrangement, net.plan.trace.axes.named(x))[0].items():  # which half of the layer before
            self.sheet.write(self.shift + LABEL - 1, column + j, text, net.styles["label left"])
        self.labels(column, dict(enumerate(self.x_names(x.shape[-1]))))
        self.sheet.put(block, self.top + 1, column)
        net.plan.read_instead(x, block.cells[:, order], next(iter(self.groups.values()))[0].layer)
        widen(self.sheet, column + x.shape[-1], GAP)
        return column + x.shape[-1] + 1

    def x_names(self, n: int) -> list[str]:
        """A name for each number that comes in; those of the network's input only where it is what comes in."""
        return [f"x{j}" for j in range(n)] if self.read is not None and self.read.kind != "input" else self.net.options.input_names(n)

    def copied(self, x: Recorded, order: slice) -> Expression | None:
        """Plain references to a sequence, in the order in which its time steps are computed."""
        cells = self.net.plan.cells(x)
        return None if cells is None else refer(cells[:, order])

    def group(self, key: Key, column: int) -> int:
        """The occurrences of one step under each other, with captions and weights; returns the column after them."""
        steps, weights = self.groups[key], self.weights[key]
        below = not self.above and self.table.height <= FEW_ROWS
        beside = weights if self.above or below else []  # what stands in the same columns
        placed = self.net.plan.placed[id(steps[0].made)]
        widest = max([placed, *beside], key=lambda p: p.block.arrangement.width)
        width = widest.block.arrangement.width
        self.widths(key, column, width, beside)
        self.captions(steps, placed, column)
        self.labels(column, self.net.classes(steps[-1].made) or self.column_heads(key, widest))
        if beside and column > 1:
            widen(self.sheet, column - 1, ROW_NAME)
        if self.above:
            self.weights_above(weights, column)
        elif below:
            self.under_each_other(weights, self.top + self.table.height + 1, column)
        self.cells(key, column)
        widen(self.sheet, column + width, GAP)
        return column + width + 1

    def labels(self, column: int, texts: dict[int, str]) -> None:
        """What stands over single columns: under the captions, and once more between weights and table."""
        for row in (self.shift + LABEL, *([self.top - 1] if self.above else [])):
            self.sheet.across(row, column, texts, self.net.styles, "label")

    def cells(self, key: Key, column: int) -> None:
        """The numbers: what the sample starts from, then every time step."""
        steps, start = self.groups[key], self.starts.get(key)
        values = np.stack([step.made.value for step in steps])
        looks: dict[bool, int] = {}  # of an output of the network, and of the steps before it
        for step in [start, *steps] if start is not None else steps:
            placed = self.net.plan.placed[id(step.made)]
            final = id(step.made) in self.net.results
            if step is not start and final not in looks:
                looks[final] = self.net.step_style(step, values=values)
            style = self.net.step_style(step) if step is start else looks[final]
            placed.block.flows = self.flows
            row = self.table.row(step.name, step.made.shape, placed.occurrence)
            self.net.place_step(self.sheet, step, self.top + (row or 0), column, style)
        blocks = [self.net.plan.placed[id(step.made)].block for step in steps if id(step.made) not in self.net.results]
        if blocks and self.heated and not self.net.is_blank(steps[0].made) and values.size <= MOST_HEATED and values.dtype.kind == "f":
            scale = "size" if never_negative(steps[0].made) else "both signs"
            self.sheet.heats.append((" ".join(runs(blocks)[:MOST_AREAS]), scale))

    def widths(self, key: Key, column: int, width: int, weights: list[Placed]) -> None:
        """Narrow columns, wide enough for their numbers and, all together, for the name of the step."""
        arrays = [np.stack([step.made.value for step in self.groups[key]]), *(placed.made.value for placed in weights)]
        words = self.mathematics(self.groups[key]).split() if width <= FEW else []
        names = [(title(self.groups[key][0].made), width), (max(words, key=len, default=""), width)]
        if gates := self.net.gates_over(self.net.plan.placed[id(self.groups[key][0].made)]):
            part = PARTS.get(self.groups[key][0].name, "")
            names = [(max(gate_title(name, part).split(), key=len), stop - start) for start, stop, name in gates]  # no word is broken
        needs = [min(WIDEST_NAME, len(text) * LETTER + 1.5) / columns for text, columns in names]
        enough = max([NARROW, *map(characters, arrays), *needs])
        for j in range(width):
            widen(self.sheet, column + j, enough)

    def captions(self, steps: list[Step], placed: Placed, column: int) -> None:
        """Name and mathematics; over several gates in a row of their own, above the names of the gates."""
        net, sheet, step = self.net, self.sheet, steps[0]
        words, gates = self.mathematics(steps), net.gates_over(placed)
        if not gates:
            net.caption(sheet, self.shift + HEAD, column, placed.block.arrangement.width, title(step.made), words)
            return
        sheet.write(self.shift + SECTION, column, step.name, net.styles["caption left"])
        sheet.write(self.shift + SECTION, column_after(sheet, column, len(step.name) * 1.15 + 1), words, net.styles["math left"])
        sheet.parts += [column + start for start, _, _ in gates]
        for start, stop, name in gates:
            text, room = gate_title(name, PARTS.get(step.name, "")), sum(width_of(sheet, column + j) for j in range(start, stop))
            lines = math.ceil(len(text) * LETTER / room)
            sheet.make_room(self.shift + HEAD, lines)
            sheet.write(self.shift + HEAD, column + start, text, net.styles["caption" if room < TOO_WIDE else "caption left"])
            if room < TOO_WIDE:
                sheet.merge(self.shift + HEAD, column + start, column + stop - 1)

    def mathematics(self, steps: list[Step]) -> str:
        """What stands under the name of a step, for all time steps."""
        earlier = {id(x.made) for own in self.groups.values() if len(own) > 1 for x in own[:1]} if len(steps) > 1 else set()
        return over_time(steps[min(1, len(steps) - 1)], earlier)

    def column_heads(self, key: Key, widest: Placed) -> dict[int, str]:
        """What stands over single columns: ``i0``, ``h0`` where the step has a letter."""
        made = self.groups[key][0].made
        symbol, part = symbol_of(made), PARTS.get(made.name, "")
        if part and self.net.gates_over(widest):
            return {j: f"{part[0]} {text}" for j, text in self.net.column_heads(widest)[1].items()}
        if len(symbol) != 1:
            return self.net.column_heads(widest)[1]
        return {j: f"{symbol}{j}" for j in range(widest.block.arrangement.width)}

    def weights_above(self, weights: list[Placed], column: int) -> None:
        """Weights between the captions and the table, each under its name: each column reads straight down."""
        row, sheet, styles = self.shift + TOP, self.sheet, self.net.styles
        for placed in weights:
            sheet.write(row, column, placed.name, styles["caption left"])
            at = column_after(sheet, column, len(placed.name) * 1.15 + 1)
            if at < column + placed.block.arrangement.width:
                sheet.write(row, at, tuple_text(placed.made.shape), styles["path"])
            row += 1
            for i, name in enumerate(self.row_names(placed)):
                sheet.write(row + i, column - 1, name, styles["label right"])
            self.net.place_weight(sheet, placed, row, column)
            row += placed.block.arrangement.height

    def row_names(self, placed: Placed) -> list[str]:
        """What the rows of a matrix are multiplied by: the numbers that come in, or the state before."""
        if placed.made.ndim != 2:
            return []
        n = placed.made.shape[0]
        if "bias" in placed.name:
            return ["x", "h"] if n == 2 else []
        if "recurrent" in placed.name:
            return [f"h{i}" for i in range(n)]
        return self.x_names(n)


def title(made: Recorded) -> str:
    """``hidden state h``: the name of a step, and its letter where it has one that later steps use."""
    return with_symbol(made.name) if made.role.kind in ("gate", "state") else made.name


def with_symbol(name: str) -> str:
    """``input gate i``."""
    symbol = SYMBOLS.get(name, "")
    return f"{name} {symbol}" if len(symbol) == 1 else name


def gate_title(gate: str, part: str) -> str:
    """``forget gate f``; where several blocks have it, which of them this is: ``forget gate f, x part``."""
    return f"{with_symbol(gate)}, {part}" if part else with_symbol(gate)
