"""Matrices as aligned numbers: slices, heat colours, and only the edges of large matrices, read alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from weightlens.errors import BadInput
from weightlens.model import Weight
from weightlens.terminal import Screen, clean

if TYPE_CHECKING:
    from weightlens.axes import Axis

MOST = 1000  # numbers that are printed without abbreviating, as in NumPy
LONGEST_TITLE = 24  # letters of a column's name
LONGEST = 1 << 23  # places of an axis that are named; one that a file only declares may have more than memory
EDGE = 3  # rows and columns shown at either end of an abbreviated matrix


class View(NamedTuple):
    """The visible part of a matrix: its numbers, and the index of each row and column along its axis."""

    values: np.ndarray
    indices: list[list[int]]  # for each axis of ``values`` the index in the matrix
    axes: list[int]  # which axis of the matrix each axis of ``values`` is
    gaps: list[int]  # for each axis: after how many entries something is left out; 0 for nothing


def parse_slice(text: str, shape: tuple[int, ...], option: str = "--slice") -> tuple[int | slice, ...]:
    """``"0,:5"`` as an index; parsed, never evaluated. Raises ``BadInput`` if it does not fit the shape."""
    parts: list[int | slice] = []
    pieces = [piece.strip() for piece in text.strip().strip("[]").split(",")]
    if "..." in pieces:
        at = pieces.index("...")
        pieces[at : at + 1] = [":"] * (len(shape) - len(pieces) + 1)
    if len(pieces) > len(shape):
        raise BadInput(f"{option} {text!r} has {len(pieces)} parts, but the matrix has shape {shape}")
    for piece, length in zip(pieces, shape, strict=False):
        try:
            numbers = [int(part) if part.strip() else None for part in piece.split(":")]
            parts.append(one_index(numbers[0], length) if len(numbers) == 1 else slice(*numbers))
            if not 1 <= len(numbers) <= 3 or numbers[2:] == [0]:
                raise ValueError
        except (ValueError, TypeError):
            raise BadInput(f'{option} {text!r}: {piece!r} is not an index; write for example "0,:5" or "::2"') from None
        except IndexError:
            raise BadInput(f"{option} {text!r}: there is no index {piece} in a matrix of shape {shape}") from None
    return tuple(parts)


def one_index(number: int | None, length: int) -> int:
    """An index counted from the start; raises ``IndexError`` if it is out of range."""
    if number is None:
        raise ValueError
    return range(length)[number]


def read_part(weight: Weight, key: tuple[Any, ...]) -> np.ndarray:
    """A part of a matrix, read without the rest of the file."""
    if weight._value is not None or weight.read_part is None or any(isinstance(k, slice) and (k.step or 1) < 0 for k in key):
        return np.asarray(weight.value[key])
    return np.asarray(weight.read_part(key))


def view_of_weight(weight: Weight, cut: str | None = None, full: bool = False, most: int = MOST) -> View:
    """The numbers to show: all of a small matrix, the edges of a large one, or those selected by ``--slice``."""
    key = parse_slice(cut, weight.shape) if cut else ()
    keys = [*key, *[slice(None)] * (len(weight.shape) - len(key))]
    ranges = [range(length)[k] if isinstance(k, slice) else k for k, length in zip(keys, weight.shape, strict=True)]
    axes = [axis for axis, r in enumerate(ranges) if isinstance(r, range)]
    kept = [r for r in ranges if isinstance(r, range)]
    size = int(np.prod([len(r) for r in kept], dtype=object))
    if size == 0:  # the other axes may be longer than any list
        kept = [r[:MOST] for r in kept]
        return View(np.zeros([len(r) for r in kept]), [list(r) for r in kept], axes, [0] * len(kept))
    abbreviate = size > most and not full
    runs: list[list[Any]] = []
    gaps = []
    for axis, r in enumerate(ranges):
        if not isinstance(r, range):
            runs.append([r])
            continue
        edge = EDGE if axis in axes[-2:] else 1
        cut_out = abbreviate and len(r) > 2 * edge
        gaps.append(edge if cut_out else 0)
        runs.append([r[:edge], r[-edge:]] if cut_out else [r])
    values = join_parts(weight, runs)
    indices = [[i for r in run for i in r] for run in runs if isinstance(run[0], range)]
    return View(values.reshape([len(i) for i in indices]), indices, axes, gaps)


def view_of_array(values: np.ndarray, full: bool = False, most: int = MOST) -> View:
    """The same for an array in memory."""
    return view_of_weight(Weight("", values.shape, str(values.dtype), "", lambda: values, lambda key: values[key]), None, full, most)


def join_parts(weight: Weight, runs: list[list[Any]], key: tuple[Any, ...] = ()) -> np.ndarray:
    """The parts of a matrix between the gaps of each axis, joined."""
    axis = len(key)
    if axis == len(runs):
        return read_part(weight, tuple(as_slice(k) for k in key))
    parts = [join_parts(weight, runs, (*key, run)) for run in runs[axis]]
    place = sum(isinstance(k, range) for k in key)
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=place)


def as_slice(run: Any) -> Any:
    """A range as the slice that picks it."""
    if not isinstance(run, range):
        return run
    if not len(run):
        return slice(0, 0)
    stop = run[-1] + (1 if run.step > 0 else -1)
    return slice(run.start, None if stop < 0 else stop, run.step)


def number_format(values: np.ndarray, precision: int) -> Callable[[Any], str]:
    """One number format for a whole matrix, so that its decimal points are aligned."""
    if values.dtype.kind in "iu":
        return lambda value: format(value, "d")
    if values.dtype.kind == "b":
        return lambda value: str(bool(value))
    if values.dtype.kind == "c":
        return lambda value: f"{value:.{precision}g}"
    sizes = np.abs(values[np.isfinite(values)].astype(np.float64))
    largest = float(sizes.max()) if sizes.size else 0.0
    kind = "e" if largest >= 1e6 or 0 < largest < 10.0 ** -min(precision, 3) else "f"
    pattern, minus_zero = f".{precision}{kind}", format(-0.0, f".{precision}{kind}")

    def write(value: float) -> str:
        text = format(value, pattern)
        return text if text != minus_zero else text[1:]

    return write


class Labels(NamedTuple):
    """The labels of rows and columns, by what the axes mean: ``unit 3``, ``x0`` for an input, ``f0`` for a gate's unit.

    ``incoming``: the letter of inputs (``in 0`` without one); ``titles``: the names of the columns, if they have names.
    """

    axes: Sequence[Axis]
    incoming: str = ""
    titles: Sequence[str] = ()

    def text(self, axis: int, index: int) -> str:
        """The label of one place along an axis."""
        return self.short(axis, index) or ", ".join(factor.text(index) for factor in self.axes[axis]) or str(index)

    def brief(self, axis: int, index: int) -> str:
        """The label without words, where there is little room."""
        numbers = [factor.text(index) if factor.words else str(factor.at[index]) for factor in self.axes[axis][-1:]]
        return self.short(axis, index) or "".join(numbers) or str(index)

    def short(self, axis: int, index: int) -> str:
        """A title or a letter with a number; nothing for other places."""
        from weightlens.axes.names import LETTERS

        if axis == 1 and self.titles:
            return clean(self.titles[index], LONGEST_TITLE)
        match self.axes[axis]:
            case (gate, unit) if (gate.name, unit.name) == ("gate", "unit"):
                return f"{LETTERS[gate.text(index)]}{unit.at[index]}"
            case (factor,) if factor.name == "in" and self.incoming:
                return f"{self.incoming}{index}"
        return ""


def weight_labels(weight: Weight) -> Labels:
    """The labels of a weight's rows, columns and slices; inputs are ``x``, states ``h``."""
    from weightlens.axes.names import as_stored

    if max(weight.shape, default=0) > LONGEST:
        return Labels([()] * len(weight.shape))
    recurrent = weight.name.rsplit("/", 1)[-1] == "recurrent_kernel"
    incoming = "h" if recurrent else "x" if len(weight.shape) == 2 else ""
    return Labels(as_stored(*weight.owner, weight.name, weight.shape), incoming)


