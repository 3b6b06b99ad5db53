"""The wire format of protocol buffers, as far as a SavedModel needs it: the fields of a message by their number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from weightlens.errors import UnreadableModel

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
WIDTHS = {EIGHT_BYTES: 8, FOUR_BYTES: 4}
LONGEST_VARINT = 10  # bytes


class Damaged(Exception):
    """The bytes are not what they should be; the message says how, and the reader above says in which file."""


def varint(data: bytes | memoryview, place: int) -> tuple[int, int]:
    """A number of seven bits per byte, and the place after it."""
    value = 0
    for count, byte in enumerate(data[place : place + LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place + count + 1
    raise Damaged("a number without an end")


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview, int]]:
    """The fields of a message in order: number, value (a number, or the bytes of a text or message), and where it ends."""
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, place = varint(data, place)
            yield number, value, place
            continue
        size = WIDTHS.get(kind, -1)
        if kind == BYTES:
            size, place = varint(data, place)
        if not 0 <= size <= len(data) - place:
            raise Damaged("a field that is longer than the message that it is in")
        part = data[place : place + size]
        place += size
        yield number, part if kind == BYTES else int.from_bytes(part, "little"), place


class Message:
    """A message whose fields are asked for by number."""

    def __init__(self, data: bytes | memoryview) -> None:
        self.found: dict[int, list[int | memoryview]] = defaultdict(list)
        for number, value, _ in fields(memoryview(data)):
            self.found[number].append(value)

    def number(self, field: int) -> int:
        """A number that is not negative; 0 if it is absent."""
        value = self.found[field][-1] if field in self.found else 0
        if not isinstance(value, int):
            raise Damaged("bytes where a number belongs")
        return value

    def all(self, field: int) -> list[memoryview]:
        """The bytes of every value of a field."""
        values = self.found.get(field, [])
        if not all(isinstance(value, memoryview) for value in values):
            raise Damaged("a number where bytes belong")
        return [value for value in values if isinstance(value, memoryview)]

    def text(self, field: int) -> str:
        """A text; empty if it is absent."""
        values = self.all(field)
        return bytes(values[-1]).decode("utf-8", "replace") if values else ""

    def messages(self, field: int) -> list[Message]:
        """Every message of a field."""
        return [Message(value) for value in self.all(field)]


def refusal(label: str, error: Damaged) -> UnreadableModel:
    """The refusal of a damaged file, under its name."""
    return UnreadableModel(f"{label}: damaged ({error})")
