"""How a plane looks: its heat map and the numbers around one element, which is marked in both."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from rich.style import Style
from rich.text import Text

from weightlens.browse.listing import Item
from weightlens.browse.plane import Index, Plane, plane_of
from weightlens.model import Weight
from weightlens.specs.sizes import tuple_text
from weightlens.terminal import clean, wrapped
from weightlens.terminal.heat import Painter, scale_of, sizes_of
from weightlens.terminal.matrices import Labels, read_part
from weightlens.terminal.matrix_lines import number_format
from weightlens.words.worked import Arithmetic

DIM, BOLD, MARK = Style(dim=True), Style(bold=True), Style(reverse=True)
SQUARE, LARGEST = 32, 8  # a smaller plane is enlarged to about so many places, each number at most so many times
FEWEST = 4  # lines that the numbers get, their heading included
PRECISION = 4
WIDEST, SHORT = 30, 10  # letters of the name of a row, of a column
GAP = "  "  # between numbers
KEPT = 16  # heat maps


class Sample(NamedTuple):
    """Evenly spaced numbers of a plane, for its heat map; ``zoom``: how much each is enlarged."""

    numbers: np.ndarray
    rows: range
    columns: range
    zoom: int

    @property
    def step_words(self) -> str:
        """What is left out; nothing for a plane that is drawn whole."""
        parts = [f"1 of {r.step:,} {name}" for r, name in ((self.rows, "rows"), (self.columns, "columns")) if r.step > 1]
        return "drawn: " + ", ".join(parts) if parts else ""


def sample_of(plane: Plane, index: Index, width: int, lines: int, coloured: bool) -> Sample:
    """The numbers that are drawn on so many letters and lines."""
    high, wide = (2 * lines, width) if coloured else (lines, width // 2)
    fitting = min(LARGEST, SQUARE // max(plane.rows, plane.columns), high // plane.rows, wide // plane.columns)
    zoom = max(1, fitting) if coloured else 1
    rows = range(0, plane.rows, max(1, -(-plane.rows * zoom // high)))
    columns = range(0, plane.columns, max(1, -(-plane.columns * zoom // wide)))
    return Sample(plane.numbers(index, rows, columns), rows, columns, zoom)


def legend(sample: Sample, painter: Painter) -> Text:
    """What the colours mean, and what the map leaves out."""
    low, high = f"{painter.scale.low:.3g} ", f" {painter.scale.high:.3g}"
    odd = "  NaN or infinite numbers" if not np.isfinite(sizes_of(sample.numbers)).all() else ""
    words = f"  {sample.step_words}" if sample.step_words else ""
    return Text.assemble((low, DIM), Text.from_ansi(painter.bar()), (high + odd + words, DIM))


def number_lines(plane: Plane, index: Index, label: Labels, width: int, lines: int, example: np.ndarray) -> list[Text]:
    """The numbers around an element, under the names of their columns; ``example``: numbers that tell the format."""
    row, column = plane.place(index)
    rows, write = window(row, plane.rows, lines - 1), number_format(example, PRECISION)
    sides = names(label, plane.down, rows, WIDEST)
    side, cell, widest = max(map(len, sides)), 0, max(len(write(value)) for value in example.flat)
    while widest > cell:  # the numbers here may be longer than those of the example, and names longer than numbers
        cell = widest
        columns = window(column, plane.columns, (width - side) // (cell + len(GAP)))
        texts = [[write(value) for value in values] for values in plane.numbers(index, rows, columns).tolist()]
        heads = names(label, plane.across, columns, max(cell, SHORT))
        widest = max(len(text) for line in [*texts, heads] for text in line)
    table = [Text(" " * side + "".join(GAP + name.rjust(cell) for name in heads), DIM, no_wrap=True)]
    for i, name, line in zip(rows, sides, texts, strict=True):
        cells = ((text.rjust(cell), MARK if (i, j) == (row, column) else "") for j, text in zip(columns, line, strict=True))
        table.append(Text.assemble((name.rjust(side), DIM), *(part for styled in cells for part in (GAP, styled)), no_wrap=True))
    return table


def names(label: Labels, axis: int | None, places: range, longest: int) -> list[str]:
    """What places along an axis are called: by their number alone where there is no room for words."""
    if axis is None:
        return [""] * len(places)
    texts = [clean(label.text(axis, i)) for i in places]
    return texts if max(map(len, texts)) <= longest else [clean(label.brief(axis, i), longest) for i in places]


def window(at: int, length: int, room: int) -> range:
    """The places that are shown: as many as fit, with this one as near to their middle as can be."""
    room = max(1, min(room, length))
    start = min(max(at - room // 2, 0), length - room)
    return range(start, start + room)


def title_lines(item: Item, plane: Plane, index: Index, width: int) -> list[Text]:
    """What the matrix is, and which plane of it is shown."""
    facts = f" {tuple_text(item.weight.shape)} {item.weight.dtype}"
    title = Text.assemble((clean(item.name, max(20, width - len(facts))), BOLD), (facts, DIM), no_wrap=True)
    slow = ", ".join(item.label.text(axis, index[axis]) for axis in plane.slow if item.weight.shape[axis] > 1)
    names = [item.label.name(axis) or f"axis {axis}" for axis in (plane.down, plane.across) if axis is not None]
    words = " down, ".join(names) + " across" if names else ""
    if slow:
        words = f"[{slow}] {plane.number_of_slice(index) + 1:,} of {plane.slices:,} · {words}"
    about = item.step.words if item.step is not None and item.step.words else item.note or item.weight.note
    second = [Text(clean(about, width), DIM, no_wrap=True)] if about else []
    return [title, *second, *(Text(line, DIM, no_wrap=True) for line in wrapped(clean(words, 2 * width), width)[:2])]


def status_line(item: Item, index: Index, width: int) -> Text:
    """The element: its index, its exact number, what it means, and how it comes about."""
    start, value = f"[{', '.join(map(str, index))}] ", exact(item.weight, index)
    places = ", ".join(item.label.text(axis, i) for axis, i in enumerate(index) if item.weight.shape[axis] > 1)
    if item.first is not None and item.second is not None:
        first = exact(item.first, index)
        value = f"{exact(item.second, index)} - {f'({first})' if first.startswith('-') else first} = {value}"
    elif item.step is not None and item.step.made.op is not None:
        lines = (Arithmetic(terms).line(item.step, index) for terms in (4, 3, 2, 1))
        value = next((line for line in lines if len(start + line) <= width), value)
    place = f"  {places}" if len(start + value + places) + 2 <= width else ""
    return Text.assemble((clean(start + value, width), BOLD), (clean(place, width), DIM), no_wrap=True)


def exact(weight: Weight, index: Index) -> str:
    """One number with all its digits."""
    return str(np.asarray(read_part(weight, index))[()])


class Drawer(NamedTuple):
    """Draws items in the colours that a ``Painter`` has; ``samples`` keeps what was read for the last heat maps."""

    colours: str
    samples: dict[tuple[Weight, int, int, int], Sample]

    def frame(self, item: Item, index: Index, width: int, height: int) -> list[Text]:
        """The lines of an item, the element at an index marked."""
        plane = plane_of(item)
        titles = title_lines(item, plane, index, width)
        if not item.weight.is_numeric or item.weight.size == 0:
            return [*titles, Text("empty" if item.weight.is_numeric else clean(item.note or item.weight.dtype, width * 4))]
        body = max(height - len(titles) - 2, FEWEST + 1)
        room = max(1, min(body - FEWEST, max(body // 2, body - plane.rows - 1)))
        sample = self.sample(plane, index, width, room)
        painter = Painter(self.colours, scale_of(sizes_of(sample.numbers)), sample.zoom)
        row, column = plane.place(index)
        marked = row // sample.rows.step, column // sample.columns.step
        drawn = [Text.from_ansi(line, no_wrap=True) for line in painter.picture(sizes_of(sample.numbers), marked)]
        numbers = number_lines(plane, index, item.label, width, body - len(drawn), sample.numbers)
        return [*titles, *drawn, legend(sample, painter), *numbers, status_line(item, index, width)]

    def sample(self, plane: Plane, index: Index, width: int, lines: int) -> Sample:
        """The numbers of a heat map, which stay the same while one moves in a plane."""
        key = (plane.weight, plane.number_of_slice(index), width, lines)
        if key not in self.samples:
            if len(self.samples) >= KEPT:
                self.samples.clear()
            self.samples[key] = sample_of(plane, index, width, lines, bool(self.colours))
        return self.samples[key]