def matrix_lines(shown: View, screen: Screen, label: Labels, precision: int = 4, indent: str = "    ", wrap: bool = True) -> Iterator[str]:
    """The lines of a matrix: blocks of rows and columns with their labels, one block after another."""
    values = shown.values
    if values.size == 0:
        yield f"{indent}empty"
        return
    printer = Printer(shown, screen, label, number_format(values, precision), largest_size(values), wrap)
    if values.ndim == 0:
        yield indent + printer.write(values.item())
        return
    leading = values.shape[:-2]
    for place in itertools.product(*(range(n) for n in leading)):
        if leading:
            names = [label.text(shown.axes[axis], shown.indices[axis][i]) for axis, i in enumerate(place)]
            yield indent + screen.dim("[" + ", ".join(names) + "]")
        yield from printer.block(place, indent + "  " * bool(leading))
        if leading and any(gap and i + 1 == gap for gap, i in zip(shown.gaps, place, strict=False)):
            yield indent + screen.dim("…")


def largest_size(values: np.ndarray) -> float:
    """The largest absolute value of the finite numbers."""
    finite = np.where(np.isfinite(values), values, 0)
    return float(np.abs(finite.astype(complex if values.dtype.kind == "c" else float)).max())


class Printer(NamedTuple):
    """Prints the blocks of a matrix: all with one number format, and colours relative to the ``largest`` number."""

    shown: View
    screen: Screen
    label: Labels
    write: Callable[[Any], str]
    largest: float
    wrap: bool

    def block(self, place: tuple[int, ...], indent: str) -> Iterator[str]:
        """One block of rows and columns; a block wider than the screen is split, its pieces one below the other."""
        shown, screen, label = self.shown, self.screen, self.label
        numbers = np.atleast_2d(shown.values[place]).tolist()
        texts = [[self.write(value) for value in row] for row in numbers]
        heads = [label.text(shown.axes[-1], i) for i in shown.indices[-1]]
        sides = [label.text(shown.axes[-2], i) for i in shown.indices[-2]] if shown.values.ndim > 1 else [""]
        side, widest = max(map(len, sides)), max(len(text) for row in texts for text in row)
        room = screen.width - len(indent) - side
        column_gap, row_gap = shown.gaps[-1], shown.gaps[-2] if shown.values.ndim > 1 else 0
        width = max(widest, *map(len, heads)) + 2
        fit = max(1, room // width) if self.wrap else len(heads)
        if column_gap and len(heads) > fit:  # the few columns of an abbreviated matrix stay together
            heads = [label.brief(shown.axes[-1], i) for i in shown.indices[-1]]
            width = max(widest, *map(len, heads)) + 2
            fit = max(1, (room - 3) // width)
        for start in range(0, len(heads), fit):
            group = range(start, min(start + fit, len(heads)))
            dots = {i: "  …" for i in group if i + 1 == column_gap}
            yield indent + " " * side + screen.dim("".join(heads[i].rjust(width) + dots.get(i, "") for i in group))
            for number, (row, line, name) in enumerate(zip(numbers, texts, sides, strict=True), 1):
                cells = [screen.heat(line[i].rjust(width - 2), row[i], self.largest) for i in group]
                joined = "".join(f"  {cell}{dots.get(i, '')}" for i, cell in zip(group, cells, strict=True))
                yield indent + screen.dim(name.rjust(side)) + joined
                if number == row_gap:
                    yield indent + screen.dim("…".rjust(side + width))
