"""The inputs of a model: typed, or read from a file.

``read_samples`` accepts ``"0,1"`` (a row), ``"0,0;0,1"`` (rows), ``-`` (rows from standard input), and files: tables
(see ``weightlens.tables``), ``.npy``, ``.npz``, images. Each row is one sample; for a model with several inputs or
dimensions, a row holds all numbers of the sample, input after input, in C order.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from weightlens.engine.binding import input_keys
from weightlens.engine.wanted import Wanted, spellings, wanted_inputs
from weightlens.errors import BadInput, WeightlensError
from weightlens.inputs import Samples
from weightlens.inputs.columns import columns_of_inputs, inputs_by_title, is_index_left_out
from weightlens.model import Model
from weightlens.specs.sizes import shape_words
from weightlens.tables import Block, Table, is_table, open_table
from weightlens.tables.cells import Numbers, is_number, seems_titled
from weightlens.tables.table_files import WORDS, split_area

Note = Callable[[str], None]

IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}
NUMBERS = re.compile(r"[-+.\d\s,;eEnaif%\u2212]*\d[-+.\d\s,;eEnaif%\u2212]*")
ENDING = r"(?i)\.[a-z]\w{0,7}"  # of the name of a file, rather than of a text that holds a point
TITLES = r"(?i)(texts?|sentences?|reviews?|comments?|messages?|documents?|titles?|questions?|words?|body|content|tweets?|inputs?|x)[_ ]?\d*"


def read_samples(given: str, model: Model, note: Note | None = None, scale: str | None = None) -> Samples:
    """The samples of a command line INPUT; ``scale``: see ``weightlens.inputs.pictures``."""
    pieces = list(sample_chunks(given, model, None, note, scale))
    arrays = [np.concatenate(parts) for parts in zip(*(piece.arrays for piece in pieces), strict=True)]
    return Samples(arrays, pieces[0].labels)


def sample_chunks(given: str, model: Model, size: int | None, note: Note | None = None, scale: str | None = None) -> Iterator[Samples]:
    """The samples of a command line INPUT in chunks of ``size`` (one chunk if ``None``): memory use does not grow with the file.

    An input without samples is refused, typed or from a file.
    """
    note, wanted, has_numbers = note or (lambda text: None), wanted_inputs(model), False
    picture = Path(given).suffix.lower() in IMAGES and is_file(Path(given))
    if scale is not None and not picture:
        raise BadInput("--scale is for pictures: the numbers of every other input are taken as they are")
    for samples in picture_samples(Path(given), model, wanted, note, scale) if picture else any_samples(given, wanted, size, note):
        has_numbers = all(array.size for array in samples.arrays)
        if not has_numbers:
            break
        yield samples
    if not has_numbers:
        raise BadInput(f"{'standard input' if given == '-' else given}: holds no rows of numbers")


def any_samples(given: str, wanted: list[Wanted], size: int | None, note: Note) -> Iterator[Samples]:
    """The samples that were typed, or those of a file, by its suffix."""
    if not given.strip():
        raise BadInput("the input is empty; write a row of numbers like 0,1, or name a file")
    path = Path(split_area(given)[0])
    if given == "-" or is_file(path):
        return from_file(given, path, wanted, size, note)
    if NUMBERS.fullmatch(given) or (any(w.text for w in wanted) and not re.fullmatch(ENDING, path.suffix)):
        return from_table(Typed(given, any(w.text for w in wanted)), wanted, size, note)
    if "," in given or ";" in given:
        bad = next((cell.strip() for cell in re.split("[,;]", given) if not is_number(cell.strip())), given)
        raise BadInput(f"input {given!r}: {bad!r} is not a number")
    raise BadInput(f"{given}: there is no such file, and it is not a row of numbers like 0,1")


def is_file(path: Path) -> bool:
    """Whether there is such a file; too long a name is not one."""
    try:
        if path.is_dir():
            raise BadInput(f"{path}: is a folder; an input is a file or a row of numbers like 0,1")
        return path.exists()
    except (OSError, ValueError):
        return False


def from_file(given: str, path: Path, wanted: list[Wanted], size: int | None, note: Note) -> Iterator[Samples]:
    """The samples in a file, by its suffix."""
    kind = path.suffix.lower()
    try:
        if kind in (".npy", ".npz"):
            arrays = from_numpy(path, wanted, size)
            rows = len(arrays[0])
            for start in range(0, rows, size or max(rows, 1)):
                yield Samples([np.asarray(array[start : start + (size or rows)]) for array in arrays])
        elif given == "-" or is_table(given):
            yield from from_table(open_table(given), wanted, size, note)
        else:
            raise BadInput(f"{path}: an input is {WORDS}, a .npy or .npz file, an image, or a row of numbers like 0,1")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or 'cannot be read'}") from None


class Typed(Table):
    """Rows typed on the command line, separated by semicolons; their cells by commas or, without commas, by spaces."""

    separator = ","

    def __init__(self, given: str, text: bool) -> None:
        self.text = text  # whether spaces may belong to a cell
        rows = enumerate((row for row in given.split(";") if row.strip()), 1)
        super().__init__("input", ((number, self.cells(row)) for number, row in rows), titled=False)

    def cells(self, row: str) -> list[str]:
        """The cells of one row."""
        if not self.text and "," not in row and NUMBERS.fullmatch(row):
            return row.split()
        return [cell.strip() for cell in next(csv.reader([row], skipinitialspace=True))]


def is_titled(table: Table, wanted: list[Wanted]) -> bool:
    """Whether the first row holds titles: no numbers.

    Where all inputs are texts it may be a sample all the same, unless there are more columns than inputs, a cell is the name of an
    input, or all are usual titles.
    """
    cells = table.first
    if not seems_titled(table) or table.titled or not all(w.text for w in wanted):
        return seems_titled(table)
    sizes = [w.size for w in wanted]
    more = None not in sizes and len(cells) > sum(n for n in sizes if n is not None)
    return more or bool(inputs_by_title(cells, spellings(wanted), table.name)) or all(re.fullmatch(TITLES, cell) for cell in cells)


def from_table(table: Table, wanted: list[Wanted], size: int | None, note: Note) -> Iterator[Samples]:
    """The rows of a table as arrays."""
    table.begin(is_titled(table, wanted))
    columns, notes = columns_of_inputs(table.titles, table.width, wanted, table.name)
    if table.titled is None and table.titles is None and table.width > 2 and table.first == [str(i) for i in range(table.width)]:
        notes = ["its first row, 0, 1, 2..., is taken for numbers, not for titles"]
    for text in notes:
        note(f"{table.name}: {text}")
    labels = [[table.titles[i] for i in chosen] for chosen in columns] if table.titles else []
    numbers = Numbers(table)
    for block in table.blocks(size, plain=not any(w.text for w in wanted)):
        if is_index_left_out(table.titles, columns):
            refuse_no_index(table, block)
        arrays = [shaped(cells_of(block, chosen, w, numbers), w, table.name) for chosen, w in zip(columns, wanted, strict=True)]
        if table.decimal == "," and not table.titles and [number for number, _ in block.rows] == [table.number]:
            raise BadInput(f"{table.name}: one row of decimal commas, or several rows? write numbers with a point, or a header above")
        for text in numbers.notes():
            note(f"{table.name}: {text}")
        yield Samples(arrays, labels)


def refuse_no_index(table: Table, block: Block) -> None:
    """Refuse an untitled first column that does not hold row numbers or row names."""
    fractions = block.matrix is not None and bool((block.matrix[:, 0] % 1).any())
    if fractions or any(is_number(row[0]) and not row[0].isdigit() for _, row in block.rows):
        raise BadInput(f"{table.name}: the first column has no title and does not number the rows; give it a title, or remove it")


def cells_of(block: Block, columns: list[int], w: Wanted, numbers: Numbers) -> np.ndarray:
    """Some columns of a block as numbers, or as text for a text input."""
    if block.matrix is not None:
        straight = columns == list(range(columns[0], columns[-1] + 1))
        return block.matrix[:, columns[0] : columns[-1] + 1] if straight else block.matrix[:, columns]
    if w.text:
        return np.array([[row[i] for i in columns] for _, row in block.rows], dtype=object)
    return numbers.matrix(block.rows, columns)


def shaped(part: np.ndarray, w: Wanted, name: str) -> np.ndarray:
    """Rows of cells in the shape of the input."""
    return part if w.shape is None else part.reshape(len(part), *full_shape(w, part.shape[1], name))


def full_shape(w: Wanted, size: int, name: str) -> tuple[int, ...]:
    """The shape of a sample, its open dimension computed from the number of cells."""
    assert w.shape is not None
    known = int(np.prod([n for n in w.shape if n is not None], dtype=np.int64))
    unknown = sum(n is None for n in w.shape)
    if unknown == 0:
        return tuple(n for n in w.shape if n is not None)
    if unknown > 1 or known == 0 or size % known:
        raise BadInput(f"{name}: {size} numbers do not make an input of shape {shape_words(w.shape)}; give them as a .npy file")
    return tuple(size // known if n is None else n for n in w.shape)


def from_numpy(path: Path, wanted: list[Wanted], size: int | None) -> list[Any]:
    """The arrays of a ``.npy`` or ``.npz`` file: by input name, by ``input_0``, or the only one."""
    try:
        loaded = np.load(path, allow_pickle=False, mmap_mode="r" if size and path.suffix.lower() == ".npy" else None)
        if isinstance(loaded, np.ndarray):
            arrays: list[Any] = [loaded]
        else:
            with loaded:
                keys = input_keys(loaded.files, [w.name for w in wanted], [w.key for w in wanted if w.key])
                single = loaded.files if len(loaded.files) == len(wanted) == 1 else []
            arrays = npz_members(path, keys or single)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    except WeightlensError:
        raise
    except (OSError, ValueError, EOFError, KeyError):
        raise BadInput(f"{path}: is not a NumPy file, or holds Python objects, which are never loaded") from None
    except Exception as error:  # a damaged zip can fail in many ways
        raise BadInput(f"{path}: is damaged ({type(error).__name__})") from None
    if len(arrays) != len(wanted):
        names = ", ".join(w.key or w.name for w in wanted)
        raise BadInput(f"{path}: does not hold an array for each input of the model; name them {names}, or input_0, input_1... by place")
    arrays = [with_batch(array, w, path) for array, w in zip(arrays, wanted, strict=True)]
    if len({len(array) for array in arrays}) > 1:
        raise BadInput(f"{path}: the arrays hold {' and '.join(str(len(array)) for array in arrays)} samples; all inputs take as many")
    return arrays


def npz_members(path: Path, names: Sequence[str]) -> list[Any]:
    """The arrays with these names in an ``.npz`` file; no other array is read, and none of implausible size."""
    from weightlens.zips import check_member, open_zip

    with open_zip(path) as archive, np.load(path, allow_pickle=False) as loaded:
        for name in names:
            check_member(archive, name if name in archive.NameToInfo else f"{name}.npy")
        return [loaded[name] for name in names]


def with_batch(array: Any, w: Wanted, path: Path) -> Any:
    """The array with its batch axis and a supported dtype."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf" + "US" * w.text:
        raise BadInput(f"{path}: holds {getattr(array, 'dtype', 'no array')}, not numbers")
    if w.shape is not None and array.ndim == len(w.shape):
        return array[..., None] if w.shape[-1:] == (1,) and array.shape[-1:] != (1,) else array[None]
    return array[None] if array.ndim == 0 else array


