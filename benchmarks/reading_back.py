"""Reading workbooks back: what the commands take from them, beside other people's readers of all cells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import models
from benchmarks.measure import alternate, installed, middle, ratio, worker
from benchmarks.report import Section

CALAMINE, OPENPYXL = "python-calamine, all values", "openpyxl, read-only, all values"


def first(book: str) -> None:
    """Read a sheet before the clock starts: what the first workbook of all needs is imported then."""
    from weightlens.spreadsheet.cell_values import read_book
    from weightlens.spreadsheet.cells_map import read_map

    read_map(read_book(book))


def every_cell(book: str) -> Callable[[], None]:
    """All values and which of them are computed, as ``check --workbook`` without a model reads them."""
    from weightlens.spreadsheet.cell_values import read_book

    first(book)

    def work() -> None:
        for cells in read_book(book).sheets.values():
            len(cells)

    return work


def weights(book: str, model: str) -> Callable[[], None]:
    """What ``import`` reads: every weight's cells, compared with the model's."""
    import weightlens
    from weightlens.importing import edited_weights

    loaded = weightlens.load(model)
    first(book)

    def work() -> None:
        for _ in edited_weights(Path(book), loaded):
            pass

    return work


def comparison(book: str, model: str) -> Callable[[], None]:
    """What ``check --workbook`` does around the spreadsheet program, with a model: both books, the weights and the steps."""
    import weightlens
    from weightlens.checks.workbook import compare_model
    from weightlens.spreadsheet.cell_values import read_book
    from weightlens.spreadsheet.cells_map import read_map

    loaded = weightlens.load(model)
    for weight in loaded.weights.values():
        _ = weight.value
    first(book)

    def work() -> None:
        stored, computed = read_book(book), read_book(book)
        any(stored.formulas.values())
        compare_model(loaded, read_map(stored), stored, computed, 1e-12)
        computed.errors()

    return work


def places(book: str) -> Callable[[], None]:
    """What ``trace --cells`` reads: where each block stands."""
    from weightlens.spreadsheet.cell_values import read_book
    from weightlens.spreadsheet.cells_map import read_map

    first(book)

    def work() -> None:
        for entry in read_map(read_book(book)):
            entry.addresses()

    return work


def calamine(book: str) -> Callable[[], None]:
    """Values only."""
    from python_calamine import CalamineWorkbook

    def work() -> None:
        read = CalamineWorkbook.from_path(book)
        for name in read.sheet_names:
            read.get_sheet_by_name(name).to_python()

    return work


def openpyxl(book: str) -> Callable[[], None]:
    """Values only."""
    from openpyxl import load_workbook

    def work() -> None:
        for sheet in load_workbook(book, read_only=True, data_only=True).worksheets:
            for _ in sheet.values:
                pass

    return work


def run(scratch: Path, tiny: bool) -> Section:
    """The commands beside the readers, on the workbook of a convolutional network."""
    import weightlens

    model, book = models.convolution(scratch / "cnn.h5", *((12, 1, 4) if tiny else (28, 1, 32))), str(scratch / "cnn.xlsx")
    loaded = weightlens.load(model)
    weightlens.export(loaded, book, np.random.default_rng(0).random((2 if tiny else 7, *((12, 12, 1) if tiny else (28, 28, 1)))).round(3))
    jobs = {
        "every cell": worker("reading_back:every_cell", book=book),
        "`import`": worker("reading_back:weights", book=book, model=model),
        "`check --workbook`, both books and the comparison": worker("reading_back:comparison", book=book, model=model),
        "`trace --cells`": worker("reading_back:places", book=book),
    }
    ours = [*jobs]
    if installed("python_calamine"):
        jobs[CALAMINE] = worker("reading_back:calamine", book=book)
    if not tiny:
        jobs[OPENPYXL] = worker("reading_back:openpyxl", book=book)
    found = alternate(jobs, 1 if tiny else 3)
    section = Section(
        "Reading workbooks back",
        f"The workbook of a convolutional network, {Path(book).stat().st_size / 1e6:.1f} MB; imports not counted.",
        ("what", "CPU s", "peak MB", "takes, of python-calamine's time"),
    )
    for name, samples in found.items():
        times = f"{ratio(samples, found[CALAMINE]):.2f} x" if CALAMINE in found else ""
        section.row(name, middle(samples), middle(samples, "peak"), times)
    section.skip(*([] if CALAMINE in found else [CALAMINE]))
    if CALAMINE in found:
        section.findings += [f"{name}: {ratio(found[name], found[CALAMINE]):.2f} times python-calamine's time." for name in ours]
    return section
