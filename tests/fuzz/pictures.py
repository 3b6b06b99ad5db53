"""Pictures as inputs: sizes that lie, damage, other formats under their names."""

from __future__ import annotations

import functools
import io
import struct
import zlib
from random import Random

from tests.fuzz.case import Case, sample
from tests.fuzz.damage import damaged

SIZES = (0, 1, 8, 300, 13_000, 65_535, 2**31 - 1)


def make(chance: Random) -> Case:
    """One picture with something wrong with it, for a network that takes 8 x 8 pixels."""
    name = chance.choice(["p.png", "p.jpg", "p.bmp", "p.gif"])
    if chance.random() < 0.3:
        data, word = large(chance)
    else:
        data, word = damaged(chance.choice(good()), chance)
    command = chance.choice([("predict", "digits_cnn.keras", "-i", name), ("trace", "digits_cnn.keras", "-i", name, "--layer", "dense")])
    return Case({name: data, "digits_cnn.keras": sample("digits_cnn.keras")}, command, word)


@functools.cache
def good() -> list[bytes]:
    """The same few pixels in every format, and a page of PostScript."""
    from PIL import Image

    found = [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\nshowpage\n"]
    for kind in ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM"):
        buffer = io.BytesIO()
        Image.frombytes("L", (9, 7), bytes(range(63))).convert("RGB").save(buffer, kind)
        found.append(buffer.getvalue())
    return found


def large(chance: Random) -> tuple[bytes, str]:
    """A PNG of any declared size, with as many rows of nothing as fit."""
    width, height = chance.choice(SIZES), chance.choice(SIZES)
    depth, colour = chance.choice([(8, 0), (8, 2), (1, 0), (16, 6), (8, 3)])
    rows = zlib.compress(bytes(min(10**7, (width + 1) * height)), 9)
    pieces = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in pieces)
    return b"\x89PNG\r\n\x1a\n" + body, f"{width} x {height}, {depth} bits, colour {colour}"
