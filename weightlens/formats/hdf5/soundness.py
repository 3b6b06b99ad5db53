"""Checks a file's bytes before HDF5 opens it, for damage that makes the HDF5 library hang or fill the memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

SIGNATURE = b"\x89HDF\r\n\x1a\n"
HEAP, HEAP_HEADER, SMALLEST_HEAP = b"GCOL", 16, 4096
INDEX = b"BTHD"  # the head of a B-tree of the newer format
FRACTAL_HEAP = b"FRHP"  # names and attributes of the newer format
LOOK_AT = 4 * 2**20  # bytes from the start: texts stand before the weights
LOOK_AT_REMOTE, LARGE = 2**19, 2**23  # of a file larger than this behind a URL
ATTRIBUTES = (b"model_config\0", b"training_config\0", b"keras_version\0", b"backend\0", b"layer_names", b"weight_names", b"name\0")
TEXT_OF_ANY_LENGTH, TEXT_ENTRY, MAX_TEXTS = 9, 16, 100_000  # a type class; bytes of a reference: length (4), heap (8), number (4)


def first_bytes(source: Path | BinaryIO, size: int) -> bytes:
    """The beginning of the file, where its metadata is; all of a small file."""
    if isinstance(source, Path):
        with source.open("rb", buffering=0) as file:
            return file.read(min(size, LOOK_AT))
    source.seek(0)
    return source.read(min(size, LOOK_AT_REMOTE if size > LARGE and is_remote(source) else LOOK_AT))


def is_remote(source: BinaryIO) -> bool:
    """Whether a file, or the archive that it is in, is read over a network."""
    inside = getattr(source, "raw", source)
    return hasattr(getattr(inside, "file", inside), "fetched")


def find_damage(data: bytes, size: int) -> str:
    """The damage in a file with these first bytes and this ``size``; empty if none is seen."""
    if any(not _entries_fit(data, start) for start in _places(data, HEAP) if _is_heap(data, start)):
        return "its heap of texts is broken"
    if any(data[start + 4 : start + 5] == b"\0" and not _blocks_fit(data, start) for start in _places(data, FRACTAL_HEAP)):
        return "its heap of names is broken, or compressed, as Keras never does"
    if any(data[start + 4 : start + 5] == b"\0" and not _records_fit(data, start) for start in _places(data, INDEX)):
        return "its index is broken"
    for name in ATTRIBUTES:
        if not attribute_fits(data, name, size):
            return f"its {name.rstrip(bytes(1)).decode()} is broken"
    return ""


def attribute_fits(data: bytes, name: bytes, size: int) -> bool:
    """Whether every attribute of that name holds no more text than a file of this size can."""
    return all(_attribute_fits(data, start, size) for start in _places(data, name))


def cut_short(data: bytes, size: int) -> str:
    """The refusal of a truncated file, whose superblock states its full size; empty for a complete file."""
    start = next((place for place in (0, *(2**n for n in range(9, 20))) if data[place : place + 8] == SIGNATURE), None)
    if start is None or len(data) < start + 48:
        return "cut short" if start is not None else ""
    version, place = data[start + 8], start + (9 if data[start + 8] >= 2 else 13)
    width = data[place]
    end = place + 3 + 2 * width if version >= 2 else start + (24 if version == 0 else 28) + 2 * width
    whole = _number(data, end, width)
    if width not in (4, 8) or not size < whole < 2**60:
        return ""
    return f"cut short: the file has {size:,} of {whole:,} bytes; copy or download it again"


def _places(data: bytes, what: bytes) -> Iterator[int]:
    start = data.find(what)
    while start >= 0:
        yield start
        start = data.find(what, start + 1)


def _records_fit(data: bytes, start: int) -> bool:
    """Whether a B-tree node holds at least one record, and records have a size: HDF5 divides by both."""
    node, record = _number(data, start + 6, 4), _number(data, start + 10, 2)
    return 0 < record < node


def _blocks_fit(data: bytes, start: int) -> bool:
    """Whether the blocks of a fractal heap have power-of-two sizes and no filter: HDF5 divides by them."""
    if len(data) < start + 130:
        return False
    width, first, largest = _number(data, start + 110, 2), _number(data, start + 112, 8), _number(data, start + 120, 8)
    powers = all(n and n & (n - 1) == 0 for n in (width, first, largest))
    return powers and first <= largest and 0 < _number(data, start + 128, 2) <= 64 and not _number(data, start + 7, 2)


def _is_heap(data: bytes, start: int) -> bool:
    """Whether these bytes are a global heap, not a weight that looks like one: version 1, three zeros, a size that fits."""
    return data[start + 4 : start + 8] == b"\x01\0\0\0" and SMALLEST_HEAP <= _number(data, start + 8, 8) <= len(data) - start


def _entries_fit(data: bytes, start: int) -> bool:
    """Whether every entry of a heap has a size: on an entry without one HDF5 loops forever.

    An entry: number (2 bytes), count (2), unused (4), size (8), content. Number 0 is the free space, header included.
    """
    place, end = start + HEAP_HEADER, start + _number(data, start + 8, 8)
    while place + HEAP_HEADER <= end:
        size = _number(data, place + 8, 8)
        free = _number(data, place, 2) == 0
        if size > end - place or (free and size == 0):
            return False
        place += size if free else HEAP_HEADER + (size + 7) // 8 * 8
    return True


def _attribute_fits(data: bytes, name: int, size: int) -> bool:
    """Whether an attribute's texts together fit in the file: HDF5 allocates whatever length is declared.

    Before the name: version (1 byte), flags (1), the sizes of name, type and shape (2 each), in version 3 the
    encoding (1). After it: the type, the shape (version, rank, flags, then the sizes) and the references to the texts.
    """
    head = next(
        (name - length for length, versions in ((8, (1, 2)), (9, (3,))) if name >= length and data[name - length] in versions), None
    )
    if head is None:
        return True
    length = _number(data, head + 2, 2)
    if data.find(b"\0", name) != name + length - 1:  # not a name in an attribute, but the same letters elsewhere
        return True
    version, unit = data[head], 8 if data[head] == 1 else 1
    parts = [-(-_number(data, head + offset, 2) // unit) * unit for offset in (2, 4, 6)]
    kind, shape = name + parts[0], name + parts[0] + parts[1]
    values = shape + parts[2]
    if values > len(data) or version > 3 or data[kind] & 15 != TEXT_OF_ANY_LENGTH or data[shape] not in (1, 2):
        return True
    rank, limits = data[shape + 1], data[shape + 2] & 1
    dims = [_number(data, shape + (8 if data[shape] == 1 else 4) + 8 * axis, 8) for axis in range(rank * (1 + limits))]
    count = math.prod(dims[:rank])
    if count > MAX_TEXTS or (limits and dims[:rank] != dims[rank:]):
        return False
    return sum(_number(data, values + TEXT_ENTRY * entry, 4) for entry in range(count)) <= size


def _number(data: bytes, place: int, size: int) -> int:
    return int.from_bytes(data[place : place + size], "little")
