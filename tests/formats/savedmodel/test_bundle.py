"""Checksums, LevelDB's table and TensorFlow's bundle: what is right, and what is refused."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import weightlens
from tests.formats import build as b
from tests.formats.savedmodel import build
from tests.formats.savedmodel.build import GRAPH_KEY, MAGIC, VALUE, Files, saved, varint, written
from tests.formats.savedmodel.examples import stack
from weightlens.formats.savedmodel.crc32c import crc32c, masked
from weightlens.formats.savedmodel.leveldb import rows
from weightlens.formats.savedmodel.wire import Message

INDEX, DATA = "variables/variables.index", "variables/variables.data-00000-of-00001"
KEY = f"layer-0/kernel{VALUE}"


@pytest.mark.parametrize(("data", "sum_"), [  # RFC 3720, B.4
    (b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E),
    (bytes(range(31, -1, -1)), 0x113FDB5C),
])  # fmt: skip
def test_checksums_that_are_published(data: bytes, sum_: int) -> None:
    assert crc32c(data) == sum_


@pytest.mark.parametrize("size", [2048, 2049, 4095, 4096, 4097, 70_001, (1 << 22) + 5])
def test_a_checksum_of_many_bytes_at_a_time_is_that_of_one_by_one(size: int) -> None:
    data, before = np.random.default_rng(size).bytes(size), 0
    for start in range(0, size, 1000):
        before = crc32c(data[start : start + 1000], before)
    assert crc32c(data) == before


def test_a_table_of_many_blocks() -> None:
    wanted = [(f"layer_with_weights-{i:04d}/kernel".encode(), varint(i)) for i in range(1000)]
    found = list(rows(build.table(wanted, per_block=37)))
    assert [(row.key, row.value) for row in found] == wanted and len({row.block for row in found}) == 28


def flipped(files: Files, name: str, place: int) -> Files:
    data = bytearray(files[name])
    data[place] ^= 1
    return files | {name: bytes(data)}


def without(files: Files, name: str) -> Files:
    return {key: data for key, data in files.items() if key != name}


def relisted(change: Callable[[list[tuple[bytes, bytes]]], None], kind: int = 0) -> Files:
    """A SavedModel whose index lies, with checksums that are right."""
    graph, arrays = build.graph_and_arrays(stack())
    listed, _ = build.rows_and_data(arrays, {GRAPH_KEY: graph})
    change(listed)
    return saved(stack()) | {INDEX: build.table(listed, kind=kind)}


def nothing_in_a_large_shape(listed: list[tuple[bytes, bytes]]) -> None:
    """NumPy refuses it, though it takes no byte."""
    count = next(i for i, (key, _) in enumerate(listed) if key.decode() == KEY)
    listed[count] = KEY.encode(), build.entry(1, (2**40, 2**40, 0), 0, 0, 0, masked(crc32c(b"")))


def entry(**lies: int) -> Callable[[list[tuple[bytes, bytes]]], None]:
    """What changes the description of one array."""

    def change(listed: list[tuple[bytes, bytes]]) -> None:
        count = next(i for i, (key, _) in enumerate(listed) if key.decode() == KEY)
        old = Message(listed[count][1])
        said = {
            "kind": 1,
            "rows": 3,
            "shard": old.number(3),
            "offset": old.number(4),
            "size": old.number(5),
            "checksum": old.number(6),
        } | lies
        listed[count] = (
            KEY.encode(),
            build.entry(said["kind"], (said["rows"], 4), *(said[key] for key in ("shard", "offset", "size", "checksum"))),
        )

    return change


def repeated_key(listed: list[tuple[bytes, bytes]]) -> None:
    listed.insert(3, listed[2])


def no_shards(listed: list[tuple[bytes, bytes]]) -> None:
    listed[0] = b"", b""


def graph(data: bytes) -> Files:
    """A SavedModel with another graph of objects."""
    _, arrays = build.graph_and_arrays(stack())
    return saved(stack()) | build.bundle(arrays, {GRAPH_KEY: data})


def said_of_the_model(text: str) -> Files:
    """A SavedModel with another text about its model."""
    about = build.part(3, "root") + build.part(4, "_tf_keras_model") + build.part(5, text)
    return saved(stack()) | {"keras_metadata.pb": build.part(1, about)}


HOSTILE: dict[str, tuple[Callable[[], Files], str]] = {
    "a flipped bit in the numbers": (lambda: flipped(saved(stack()), DATA, -5), "checksum is wrong"),
    "a flipped bit in the index": (lambda: flipped(saved(stack()), INDEX, 30), "a block's checksum is wrong"),
    "a flipped bit in the graph": (lambda: flipped(saved(stack()), DATA, 20), "the checksum of _CHECKPOINTABLE"),
    "a cut index": (lambda: saved(stack()) | {INDEX: saved(stack())[INDEX][:-9]}, "cut short"),
    "an empty index": (lambda: saved(stack()) | {INDEX: b""}, "cut short"),
    "an index of nothing": (lambda: saved(stack()) | {INDEX: bytes(40) + MAGIC}, "damaged"),
    "a cut data file": (lambda: saved(stack()) | {DATA: saved(stack())[DATA][:-1]}, "is cut short"),
    "no data file": (lambda: without(saved(stack()), DATA), "data-00000-of-00001 of the SavedModel is missing"),
    "no index": (lambda: without(saved(stack()), INDEX), "variables.index of the SavedModel is missing"),
    "a size that lies": (lambda: relisted(entry(size=47)), "which are not those of its shape"),
    "a shape that lies": (lambda: relisted(entry(rows=2**61)), "which are not those of its shape"),
    "a negative shape": (lambda: relisted(entry(rows=2**64 - 3)), "an impossible shape"),
    "an empty array of a large shape": (lambda: relisted(nothing_in_a_large_shape), "has the impossible shape"),
    "an offset behind the end": (lambda: relisted(entry(offset=2**62)), "is cut short"),
    "an offset in another array": (lambda: relisted(entry(offset=4)), "overlaps another array"),
    "another data file": (lambda: relisted(entry(shard=7)), "names data file 7 of 1"),
    "another dtype": (lambda: relisted(entry(kind=20)), "holds no numbers but resources"),
    "an unknown dtype": (lambda: relisted(entry(kind=999)), "holds no numbers but others"),
    "a key twice": (lambda: relisted(repeated_key), "its keys are not sorted"),
    "no header": (lambda: relisted(no_shards), "how many data files"),
    "a packed block": (lambda: relisted(lambda listed: None, kind=1), "a block is packed, as TensorFlow never writes it"),
    "no objects": (lambda: graph(b""), "a graph without objects"),
    "an object that is not there": (lambda: graph(build.part(1, build.part(1, build.number(1, 9)))), "an object which is not in it"),
    "a graph that is cut": (lambda: graph(b"\x0a\xff\x01"), "longer than the message"),
    "metadata that is cut": (lambda: saved(stack()) | {"keras_metadata.pb": b"\x0a\xff\x01"}, "keras_metadata.pb: damaged"),
    "metadata that is no JSON": (lambda: said_of_the_model("{"), "not valid JSON"),
    "deep metadata": (lambda: said_of_the_model('{"config":' * 10**5), "not valid JSON"),
}  # fmt: skip


@pytest.mark.parametrize("lie", HOSTILE)
def test_damage_is_one_line(tmp_path: Path, lie: str) -> None:
    make, words = HOSTILE[lie]
    started = time.process_time()
    with pytest.raises(weightlens.UnreadableModel) as caught:
        model = weightlens.load(written(tmp_path / "m", make()))
        for weight in [*model.weights.values(), *model.unplaced]:
            weight.value  # noqa: B018 - reading is the point
    assert words in str(caught.value) and str(caught.value).startswith("m: ")
    assert "\n" not in str(caught.value) and time.process_time() - started < 5


def test_links_are_not_followed(tmp_path: Path) -> None:
    path = written(tmp_path / "m", saved(stack()))
    (path / DATA).rename(tmp_path / "elsewhere")
    (path / DATA).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(weightlens.UnreadableModel, match="is a link, which is never followed"):
        weightlens.load(path)


def test_members_of_a_tar_that_lead_out_of_it_are_not_met(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "m.tar").write_bytes(build.tarred(saved(stack()), "../", "w"))
    assert weightlens.load(tmp_path / "outside" / "m.tar")["a"].size == 16  # read where they stand in the archive
    assert [found.name for found in tmp_path.iterdir()] == ["outside"]


def test_numbers_of_other_dtypes(tmp_path: Path) -> None:
    arrays = {
        "half": np.array([1.5, -2], np.float16),
        "long": np.array([2**40]),
        "flag": np.array([True]),
        "none": np.zeros((0, 3), np.float32),
    }
    model = weightlens.load(written(tmp_path / "m", {"saved_model.pb": b"", **build.bundle(arrays, {})}))
    for name, array in arrays.items():
        found = model.weights[f"//{name}"].value
        np.testing.assert_array_equal(found, array)
        assert found.dtype == array.dtype


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    exact = np.array([1.5, -0.15625, 3e38], np.float32)
    halves = (exact.view(np.uint32) >> 16).astype("<u2").tobytes()
    row = b"w", build.entry(14, (3,), 0, 0, len(halves), masked(crc32c(halves)))
    files = {"saved_model.pb": b"", INDEX: build.table([(b"", build.number(1, 1)), row]), DATA: halves}
    weight = weightlens.load(written(tmp_path / "m", files)).weights["//w"]
    assert weight.dtype == "bfloat16"
    np.testing.assert_array_equal(weight.value, (exact.view(np.uint32) & 0xFFFF0000).view(np.float32))


def test_numbers_of_a_big_endian_machine(tmp_path: Path) -> None:
    data = struct.pack(">2f", 1.5, -2)
    row = b"w", build.entry(1, (2,), 0, 0, len(data), masked(crc32c(data)))
    header = b"", build.number(1, 1) + build.number(2, 1)
    files = {"saved_model.pb": b"", INDEX: build.table([header, row]), DATA: data}
    assert weightlens.load(written(tmp_path / "m", files)).weights["//w"].value.tolist() == [1.5, -2]


def test_a_slice_is_read_and_the_whole_array_is_checked(tmp_path: Path) -> None:
    array = b.numbers(600, 700)
    path = written(tmp_path / "m", {"saved_model.pb": b"", **build.bundle({"w": array}, {})})
    weight = weightlens.load(path).weights["//w"]
    assert weight.read_part is not None
    np.testing.assert_array_equal(weight.read_part((5, slice(2, 9))), array[5, 2:9])
    data = bytearray((path / DATA).read_bytes())
    data[-1] ^= 1
    (path / DATA).write_bytes(data)
    weight = weightlens.load(path).weights["//w"]
    assert weight.read_part is not None
    with pytest.raises(weightlens.UnreadableModel, match="checksum"):
        weight.read_part((5, slice(2, 9)))
