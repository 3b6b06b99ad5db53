"""Writing: numbers and formulas with their values, beside what else writes workbooks from Python."""

from __future__ import annotations

from pathlib import Path

from benchmarks.books import SAMPLES, WIDTH
from benchmarks.measure import Job, alternate, installed, middle, ratio, worker
from benchmarks.report import Section

LEVELS = (1, 2, 3)
PEERS = {  # the function of ``books``, and what it imports
    "openpyxl, write-only, lxml (no values)": ("openpyxl_write_only", ("openpyxl", "lxml")),
    "XlsxWriter, constant memory": ("xlsxwriter_constant_memory", ("xlsxwriter",)),
    "rustpy-xlsxwriter (no values)": ("rustpy", ("rustpy_xlsxwriter",)),
    "PyExcelerate (no formulas)": ("pyexcelerate", ("pyexcelerate",)),
}


def run(scratch: Path, tiny: bool) -> Section:
    """Ours at its own level of compression, a bare row stream, and the peers."""
    from weightlens.workbook.xlsx.package import LEVEL

    rows, path = (50 if tiny else 10_000), str(scratch / "written.xlsx")
    section = Section(
        "Writing",
        f"{rows * WIDTH:,} numbers and {rows * SAMPLES:,} formulas over {WIDTH} cells each, with values where the writer can store them.",
        ("writer", "CPU s", "peak MB", "file MB", "takes, of ours"),
    )
    peers: dict[str, Job] = {"bare row stream, zlib level 4": worker("books:bare", path=path, rows=rows, level=4)}
    for name, (function, modules) in PEERS.items():
        if installed(*modules):
            peers[name] = worker(f"books:{function}", path=path, rows=rows)
    found = alternate({"weightlens": worker("books:ours", path=path, rows=rows)} | peers, 1 if tiny else 3)
    for name, samples in found.items():
        times = f"{ratio(samples, found['weightlens']):.2f} x"
        section.row(name, middle(samples), middle(samples, "peak"), middle(samples, "megabytes"), times)
    section.skip(*(name for name in PEERS if name not in peers))
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
