"""Recalculation: what each way to write the same arithmetic costs the spreadsheet programs.

Each pattern is written without values, converted, and compared with the same cells holding numbers only: the
difference is what computing (and reading) the formulas takes. Patterns that need array entry are left out.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from unittest.mock import patch

from benchmarks import models
from benchmarks.measure import Job, Sample, alternate, command, middle, on_path
from benchmarks.patterns import Pattern, convolution, dense
from benchmarks.patterns_of_layers import attention, batch_normalization, depthwise, layer_normalization, lstm, pooling
from benchmarks.report import Section
from weightlens.spreadsheet.recalculate import blank_cached_values
from weightlens.workbook.layout import choices as layout
from weightlens.workbook.layout.choices import FEW_CHANNELS

WORK = (
    "What computing the formulas adds to opening the same cells as numbers. Cost over all: the geometric mean, over the programs, "
    "of how many times the cheapest pattern's time this one takes."
)
PICTURES = "a whole network, 48 x 48, 8 and 16 filters: a picture per channel"
BESIDE = "a whole network, 48 x 48, 8 and 16 filters: channels side by side"


def write(pattern: Pattern, path: Path, live: bool) -> str:
    """The workbook, by openpyxl's plain streaming; ``live``: formulas, otherwise numbers in their place."""
    from openpyxl import Workbook

    table: dict[int, dict[int, float | str]] = {}
    for row, column, height, width in pattern.numbers:
        for i in range(height):
            table.setdefault(row + i, {}).update({column + j: ((i * 31 + j * 17) % 97) / 97 for j in range(width)})
    for row, column, formula in pattern.formulas():
        table.setdefault(row, {})[column] = "=" + formula if live else 0.5
    book = Workbook(write_only=True)
    sheet = book.create_sheet("sheet")
    for row in range(1, max(table) + 1):
        found = table.get(row, {})
        sheet.append([found.get(column) for column in range(1, max(found, default=0) + 1)])
    book.save(path)
    return str(path)


def converting(program: str, path: str, scratch: Path) -> Job:
    """The program opens the workbook, computes it and writes its values as text."""
    if program == "ssconvert":
        return command("ssconvert", "--recalc", path, str(scratch / "out.csv"))
    inside = command(
        "soffice", f"-env:UserInstallation=file://{scratch}/profile", "--headless", "--convert-to", "csv", "--outdir", str(scratch), path
    )

    def run() -> Sample:
        # the program's launcher starts another process, whose time only reaches ours through the children's account
        before = os.times()
        sample = inside()
        after = os.times()
        return Sample(after.children_user + after.children_system - before.children_user - before.children_system, sample.wall)

    return run


def run(scratch: Path, tiny: bool) -> Section:
    """Each pattern in each program that is installed, and which is the cheapest over all."""
    programs = {"soffice": "LibreOffice", "ssconvert": "Gnumeric"}
    present = on_path(*programs)
    header = ("pattern", *(f"{programs[p]}, CPU s" for p in present), "cost over all", "ours")
    section = Section(
        "Recalculation",
        WORK,
        header,
    )
    groups = [dense(8, 4, 3)[:1]] if tiny else [dense(784, 128, 20), convolution(40, 8, 8), *of_layers()]
    for patterns in groups:
        seconds = {pattern.name: [cost(pattern, program, scratch, 1 if tiny else 3) for program in present] for pattern in patterns}
        cheapest = [max(0.01, min(times)) for times in zip(*seconds.values(), strict=True)]
        over_all = {name: mean([max(t, 0.01) / c for t, c in zip(times, cheapest, strict=True)]) for name, times in seconds.items()}
        for pattern in patterns:
            section.row(
                f"{pattern.of}: {pattern.name}", *seconds[pattern.name], f"{over_all[pattern.name]:.2f} x", "yes" if pattern.ours else ""
            )
        if present:
            section.findings.append(f"{patterns[0].of}: the cheapest over all is: {min(over_all, key=lambda name: over_all[name])}.")
    whole = of_a_network(16 if tiny else 48, present, scratch)
    for name, times in whole.items():
        section.row(name, *times, "", "yes" if name == PICTURES else "")
    if present:
        more = mean([max(a, 0.01) / max(b, 0.01) for a, b in zip(*whole.values(), strict=True)])
        section.findings.append(
            f"Up to {FEW_CHANNELS} channels, feature maps stand as pictures all the same, to be looked at. For a whole network that takes "
            f"{more:.2f} times as long as channels side by side, which is what more channels get."
        )
    section.findings += [f"{programs[p]} is not installed here." for p in programs if p not in present]
    return section


def of_layers() -> list[list[Pattern]]:
    """Layers of a size that takes a program some tenths of a second."""
    return [
        batch_normalization(80, 8), layer_normalization(200, 64), *attention(100, 16), depthwise(60, 8), pooling(120, 8), lstm(100, 8, 32)
    ]  # fmt: skip


def of_a_network(size: int, programs: list[str], scratch: Path) -> dict[str, list[float]]:
    """CPU seconds to open and compute a convolutional network as we export it, and with its channels side by side."""
    import weightlens

    path = models.convolution(scratch / "network.h5", size, filters=8)
    found: dict[str, list[float]] = {}
    for name, few in ((PICTURES, layout.FEW_CHANNELS), (BESIDE, 0)):
        book, blank = scratch / "book.xlsx", scratch / "blank.xlsx"
        with patch.object(layout, "FEW_CHANNELS", few):
            weightlens.export(weightlens.load(path), book, force=True)
        blank_cached_values(book, blank, {})
        found[name] = [middle(alternate({"": converting(program, str(blank), scratch)}, 1)[""]) for program in programs]
    return found


def cost(pattern: Pattern, program: str, scratch: Path, rounds: int) -> float:
    """CPU seconds that the formulas take: with them, less without."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        paths = {name: write(pattern, Path(folder) / f"{name}.xlsx", name == "live") for name in ("live", "dead")}
        found = alternate({name: converting(program, path, scratch) for name, path in paths.items()}, rounds)
    return max(0.0, middle(found["live"]) - middle(found["dead"]))


def mean(ratios: list[float]) -> float:
    """The geometric mean."""
    product = 1.0
    for ratio in ratios:
        product *= ratio
    return product ** (1 / max(1, len(ratios)))
