"""Changing single numbers in a saved model: a copy of the file in which only these bytes differ.

In HDF5 the arrays that Keras writes lie in one piece, and their bytes are replaced where they stand. A ``.keras``
archive is packed again with its members, dates and compression as they were.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from weightlens.errors import BadInput, WeightlensError
from weightlens.files import replacing
from weightlens.formats.conversion import Conversion
from weightlens.formats.hdf5 import FLOATS_16_BIT
from weightlens.model import Weight

WEIGHTS = "model.weights.h5"  # the member of a .keras archive that holds the numbers
Stored = dict[str, np.ndarray]  # arrays by their path in the file


def write_back(source: Path, out: Path, changed: Mapping[str, tuple[Weight, np.ndarray]], force: bool = False) -> None:
    """Copy the model file ``source`` to ``out`` with new values for some weights, given by ``layer/name``.

    The numbers are read again and compared before the copy appears at ``out``; after an error nothing is written.
    """
    zipped = zipfile.is_zipfile(source)
    other = (".h5", ".hdf5", ".hdf") if zipped else (".keras",)
    if out.suffix.lower() in other:
        raise BadInput(f"{out}: the new file is of the kind of {source.name}, and Keras would not open it as {out.suffix}")
    stored = stored_values(changed)
    with tempfile.TemporaryDirectory(prefix="weightlens-") as scratch:
        copy = Path(scratch) / source.name
        if zipped:
            patch_archive(source, copy, stored)
        elif h5py.is_hdf5(source):
            shutil.copyfile(source, copy)
            patch_hdf5(copy, stored)
        else:
            raise BadInput(f"{source.name}: numbers can be written back to .h5 and .keras files, not to this one")
        with replacing(out, force) as file, copy.open("rb") as made:
            shutil.copyfileobj(made, file, 1 << 20)


def stored_values(changed: Mapping[str, tuple[Weight, np.ndarray]]) -> Stored:
    """What has to stand in the file so that the weights have these values."""
    stored: Stored = {}
    for name, (weight, value) in changed.items():
        try:
            for path, array in undone(weight, value).items():
                stored[path] = array
        except NotMoved as why:
            raise BadInput(f"{name} cannot be written back: its numbers are computed from those in the file ({why})") from None
    return stored


class NotMoved(Exception):
    """The array is not a plain rearrangement of stored ones."""


def undone(weight: Weight, value: np.ndarray) -> Stored:
    """The stored arrays from which reading makes ``value``: joined gates taken apart, turned axes turned back."""
    if not isinstance(weight.read, Conversion):
        return {weight.path: value}
    sources = list(weight.read.sources)
    found: Stored = {}
    if weight.read.add is not None:
        first, rest = sources[0], [source.value for source in sources[1:]]
        before = weight.read.make(first.value, *rest)
        change = np.where((before == value) | (np.isnan(before) & np.isnan(value)), 0, value - before.astype(np.float64))
        part = weight.read.add(first.value, change).astype(first.value.dtype)
        if not np.allclose(weight.read.make(part, *rest), value, rtol=1e-6, atol=1e-6 * np.abs(first.value).max(), equal_nan=True):
            raise NotMoved(weight.note)
        return undone(first, part)
    sizes = [source.size for source in sources]
    flat = np.concatenate([np.asarray(source.value).reshape(-1) for source in sources])
    origin = positions(weight.read, [source.shape for source in sources], sum(sizes), weight.note)
    flat[origin.reshape(-1)] = value.reshape(-1)
    for source, part in zip(sources, np.split(flat, np.cumsum(sizes)[:-1]), strict=True):
        found |= undone(source, part.reshape(source.shape))
    return found


def positions(conversion: Conversion, shapes: list[tuple[int, ...]], total: int, note: str) -> np.ndarray:
    """Where each element of a converted array comes from, found by converting arrays of numbered elements.

    Done twice, with the numbers in another order: only what moves numbers gives the same answer.
    """
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]

    def convert(numbers: np.ndarray) -> np.ndarray:
        parts = [part.reshape(shape) for part, shape in zip(np.split(numbers, cuts), shapes, strict=True)]
        return np.asarray(conversion.make(*parts))

    shuffled = np.random.default_rng(0).permutation(total)
    try:
        origin = convert(np.arange(total))
    except (ValueError, IndexError, TypeError):  # it uses the numbers as something else
        raise NotMoved(note) from None
    whole = origin.dtype.kind in "iu" and np.array_equal(np.unique(origin), np.arange(total))
    if not whole or not np.array_equal(convert(shuffled), shuffled[origin]):
        raise NotMoved(note)
    return origin


def patch_hdf5(file: Path, stored: Stored) -> None:
    """Write arrays into the datasets of an HDF5 file, in place."""
    places: list[tuple[int, bytes]] = []
    with h5py.File(file, "r", locking=False) as opened:
        others = {}
        for path, array in stored.items():
            if path not in opened:
                raise BadInput(f"the numbers at {path} cannot be written back: that name is not text in the file")
            dataset = opened[path]
            data = encoded(array, dataset.dtype)
            offset = dataset.id.get_offset()
            if offset is not None and at(file, offset, len(data)) == dataset[()].tobytes():
                places.append((offset, data))
            else:
                others[path] = array
    with file.open("r+b") as raw:
        for offset, data in places:
            raw.seek(offset)
            raw.write(data)
    if others:  # chunked, compressed or compact: HDF5 has to find the place
        with h5py.File(file, "r+", locking=False) as opened:
            for path, array in others.items():
                dataset = opened[path]
                dataset[...] = np.frombuffer(encoded(array, dataset.dtype), dataset.dtype).reshape(dataset.shape)
    with h5py.File(file, "r", locking=False) as opened:
        for path, array in stored.items():
            if opened[path][()].tobytes() != encoded(array, opened[path].dtype):
                raise WeightlensError(f"the numbers at {path} could not be written; the file is left as it was")


def at(file: Path, offset: int, length: int) -> bytes:
    """Bytes of a file."""
    with file.open("rb") as raw:
        raw.seek(offset)
        return raw.read(length)


def encoded(array: np.ndarray, dtype: np.dtype) -> bytes:
    """Numbers as the bytes of a stored type."""
    if dtype != FLOATS_16_BIT:
        return np.ascontiguousarray(array).astype(dtype).tobytes()
    return (rounded(array, "bfloat16").view(np.uint32) >> 16).astype("<u2").tobytes()


def rounded(array: np.ndarray, stored_type: str) -> np.ndarray:
    """Numbers as they are after a file of that type has kept them; bfloat16 is the upper half of a float32, rounded to even."""
    if stored_type != "bfloat16":
        return array.astype(stored_type)
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).view(np.float32)


def patch_archive(source: Path, copy: Path, stored: Stored) -> None:
    """Pack a ``.keras`` archive again with other numbers; everything else of it stays as it is."""
    unpacked = copy.with_name("unpacked.h5")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(copy, "w") as new:
        if WEIGHTS not in old.namelist():
            raise BadInput(f"{source.name}: its weights are not in one {WEIGHTS}, so they cannot be written back")
        new.comment = old.comment
        with old.open(WEIGHTS) as member, unpacked.open("wb") as file:
            shutil.copyfileobj(member, file, 1 << 20)
        patch_hdf5(unpacked, stored)
        for info in old.infolist():
            size = info.file_size  # opening for writing forgets it
            with unpacked.open("rb") if info.filename == WEIGHTS else old.open(info) as member:
                made = zipfile.ZipInfo(info.filename, info.date_time)
                for kept in ("compress_type", "comment", "extra", "create_system", "external_attr", "internal_attr"):
                    setattr(made, kept, getattr(info, kept))
                made.file_size = size
                with new.open(made, "w") as packed:
                    shutil.copyfileobj(member, packed, 1 << 20)
