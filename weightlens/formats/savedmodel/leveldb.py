"""LevelDB's table: sorted keys with values, in blocks that share the beginnings of keys and carry a checksum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from weightlens import limits
from weightlens.formats.savedmodel.crc32c import crc32c, masked
from weightlens.formats.savedmodel.snappy import decompress
from weightlens.formats.savedmodel.wire import Damaged, varint

MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER = 48  # bytes: two handles, padding, the magic
TRAILER = 5  # bytes after a block: how it is packed, and its checksum
STORED, SNAPPY = 0, 1


@dataclass(frozen=True)
class Block:
    """Where a block stands in the file: its first byte, its length, and whether it is packed."""

    start: int
    size: int
    is_packed: bool


@dataclass(frozen=True)
class Row:
    """A key and its value; ``place`` is where the value begins in its unpacked block."""

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
    before, room, count = b"", limits.allowed_bytes(len(data)), 0
    for entry in block_rows(*unpacked(data, index, room)):
        contents, block = unpacked(data, handle(entry.value, 0), room)
        room -= len(contents)
        for row in block_rows(contents, block):
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


def unpacked(data: bytes, where: tuple[int, int], most: int) -> tuple[bytes, Block]:
    """A block's contents, checked and unpacked."""
    start, size = where
    end = start + size
    if end + TRAILER > len(data) - FOOTER:
        raise Damaged("a block that is longer than the file")
    if masked(crc32c(data[start : end + 1])) != int.from_bytes(data[end + 1 : end + TRAILER], "little"):
        raise Damaged("a block's checksum is wrong")
    if data[end] not in (STORED, SNAPPY):
        raise Damaged("a block is packed in a way that TensorFlow does not use")
    block = Block(start, size, data[end] == SNAPPY)
    contents = decompress(data[start:end], most) if block.is_packed else data[start:end]
    if len(contents) > most:
        raise Damaged("its blocks unpack to more than it can hold")
    return contents, block


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
