"""Draw ``docs/*.png``: ``python docs/pictures.py`` draws all of them, ``python docs/pictures.py NAME...`` some workbooks.

Workbooks are drawn as LibreOffice shows them; trainings are in ``make_learning.py``, pages in ``page_pictures.py``. Needs ``soffice``,
``pdftoppm`` and ``pdftotext`` (Debian: poppler-utils), Chromium, Pillow, Playwright, and scikit-learn for the digits.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageChops

import weightlens
from weightlens.spreadsheet.cell_values import read_book
from weightlens.spreadsheet.recalculate import blank_cached_values, libreoffice

ROOT = Path(__file__).resolve().parent.parent
SAMPLES, DOCS = ROOT / "sample_models", ROOT / "docs"
MARGIN, WIDEST, WIDEST_STRIP = 16, 2400, 2000
MANY = 60  # samples on a Data sheet
ONE_PAGE = b'<pageSetup orientation="landscape" paperSize="9" fitToWidth="1" fitToHeight="1"/>'
FOOTER = 0.945  # the footer stands below this part of the page


def table(name: str, columns: int) -> np.ndarray:
    """The input beside a sample model."""
    return np.loadtxt(SAMPLES / name, delimiter=",", skiprows=1, ndmin=2, usecols=range(columns))


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Some of scikit-learn's digits, pictures of 8 x 8 pixels, and what they are."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return pixels[:MANY], labels[:MANY]


def books() -> dict[str, tuple[str, Any, dict[str, Any]]]:
    """Workbook -> model, inputs, options."""
    (pixels, labels), names = digits(), [str(i) for i in range(10)]
    x = table("relu_neuron.csv", 1)
    return {
        "or": ("or.h5", table("or.csv", 2), {"labels": ["False", "True"]}),
        "exercise": ("or.h5", table("or.csv", 2), {"labels": ["False", "True"], "blank": ["dot product", "softmax"]}),
        "xor": ("xor_sigmoid.h5", table("xor_sigmoid.csv", 3), {"input_labels": ["x0", "x1", "one"]}),
        "xor_relu": ("xor_relu.h5", table("xor_relu.csv", 2), {"target": [0, 1, 1, 0]}),
        "relu_neuron": ("relu_neuron.h5", x, {"target": np.maximum(0, 2 * (x[:, 0] - 1)), "input_labels": ["x"]}),
        "digits_mlp": ("digits_mlp.keras", pixels / 16, {"labels": names, "target": labels}),
        "digits_cnn": ("digits_cnn.keras", pixels.reshape(-1, 8, 8, 1), {"labels": names, "target": labels}),
        "sine_lstm": ("sine_lstm.keras", np.load(SAMPLES / "sine_lstm.npy")[:1], {}),
    }


# picture -> workbook, sheet, dots per inch
PICTURES = {
    "or": ("or", "1 network", 150),
    "or_summary": ("or", "Summary", 130),
    "or_check": ("or", "Check", 120),
    "or_map": ("or", "Map", 90),
    "exercise": ("exercise", "1 network", 130),
    "xor": ("xor", "1 network", 150),
    "xor_map": ("xor_relu", "Map", 90),
    "xor_hidden": ("xor_relu", "Hidden units", 110),
    "neuron": ("digits_mlp", "Neuron", 180),
    "relu_neuron_curve": ("relu_neuron", "Curve", 90),
    "digits_mlp_inputs": ("digits_mlp", "Inputs", 260),
    "digits_mlp": ("digits_mlp", "1 hidden", 200),
    "digits_cnn": ("digits_cnn", "2 conv", 200),
    "sine_lstm": ("sine_lstm", "1 lstm", 520),
}
UPPER = {"digits_mlp_inputs": 0.4, "neuron": 0.6}  # the part of a high sheet that is drawn; below it goes on likewise
STRIPS = {"sine_lstm": 2}  # too wide to be read in one piece: cut into strips, which stand under each other


def on_one_page(book: Path) -> None:
    """Make every sheet of a workbook one page, however wide it is: a picture shows all of it."""
    with zipfile.ZipFile(book) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, part in parts.items():
        if name.startswith("xl/worksheets/sheet"):
            part = re.sub(rb"<(row|col)Breaks.*?</\1Breaks>", b"", part, flags=re.DOTALL)
            part = re.sub(rb"<pageSetUpPr[^>]*/>", b'<pageSetUpPr fitToPage="1"/>', part)
            parts[name] = re.sub(rb"<pageSetup [^>]*/>", ONE_PAGE, part)
    titles = rb'<definedName [^>]*"_xlnm.Print_Titles".*?</definedName>'
    parts["xl/workbook.xml"] = re.sub(titles, b"", parts["xl/workbook.xml"])
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)


def printed(book: Path) -> list[list[str]]:
    """Print a workbook to a PDF beside it; the words of the last lines of each page, among them the sheet's name (it is in the footer)."""
    on_one_page(book)
    subprocess.run([*libreoffice(book.parent / "profile", "pdf", book.parent), str(book)], check=True, capture_output=True)
    pdf = book.with_suffix(".pdf")
    pages = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True, text=True).stdout.split("\f")[:-1]
    return [[part.strip() for line in page.strip().splitlines()[-2:] for part in line.split("  ")] for page in pages]


