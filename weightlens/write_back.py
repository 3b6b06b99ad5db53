"""Changing single numbers in a saved model: a copy of the file in which only these bytes differ.

In HDF5 the arrays that Keras writes lie in one piece, and their bytes are replaced where they stand. A ``.keras``
archive is packed again with its members, dates and compression as they were.
"""

from __future__ import annotations

import lzma
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import h5py
import numpy as np

from weightlens.errors import BadInput, WeightlensError
from weightlens.files import check_output, part, replacing
from weightlens.formats import files_of
from weightlens.formats.conversion import Conversion
from weightlens.formats.hdf5 import FLOATS_16_BIT
from weightlens.model import Weight

WEIGHTS = "model.weights.h5"  # the member of a .keras archive that holds the numbers
Stored = dict[str, np.ndarray]  # arrays by their path in the file


def write_back(source: Path, out: Path, changed: Mapping[str, tuple[Weight, np.ndarray]], force: bool = False) -> None:
    """Copy the model file ``source`` to ``out`` with new values for some weights, given by ``layer/name``.

    The copy is read again and compared before it appears at ``out``; after an error nothing is written.
    """
    suffixes = check_new_model(source, out, force)
    stored = stored_values(changed)
    with replacing(out, force, files_of(source), suffixes) as file:
        try:
            if zipfile.is_zipfile(source):
                patch_archive(source, file, stored, out)
            else:
                patch_copy(source, file, stored)
        except OSError as error:  # HDF5 has its own words for a full disk
            raise BadInput(f"{out}: cannot be written ({error.strerror or error})") from None


def check_new_model(source: Path, out: Path, force: bool) -> tuple[str, ...]:
    """Refuse before anything is done what cannot be the changed copy of a model; gives the suffixes that it may have."""
    if source.is_file() and zipfile.is_zipfile(source):
        suffixes: tuple[str, ...] = (".keras",)
    elif source.is_file() and h5py.is_hdf5(source):
        suffixes = (".h5", ".hdf5", ".hdf")
    else:
        raise BadInput(f"{source.name}: numbers can be written back to .h5 and .keras files, not to this one")
    check_output(out, force, files_of(source))
    suffixes += (source.suffix.lower(),)
    if out.suffix.lower() not in suffixes:
        raise BadInput(f"{out}: the new file is of the kind of {source.name}, and Keras would not open it as {out.suffix or out.name}")
    return suffixes


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


def patch_copy(source: Path, file: IO[bytes], stored: Stored) -> None:
    """Copy an HDF5 file into ``file`` with other numbers."""
    with source.open("rb") as original:
        shutil.copyfileobj(original, file, 1 << 20)
    file.flush()
    patch_hdf5(Path(file.name), stored)


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


def patch_archive(source: Path, file: IO[bytes], stored: Stored, out: Path) -> None:
    """Pack a ``.keras`` archive again into ``file`` with other numbers; everything else of it stays as it is."""
    try:
        with zipfile.ZipFile(source) as old, part(Path(file.name), out) as weights:
            if old.namelist().count(WEIGHTS) != 1 or len(set(old.namelist())) != len(old.namelist()):
                raise BadInput(f"{source.name}: its weights are not in one {WEIGHTS}, so they cannot be written back")
            with old.open(WEIGHTS) as member:
                shutil.copyfileobj(member, weights, 1 << 20)
            weights.flush()
            patch_hdf5(Path(weights.name), stored)
            pack(old, file, weights)
            compare(old, file, weights)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise BadInput(f"{source.name}: cannot be packed again ({error})") from None


def pack(old: zipfile.ZipFile, file: IO[bytes], weights: IO[bytes]) -> None:
    """The members of an archive as they were, but for the weights."""
    with zipfile.ZipFile(file, "w") as new:
        new.comment = old.comment
        for info in old.infolist():
            made = zipfile.ZipInfo(info.filename, info.date_time)
            for kept in ("compress_type", "comment", "extra", "create_system", "external_attr", "internal_attr", "file_size"):
                setattr(made, kept, getattr(info, kept))
            with member_of(old, info, weights) as member, new.open(made, "w") as packed:
                shutil.copyfileobj(member, packed, 1 << 20)


def compare(old: zipfile.ZipFile, file: IO[bytes], weights: IO[bytes]) -> None:
    """Read a packed archive again: the same members, and in each the bytes that it has to hold."""
    with zipfile.ZipFile(file) as new:
        if new.namelist() != old.namelist():
            raise WeightlensError(f"{old.filename}: packed again it has other members; nothing is written")
        for info in old.infolist():
            with member_of(old, info, weights) as wanted, new.open(info.filename) as found:
                while chunk := wanted.read(1 << 20):
                    if found.read(len(chunk)) != chunk:
                        raise WeightlensError(f"{old.filename}: packed again, {info.filename} is another; nothing is written")
                if found.read(1):
                    raise WeightlensError(f"{old.filename}: packed again, {info.filename} is longer; nothing is written")


def member_of(old: zipfile.ZipFile, info: zipfile.ZipInfo, weights: IO[bytes]) -> IO[bytes]:
    """What a member of the new archive has to hold: the changed weights, else what it holds in the old one."""
    return Path(weights.name).open("rb") if info.filename == WEIGHTS else old.open(info)
