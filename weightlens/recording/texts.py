"""Texts as ``TextVectorization`` cuts them into words: operations that are recorded, so that a sheet can do the same."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.recording.arrays import Recorded, record

PUNCTUATION = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"
BLANKS = "\t\n\v\f\r"  # beside the space itself
CAPITALS = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}  # TensorFlow lowers these only
MARKS, GAPS = str.maketrans("", "", PUNCTUATION), re.compile(rf"[ {BLANKS}]+")


def on_texts(function: Callable[..., str]) -> Callable[..., Any]:
    """An operation on arrays of text, element by element."""

    @functools.wraps(function)
    def operation(*arrays: Any) -> Any:
        if any(isinstance(array, Recorded) for array in arrays):
            return record(operation, arrays, {})
        made = np.frompyfunc(function, len(arrays), 1)(*arrays)
        return np.asarray(made).astype(str)

    return operation


@on_texts
def lowered(line: Any) -> str:
    """The letters A to Z as small ones."""
    return text(line).translate(CAPITALS)


@on_texts
def without_marks(line: Any) -> str:
    """The text without punctuation."""
    return text(line).translate(MARKS)


@on_texts
def spaced(line: Any) -> str:
    """Words apart by single spaces."""
    return " ".join(word for word in GAPS.split(text(line)) if word)


@on_texts
def word_at(line: Any, place: Any, most: Any) -> str:
    """The word at a place of a spaced text, from 0; ``most``: how many a text may have (more are an error in a sheet), or 0."""
    words = line.split(" ")
    return str(words[int(place)]) if int(place) < len(words) else ""


def text(value: Any) -> str:
    """One word: text, bytes, or a number that stands for itself."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else str(int(value))
