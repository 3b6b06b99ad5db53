"""Recalculation: what each way to write the same arithmetic costs the spreadsheet programs.

Each pattern is written without values, converted, and compared with the same cells holding numbers only: the
difference is what computing (and reading) the formulas takes. Patterns that need array entry are left out.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from benchmarks import models
from benchmarks.measure import Job, Sample, alternate, command, middle, on_path
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
Cells = Iterator[tuple[int, int, str]]  # row and column from 1, formula
Name = Callable[[int, int], str]


@dataclass(frozen=True)
class Pattern:
    """One way to write a layer: the sheet's numbers (height, width), and its formulas."""

    of: str
    name: str
    numbers: list[tuple[int, int, int, int]]  # row, column, height, width
    formulas: Callable[[], Cells]
    ours: bool = False


def cell(row: int, column: int) -> str:
    """A1."""
    from openpyxl.utils import get_column_letter

    return f"{get_column_letter(column)}{row}"


def area(row: int, column: int, height: int, width: int) -> str:
    """A1:B2."""
    return f"{cell(row, column)}:{cell(row + height - 1, column + width - 1)}"


def dense(features: int, units: int, samples: int) -> list[Pattern]:
    """``x . kernel``: inputs from A1 on, the kernel beside or below, the results after them."""

    def in_rows(form: str, transposed: bool) -> Callable[[], Cells]:
        # samples as rows; the kernel below, as stored or transposed
        below, right = samples + 2, max(features, units) + 2
        for_unit = (lambda u: area(below + u, 1, 1, features)) if transposed else (lambda u: area(below, 1 + u, features, 1))
        return lambda: (
            (1 + s, right + u, form.format(area(1 + s, 1, 1, features), for_unit(u))) for s in range(samples) for u in range(units)
        )

    def in_columns() -> Cells:
        # samples as columns; the kernel as stored, beside
        beside, right = samples + 2, samples + units + 3
        return (
            (1 + u, right + s, f"SUMPRODUCT({area(1, 1 + s, features, 1)},{area(1, beside + u, features, 1)})")
            for u in range(units)
            for s in range(samples)
        )

    rows, stored, turned = (1, 1, samples, features), (samples + 2, 1, features, units), (samples + 2, 1, units, features)
    of = f"dense {features} to {units}, {samples} samples"
    return [
        Pattern(
            of,
            "`SUMPRODUCT(column,column)`, kernel as stored, a sample is a column",
            [(1, 1, features, samples), (1, samples + 2, features, units)],
            in_columns,
            True,
        ),
        Pattern(of, "`SUMPRODUCT(row,row)`, kernel transposed", [rows, turned], in_rows("SUMPRODUCT({},{})", True)),
        Pattern(of, "`SUMPRODUCT(MMULT(row,column))`, kernel as stored", [rows, stored], in_rows("SUMPRODUCT(MMULT({},{}))", False)),
        Pattern(of, "`MMULT(row,column)`, kernel as stored", [rows, stored], in_rows("MMULT({},{})", False)),
    ]


def convolution(size: int, channels: int, filters: int) -> list[Pattern]:
    """3 x 3 windows over a picture of ``size`` x ``size``."""
    seen, of = size - 2, f"convolution 3 x 3, {size} x {size} x {channels} to {filters}"

    def of_each(make: Callable[[int, int, int], str], column: int) -> Callable[[], Cells]:
        return lambda: (
            (1 + f * (seen + 1) + y, column + x, make(y, x, f)) for f in range(filters) for y in range(seen) for x in range(seen)
        )

    def stacked(y: int, x: int, f: int) -> str:
        return f"SUMPRODUCT({area(1 + y * channels, 1 + x, 3 * channels, 3)},{area(1 + f * 3 * channels, size + 2, 3 * channels, 3)})"

    def beside(y: int, x: int, f: int) -> str:
        return f"SUMPRODUCT({area(1 + y, 1 + x * channels, 3, 3 * channels)},{area(1 + f * 4, size * channels + 2, 3, 3 * channels)})"

    def planes(y: int, x: int, f: int) -> str:
        pairs = (
            (area(1 + y, 1 + c * (size + 1) + x, 3, 3), area(1 + f * 4, channels * (size + 1) + 2 + c * 4, 3, 3)) for c in range(channels)
        )
        return "+".join(f"SUMPRODUCT({a},{b})" for a, b in pairs)

    wide, gap = channels * (size + 1), channels * size
    below = [(1, 1, size * channels, size), (1, size + 2, filters * 3 * channels, 3)]
    side = [(1, 1, size, gap), (1, gap + 2, filters * 4, 3 * channels)]
    apart = [(1, 1, size, wide), (1, wide + 2, filters * 4, channels * 4)]
    few = channels <= FEW_CHANNELS
    return [
        Pattern(of, "a picture per channel, a sum of SUMPRODUCTs", apart, of_each(planes, wide + 4 * channels + 4), few),
        Pattern(of, "channels side by side, one SUMPRODUCT", side, of_each(beside, gap + 3 * channels + 4), not few),
        Pattern(of, "channels under each other, one SUMPRODUCT", below, of_each(stacked, size + 7)),
    ]


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
    groups = [dense(8, 4, 3)[:1]] if tiny else [dense(784, 128, 20), convolution(40, 8, 8)]
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
