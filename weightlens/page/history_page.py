"""The page of a training that Keras ran: charts, the page of the forward pass in a frame, what was reported; no script of its own."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from weightlens.files import replacing
from weightlens.page import PAGE, Frame
from weightlens.training.moments import Forward, TrainingHistory
from weightlens.workbook.xlsx.charts import COLOURS

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 460, 230, 58, 12, 12, 24  # pixels of a chart, and of its margins
MOST_POINTS = 1_000  # of one line
MOST_ROWS = 500
STYLE = (
    "body{font:14px system-ui,sans-serif;color:#222;margin:24px;max-width:1460px}h1{margin:0}p{color:#666}figure{display:inline-block;"
    "margin:0 16px 16px 0;vertical-align:top}figcaption{font-weight:600}.key{font-size:12px;color:#444;max-width:460px;font-weight:400}"
    ".key i{display:inline-block;width:14px;height:3px;margin:0 4px 3px 10px}table{border-collapse:collapse}td,th{padding:2px 10px;"
    "text-align:right;border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums}svg text{font-size:11px;fill:#666}"
)
Line = tuple[str, Sequence[float | None]]


def write_page(history: TrainingHistory, path: Path, forward: Forward | None, force: bool) -> None:
    """Write the page."""
    with replacing(path, force, suffixes=PAGE) as file:
        file.write(page(history, forward).encode())


def page(history: TrainingHistory, forward: Forward | None) -> str:
    """The page as a text; all names in it are escaped."""
    charts = "".join(chart(title, history.positions, lines) for title, lines in wanted(history) if lines)
    below = ""
    if forward is not None:
        frame = Frame(forward.model, list(forward.inputs), labels=forward.labels)._repr_html_()
        below = f"<h2>The forward pass after epoch {forward.epoch}</h2>{frame}"
    title, about = escape(history.title), escape(history.about)
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    return f"{head}<h1>{title}</h1><p>{about}</p>{charts}{below}<h2>What Keras reported</h2>{reports(history)}</html>\n"


def wanted(history: TrainingHistory) -> list[tuple[str, list[Line]]]:
    """The titles of the charts, and their lines."""
    moments = history.moments

    def reported(names: list[str]) -> list[Line]:
        return [(name, [moment.logs.get(name) for moment in moments]) for name in names]

    drawn = [(k, history.followed[k]) for k in history.drawn]
    norms, steps = np.array([moment.norms for moment in moments]), [moment.changes for moment in moments]
    return [
        ("the loss", reported(history.losses)),
        ("what Keras reports besides", reported(history.metrics)),
        (
            history.paths_title,
            [(f"{number.layer} {number.label}", [float(moment.numbers[k]) for moment in moments]) for k, number in drawn],
        ),
        ("the length of each layer's weights", [(layer, norms[:, i].tolist()) for i, layer in enumerate(history.layers)]),
        (
            "how far each layer moved since the moment before",
            [(layer, [None if step is None else float(step[i]) for step in steps]) for i, layer in enumerate(history.layers)],
        ),
        (
            "relu units that are 0 for every sample",
            [
                (f"{layer}, of {units}", [None if moment.dead is None else float(moment.dead[i]) for moment in moments])
                for i, (layer, units) in enumerate(history.relus.items())
            ],
        ),
    ]


def chart(title: str, positions: Sequence[float], lines: Sequence[Line]) -> str:
    """A line chart as SVG with its legend; what is no finite number is left out."""
    finite = [value for _, values in lines for value in values if value is not None and np.isfinite(value)]
    low, high = min([0.0, *finite]), max(finite, default=1.0)
    high, last = high if high > low else low + 1, max(positions[-1], positions[0] + 1)
    down, right = HEIGHT - BOTTOM, WIDTH - RIGHT

    def place(position: float, value: float) -> str:
        x = LEFT + (right - LEFT) * (position - positions[0]) / (last - positions[0])
        return f"{x:.1f},{down - (down - TOP) * (value - low) / (high - low):.1f}"

    drawn = ""
    for (_, values), colour in zip(lines, COLOURS * len(lines), strict=False):
        points = [(p, v) for p, v in zip(positions, values, strict=True) if v is not None and np.isfinite(v)]
        places = " ".join(place(*point) for point in points[:: -(-len(points) // MOST_POINTS) or 1])
        drawn += f'<polyline points="{places}" fill="none" stroke="#{colour}" stroke-width="1.6"/>'
    marks = "".join(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{value:.4g}</text>' for y, value in ((TOP, high), (down, low)))
    ends = ((LEFT, "start", positions[0]), (right, "end", last))
    marks += "".join(f'<text x="{x}" y="{HEIGHT - 6}" text-anchor="{anchor}">epoch {value:g}</text>' for x, anchor, value in ends)
    frame = f'<path d="M{LEFT} {TOP}V{down}H{right}" fill="none" stroke="#aaa"/>'
    key = "".join(f'<i style="background:#{c}"></i>{escape(name)}' for (name, _), c in zip(lines, COLOURS * len(lines), strict=False))
    svg = f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(title)}">{frame}{marks}{drawn}</svg>'
    return f'<figure><figcaption>{escape(title)}</figcaption>{svg}<div class="key">{key}</div></figure>'


def reports(history: TrainingHistory) -> str:
    """A table of losses and metrics; of many moments the last ones."""
    head = "".join(f"<th>{escape(name)}</th>" for name in ("epoch", *history.reported))
    rows = [(at, moment.logs) for at, moment in zip(history.positions, history.moments, strict=True) if moment.logs]
    cells = (
        f"<tr><td>{at:g}</td>" + "".join(f"<td>{f'{logs[n]:.6g}' if n in logs else ''}</td>" for n in history.reported) + "</tr>"
        for at, logs in rows[-MOST_ROWS:]
    )
    rest = f"<p>The last {MOST_ROWS:,} of {len(rows):,} rows.</p>" if len(rows) > MOST_ROWS else ""
    return f"{rest}<table><tr>{head}</tr>{''.join(cells)}</table>"
