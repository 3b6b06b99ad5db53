"""The plan of a workbook: its sheets, and which cells every input, weight and step gets.

Nothing is written here. First every value gets an ``Arrangement`` (its shape on a sheet), then the sheets
put the blocks side by side, and last the formulas are made, block by block, while the rows are written.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import partial

from weightlens.errors import NoFormula, WorkbookTooLarge
from weightlens.recording import Recorded, Step, Trace
from weightlens.recording.calls import PRODUCTS, operation, reduced_axes
from weightlens.recording.graph import expression, named_operands
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.formulas.cell_arrays import SHEET, Cells, Expression, refer
from weightlens.workbook.formulas.function_table import REDUCTIONS
from weightlens.workbook.formulas.promote import with_operands
from weightlens.workbook.formulas.shorten import shorten
from weightlens.workbook.formulas.translate import Formulas
from weightlens.workbook.layout import choices as layout
from weightlens.workbook.layout.time_table import TimeTable, time_tables
from weightlens.workbook.xlsx.blocks import Block
from weightlens.workbook.xlsx.book import Book

FEW_UNITS = 16  # up to so many units a layer's sheet has a row per sample, as in the tutorial; beyond, a column per sample
MAX_CELLS = 40_000_000
FAR = 1 << 20  # a sheet for each block that has no place yet


@dataclass(eq=False, slots=True)
class Placed:
    """A value of the trace and its block: what the hidden map of cells, the check and the names are made of."""

    kind: str  # input, weight, step
    layer: str
    name: str
    made: Recorded
    block: Block
    occurrence: int = 0
    of: int = 1  # how often this layer has a step of this name
    defined_name: str = ""  # of an input, or of a weight that stands on its sheet
    blank: Block | None = None  # in an exercise, the cells to be filled in
    blank_name: str = ""  # their defined name


class Plan(Book):
    """Everything that will be written: sheets in order, blocks by value, defined names."""

    def __init__(self, trace: Trace, whole: bool = True, one_sheet: bool = True) -> None:
        """``whole``: each step has cells; else only those that end a layer, and no table of time steps can be drawn.

        ``one_sheet``: a small network may stand on one sheet.
        """
        super().__init__()
        refuse_lone_sample(trace)
        self.trace, self.whole, self.one_sheet = with_operands(trace), whole, one_sheet
        self.tables: dict[str, TimeTable] = {}  # recurrent layer -> its table
        self.pictures: set[str] = set()  # layers of feature maps
        self.parted: set[str] = set()  # layers of several blocks side by side: heads
        self.steps = self.trace.steps
        self.placed: dict[int, Placed] = {}
        self.instead: dict[tuple[str, int], Cells] = {}  # (layer, or "" for all, and value) -> cells read in place of the value's own
        self.formulas = Formulas(self.cells)
        self.weights_of = self._first_readers(self._arrange())

    # -- arrangements: each block on a sheet of its own for now, which is enough to see patterns ---------------------------

    def _arrange(self) -> dict[int, list[Recorded]]:
        """Give every value a block; the weights that each step reads, by the id of its value."""
        read: dict[int, list[Recorded]] = {}
        counts = Counter((step.layer, step.name, step.made.shape) for step in self.steps)
        seen, wide = Counter[tuple[str, str, tuple[int, ...]]](), Counter[str]()
        for step in self.steps:
            if step.made.ndim == 2:
                wide[step.layer] = max(wide[step.layer], step.made.shape[-1])
        self.one_sheet = self.one_sheet and self._fits_one_sheet(counts)
        self.tables = time_tables(self.steps) if self.whole and not self.one_sheet else {}
        many = [step for step in self.steps if step.made.ndim > 3]
        self.pictures = {step.layer for step in many if {"row", "column"} <= {*layout.last_names(self.trace.axes.named(step.made))}}
        self.parted = {step.layer for step in many} - self.pictures
        for x in self.trace.inputs:
            turned = not self.one_sheet and x.ndim == 2 and x.shape[0] == 1 and x.shape[1] > FEW_UNITS
            self._add("input", x, layout.in_columns(x.shape) if turned else layout.in_rows(x.shape))
        steps, self.steps = self.steps, []
        alike: dict[tuple[str, str, tuple[int, ...]], Arrangement] = {}
        for step in steps:
            key = (step.layer, step.name, step.made.shape)
            read[id(step.made)] = weights_read(step.made)
            for weight in read[id(step.made)]:
                if id(weight) not in self.placed:
                    self._add("weight", weight, layout.for_weight(weight.shape))
                    self.placed[id(weight)].block.arrangement = self._for_weight(weight, step.made)
            if parts := shorten(step, self.formulas, self._place_part):
                read |= {id(one.made): weights_read(one.made) for one in (*parts, step)}
            self.steps += [*parts, step]
            columns = not self.one_sheet and wide[step.layer] > FEW_UNITS
            if key not in alike:
                table = self.tables.get(step.layer)
                in_table = table.arrangement(step.name, step.made.shape) if table is not None else None
                alike[key] = in_table or self._for_step(step, columns and table is None, counts[key])
            self._add("step", step.made, alike[key], seen[key], counts[key])
            self._computed(step)
            seen[key] += 1
        self._refuse_too_many()
        return read

    def _refuse_too_many(self) -> None:
        """Raise ``WorkbookTooLarge`` where there are more cells than spreadsheets open."""
        sizes = [(p.kind, math.prod(p.made.shape)) for p in self.placed.values()]
        weights = sum(size for kind, size in sizes if kind == "weight")
        samples = max((len(x) for x in self.trace.inputs if x.ndim), default=1)
        refuse_too_many(weights, sum(size for _, size in sizes) - weights, samples, self.whole)

    def _place_part(self, step: Step) -> None:
        """Cells for a partial step, made because a formula would be too long; a name that its layer has not used yet."""
        taken = {p.name for p in self.placed.values() if p.layer == step.layer}
        name, number = step.name, 1
        while step.name in taken:
            number += 1
            step.name = step.made.name = f"{name} ({number})"
        step.trace = self.trace
        self._add("step", step.made, self._for_step(step, False, 1))
        self._computed(step)

    def _for_step(self, step: Step, columns: bool, repeats: int) -> Arrangement:
        """Pictures as pictures, the parts of a step (heads) side by side, else a table."""
        shape, rank = step.made.shape, step.made.ndim
        if step.layer in self.pictures and rank > 3:
            return layout.as_planes(shape, self.trace.axes.named(step.made)) or layout.in_rows(shape)
        if step.layer in self.pictures and rank == 1 and repeats == 1 and shape[0] <= layout.WIDEST:
            return Arrangement(shape, (), (0,))  # in a column it would widen that of a picture
        if step.layer in self.parted and rank > 2:
            return layout.by_names(shape, self.trace.axes.named(step.made))
        return layout.for_step(shape, columns, repeats)

    def _for_weight(self, weight: Recorded, made: Recorded) -> Arrangement:
        """A kernel as planes, or under the columns that it makes, or as it makes the shortest formulas."""
        shape, axes = weight.shape, self.trace.axes
        if weight.ndim < 2 or (weight.ndim == 2 and made.ndim < 4):
            return layout.for_weight(shape)
        chosen = layout.as_planes(shape, axes.named(weight)) or layout.under_columns(
            shape, axes.named(weight), made.shape, axes.named(made)
        )
        return chosen or (layout.for_weight(shape) if weight.ndim == 2 else self._cheapest(weight, made))

    def _computed(self, step: Step) -> None:
        if step.made.op is not None:
            self.placed[id(step.made)].block.make = partial(self.formula, step)

    def _add(self, kind: str, x: Recorded, arrangement: Arrangement, occurrence: int = 0, of: int = 1) -> None:
        block = Block(arrangement, x.value, first=(FAR + len(self.placed)) * SHEET, is_operand=kind != "step")
        self.placed[id(x)] = Placed(kind, x.layer, x.name, x, block, occurrence, of)

    def place_weight(self, x: Recorded) -> Placed:
        """Cells for a matrix that no step reads: where only the matrices are shown."""
        self._add("weight", x, layout.for_weight(x.shape))
        self.placed[id(x)].block.is_operand = False
        return self.placed[id(x)]

    def _fits_one_sheet(self, counts: Counter[tuple[str, str, tuple[int, ...]]]) -> bool:
        """Whether all of it is small enough for one sheet that reads from left to right."""
        shapes = [step.made.shape for step in self.steps] + [x.shape for x in self.trace.inputs]
        width = sum(shape[-1] for shape in shapes if len(shape) == 2)
        small = all(len(shape) == 2 and shape[0] <= 200 and shape[1] <= 64 for shape in shapes) and width <= 120
        if not small or max(counts.values(), default=1) > 1:
            return False
        weights = {id(w): w for step in self.steps for w in weights_read(step.made)}.values()
        return all(w.ndim <= 2 for w in weights) and sum(w.size for w in weights) <= 2000

    def _first_readers(self, read: dict[int, list[Recorded]]) -> dict[int, list[Placed]]:
        """By the id of each step's value, the weights that it is the first to ``read``, layer by layer: they stand with it."""
        first_read: dict[int, list[Placed]] = {id(step.made): [] for step in self.steps}
        order = {layer: i for i, layer in enumerate(dict.fromkeys(step.layer for step in self.steps))}
        taken: set[int] = set()
        for step in sorted(self.steps, key=lambda step: order[step.layer]):
            own = [x for x in read.get(id(step.made), ()) if id(x) not in taken]
            taken |= set(map(id, own))
            first_read[id(step.made)] = [self.placed[id(x)] for x in own]
        return first_read

    def _cheapest(self, weight: Recorded, made: Recorded) -> Arrangement:
        """The arrangement of a kernel that makes the shortest formulas in the first product that reads it."""
        placed, best = self.placed[id(weight)].block, None
        products = [x for x in expression(made) if operation(x) in PRODUCTS and any(y is weight for y in named_operands(x))]
        for candidate in layout.kernel_candidates(weight.shape):
            placed.arrangement = candidate
            cost = sum(max(len(option) for option in self.formulas.sample(x).options) for x in products[:1])
            if best is None or cost < best[0]:
                best = (cost, candidate)
        return best[1] if best else layout.for_weight(weight.shape)

    # -- cells and formulas ------------------------------------------------------------------------------------------------

    def cells(self, x: Recorded, reader: str = "") -> Cells | None:
        """Where a value stands; for the formulas of the layer ``reader`` perhaps elsewhere than for others."""
        for key in ((reader, id(x)), ("", id(x))):
            if key in self.instead:
                return self.instead[key]
        placed = self.placed.get(id(x))
        return None if placed is None else placed.block.cells

    def read_instead(self, x: Recorded, cells: Cells, reader: str = "") -> None:
        """Have all formulas, or those of one layer, read ``x`` from these cells."""
        self.instead[(reader, id(x))] = cells

    def formula(self, step: Step) -> Expression | None:
        """How a step is computed from cells; ``None`` for a constant. Raises ``NoFormula``."""
        return None if step.made.op is None else Formulas(partial(self.cells, reader=step.layer)).step(step.made)

    def mirror(self, x: Recorded, arrangement: Arrangement) -> Block:
        """A second block that shows ``x`` by plain references, in another arrangement."""
        cells = self.cells(x)
        if cells is None:
            raise RuntimeError("only what has cells can be shown again")
        return Block(arrangement, x.value, make=lambda: refer(cells))


