"""The counts of the gallery, of some of its cases; and that what is counted is found where it is."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import weightlens
from tests.conftest import Built
from tests.gallery.counting import KINDS, faults
from tests.gallery.page import TARGET, page
from tests.gallery.shown import SHOWN, Shown

SOME = SHOWN[1::7]


def test_the_page_shows_what_the_gallery_has() -> None:
    assert len(SHOWN) == len({one.title for one in SHOWN}) == 60
    assert TARGET.read_text() == page(), "python -m tests.gallery.page FOLDER"


@pytest.fixture
def written(built: Callable[..., Built], tmp_path: Path) -> Callable[[Shown], Path]:
    """The workbook of a case."""

    def write(one: Shown) -> Path:
        return weightlens.export(built(one.case).path, tmp_path / "book.xlsx", inputs=one.case.inputs())

    return write


@pytest.mark.parametrize("one", SOME, ids=lambda one: one.title)
def test_nobody_stumbles(one: Shown, built: Callable[..., Built], written: Callable[[Shown], Path]) -> None:
    assert faults(written(one), built(one.case).path, one.case.inputs()).found == {kind: [] for kind in KINDS}


WRONG = {
    "headings": ("xl/worksheets/", r' width="[\d.]+"', ' width="1.5"'),
    "hashes": ("xl/worksheets/", r' width="[\d.]+"', ' width="1.5"'),
    "unnamed": ("xl/sharedStrings", "token", ""),
    "digits": ("xl/styles", 'formatCode="0.000"', 'formatCode="0"'),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_found(kind: str, built: Callable[..., Built], written: Callable[[Shown], Path], tmp_path: Path) -> None:
    one = next(one for one in SHOWN if one.title == "MultiHeadAttention, 3 samples")
    part, old, new = WRONG[kind]
    path = tmp_path / "wrong.xlsx"
    with zipfile.ZipFile(written(one)) as book, zipfile.ZipFile(path, "w") as copy:
        for name in book.namelist():
            data = book.read(name)
            copy.writestr(name, re.sub(old, new, data.decode()) if name.startswith(part) else data)
    assert faults(path, built(one.case).path, one.case.inputs()).counts[kind]
