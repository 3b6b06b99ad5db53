"""``--heat``: matrices as pictures, two rows of numbers in a line of half blocks; where there are no colours, as shades of letters."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from weightlens.terminal import Screen
from weightlens.terminal.matrices import Part, View
from weightlens.terminal.matrix_lines import BETWEEN, INDENT, direction_words, tile_titles, titled_blocks

NEGATIVE, ZERO, POSITIVE = (179, 88, 6), (247, 247, 247), (33, 102, 172)  # as on a sheet: orange and blue
BLUES, ORANGES = (231, 189, 153, 111, 75, 33, 26, 25), (231, 230, 223, 222, 215, 208, 166, 130)  # the same of 256 colours
ODD, ODD_OF_256 = (255, 0, 255), 201  # NaN and infinities
MARK = "2;0;200;0"  # the colour of the number that is looked at
SHADES, ODD_SHADE = " .:-=+*#%@", "?"
LINES = 32  # of a picture
SQUARE, LARGEST = 16, 4  # a smaller picture is enlarged to about so many places, each number at most so many times; one of several by half
SLOW, TILE_LINES = 8, 2  # places along each slow axis, lines of pictures side by side
LEGEND = 17  # places of the legend


class Scale(NamedTuple):
    """The smallest and the largest finite number of a matrix: what its colours and shades mean."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """A finite number as a share of the largest absolute value: from -1 to 1."""
        largest = max(-self.low, self.high)
        return float(np.clip(value / largest, -1.0, 1.0)) if largest else 0.0

    def colour(self, value: float) -> tuple[int, int, int]:
        """White for 0, orange for negative and blue for positive numbers, the stronger the larger."""
        if not np.isfinite(value):
            return ODD
        share = self.share(value)
        red, green, blue = (
            round(zero + (end - zero) * abs(share)) for zero, end in zip(ZERO, NEGATIVE if share < 0 else POSITIVE, strict=True)
        )
        return red, green, blue

    def colour_of_256(self, value: float) -> int:
        """The colour of a number as one of the terminal's 256."""
        if not np.isfinite(value):
            return ODD_OF_256
        share = self.share(value)
        return (ORANGES if share < 0 else BLUES)[round(abs(share) * (len(BLUES) - 1))]

    def steps(self, count: int) -> list[float]:
        """Evenly spaced numbers from the smallest to the largest, for a legend."""
        return [self.low * (1 - share) + self.high * share for share in np.linspace(0, 1, count).tolist()]

    def shade(self, value: float) -> str:
        """A letter: the darker the larger, from the smallest to the largest number."""
        if not np.isfinite(value):
            return ODD_SHADE
        low, high = self.low / 2, self.high / 2  # their difference is finite
        share = (value / 2 - low) / (high - low) if high > low else 0.5
        return SHADES[round(min(max(share, 0.0), 1.0) * (len(SHADES) - 1))]


def sizes_of(values: np.ndarray) -> np.ndarray:
    """The numbers that are drawn for an array: of complex ones the absolute value."""
    return np.abs(values) if values.dtype.kind == "c" else values.astype(np.float64)


def scale_of(values: np.ndarray) -> Scale:
    """The scale of an array."""
    finite = values[np.isfinite(values)]
    return Scale(float(finite.min()), float(finite.max())) if finite.size else Scale(0.0, 0.0)


class Painter(NamedTuple):
    """Draws pictures: half blocks in colours (``true``, ``256``), or letters where there are none."""

    colours: str
    scale: Scale
    zoom: int = 1  # places that a number takes along and down

    @property
    def across(self) -> int:
        """Letters that a number takes."""
        return self.zoom if self.colours else 2

    def picture(self, numbers: np.ndarray, marked: tuple[int, int] | None = None) -> list[str]:
        """The lines of one block; the number in the row and column that are ``marked`` stands out."""
        rows = [[self.code(value) if self.colours else self.scale.shade(value) * 2 for value in row] for row in numbers.tolist()]
        if marked is not None:
            row, column = marked
            rows[row][column] = MARK if self.colours else f"\x1b[7m{rows[row][column]}\x1b[0m"
        if not self.colours:
            return ["".join(row) for row in rows]
        down = max(self.zoom, 2) if len(rows) == 1 else self.zoom
        return self.half_blocks([row for row in rows for _ in range(down)])

    def half_blocks(self, rows: list[list[str]]) -> list[str]:
        """Two rows in a line; a row without partner has the terminal's colour under it."""
        lines = []
        for number in range(0, len(rows), 2):
            upper, lower = rows[number], rows[number + 1] if number + 1 < len(rows) else []
            codes = [f"38;{a};48;{b}" for a, b in zip(upper, lower, strict=True)] if lower else [f"38;{a}" for a in upper]
            cells = (("" if i and codes[i - 1] == code else f"\x1b[0;{code}m") + "▀" * self.zoom for i, code in enumerate(codes))
            lines.append("".join(cells) + "\x1b[0m")
        return lines

    def code(self, value: float) -> str:
        """The colour of a number in an escape sequence."""
        return "2;{};{};{}".format(*self.scale.colour(value)) if self.colours == "true" else f"5;{self.scale.colour_of_256(value)}"

    def bar(self) -> str:
        """The colours or letters from that of the smallest number to that of the largest."""
        if self.colours:
            return self._replace(zoom=1).picture(np.array([self.scale.steps(LEGEND)]))[0]
        return SHADES if self.scale.low < self.scale.high else self.scale.shade(self.scale.low)

    def legend(self, odd: bool) -> str:
        """What they mean."""
        low, high = self.scale
        if not self.colours:
            return f'{low:.3g} "{self.bar()}"' + f" {high:.3g}" * (low < high) + f"  {ODD_SHADE} NaN or infinite" * odd
        mark = self.half_blocks([[self.code(float("nan"))]])[0] + " NaN or infinite"
        return f"{low:.3g} {self.bar()} {high:.3g}" + f"  {mark}" * odd


