"""Texts of rows and columns: as inputs, as calculations by hand, as training data."""

from __future__ import annotations

from random import Random

from tests.fuzz.case import Case, sample
from tests.fuzz.damage import damaged

CELLS = [
    "0", "1", "-1.5", "1e999", "1e-400", "nan", "inf", "", " ", "x", '"', '""', '"a,b"', "0,5", "1_000", "\u0663", "0x10", "True", "\xbd",
    "\0", "\x1b[2J", "9" * 400, "x" * 200_000, "1e308", "-0", "+1", "1.", ".5", "1;2", "\u202e1", "dense", "kernel", "2026-01-01", "50%",
]  # fmt: skip
COMMANDS = [
    ("predict", "or.h5", "-i", "t.csv"),
    ("predict", "or.h5", "-i", "t.csv", "--rows", "1"),
    ("trace", "or.h5", "-i", "t.csv"),
    ("export", "or.h5", "-i", "t.csv", "-o", "out.xlsx", "--force"),
    ("check", "or.h5", "-i", "0,1", "--by-hand", "t.csv"),
    ("check", "or.h5", "-i", "t.csv", "--by-hand", "t.csv"),
    ("train-sheet", "or.h5", "-i", "t.csv", "-o", "out.xlsx", "--force"),
    ("fit", "or.h5", "-i", "t.csv", "-o", "new.h5", "--force"),
    ("trace", "or.h5", "-i", "t.csv", "--format", "json"),
]


def make(chance: Random) -> Case:
    """One table with something wrong with it."""
    if chance.random() < 0.3:
        data, word = damaged(sample(chance.choice(["or.csv", "or_data.csv", "or_by_hand.csv"])), chance)
    else:
        data, word = rows(chance)
    command = chance.choice(COMMANDS)
    return Case({"t.csv": data, "or.h5": sample("or.h5")}, command, word, command[0] == "check")


def rows(chance: Random) -> tuple[bytes, str]:
    """A few rows of cells, most of them good."""
    separator, end = chance.choice([",", ";", "\t", " "]), chance.choice(["\n", "\r\n", "\r", "\n\n"])
    width = chance.choice([1, 2, 2, 2, 3, 5])
    lines = [["x0", "x1", "y", "layer", "step"][:width]] if chance.random() < 0.5 else []
    for _ in range(chance.randrange(6)):
        lines.append(
            [chance.choice("01") if chance.random() < 0.8 else chance.choice(CELLS) for _ in range(width + chance.choice([0] * 9 + [1]))]
        )
    text = end.join(separator.join(line) for line in lines) + chance.choice(["", end])
    encoding = chance.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252"])
    return text.encode(encoding, "replace"), f"{encoding} {text[:80]!r}"
