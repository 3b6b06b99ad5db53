"""What is shown of a matrix: a slice, or the edges of a large one, and no more is read; and the labels of its axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from weightlens.inputs.indices import parse_slice
from weightlens.model import Weight
from weightlens.terminal import clean

if TYPE_CHECKING:
    from weightlens.axes import Axis

MOST = 1000  # numbers that are printed without abbreviating, as in NumPy
MOST_IN_ROW = 64  # of a vector, and of a matrix that is a single row or column
LONGEST_TITLE = 24  # letters of a column's name
LONGEST = 1 << 23  # places of an axis that are named; one that a file only declares may have more than memory
SMALL = 64  # numbers of a picture, or of one head's matrix, that is always shown whole
EDGE, TILES = 3, 2  # rows and columns, and blocks side by side, shown at either end of an abbreviated matrix
PICTURES = (("kernel row", "kernel column"), ("row", "column"), ("kernel time step", "channel"))  # down and across
HEADS = ("head group", "head")
SIDE_BY_SIDE = (*HEADS, "filter", "filter before", "channel", "multiplier", "kernel plane", "plane")  # the last one is


def read_part(weight: Weight, key: tuple[Any, ...]) -> np.ndarray:
    """A part of a matrix, read without the rest of the file."""
    if weight._value is not None or weight.read_part is None or any(isinstance(k, slice) and (k.step or 1) < 0 for k in key):
        return np.asarray(weight.value[key])
    return np.asarray(weight.read_part(key))


class Labels(NamedTuple):
    """The labels of rows and columns, by what the axes mean: ``unit 3``, ``x0`` for an input, ``f0`` for a gate's unit.

    ``incoming``: the letter of inputs (``input 0`` without one); ``titles``: the names of the columns, if they have names.
    """

    axes: Sequence[Axis]
    incoming: str = ""
    titles: Sequence[str] = ()

    def name(self, axis: int) -> str:
        """What one axis means; of a gate's units, what these are."""
        from weightlens.axes.factors import COMES_IN, INCOMING, axis_words

        words = axis_words(self.axes[axis][self.has_gates(axis) :])
        return INCOMING if words == COMES_IN else words

    def has_gates(self, axis: int) -> bool:
        """Whether the places are units of one gate after another."""
        factors = self.axes[axis]
        return len(factors) > 1 and factors[0].name == "gate"

    def together(self, axis: int) -> int:
        """How many places in a row are of one gate; of an axis without gates, 1."""
        gates = self.axes[axis][0].at if self.has_gates(axis) else np.zeros(1)
        return int(np.count_nonzero(gates == gates[0]))

    def text(self, axis: int, index: int) -> str:
        """The label of one place along an axis."""
        return self.short(axis, index) or ", ".join(factor.label(index) for factor in self.axes[axis]) or str(index)

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


class View(NamedTuple):
    """The visible part of a matrix, its axes in the order in which they are printed, and the index of each place along its axis."""

    values: np.ndarray
    indices: list[list[int]]  # for each axis of ``values`` the index in the matrix
    axes: list[int]  # which axis of the matrix each axis of ``values`` is
    gaps: list[int]  # for each axis: after how many entries something is left out; 0 for nothing
    label: Labels
    tiled: bool = False  # the blocks along the third axis from the end stand side by side
    picture: bool = False  # the last two axes are places of a picture


def view_of_weight(weight: Weight, cut: str | None = None, full: bool = False, most: int = MOST, label: Labels | None = None) -> View:
    """The numbers to show: all of a small matrix, the edges of a large one, or those selected by ``--slice``."""
    part = part_of(weight, cut, label)
    lengths = [len(r) for r in part.kept]
    if 0 in lengths:  # the other axes may be longer than any list
        kept = [r[:MOST] for r in part.kept]
        return View(np.zeros([len(r) for r in kept]), [list(r) for r in kept], part.axes, [0] * len(kept), part.label)
    if not cut and sum(n > 1 for n in lengths) < 2:
        most = min(most, MOST_IN_ROW)
    abbreviate = np.prod(lengths, dtype=object) > most and not full
    edges = edges_of(part.order, lengths) if abbreviate else [0] * len(lengths)
    return part.view([[r[:edge], r[-edge:]] if edge else [r] for r, edge in zip(part.kept, edges, strict=True)], edges)


