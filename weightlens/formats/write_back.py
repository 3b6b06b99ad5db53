"""Changing single numbers in a saved model: a copy of the file in which only their bytes differ.

Keras writes most HDF5 arrays as contiguous blocks, and their bytes are overwritten in place. A ``.keras``
archive, or the zip of a TensorFlow.js model or SavedModel, is packed again with the same members, dates and compression.
"""

from __future__ import annotations

import contextlib
import io
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import h5py
import numpy as np

from weightlens.errors import BadInput, WeightlensError
from weightlens.files import Inputs, check_output, part_file, replacing
from weightlens.formats import files_of
from weightlens.formats.containers.contents import held_in, is_saved_model, is_tfjs, kind_of
from weightlens.formats.hdf5.access import FLOATS_16_BIT
from weightlens.formats.patches import Places, patch
from weightlens.formats.weights.conversion import Conversion
from weightlens.model import Weight

WEIGHTS = "model.weights.h5"  # the member of a .keras archive that holds the numbers
Stored = dict[str, np.ndarray]  # arrays by their path in the file
Changed = dict[str, io.BufferedRandom]  # changed members of an archive, unpacked


def write_back(source: Path, out: Path, changed: Mapping[str, tuple[Weight, np.ndarray]], force: bool = False) -> None:
    """Copy the model file ``source`` to ``out`` with new values for some weights, by ``layer/name``.

    The copy is read again and compared before it appears at ``out``; after an error nothing is written.
    """
    suffixes = check_new_model(source, out, force)
    stored = stored_values(changed)
    if is_saved_model(source):
        from weightlens.formats.savedmodel import change_bundle

        change_bundle.write_changed(source, out, stored)
        return
    if not suffixes:
        from weightlens.formats.tfjs import change_shards

        change_shards.write_changed(source, out, stored, force, files_of(source))
        return
    with replacing(out, force, files_of(source), suffixes) as file:
        try:
            if zipfile.is_zipfile(source):
                patch_archive(source, file, stored, out)
            else:
                with source.open("rb") as original:
                    shutil.copyfileobj(original, file, 1 << 20)
                file.flush()
                patch_hdf5(Path(file.name), stored)
        except OSError as error:  # HDF5 has its own words for a full disk
            raise BadInput(f"{out}: cannot be written ({error.strerror or error})") from None


def check_new_model(source: Path, out: Path, force: bool, read: Inputs = ()) -> tuple[str, ...]:
    """Refuse an output that cannot be a changed copy of the model, or is a file that is ``read``, before any work is done.

    Returns its possible suffixes; none for a TensorFlow.js model or a SavedModel, which are several files.
    """
    inputs, kind = [*read, *files_of(source)], kind_of(source)
    if kind == "savedmodel":
        from weightlens.formats.savedmodel import change_bundle

        change_bundle.check_new_model(source, out)
        return ()
    if is_tfjs(source):
        from weightlens.formats.tfjs import change_shards

        change_shards.check_new_files(source, out, force, inputs)
        return ()
    if kind == "zip":
        with zipfile.ZipFile(source) as archive:
            names = archive.namelist()
        if "xl/workbook.xml" in names:
            raise BadInput(f"{source.name}: an .xlsx workbook, not a model: the workbook comes first, then the model")
        several = held_in(names, source.name)[0] in ("savedmodel", "tfjs")
        suffixes: tuple[str, ...] = (".zip",) if several else (".keras",)
    elif kind == "hdf5":
        suffixes = (".h5", ".hdf5", ".hdf")
    else:
        raise BadInput(
            f"{source.name}: numbers can be written back to .h5, .keras, TensorFlow.js and SavedModel (folder or .zip), not to this one"
        )
    check_output(out, force, inputs)
    suffixes += (source.suffix.lower(),)
    if out.suffix.lower() not in suffixes:
        name = f"{out.stem}{suffixes[0]}"
        other = out.suffix or out.name
        raise BadInput(f"{out}: the new file is of the kind of {source.name}, and Keras would not open it as {other}: name it {name}")
    return suffixes