def colours_of(screen: Screen) -> str:
    """The colours in which half blocks can be drawn, as a ``Painter`` has them."""
    return colours_of_terminal() if screen.colour and screen.unicode else ""


def colours_of_terminal() -> str:
    """Which colours a coloured terminal has: ``true`` (24 bits), or ``256``."""
    return "true" if os.environ.get("COLORTERM", "") in ("truecolor", "24bit") else "256"


def heat_lines(part: Part, screen: Screen, full: bool = False) -> Iterator[str]:
    """The lines of a matrix as a picture, with a legend; a large one is sampled down, and a line says so."""
    if not all(part.kept):
        yield f"{INDENT}empty"
        return
    shown, steps = sampled(part, screen, 0 if full else screen.width - len(INDENT) - 2)
    values = np.atleast_2d(sizes_of(shown.values))
    painter = Painter(colours_of(screen), scale_of(values), zoom_of(values.shape[-2:], screen, shown.tiled))
    if values.ndim > 2 or shown.values.ndim == 2:
        yield from map(screen.dim, screen.wrapped(direction_words(shown), INDENT))
    yield INDENT + painter.legend(not np.isfinite(values).all())
    if steps:
        yield from map(screen.dim, screen.wrapped("sampled down, drawn: " + ", ".join(steps), INDENT))

    def block(place: tuple[int, ...], inner: str) -> Iterator[str]:
        if shown.tiled:
            return tile_lines(shown, screen, painter, place, inner)
        return (inner + line for line in painter.picture(values[place]))

    yield from titled_blocks(shown, screen, block)


def tile_lines(shown: View, screen: Screen, painter: Painter, place: tuple[int, ...], indent: str) -> Iterator[str]:
    """Pictures side by side under their titles, as many as fit."""
    blocks, titles = sizes_of(shown.values[place]), tile_titles(shown)
    picture = blocks.shape[-1] * painter.across
    width = max(picture, *map(len, titles))
    fit = max(1, (screen.width - len(indent) + len(BETWEEN)) // (width + len(BETWEEN)))
    for start in range(0, len(titles), fit):
        group = range(start, min(start + fit, len(titles)))
        if any(titles):
            yield indent + screen.dim(BETWEEN.join(titles[i].ljust(width) for i in group).rstrip())
        for line in zip(*(painter.picture(blocks[i]) for i in group), strict=True):
            yield indent + (" " * (width - picture) + BETWEEN).join(line)


def zoom_of(shape: tuple[int, ...], screen: Screen, tiled: bool) -> int:
    """How much a small picture is enlarged."""
    return max(1, min(LARGEST // 2 if tiled else LARGEST, SQUARE // max(shape))) if colours_of(screen) else 1


def sampled(part: Part, screen: Screen, room: int) -> tuple[View, list[str]]:
    """The numbers to draw, evenly spaced, and in words what is left out along which axis; without ``room`` for letters, all."""
    order, kept = part.order, part.kept
    most = most_places(part, screen, room) if room and kept else {axis: len(r) for axis, r in enumerate(kept)}
    steps = [-(-len(r) // most[axis]) for axis, r in enumerate(kept)]
    names = [part.label.name(axis) or f"axis {axis}" for axis in part.axes]
    words = [f"1 of {steps[axis]:,} along {names[axis]}" for axis in order.axes if steps[axis] > 1]
    return part.view([[r[::step]] for r, step in zip(kept, steps, strict=True)], [0] * len(kept)), words


def most_places(part: Part, screen: Screen, room: int) -> dict[int, int]:
    """How many places along each axis are drawn at most."""
    order, kept, coloured = part.order, part.kept, bool(colours_of(screen))
    *slow, columns = order.axes
    most = dict.fromkeys(slow, SLOW) | {columns: room if coloured else room // 2}
    if slow:
        most[rows := slow.pop()] = LINES * (1 + coloured)
    if order.tiled:
        sides = [min(len(kept[axis]), most[axis]) for axis in (rows, columns)]
        across = sides[1] * (zoom_of(tuple(sides), screen, True) if coloured else 2)
        title = part.label.text(part.axes[slow[-1]], kept[slow[-1]][-1])
        most[slow[-1]] = max(1, (room + len(BETWEEN)) // (max(across, len(title)) + len(BETWEEN))) * TILE_LINES
    return most