def part_of(weight: Weight, cut: str | None = None, label: Labels | None = None) -> Part:
    """The whole matrix, or the part of it selected by ``--slice``."""
    return Part(weight, label or weight_labels(weight), ranges_of(weight, cut))


def edges_of(order: Order, lengths: Sequence[int]) -> list[int]:
    """How many places are shown at either end of each axis of a large matrix; 0 for all of them."""
    *slow, rows, columns = order.axes if len(lengths) > 1 else [*order.axes, *order.axes]
    edges = dict.fromkeys(slow, 1) | {rows: EDGE, columns: EDGE}
    if order.tiled:
        edges[slow[-1]] = TILES
        if lengths[rows] * lengths[columns] <= SMALL:
            edges |= {rows: 0, columns: 0}
    return [edges[axis] if length > 2 * edges[axis] else 0 for axis, length in enumerate(lengths)]


class Part(NamedTuple):
    """A part of a matrix that can be shown: along each axis a range, or one index."""

    weight: Weight
    label: Labels
    ranges: list[range | int]

    @property
    def axes(self) -> list[int]:
        """The axes that are left."""
        return [axis for axis, r in enumerate(self.ranges) if isinstance(r, range)]

    @property
    def kept(self) -> list[range]:
        """Their ranges."""
        return [r for r in self.ranges if isinstance(r, range)]

    @property
    def order(self) -> Order:
        """How they are printed, as positions in ``axes``."""
        return order_of([self.label.name(axis) for axis in self.axes], [len(r) for r in self.kept])

    def view(self, runs: list[list[range]], gaps: list[int]) -> View:
        """The numbers at these runs of places along the axes that are left."""
        parts, order = iter(runs), self.order
        indices = [[i for r in run for i in r] for run in runs]
        values = join_parts(self.weight, [next(parts) if isinstance(r, range) else [r] for r in self.ranges])
        values = values.reshape([len(i) for i in indices]).transpose(order.axes)
        axes = self.axes
        return View(
            values, [indices[i] for i in order.axes], [axes[i] for i in order.axes], [gaps[i] for i in order.axes],
            self.label, order.tiled, order.picture,
        )  # fmt: skip


def ranges_of(weight: Weight, cut: str | None) -> list[range | int]:
    """The indices along each axis that are selected by ``--slice``."""
    key = parse_slice(cut, weight.shape) if cut else ()
    keys = [*key, *[slice(None)] * (len(weight.shape) - len(key))]
    return [range(length)[k] if isinstance(k, slice) else k for k, length in zip(keys, weight.shape, strict=True)]


def array_weight(values: np.ndarray) -> Weight:
    """An array in memory as a matrix."""
    return Weight("", values.shape, str(values.dtype), "", lambda: values, lambda key: values[key])


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


class Order(NamedTuple):
    """The axes of a matrix as they are printed: the slowest first, at the end the rows and the columns of a block.

    ``tiled``: blocks along the axis before these two stand side by side. ``picture``: rows and columns are places of a picture.
    """

    axes: list[int]
    tiled: bool = False
    picture: bool = False


def order_of(names: Sequence[str], lengths: Sequence[int]) -> Order:
    """The order of axes with these names and lengths; of what has no such names, the order in the file."""
    rank = len(names)
    if rank < 3:
        return Order(list(range(rank)))
    pair = next((pair for pair in PICTURES if all(names.count(name) == 1 for name in pair)), None)
    block = [names.index(name) for name in pair] if pair else []
    if not block or max(lengths[axis] for axis in block) == 1:
        pair, block = None, [axis for axis in range(rank) if names[axis] not in HEADS][-2:]
    if len(block) < 2:
        return Order(list(range(rank)))
    rest = [axis for axis in range(rank) if axis not in block]
    rank_of = {name: at for at, name in enumerate(SIDE_BY_SIDE)}
    rest.sort(key=lambda axis: (names[axis] in rank_of, lengths[axis] > 1, rank_of.get(names[axis], 0)))
    return Order([*rest, *block], names[rest[-1]] in SIDE_BY_SIDE, pair is not None)