def stored_values(changed: Mapping[str, tuple[Weight, np.ndarray]]) -> Stored:
    """The stored arrays that give the weights these values."""
    stored: Stored = {}
    for name, (weight, value) in changed.items():
        try:
            stored |= stored_arrays(weight, value)
        except NotARearrangement as why:
            raise BadInput(f"{name} cannot be written back: its numbers are computed from those in the file ({why})") from None
    return stored


class NotARearrangement(Exception):
    """The array is computed from stored ones, not only rearranged."""


def stored_arrays(weight: Weight, value: np.ndarray) -> Stored:
    """The stored arrays that are read as ``value``: joined gates split, transposed axes restored."""
    if not isinstance(weight.read, Conversion):
        return {weight.path: value}
    sources = list(weight.read.sources)
    arrays: Stored = {}
    if weight.read.add is not None:
        first, rest = sources[0], [source.value for source in sources[1:]]
        before = weight.read.make(first.value, *rest)
        change = np.where((before == value) | (np.isnan(before) & np.isnan(value)), 0, value - before.astype(np.float64))
        part = weight.read.add(first.value, change).astype(first.value.dtype)
        if not np.allclose(weight.read.make(part, *rest), value, rtol=1e-6, atol=1e-6 * np.abs(first.value).max(), equal_nan=True):
            raise NotARearrangement(weight.note)
        return stored_arrays(first, part)
    sizes = [source.size for source in sources]
    flat = np.concatenate([np.asarray(source.value).reshape(-1) for source in sources])
    origin = origin_of_elements(weight.read, [source.shape for source in sources], sum(sizes), weight.note)
    flat[origin.reshape(-1)] = value.reshape(-1)
    for source, part in zip(sources, np.split(flat, np.cumsum(sizes)[:-1]), strict=True):
        arrays |= stored_arrays(source, part.reshape(source.shape))
    return arrays


def origin_of_elements(conversion: Conversion, shapes: list[tuple[int, ...]], total: int, note: str) -> np.ndarray:
    """The stored position of each element of a converted array, found by converting arrays of positions.

    Done twice, with the positions permuted: only a rearrangement gives consistent results.
    """
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]

    def convert(numbers: np.ndarray) -> np.ndarray:
        parts = [part.reshape(shape) for part, shape in zip(np.split(numbers, cuts), shapes, strict=True)]
        return np.asarray(conversion.make(*parts))

    shuffled = np.random.default_rng(0).permutation(total)
    try:
        origin = convert(np.arange(total))
    except (ValueError, IndexError, TypeError):  # it does arithmetic with the numbers
        raise NotARearrangement(note) from None
    whole = origin.dtype.kind in "iu" and np.array_equal(np.unique(origin), np.arange(total))
    if not whole or not np.array_equal(convert(shuffled), shuffled[origin]):
        raise NotARearrangement(note)
    return origin


def patch_hdf5(file: Path, stored: Stored) -> None:
    """Overwrite arrays in the datasets of an HDF5 file, in place."""
    places: Places = []
    with h5py.File(file, "r", locking=False) as opened, file.open("rb") as raw:
        others = {}
        for path, array in stored.items():
            if path not in opened:
                raise BadInput(f"the numbers at {path} cannot be written back: that name is not valid UTF-8 in the file")
            dataset = opened[path]
            data = encode(array, dataset.dtype)
            offset = dataset.id.get_offset()
            raw.seek(offset or 0)
            if offset is not None and raw.read(len(data)) == dataset[()].tobytes():
                places.append((offset, data))
            else:
                others[path] = array
    with file.open("r+b") as changed:
        patch(changed, places)
    if others:  # chunked, compressed or compact: HDF5 has to find the place
        with h5py.File(file, "r+", locking=False) as opened:
            for path, array in others.items():
                dataset = opened[path]
                dataset[...] = np.frombuffer(encode(array, dataset.dtype), dataset.dtype).reshape(dataset.shape)
    with h5py.File(file, "r", locking=False) as opened:
        for path, array in stored.items():
            if opened[path][()].tobytes() != encode(array, opened[path].dtype):
                raise WeightlensError(f"the numbers at {path} could not be written; the file is left as it was")


