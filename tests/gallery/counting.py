"""What a reader could stumble over in a workbook, counted from the file: its cells, widths, formats and labels.

Nothing here knows how the sheets are made. Where the blocks stand is read from the hidden map of cells; what their axes
are called comes from the trace.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from openpyxl import load_workbook
from openpyxl.utils import coordinate_to_tuple, get_column_letter

import weightlens
from weightlens.axes import Axis, Factor
from weightlens.axes.names import LETTERS
from weightlens.recording import Recorded, Trace
from weightlens.recording.graph import named_operands
from weightlens.workbook.formulas.arrangement import Arrangement

# Widths of Calibri's letters, in 2048ths of its size (the letters of Carlito are as wide).
LETTER = dict(zip("abcdefghijklmnopqrstuvwxyz", (981, 1076, 866, 1076, 1019, 625, 964, 1076, 470, 490, 931, 470, 1636, 1076, 1080, 1076,
    1076, 714, 801, 686, 1076, 925, 1464, 887, 927, 809), strict=True))  # fmt: skip
LETTER |= dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (1185, 1114, 1092, 1260, 1000, 941, 1292, 1276, 516, 653, 1064, 861, 1751, 1322, 1356,
    1058, 1378, 1112, 941, 998, 1314, 1162, 1822, 1063, 998, 959), strict=True))  # fmt: skip
LETTER |= {" ": 463, ",": 511, ".": 517, "-": 627, "(": 621, ")": 621, "/": 791, ":": 548, "[": 628, "]": 628, "'": 452, "·": 517, "|": 943}
USUAL, BOLDER = 1038, 1.03  # of digits and signs; bold ones are wider
DIGIT, PADDING = 7.0, 5.0  # pixels: a column of n characters has n digits of 11 points, and some room at the sides
SMALLEST = 0.6  # what a shrunk text may shrink to before it cannot be read
FRAME = 3  # rows of title and hint above everything
BAND, OWN_SHEET = 66, 60  # columns used of a sheet; of one block
MOST_NAMED = 2000  # rows, or columns
NAMED_ONE_BY_ONE = 60  # rows, or columns, of a block up to which every one has a label
KINDS = ("headings", "hashes", "unnamed", "digits", "bands", "movers")
LOOKED_UP = {"Neuron data"}  # tables for formulas, not for readers
MOVERS = {"Flatten", "Reshape", "Permute", "Dropout", "RepeatVector", "SpatialDropout1D", "SpatialDropout2D", "ActivityRegularization"}


@dataclass
class Faults:
    """What was found, by its kind: where, and what."""

    found: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def add(self, kind: str, where: str) -> None:
        self.found[kind].append(where)

    @property
    def counts(self) -> dict[str, int]:
        return {kind: len(places) for kind, places in self.found.items()}


class Placed(NamedTuple):
    """A block of the map of cells."""

    kind: str
    layer: str
    name: str
    occurrence: int
    sheet: str
    row: int
    column: int
    a: Arrangement


def width_of(text: str, size: float, bold: bool) -> float:
    """The pixels that a text takes."""
    return sum(LETTER.get(c, USUAL) for c in text) / 2048 * size * 96 / 72 * (BOLDER if bold else 1.0)


class Page:
    """A sheet as it is printed: its texts and numbers, and how many pixels its columns have."""

    def __init__(self, sheet: Any) -> None:
        self.sheet, self.title = sheet, sheet.title
        self.merged = {(area.min_row, area.min_col): area for area in sheet.merged_cells.ranges}
        self.inside = {
            (r, c) for a in sheet.merged_cells.ranges for r in range(a.min_row, a.max_row + 1) for c in range(a.min_col, a.max_col + 1)
        }
        self.square = sheet.sheet_format.defaultRowHeight == 20
        usual = sheet.sheet_format.defaultColWidth or 9.0
        self.widths: dict[int, float] = {}
        for d in sheet.column_dimensions.values():
            self.widths |= dict.fromkeys(range(d.min, d.max + 1), d.width if d.customWidth else usual)
        self.usual = usual
        self.cells = {(cell.row, cell.column): cell for row in sheet.iter_rows() for cell in row if cell.value is not None}
        self.texts = {place: str(cell.value) for place, cell in self.cells.items() if cell.data_type in ("s", "inlineStr")}

    def pixels(self, column: int) -> float:
        return self.widths.get(column, self.usual) * DIGIT + PADDING

    def height(self, row: int) -> float:
        """The height of a row, in points."""
        return float(self.sheet.row_dimensions[row].height or self.sheet.sheet_format.defaultRowHeight or 15.0)


def faults(book: Path, model: Path, inputs: list[np.ndarray]) -> Faults:
    """All of one workbook."""
    found = Faults()
    formulas, values = load_workbook(book), load_workbook(book, data_only=True)
    read = [sheet for sheet in values.worksheets if sheet.sheet_state == "visible" and sheet.title not in LOOKED_UP]
    pages = {sheet.title: Page(sheet) for sheet in read}
    blocks = list(placed_blocks(formulas["Cells"]))
    loaded = weightlens.load(model)
    trace = loaded.trace(inputs)
    for page in pages.values():
        headings(page, found)
        hashes(page, found)
    drawn = {block.sheet for block in blocks}
    for title in drawn:
        used = max(block.column + block.a.width - 1 for block in blocks if block.sheet == title)
        widest = max(block.a.width for block in blocks if block.sheet == title)
        if used > BAND and used > widest + OWN_SHEET:
            found.add("bands", f"{title}: {used} columns")
    movers = {layer.name for layer in loaded.layers if layer.class_name in MOVERS}
    last = loaded.layers[-1].name
    for layer in sorted({block.layer for block in blocks if block.kind == "step"} & movers):
        sheets = {block.sheet for block in blocks if block.layer == layer and block.kind == "step"}
        others = {block.sheet for block in blocks if block.layer != layer and block.kind == "step"}
        if sheets - others and layer != last:
            found.add("movers", f"{layer} has a sheet of its own")
    values_of = recorded(trace)
    for block in blocks:
        x = values_of.get((block.kind, block.layer, block.name, block.occurrence))
        if block.sheet in pages and x is not None:
            unnamed(pages[block.sheet], block, trace.axes.named(x).titled, found)
    digits(pages, blocks, values_of, found)
    return found


def placed_blocks(cells: Any) -> Iterator[Placed]:
    """The blocks that the map of cells lists."""
    for row in cells.iter_rows(min_row=2, values_only=True):
        kind, layer, name, occurrence, sheet, first, shape, rows, columns, row_gap, column_gap, stretch = (
            "" if v is None else v for v in row[:12]
        )
        a = Arrangement(listed(shape), listed(rows), listed(columns), int(row_gap), int(column_gap), int(stretch))
        r, c = coordinate_to_tuple(first)
        if a.height and a.width:
            yield Placed(kind, layer, name, int(occurrence), sheet, r, c, a)


def listed(text: str) -> tuple[int, ...]:
    """``2,3`` as numbers."""
    return tuple(int(n) for n in str(text).split(",") if n)


def recorded(trace: Trace) -> dict[tuple[str, str, str, int], Recorded]:
    """The values by what the map calls them."""
    found: dict[tuple[str, str, str, int], Recorded] = {}
    seen: Counter[tuple[str, str, tuple[int, ...]]] = Counter()
    for x in trace.inputs:
        found["input", x.layer, x.name, 0] = x
    for step in trace.steps:
        key = (step.layer, step.name, step.made.shape)
        found["step", step.layer, step.name, seen[key]] = step.made
        seen[key] += 1
        for x in named_operands(step.made):
            if x.kind == "weight":
                found["weight", x.layer, x.name, 0] = x
    return found


# -- headings ----------------------------------------------------------------------------------------------------------------


def headings(page: Page, found: Faults) -> None:
    """Texts that are cut by a neighbour, broken inside a word, too high for their row, or shrunk until nobody reads them."""
    for (row, column), text in page.texts.items():
        if row <= FRAME:
            continue
        cell = page.cells[row, column]
        area, font, how = page.merged.get((row, column)), cell.font, cell.alignment
        if area is None and (row, column) in page.inside:
            found.add("headings", f"{page.title}!{get_column_letter(column)}{row}: {text!r} is hidden in a merged cell")
        last = column if area is None else area.max_col
        room = sum(page.pixels(c) for c in range(column, last + 1)) - PADDING
        size, bold = font.size or 11.0, bool(font.bold)
        needs = width_of(text, size, bold)
        where = f"{page.title}!{get_column_letter(column)}{row}: {text!r}"
        if how.wrap_text:
            longest = max((width_of(word, size, bold) for word in text.split()), default=0.0)
            lines = wrapped(text, room, size, bold)
            if longest > room + 1:
                found.add("headings", where + " is broken inside a word")
            elif lines * size * 1.22 > page.height(row) + 1:
                found.add("headings", where + f" takes {lines} lines")
        elif how.shrink_to_fit:
            if needs * SMALLEST > room:
                found.add("headings", where + " is shrunk")
        elif needs > room + free(page, row, column, last, how.horizontal or "left", needs - room):
            found.add("headings", where + " is cut")


def wrapped(text: str, room: float, size: float, bold: bool) -> int:
    """How many lines a text takes."""
    lines, line = 1, ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and width_of(longer, size, bold) > room:
            lines, line = lines + 1, word
        else:
            line = longer
    return lines


def free(page: Page, row: int, first: int, last: int, side: str, wanted: float) -> float:
    """The pixels beside a text that are free for it."""
    if side == "center":
        return 2 * min(free(page, row, first, last, "left", wanted / 2), free(page, row, first, last, "right", wanted / 2))
    step, column, room = (-1, first - 1, 0.0) if side == "right" else (1, last + 1, 0.0)
    while 0 < column < 1000 and room < wanted and (row, column) not in page.cells and (row, column) not in page.inside:
        room, column = room + page.pixels(column), column + step
    return room


# -- numbers -----------------------------------------------------------------------------------------------------------------


def decimals_of(form: str) -> int | None:
    """The decimals that a number format shows; ``None``: as many as fit."""
    part = re.search(r"\.(0+)", form)
    return None if form in ("General", "@") else len(part[1]) if part else 0


def shown(value: float, form: str) -> str:
    """A number as a cell shows it."""
    decimals = decimals_of(form)
    if decimals is None:
        return ""
    if "E" in form:
        return f"{value:.{decimals}E}"
    text = f"{value * 100:.{decimals}f}%" if form.endswith("%") else f"{value:.{decimals}f}"
    return text.replace("0.", ".", 1) if form.startswith((".", "#.")) and abs(value) < 1 else text


def hashes(page: Page, found: Faults) -> None:
    """Columns too narrow for a number, which show ### or shrink it until nobody reads it."""
    narrow: Counter[int] = Counter()
    for (_, column), cell in page.cells.items():
        if isinstance(cell.value, int | float) and not isinstance(cell.value, bool):
            general = decimals_of(cell.number_format) is None
            text = str(int(cell.value)) if general else shown(float(cell.value), cell.number_format)
            least = SMALLEST if cell.alignment.shrink_to_fit else 1.0
            narrow[column] += width_of(text, cell.font.size or 11.0, bool(cell.font.bold)) * least > page.pixels(column) - 2
    for column, count in narrow.items():
        if count:
            found.add("hashes", f"{page.title}!{get_column_letter(column)}: {count} numbers")


