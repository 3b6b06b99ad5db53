"""Growth: time per cell from ten thousand to ten million cells, time per layer from one to a thousand."""

from __future__ import annotations

from pathlib import Path

from benchmarks import models
from benchmarks.books import SAMPLES, WIDTH
from benchmarks.measure import alternate, middle, worker
from benchmarks.report import Section

ROWS = (83, 833, 8_333, 83_333)  # of 120 cells: 10^4 to 10^7
LAYERS = (1, 10, 100, 1000)


def run(scratch: Path, tiny: bool) -> Section:
    """Sheets of more rows, networks of more layers of eight units."""
    out = str(scratch / "grown.xlsx")
    section = Section(
        "Growth",
        "The workbook of the writing test with more rows; networks of ever more layers.",
        ("size", "CPU s", "microseconds each", "peak MB"),
    )
    for title, sizes, each in (
        ("cells", ROWS[:2] if tiny else ROWS, WIDTH + SAMPLES),
        ("layers of 8 units", LAYERS[:2] if tiny else LAYERS, 1),
    ):
        cost = {}
        for n in sizes:
            if each > 1:
                job, rounds = worker("books:ours", path=out, rows=n), 3 if n < 10_000 else 1
            else:
                job, rounds = worker("exporting:export", path=models.dense(scratch / f"{n}.h5", *[8] * (n + 1)), samples=1, out=out), 1
            found = alternate({"": job}, 1 if tiny else rounds)[""]
            cost[n] = middle(found) / (n * each)
            section.row(f"{n * each:,} {title}", middle(found), cost[n] * 1e6, middle(found, "peak"))
        few, many = sizes[max(0, len(sizes) - 3)], sizes[-1]
        section.findings.append(
            f"With {many * each:,} {title} each takes {cost[many] / cost[few]:.2f} times what it takes with {few * each:,}."
        )
    return section
