"""The rules: what each kind of call does to the axes of its operands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.axes import names
from weightlens.axes.factors import KERNEL, PADDING, Axis, Factor, Mark, Named, groups, plain
from weightlens.axes.moves import moved
from weightlens.recording.calls import (
    MOVES,
    PRODUCTS,
    REDUCTIONS,
    argument,
    einsum_subscripts,
    factors,
    moved_by_data,
    operation,
    reduced_axes,
)
from weightlens.recording.graph import is_inside, operands, ordered, shape_of
from weightlens.specs.registry import spec_of

if TYPE_CHECKING:
    from weightlens.recording import Recorded, Trace

Occurring = tuple[str, str, tuple[int, ...]]  # the layer, name and shape that the occurrences of a step have in common
Met = tuple[Axis, bool, int]  # an axis, whether it is of a weight, and its length


class Axes:
    """The axes of all values of a trace, derived when the first of them is asked for."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.known: dict[int, Named] = {}
        self.told: dict[int, Named] = {}  # the same, with what open axes turned out to be
        self.meaning: dict[Mark, Axis] = {}  # what an open axis of a weight turned out to be
        self.numbers: dict[int, int] = {}  # of each step's value which of its occurrences it is
        self.rounds: dict[Occurring, list[tuple[int, Named]]] = {}  # of a step's occurrences the last two that were derived
        self.steady: set[Occurring] = set()  # steps that have occurred twice with the same axes
        self.started = False

    def named(self, x: Recorded) -> Named:
        """The axes of a value."""
        x = self.trace.alike.get(id(x), x)
        if id(x) in self.told:
            return self.told[id(x)]
        if not self.started:
            self.started = True
            self.derive_all()
        if id(x) not in self.known:
            self.derive(x, x.layer)
        named = self.known[id(x)]
        axes = [self.closed(axis, n) for axis, n in zip(named.axes, x.shape, strict=True)]
        fixed = [self.closed((f,), 2)[0] for f in named.fixed.values()]
        self.told[id(x)] = replace(named, axes=axes, fixed={f.name: f for f in fixed})
        return self.told[id(x)]

    def closed(self, axis: Axis, n: int) -> Axis:
        """An open axis as it was learned from what it met; a guess where it met nothing."""
        axis = self.resolved(axis)
        if n == 1 and is_open(axis):
            return ()
        return tuple(replace(f, guess=True, mark=None) if f.mark else f for f in axis)

    def derive_all(self) -> None:
        """Derive the axes of every step, but of a repeated one only those of the first rounds: open axes learn nothing from later ones."""
        seen: Counter[Occurring] = Counter()
        for step in self.trace.steps:
            key = key_of(step.made)
            self.numbers[id(step.made)], seen[key] = seen[key], seen[key] + 1
            if not self.repeated(step.made):
                self.derive(step.made, step.layer)

    def derive(self, x: Recorded, path: str) -> None:
        """Derive the axes of a value, those of its operands first; of a repeated step (time steps) only the first rounds."""
        for y in ordered([x], lambda y: id(y) not in self.known and not self.repeated(y)):
            if id(y) not in self.known:
                if self.repeated(y):
                    self.known[id(y)] = self.next_round(y)
                    continue
                named = self.known[id(y)] = self.settled(y, self.axes_of_result(y, y.layer if y.kind else path))
                if y.kind == "step" and y.op is not None:
                    self.occurred(y, named)

    def occurred(self, y: Recorded, named: Named) -> None:
        """Note an occurrence of a step. After two in a row with the same axes the next ones have them, too."""
        key, number = key_of(y), self.numbers.get(id(y), -1)
        before = self.rounds.get(key, [])[-1:]
        self.rounds[key] = [*before, (number, named)]
        if key not in self.steady and before and before[0][0] == number - 1 and before[0][1].is_like(named):
            self.steady.add(key)

    def repeated(self, y: Recorded) -> bool:
        """Whether a step comes after two occurrences with the same axes."""
        return y.kind == "step" and y.op is not None and key_of(y) in self.steady and id(y) in self.numbers

    def next_round(self, y: Recorded) -> Named:
        """The axes of the last occurrence that was derived, the places that were picked moved on as far as this one is from it."""
        (_, earlier), (number, last) = self.rounds[key_of(y)]
        fixed, ahead = dict[str | Mark, Factor](), self.numbers[id(y)] - number
        for key, f in last.fixed.items():
            fixed[key] = replace(f, at=f.at + ahead * (f.at - earlier.fixed.get(key, f).at))
        return replace(last, fixed=fixed)

    # -- what a call does to the axes of its operands --------------------------------------------------------------------------

    def axes_of_result(self, y: Recorded, path: str) -> Named:
        """The axes of a value, from what made it."""
        if y.op is None:
            return self.axes_of_source(y)
        parts = {id(z): self.read(z, path) for z in operands(y)}
        fixed: dict[str | Mark, Factor] = {}
        for named in parts.values():
            fixed = named.fixed | fixed
        try:
            axes = self.rule(y, parts, fixed)
        except (ValueError, IndexError, TypeError, KeyError):  # a call that no rule follows: its axes are unknown
            axes = []
        fits = len(axes) == y.ndim and all(len(f.at) == n for axis, n in zip(axes, y.shape, strict=True) for f in axis)
        return Named(axes if fits else [()] * y.ndim, fixed, all(named.learned for named in parts.values()))

    def axes_of_source(self, y: Recorded) -> Named:
        """The axes of inputs, weights and constants, as layers and tables tell them; unknown ones get a mark."""
        if y.kind == "input":
            told = zip(names.input_axes(self.trace, y), y.shape, strict=True)
            return Named([plain(name, n, column=name == names.COLUMN) for name, n in told])
        if not y.kind:
            return Named([()] * y.ndim, learned=True)
        layer = getattr(y.source, "layer", None) or self.trace.layers.get(y.layer)
        kind, config = (layer.class_name, layer.config) if layer is not None else ("", {})
        if y.kind == "weight":
            axes = names.weight_axes(kind, config, y.name, y.shape)
        else:
            axes = names.axes_by_text(names.CONSTANTS.get(y.name, ()), y.shape)
        usual = names.never_told(y.ndim, bool(kind) and y.kind == "weight")
        opened = [plain(word, y.shape[d], mark=Mark(y.layer, y.name, y.shape, d)) for d, word in enumerate(usual)]
        return Named([axis or mark for axis, mark in zip(axes, opened, strict=True)], learned=True)

    def rule(self, y: Recorded, given: dict[int, Named], fixed: dict[str | Mark, Factor]) -> list[Axis]:
        """One rule for each kind of call."""
        op, parts = operation(y), list(operands(y))
        first = given.get(id(y.args[0])) if y.args else None
        if op is np.take and first is not None and len(parts) > 1:
            axis = int(argument(y, 2, "axis") or 0) % len(first.axes)
            return [*first.axes[:axis], *given[id(parts[1])].axes, *first.axes[axis + 1 :]]
        if op in PRODUCTS:
            return self.product(y, given)
        if op in REDUCTIONS and first is not None:
            over, rest = reduced_axes(y)
            return [first.axes[d] for d in rest] if y.ndim == len(rest) else [() if d in over else a for d, a in enumerate(first.axes)]
        if op is sliding_window_view and first is not None:
            return windows(y, first.axes)
        if op in MOVES and op not in (np.triu, np.tril) and not moved_by_data(y):
            return moved(y, given, fixed)
        return self.broadcast(y.shape, [(z, given[id(z)]) for z in parts])

    def product(self, y: Recorded, given: dict[int, Named]) -> list[Axis]:
        """Products: each letter of their subscripts is a meeting of axes."""
        inputs, output = einsum_subscripts(y).split("->")
        met: dict[str, list[Met]] = {}
        for letters, z in zip(inputs.split(","), factors(y), strict=True):
            named = given.get(id(z)) or Named([()] * len(shape_of(z)), learned=True)
            for letter, axis, n in zip(letters, named.axes, shape_of(z), strict=True):
                met.setdefault(letter, []).append((axis, named.learned, n))
        chosen = {letter: self.meeting(meetings, max(n for *_, n in meetings)) for letter, meetings in met.items()}
        return [chosen[letter] for letter in output]

    def broadcast(self, shape: tuple[int, ...], parts: Iterable[tuple[Recorded, Named]]) -> list[Axis]:
        """Element by element: at each axis, counted from the end, what the operands have there."""
        parts = list(parts)
        return [
            self.meeting([(named.axes[d], named.learned, z.shape[d]) for z, named in parts if z.ndim >= -d], shape[d])
            for d in range(-len(shape), 0)
        ]

    def meeting(self, there: list[Met], length: int) -> Axis:
        """One axis of several operands: named by the first that is no weight; an open axis of a weight learns what it is."""
        fitting = [(axis, learned) for axis, learned, n in there if n == length and axis]
        named = [axis for axis, _ in sorted(fitting, key=lambda pair: pair[1]) if not is_open(axis)]
        if not fitting:
            return ()
        best = named[0] if named else fitting[0][0]
        for axis, _ in fitting:
            self.learn(axis, best)
        return best

    def learn(self, axis: Axis, best: Axis) -> None:
        """An open axis means what it meets, unless that is itself."""
        mark, at = axis[0].mark, axis[0].at
        if mark is None or mark == best[0].mark or mark in self.meaning:
            return
        if np.array_equal(np.sort(at), np.arange(mark.shape[mark.axis])):  # all of it
            order = np.argsort(at)
            self.meaning[mark] = regrouped(tuple(replace(f, at=f.at[order], placed=False) for f in best), len(at))

    # -- names at the boundary of a layer ----------------------------------------------------------------------------------------

    def read(self, z: Recorded, path: str) -> Named:
        """An operand as the layer at ``path`` sees it: the filters of the layer before are channels, and its time steps are past."""
        if id(z) not in self.known:
            self.derive(z, path)
        named = self.known[id(z)]
        axes = [self.resolved(axis) for axis in named.axes]
        if z.kind == "step" and z.layer != path:
            axes = [tuple(leaving(f) for f in axis) for axis in axes]
        inside = z.kind != "step" or is_inside(path, z.layer) or is_inside(z.layer, path)
        return replace(named, axes=axes, fixed=named.fixed if inside else {})

    def resolved(self, axis: Axis) -> Axis:
        """An open axis with the meaning that it was found to have."""
        for _ in range(8):
            if not axis or axis[0].mark is None or axis[0].mark not in self.meaning:
                break
            axis = tuple(f.picked(axis[0].at) for f in self.meaning[axis[0].mark])
        return axis

    def settled(self, y: Recorded, named: Named) -> Named:
        """A step has coordinates that tell its elements apart, and a guess where nothing is known."""
        if y.kind != "step":
            return named
        axes = [regrouped(axis, n) for axis, n in zip(named.axes, y.shape, strict=True)]
        guess, layer = names.guessed(y.shape, named.names), self.trace.layers.get(y.layer)
        new = names.NEW.get(y.name) or (spec_of(layer).new_axis if layer is not None else "")
        unknown = [d for d, axis in enumerate(axes) if not axis and y.shape[d] > 1]
        for d, (axis, n) in enumerate(zip(axes, y.shape, strict=True)):
            if d in unknown:
                told = new and d == unknown[-1] and new not in named.names
                axes[d] = plain(new, n) if told else plain(guess[d], n, guess=True)
            elif axis and n > 1 and not distinct(axis, n):
                real = [f for f in axis if f.name != PADDING] or list(axis)
                axes[d] = (real[-1].numbered(n),)
        return replace(named, axes=axes)


