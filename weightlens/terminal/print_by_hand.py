"""The report on a calculation by hand: each step right or wrong, the first that differs, and possible mistakes."""

from __future__ import annotations

from weightlens.checks.by_hand.hand_report import HandReport
from weightlens.terminal import Screen, clean, columns


def print_hand_report(report: HandReport, screen: Screen) -> None:
    """Print the steps as a table, the verdict, and the explanations, likeliest first."""
    rows = [["layer", "step", "numbers", "worst at", "yours", "right", ""]]
    for row in report.steps:
        numbers = [str(row.shape[0]), row.element, f"{row.theirs:.6g}", f"{row.ours:.6g}"]
        rows.append([clean(row.layer, 40), clean(row.class_name, 40), *numbers, row.words])
    head, *lines = columns(rows, (2, 4, 5), screen.width)
    screen.line(screen.dim(head))
    for row, line in zip(report.steps, lines, strict=True):
        screen.line(line if row.verdict == "OK" else line.removesuffix(row.words) + screen.bad(row.words))
    screen.line()
    for note in report.notes:
        screen.lines(screen.wrapped(f"Note: {clean(note, 400)}"))
    if not report.explanations:
        screen.lines(screen.wrapped(clean(report.summary, 600)))
        return
    screen.lines(screen.wrapped(clean(f"{report.subject}: {report.first}.", 600)))
    for number, found in enumerate(report.explanations):
        screen.line()
        screen.lines(screen.wrapped(("Likely: " if not number else "or:     ") + clean(found.words, 400), "        "))
        if found.correction:
            screen.lines(screen.wrapped("        " + clean(found.correction, 400), "        "))
