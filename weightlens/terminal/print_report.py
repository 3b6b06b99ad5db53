"""The results of comparisons: two models, the engine and Keras, a workbook and the engine, a calculation by hand and the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from weightlens.difference import Difference, WeightChange
from weightlens.report import Report
from weightlens.specs.sizes import tuple_text
from weightlens.specs.words.number_words import counted
from weightlens.terminal import Screen, clean
from weightlens.terminal.machine import json_line

if TYPE_CHECKING:
    from weightlens.checks.by_hand.hand_report import HandReport


def print_difference(difference: Difference, screen: Screen) -> None:
    """Print the changes in architecture, the changed matrices, and a verdict."""
    for letter, name in zip("AB", difference.names, strict=True):
        screen.line(f"{letter}  {screen.bold(clean(name))}")
    changed = [change for change in difference.weights if not change.same]
    if difference.architecture:
        screen.line()
        for text in difference.architecture:
            screen.lines(screen.wrapped(clean(text, 400)))
    if changed:
        screen.line()
        rows = [["matrix", "shape", "max |A-B|", "at", "norm A", "norm B", "cosine"], *(weight_row(change) for change in changed)]
        screen.lines(screen.table(rows, (2, 4, 5, 6), spare=(5, 4, 6, 3)))
        screen.lines(f"{clean(c.name)}: {c.dtypes[0]} in A, {c.dtypes[1]} in B" for c in changed if len(set(c.dtypes)) > 1)
    screen.line()
    screen.line(difference_verdict(difference, changed, screen))


def difference_verdict(difference: Difference, changed: list[WeightChange], screen: Screen) -> str:
    """The verdict in one line: the same, or how much differs."""
    total = len(difference.weights)
    retyped = sum(len(set(change.dtypes)) > 1 for change in difference.weights if change.same)
    if difference.same:
        extra = f" ({retyped} stored as another type)" if retyped else ""
        within = f" within {difference.tolerance:g}" if difference.tolerance else ""
        return screen.good("same") + f": {counted(total, 'matrix', 'matrices')} and the architecture agree{within}{extra}"
    parts = [f"{len(changed)} of {counted(total, 'matrix', 'matrices')}"] if changed else []
    if count := len(difference.architecture):
        parts.append(f"the architecture in {counted(count, 'place')}")
    return screen.bad("differs") + f": {' and '.join(parts)}"


def weight_row(change: WeightChange) -> list[str]:
    """One changed matrix as a row of cells."""
    shapes = " / ".join(tuple_text(shape) for shape in change.shapes)
    if change.status != "differs":
        return [clean(change.name, 60), shapes, "shape differs" if change.status == "shape" else change.status, "", "", "", ""]
    numbers = [f"{change.norms[0]:.4g}", f"{change.norms[1]:.4g}", f"{change.cosine:.6f}"]
    return [clean(change.name, 60), tuple_text(change.shapes[0]), f"{change.largest:.3g}", change.element, *numbers]


def write_difference(difference: Difference, file: BinaryIO) -> None:
    """Write the differences as JSON."""
    weights = [vars(change) | {"same": change.same} for change in difference.weights]
    facts: dict[str, Any] = {"a": difference.names[0], "b": difference.names[1], "same": difference.same, "tolerance": difference.tolerance}
    file.write(json_line("diff", **facts, architecture=difference.architecture, weights=weights))


def print_report(report: Report, screen: Screen) -> None:
    """Print the comparisons of a check as a table, its notes, its verdict."""
    rows = [["layer", "class", "shape", "against", "absolute", "relative", "at", ""]]
    for row in report.rows:
        witness = f"Keras {row.precision}" if row.precision else clean(row.witness)  # without its version: there is little room
        differences = [f"{number:.1e}" if number else "0" for number in (row.worst_absolute, row.worst_relative)]
        texts = [clean(row.layer), clean(row.class_name, 40), tuple_text(row.shape), witness]
        rows.append([*texts, *differences, row.element, row.verdict])
    if len(rows) > 1:
        differing = [number for number, row in enumerate(report.rows, 1) if not row.ok]
        screen.lines(screen.table(rows, (4, 5), differing, (2, 6)))
        screen.line()
    for note in report.notes:
        screen.lines(screen.wrapped(f"Note: {clean(note, 400)}"))
    screen.lines(screen.wrapped(clean(report.summary, 600)))


def write_report(report: Report, file: BinaryIO) -> None:
    """Write a check as JSON."""
    file.write(json_line("check", **report.as_dict()))


def print_hand_report(report: HandReport, screen: Screen) -> None:
    """Print the steps as a table, the verdict, and the explanations, likeliest first."""
    rows = [["layer", "step", "numbers", "worst at", "yours", "right", ""]]
    for row in report.rows:
        numbers = [str(row.shape[0]), row.element, f"{row.theirs:.6g}", f"{row.ours:.6g}"]
        rows.append([clean(row.layer), clean(row.step, 40), *numbers, row.words])
    screen.lines(screen.table(rows, (2, 4, 5), [i for i, row in enumerate(report.rows, 1) if row.verdict != "OK"], (2, 3, 4, 5)))
    screen.line()
    for note in () if report.ok else report.notes:  # what is right says them in its verdict
        screen.lines(screen.wrapped(f"Note: {clean(note, 400)}"))
    if not report.explanations:
        screen.lines(screen.wrapped(clean(report.summary, 600)))
        if report.worked:
            screen.line()
            screen.lines(screen.wrapped(clean(report.worked, 400), "        "))
        return
    screen.lines(screen.wrapped(clean(f"{report.subject}: {report.first}.", 600)))
    shown = ""
    for number, explanation in enumerate(report.explanations):
        screen.line()
        screen.lines(screen.wrapped(("Likely: " if not number else "or:     ") + clean(explanation.words, 400), "        "))
        if explanation.correction != shown:
            screen.lines(screen.wrapped("        " + clean(explanation.correction, 400), "        "))
        shown = explanation.correction
