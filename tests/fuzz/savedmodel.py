"""SavedModels whose index, graph of objects, metadata or data files lie or are damaged, in a folder, a zip or a tar."""

from __future__ import annotations

import functools
from random import Random

from tests.formats.savedmodel import build
from tests.formats.savedmodel.build import GRAPH_KEY, Files, Rows, Thing
from tests.formats.savedmodel.examples import nested, stack
from tests.fuzz.archives import retyped
from tests.fuzz.case import Case, read_files
from tests.fuzz.damage import damaged
from weightlens.formats.savedmodel.wire import fields

INDEX, METADATA = "variables/variables.index", "keras_metadata.pb"
NUMBERS = (0, 1, 2, 3, 7, 14, 20, 255, 2**31 - 1, 2**31, 2**32, 2**40, 2**62, 2**63, 2**64 - 1)
NAMES = ("", "layer-0", "layer-1", "kernel", "keras_api", "variables", "0", "9" * 400, "a.b", "../x", "\x1b[2J", "x" * 10**5)


def make(chance: Random) -> Case:
    """One model with something wrong with it."""
    way = chance.choice([raw, index, index, index, rows, graph, graph, about, about, files])
    made, word = way(chance)
    name = chance.choice(["m", "m", "m.zip", "m.tar.gz", "m.tar"])
    found = {f"m/{inside}": data for inside, data in made.items()}
    if name != "m":
        data = build.zipped(made) if name == "m.zip" else build.tarred(made, mode="w" if name == "m.tar" else "w:gz")
        if chance.random() < 0.3:
            data, more = damaged(data, chance)
            word += f", {name}: {more}"
        found = {name: data}
    return read_files(chance, name, found, f"{way.__name__}: {word}")


@functools.cache
def good() -> list[Files]:
    """A stack, a network in which layers are nested, an old one, and one in several files."""
    return [build.saved(stack()), build.saved(nested()), build.saved(nested(), old=True), build.saved(stack(), 3)]


def raw(chance: Random) -> tuple[Files, str]:
    """The bytes of one file changed."""
    files = dict(chance.choice(good()))
    name = chance.choice(sorted(files))
    files[name], word = damaged(files[name], chance)
    return files, f"{name}: {word}"


def parts(thing: Thing) -> tuple[Rows, bytes, dict]:
    """The rows of a model's index, its graph of objects, its arrays."""
    graph, arrays = build.graph_and_arrays(thing)
    return build.rows_and_data(arrays, {GRAPH_KEY: graph})[0], graph, arrays


def index(chance: Random) -> tuple[Files, str]:
    """A lie in the description of an array, in an index whose checksums are right."""
    thing = chance.choice([stack, nested])()
    listed, _, _ = parts(thing)
    count = chance.randrange(len(listed))
    key, value = listed[count]
    listed[count] = key, (new := lied(value, chance))
    return build.saved(thing) | {
        INDEX: build.table(listed, chance.choice([1, 4, 100]), chance.choice([0, 0, 0, 1]))
    }, f"{key!r} = {new[:40]!r}"


def lied(message: bytes, chance: Random, depth: int = 0) -> bytes:
    """A message in which one field has another value, or is gone, doubled or of another kind."""
    found, out = list(fields(memoryview(message))), b""
    at = chance.randrange(len(found) or 1)
    for count, (place, value, _) in enumerate(found):
        data = bytes(value) if isinstance(value, memoryview) else value
        ways = ["number", "drop", "double", "text", "inside"] if count == at else ["same"]
        way = chance.choice(ways)
        if way == "drop":
            continue
        if way == "number":
            data = chance.choice(NUMBERS)
        elif way == "text":
            data = chance.choice(NAMES).encode()
        elif way == "inside" and isinstance(data, bytes) and depth < 4:
            data = inside(data, chance, depth)
        field = build.part(place, data) if isinstance(data, bytes) else build.number(place, data)
        out += field * (2 if way == "double" else 1)
    return out


