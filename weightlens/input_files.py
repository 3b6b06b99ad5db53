"""The numbers that go into a model: typed, or read from a file.

``read_inputs`` understands ``"0,1"`` (a row), ``"0,0;0,1"`` (rows), ``-`` (rows from standard input), and files:
``.csv``, ``.npy``, ``.npz``, images. Each row is one sample; where the model has several inputs or inputs of
several dimensions, a row holds all numbers of the sample, input after input, in C order.
"""

from __future__ import annotations

import contextlib
import csv
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from weightlens.errors import BadInput
from weightlens.inputs import Wanted, shape_words, wanted_inputs
from weightlens.model import Model

Note = Callable[[str], None]

IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".gif"}
NUMBERS = re.compile(r"[-+.\d\s,;eEnaif]*\d[-+.\d\s,;eEnaif]*")
TITLES = re.compile(
    r"(texts?|sentences?|reviews?|comments?|messages?|documents?|titles?|questions?|words?|body|content|tweets?|inputs?|x)[_ ]?\d*", re.I
)
ANSWERS = re.compile(r"(y|target|label|class|output|expected)s?[ _]?\d*|y_.*", re.IGNORECASE)  # columns that hold results, not inputs
SEPARATORS = ",;\t"


def read_inputs(given: str, model: Model, note: Note | None = None) -> list[np.ndarray]:
    """The arrays that an INPUT on the command line stands for, one per input of the model."""
    pieces = list(input_chunks(given, model, None, note))
    if not pieces:
        raise BadInput(f"{given}: holds no rows")
    return [np.concatenate(arrays) for arrays in zip(*pieces, strict=True)] if len(pieces) > 1 else pieces[0]


