"""An axis consists of factors, each with a name and a coordinate for every index; a place along axes in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

KERNEL, QUERY, KEY, FROM = "kernel", "query", "key", "from"  # what an axis may be of: ``Factor.of``
COMES_IN, INCOMING = "in", "input"  # the word of an axis along which something comes in, and what it is called where it stands alone
PADDED, PADDING = -1, "padding"  # the coordinate of what was padded, and the name of an axis of nothing else


class Mark(NamedTuple):
    """An open axis of a weight: it is not known yet what it means. ``outer``: which of the equal parts that it was cut into."""

    layer: str
    weight: str
    shape: tuple[int, ...]
    axis: int
    outer: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Factor:
    """A word, and the coordinate ``at`` each index of the axis; ``words`` where the coordinates have names of their own.

    ``of``: whose it is, where that has to be said: of the rows of a kernel ``(KERNEL,)``, and the word is ``row``. ``placed``: the
    positions of windows, which are always numbered from 0, whatever is cut out of the axis. ``guess``: neither a layer nor the
    calculation tells the word. ``mark``: is there as long as the axis is open, and its word a guess. ``cut_from``: of the parts
    that an axis was cut into, the word of that axis; ``each``: how many places of it each has. ``column``: the coordinates
    count the columns of an input.
    """

    word: str
    at: np.ndarray
    words: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    placed: bool = False
    guess: bool = False
    mark: Mark | None = None
    cut_from: str = ""
    each: int = 0
    column: bool = False

    @property
    def name(self) -> str:
        """``row``; ``kernel row``."""
        return " ".join((*self.of, self.word))

    @property
    def key(self) -> str | Mark:
        """What tells it from others: its name, if it has one yet."""
        return self.mark or self.name

    def picked(self, indices: np.ndarray) -> Factor:
        """The factor at these indices; -1 is padding."""
        if len(self.at) < 2:  # of an axis that was made longer, too
            at = np.where(indices < 0, PADDED, self.at[0] if len(self.at) else 0)
        else:
            at = self.at[indices] if not len(indices) or indices.min() >= 0 else np.where(indices < 0, PADDED, self.at[indices])
        return replace(self, at=np.arange(len(at)) if self.placed and (np.diff(indices) > 0).all() else at)

    def numbered(self, n: int) -> Factor:
        """So many places under its name, numbered anew: they are no longer those that had words, or columns of an input."""
        return replace(self, at=np.arange(n), words=(), column=False)

    def text(self, i: int) -> str:
        """One index in words."""
        return self.coordinate(int(self.at[i]))

    def label(self, i: int) -> str:
        """One index in words, as beside a row: ``input 3`` along what comes in."""
        return f"{INCOMING} {self.at[i]}" if self.name == COMES_IN else self.text(i)

    def coordinate(self, at: int) -> str:
        """One coordinate in words."""
        if at < 0:
            return PADDING
        return self.words[at] if at < len(self.words) else f"{self.name} {at}"


Axis = tuple[Factor, ...]  # the slowest factor first: (row, column, channel) after a Flatten; () of one place, or unknown


@dataclass(eq=False, repr=False)
class Named:
    """The axes of one value.

    ``fixed``: of each axis of which one place was picked, that place, by the key of the axis. ``learned``: it is made of weights and
    constants only. ``told_apart``: whether axes of the same name get different names.
    """

    axes: list[Axis]
    fixed: dict[str | Mark, Factor] = field(default_factory=dict)
    learned: bool = False
    told_apart: bool = True

    @property
    def words(self) -> tuple[str, ...]:
        """Each axis in words: ``("sample", "head", "query token", "key token")``."""
        return tuple(axis_words(axis) or "place" for axis in self.titled)

    def is_like(self, other: Named) -> bool:
        """Whether names and coordinates are the same."""
        pairs = [(f, g) for mine, its in zip(self.axes, other.axes, strict=True) for f, g in zip_longest(mine, its)]
        return all(f is g or (f and g and f.key == g.key and np.array_equal(f.at, g.at)) for f, g in pairs)

    @property
    def names(self) -> set[str]:
        """The names of all factors that have one."""
        return {f.name for axis in self.axes for f in axis if not f.mark}

    @cached_property
    def titled(self) -> list[Axis]:
        """The axes with equal names told apart: of two token axes the first is the query's, the second the key's."""
        if not self.told_apart:
            return self.axes
        names = [axis_words(axis) for axis in self.axes]
        made = []
        for d, axis in enumerate(self.axes):
            twice, first = bool(axis) and names.count(names[d]) > 1, names.index(names[d]) == d
            of = (FROM if first else "") if self.learned else QUERY if first else KEY
            made.append(tuple(titled(f, of) for f in axis) if twice and of else axis)
        return made

    @property
    def untitled(self) -> Named:
        """The axes with one name for those of the query and of the key."""
        return replace(self, told_apart=False)

    def with_columns(self, columns: tuple[str, ...]) -> Named:
        """The axes with the columns of the input called so."""
        return replace(self, axes=[tuple(replace(f, words=columns) if f.column else f for f in axis) for axis in self.axes])

    def place(self, index: Sequence[int], brief: bool = False) -> str:
        """One element in words: ``sample 2, token 3, unit 1``.

        Of more than two axes, or in ``brief``, axes of length 1 are left out.
        """
        axes = self.titled
        shown = [d for d, axis in enumerate(axes) if (len(axes) < 3 and not brief) or (axis and len(axis[0].at) > 1)]
        return ", ".join(f.text(index[d]) for d in shown for f in axes[d])


def titled(f: Factor, of: str) -> Factor:
    """The factor as one of the query or the key."""
    return replace(f, of=(of, *f.of), words=tuple(f"{of} {word}" for word in f.words))


def axis_words(axis: Axis) -> str:
    """``unit``; ``gate x unit``."""
    return " x ".join(f.name for f in axis)


def groups(outer: Axis, inner: Axis) -> bool:
    """Whether one axis is the parts that the other one was cut into."""
    return len(outer) == len(inner) == 1 and (outer[0].of, outer[0].cut_from) == (inner[0].of, inner[0].word)


def uncut(axes: Sequence[Axis]) -> list[Axis]:
    """The axes with the parts of a divided axis put together again: channel 3, not group 1, channel 1."""
    whole: list[Axis] = []
    for axis in reversed(axes):
        if whole and groups(axis, whole[-1]) and axis[0].each:
            inner = whole[-1][0]
            whole[-1] = (replace(inner, at=(axis[0].at[:, None] * axis[0].each + inner.at).reshape(-1)),)
        else:
            whole.append(axis)
    return whole[::-1]


def picture_axis(axis: Axis) -> str:
    """What an axis runs along in a picture: ``row`` of the rows of a kernel, too. Empty where nothing is known."""
    return axis[-1].word if axis else ""


def plain(word: str, length: int, **more: Any) -> Axis:
    """An axis that is numbered from 0."""
    return (Factor(word, np.arange(length), **more),)


def varied(codes: np.ndarray) -> bool:
    """Whether the coordinates differ."""
    return len(codes) > 1 and bool((codes != codes[0]).any())
