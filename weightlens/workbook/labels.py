"""What stands over the columns of a block and left of its rows: units, channels, samples, time steps, gates."""

from __future__ import annotations

import re

from weightlens.recording import Step
from weightlens.workbook.captions import SYMBOLS
from weightlens.workbook.layout import Arrangement

GATE = re.compile(r"columns (\d+):(\d+) of")
Gate = tuple[int, int, str]  # from which column, to before which, and the step that reads these


def column_labels(a: Arrangement) -> dict[int, str]:
    """What stands over the columns of a block: units, or channels over pictures."""
    if not a.column_axes or a.width > 3000:
        return {}
    if len(a.column_axes) == 1:
        word = "sample" if a.column_axes == (0,) and len(a.shape) > 1 else "unit"
        first = 1 if word == "sample" else 0
        return {int(c): f"{word} {i + first}" for i, c in enumerate(a.columns.tolist())} if a.width < 4 or len(a.shape) < 4 else {}
    step = a.steps[1][a.column_axes[0]]
    long = step >= 4
    return {i * step: f"channel {i}" if a.column_gap and long else f"{i}" for i in range(a.shape[a.column_axes[0]])}


def row_labels(a: Arrangement, of: int) -> dict[int, str]:
    """What stands left of the rows of a block: samples, time steps, units."""
    if a.row_axes == (1,) and len(a.shape) == 2:
        return {i: f"unit {i}" for i in range(a.height)}
    if a.stretch > 1:
        one = a.shape[:1] == (1,)
        return {
            n * a.stretch + t: f"t={t}" if one else f"{n + 1}, t={t}" for n in range(a.shape[0] if a.shape else 1) for t in range(a.stretch)
        }
    if a.row_axes == (0,) and len(a.shape) == 1:
        return {i: f"unit {i}" for i in range(a.height)}
    if a.row_axes == (0,):
        return {int(r): f"sample {i + 1}" for i, r in enumerate(a.rows.tolist())}
    if a.row_axes == (0, 1) and len(a.shape) >= 4:
        return {int(a.rows[n * a.shape[1]]): f"sample {n + 1}" for n in range(a.shape[0])}
    if a.row_axes == (0, 1):
        one = a.shape[0] == 1
        return {
            int(r): f"t={i % a.shape[1]}" if one else f"{i // a.shape[1] + 1}, t={i % a.shape[1]}" for i, r in enumerate(a.rows.tolist())
        }
    return {int(r): str(i) for i, r in enumerate(a.rows.tolist())}


def gate_groups(steps: list[Step]) -> dict[tuple[str, int], list[Gate]]:
    """Blocks whose columns are gates side by side, as later steps read them: by layer and width."""
    parts: dict[str, dict[int, tuple[int, str]]] = {}
    seen: set[tuple[str, str]] = set()
    for step in steps:
        first = (step.layer, step.name) not in seen  # later time steps read the same columns
        seen.add((step.layer, step.name))
        if first and step.name in SYMBOLS:
            for start, stop in GATE.findall(step.words):
                parts.setdefault(step.layer, {}).setdefault(int(start), (int(stop), step.name))
    found: dict[tuple[str, int], list[Gate]] = {}
    for layer, gates in parts.items():
        groups: list[Gate] = []
        while (at := groups[-1][1] if groups else 0) in gates:
            stop, name = gates[at]
            groups.append((at, stop, name))
            if at:  # one gate alone is as wide as a state
                found[(layer, stop)] = list(groups)
    return found


def gate_columns(groups: list[Gate]) -> dict[int, str]:
    """Labels for the columns of such a block: ``i0, i1, f0, f1, ...``."""
    return {start + j: f"{SYMBOLS[name]}{j}" for start, stop, name in groups for j in range(stop - start)}