def refuse_too_many(weights: int, others: int = 0, samples: int = 1, steps: bool = False) -> None:
    """Raise ``WorkbookTooLarge`` where these cells are more than spreadsheets open, and say what would be fewer.

    ``others``: the cells that are no weights, of so many samples; ``steps``: each step has some.
    """
    if weights + others <= MAX_CELLS:
        return
    ways = ["--layers A..B (a part of the network)"]
    if samples > 1 and weights + others / samples <= MAX_CELLS:
        ways.insert(0, "one sample")
    if weights <= MAX_CELLS:
        ways += ["--detail layers (one block a layer)"] if steps else []
        ways += ["--detail weights (the matrices alone)"]
    else:
        ways += ["trace and browse at the terminal, which take a network of any size"]
    least = "" if others else "at least "
    instead = f"{', '.join(ways[:-1])}, or {ways[-1]}"
    raise WorkbookTooLarge(f"the workbook would have {least}{weights + others:,} cells, more than spreadsheets open; instead: {instead}")


def weights_read(made: Recorded) -> list[Recorded]:
    """The weights that an expression reads, each once."""
    return [x for x in named_operands(made) if x.kind == "weight"]


def refuse_lone_sample(trace: Trace) -> None:
    """Refuse one sample alone where the network reduces over the samples of a batch: its answer would be another one."""
    if any(x.ndim == 0 or x.shape[0] != 1 for x in trace.inputs):
        return
    for step in trace.steps:
        for x in expression(step.made):
            if operation(x) in REDUCTIONS and x.args[0].ndim > 1 and 0 in reduced_axes(x)[0]:
                raise NoFormula(step.layer, f"step {step.name}", "works across the samples of a batch; give several of them with -i")
