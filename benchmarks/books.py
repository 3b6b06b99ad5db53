"""The same workbook from every writer: a sheet of weights with its sums of products beside it, inputs on a second sheet."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, SAMPLES = 100, 20  # per row: so many numbers, and so many formulas over all of them
Work = Callable[[], dict[str, float]]


def numbers(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, inputs, and what the formulas come to."""
    random = np.random.default_rng(0)
    weights = random.normal(size=(rows, WIDTH)).astype(np.float32).astype(np.float64)
    inputs = random.normal(size=(SAMPLES, WIDTH))
    return weights, inputs, weights @ inputs.T


def formula(row: int, sample: int) -> str:
    """What one cell computes; both counted from 1."""
    return f"SUMPRODUCT($A{row}:$CV{row},'inputs'!$A${sample}:$CV${sample})"


def size(path: str) -> dict[str, float]:
    """The file's size in MB."""
    return {"megabytes": Path(path).stat().st_size / 1e6}


def ours(path: str, rows: int, level: int | None = None) -> Work:
    """weightlens: blocks on openpyxl's shell."""
    from openpyxl import Workbook

    from weightlens.workbook.formulas import areas
    from weightlens.workbook.formulas.cell_arrays import SHEET
    from weightlens.workbook.layout.choices import in_rows
    from weightlens.workbook.xlsx import package
    from weightlens.workbook.xlsx.blocks import Block
    from weightlens.workbook.xlsx.book import Sheet
    from weightlens.workbook.xlsx.grid import rows_of

    weights, inputs, results = numbers(rows)

    def work() -> dict[str, float]:
        shell = Workbook()
        shell.worksheets[0].title = "weights"
        shell.create_sheet("inputs")
        w = Block(in_rows(weights.shape), weights)
        x = Block(in_rows(inputs.shape), inputs, first=SHEET)
        f = Block(in_rows(results.shape), results, first=WIDTH + 1)
        f.make = lambda: areas.product(w.cells[None], x.cells.T[None]).moved(lambda a: a.reshape(results.shape), results.shape)
        titles = ["weights", "inputs"]
        streams = {
            "weights": partial(rows_of, Sheet("weights", 0, blocks=[w, f]), titles),
            "inputs": partial(rows_of, Sheet("inputs", 1, blocks=[x]), titles),
        }
        with Path(path).open("wb") as file:
            package.save(shell, streams, file, **({} if level is None else {"level": level}))
        return size(path)

    return work


def bare(path: str, rows: int, level: int) -> Work:
    """The least that Python can do: f-strings joined into a zip."""
    from openpyxl.utils import get_column_letter

    weights, inputs, results = numbers(rows)
    letters = [get_column_letter(i + 1) for i in range(WIDTH + 1 + SAMPLES)]

    def sheet(table: np.ndarray, formulas: np.ndarray | None, part: Any) -> None:
        part.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
        batch: list[str] = []
        for i, row in enumerate(table, 1):
            cells = [f'<c r="{c}{i}" s="0"><v>{v!r}</v></c>' for c, v in zip(letters, row.tolist(), strict=False)]
            if formulas is not None:
                places = zip(letters[WIDTH + 1 :], formulas[i - 1].tolist(), strict=True)
                cells += [f'<c r="{c}{i}" s="0"><f>{formula(i, k)}</f><v>{v!r}</v></c>' for k, (c, v) in enumerate(places, 1)]
            batch.append(f'<row r="{i}">{"".join(cells)}</row>')
            if len(batch) == 50:
                part.write("".join(batch).encode())
                batch = []
        part.write("".join(batch).encode() + b"</sheetData></worksheet>")

    def work() -> dict[str, float]:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
            for name, table, formulas in (("sheet1", weights, results), ("sheet2", inputs, None)):
                with archive.open(f"xl/worksheets/{name}.xml", "w") as part:
                    sheet(table, formulas, part)
        return size(path)

    return work


def openpyxl_write_only(path: str, rows: int) -> Work:
    """openpyxl, streaming; it cannot store the values of formulas."""
    from openpyxl import Workbook

    weights, inputs, _ = numbers(rows)

    def work() -> dict[str, float]:
        book = Workbook(write_only=True)
        first, second = book.create_sheet("weights"), book.create_sheet("inputs")
        for i, row in enumerate(weights, 1):
            first.append([*row.tolist(), None, *("=" + formula(i, k) for k in range(1, SAMPLES + 1))])
        for row in inputs:
            second.append(row.tolist())
        book.save(path)
        return size(path)

    return work


def xlsxwriter_constant_memory(path: str, rows: int) -> Work:
    """XlsxWriter, streaming."""
    import xlsxwriter

    weights, inputs, results = numbers(rows)

    def work() -> dict[str, float]:
        book = xlsxwriter.Workbook(path, {"constant_memory": True})
        first, second = book.add_worksheet("weights"), book.add_worksheet("inputs")
        for i, row in enumerate(weights):
            first.write_row(i, 0, row.tolist())
            for k, value in enumerate(results[i].tolist()):
                first.write_formula(i, WIDTH + 1 + k, "=" + formula(i + 1, k + 1), None, value)
        for i, row in enumerate(inputs):
            second.write_row(i, 0, row.tolist())
        book.close()
        return size(path)

    return work


def rustpy(path: str, rows: int) -> Work:
    """rustpy-xlsxwriter, streaming in Rust; it cannot store the values of formulas, and its sheets begin with the names of columns."""
    from rustpy_xlsxwriter import FastExcel

    weights, inputs, _ = numbers(rows)
    columns = [f"w{i}" for i in range(WIDTH)]
    form = "=SUMPRODUCT($A{row}:$CV{row},inputs!$A$%d:$CV$%d)"
    formulas = {f"f{k}": form.replace("%d", str(k + 1)) for k in range(1, SAMPLES + 1)}

    def work() -> dict[str, float]:
        first, second = ([dict(zip(columns, row, strict=True)) for row in table.tolist()] for table in (weights, inputs))
        FastExcel(path).sheet("weights", first, formula_columns=formulas).sheet("inputs", second).save()
        return size(path)

    return work


def pyexcelerate(path: str, rows: int) -> Work:
    """PyExcelerate, which writes values only: the formulas are left out."""
    from pyexcelerate import Workbook

    weights, inputs, results = numbers(rows)

    def work() -> dict[str, float]:
        book = Workbook()
        book.new_sheet("weights", data=np.hstack([weights, results]).tolist())
        book.new_sheet("inputs", data=inputs.tolist())
        book.save(path)
        return size(path)

    return work