def inside(data: bytes, chance: Random, depth: int) -> bytes:
    """A message in a message with a lie in it; a text with damage."""
    try:
        return lied(data, chance, depth + 1)
    except Exception:  # it is a text
        return damaged(data, chance)[0]


def rows(chance: Random) -> tuple[Files, str]:
    """Keys doubled, exchanged, renamed, left out, or very long."""
    thing = chance.choice([stack, nested])()
    listed, _, _ = parts(thing)
    one, other = chance.sample(range(len(listed)), 2)
    way = chance.choice(["double", "exchange", "rename", "drop", "header", "many"])
    if way == "double":
        listed.insert(one, listed[one])
    elif way == "exchange":
        listed[one], listed[other] = (listed[one][0], listed[other][1]), (listed[other][0], listed[one][1])
    elif way == "rename":
        listed[one] = listed[one][0] + chance.choice(NAMES).encode(), listed[one][1]
    elif way == "drop":
        del listed[one]
    elif way == "header":
        listed[0] = b"", build.number(1, chance.choice(NUMBERS)) + build.number(2, chance.choice([0, 1, 5]))
    else:
        listed += [(b"z%06d" % count, listed[one][1]) for count in range(chance.choice([10, 50_000]))]
    return build.saved(thing) | {INDEX: build.table(listed, 100)}, f"{way} {one} {other}"


def graph(chance: Random) -> tuple[Files, str]:
    """A graph of objects that lies, has circles, or is very deep or wide."""
    thing = chance.choice([stack, nested])()
    _, said, arrays = parts(thing)
    way = chance.choice(["lie", "lie", "lie", "circle", "deep", "wide"])
    if way == "lie":
        for _ in range(chance.choice([1, 3])):
            said = lied(said, chance)
    elif way == "circle":
        said += build.part(1, build.part(1, build.number(1, 0) + build.part(2, chance.choice(NAMES))))
        said = build.part(1, b"".join(build.part(1, build.number(1, to) + build.part(2, name)) for to, name in
                                      ((1, "layer-0"), (0, "layer-1"), (0, "variables"), (0, "0"), (0, "keras_api")))) + said  # fmt: skip
    else:
        count = chance.choice([100, 30_000])
        each = [build.part(1, build.number(1, i + 1 if way == "deep" else 0) + build.part(2, "layer")) for i in range(count)]
        said += b"".join(build.part(1, part) for part in each) + build.part(1, b"")
    return build.saved(thing) | build.bundle(arrays, {GRAPH_KEY: said}), way


def about(chance: Random) -> tuple[Files, str]:
    """What Keras says of its layers with one value of another kind, or of another object."""
    thing, old = chance.choice([stack, nested])(), chance.random() < 0.3
    told = [found for _, found in build.walked(thing) if found.about is not None]
    one = chance.choice([told[0], *told])
    text, word = retyped(one.text, chance)
    if chance.random() < 0.15:
        word, text = "deep", b'{"class_name": "Sequential", "config": ' + b'{"layers": [' * chance.choice([30, 900, 10**5])
    if chance.random() < 0.15:
        word, text = "another", chance.choice(told).text
    one.said = text
    return build.saved(thing, old=old), word


def files(chance: Random) -> tuple[Files, str]:
    """Files left out, exchanged, cut, empty or very long."""
    found = dict(chance.choice(good()))
    one, other = chance.sample(sorted(found), 2)
    way = chance.choice(["drop", "exchange", "cut", "empty", "longer", "zeros"])
    if way == "drop":
        del found[one]
    elif way == "exchange":
        found[one], found[other] = found[other], found[one]
    else:
        new = {"cut": found[one][: chance.randrange(len(found[one]))], "empty": b"", "longer": found[one] * 2, "zeros": bytes(10**6)}
        found[one] = new[way]
    return found, f"{way} {one} {other}"
