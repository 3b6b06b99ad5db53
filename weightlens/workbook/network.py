"""The sheets of the network itself: the tutorial's one sheet for small dense networks, else a sheet per layer.

On each sheet the steps stand side by side from left to right; a caption over each says what it is in words
and in mathematics; the weights stand in yellow, under the columns that they make (tutorial) or beside the steps.
"""

from __future__ import annotations

from collections.abc import Sequence

from weightlens.recording import Recorded, Step
from weightlens.workbook import layout
from weightlens.workbook.cells import COLUMN
from weightlens.workbook.grid import Block, Text
from weightlens.workbook.layout import Arrangement
from weightlens.workbook.plan import Placed, Plan, Sheet
from weightlens.workbook.styles import Styles

HEAD, MATH, LABEL, TOP = 3, 4, 5, 6  # rows of the captions, and the first row of numbers
HELPERS = {"max", "sum", "x - max"}
NARROW = 12  # weights up to so many columns stand left of the steps


class NetworkSheets:
    """Puts every block of the plan on a sheet, with captions and labels."""

    def __init__(self, plan: Plan, styles: Styles, class_labels: Sequence[str] = (), input_labels: Sequence[str] = ()) -> None:
        self.plan, self.styles = plan, styles
        self.class_labels, self.input_labels = list(class_labels), list(input_labels)
        self.results = {id(x) for x in plan.trace.results}
        self.sheet_of: dict[str, Sheet] = {}  # layer -> its sheet
        self.weight_names: dict[int, str] = {}

    def build(self, title: str) -> None:
        """All sheets of the network."""
        if self.plan.one_sheet:
            self._one_sheet(title)
        else:
            self._inputs_sheet()
            layers = list(dict.fromkeys(step.layer for step in self.plan.steps))
            for layer in layers:
                self._layer_sheet(layer)
        self._outputs()

    # -- one sheet -----------------------------------------------------------------------------------------------------------

    def _one_sheet(self, title: str) -> None:
        sheet = self.plan.sheet("network")
        sheet.write(0, 0, title, self.styles["title"])
        sheet.write(1, 0, "Change a blue cell (input) or a yellow cell (weight) and watch the prediction move.", self.styles["hint"])
        column = 1
        samples = max((x.shape[0] for x in self.plan.trace.inputs), default=1)
        sheet.write(LABEL, 0, "sample", self.styles["label right"])
        for i in range(samples):
            sheet.texts[(TOP + i, 0)] = Text(style=self.styles["label right"], value=i + 1)
        for k, x in enumerate(self.plan.trace.inputs):
            self._put_input(sheet, k, x, column)
            column += x.shape[1] + 1
        under = TOP + samples + 2
        below: dict[int, int] = {}
        for step in self.plan.steps:
            new_layer = step.layer not in self.sheet_of
            self.sheet_of.setdefault(step.layer, sheet)
            width = self._put_step(sheet, step, column)
            if new_layer:
                sheet.write(HEAD - 1, column, step.layer, self.styles["caption left"])
            row = under
            for weight in self._read_first_by(step):
                row = self._put_weight(sheet, weight, row, column) + 1
            below[column] = row
            column += width + 1
        self._finish(sheet, column, TOP)

    def _read_first_by(self, step: Step) -> list[Placed]:
        """The weights whose first reader is this step, in the order of the file."""
        own = []
        for weight in self.plan._weights(step.made, placed_too=True):
            if id(weight) not in self.weight_names:
                own.append(self.plan.placed[id(weight)])
        return own

    # -- a sheet per layer ---------------------------------------------------------------------------------------------------

    def _inputs_sheet(self) -> None:
        sheet = self.plan.sheet("Inputs", numbered=False)
        sheet.write(0, 0, "Inputs", self.styles["title"])
        sheet.write(1, 0, "Change a blue cell and watch the prediction move.", self.styles["hint"])
        column = 1
        for k, x in enumerate(self.plan.trace.inputs):
            column += self._put_input(sheet, k, x, column) + 2
            turned = self._turned(x)
            if turned is not None:
                self._head(sheet, column, f"{x.name}, a sample per column", "the same numbers, turned for the products", x.shape, turned.arrangement)
                sheet.put(turned, TOP, column)
                turned.style = self.styles["helper"]
                self.plan.placed[id(x)].block = turned
                column += turned.arrangement.width + 2
        self._finish(sheet, column, TOP)

    def _turned(self, x: Recorded) -> Block | None:
        """Many samples of many features: sums of products are much cheaper down columns."""
        if x.ndim != 2 or x.shape[0] == 1 or x.shape[1] <= 64 or x.shape[0] > layout.WIDEST:
            return None
        return self.plan.mirror(x, layout.in_columns((x.shape[0], x.shape[1])))

    def _layer_sheet(self, layer: str) -> None:
        sheet = self.plan.sheet(layer)
        self.sheet_of[layer] = sheet
        sheet.write(0, 0, layer, self.styles["title"])
        steps = [step for step in self.plan.steps if step.layer == layer]
        own: dict[int, Placed] = {}
        for step in steps:
            for placed in self._read_first_by(step):
                own.setdefault(id(placed.made), placed)
        widest = max((p.block.arrangement.width for p in own.values()), default=0)
        left = 0 < widest <= NARROW
        column = 1
        if left:
            self._put_weights(sheet, list(own.values()), column)
            column += widest + 2
        shown_rows: tuple[object, ...] = ()
        starts: dict[tuple[str, tuple[int, ...]], int] = {}
        for step in steps:
            placed = self.plan.placed[id(step.made)]
            key = (step.name, step.made.shape)
            if key not in starts:
                rows = self._row_key(placed)
                if rows != shown_rows:
                    shown_rows, column = rows, column + self._row_labels(sheet, placed, column)
                starts[key] = column
                column += self._put_step(sheet, step, column) + 1
            else:
                self._put_step(sheet, step, starts[key])
        if own and not left:
            self._put_weights(sheet, list(own.values()), column + 1)
            column += widest + 2
        self._finish(sheet, column, TOP)

    def _put_weights(self, sheet: Sheet, weights: list[Placed], column: int) -> None:
        row = HEAD
        for placed in weights:
            row = self._put_weight(sheet, placed, row, column) + 1

    def _row_key(self, placed: Placed) -> tuple[object, ...]:
        a = placed.block.arrangement
        return (a.row_axes, tuple(a.shape[axis] for axis in a.row_axes), placed.of, a.stretch)

    def _row_labels(self, sheet: Sheet, placed: Placed, column: int) -> int:
        """Labels left of a block's rows; returns the columns they take."""
        a, of = placed.block.arrangement, placed.of
        if a.height * of <= 1 or a.height * of > 5000:
            return 0
        for row, text in row_labels(a, of).items():
            sheet.write(TOP + row, column, text, self.styles["label right"])
        return 1

    # -- blocks with their captions --------------------------------------------------------------------------------------------

    def _put_input(self, sheet: Sheet, k: int, x: Recorded, column: int) -> int:
        placed = self.plan.placed[id(x)]
        a = placed.block.arrangement
        self._head(sheet, column, "input" if len(self.plan.trace.inputs) == 1 else x.name, "x", x.shape, a, self.input_labels if a.column_axes == (1,) else ())
        if not self.input_labels and a.column_axes == (1,):
            for j in range(x.shape[1]):
                sheet.write(LABEL, column + j, f"x{j}", self.styles["label"])
        sheet.put(placed.block, TOP, column)
        placed.block.style = self.styles["input"]
        self.plan.define(f"input_{k}", sheet, placed.block)
        sheet.notes[(TOP, column)] = "An input of the network. Type another number here and everything to the right is computed again."
        return a.width

    def _put_step(self, sheet: Sheet, step: Step, column: int) -> int:
        placed = self.plan.placed[id(step.made)]
        a = placed.block.arrangement
        down = placed.occurrence if a.stretch > 1 or placed.of == 1 else placed.occurrence * (a.height + (1 if a.height > 1 else 0))
        is_result = id(step.made) in self.results
        placed.block.style = self.styles["output" if is_result else "constant" if step.made.op is None else "helper" if step.name in HELPERS else "step"]
        if placed.occurrence == 0:
            final = self.class_labels if is_result and a.column_axes == (1,) else ()
            self._head(sheet, column, step.name, step.words, step.made.shape, a, final)
        sheet.put(placed.block, TOP + down, column)
        return a.width

    def _put_weight(self, sheet: Sheet, placed: Placed, row: int, column: int) -> int:
        """A weight in yellow with its caption; returns the row after it."""
        source, a = placed.made.source, placed.block.arrangement
        name = f"{placed.layer}/{placed.name}"
        sheet.write(row, column, name, self.styles["caption left"])
        sheet.write(row + 1, column, f"{shape_words(placed.made.shape)}   in the file: {source.path if source is not None else ''}", self.styles["path"])
        for j, text in column_labels(a, "unit").items():
            sheet.write(row + 2, column + j, text, self.styles["label"])
        if placed.made.ndim == 2 and a.row_axes == (0,) and column > 0:
            for i in range(min(placed.made.shape[0], 2000)):
                sheet.write(row + 3 + i, column - 1, f"x{i}", self.styles["label right"])
        sheet.put(placed.block, row + 3, column)
        placed.block.style = self.styles["bias" if placed.name.endswith("bias") else "weight"]
        sheet.heats.append((placed.block.area, "weight"))
        self.weight_names[id(placed.made)] = self.plan.define(f"w_{name}", sheet, placed.block)
        return row + 3 + a.height

    def _head(self, sheet: Sheet, column: int, name: str, words: str, shape: tuple[int, ...], a: Arrangement, given: Sequence[str] = ()) -> None:
        """Caption, mathematics and column labels over a block."""
        sheet.write(HEAD, column, name, self.styles["caption left"])
        sheet.write(MATH, column, words, self.styles["math left"])
        texts = dict(enumerate(given)) if len(given) == a.width else column_labels(a, "sample" if a.column_axes == (0,) else "unit")
        for j, text in texts.items():
            sheet.write(LABEL, column + j, text, self.styles["label"])

    def _finish(self, sheet: Sheet, column: int, top: int) -> None:
        sheet.freeze = f"B{top + 1}"
        sheet.widths[(0, 0)] = 10
        last = max([column, *(block.column + block.arrangement.width for block in sheet.blocks)])
        sheet.widths[(1, min(last, len(COLUMN) - 1))] = 8.5

    # -- outputs ---------------------------------------------------------------------------------------------------------------

    def _outputs(self) -> None:
        """Name the outputs; where a layer's own arrangement is not C order, collect them once more on a sheet of their own."""
        sheet: Sheet | None = None
        column = 1
        for k, x in enumerate(self.plan.trace.results):
            placed = self.plan.placed.get(id(x))
            if placed is not None and placed.block.arrangement.is_c_order and not any(b is placed.block for b in self.named_blocks()):
                self.plan.define(f"output_{k}", self.plan.sheets[placed.block.first >> 34], placed.block)
                self.named_blocks().append(placed.block)
                continue
            if sheet is None:
                sheet = self.plan.sheet("Outputs", numbered=False)
                sheet.write(0, 0, "Outputs", self.styles["title"])
                sheet.write(1, 0, "The network's outputs once more, sample by sample.", self.styles["hint"])
            block = self.plan.mirror(x, layout.in_rows(x.shape))
            block.style = self.styles["output"]
            self._head(sheet, column, f"output {k}", "", x.shape, block.arrangement, self.class_labels)
            sheet.put(block, TOP, column)
            self.plan.define(f"output_{k}", sheet, block)
            column += block.arrangement.width + 2
        if sheet is not None:
            self._finish(sheet, column, TOP)

    def named_blocks(self) -> list[Block]:
        if not hasattr(self, "_named"):
            self._named: list[Block] = [self.plan.placed[id(x)].block for x in self.plan.trace.inputs]
        return self._named


