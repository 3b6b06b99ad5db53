"""The models that are looked around in, each in a folder that is the working directory."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import pytest

import weightlens
from tests.attention_file import write_attention
from tests.conftest import SAMPLES
from tests.tiny import write_tiny
from weightlens.browse.browser import Browser
from weightlens.cli.browse import browser_of

FILES = {"or": "or.h5", "digits_cnn": "digits_cnn.keras", "sine_lstm": "sine_lstm.keras"}
HOSTILE = "[red]\x1b[31mname\u202e[/red]"


def changed(path: Path, other: Path) -> None:
    """A copy in which one number is another: the first of the last array of more than one number."""
    shutil.copy(path, other)
    with h5py.File(other, "r+") as file:
        arrays: list[h5py.Dataset] = []
        file["model_weights"].visititems(
            lambda name, thing: arrays.append(thing) if isinstance(thing, h5py.Dataset) and thing.size > 1 else None
        )
        values = arrays[-1][...]
        values.flat[0] += 0.5
        arrays[-1][...] = values


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory; colours are those of a good terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return tmp_path


def browser(name: str, against: str = "") -> Browser:
    """The browser of a model by its name here."""
    if name in FILES:
        path = Path(FILES[name])
        shutil.copy(SAMPLES / path, path)
    elif name == "attention":
        path = write_attention(Path("attention.h5"))
    else:
        path = write_tiny(Path("tiny.h5"), name=HOSTILE)
    return browser_of(weightlens.load(path), against)


KEYS = {
    ",": "comma",
    ".": "full_stop",
    "/": "slash",
    ":": "colon",
    "-": "minus",
    "_": "underscore",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
}


def typed(text: str) -> list[str]:
    """The keys of a text."""
    return [KEYS.get(letter, letter) for letter in text]
