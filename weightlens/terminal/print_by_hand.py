"""The report on a calculation by hand: each step right or wrong, the first that differs, and possible mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlens.terminal import Screen, clean

if TYPE_CHECKING:
    from weightlens.checks.by_hand.hand_report import HandReport


def print_hand_report(report: HandReport, screen: Screen) -> None:
    """Print the steps as a table, the verdict, and the explanations, likeliest first."""
    rows = [["layer", "step", "numbers", "worst at", "yours", "right", ""]]
    for row in report.rows:
        numbers = [str(row.shape[0]), row.element, f"{row.theirs:.6g}", f"{row.ours:.6g}"]
        rows.append([clean(row.layer, 40), clean(row.class_name, 40), *numbers, row.words])
    screen.lines(screen.table(rows, (2, 4, 5), [i for i, row in enumerate(report.rows, 1) if row.verdict != "OK"], (2, 3, 4, 5)))
    screen.line()
    for note in report.notes:
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