def encode(array: np.ndarray, dtype: np.dtype) -> bytes:
    """Numbers as bytes of a stored dtype."""
    if dtype != FLOATS_16_BIT:
        return np.ascontiguousarray(array).astype(dtype).tobytes()
    return (round_to_dtype(array, "bfloat16").view(np.uint32) >> 16).astype("<u2").tobytes()


def round_to_dtype(array: np.ndarray, stored_type: str) -> np.ndarray:
    """Numbers rounded to a stored dtype; bfloat16 is the upper half of a float32, rounded half to even."""
    if stored_type != "bfloat16":
        return array.astype(stored_type)
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).view(np.float32)


def patch_archive(source: Path, file: IO[bytes], stored: Stored, out: Path) -> None:
    """Copy a ``.keras`` archive, or a zip of several files, into ``file`` with some arrays replaced; all else stays the same."""
    try:
        with zipfile.ZipFile(source) as old, contextlib.ExitStack() as stack:
            if len(set(old.namelist())) != len(old.namelist()):
                raise BadInput(f"{source.name}: has two members of the same name, so its weights cannot be written back")
            changed: Changed = {}
            for member, change in changes_of(source, old, stored).items():
                changed[member] = part = stack.enter_context(part_file(Path(file.name), out))
                with old.open(member) as packed:
                    shutil.copyfileobj(packed, part, 1 << 20)
                part.flush()
                change(part)
                part.flush()
            pack_archive(old, file, changed)
            verify_archive(old, file, changed)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise BadInput(f"{source.name}: cannot be packed again ({error})") from None


def changes_of(source: Path, old: zipfile.ZipFile, stored: Stored) -> dict[str, Callable[[IO[bytes]], None]]:
    """What to do to which members of an archive."""
    kind, place = held_in(old.namelist(), source.name)
    if kind == "savedmodel":
        from weightlens.formats.savedmodel import change_bundle

        return change_bundle.changes_in_zip(source, stored)
    if kind == "tfjs":
        from weightlens.formats.tfjs import change_shards

        return change_shards.changes_in_zip(source, place, stored)
    if WEIGHTS in old.namelist():
        return {WEIGHTS: lambda file: patch_hdf5(Path(file.name), stored)}
    raise BadInput(f"{source.name}: its weights are not in one {WEIGHTS}, so they cannot be written back")


def pack_archive(old: zipfile.ZipFile, file: IO[bytes], changed: Changed) -> None:
    """Pack the old archive's members, some of them changed."""
    with zipfile.ZipFile(file, "w") as new:
        new.comment = old.comment
        for info in old.infolist():
            made = zipfile.ZipInfo(info.filename, info.date_time)
            for kept in ("compress_type", "comment", "extra", "create_system", "external_attr", "internal_attr", "file_size"):
                setattr(made, kept, getattr(info, kept))
            with new_member(old, info, changed) as member, new.open(made, "w") as packed:
                shutil.copyfileobj(member, packed, 1 << 20)


def verify_archive(old: zipfile.ZipFile, file: IO[bytes], changed: Changed) -> None:
    """Read a packed archive again: the same members, with the same bytes except for the changed ones."""
    with zipfile.ZipFile(file) as new:
        if new.namelist() != old.namelist():
            raise WeightlensError(f"{old.filename}: packed again it has other members; nothing is written")
        for info in old.infolist():
            with new_member(old, info, changed) as wanted, new.open(info.filename) as packed:
                while chunk := wanted.read(1 << 20):
                    if packed.read(len(chunk)) != chunk:
                        raise WeightlensError(f"{old.filename}: packed again, {info.filename} has other contents; nothing is written")
                if packed.read(1):
                    raise WeightlensError(f"{old.filename}: packed again, {info.filename} is longer; nothing is written")


def new_member(old: zipfile.ZipFile, info: zipfile.ZipInfo, changed: Changed) -> IO[bytes]:
    """A member's contents in the new archive: changed, or the old bytes."""
    return Path(changed[info.filename].name).open("rb") if info.filename in changed else old.open(info)
