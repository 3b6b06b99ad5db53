"""What a subject found: a table and a sentence on each thing it shows; all of them make ``docs/performance.md``."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

HEAD = """# Performance

Written by `python -m benchmarks` (with `pip install '.[benchmarks]'`); do not edit. Every run is a process of its
own, the peers take turns, and the figures are medians. CPU seconds, which depend little on what else the machine does,
unless the column says otherwise. Ratios are medians of the ratios of runs that followed each other.
"""
PACKAGES = (
    "weightlens",
    "numpy",
    "h5py",
    "orjson",
    "openpyxl",
    "lxml",
    "xlsxwriter",
    "rustpy-xlsxwriter",
    "pyexcelerate",
    "python-calamine",
    "keras",
    "tensorflow",
)


@dataclass
class Section:
    """One subject: title, what was done, table, findings."""

    title: str
    work: str
    header: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def row(self, name: str, *cells: float | str) -> None:
        """One line of the table; numbers with three digits that matter."""
        self.rows.append([name, *(cell if isinstance(cell, str) else number(cell) for cell in cells)])

    def skip(self, *names: str) -> None:
        """Peers that are not installed here."""
        for name in names:
            self.rows.append([name, "not installed", *[""] * (len(self.header) - 2)])

    def markdown(self) -> str:
        """The section as text."""
        lines = [f"## {self.title}", "", self.work, "", line(self.header), line(["---", *["---:"] * (len(self.header) - 1)])]
        lines += [line(row) for row in self.rows]
        return "\n".join([*lines, "", *(f"* {finding}" for finding in self.findings), ""])


def line(cells: Sequence[str]) -> str:
    """A row of a table."""
    return "| " + " | ".join(cells) + " |"


def number(value: float) -> str:
    """Three digits that matter, thousands separated."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.095 else f"{value:.4f}"


def machine() -> str:
    """What it ran on."""
    model = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        model = next((text.split(":", 1)[1].strip() for text in info.read_text().splitlines() if text.startswith("model name")), model)
    versions = [f"{name} {version}" for name in PACKAGES if (version := version_of(name))]
    load = f"load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}; {', '.join(versions)}; {load}."


def version_of(package: str) -> str:
    """Its version, empty if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def renewed(page: str, section: Section) -> str:
    """The page with one section replaced, or added at its end; under each stands what it was measured on."""
    text = section.markdown() + f"\nMeasured on: {machine()}\n"
    sections = re.split(r"^(?=## )", page or HEAD, flags=re.MULTILINE)
    heading = f"## {section.title}\n"
    if not any(old.startswith(heading) for old in sections):
        sections.append("")
    last = len(sections) - 1
    changed = [text if old.startswith(heading) or (i == last and not old) else old for i, old in enumerate(sections)]
    return "\n\n".join(part.strip() for part in changed) + "\n"
