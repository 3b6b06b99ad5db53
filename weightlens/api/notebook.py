"""Models, traces and reports as HTML for a notebook: tables and heat maps; all text from files is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice, zip_longest
from typing import TYPE_CHECKING

import numpy as np

from weightlens.axes.names import as_stored
from weightlens.errors import WeightlensError
from weightlens.recording.trace import by_layer
from weightlens.specs.activation import named_function
from weightlens.specs.sizes import shape_words
from weightlens.specs.words.number_words import counted

if TYPE_CHECKING:
    from weightlens.axes import Axis
    from weightlens.model import Model, Weight
    from weightlens.recording import Step, Trace
    from weightlens.report import Report

ROWS = 200  # rows of one table; the rest is only counted
LAYERS = 100  # whose weights or steps are shown; the rest is only counted
HEIGHT, WIDTH = 16, 16  # numbers of a heat map
AT_ONCE = 1 << 20  # numbers of a weight that is read to be shown
NEGATIVE, POSITIVE = (242, 180, 140), (143, 188, 224)  # as in a workbook


def model_html(model: Model) -> str:
    """The layers as a table: name, class, activation, weights and their number; below it the weights of each layer, to be opened."""
    rows = []
    for layer in model.layers:
        activation = layer.config.get("activation")
        function = named_function(activation)[0] if activation else ""
        weights = ", ".join(f"{name} {shape_words(weight.shape)}" for name, weight in layer.weights.items())
        rows.append((layer.name, layer.class_name, function, weights, f"{layer.size:,}"))
    source = model.provenance
    title = f"{model.name}: {model.class_name or 'weights'}, {counted(model.size, 'number')}{source.format and f', {source.format}'}"
    layers = [layer for layer in model.layers if layer.weights]
    parts = [
        folded(f"{layer.name}: {counted(layer.size, 'number')}", (weight_html(*pair) for pair in layer.weights.items()))
        for layer in layers[:LAYERS]
    ]
    return (
        heading(title)
        + table(("layer", "class", "activation", "weights", "numbers"), rows)
        + "".join(parts)
        + rest_words(len(layers), LAYERS)
    )


def weight_html(name: str, weight: Weight) -> str:
    """A weight as a heat map; a large one that would have to be read whole, by its shape only."""
    title = f"<p>{escape(name)} {shape_words(weight.shape)}, {escape(weight.dtype)}</p>"
    in_parts = weight._value is None and weight.read_part is not None and len(weight.shape) > 1
    try:
        if not weight.is_numeric or not (in_parts or weight.size <= AT_ONCE):
            return title
        axes = as_stored(*weight.owner, weight.name, weight.shape) if weight.size <= AT_ONCE else ()
        return title + heat_map(first_rows(weight) if in_parts else weight.value, weight.size, axes)
    except WeightlensError as error:  # its model is closed, or the file is damaged here
        return f"{title}<p>{escape(str(error))}</p>"


def first_rows(weight: Weight) -> np.ndarray:
    """The numbers of a weight that a heat map shows, and hardly more: only these are read from the file."""
    assert weight.read_part is not None
    needed, key = HEIGHT, [slice(0, WIDTH)]
    for length in reversed(weight.shape[:-1]):
        key.insert(0, slice(0, needed))
        needed = -(-needed // max(length, 1))
    return np.asarray(weight.read_part(tuple(key)))


def trace_html(trace: Trace) -> str:
    """The steps of each layer, to be opened: each in words, and its numbers as a heat map. The last layer is open."""
    title = counted(len(trace.steps), "step") + (f"; it ends early: {trace.stopped}" if trace.stopped else "")
    layers = by_layer(trace.steps)
    shown = [*layers.items()][:LAYERS]
    parts = []
    for layer, steps in shown:
        words = f"{layer}: {counted(len(steps), 'step')}, output {shape_words(steps[-1].value.shape)}"
        parts.append(folded(words, [*map(step_html, steps[:ROWS]), rest_words(len(steps), ROWS)], layer == shown[-1][0]))
    return heading(title) + "".join(parts) + rest_words(len(layers), LAYERS)


def step_html(step: Step) -> str:
    """A step in words, and its numbers."""
    title = f"<p><b>{escape(step.name)}</b> {shape_words(step.value.shape)}: <i>{escape(step.words)}</i></p>"
    return title + heat_map(step.value, axes=step.named.titled)


def heat_map(values: np.ndarray, size: int | None = None, axes: Sequence[Axis] = ()) -> str:
    """The first numbers of an array (of ``size`` numbers) as coloured cells, in rows along its last axis: orange below 0, blue above.

    ``axes``: what its axes mean, for labels of the rows and columns.
    """
    array = np.asarray(values)
    rows = array.reshape(-1, array.shape[-1]) if array.ndim and array.size else array.reshape(1, -1)
    part = rows[:HEIGHT, :WIDTH]
    finite = np.abs(part[np.isfinite(part)]) if part.dtype.kind in "fiub" else np.zeros(0)
    largest = float(finite.max(initial=0.0)) or 1.0
    places = list(islice(np.ndindex(array.shape[:-1]), len(part))) if axes else []
    names = [", ".join(place(axes[axis], i) for axis, i in enumerate(index)) for index in places]
    heads = ["", *(place(axes[-1], i) for i in range(part.shape[1]))] if axes else []
    body = f"<tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr>" if heads else ""
    for name, row in zip_longest(names, part.tolist()):
        label = "" if name is None else f"<th>{escape(name)}</th>"
        body += f"<tr>{label}{''.join(cell(value, largest) for value in row)}</tr>"
    size = array.size if size is None else size
    rest = f"<p>the first {part.size:,} of {size:,}</p>" if part.size < size else ""
    return f"<table>{body}</table>{rest}" if part.size else "<p>no numbers</p>"


def place(axis: Axis, index: int) -> str:
    """One place along an axis: ``unit 3``; its number where the axis has no name."""
    return ", ".join(factor.label(index) for factor in axis) or str(index)


def cell(value: object, largest: float) -> str:
    """One number, its colour as strong as its size."""
    if not isinstance(value, (int, float)) or value - value != 0:
        return f"<td>{escape(str(value))}</td>"
    share = abs(value) / largest
    red, green, blue = (round(255 + (part - 255) * share) for part in (NEGATIVE if value < 0 else POSITIVE))
    return f'<td style="color:#222;background:rgb({red},{green},{blue})">{value:.4g}</td>'


def folded(title: str, parts: Iterable[str], is_open: bool = False) -> str:
    """Something that opens with a click."""
    how = ' open="open"' if is_open else ""
    return f"<details{how}><summary>{escape(title)}</summary>{''.join(parts)}</details>"


def rest_words(total: int, shown: int) -> str:
    """How many are not shown."""
    return f"<p>… and {total - shown:,} more</p>" if total > shown else ""


def report_html(report: Report) -> str:
    """The comparisons as a table, the verdict, and possible explanations."""
    rows = [(row.layer, row.class_name, row.witness, f"{row.worst_absolute:.1e}", row.element, row.verdict) for row in report.rows]
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    explained = "".join(f"<li>{escape(str(explanation))}</li>" for explanation in getattr(report, "explanations", []))
    colour = "#1a7f37" if report.ok else "#cf222e"
    verdict = f'<p style="color:{colour}">{escape(report.summary)}</p>'
    notes = f"<ul>{notes}</ul>" if notes else ""
    explained = f"<p>What may have happened, the likeliest first:</p><ol>{explained}</ol>" if explained else ""
    return verdict + table(("layer", "what", "against", "difference", "at", ""), rows) + notes + explained


def table(head: Sequence[str], rows: Sequence[Iterable[str]]) -> str:
    """An HTML table; a long one is cut, with a note."""
    top = "".join(f'<th style="text-align:left">{escape(cell)}</th>' for cell in head)
    cells = ("".join(f'<td style="text-align:left">{escape(str(cell))}</td>' for cell in row) for row in rows[:ROWS])
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>{rest_words(len(rows), ROWS)}"


def heading(text: str) -> str:
    """A heading for a table."""
    return f"<p><b>{escape(text)}</b></p>"
