"""LevelDB's table: sorted keys with values, in blocks that share the beginnings of keys and carry a checksum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from weightlens import limits
from weightlens.formats.savedmodel.crc32c import crc32c, masked
from weightlens.formats.savedmodel.wire import Damaged, varint

MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER = 48  # bytes: two handles, padding, the magic
TRAILER = 5  # bytes after a block: how it is packed, and its checksum
STORED = 0  # what TensorFlow writes since version 1.2


@dataclass(frozen=True)
class Block:
    """Where a block stands in the file: its first byte, and its length."""

    start: int
    size: int


@dataclass(frozen=True)
class Row:
    """A key and its value; ``place`` is where the value begins in its block."""

    key: bytes
    value: bytes
    block: Block
    place: int


def rows(data: bytes) -> Iterator[Row]:
    """Every row of a table, in the order of the keys."""
    if len(data) < FOOTER or data[-len(MAGIC) :] != MAGIC:
        raise Damaged("cut short, or not an index of TensorFlow: its last bytes are others")
    footer = data[-FOOTER:]
    place = 0
    for _ in range(2):  # the index of other things, and its size, then the index of blocks
        _, place = varint(footer, place)
    index = handle(footer, place)
    before, count = b"", 0
    for entry in block_rows(*block_at(data, index)):
        for row in block_rows(*block_at(data, handle(entry.value, 0))):
            count += 1
            if count > 1 and row.key <= before:  # also a block that is listed twice
                raise Damaged("its keys are not sorted")
            if count > limits.OBJECTS:
                raise Damaged("more keys than any model has")
            before = row.key
            yield row


def handle(data: bytes, place: int) -> tuple[int, int]:
    """Where a block begins, and how long it is."""
    start, place = varint(data, place)
    return start, varint(data, place)[0]


def block_at(data: bytes, where: tuple[int, int]) -> tuple[bytes, Block]:
    """A block's contents, checked."""
    start, size = where
    end = start + size
    if end + TRAILER > len(data) - FOOTER:
        raise Damaged("a block that is longer than the file")
    if masked(crc32c(data[start : end + 1])) != int.from_bytes(data[end + 1 : end + TRAILER], "little"):
        raise Damaged("a block's checksum is wrong")
    if data[end] != STORED:
        raise Damaged("a block is packed, as TensorFlow never writes it")
    return data[start:end], Block(start, size)


def block_rows(contents: bytes, block: Block) -> Iterator[Row]:
    """The rows of one block; each key is stored as how much of the one before it repeats, and what is new."""
    restarts = int.from_bytes(contents[-4:], "little")
    end = len(contents) - 4 * (restarts + 1)
    if end < 0:
        raise Damaged("a block that is too short")
    place, key = 0, b""
    while place < end:
        shared, place = varint(contents, place)
        new, place = varint(contents, place)
        size, place = varint(contents, place)
        if shared > len(key) or new + size > end - place:
            raise Damaged("a key or a value that is longer than its block")
        key = key[:shared] + contents[place : place + new]
        place += new
        yield Row(key, contents[place : place + size], block, place)
        place += size
