"""The ``weightsManifest`` of a TensorFlow.js model: which arrays are where in the shards, the ``.bin`` files in its folder or zip."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from weightlens.errors import CutShort, UnreadableModel, first_few
from weightlens.formats.weights.conversion import converted
from weightlens.limits import OBJECTS, is_possible
from weightlens.model import Weight

DTYPES = {"float32": "<f4", "int32": "<i4"}
STORED = {"uint8": "<u1", "uint16": "<u2", "float16": "<f2"}  # what quantised numbers are stored as
Find = Callable[[str], tuple[Path | BinaryIO, int] | None]  # a file beside a ``model.json`` by its name, and its size in bytes


@dataclass(frozen=True)
class Stored:
    """One array of the manifest: its dtype, its stored dtype, and where its bytes are."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    stored: np.dtype[Any]
    group: Group
    start: int
    scale: float = 1.0
    least: float = 0.0
    is_optimizer: bool = False

    @property
    def length(self) -> int:
        """Its bytes in the shards."""
        return math.prod(self.shape) * self.stored.itemsize

    def read(self) -> np.ndarray:
        """The numbers as stored."""
        data = np.frombuffer(self.group.read(self.start, self.length), self.stored)
        return data.reshape(self.shape).astype(self.stored.newbyteorder("="), copy=False)

    def weight(self) -> Weight:
        """The array as TensorFlow.js makes it of the stored numbers."""
        name = self.name.rsplit("/", 1)[-1]
        raw = Weight(name, self.shape, self.stored.newbyteorder("=").name, self.name, self.read)
        if self.stored.kind != "u":
            return raw
        note = f"stored as {self.stored.name}, read as number * {self.scale:.9g} + {self.least:.9g}"
        return converted(name, [raw], dequantised(self.scale, self.least, self.dtype), self.shape, note, self.dtype)


def dequantised(scale: float, least: float, dtype: str) -> Callable[[np.ndarray], np.ndarray]:
    """The conversion of whole numbers to what they stand for; JavaScript rounds halves up."""

    def make(numbers: np.ndarray) -> np.ndarray:
        values = numbers.astype(np.float64) * scale + least
        return (np.floor(values + 0.5) if dtype == "int32" else values).astype(dtype)

    return make


def read_manifest(manifest: Any, find: Find) -> list[Stored]:
    """Every array of all groups, each with its place in the shards; they must fill the shards exactly."""
    if not isinstance(manifest, list):
        raise UnreadableModel("model.json has no list of its weights (weightsManifest)")
    found: list[Stored] = []
    for entry in manifest:
        entries = entry.get("weights") if isinstance(entry, dict) else None
        if not isinstance(entries, list) or len(found) + len(entries) > OBJECTS:
            raise UnreadableModel("the weightsManifest has a group without a list of weights, or more weights than any model has")
        group, start = open_group(entry.get("paths"), find), 0
        for item in entries:
            found.append(stored_array(item, group, start))
            start += found[-1].length
        if start != group.size:
            wrong = CutShort if group.size < start else UnreadableModel
            raise wrong(f"{group.names}: {group.size:,} bytes, but the weights that model.json lists for it take {start:,}")
    for name in (name for name, count in Counter(stored.name for stored in found).items() if count > 1):
        raise UnreadableModel(f"model.json lists two weights called {name!r}, which TensorFlow.js cannot tell apart either")
    return found


def stored_array(item: Any, group: Group, start: int) -> Stored:
    """One entry of the manifest, checked."""
    name, shape, dtype = (item.get(key) for key in ("name", "shape", "dtype")) if isinstance(item, dict) else (None, None, None)
    if not isinstance(name, str) or not isinstance(dtype, str):
        raise UnreadableModel("the weightsManifest has a weight without a name or a dtype")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape) or not is_possible(shape):
        raise UnreadableModel(f"weight {name}: {str(shape)[:80]} is not a shape")
    if dtype not in DTYPES:
        raise UnreadableModel(f"weight {name} has the dtype {dtype[:40]}, which is not read here; {' and '.join(DTYPES)} are")
    optimizer = item.get("group") == "optimizer"
    if item.get("quantization") is None:
        return Stored(name, tuple(shape), dtype, np.dtype(DTYPES[dtype]), group, start, is_optimizer=optimizer)
    stored, scale, least = quantisation(name, dtype, item["quantization"])
    return Stored(name, tuple(shape), dtype, np.dtype(STORED[stored]), group, start, scale, least, optimizer)


