"""Snappy's block format, unpacked: literals and copies of what came before."""

from __future__ import annotations

from weightlens.formats.savedmodel.wire import Damaged, varint


def decompress(data: bytes, most: int) -> bytes:
    """The unpacked bytes, of which there may be ``most``."""
    size, place = varint(data, 0)
    if size > most:
        raise Damaged(f"a block that claims to unpack to {size:,} bytes")
    out = bytearray()
    while place < len(data):
        if data[place] & 3 == 0:
            length, place = literal_length(data, place)
            out += data[place : place + length]
            if length > len(data) - place:
                raise Damaged("a packed block that is cut short")
            place += length
        else:
            length, offset, place = copy_of(data, place)
            if not 0 < offset <= len(out):
                raise Damaged("a packed block that refers to bytes before its beginning")
            start = len(out) - offset
            repeated = bytes(out[start : start + length])
            out += (repeated * (length // len(repeated) + 1))[:length]
        if len(out) > size:
            break
    if len(out) != size:
        raise Damaged("a packed block that does not unpack to its size")
    return bytes(out)


def literal_length(data: bytes, place: int) -> tuple[int, int]:
    """The length of a literal, and the place of its first byte."""
    short = data[place] >> 2
    width = max(0, short - 59)
    length = int.from_bytes(data[place + 1 : place + 1 + width], "little") if width else short
    return length + 1, place + 1 + width


def copy_of(data: bytes, place: int) -> tuple[int, int, int]:
    """The length of a copy, how far back it begins, and the place after it."""
    tag, width = data[place], (0, 1, 2, 4)[data[place] & 3]
    after = place + 1 + width
    if after > len(data):
        raise Damaged("a packed block that is cut short")
    offset = int.from_bytes(data[place + 1 : after], "little")
    if width == 1:
        return (tag >> 2 & 7) + 4, (tag >> 5 << 8) + offset, after
    return (tag >> 2) + 1, offset, after
