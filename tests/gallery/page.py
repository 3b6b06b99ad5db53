"""Draw ``docs/gallery.md`` and its pictures: ``python -m tests.gallery.page FOLDER [WORD...]``, only the pictures with one of the words.

``FOLDER`` keeps models and workbooks. Needs what ``docs/pictures.py`` needs, and Keras for models that are not there yet.
"""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageChops

import weightlens
from tests.gallery.__main__ import chosen, model_of, write_models
from tests.gallery.shown import IN_TERMINAL, SHOWN, Shown
from weightlens.spreadsheet.recalculate import libreoffice

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PICTURES = DOCS / "gallery"
TARGET = DOCS / "gallery.md"
DPI, WIDEST, TALLEST, COLOURS, MARGIN, FOOTER = 200, 1600, 800, 128, 6, 0.945
HEAD = """# Gallery

Sixty layers and small networks, and the sheet on which each is computed: made by `python -m tests.gallery.page FOLDER`, with random
weights. Every block has its name, its formula and the names of its axes; `python -m tests.gallery FOLDER` counts, in the workbook
files, headings that are cut, columns too narrow for their numbers, axes without a name and digits that do not show, and a test
holds the counts at none. Twelve of them also show what `weightlens trace MODEL -i INPUTS --heat` prints at a terminal of 80 columns
(`python -m tests.gallery.terminal FOLDER`).

"""


def name_of(one: Shown) -> str:
    """The name of a case's picture."""
    return re.sub(r"[^a-z0-9]+", "_", one.title.lower()).strip("_")


def page() -> str:
    """The page of the docs."""
    return HEAD + "\n".join(f"## {one.title}\n\n{one.line}\n\n![{one.title}](gallery/{name_of(one)}.png)\n{terminal(one)}" for one in SHOWN)


def terminal(one: Shown) -> str:
    """The picture of what the terminal prints, of the cases that have one."""
    return f"\n![{one.title} at the terminal](gallery/{name_of(one)}.svg)\n" if one.title in IN_TERMINAL else ""


def sheet_of(book: Path, one: Shown) -> str:
    """The sheet to show: the last one whose name has the word, of the layers' sheets."""
    from openpyxl import load_workbook

    titles = [title for title in load_workbook(book, read_only=True).sheetnames if title[:1].isdigit()]
    return [title for title in titles if one.sheet in title][0 if one.sheet else -1]


def draw(folder: Path, shown: list[Shown]) -> None:
    """Write and print the workbooks, every sheet on one page, and cut out a sheet of each."""
    books, on_one_page = [], runpy.run_path(str(DOCS / "pictures.py"))["on_one_page"]
    for one in shown:
        books.append(model_of(folder, one).with_suffix(".xlsx"))
        weightlens.export(weightlens.load(model_of(folder, one)), books[-1], inputs=one.case.inputs(), neuron=False, force=True)
        on_one_page(books[-1])
    command = libreoffice(folder.resolve() / "profile", "pdf", folder)
    subprocess.run([*command, *map(str, books)], check=True, capture_output=True)
    PICTURES.mkdir(exist_ok=True)
    for one, book in zip(shown, books, strict=True):
        cut_out(book.with_suffix(".pdf"), sheet_of(book, one), PICTURES / f"{name_of(one)}.png")


def cut_out(pdf: Path, sheet: str, out: Path) -> None:
    """The page of one sheet without its footer and margins, small and in few colours."""
    words = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True, text=True).stdout.split("\f")
    footers = [text.strip().rpartition("\n")[2].strip() for text in words]
    number = next(i for i, text in enumerate(footers, 1) if sheet in re.split(r"\s{2,}", text))
    stem = pdf.with_suffix("")
    place = ["-f", str(number), "-l", str(number), "-singlefile"]
    subprocess.run(["pdftoppm", "-png", "-r", str(DPI), *place, str(pdf), str(stem)], check=True)
    picture = Image.open(stem.with_suffix(".png")).convert("RGB")
    picture = picture.crop((0, 0, picture.width, int(picture.height * FOOTER)))
    box = ImageChops.difference(picture, Image.new("RGB", picture.size, "white")).getbbox() or (0, 0, *picture.size)
    picture = picture.crop((max(0, box[0] - MARGIN), max(0, box[1] - MARGIN), box[2] + MARGIN, box[3] + MARGIN))
    scale = min(1.0, WIDEST / picture.width, TALLEST / picture.height)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    picture.quantize(COLOURS, kmeans=1).save(out, optimize=True)  # with fewer, a dark green cell would be as grey as one that is off


def main(folder: Path, words: list[str]) -> None:
    """Draw the pictures asked for, or all, and write the page."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = chosen(words)
    write_models(folder, shown)
    draw(folder, shown)
    TARGET.write_text(page())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
