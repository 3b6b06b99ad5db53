"""Small SavedModels written byte by byte: protocol buffers, LevelDB's table, TensorFlow's bundle, Keras's metadata."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from weightlens.formats.savedmodel.crc32c import crc32c, masked

Files = dict[str, bytes]
Rows = list[tuple[bytes, bytes]]
MAGIC = bytes.fromhex("57fb808b247547db")
DTYPES = {"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int64": 9, "bool": 10, "float16": 19}
GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def varint(number: int) -> bytes:
    """A number of seven bits per byte."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def number(place: int, value: int) -> bytes:
    """A field that is a number."""
    return varint(place << 3) + varint(value)


def part(place: int, value: bytes | str) -> bytes:
    """A field that is a text or a message."""
    data = value.encode() if isinstance(value, str) else value
    return varint(place << 3 | 2) + varint(len(data)) + data


def block(rows: Rows, every: int = 16) -> bytes:
    """Rows whose keys share their beginnings; every 16th is whole."""
    out, restarts, before = bytearray(), [], b""
    for count, (key, value) in enumerate(rows):
        if count % every == 0:
            restarts.append(len(out))
            before = b""
        shared = next((n for n, (x, y) in enumerate(zip(before, key, strict=False)) if x != y), min(len(before), len(key)))
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    restarts = restarts or [0]
    return bytes(out) + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def guarded(contents: bytes, kind: int = 0) -> bytes:
    """A block with what says how it is packed (0: not at all), and its checksum."""
    data = contents + bytes([kind])
    return data + struct.pack("<I", masked(crc32c(data)))


def table(rows: Rows, per_block: int = 4, kind: int = 0) -> bytes:
    """A table of LevelDB."""
    out, index = b"", []
    for start in range(0, len(rows), per_block):
        some = rows[start : start + per_block]
        data = guarded(block(some), kind)
        index.append((some[-1][0], varint(len(out)) + varint(len(data) - 5)))
        out += data
    handles = b""
    for contents in (block([]), block(index)):
        data = guarded(contents)
        handles += varint(len(out)) + varint(len(data) - 5)
        out += data
    return out + handles.ljust(40, b"\0") + MAGIC


def text_array(text: bytes) -> tuple[bytes, int]:
    """The stored bytes of one text, and their checksum."""
    sizes = crc32c(struct.pack("<I", len(text)))
    check = struct.pack("<I", masked(sizes))
    return varint(len(text)) + check + text, masked(crc32c(text, crc32c(check, sizes)))


def entry(kind: int, shape: Iterable[int], shard: int, offset: int, size: int, checksum: int) -> bytes:
    """An array's description in the index."""
    dims = b"".join(part(2, number(1, size)) for size in shape)
    return number(1, kind) + part(2, dims) + number(3, shard) + number(4, offset) + number(5, size) + b"\x35" + struct.pack("<I", checksum)


def rows_and_data(arrays: dict[str, np.ndarray], texts: dict[str, bytes], shards: int = 1) -> tuple[Rows, list[bytes]]:
    """The rows of an index, and the bytes of its data files; arrays go to the files in turn."""
    rows, data = [(b"", number(1, shards) + part(3, number(1, 1)))], [b""] * shards
    for count, key in enumerate(sorted([*arrays, *texts], key=str.encode)):
        stored, kind, shape = b"", 7, ()
        if key in texts:
            stored, checksum = text_array(texts[key])
        else:
            stored, kind, shape = arrays[key].tobytes(), DTYPES[str(arrays[key].dtype)], arrays[key].shape
            checksum = masked(crc32c(stored))
        shard = count % shards
        rows.append((key.encode(), entry(kind, shape, shard, len(data[shard]), len(stored), checksum)))
        data[shard] += stored
    return rows, data


def bundle(arrays: dict[str, np.ndarray], texts: dict[str, bytes], shards: int = 1) -> Files:
    """The folder ``variables``."""
    rows, data = rows_and_data(arrays, texts, shards)
    files = {f"variables/variables.data-{shard:05d}-of-{shards:05d}": part for shard, part in enumerate(data)}
    return {"variables/variables.index": table(rows), **files}


@dataclass(eq=False)
class Thing:
    """An object of the graph: its members, its variable (the name that its layer gave it, and the numbers), what Keras says of it."""

    members: dict[str, Thing] = field(default_factory=dict)
    variable: tuple[str, np.ndarray] | None = None
    about: dict[str, Any] | None = None
    said: bytes | None = None  # instead of that, by the fuzzer

    @property
    def text(self) -> bytes:
        """What Keras says of it as JSON."""
        return json.dumps(self.about).encode() if self.said is None else self.said


def variable(name: str, array: np.ndarray) -> Thing:
    return Thing(variable=(name, array))