def input_chunks(given: str, model: Model, size: int | None, note: Note | None = None) -> Iterator[list[np.ndarray]]:
    """The same, ``size`` samples at a time (all at once where ``None``), so that memory stays flat."""
    wanted = wanted_inputs(model)
    path = Path(given)
    if given == "-":
        yield from from_lines(sys.stdin, wanted, "standard input", size)
    elif is_file(path):
        yield from from_file(path, wanted, size, note)
    elif NUMBERS.fullmatch(given) or (any(w.text for w in wanted) and not path.suffix):
        yield from from_lines(given.split(";"), wanted, "input", size, ",")
    elif "," in given or ";" in given:
        bad = next(cell.strip() for cell in re.split("[,;]", given) if not is_number(cell))
        raise BadInput(f"input {given!r}: {bad!r} is not a number")
    else:
        raise BadInput(f"{given}: there is no such file, and it is not a row of numbers like 0,1")


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name too long for the file system is none."""
    try:
        if path.is_dir():
            raise BadInput(f"{path}: is a folder; an input is a file or a row of numbers like 0,1")
        return path.exists()
    except (OSError, ValueError):
        return False


def from_file(path: Path, wanted: list[Wanted], size: int | None, note: Note | None) -> Iterator[list[np.ndarray]]:
    """The arrays in a file, by what its name ends in."""
    kind = path.suffix.lower()
    try:
        if kind in IMAGES:
            yield [from_image(path, wanted, note)]
        elif kind in (".npy", ".npz"):
            arrays = from_numpy(path, wanted, size)
            rows = len(arrays[0])
            for start in range(0, rows, size or max(rows, 1)):
                yield [np.asarray(array[start : start + (size or rows)]) for array in arrays]
        elif kind in (".csv", ".tsv", ".txt", ""):
            with path.open(newline="", encoding="utf-8-sig") as file:
                yield from from_lines(file, wanted, path.name, size)
        else:
            raise BadInput(f"{path}: an input is a .csv, .npy or .npz file, an image, or a row of numbers like 0,1")
    except (UnicodeDecodeError, csv.Error):
        raise BadInput(f"{path}: is not a text file of rows and columns") from None
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or 'cannot be read'}") from None


@dataclass(frozen=True)
class Table:
    """How the lines of a text file are cut into columns, and which columns are inputs (all of them where ``None``)."""

    name: str
    separator: str
    width: int
    header: list[str] | None
    columns: list[int] | None
    text: bool

    def cells(self, line: str) -> list[str]:
        """The cells of one line."""
        if self.separator == " ":
            return line.split()
        return [cell.strip() for cell in next(csv.reader([line], delimiter=self.separator, skipinitialspace=True), [])]

    def matrix(self, lines: list[str], start: int) -> Any:
        """A chunk of lines, of which the first is number ``start``, as one matrix."""
        if not self.text:
            with contextlib.suppress(ValueError), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # lines without any cell
                split = None if self.separator == " " else self.separator
                found = np.loadtxt(lines, delimiter=split, comments=None, quotechar='"', ndmin=2)
                if found.shape[1] == self.width and np.isfinite(found).all():
                    return found if self.columns is None else found[:, self.columns]
        return as_numbers([(start + i, cells) for i, line in enumerate(lines) if any(cells := self.cells(line))], self)


def table(lines: Iterable[str], name: str) -> Iterator[tuple[int, list[str]]]:
    """Numbered rows of cells, those of the header too."""
    cut: Table | None = None
    for number, line in enumerate(lines, 1):
        if line.strip():
            cut = cut or Table(name, separator_of(line), 0, None, None, True)
            yield number, cut.cells(line)


def is_header(cells: list[str], wanted: list[Wanted]) -> bool:
    """Whether the first line names the columns: it holds no numbers; of texts, more columns than the model reads, or usual titles."""
    if not any(cells) or any(map(is_number, cells)):
        return False
    if not any(w.text for w in wanted):
        return True
    sizes, names = [w.size for w in wanted], {w.name for w in wanted}
    more = None not in sizes and len(cells) > sum(n for n in sizes if n is not None)
    return more or all(cell in names or TITLES.fullmatch(cell) for cell in cells)


def from_lines(lines: Iterable[str], wanted: list[Wanted], name: str, size: int | None, separator: str = "") -> Iterator[list[np.ndarray]]:
    """Lines of cells as arrays; the first line is taken for a header where it holds no numbers."""
    lines = iter(lines)
    number, first = next(((i, line) for i, line in enumerate(lines, 1) if line.strip()), (0, ""))
    if not number:
        raise BadInput(f"{name}: holds no rows")
    text = any(w.text for w in wanted)
    table = Table(name, separator or separator_of(first), 0, None, None, text)
    cells = table.cells(first)
    header = cells if is_header(cells, wanted) else None
    table = replace(table, width=len(cells), header=header, columns=chosen_columns(header, len(cells), wanted))
    chunk = [] if header else [first]
    number += bool(header)
    while chunk := chunk + list(islice(lines, None if size is None else size - len(chunk))):
        if any(line.strip() for line in chunk):
            yield split_rows(table.matrix(chunk, number), wanted, name)
        number, chunk = number + len(chunk), []


def separator_of(line: str) -> str:
    """Commas, semicolons or tabs, whichever the first line has; spaces where it is numbers with spaces between."""
    separator = max(SEPARATORS, key=line.count)
    spaced = separator not in line and len(line.split()) > 1 and all(map(is_number, line.split()))
    return " " if spaced else separator


def chosen_columns(header: list[str] | None, width: int, wanted: list[Wanted]) -> list[int] | None:
    """Which columns are inputs, where a header names more than the model takes: not those that hold answers."""
    sizes = [w.size for w in wanted]
    if header is None or None in sizes or width == sum(n for n in sizes if n is not None):
        return None
    names = [w.name for w in wanted]
    if set(names) <= set(header) and all(n == 1 for n in sizes):
        return [header.index(n) for n in names]
    return [i for i, title in enumerate(header) if not ANSWERS.fullmatch(title)]


def as_numbers(rows: list[tuple[int, list[str]]], table: Table) -> Any:
    """Numbered rows of cells as one matrix; the first cell that is no number is named."""
    for number, row in rows:
        if len(row) != table.width:
            raise BadInput(f"{table.name}: row {number} has {len(row)} columns, the first row has {table.width}")
    places = table.columns if table.columns is not None else range(table.width)
    if table.text:
        return np.array([[row[i] for i in places] for _, row in rows], dtype=object)
    for number, row in rows:
        for i in places:
            if not is_finite(row[i]):
                title = f" ({table.header[i]})" if table.header else ""
                what = f"{row[i]!r} is not a number" if row[i] else "the cell is empty"
                raise BadInput(f"{table.name}: row {number}, column {i + 1}{title}: {what}")
    return np.array([[float(row[i]) for i in places] for _, row in rows])


def split_rows(matrix: Any, wanted: list[Wanted], name: str) -> list[np.ndarray]:
    """A matrix with a row per sample as one array per input."""
    have = matrix.shape[1]
    open_ended = [w for w in wanted if w.size is None]
    fixed = sum(w.size for w in wanted if w.size is not None)
    if len(open_ended) > 1 or (not open_ended and have != fixed) or (open_ended and have <= fixed):
        shapes = "; ".join(f"{w.name}: {shape_words(w.shape)}" for w in wanted)
        raise BadInput(f"{name}: the model takes {fixed or 'any number of'} numbers per sample ({shapes}), but a row has {have}")
    arrays, start = [], 0
    for w in wanted:
        size = w.size if w.size is not None else have - fixed
        part = matrix[:, start : start + size]
        arrays.append(part if w.shape is None else part.reshape(len(part), *full_shape(w, size, name)))
        start += size
    return arrays


def full_shape(w: Wanted, size: int, name: str) -> tuple[int, ...]:
    """The shape of a sample with its open dimension filled in from the number of numbers."""
    assert w.shape is not None
    known = int(np.prod([n for n in w.shape if n is not None], dtype=np.int64))
    unknown = sum(n is None for n in w.shape)
    if unknown == 0:
        return tuple(n for n in w.shape if n is not None)
    if unknown > 1 or known == 0 or size % known:
        raise BadInput(f"{name}: {size} numbers do not make an input of shape {shape_words(w.shape)}; give them as a .npy file")
    return tuple(size // known if n is None else n for n in w.shape)


def from_numpy(path: Path, wanted: list[Wanted], size: int | None) -> list[Any]:
    """The arrays of a ``.npy`` or ``.npz`` file, by input name, by ``input_0``, or the only one there is."""
    try:
        loaded = np.load(path, allow_pickle=False, mmap_mode="r" if size and path.suffix.lower() == ".npy" else None)
        if isinstance(loaded, np.ndarray):
            arrays: list[Any] = [loaded]
        else:
            members = {name: loaded[name] for name in loaded.files}
            arrays = [members.get(w.name, members.get(f"input_{i}")) for i, w in enumerate(wanted)]
            if len(wanted) == 1 and arrays[0] is None and len(members) == 1:
                arrays = list(members.values())
    except (OSError, ValueError, EOFError, KeyError):
        raise BadInput(f"{path}: is not a NumPy file, or holds Python objects, which are never loaded") from None
    except Exception as error:  # a damaged zip can fail in many ways
        raise BadInput(f"{path}: is damaged ({type(error).__name__})") from None
    if len(arrays) != len(wanted) or any(array is None for array in arrays):
        names = ", ".join(f"{w.name} (or input_{i})" for i, w in enumerate(wanted))
        raise BadInput(f"{path}: does not hold an array for each input of the model: {names}")
    return [with_batch(array, w, path) for array, w in zip(arrays, wanted, strict=True)]


def with_batch(array: Any, w: Wanted, path: Path) -> Any:
    """The array with its batch axis, and of a kind that can be computed with."""
    if array.dtype.kind not in "biuf" + "US" * w.text:
        raise BadInput(f"{path}: holds {array.dtype}, not numbers")
    if w.shape is not None and array.ndim == len(w.shape):
        return array[None]
    return array[None] if array.ndim == 0 else array


PICTURES = ("PNG", "JPEG", "BMP", "GIF", "WEBP")


def from_image(path: Path, wanted: list[Wanted], note: Note | None) -> np.ndarray:
    """An image as numbers 0..255, in the size and with the channels that the model takes."""
    shape = wanted[0].shape
    if len(wanted) != 1 or shape is None or len(shape) not in (2, 3):
        raise BadInput(f"{path}: the model does not take one image, but {'; '.join(shape_words(w.shape) for w in wanted)}")
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise BadInput("reading images needs Pillow: python -m pip install 'weightlens[images]'") from None
    height, width, channels = (*shape, 1) if len(shape) == 2 else shape
    modes = {1: "L", 3: "RGB", 4: "RGBA"}
    if channels not in modes:
        raise BadInput(f"{path}: an image has 1, 3 or 4 channels (last), but the model takes {shape_words(shape)}")
    try:
        with Image.open(path, formats=PICTURES) as file:  # known by their first bytes; others start programs (PostScript)
            image = file.convert(modes[channels])
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise BadInput(f"{path}: is not an image that can be read ({', '.join(PICTURES)})") from None
    except Exception as error:  # a damaged picture can fail in many ways
        raise BadInput(f"{path}: is damaged ({type(error).__name__})") from None
    size = (width or image.width, height or image.height)
    if image.size != size:
        if note:
            note(f"{path.name}: {image.width} x {image.height} pixels, resized to {size[0]} x {size[1]}")
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.float64).reshape(1, size[1], size[0], *shape[2:])


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, ``nan`` and ``inf`` included."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def is_finite(cell: str) -> bool:
    """Whether a cell holds a number that can be calculated with."""
    return is_number(cell) and bool(np.isfinite(float(cell)))
