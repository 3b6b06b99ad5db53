"""Draw ``docs/or.png``, the OR workbook as LibreOffice shows it: ``python docs/make_picture.py``.

Needs ``soffice``, ``pdftoppm`` (Debian: poppler-utils) and Pillow.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import openpyxl
from PIL import Image, ImageChops

import weightlens

ROOT = Path(__file__).resolve().parent.parent
DPI, MARGIN = 150, 20


def only_sheet(book: Path, title: str) -> None:
    """Hide every other sheet, so that it alone is printed; openpyxl drops the cached values, LibreOffice computes them."""
    workbook = openpyxl.load_workbook(book)
    for sheet in workbook.worksheets:
        sheet.sheet_state = "visible" if sheet.title == title else "hidden"
        sheet.oddFooter.left.text = sheet.oddFooter.right.text = ""
    workbook.active = workbook.sheetnames.index(title)
    workbook.save(book)


def picture(book: Path, folder: Path) -> Image.Image:
    """The first printed page of a workbook, without its white margins."""
    subprocess.run(
        [
            "soffice",
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            "--headless",
            "--convert-to",
            "pdf",
            "--outdir",
            str(folder),
            str(book),
        ],
        check=True,
        capture_output=True,
    )
    subprocess.run(["pdftoppm", "-png", "-r", str(DPI), "-singlefile", str(book.with_suffix(".pdf")), str(folder / "page")], check=True)
    page = Image.open(folder / "page.png").convert("RGB")
    box = ImageChops.difference(page, Image.new("RGB", page.size, "white")).getbbox() or (0, 0, *page.size)
    return page.crop(
        (max(0, box[0] - MARGIN), max(0, box[1] - MARGIN), min(page.width, box[2] + MARGIN), min(page.height, box[3] + MARGIN))
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "or.xlsx"
        weightlens.export(ROOT / "sample_models" / "or.h5", path, labels=["False", "True"])
        only_sheet(path, "1 network")
        picture(path, Path(scratch)).save(ROOT / "docs" / "or.png", optimize=True)
