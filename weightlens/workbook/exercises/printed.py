"""The exercise on paper: A4, the network with its blank cells first, the same with the answers on the last pages.

LibreOffice makes the PDF from a workbook that is written for this alone: a workbook that students get must keep its answers on hidden
sheets, and hidden sheets are never printed.
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from weightlens.errors import BadInput
from weightlens.spreadsheet.recalculate import libreoffice, run_program
from weightlens.workbook.formulas.cell_arrays import refer
from weightlens.workbook.sheets.exercise import Blank
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.xlsx.blocks import Block

PDF = (".pdf",)
TASK = "Fill in the dashed cells. The answers are at the end."
SOLVED = "The same with the answers."


def check_printer() -> None:
    """Refuse a PDF where the program that makes it is not installed."""
    if shutil.which("soffice") is None:
        raise BadInput("a PDF is made by LibreOffice, which is not installed; write a workbook (-o FILE.xlsx) and print that")


def as_pdf(book: Path) -> Path:
    """The workbook as a PDF beside it."""
    run_program([*libreoffice(book.parent / "profile", "pdf", book.parent), str(book)], 1)
    made = book.with_suffix(".pdf")
    if not made.exists():
        raise BadInput("LibreOffice could not make a PDF of this exercise; write a workbook (-o FILE.xlsx) and print that")
    return made


def show_answers(net: NetworkSheets, blanks: list[Blank]) -> None:
    """Each sheet that holds answers becomes the whole page, solved; it comes after the network's sheets. The Summary is left out."""
    plan = net.plan
    solved = {blank.sheet.number: plan.sheets[blank.answers.sheet] for blank in blanks}
    plan.sheets[0].hidden = True
    for number, page in solved.items():
        sheet = plan.sheets[number]
        sheet.hint, page.hint, page.heading, page.hidden = TASK, SOLVED, f"Answers: {sheet.heading}", False
        blank = {id(one.block) for one in blanks}
        for block in [block for block in sheet.blocks if id(block) not in blank]:
            make = partial(refer, block.cells)
            page.put(Block(block.arrangement, block.values, block.style, make=make), block.row, block.column)
        page.texts = {place: text for place, text in sheet.texts.items() if not text.formula} | sheet.solved
        page.widths, page.heights, page.merges = dict(sheet.widths), dict(sheet.heights), list(sheet.merges)
        page.default_width, page.default_height, page.numbered = sheet.default_width, sheet.default_height, sheet.numbered
        page.freeze = sheet.freeze  # cut alike, with the same captions on each page
        sheet.finishing = []  # charts of numbers that are not there yet
