"""An HDF5 file read with caution: links out of it are never followed, and numbers are read on access.

Links out of the file, external datasets and impossible sizes are refused, as by Keras's own reader.
Everything uses h5py's low-level API, which takes half the time.
"""

from __future__ import annotations

import contextlib
import functools
import math
import weakref
from collections.abc import Container, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
from h5py import h5, h5a, h5d, h5g, h5l, h5o

from weightlens import limits
from weightlens.errors import CutShort, UnreadableModel, WeightlensError, first_line
from weightlens.formats.hdf5.soundness import SIGNATURE, cut_short, find_damage, first_bytes
from weightlens.model import Weight

NO_MODEL = "not a Keras model: it is neither HDF5 nor a zip archive nor JSON, nor any other known kind"
FLOAT64 = 8  # bytes of a number when it is computed with
FLOATS_16_BIT = np.dtype("V2")  # bfloat16 has no HDF5 type: Keras stores two opaque bytes


class Hdf5File:
    """One open HDF5 file (or an HDF5 file inside another one) and the arrays in it.

    ``packed``: its compressed size, if it was unpacked from another file.
    """

    def __init__(self, source: Path | BinaryIO, label: str, packed: int | None = None) -> None:
        self.label = label
        if isinstance(source, Path) and "://" in str(source):  # HDF5 itself opens what is on this machine
            source = source.open("rb")
        self.size = size_of(source)
        self.budget = limits.allowed_bytes(self.size if packed is None else packed)  # bytes that its arrays may take as float64
        self.read_whole: set[str] = set()
        self.file = open_hdf5(source, label)
        # h5py must let go of the file before the object it reads through dies, else Python crashes on exit.
        self.groups: dict[str, h5g.GroupID | None] = {}  # open while the file is being listed
        self.extents: dict[int, tuple[int | None, int]] = {}  # where the numbers of each array begin, and their bytes
        self.close = weakref.finalize(self, close_file, self.file)

    def group(self, path: str) -> h5g.GroupID | None:
        """The group at ``path``; ``None`` if there is none."""
        if path not in self.groups:
            self.groups[path] = self._open_group(path)
        return self.groups[path]

    def _open_group(self, path: str) -> h5g.GroupID | None:
        if not path:
            return h5o.open(self.file.id, b"/")
        parent, _, name = path.rpartition("/")
        place, raw = self.group(parent), name.encode()
        if place is None or not raw or not place.links.exists(raw):
            return None
        if place.links.get_info(raw).type != h5l.TYPE_HARD:
            raise UnreadableModel(f"{self.label}: {path} is a link to another place, which is never followed")
        found = h5o.open(place, raw)
        return found if isinstance(found, h5g.GroupID) else None

    def attribute(self, path: str, name: str) -> Any:
        """An attribute of a group: text, a number, an array; ``None`` if it is absent."""
        group = self.group(path)
        return None if group is None else read_attribute(group, name)

    def text(self, path: str, name: str) -> str:
        """A text attribute, whatever its stored type; empty if it is absent."""
        value = self.attribute(path, name)
        return "" if value is None else as_text(value)

    def has(self, path: str, name: str) -> bool:
        """Whether a group has an attribute, whole or split."""
        group = self.group(path)
        return group is not None and (h5a.exists(group, name.encode()) or h5a.exists(group, f"{name}0".encode()))

    def names(self, path: str, name: str) -> list[str] | None:
        """An attribute that is a list of texts; Keras splits a long one into ``name0``, ``name1``, ..."""
        group = self.group(path)
        if group is None:
            return None
        value = read_attribute(group, name)
        if value is not None:
            return as_texts(value)
        pieces: list[Any] = []
        size = 0
        while (piece := read_attribute(group, f"{name}{len(pieces)}")) is not None:
            pieces.append(piece)
            size += piece.nbytes
            if size > limits.ATTRIBUTE:
                raise UnreadableModel(f"{self.label}: attribute {name} is longer than any that Keras writes")
        return [text for piece in pieces for text in as_texts(piece)] if pieces else None

    def weights(self) -> dict[str, Weight]:
        """Every dataset of the file by its path, in file order."""
        weights: dict[str, Weight] = {}
        for path, raw, dataset in self.walk():
            if isinstance(dataset, h5d.DatasetID):
                name = unused_name(path, weights)
                weights[name] = self.weight(name, raw, dataset)
        if lie := overlap_of_arrays(self.extents):
            raise UnreadableModel(f"{self.label}: damaged (two arrays overlap at byte {lie:,})")
        return weights

    def walk(self) -> Iterator[tuple[str, bytes, Any]]:
        """Every group and dataset as (path, path in bytes, object), parents first; refuses a group found twice: it may be a cycle."""
        stack: list[tuple[str, bytes, h5g.GroupID]] = [("", b"", self.group(""))]
        objects, seen = 0, set()
        while stack:
            path, raw, group = stack.pop()
            self.groups[path] = group
            yield path, raw, group
            inside = []
            for name, kind, address in group_links(group):
                if kind != h5l.TYPE_HARD:
                    raise UnreadableModel(f"{self.label}: {path}/{decode_name(name)} is a link to another place, which is never followed")
                objects += 1
                below = (f"{path}/{decode_name(name)}", raw + b"/" + name) if path else (decode_name(name), name)
                if objects > limits.OBJECTS or below[0].count("/") > limits.DEPTH:
                    raise UnreadableModel(f"{self.label}: more groups, or deeper ones, than any Keras model has")
                member = h5o.open(group, name)
                if isinstance(member, h5d.DatasetID):
                    self.extents[address] = (member.get_offset(), member.get_storage_size())
                    yield *below, member
                elif isinstance(member, h5g.GroupID):
                    if address in seen:
                        raise UnreadableModel(f"{self.label}: {below[0]} is a group linked twice, which no Keras model has")
                    seen.add(address)
                    inside.append((*below, member))
            stack.extend(reversed(inside))

    def weight(self, path: str, raw: bytes, dataset: h5d.DatasetID) -> Weight:
        """The array at ``path``: shape and dtype now, numbers on access."""
        if dataset.get_offset() is None:  # not one contiguous block in this file
            layout = dataset.get_create_plist()
            if layout.get_layout() == h5d.VIRTUAL or layout.get_external_count():
                raise UnreadableModel(f"{self.label}: {path} keeps its numbers in another file, which is never opened")
        try:
            shape, dtype = tuple(dataset.shape or ()), dtype_name(dataset.dtype)
        except (TypeError, ValueError, RuntimeError) as error:
            raise UnreadableModel(f"{self.label}: {path} has a type that cannot be read ({first_line(error)})") from None
        reader = functools.partial(self.read, raw, path)
        return Weight(path.rsplit("/", 1)[-1], shape, dtype, path, reader, reader)

    def read(self, raw: bytes, path: str, key: Any = ()) -> np.ndarray:
        """The numbers of a dataset, or of a part of it."""
        try:
            dataset = h5d.open(self.file.id, raw)
            self._check_size(dataset, path, key == ())
            values = np.asarray(h5py.Dataset(dataset)[key])
        except WeightlensError:
            raise
        except Exception as error:  # a damaged file can fail anywhere inside HDF5
            raise UnreadableModel(f"{self.label}: {path} is damaged ({first_line(error)})") from None
        if values.dtype == FLOATS_16_BIT:
            return widened(np.frombuffer(values.tobytes(), np.uint16).reshape(values.shape))
        if values.dtype.kind not in "biufc":
            raise UnreadableModel(f"{self.label}: {path} holds no numbers")
        return values.astype(values.dtype.newbyteorder("="), copy=False)

    def _check_size(self, dataset: h5d.DatasetID, path: str, whole: bool) -> None:
        """Refuse an array that, together with those read whole before, exceeds the memory allowed for the file."""
        if path in self.read_whole:
            return
        declared = math.prod(dataset.shape or ()) * max(dataset.dtype.itemsize, FLOAT64)
        stored = dataset.get_storage_size()
        if stored > self.size or declared > self.budget:
            raise UnreadableModel(f"{self.label}: {path} declares {declared:,} bytes and stores {min(stored, self.size):,}")
        if dataset.get_offset() is None:
            from weightlens.formats.hdf5.chunks import check_chunks  # few arrays are stored in chunks

            check_chunks(dataset, f"{self.label}: {path}", self.size)
        if whole:
            self.read_whole.add(path)
            self.budget -= declared