PICTURES = ("PNG", "JPEG", "BMP", "GIF", "WEBP")


def picture_samples(path: Path, model: Model, wanted: list[Wanted], note: Note, scale: str | None) -> Iterator[Samples]:
    """A picture as the only sample, in the range asked for by ``scale``, with notes."""
    from weightlens.inputs.pictures import picture_words, range_advice, scale_values

    pixels, own = from_image(path, wanted)
    values = pixels if scale is None else scale_values(pixels, scale)
    note(f"{path.name}: {picture_words(own, values, len(wanted[0].shape or ()), scale)}")
    if pixels.max() > 1 and (words := range_advice(model, wanted[0].name, scale)):
        note(words)
    yield Samples([values])


def from_image(path: Path, wanted: list[Wanted]) -> tuple[np.ndarray, tuple[int, int]]:
    """A picture as numbers 0..255 in the model's size and channels, and its own width and height."""
    from weightlens.inputs.pictures import refuse_large

    shape = wanted[0].shape
    if len(wanted) != 1 or shape is None or len(shape) not in (2, 3):
        raise BadInput(f"{path}: the model does not take one image, but numbers of shape {'; '.join(shape_words(w.shape) for w in wanted)}")
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise BadInput("reading images needs Pillow: python -m pip install pillow") from None
    height, width, channels = (*shape, 1) if len(shape) == 2 else shape
    modes = {1: "L", 3: "RGB", 4: "RGBA"}
    if channels not in modes:
        raise BadInput(f"{path}: an image has 1, 3 or 4 channels (last), but the model takes {shape_words(shape)}")
    try:
        with Image.open(path, formats=PICTURES) as file:  # known by their first bytes; others start programs (PostScript)
            refuse_large(path.name, file.size, (width, height))
            image = file.convert(modes[channels])
    except BadInput:
        raise
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise BadInput(f"{path}: is not an image that can be read ({', '.join(PICTURES)})") from None
    except Exception as error:  # a damaged picture can fail in many ways
        raise BadInput(f"{path}: is damaged ({type(error).__name__})") from None
    own, size = image.size, (width or image.width, height or image.height)
    if own != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.float64).reshape(1, size[1], size[0], *shape[2:]), own
