"""TensorFlow's tensor bundle: an index of arrays by name, and data files with their numbers one after the other."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from weightlens import limits
from weightlens.errors import CutShort, UnreadableModel
from weightlens.formats.hdf5.access import size_of, widened
from weightlens.formats.savedmodel.container import INDEX, SavedModelFiles
from weightlens.formats.savedmodel.crc32c import crc32c, masked
from weightlens.formats.savedmodel.leveldb import Row, rows
from weightlens.formats.savedmodel.wire import Damaged, Message, refusal, varint
from weightlens.model import Weight

HEADER = b""  # the key under which the bundle describes itself
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"  # the end of the key of every variable
DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 8: "complex64", 9: "int64", 10: "bool", 14: "bfloat16",
    17: "uint16", 18: "complex128", 19: "float16", 22: "uint32", 23: "uint64",
}  # fmt: skip
STRING, BFLOAT16 = 7, 14
NOT_NUMBERS = {STRING: "text", 20: "resources", 21: "variants"}


@dataclass(frozen=True)
class Entry:
    """One array of a bundle: what it is, where it stands, and its checksum."""

    kind: int  # TensorFlow's number of the dtype
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int  # in bytes
    checksum: int
    in_slices: bool  # spread over several arrays, as TensorFlow 1 did for several machines
    row: Row  # of the index

    @property
    def key(self) -> str:
        """Its name in the bundle."""
        return self.row.key.decode("utf-8", "replace")

    @property
    def path(self) -> str:
        """Its name without the ending that all variables have."""
        return self.key.removesuffix(VALUE)

    @property
    def dtype(self) -> str:
        """The dtype's name."""
        return DTYPES.get(self.kind) or f"not numbers ({NOT_NUMBERS.get(self.kind, f'dtype {self.kind}')})"

    @property
    def stored_dtype(self) -> np.dtype[Any]:
        """The dtype of the stored bytes on a little-endian machine; two bytes of a bfloat16 are the upper half of a float32."""
        return np.dtype("uint16" if self.kind == BFLOAT16 else DTYPES[self.kind]).newbyteorder("<")


def entry_of(row: Row) -> Entry:
    """An array's description in the index."""
    message = Message(row.value)
    shapes = message.messages(2)
    sizes = tuple(dim.number(1) for shape in shapes[-1:] for dim in shape.messages(2))
    if len(sizes) > limits.AXES or any(size >= 1 << 62 for size in sizes):
        raise Damaged("an array with an impossible shape")
    where = (message.number(3), message.number(4), message.number(5))
    return Entry(message.number(1), sizes, *where, message.number(6), bool(message.all(7)), row)


