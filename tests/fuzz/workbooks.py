"""Workbooks of which parts, cells and relations are damaged, given to all that read one."""

from __future__ import annotations

import functools
import re
import tempfile
from pathlib import Path
from random import Random

from tests.fuzz.archives import contents, packed
from tests.fuzz.case import Case, sample
from tests.fuzz.damage import damaged

COMMANDS = [
    ("import", "b.xlsx", "or.h5", "-o", "new.h5", "--force"),
    ("import", "b.xlsx", "or.h5", "-o", "new.h5", "--force"),
    ("trace", "or.h5", "-i", "0,1", "--cells", "b.xlsx"),
    ("check", "or.h5", "-i", "0,1", "--by-hand", "b.xlsx", "--range", "Summary!A1:B2"),
    ("check", "or.h5", "-i", "0,1", "--by-hand", "b.xlsx"),
    ("check", "or.h5", "--workbook", "b.xlsx", "--engine", "ironcalc"),
    ("show", "b.xlsx"),
    ("show", "b.xlsx", "--tree"),
]
TEXTS = [
    b"",
    b"nan",
    b"1e999",
    b"-1",
    b"99999999999",
    b"A",
    b"#REF!",
    b"x" * 200_000,
    b"&amp;",
    b"\xff",
    b"s",
    b"str",
    b"e",
    b"XFD1048577",
    b"A0",
]
VALUE = re.compile(rb'(?<=<v>)[^<]*|(?<=<f>)[^<]*|(?<=<t>)[^<]*|(?<=")[^"<]*(?=")|</?\w+')


@functools.cache
def good() -> dict[str, bytes]:
    """The parts of a workbook that weightlens wrote."""
    from weightlens.cli.main import main

    with tempfile.TemporaryDirectory() as folder:
        model, book = Path(folder) / "or.h5", Path(folder) / "b.xlsx"
        model.write_bytes(sample("or.h5"))
        assert main(["export", str(model), "-o", str(book)]) == 0
        return contents(book.read_bytes())


def make(chance: Random) -> Case:
    """One workbook with something wrong with it."""
    parts = dict(good())
    name = chance.choice(sorted(parts))
    way = chance.choice(["cell", "cell", "cell", "cell", "bytes", "drop", "raw", "bomb"])
    data, word = b"", ""
    if way == "cell":
        parts[name], word = exchanged(parts[name], chance)
    elif way == "bytes":
        parts[name], word = damaged(parts[name], chance)
    elif way == "drop":
        del parts[name]
    elif way == "bomb":
        parts[name] = parts[name].replace(b"?>", b"?>" + b" " * (10**6 if chance.random() < 0.97 else 10**8), 1)
    data = packed(parts)
    if way == "raw":
        data, word = damaged(data, chance)
    command = chance.choice(COMMANDS)
    return Case({"b.xlsx": data, "or.h5": sample("or.h5")}, command, f"{way} {name}: {word}", command[0] == "check")


def exchanged(part: bytes, chance: Random) -> tuple[bytes, str]:
    """One value, attribute or tag exchanged for something that does not belong there."""
    found = list(VALUE.finditer(part))
    if not found:
        return damaged(part, chance)
    place, new = chance.choice(found), chance.choice(TEXTS)
    return part[: place.start()] + new + part[place.end() :], f"{place.group()[:40]!r} -> {new[:20]!r} at {place.start()}"
