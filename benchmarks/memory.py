"""Prediction in bulk: any number of rows of a file, in the memory that a few take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks import models
from benchmarks.measure import alternate, middle, worker
from benchmarks.report import Section


def predict(path: str, rows: int, scratch: str) -> Callable[[], dict[str, float]]:
    """``weightlens predict MODEL -i data.csv -o out.csv``, as the command line runs it."""
    from weightlens.cli.main import main

    data = Path(scratch) / f"{rows}.csv"
    with data.open("w") as file:
        for i in range(rows):
            file.write(f"{i % 7},{i % 5}.5,{i % 3},1\n")

    def work() -> dict[str, float]:
        if main(["predict", path, "-i", str(data), "-o", str(Path(scratch) / "out.csv"), "--force"]):
            raise RuntimeError("the prediction failed")
        return {}

    return work


def run(scratch: Path, tiny: bool) -> Section:
    """A small dense network over more and more rows."""
    path = models.dense(scratch / "rows.h5", 4, 16, 3)
    section = Section(
        "Prediction in bulk",
        "`weightlens predict` from a csv file to a csv file, dense 4-16-3.",
        ("rows", "CPU s", "microseconds a row", "peak MB"),
    )
    peaks = []
    for rows in (100, 1000) if tiny else (1_000, 100_000, 1_000_000):
        found = alternate({"": worker("memory:predict", path=path, rows=rows, scratch=str(scratch))}, 1)[""]
        peaks.append(middle(found, "peak"))
        section.row(f"{rows:,}", middle(found), middle(found) / rows * 1e6, peaks[-1])
    section.findings.append(f"The peak goes from {peaks[0]:.0f} to {peaks[-1]:.0f} MB.")
    return section
