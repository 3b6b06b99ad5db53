"""``.keras`` archives whose members, sizes and names lie, and whose texts and weights are damaged inside."""

from __future__ import annotations

import functools
import io
import json
import re
import struct
import zipfile
from random import Random

from tests.fuzz import hdf5
from tests.fuzz.case import Case, read_model, sample
from tests.fuzz.damage import damaged, number, replaced

HEADERS = re.compile(rb"PK\x01\x02|PK\x03\x04|PK\x05\x06")


def make(chance: Random) -> Case:
    """One archive with something wrong with it."""
    way = chance.choice([raw, header, header, header, inside, inside, members])
    data, word = way(chance)
    return read_model(chance, "m.keras", data, f"{way.__name__}: {word}")


@functools.cache
def good() -> list[bytes]:
    """Two archives as Keras writes them, and one that is packed."""
    first = sample("sine_lstm.keras")
    return [first, sample("digits_mlp.keras"), packed(contents(first))]


def contents(archive: bytes) -> dict[str, bytes]:
    """The members by name."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(found: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these members, without the time of day: a case is always the same."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as file:
        for name, data in found.items():
            file.writestr(zipfile.ZipInfo(name), data, how)
    return buffer.getvalue()


def raw(chance: Random) -> tuple[bytes, str]:
    """Any bytes of the archive changed."""
    return damaged(chance.choice(good()), chance)


def header(chance: Random) -> tuple[bytes, str]:
    """A field of the zip's own headers changed."""
    data = chance.choice(good())
    start = chance.choice([found.start() for found in HEADERS.finditer(data)])
    offset, width = chance.randrange(4, 46, 2), chance.choice([2, 4])
    new = chance.choice([number(chance, width), struct.pack("<I", start)[:width], data[start + offset - 2 : start + offset - 2 + width]])
    return replaced(data, start + offset, new), f"{new.hex()} at {data[start : start + 4]!r} + {offset}"


def inside(chance: Random) -> tuple[bytes, str]:
    """A member damaged, and the archive packed again as it should be."""
    found = contents(chance.choice(good()[:2]))
    name = chance.choice(sorted(found))
    if name.endswith(".h5") and chance.random() < 0.7:
        found[name], word = hdf5.lied(found[name], chance)
    elif name == "config.json" and chance.random() < 0.7:
        found[name], word = retyped(found[name], chance)
    else:
        found[name], word = damaged(found[name], chance)
    return packed(found, chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])), f"{name}: {word}"


def members(chance: Random) -> tuple[bytes, str]:
    """Members left out, doubled, renamed, exchanged, or very long."""
    found = contents(chance.choice(good()[:2]))
    one, other = chance.sample(sorted(found), 2)
    way = chance.choice(["drop", "exchange", "rename", "empty", "spaces", "deep"])
    if way == "drop":
        del found[one]
    elif way == "exchange":
        found[one], found[other] = found[other], found[one]
    elif way == "rename":
        found[chance.choice(["../x", "/x", "x\0y", "x" * 60_000, "config.json/", "model.weights.npz", "\x1b[2J.h5"])] = found.pop(one)
    elif way == "empty":
        found[one] = b""
    elif way == "spaces":
        found[one] = b" " * (10**6 if chance.random() < 0.9 else 10**8) + found[one]
    else:
        found[one] = b'{"a":' * chance.choice([900, 10**5, 10**6])
    return packed(found), f"{way} {one} {other}"


def retyped(text: bytes, chance: Random) -> tuple[bytes, str]:
    """A configuration in which one value is of another kind."""
    config = json.loads(text)
    places = list(walk(config, []))
    path = chance.choice(places)
    new = chance.choice([None, True, -1, 0, 1e308, 2**63, "", "x", "relu", [], [[]], {}, [None], "9" * 5000, {"class_name": "Dense"}])
    at = config
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = new
    return json.dumps(config).encode(), f"{path} = {str(new)[:30]}"


def walk(value: object, path: list[object]) -> list[list[object]]:
    """The places of all values in a configuration."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in pairs for place in ([*path, key], *walk(inner, [*path, key]))]