class Bundle:
    """The arrays of a SavedModel's folder ``variables``."""

    def __init__(self, files: SavedModelFiles) -> None:
        self.files, self.label = files, files.label
        try:
            self.entries = self._entries(files.read(INDEX))
        except Damaged as error:
            raise refusal(f"{self.label}: {INDEX}", error) from None
        self._check_places()
        self.checked: set[str] = set()

    def _entries(self, data: bytes) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        self.shards, self.is_big_endian = 0, False
        for row in rows(data):
            if row.key == HEADER:
                message = Message(row.value)
                self.shards, self.is_big_endian = message.number(1), message.number(2) == 1
            else:
                entry = entry_of(row)
                entries[entry.key] = entry
        if not 0 < self.shards <= limits.MEMBERS:
            raise Damaged("it does not say how many data files there are")
        return entries

    def _check_places(self) -> None:
        """Refuse arrays that overlap, end after their file, or have other sizes than their shapes."""
        places: dict[int, list[tuple[int, int, str]]] = {}
        for key, entry in self.entries.items():
            if entry.in_slices:
                continue
            places.setdefault(entry.shard, []).append((entry.offset, entry.offset + entry.size, key))
            if entry.kind in DTYPES and math.prod(entry.shape) * entry.stored_dtype.itemsize != entry.size:
                raise UnreadableModel(f"{self.label}: {key} has {entry.size:,} bytes, which are not those of its shape {entry.shape}")
            if entry.kind in DTYPES and not limits.is_possible(entry.shape):
                raise UnreadableModel(f"{self.label}: {key} has the impossible shape {entry.shape}")
        for shard, extents in places.items():
            extents.sort()
            twice = next((after[2] for before, after in pairwise(extents) if before[1] > after[0]), None)
            if twice is not None:
                raise UnreadableModel(f"{self.label}: damaged ({twice} overlaps another array)")
            if extents[-1][1] > (size := size_of(self.files.open(self.shard_name(shard)))):
                name = self.shard_name(shard)
                raise CutShort(f"{self.label}: {name} is cut short: {size:,} of {extents[-1][1]:,} bytes; copy or download it again")

    def shard_name(self, shard: int) -> str:
        """The name of a data file."""
        if shard >= self.shards:
            raise UnreadableModel(f"{self.label}: damaged (its index names data file {shard} of {self.shards})")
        return f"variables/variables.data-{shard:05d}-of-{self.shards:05d}"

    def stored(self, entry: Entry) -> np.ndarray:
        """The bytes of an array; those of a file in a folder are mapped, and read where they are touched."""
        if not entry.size:
            return np.zeros(0, np.uint8)
        file = self.files.open(self.shard_name(entry.shard))
        if isinstance(file, Path):
            return np.memmap(file, np.uint8, "r", entry.offset, (entry.size,))
        file.seek(entry.offset)
        return np.frombuffer(file.read(entry.size), np.uint8)

    def numbers(self, key: str, part: Any = ()) -> np.ndarray:
        """The numbers of an array, or of a part of it; at the first touch its checksum is verified."""
        entry = self.entries[key]
        if entry.kind not in DTYPES or entry.in_slices:
            why = "is spread over several arrays" if entry.in_slices else f"holds no numbers but {NOT_NUMBERS.get(entry.kind, 'others')}"
            raise UnreadableModel(f"{self.label}: {key} {why}")
        data = self.stored(entry)
        if key not in self.checked:
            if masked(crc32c(data)) != entry.checksum:
                raise UnreadableModel(
                    f"{self.label}: the numbers of {key} are damaged (their checksum is wrong); copy or download it again"
                )
            self.checked.add(key)
        values = data.view(entry.stored_dtype.newbyteorder(">" if self.is_big_endian else "<")).reshape(entry.shape)[part]
        if entry.kind == BFLOAT16:
            return widened(values)
        return np.array(values, values.dtype.newbyteorder("="))

    def entry_at(self, path: str) -> Entry:
        """The array at the path of a weight."""
        return self.entries.get(path + VALUE) or self.entries[path]

    def text(self, key: str) -> bytes:
        """The one text of an array of texts: its length, a checksum of the length, and its bytes."""
        entry = self.entries[key]
        data = self.stored(entry).tobytes()
        try:
            if entry.kind != STRING or math.prod(entry.shape) != 1 or entry.in_slices:
                raise Damaged(f"{key} is not one text")
            size, place = varint(data, 0)
            check, text = data[place : place + 4], data[place + 4 :]
            sizes = crc32c(size.to_bytes(4 if size < 1 << 32 else 8, "little"))
            if (
                len(text) != size
                or check != masked(sizes).to_bytes(4, "little")
                or masked(crc32c(text, crc32c(check, sizes))) != entry.checksum
            ):
                raise Damaged(f"the checksum of {key} is wrong")
        except Damaged as error:
            raise refusal(self.label, error) from None
        return text

    def weights(self) -> dict[str, Weight]:
        """Every array that holds numbers, by its key; numbers are read when they are touched."""
        found = {}
        for key, entry in self.entries.items():
            if entry.kind == STRING and not key.endswith(VALUE):  # texts that TensorFlow keeps about the model
                continue
            path = entry.path
            read = functools.partial(self.numbers, key)
            found[key] = Weight(path.rsplit("/", 1)[-1], entry.shape, entry.dtype, path, read, read)
        return found