def digits(pages: dict[str, Page], blocks: list[Placed], values: dict[tuple[str, str, str, int], Recorded], found: Faults) -> None:
    """Blocks whose numbers differ in digits that are not shown: at least two of their spread are to be seen."""
    groups: dict[tuple[str, str, str, tuple[int, ...]], list[Placed]] = {}
    for block in blocks:
        if block.sheet in pages:
            groups.setdefault((block.kind, block.layer, block.name, block.a.shape), []).append(block)
    for (kind, layer, name, _), group in groups.items():
        arrays = [values[key] for b in group if (key := (b.kind, b.layer, b.name, b.occurrence)) in values]
        numbers = np.concatenate([x.value.reshape(-1) for x in arrays]) if arrays and arrays[0].dtype.kind == "f" else np.zeros(0)
        numbers = numbers[np.isfinite(numbers)]
        cell = pages[group[0].sheet].sheet.cell(group[-1].row, group[-1].column)
        form, decimals = cell.number_format, decimals_of(cell.number_format)
        if not numbers.size or decimals is None or (numbers == np.floor(numbers)).all():
            continue
        spread = float(np.ptp(numbers)) or float(np.abs(numbers).max())
        spread = spread if spread > 1e-9 * float(np.abs(numbers).max()) else float(np.abs(numbers).max())
        unit = 10.0 ** -(decimals + 2 * form.endswith("%"))
        if "E" in form:
            unit *= 10.0 ** math.floor(math.log10(float(np.abs(numbers).max()) or 1.0))
        if unit > 10.0 ** (math.floor(math.log10(spread)) - 1) * 1.0001:
            found.add("digits", f"{cell.parent.title}!{cell.coordinate}: {kind} {layer}/{name}, spread {spread:.2g} in {form}")


