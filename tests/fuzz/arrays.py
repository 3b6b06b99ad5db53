"""NumPy files as inputs: headers that lie, members that unpack to far more than they take."""

from __future__ import annotations

import io
import re
import struct
from random import Random

import numpy as np

from tests.fuzz.archives import packed
from tests.fuzz.case import Case, sample
from tests.fuzz.damage import damaged

COMMANDS = [
    ("predict", "or.h5", "-i", "x.npz"),
    ("predict", "or.h5", "-i", "x.npz", "--rows", "2"),
    ("trace", "or.h5", "-i", "x.npz"),
    ("export", "or.h5", "-i", "x.npz", "-o", "out.xlsx", "--force"),
]
TYPES = ["<f8", "<f4", ">f8", "<f2", "|i1", "<i8", "<u8", "|b1", "<c16", "|S9", "<U9", "|O", "<M8[s]", "[('a','<f8')]", "<f16", "x", "|V8"]
SHAPES = [
    "(4, 2)",
    "()",
    "(0, 2)",
    "(2,)",
    "(1000000000, 2)",
    "(4, 2, 1)",
    "(-4, 2)",
    "(4, 2, 0)",
    "(99999999999999999999, 2)",
    "4, 2",
    "(1.5, 2)",
    "(4,",
]


def make(chance: Random) -> Case:
    """One array or archive of arrays with something wrong with it."""
    command = chance.choice(COMMANDS)
    data, word = array(chance)
    if chance.random() < 0.5:
        return Case({"x.npy": data, "or.h5": sample("or.h5")}, tuple("x.npy" if part == "x.npz" else part for part in command), word)
    members = {chance.choice(["input_0.npy", "dense_input.npy", "a.npy", "a", "../b.npy"]): data}
    for _ in range(chance.randrange(3)):
        members[chance.choice(["b.npy", "input_1.npy", "c.txt"])] = chance.choice(
            [bytes(10**6), bytes(10**8), b"\x93NUMPY", array(chance)[0]]
        )
    data = packed(members)
    if chance.random() < 0.4:
        data, more = damaged(data, chance)
        word += f"; {more}"
    return Case({"x.npz": data, "or.h5": sample("or.h5")}, command, f"{list(members)} {word}")


def array(chance: Random) -> tuple[bytes, str]:
    """An array whose header says something else, or that is damaged."""
    buffer = io.BytesIO()
    np.save(buffer, np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, chance.choice([1.0, np.nan, np.inf, 1e308])]]))
    data = buffer.getvalue()
    if chance.random() < 0.3:
        return damaged(data, chance)
    kind, shape = chance.choice(TYPES), chance.choice(SHAPES)
    header = re.sub(rb"'descr': '[^']*'", f"'descr': {kind if kind[0] == '[' else repr(kind)}".encode(), data[10:128])
    header = re.sub(rb"\(4, 2\)", shape.encode(), header)
    body = data[128:] if chance.random() < 0.7 else bytes(chance.choice([0, 10**3, 10**6]) if chance.random() < 0.97 else 10**8)
    return data[:8] + struct.pack("<H", len(header)) + header + body, f"{kind} {shape} {len(body)} bytes"
