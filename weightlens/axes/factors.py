"""What an axis is made of: factors with a name and a coordinate for each index; and an element of them in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import zip_longest
from typing import Any

import numpy as np

PADDED, PADDING = -1, "padding"  # the coordinate of what was padded, and the name of an axis of nothing else


@dataclass(frozen=True, eq=False)
class Factor:
    """A name, and the coordinate ``at`` each index of the axis; ``words`` where the coordinates have names of their own.

    ``placed``: the places of windows, which are numbered by the axis's own index, whatever is cut out of it. ``guess``: neither
    a layer nor the calculation tells.
    """

    name: str
    at: np.ndarray
    words: tuple[str, ...] = ()
    placed: bool = False
    guess: bool = False

    def picked(self, indices: np.ndarray) -> Factor:
        """What is left of it at these indices."""
        if len(self.at) < 2:  # what was made longer, too
            at = np.where(indices < 0, PADDED, self.at[0] if len(self.at) else 0)
        else:
            at = self.at[indices] if not len(indices) or indices.min() >= 0 else np.where(indices < 0, PADDED, self.at[indices])
        return replace(self, at=np.arange(len(at)) if self.placed and (np.diff(indices) > 0).all() else at)

    def text(self, i: int, first: int = 0) -> str:
        """One index in words; samples are counted from ``first``."""
        return self.word(int(self.at[i]), first)

    def word(self, at: int, first: int = 0) -> str:
        """One coordinate in words."""
        if at < 0:
            return PADDING
        return self.words[at] if at < len(self.words) else f"{self.name} {at + (first if self.name == 'sample' else 0)}"


Axis = tuple[Factor, ...]  # the slowest factor first: (row, column, channel) after a Flatten; () of one place, or unknown


@dataclass(eq=False)
class Named:
    """The axes of one value. ``fixed``: of what was picked out of an axis, which place; ``learned``: of weights and constants only."""

    axes: list[Axis]
    fixed: dict[str, tuple[int, str]] = field(default_factory=dict)
    learned: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """Each axis in words: ``("sample", "head", "query token", "key token")``."""
        return tuple(axis_words(axis) or "place" for axis in self.titled)

    def is_like(self, other: Named) -> bool:
        """Whether names and coordinates are the same."""
        pairs = [(f, g) for mine, its in zip(self.axes, other.axes, strict=True) for f, g in zip_longest(mine, its)]
        return all(f is g or (f and g and f.name == g.name and np.array_equal(f.at, g.at)) for f, g in pairs)

    @property
    def names(self) -> set[str]:
        """The names of all factors."""
        return {f.name for axis in self.axes for f in axis}

    @cached_property
    def titled(self) -> list[Axis]:
        """The axes with equal names told apart: of two token axes the first asks, the second is looked at."""
        names = [axis_words(axis) for axis in self.axes]
        made = []
        for d, axis in enumerate(self.axes):
            twice, first = bool(axis) and names.count(names[d]) > 1, names.index(names[d]) == d
            title = ("from " if first else "") if self.learned else "query " if first else "key "
            made.append(tuple(titled(f, title) for f in axis) if twice and title else axis)
        return made

    def place(self, index: Sequence[int], first: int = 0, brief: bool = False) -> str:
        """One element in words: ``sample 2, token 3, unit 1``.

        Of more than two axes, or in ``brief``, nothing is said of what there is only one of.
        """
        axes = self.titled
        shown = [d for d, axis in enumerate(axes) if (len(axes) < 3 and not brief) or (axis and len(axis[0].at) > 1)]
        return ", ".join(f.text(index[d], first) for d in shown for f in axes[d])


def titled(f: Factor, title: str) -> Factor:
    """A factor with a word before its name."""
    return replace(f, name=title + f.name, words=tuple(title + word for word in f.words))


def axis_words(axis: Axis) -> str:
    """``unit``; ``gate x unit``."""
    return " x ".join(f.name for f in axis)


def plain(name: str, length: int, **more: Any) -> Axis:
    """An axis that is numbered from 0."""
    return (Factor(name, np.arange(length), **more),)


def varied(codes: np.ndarray) -> bool:
    """Whether there are different ones."""
    return len(codes) > 1 and bool((codes != codes[0]).any())