# -- names -------------------------------------------------------------------------------------------------------------------


def unnamed(page: Page, block: Placed, axes: list[Axis], found: Faults) -> None:
    """The axes of a block of which no label says what they are, and the rows and columns without a label."""
    left, over = labels_left(page, block), labels_over(page, block)
    said = [*left.values(), *slower(page, block), *over, *captions(page, block)]
    for d, axis in enumerate(axes):
        if block.a.shape[d] < 2:
            continue
        if not axis:
            found.add("unnamed", f"{where(page, block)}: axis {d} has no name")
        found.found["unnamed"] += [f"{where(page, block)}: {f.name}" for f in axis if not any(names(text, f) for text in said)]
    for what, labels, of, all_axes in (
        ("rows", len(left), block.a.rows, block.a.row_axes),
        ("columns", len(over), block.a.columns, block.a.column_axes),
    ):
        several = [n for d in all_axes if (n := block.a.shape[d]) > 1]
        least = several[0] if len(of) > NAMED_ONE_BY_ONE else len(of)
        if 1 < least <= MOST_NAMED and labels < least:
            found.add("unnamed", f"{where(page, block)}: {labels} of {least} {what} have a label")


def where(page: Page, block: Placed) -> str:
    return f"{page.title}!{get_column_letter(block.column)}{block.row} {block.layer}/{block.name}"