def shape_words(shape: tuple[int, ...]) -> str:
    """``(2, 3)``."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def column_labels(a: Arrangement, word: str) -> dict[int, str]:
    """What stands over the columns of a block: units, or channels over pictures."""
    if not a.column_axes or a.width > 3000:
        return {}
    if len(a.column_axes) == 1:
        return {int(c): f"{word} {i}" for i, c in enumerate(a.columns.tolist())}
    step = a.steps[1][a.column_axes[0]]
    return {i * step: f"channel {i}" if a.column_gap else f"{i}" for i in range(a.shape[a.column_axes[0]])}


def row_labels(a: Arrangement, of: int) -> dict[int, str]:
    """What stands left of the rows of a block: samples, time steps, units."""
    if a.row_axes == (1,):
        return {i: f"unit {i}" for i in range(a.height)}
    if a.stretch > 1:
        return {n * a.stretch + t: f"{n + 1}, t={t}" for n in range(a.shape[0]) for t in range(a.stretch)}
    if a.row_axes == (0,):
        return {int(r): f"sample {i + 1}" for i, r in enumerate(a.rows.tolist())}
    if a.row_axes == (0, 1):
        return {int(r): f"{i // a.shape[1] + 1}, {i % a.shape[1]}" for i, r in enumerate(a.rows.tolist())}
    return {int(r): str(i) for i, r in enumerate(a.rows.tolist())}