def leaving(f: Factor) -> Factor:
    """A factor under the name that the next layer has for it."""
    word = names.LEAVING.get(f.word, f.word)
    return replace(f, word=word, placed=False) if word != f.word or f.placed else f


def key_of(y: Recorded) -> Occurring:
    """What the occurrences of a step have in common."""
    return y.layer, y.name, y.shape


def distinct(axis: Axis, n: int) -> bool:
    """Whether no two places of an axis have the same coordinates, and none is padding."""
    if len(axis) == 1 and axis[0].at[0] >= 0 and (np.diff(axis[0].at) > 0).all():
        return True
    codes = np.stack([f.at for f in axis])
    return bool((codes >= 0).all()) and len(set(zip(*codes.tolist(), strict=True))) == n


def regrouped(axis: Axis, n: int) -> Axis:
    """Filters in groups, side by side, are filters; channels in groups are channels."""
    if len(axis) != 2 or axis[0].name == "gate" or (axis[-1].name != "filter" and not groups(axis[:1], axis[1:])):
        return axis
    return plain(axis[-1].name, n)


def windows(y: Recorded, axes: list[Axis]) -> list[Axis]:
    """Places of windows are numbered anew; the taps in a window have axes of their own."""
    rank = len(axes)
    along = argument(y, 2, "axis")
    taps = [int(a) % rank for a in np.atleast_1d(range(rank) if along is None else along)]
    places = list(axes)
    for d in taps:
        places[d] = axes[d] and (replace(axes[d][0].numbered(y.shape[d]), placed=True),)
    words = [axes[d][0].word if axes[d] and not is_open(axes[d]) else "place" for d in taps]
    inside = [plain(word, n, of=(KERNEL,)) for word, n in zip(words, y.shape[rank:], strict=True)]
    return [*places, *inside]


def is_open(axis: Axis) -> bool:
    """Whether it is not known yet what an axis of a weight means."""
    return bool(axis) and axis[0].mark is not None