def labels_left(page: Page, block: Placed) -> dict[int, str]:
    """The nearest column of labels on the left: each row's."""
    rows = (block.row + block.a.rows).tolist()
    for column in range(block.column - 1, 0, -1):
        labels = {row: page.texts[row, column] for row in rows if (row, column) in page.texts}
        if labels:
            return labels | {row: str(page.cells[row, column].value) for row in rows if (row, column) in page.cells}
        numbers = {row: str(page.cells[row, column].value) for row in rows if (row, column) in page.cells}
        if (
            numbers
            and page.cells[next(iter(numbers)), column].font.color is not None
            and page.cells[next(iter(numbers)), column].border.left.style is None
        ):
            return {row: f"sample {text}" for row, text in numbers.items()}
    return {}


def slower(page: Page, block: Placed) -> list[str]:
    """The labels above those on the left: what the rows share with them is said once."""
    column = next((c for c in range(block.column - 1, 0, -1) if (block.row, c) in page.texts), 0)
    texts, row = [], block.row - 1
    while (row, column) in page.texts:
        texts.append(page.texts[row, column])
        row -= 1
    return texts


def labels_over(page: Page, block: Placed) -> list[str]:
    """What stands over single columns: the first rows of texts above the block, two at most."""
    columns = (block.column + block.a.columns).tolist()
    rows: list[list[str]] = []
    for row in range(block.row - 1, FRAME, -1):
        texts = [
            page.texts[row, c]
            for c in columns
            if (row, c) in page.texts and page.cells[row, c].font.size == 9 and not page.cells[row, c].font.italic
        ]
        if texts:
            rows.append(texts)
        if len(rows) == 2 or (rows and not texts):
            break
    return [text for texts in rows for text in texts]


def captions(page: Page, block: Placed) -> list[str]:
    """The captions above a block: what stands in its columns, as far up as the next block; among pictures also behind its name."""
    columns, texts = range(block.column, block.column + block.a.width), []
    for row in range(block.row - 1, FRAME, -1):
        texts += [page.texts[row, c] for c in columns if (row, c) in page.texts]
    if page.square:
        behind = [(block.row - up, c) for up in (3, 4) for c in range(block.column, block.column + 20)]
        texts[:0] = [page.texts[place] for place in behind if place in page.texts]
    return texts[:40]


def names(text: str, f: Factor) -> bool:
    """Whether a label says what a factor is."""
    low, last = re.sub(r"^[xhz] (?=[a-z]\d*$)", "", text.lower()), f.name.lower().split()[-1]  # which part of a gate
    return (
        last in low
        or any(word.lower() in low for word in f.words)
        or (f.name == "gate" and bool(re.fullmatch(r"[a-z]\d*", low)) and low[0] in LETTERS.values())
        or (f.name.endswith("time step") and ("t=" in low or low == "start"))
        or (last == "unit" and low.startswith("class "))  # of a softmax that the network ends in
        or (last in ("unit", "feature", "channel", "filter") and bool(re.fullmatch(r"[a-z]+\d+", low)))
    )
