"""The results of comparisons: two models, the engine and Keras, a workbook and the engine."""

from __future__ import annotations

import re
from typing import Any, BinaryIO

from weightlens.diff import Difference, WeightChange
from weightlens.terminal import Screen, clean, columns, tuple_text
from weightlens.terminal.machine import to_json


def print_difference(found: Difference, screen: Screen) -> None:
    """Print the changes in architecture, the changed matrices, and a verdict."""
    for letter, name in zip("AB", found.names, strict=True):
        screen.line(f"{letter}  {screen.bold(clean(name))}")
    changed = [change for change in found.weights if not change.same]
    if found.architecture:
        screen.line()
        for text in found.architecture:
            screen.lines(screen.wrapped(clean(text, 400)))
    if changed:
        screen.line()
        rows = [["matrix", "shape", "max |A-B|", "at", "norm A", "norm B", "cosine"], *(weight_row(change) for change in changed)]
        lines = columns(rows, (2, 4, 5, 6), screen.width)
        screen.lines([screen.dim(lines[0]), *lines[1:]])
        screen.lines(f"{clean(c.name)}: {c.dtypes[0]} in A, {c.dtypes[1]} in B" for c in changed if len(set(c.dtypes)) > 1)
    screen.line()
    screen.line(difference_verdict(found, changed, screen))


def difference_verdict(found: Difference, changed: list[WeightChange], screen: Screen) -> str:
    """The verdict in one line: the same, or how much differs."""
    total = len(found.weights)
    retyped = sum(len(set(change.dtypes)) > 1 for change in found.weights if change.same)
    if found.same:
        extra = f" ({retyped} stored as another type)" if retyped else ""
        within = f" within {found.tolerance:g}" if found.tolerance else ""
        return screen.good("same") + f": {total} matrices and the architecture agree{within}{extra}"
    parts = [f"{len(changed)} of {total} matrices"] if changed else []
    parts += [f"the architecture in {len(found.architecture)} place{'s' * (len(found.architecture) != 1)}"] if found.architecture else []
    return screen.bad("differs") + f": {' and '.join(parts)}"


def weight_row(change: WeightChange) -> list[str]:
    """One changed matrix as a row of cells."""
    shapes = " / ".join(tuple_text(shape) for shape in change.shapes)
    if change.status != "differs":
        return [clean(change.name, 60), shapes, "shape differs" if change.status == "shape" else change.status, "", "", "", ""]
    numbers = [f"{change.norms[0]:.4g}", f"{change.norms[1]:.4g}", f"{change.cosine:.6f}"]
    return [clean(change.name, 60), tuple_text(change.shapes[0]), f"{change.largest:.3g}", change.element, *numbers]


def write_difference(found: Difference, file: BinaryIO) -> None:
    """Write the differences as JSON."""
    weights = [vars(change) | {"same": change.same} for change in found.weights]
    facts: dict[str, Any] = {"a": found.names[0], "b": found.names[1], "same": found.same, "tolerance": found.tolerance}
    file.write(to_json(facts | {"architecture": found.architecture, "weights": weights}) + b"\n")


def print_report(report: Any, screen: Screen) -> None:
    """Print the comparisons of a check as a table, its notes, its verdict."""
    rows = [["layer", "class", "shape", "against", "absolute", "relative", "at", ""]]
    for row in report.rows:
        facts = [clean(text, 40) for text in (row.layer, row.class_name)]
        witness = re.sub(r"^Keras [\d.]+ ", "Keras ", clean(row.witness))  # room for the precision
        rows.append([*facts, tuple_text(row.shape), witness, *number_cells(row), row.element, row.verdict])
    if len(rows) > 1:
        keep = [i for i in range(8) if i in (0, 7) or any(r[i] for r in rows[1:])]
        if sum(max(len(r[i]) for r in rows) + 2 for i in keep) > screen.width:
            keep = [i for i in keep if i not in (2, 6)]
        lines = columns([[r[i] for i in keep] for r in rows], [keep.index(i) for i in (4, 5) if i in keep], screen.width)
        screen.line(screen.dim(lines[0]))
        for row, line in zip(report.rows, lines[1:], strict=True):
            screen.line(line if row.ok else re.sub(r"(\S+)$", lambda found: screen.bad(found[1]), line))
        screen.line()
    for note in report.notes:
        screen.lines(screen.wrapped(f"Note: {clean(note, 400)}"))
    screen.lines(screen.wrapped(clean(report.summary, 600)))


def write_report(report: Any, file: BinaryIO) -> None:
    """Write a check as JSON."""
    file.write(to_json(report.as_dict()) + b"\n")


def number_cells(row: Any) -> list[str]:
    """The absolute and the relative difference, with two digits."""
    return [f"{row.worst_absolute:.1e}" if row.worst_absolute else "0", f"{row.worst_relative:.1e}" if row.worst_relative else "0"]
