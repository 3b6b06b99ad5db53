"""Writing: numbers and formulas with their values, beside what Python programmers write workbooks with."""

from __future__ import annotations

from pathlib import Path

from benchmarks.books import SAMPLES, WIDTH
from benchmarks.measure import Job, alternate, installed, middle, ratio, worker
from benchmarks.report import Section

LEVELS = (1, 2, 3)


def run(scratch: Path, tiny: bool) -> Section:
    """Ours at its own level of compression, a bare row stream, openpyxl and XlsxWriter."""
    from weightlens.workbook.xlsx.package import LEVEL

    rows, path = (50 if tiny else 4_000), str(scratch / "written.xlsx")
    section = Section(
        "Writing",
        f"{rows * WIDTH:,} numbers and {rows * SAMPLES:,} formulas over {WIDTH} cells each, with values where the writer can store them.",
        ("writer", "CPU s", "peak MB", "file MB", "takes, of ours"),
    )
    peers: dict[str, Job] = {"bare row stream, zlib level 4": worker("books:bare", path=path, rows=rows, level=4)}
    if installed("openpyxl", "lxml"):
        peers["openpyxl, write-only, lxml (no values)"] = worker("books:openpyxl_write_only", path=path, rows=rows)
    if installed("xlsxwriter"):
        peers["XlsxWriter, constant memory"] = worker("books:xlsxwriter_constant_memory", path=path, rows=rows)
    found = alternate({"weightlens": worker("books:ours", path=path, rows=rows)} | peers, 1 if tiny else 3)
    for name, samples in found.items():
        times = f"{ratio(samples, found['weightlens']):.2f} x"
        section.row(name, middle(samples), middle(samples, "peak"), middle(samples, "megabytes"), times)
    section.skip(*(["openpyxl with lxml"] if not installed("lxml") else []), *(["XlsxWriter"] if not installed("xlsxwriter") else []))
    for level, samples in alternate(
        {f"{n}": worker("books:ours", path=path, rows=rows, level=n) for n in LEVELS}, 1 if tiny else 3
    ).items():
        times = f"{ratio(samples, found['weightlens']):.2f} x"
        section.row(f"weightlens, isal level {level}", middle(samples), middle(samples, "peak"), middle(samples, "megabytes"), times)
    section.findings += [
        f"{name} takes {ratio(samples, found['weightlens']):.1f} times our CPU time." for name, samples in list(found.items())[1:]
    ]
    section.findings.append(f"Level {LEVEL} is written: see what the others cost in time and in size.")
    return section
