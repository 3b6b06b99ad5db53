"""HDF5 files whose structures lie: sizes, counts and addresses changed where they stand, their checksums made to fit again."""

from __future__ import annotations

import functools
import io
import json
import re
import struct
from collections.abc import Callable
from random import Random

import h5py
import numpy as np

from tests.formats import build
from tests.fuzz.case import Case, read_model, sample, written
from tests.fuzz.damage import damaged, number, replaced

SIGNATURES = re.compile(rb"TREE|SNOD|HEAP|GCOL|FRHP|FHDB|FHIB|BTHD|BTLF|BTIN|OHDR|OCHK|FSHD|EAHD|EADB|EAIB|FAHD|FADB|\x89HDF\r\n")
MODEL = build.sequential(build.given("i", 2), build.dense("d", 2))
ARRAYS = build.dense_arrays("d/", 2, 2)


def make(chance: Random) -> Case:
    """One file with its structures changed."""
    data = chance.choice(good())
    words = []
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        data, word = damaged(data, chance, 1) if chance.random() < 0.15 else lied(data, chance)
        words.append(word)
    return read_model(chance, "m.h5", data, ", ".join(words))


@functools.cache
def good() -> list[bytes]:
    """Small files of every structure that HDF5 has: both ages of the format, packed, spread, with many attributes and members."""
    found = [sample("or.h5"), sample("xor_relu.h5")]
    for version in ("earliest", "latest"):
        found += [timeless(written(functools.partial(whole, fill=fill, version=version))) for fill in (plain, packed, crowded, texts)]
    return found


def timeless(data: bytes) -> bytes:
    """The file without the times at which its objects were made, so that it is the same on every day."""
    for start in [found.start() for found in re.finditer(b"OHDR", data)]:
        end = checked_end(data, start)
        if end is not None and data[start + 5] & 0x20:
            data = replaced(data, start + 6, bytes(16))
            data = replaced(data, end, lookup3(data[start:end]).to_bytes(4, "little"))
    return data


def whole(target: io.BytesIO, fill: Callable[[h5py.File], None], version: str) -> None:
    """A small model, and what ``fill`` adds."""
    with h5py.File(target, "w", libver=version) as file:
        root = file.create_group("model_weights")
        for place in (file, root):
            place.attrs.update({"keras_version": "2.11.0", "backend": "tensorflow"})
        file.attrs["model_config"] = json.dumps(MODEL)
        build.write_groups(root, {"d": ARRAYS})
        fill(file)


def plain(file: h5py.File) -> None:
    """Nothing more."""


def packed(file: h5py.File) -> None:
    """The kernel in packed pieces, and arrays indexed in every way."""
    group = file["model_weights/d/d"]
    kernel = group["kernel:0"][()]
    del group["kernel:0"]
    group.create_dataset("kernel:0", data=kernel, chunks=(1, 2), compression="gzip", shuffle=True, fletcher32=True)
    file.create_dataset("optimizer_weights/a", data=np.arange(40.0).reshape(8, 5), chunks=(2, 2), maxshape=(None, 5), compression="gzip")
    file.create_dataset("optimizer_weights/b", data=np.arange(40.0).reshape(8, 5), chunks=(2, 2), maxshape=(None, None))
    file.create_dataset("optimizer_weights/c", data=np.arange(40.0), chunks=(4,), compression="lzf")


def crowded(file: h5py.File) -> None:
    """Many members and many attributes: B-trees and fractal heaps."""
    group = file.create_group("optimizer_weights")
    for n in range(60):
        group.create_group(f"member_{n}")
        group.attrs[f"attribute_{n}"] = np.arange(n)


def texts(file: h5py.File) -> None:
    """Texts of any length, in lists too."""
    kind = h5py.string_dtype()
    file.attrs.create("list", ["ab", "c" * 300, ""], dtype=kind)
    file["model_weights/d"].attrs.create("weight_names", ["d/kernel:0", "d/bias:0"], dtype=kind)
    file.create_dataset("optimizer_weights/text", data=["x" * 90, "y"], dtype=kind)


def lied(data: bytes, chance: Random) -> tuple[bytes, str]:
    """One number in or near a structure changed: to an edge, to another structure's address, or to a neighbour's value."""
    places = [found.start() for found in SIGNATURES.finditer(data)]
    start = chance.choice(places or [0])
    width, offset = chance.choice([1, 2, 4, 8, 8]), chance.randrange(4, 120)
    end = checked_end(data, start)
    if chance.random() < 0.4:
        new, word = chance.choice(places or [0]).to_bytes(8, "little"), "address"
    elif chance.random() < 0.3:
        other = chance.randrange(max(1, len(data) - 8))
        new, word = data[other : other + width], "copy"
    else:
        new, word = number(chance, width), "number"
    place = start + offset // len(new) * len(new) if end is None else start + offset
    data = replaced(data, place, new)
    if end is not None and place < end:
        data = replaced(data, end, lookup3(data[start:end]).to_bytes(4, "little"))
    return data, f"{word} {new.hex()} at {place} ({data[start : start + 4]!r} + {place - start})"


def checked_end(data: bytes, start: int) -> int | None:
    """Where the checksum of a structure of the newer format stands; ``None`` for one that has none, or that is broken already."""
    kind = data[start : start + 4]
    if kind == b"OHDR" and len(data) > start + 40:
        flags = data[start + 5]
        size = start + 6 + 16 * bool(flags & 0x20) + 4 * bool(flags & 0x10)
        width = 1 << (flags & 3)
        end = size + width + int.from_bytes(data[size : size + width], "little")
    else:
        end = start + {b"BTHD": 34, b"FRHP": 142, b"\x89HDF": 44}.get(kind, len(data))
    return end if end + 4 <= len(data) and lookup3(data[start:end]).to_bytes(4, "little") == data[end : end + 4] else None


def lookup3(data: bytes) -> int:
    """Bob Jenkins's checksum, with which HDF5 guards its structures."""
    mask = 2**32 - 1

    def turned(value: int, bits: int) -> int:
        return (value << bits | value >> (32 - bits)) & mask

    a = b = c = (0xDEADBEEF + len(data)) & mask
    for start in range(0, len(data), 12):
        words = struct.unpack("<3I", data[start : start + 12].ljust(12, b"\0"))
        a, b, c = ((old + new) & mask for old, new in zip((a, b, c), words, strict=True))
        if len(data) - start > 12:
            for bits in (4, 6, 8, 16, 19, 4):
                a, b, c = b, (c + b) & mask, ((a - c) & mask) ^ turned(c, bits)
    for bits in (14, 11, 25, 16, 4, 14, 24):
        a, b, c = b, ((c ^ b) - turned(b, bits)) & mask, a
    return b
