"""Damage to bytes of which nothing is known."""

from __future__ import annotations

from random import Random

INTERESTING = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)


def damaged(data: bytes, chance: Random, times: int = 0) -> tuple[bytes, str]:
    """The data with one to six things wrong, and which."""
    words = []
    for _ in range(times or chance.choice([1, 1, 1, 2, 3, 6])):
        data, word = damaged_once(data, chance)
        words.append(word)
    return data, ", ".join(words)


def damaged_once(data: bytes, chance: Random) -> tuple[bytes, str]:
    """One thing wrong."""
    place, kind = chance.randrange(len(data) or 1), chance.choice(["flip", "number", "cut", "blank", "repeat", "swap", "insert", "drop"])
    width = chance.choice([1, 2, 4, 8])
    if kind == "flip" and data:
        data = replaced(data, place, bytes([data[place] ^ 1 << chance.randrange(8)]))
    elif kind == "number":
        data = replaced(data, place, number(chance, width))
    elif kind == "cut":
        data = data[:place]
    elif kind == "blank":
        data = replaced(data, place, bytes(chance.choice([8, 64, 512])))
    elif kind == "repeat":
        data = data[:place] + data[place : place + 64] * chance.choice([1, 2, 50]) + data[place:]
    elif kind == "swap":
        other = chance.randrange(len(data) or 1)
        data = replaced(data, place, data[other : other + width * 8])
    elif kind == "insert":
        data = data[:place] + chance.randbytes(width) + data[place:]
    else:
        data = data[:place] + data[place + width :]
    return data, f"{kind} {width} at {place}"


def number(chance: Random, width: int) -> bytes:
    """A number at the edge of what fits, little-endian."""
    return (chance.choice(INTERESTING) & (256**width - 1)).to_bytes(width, "little")


def replaced(data: bytes, place: int, new: bytes) -> bytes:
    """The data with other bytes at a place, no longer than it was."""
    return (data[:place] + new + data[place + len(new) :])[: len(data)]
