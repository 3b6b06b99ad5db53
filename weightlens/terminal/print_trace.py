"""``weightlens trace``: the arithmetic of a prediction, step by step, in words and in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from weightlens.errors import BadInput
from weightlens.recording import Recorded, Step, Trace
from weightlens.recording.graph import is_inside
from weightlens.specs.sizes import tuple_text
from weightlens.terminal import Screen, clean
from weightlens.terminal.escape import width_of
from weightlens.terminal.matrices import LONGEST_TITLE, Labels, array_weight, part_of, view_of_weight
from weightlens.terminal.matrix_lines import matrix_lines
from weightlens.words.explained import explained
from weightlens.words.layer_words import sentence
from weightlens.words.worked import Arithmetic

if TYPE_CHECKING:
    from weightlens.axes import Named

Cells = dict[int, tuple[str, np.ndarray]]  # by the id of a value: the sheet it stands on, and the address of each element's cell

ROUNDS = 2  # rounds of a repeated calculation that are shown before it is cut
FEW = 64  # numbers of a step that are printed without abbreviating
WORKED = 16  # elements of a step up to which each one is worked out; of larger steps the first one is


class Looks(NamedTuple):
    """How numbers are shown: all of them, so many digits, matrices as pictures; ``explain``: and what each layer and step is for."""

    full: bool = False
    precision: int = 4
    heat: bool = False
    explain: bool = False


def print_trace(
    trace: Trace,
    screen: Screen,
    layers: tuple[str, ...] = (),
    looks: Looks = Looks(),  # noqa: B008 (it cannot be changed)
    cells: Cells | None = None,
    titles: Sequence[list[str]] = (),
) -> None:
    """Print the inputs, each layer's steps, and the outputs.

    ``cells``: where each number stands in a workbook; ``titles``: what the columns of each input are called.
    """
    from weightlens.axes.factors import plain

    titles = titles or [[]] * len(trace.inputs)
    writer = TraceWriter(screen, looks, cells or {}, column_names(trace, titles))
    if not layers:
        for x, names in zip(trace.inputs, titles, strict=True):
            screen.line(screen.bold(clean(x.name)) + screen.dim(f" · input {tuple_text(x.value.shape)}"))
            axes = [plain("in", len(a[0].at)) if a and a[0].name == "feature" else a for a in trace.axes.named(x).titled]
            whole = x.value.dtype.kind == "f" and bool((x.value == np.rint(x.value)).all())  # truth values, numbers of words
            screen.lines(writer.numbers(x.value, Labels(axes, "x", names if is_titled(x, names) else ()), 0 if whole else looks.precision))
    steps = [step for step in trace.steps if not layers or any(is_inside(step.layer, name) for name in layers)]
    if layers and not steps:
        raise BadInput(f"layer {layers[0]!r} has no step of its own: it hands on its input, or is not reached")
    for path, group in groupby(steps, key=lambda step: step.layer):
        screen.line()
        layer = trace.layers.get(path)  # constants, a loss and gradients have none
        screen.line(screen.bold(clean(path)) + screen.dim(f" · {clean(layer.class_name)}" if layer is not None else ""))
        if looks.explain and layer is not None:
            screen.lines(writer.purpose_of(path, sentence(layer), "  "))
        print_layer(list(group), writer)
    if not layers and trace.results:
        screen.line()
        for name, y in zip(trace.output_names, trace.results, strict=True):
            screen.line(screen.bold(clean(name)) + screen.dim(f" {tuple_text(y.value.shape)}"))
            screen.lines(writer.numbers(y.value, Labels(trace.axes.named(y).with_columns(writer.columns).titled)))


def is_titled(x: Recorded, titles: Sequence[str]) -> bool:
    """Whether each column of an input has a title."""
    return x.ndim == 2 and len(titles) == x.shape[1]


def column_names(trace: Trace, titles: Sequence[list[str]]) -> tuple[str, ...]:
    """What the columns of the input are called; of several inputs nothing, for what is made of both has no column."""
    if len(trace.inputs) != 1:
        return ()
    x = trace.inputs[0]
    names = titles[0] if is_titled(x, titles[0]) else [f"x{i}" for i in range(x.shape[-1])]
    return tuple(clean(name, LONGEST_TITLE) for name in names)


def print_layer(steps: list[Step], writer: TraceWriter) -> None:
    """Print the steps of one layer; of repeated steps (time steps), the first two rounds and the last."""
    screen = writer.screen
    rounds = Counter(step.name for step in steps)
    seen: Counter[str] = Counter()
    hidden: Counter[str] = Counter()
    for step in steps:
        seen[step.name] += 1
        if not writer.looks.full and ROUNDS < seen[step.name] < rounds[step.name]:
            hidden[step.name] += 1
            continue
        if hidden:
            screen.line(screen.dim(f"  … {max(hidden.values()):,} more rounds like this one; --full shows them"))
            hidden.clear()
        screen.lines(writer.step(step))


def write_json(
    trace: Trace,
    file: BinaryIO,
    layers: Sequence[str],
    cells: Cells | None = None,
    labels: Sequence[list[str]] = (),
    command: str = "trace",
    explain: bool = False,
) -> None:
    """Write the whole trace as JSON: inputs, steps with words and values (and cells of a workbook), outputs."""
    from weightlens.terminal.machine import to_json  # with it come zip files and more

    inputs = [
        {"name": x.name, "values": x.value} | ({"columns": names} if names else {})
        for x, names in zip(trace.inputs, labels or [[]] * len(trace.inputs), strict=True)
    ]
    file.write(to_json({"command": command, "inputs": inputs})[:-1] + b',"steps":[')
    first = True
    for step in trace.steps:
        if not layers or any(is_inside(step.layer, name) for name in layers):
            facts: dict[str, Any] = {
                "layer": step.layer,
                "name": step.name,
                "words": step.words,
                "shape": step.value.shape,
                "axes": step.axes,
            }
            if explain:
                facts["explained"] = explained(step)
            if cells is not None and id(step.made) in cells:
                from weightlens.spreadsheet.cell_areas import cell_names

                sheet, places = cells[id(step.made)]
                facts |= {"sheet": sheet, "cells": np.array(cell_names(places), object).reshape(places.shape).tolist()}
            file.write(b"," * (not first) + to_json(facts | {"values": np.ascontiguousarray(step.value)}))
            first = False
    outputs = [np.ascontiguousarray(y) for y in trace.outputs] if trace.results else []
    named = dict(zip(trace.output_names, outputs, strict=True)) if trace.outputs_named and outputs else outputs
    file.write(b'],"outputs":' + to_json(named) + b',"stopped":' + to_json(trace.stopped) + b"}\n")


class TraceWriter:
    """The lines of steps: every element of a small step with its arithmetic; a large step as a matrix with one worked example."""

    def __init__(self, screen: Screen, looks: Looks, cells: Cells, columns: tuple[str, ...]) -> None:
        self.screen, self.looks, self.cells, self.columns = screen, looks, cells, columns
        self.said = set[tuple[str, str]]()
        self.arithmetics = [Arithmetic(terms) for terms in (4, 3, 2, 1)]

    def step(self, step: Step) -> Iterator[str]:
        """The lines of one step."""
        shape = tuple_text(step.value.shape)
        *above, last = self.screen.wrapped(clean(step.words, 240), "  ")
        room = self.screen.width - width_of(last) - len(shape)
        yield from above
        yield last + " " * room + self.screen.dim(shape) if room > 0 else last
        if self.looks.explain:
            yield from self.purpose_of(step.layer, explained(step), "    ")
        sheet, places = self.cells.get(id(step.made), ("", None))
        if places is not None and places.size:
            from weightlens.workbook.formulas.cell_arrays import cell_name

            yield self.screen.dim(f"    cells {cell_name(places.flat[0])} to {cell_name(places.flat[-1])} of sheet {sheet!r}")
        if step.value.dtype.kind not in "biuf":
            yield f"    {clean(step.value.tolist(), self.screen.width - 4)}"
        elif step.made.op is None and step.value.size > 1 and (step.value == step.value.flat[0]).all():
            return  # the words have said it: initial hidden state = 0
        elif 0 < step.value.size <= (WORKED if places is None else FEW):
            yield from self.worked(step)
        else:
            yield from self.numbers(step.value, Labels(self.named(step).titled))
            if step.value.size:
                index = (len(step.value) - 1,) * (step.value.ndim > 0) + (0,) * (step.value.ndim - 1)
                yield from map(self.screen.dim, self.example(step, index))

    def named(self, step: Step) -> Named:
        """The axes of a step, with the columns of the input as they are called."""
        return step.named.with_columns(self.columns)

    def purpose_of(self, layer: str, text: str, indent: str) -> Iterator[str]:
        """What a layer or a step is for, in words; once in each layer."""
        if text and (layer, text) not in self.said:
            self.said.add((layer, text))
            yield from map(self.screen.dim, self.screen.wrapped(clean(text, 600), indent))

    def worked(self, step: Step) -> Iterator[str]:
        """Every element of a small step with its arithmetic."""
        named = self.named(step)
        names = [named.place(index, brief=True) for index in np.ndindex(step.value.shape)]
        if id(step.made) in self.cells:
            from weightlens.spreadsheet.cell_areas import cell_names

            references = cell_names(self.cells[id(step.made)][1])
            names = [f"{reference:6} {name}" for reference, name in zip(references, names, strict=True)]
        width = max(map(width_of, names))
        for name, index in zip(names, np.ndindex(step.value.shape), strict=True):
            start = "    " + (name + " " * (width - width_of(name) + 2) if width else "")
            yield self.screen.dim(start) + self.calculation(step, index, self.screen.width - len(start))

    def example(self, step: Step, index: tuple[int, ...]) -> Iterator[str]:
        """One element with its arithmetic, which stands under it where it does not fit beside it."""
        start = f"    {self.named(step).place(index)}:"
        if line := self.fitting(step, index, self.screen.width - len(start) - 1):
            yield f"{start} {line}"
        else:
            yield start
            yield f"      {self.calculation(step, index, self.screen.width - 6)}"

    def calculation(self, step: Step, index: tuple[int, ...], room: int) -> str:
        """One element's arithmetic with as many terms as fit; if need be, cut after a word."""
        if line := self.fitting(step, index, room):
            return line
        text, result = map(clean, self.arithmetics[-1].parts(step, index))
        end = f" ... = {result}"
        return f"{text[: max(0, room - len(end) + 1)].rpartition(' ')[0]}{end}"

    def fitting(self, step: Step, index: tuple[int, ...], room: int) -> str:
        """One element's arithmetic with as many terms as fit; empty where not even one does."""
        lines = (clean(arithmetic.line(step, index), 400) for arithmetic in self.arithmetics)
        return next((line for line in lines if len(line) <= room), "")

    def numbers(self, values: np.ndarray, label: Labels, precision: int | None = None) -> Iterator[str]:
        """The lines of a matrix with labelled rows and columns."""
        if values.dtype.kind not in "biuf":
            yield f"    {clean(values.tolist(), self.screen.width - 4)}"
            return
        if self.looks.heat:
            from weightlens.terminal.heat import heat_lines

            yield from heat_lines(part_of(array_weight(values), label=label), self.screen, self.looks.full)
            return
        shown = view_of_weight(array_weight(values), None, self.looks.full, FEW, label)
        yield from matrix_lines(shown, self.screen, self.looks.precision if precision is None else precision, wrap=not self.looks.full)