def keras_thing(about: dict[str, Any], members: dict[str, Thing], frozen: Iterable[str] = ()) -> Thing:
    """A layer or a model with the lists of its variables; ``frozen`` names those of its members that are not trained."""
    below = [(name, found) for name, member in members.items() for found in variables(member)]
    trained = [found for name, found in below if name not in frozen]
    rest = [found for name, found in below if name in frozen]
    lists = {name: Thing({str(i): thing for i, thing in enumerate(found)}) for name, found in
             (("variables", trained + rest), ("trainable_variables", trained), ("non_trainable_variables", rest))}  # fmt: skip
    api = Thing(lists)
    return Thing(
        {**members, "variables": lists["variables"], "trainable_variables": lists["trainable_variables"], "keras_api": api}, None, about
    )


def variables(thing: Thing) -> list[Thing]:
    """The variables that a thing has or lists."""
    if thing.variable is not None:
        return [thing]
    if "variables" in thing.members:
        return list(thing.members["variables"].members.values())
    return [found for member in thing.members.values() for found in variables(member)]


def walked(root: Thing) -> list[tuple[str, Thing]]:
    """Every object once, in the order of their numbers, with its shortest path."""
    found, seen = [("root", root)], {id(root)}
    for path, thing in found:
        for name, member in thing.members.items():
            if id(member) not in seen:
                seen.add(id(member))
                found.append((f"{path}.{name}", member))
    return found


def graph_and_arrays(root: Thing) -> tuple[bytes, dict[str, np.ndarray]]:
    """The graph of objects, and the arrays by their keys."""
    found = walked(root)
    numbers = {id(thing): count for count, (_, thing) in enumerate(found)}
    nodes, arrays = b"", {}
    for path, thing in found:
        node = b"".join(part(1, number(1, numbers[id(member)]) + part(2, name)) for name, member in thing.members.items())
        if thing.variable is not None:
            name, array = thing.variable
            key = path.removeprefix("root.").replace(".", "/") + VALUE
            arrays[key] = array
            node += part(2, part(1, "VARIABLE_VALUE") + part(2, name) + part(3, key))
        nodes += part(1, node)
    return nodes, arrays


def metadata(root: Thing) -> bytes:
    """``keras_metadata.pb``."""
    out = b""
    for count, (path, thing) in enumerate(walked(root)):
        if thing.about is not None:
            out += part(1, number(2, count) + part(3, path) + part(4, "_tf_keras_layer") + part(5, thing.text))
    return out


def object_graph_of_old_files(root: Thing) -> bytes:
    """``saved_model.pb`` as TensorFlow 2.0 to 2.4 wrote it: what Keras says stands in its objects."""
    found = walked(root)
    numbers = {id(thing): count for count, (_, thing) in enumerate(found)}
    nodes = b""
    for _, thing in found:
        node = b"".join(part(1, number(1, numbers[id(member)]) + part(2, name)) for name, member in thing.members.items())
        if thing.about is not None:
            node += part(4, part(1, "_tf_keras_layer") + part(3, thing.text))
        nodes += part(1, node)
    return number(1, 1) + part(2, part(2, b"") + part(7, nodes))


def model_thing(entry: dict[str, Any], layers: list[Thing], version: str = "2.11.0") -> Thing:
    """The root: a model whose layers are called ``layer-0``, ``layer-1``, ..."""
    about = {**entry, "keras_version": version, "backend": "tensorflow", "name": entry["config"].get("name"), "model_config": entry}
    return keras_thing(about, {f"layer-{i}": layer for i, layer in enumerate(layers)})


def layer_thing(entry: dict[str, Any], arrays: dict[str, np.ndarray], frozen: Iterable[str] = (), **parts: Thing) -> Thing:
    """A layer with variables of its own and layers inside it."""
    name = entry["config"]["name"]
    own = {key: variable(f"{name}/{key}", array) for key, array in arrays.items()}
    return keras_thing({**entry, "name": name}, {**own, **parts}, frozen)


def saved(root: Thing, shards: int = 1, old: bool = False) -> Files:
    """The files of a SavedModel."""
    graph, arrays = graph_and_arrays(root)
    files = bundle(arrays, {GRAPH_KEY: graph}, shards)
    if old:
        return {"saved_model.pb": object_graph_of_old_files(root), **files}
    return {"saved_model.pb": number(1, 1), "keras_metadata.pb": metadata(root), **files}


def written(folder: Path, files: Files) -> Path:
    """The files in a folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def zipped(files: Files, inside: str = "m/", how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The files in a zip archive, without the time of day: the same files are always the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(inside + name), data, how)
    return buffer.getvalue()


def tarred(files: Files, inside: str = "m/", mode: str = "w:gz") -> bytes:
    """The files in a tar archive, without the time of day too."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(inside + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0) if mode == "w:gz" else buffer.getvalue()