def widened(halves: np.ndarray) -> np.ndarray:
    """Numbers in bfloat16 as float32, of which they are the upper half."""
    upper: np.ndarray = halves.astype(np.uint32) << 16
    return upper.view(np.float32)


def overlap_of_arrays(extents: dict[int, tuple[int | None, int]]) -> int | None:
    """The address where two arrays overlap, which HDF5 never writes; ``None`` if none do."""
    ordered = sorted((start, start + size) for start, size in extents.values() if start is not None and size)
    return next((start for (_, end), (start, _) in pairwise(ordered) if start < end), None)


def size_of(source: Path | BinaryIO) -> int:
    """The size of a file in bytes."""
    return source.stat().st_size if isinstance(source, Path) else source.seek(0, 2)


def open_hdf5(source: Path | BinaryIO, label: str) -> h5py.File:
    """The open file; its bytes are checked first, because some damage makes the HDF5 library hang or fill the memory."""
    size = size_of(source)
    start = first_bytes(source, size)
    if short := cut_short(start, size):
        raise CutShort(f"{label}: {short}")
    if fault := find_damage(start, size):
        raise UnreadableModel(f"{label}: damaged ({fault})")
    try:
        return h5py.File(source, "r")
    except (OSError, RuntimeError, ValueError) as error:
        other = f"not a readable HDF5 file ({first_line(error)})" if SIGNATURE in start else NO_MODEL
        raise UnreadableModel(f"{label}: {other}") from None


