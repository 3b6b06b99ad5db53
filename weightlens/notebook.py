"""Models, traces and reports as HTML tables for a notebook; all text from files is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from weightlens.model import Model
    from weightlens.recording import Trace
    from weightlens.report import Report

ROWS = 200  # rows of one table; the rest is only counted
NUMBERS = 32  # of one step, beyond which only the first are shown


def model_html(model: Model) -> str:
    """The layers as a table: name, class, activation, weights and their number."""
    rows = []
    for layer in model.layers:
        activation = layer.config.get("activation")
        weights = ", ".join(f"{name} {shape_text(weight.shape)}" for name, weight in layer.weights.items())
        rows.append((layer.name, layer.class_name, activation if isinstance(activation, str) else "", weights, f"{layer.size:,}"))
    source = model.provenance
    title = f"{model.name}: {model.class_name or 'weights'}, {model.size:,} numbers" + (f", {source.format}" if source.format else "")
    return heading(title) + table(("layer", "class", "activation", "weights", "numbers"), rows)


def trace_html(trace: Trace) -> str:
    """The steps as tables: each in words, and its numbers."""
    rows = [(step.layer, step.name, step.words, shape_text(step.value.shape), numbers(step.value)) for step in trace.steps[:ROWS]]
    title = f"{len(trace.steps):,} steps" + (f"; it ends early: {trace.stopped}" if trace.stopped else "")
    return heading(title) + table(("layer", "step", "in words", "shape", "numbers"), rows, len(trace.steps))


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


def table(head: Sequence[str], rows: Sequence[Iterable[str]], total: int = 0) -> str:
    """An HTML table; a long one is cut, with a note."""
    top = "".join(f'<th style="text-align:left">{escape(cell)}</th>' for cell in head)
    cells = ("".join(f'<td style="text-align:left">{escape(str(cell))}</td>' for cell in row) for row in rows[:ROWS])
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    rest = max(total, len(rows)) - min(len(rows), ROWS)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>" + (f"<p>… and {rest:,} more</p>" if rest else "")


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape: ``28 x 28 x 1``."""
    return " x ".join(map(str, shape)) or "one number"


def heading(text: str) -> str:
    """A heading for a table."""
    return f"<p><b>{escape(text)}</b></p>"


def numbers(values: np.ndarray) -> str:
    """The first numbers of an array, row by row."""
    flat = np.asarray(values).reshape(-1)
    shown = [f"{v:.4g}" if isinstance(v, float) else str(v) for v in flat[:NUMBERS].tolist()]
    return ", ".join(shown) + (", …" if flat.size > NUMBERS else "")