def quantisation(name: str, dtype: str, said: Any) -> tuple[str, float, float]:
    """The stored dtype, the scale and the least value of a quantised array."""
    stored = said.get("dtype") if isinstance(said, dict) else None
    if stored not in STORED:
        raise UnreadableModel(f"weight {name} is quantised to {str(stored)[:40]}, which is not read here; {', '.join(STORED)} are")
    if stored == "float16":
        if dtype != "float32":
            raise UnreadableModel(f"weight {name} of {dtype} is quantised to float16, which TensorFlow.js refuses")
        return stored, 1.0, 0.0
    numbers = [said.get("scale"), said.get("min")]
    if not all(type(number) in (int, float) and abs(number) < 1e300 for number in numbers):
        raise UnreadableModel(f"weight {name} is quantised to {stored}, but its scale or min is not a number")
    return stored, float(numbers[0]), float(numbers[1])


def in_folder(folder: Path) -> Find:
    """The files in a folder. Links are not followed, and pipes are not waited for."""

    def find(name: str) -> tuple[Path, int] | None:
        file = folder / name
        return (file, file.stat().st_size) if file.is_file() and not file.is_symlink() else None

    return find


@dataclass
class Group:
    """The shards of one group of weights, in their order; ``pieces`` are their names, files and sizes."""

    pieces: list[tuple[str, Path | BinaryIO, int]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The bytes in all shards together."""
        return sum(size for _, _, size in self.pieces)

    @property
    def names(self) -> str:
        """The names of the shards in words."""
        return first_few([name for name, _, _ in self.pieces], 3) or "no file"

    def spans(self, start: int, length: int) -> list[tuple[str, Path | BinaryIO, int, int]]:
        """Where a range of the group's bytes is: shard, file, offset in it, and length there."""
        found, end, before = [], start + length, 0
        for name, file, size in self.pieces:
            first, last = max(start, before), min(end, before + size)
            if first < last:
                found.append((name, file, first - before, last - first))
            before += size
        return found

    def read(self, start: int, length: int) -> bytes:
        """A range of the group's bytes, which may lie in several shards."""
        data = b"".join(read_bytes(file, offset, part) for _, file, offset, part in self.spans(start, length))
        if len(data) != length:
            raise UnreadableModel(f"{self.names}: shorter than when the model was opened")
        return data


def read_bytes(file: Path | BinaryIO, offset: int, length: int) -> bytes:
    """A part of a file."""
    if not isinstance(file, Path):
        file.seek(offset)
        return file.read(length)
    try:
        with file.open("rb") as opened:
            opened.seek(offset)
            return opened.read(length)
    except OSError as error:
        raise UnreadableModel(f"{file}: cannot be read ({error.strerror})") from None


def shard_name(path: Any) -> str:
    """The name of a shard as ``model.json`` lists it; refused if it is not simply that of a file beside it."""
    name = path.removeprefix("./") if isinstance(path, str) else ""
    if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise UnreadableModel(f"the shard {str(path)[:120]!r} is not a file beside model.json")
    return name


def open_group(paths: Any, find: Find) -> Group:
    """The shards that a group lists."""
    if not isinstance(paths, list):
        raise UnreadableModel("the weightsManifest has a group without a list of paths")
    group = Group()
    for name in map(shard_name, paths):
        found = find(name)
        if found is None:
            raise UnreadableModel(f"the shard {name} is not beside model.json, or is a link: give the .bin files together with it")
        group.pieces.append((name, *found))
    return group