def close_file(file: h5py.File) -> None:
    """Close a file, ignoring the errors of a damaged one."""
    with contextlib.suppress(RuntimeError, OSError, ValueError):
        file.close()


def group_links(group: h5g.GroupID) -> list[tuple[bytes, int, int]]:
    """The members of a group, sorted by name: name, link type, and the object's address.

    Iterated in stored order, because HDF5's own sorting crashes on a damaged index.
    """
    members: list[tuple[bytes, int, int]] = []
    group.links.iterate(lambda name, info: members.append((name, info.type, info.u)), info=True, order=h5.ITER_NATIVE)
    return sorted(members, key=lambda link: link[0])


def read_attribute(group: h5g.GroupID, name: str) -> Any:
    """An attribute's value; ``None`` if it is absent."""
    raw = name.encode()
    try:
        if not h5a.exists(group, raw):
            return None
        attribute = h5a.open(group, raw)
        shape, dtype = attribute.shape, attribute.dtype
        if shape is None or math.prod(shape) > limits.TEXTS or math.prod(shape) * dtype.itemsize > limits.ATTRIBUTE:
            raise UnreadableModel(f"attribute {name} is larger than any that Keras writes")
        if dtype.kind not in "SOiufb" or (dtype.kind == "O" and h5py.check_string_dtype(dtype) is None):
            raise UnreadableModel(f"attribute {name} holds neither text nor numbers")
        values = np.zeros(shape, dtype)
        if values.size:
            attribute.read(values)
        return values
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise UnreadableModel(f"attribute {name} cannot be read ({first_line(error)})") from None


@functools.cache
def dtype_name(dtype: np.dtype[Any]) -> str:
    """The name of a stored dtype; two opaque bytes are Keras's bfloat16."""
    return "bfloat16" if dtype == FLOATS_16_BIT else str(dtype.newbyteorder("=")) if dtype.kind in "biufc" else f"not numbers ({dtype})"


def as_text(value: Any) -> str:
    """Text from bytes, from text, or from an array of one of them."""
    if isinstance(value, np.ndarray):
        value = value.item() if value.size == 1 else ""
    return decode_name(value) if isinstance(value, bytes) else str(value)


def as_texts(value: Any) -> list[str]:
    """Texts from an array of names; Keras stores an empty list as an empty array of float64."""
    return [as_text(item) for item in (value.ravel().tolist() if isinstance(value, np.ndarray) else [value])]


def decode_name(raw: bytes) -> str:
    """A name from the file as text; invalid UTF-8 is replaced."""
    return raw.decode("utf-8", "replace")


def unused_name(name: str, taken: Container[str]) -> str:
    """The name, marked if taken: two names in invalid UTF-8 may look alike, and neither array may hide the other."""
    while name in taken:
        name += "'"
    return name