def draw(pdf: Path, page: int, dpi: int, out: Path, strips: int = 1, upper: float = 1.0) -> None:
    """One page, or its upper part, as a picture, without its footer and its white margins; a very wide one in strips."""
    stem = pdf.with_suffix("")
    subprocess.run(["pdftoppm", "-png", "-r", str(dpi), "-f", str(page), "-l", str(page), "-singlefile", str(pdf), str(stem)], check=True)
    picture = Image.open(stem.with_suffix(".png")).convert("RGB")
    picture = picture.crop((0, 0, picture.width, int(picture.height * FOOTER * upper)))
    left, top, right, bottom = ImageChops.difference(picture, Image.new("RGB", picture.size, "white")).getbbox() or (0, 0, *picture.size)
    right, bottom = min(picture.width, right + MARGIN), min(picture.height, bottom + MARGIN)
    picture = picture.crop((max(0, left - MARGIN), max(0, top - MARGIN), right, bottom))
    picture = stacked(picture, strips) if strips > 1 else picture
    widest = WIDEST_STRIP if strips > 1 else WIDEST
    if picture.width > widest:
        picture = picture.resize((widest, picture.height * widest // picture.width), Image.Resampling.LANCZOS)
    (picture.quantize(256) if strips > 1 else picture).save(out, optimize=True)


def stacked(picture: Image.Image, strips: int) -> Image.Image:
    """The picture cut where its lower half has gaps between blocks; the pieces under each other, each with the labels of the rows."""
    height = picture.height
    grey = np.asarray(picture.convert("L"))[height // 2 :]
    blank, names = grey.min(axis=0) > 250, int(np.argmax((grey < 230).mean(axis=0) > 0.5))  # the first line of the first block
    gaps = [x for x in range(names, picture.width) if blank[x] and not blank[x - 1]]
    cuts = [min(gaps, key=lambda gap: abs(gap - picture.width * i // strips)) for i in range(1, strips)]
    pieces = []
    for left, right in pairwise([0, *cuts, picture.width]):
        piece = picture.crop((left, 0, right, height))
        top = first_ink(piece)
        if left:
            wider = Image.new("RGB", (names + piece.width, height), "white")
            wider.paste(picture.crop((0, height // 4, names, height)), (0, height // 4))  # without the title
            wider.paste(piece, (names, 0))
            piece = wider
        pieces.append(piece.crop((0, top if left else 0, piece.width, height)))
    whole = Image.new("RGB", (max(piece.width for piece in pieces), sum(piece.height + 2 * MARGIN for piece in pieces)), "white")
    y = 0
    for piece in pieces:
        whole.paste(piece, (0, y))
        y += piece.height + 2 * MARGIN
    return whole


def first_ink(picture: Image.Image) -> int:
    """The first row that is not white."""
    box = ImageChops.difference(picture, Image.new("RGB", picture.size, "white")).getbbox()
    return box[1] if box else 0


def main(wanted: list[str]) -> None:
    """Draw the pictures asked for, or all; each workbook is written and printed once."""
    chosen = {name: PICTURES[name] for name in wanted or PICTURES}
    recipes = books()
    with tempfile.TemporaryDirectory() as scratch:
        for book in dict.fromkeys(book for book, _, _ in chosen.values()):
            model, inputs, options = recipes[book]
            path = weightlens_book(Path(scratch) / f"{book}.xlsx", model, inputs, options)
            path = half_done(path) if book == "exercise" else path
            sheets = printed(path)
            for name, (source, sheet, dpi) in chosen.items():
                if source == book:
                    page = next(i for i, lines in enumerate(sheets, 1) if sheet in lines)
                    draw(path.with_suffix(".pdf"), page, dpi, DOCS / f"{name}.png", STRIPS.get(name, 1), UPPER.get(name, 1.0))


def weightlens_book(path: Path, model: str, inputs: Any, options: dict[str, Any]) -> Path:
    """Write one workbook."""
    weightlens.export(SAMPLES / model, path, inputs=inputs, **options)
    return path


def half_done(path: Path) -> Path:
    """An exercise in which a student has filled in some cells, one of them wrongly."""
    answers = read_book(path).sheets["Answers"]
    given = {("1 network", cell): round(float(answers[cell]), 3) for cell in ("E8", "F8", "E9", "F9", "E10", "E11", "R8", "S8", "R9")}
    given["1 network", "F10"] = -given["1 network", "E10"] + 0.1
    done = path.with_name("half.xlsx")
    blank_cached_values(path, done, given)
    return done


def draw_all() -> None:
    """Draw every picture: workbooks, trainings, pages."""
    import make_learning
    import page_pictures

    main([])
    make_learning.main()
    page_pictures.main()


if __name__ == "__main__":
    main(sys.argv[1:]) if sys.argv[1:] else draw_all()
