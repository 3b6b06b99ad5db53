"""What a small file may cost: 512 MB and 20 seconds for each command, whatever it declares or unpacks to."""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t

from tests.cases import turn
from tests.conftest import SAMPLES
from tests.formats import build
from tests.fuzz.archives import contents, packed
from weightlens.cli.main import main
from weightlens.errors import UnreadableModel
from weightlens.formats.hdf5.access import Hdf5File, read_attribute

pytestmark = pytest.mark.slow
MODEL = build.sequential(build.given("i", 2), build.dense("d", 2))
READERS = (("show",), ("show", "--tree", "--full"), ("show", "--stats"), ("predict", "-i", "0,1"))
MEGABYTES, SECONDS = 512, 20


MEASURED = """
import json, os, re, resource, sys, traceback
from weightlens.cli.main import main
for command in json.loads(sys.argv[1]):
    child = os.fork()  # a process for each command, that need not import everything again
    if not child:
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
            code = main(command)
            peak = int(re.search("VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
            used = resource.getrusage(resource.RUSAGE_SELF)
            print(f"took {used.ru_utime + used.ru_stime:.1f} s, {peak // 1024} MB, code {code}", file=sys.stderr, flush=True)
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    os.waitpid(child, 0)
    print("next", file=sys.stderr, flush=True)
"""


def costs(folder: Path, *commands: tuple[str, ...]) -> list[tuple[int, str]]:
    """Exit code and errors of each command; fails where one took more than is allowed."""
    measured = [sys.executable, "-c", MEASURED, json.dumps(commands)]
    done = subprocess.run(measured, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    found = []
    for command, errors in zip(commands, done.stderr.split("next\n")[:-1], strict=True):
        taken = re.search(r"took ([\d.]+) s, (\d+) MB, code (\d+)", errors)
        assert taken, f"{command}: died: {errors}"
        assert float(taken[1]) < SECONDS and int(taken[2]) < MEGABYTES, f"{command}: {taken[0]}"
        assert int(taken[3]) in (0, 2) and "mistake in weightlens" not in errors, errors
        found.append((int(taken[3]), errors))
    return found


def unwritten(file: h5py.File) -> None:
    """Forty arrays of 80 MB each of which nothing is written."""
    for number in range(40):
        file.create_dataset(f"model_weights/a{number}", (20_000_000,), "f4")


def stored_zeros(file: h5py.File) -> None:
    """Arrays of zeros, packed a thousandfold."""
    for number in range(8):
        repeated(file, f"a{number}", 10_000_000, "f4", 10)


def bytes_of_bits(file: h5py.File) -> None:
    """The same in whole numbers of one byte, which take eight when they are computed with."""
    for number in range(3):
        repeated(file, f"a{number}", 60_000_000, "i1", 15)


def repeated(file: h5py.File, name: str, size: int, kind: str, pieces: int) -> None:
    """An array of zeros in pieces that are all the same packed bytes."""
    found = file.create_dataset(f"model_weights/{name}", (size,), kind, chunks=(size // pieces,), compression="gzip")
    piece = zlib.compress(bytes(size // pieces * found.dtype.itemsize), 9)
    for number in range(pieces):
        found.id.write_direct_chunk((number * (size // pieces),), piece)


def twice_packed(file: h5py.File) -> None:
    """A piece that unpacks to a piece that unpacks."""
    settings = h5p.create(h5p.DATASET_CREATE)
    settings.set_chunk((1000,))
    settings.set_deflate(9)
    settings.set_deflate(9)
    found = h5d.create(file["model_weights"].id, b"z", h5t.IEEE_F32LE, h5s.create_simple((1000,)), settings)
    found.write_direct_chunk((0,), zlib.compress(build.zeros_packed(600)))


def more_than_a_piece(file: h5py.File) -> None:
    """A piece of 4 kB that unpacks to 150 MB."""
    found = file.create_dataset("model_weights/z", (1000,), "f4", chunks=(1000,), compression="gzip")
    found.id.write_direct_chunk((0,), build.zeros_packed(150))


def crumbs(file: h5py.File) -> None:
    """Five million pieces of one number."""
    file.create_dataset("model_weights/z", (5_000_000,), "f4", chunks=(1,))


def many_arrays(file: h5py.File) -> None:
    """As many empty arrays as fit."""
    for number in range(2500):
        file.create_dataset(f"model_weights/a{number}", (0,), "f4")


def same_text(file: h5py.File) -> None:
    """A list of texts, to be pointed at one long text by ``point_at_one``."""
    file.attrs.create("layer_list", ["x" * 60_000] * 4 + [""] * 3000, dtype=h5py.string_dtype())


FILLS = [unwritten, stored_zeros, bytes_of_bits, twice_packed, more_than_a_piece, crumbs, many_arrays, same_text]


@pytest.mark.parametrize("fill", turn(FILLS, 4), ids=lambda fill: fill.__name__)
def test_hdf5(tmp_path: Path, fill: Callable[[h5py.File], None]) -> None:
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(MODEL)
        build.write_groups(file.create_group("model_weights"), {"d": build.dense_arrays("d/", 2, 2)})
        fill(file)
    if fill is same_text:
        point_at_one(path)
    assert path.stat().st_size < 2**20
    costs(tmp_path, *((command, "m.h5", *options) for command, *options in READERS))


def point_at_one(path: Path) -> None:
    """Every reference of a list of texts made the same as the first."""
    data = path.read_bytes()
    first = struct.pack("<I", 60_000)
    start = data.index(first, data.index(b"layer_list"))
    entry = data[start : start + 16]
    path.write_bytes(data[:start] + entry * 3004 + data[start + 16 * 3004 :])


def zeros_in_a_zip(name: str, megabytes: int, **texts: bytes) -> bytes:
    """An archive with a member of nothing but zeros."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for other, text in texts.items():
            file.writestr(other.replace("_", "."), text)
        with file.open(name, "w") as member:
            for _ in range(megabytes):
                member.write(bytes(2**20))
    return buffer.getvalue()


@pytest.mark.parametrize("member", turn(["config.json", "model.weights.h5", "stray.h5", "assets/layers/x/vocabulary.txt"], 4))
def test_archives(tmp_path: Path, member: str) -> None:
    config = {} if member == "config.json" else {"config_json": json.dumps(MODEL).encode()}
    (tmp_path / "m.keras").write_bytes(zeros_in_a_zip(member, 200, **config))
    assert (tmp_path / "m.keras").stat().st_size < 2**20
    costs(tmp_path, *((command, "m.keras", *options) for command, *options in READERS))


CONFIGURATIONS = {"numbers": ("[1,", 40_000_000), "objects": ('{"a":1},', 3_000_000), "nested": ("[", 900_000)}


@pytest.mark.parametrize("kind", turn(list(CONFIGURATIONS), 3))
def test_configurations(tmp_path: Path, kind: str) -> None:
    text, times = CONFIGURATIONS[kind]
    whole = '{"class_name":"Sequential","config":{"layers":[' + (text * times).rstrip(",") + "]}}"
    (tmp_path / "m.keras").write_bytes(packed({"config.json": whole.encode(), "metadata.json": b"{}"}))
    assert (tmp_path / "m.keras").stat().st_size < 2**20
    costs(tmp_path, ("show", "m.keras"), ("trace", "m.keras"))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The parts of a workbook of the OR network."""
    path = tmp_path_factory.mktemp("book") / "b.xlsx"
    assert main(["export", str(SAMPLES / "or.h5"), "-o", str(path)]) == 0
    return contents(path.read_bytes())


STRINGS = "xl/sharedStrings.xml"
HEAD = b'<?xml version="1.0"?><%s xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'


def bomb_in(kind: str) -> tuple[str, bytes]:
    """A part of a workbook that is much larger than it looks: its name and its bytes."""
    sheet, cell = "xl/worksheets/sheet1.xml", b'<c r="A1"><v>0</v></c>'
    if kind == "texts":
        return STRINGS, HEAD % b"sst" + b"<si><t>a</t></si>" * 4_000_000 + b"</sst>"
    if kind == "one text":
        return STRINGS, HEAD % b"sst" + b"<si><t>" + b"a" * 250_000_000 + b"</t></si></sst>"
    if kind == "one row":
        return sheet, HEAD % b"worksheet" + b"<sheetData><row>" + cell * 4_000_000 + b"</row></sheetData></worksheet>"
    if kind == "rows":
        rows = b"".join(b'<row><c r="A%d"><v>0</v></c></row>' % n for n in range(1_300_000))
        return sheet, HEAD % b"worksheet" + b"<sheetData>" + rows + b"</sheetData></worksheet>"
    return "xl/workbook.xml", HEAD % b"workbook" + b"<definedName/>" * 4_000_000 + b"</workbook>"


@pytest.mark.parametrize("bomb", turn(["texts", "one row", "one text", "rows", "names"], 5))
def test_workbooks(tmp_path: Path, book: dict[str, bytes], bomb: str) -> None:
    name, part = bomb_in(bomb)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for other, data in (book | {name: part}).items():
            file.writestr(other, data)
    (tmp_path / "b.xlsx").write_bytes(buffer.getvalue())
    (tmp_path / "or.h5").write_bytes((SAMPLES / "or.h5").read_bytes())
    costs(tmp_path, ("import", "b.xlsx", "or.h5", "-o", "new.h5"))


def test_members_that_are_no_inputs_are_never_read(tmp_path: Path) -> None:
    array = io.BytesIO()
    np.save(array, np.array([[0.0, 1.0]]))
    (tmp_path / "x.npz").write_bytes(zeros_in_a_zip("stray.npy", 200, input_0=array.getvalue()).replace(b"input.0", b"input_0"))
    (tmp_path / "y.npz").write_bytes(zeros_in_a_zip("input_0.npy", 200))
    (tmp_path / "or.h5").write_bytes((SAMPLES / "or.h5").read_bytes())
    _, (code, _) = costs(tmp_path, ("predict", "or.h5", "-i", "x.npz"), ("predict", "or.h5", "-i", "y.npz"))
    assert code == 2


def png(width: int, height: int, rows_given: int) -> bytes:
    """A black picture, or its beginning."""
    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(1 + 3 * width)) for _ in range(rows_given)) + packer.flush()
    pieces = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in pieces)
    return b"\x89PNG\r\n\x1a\n" + body


def test_a_picture_of_169_million_points(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(png(13_000, 13_000, 2_000))
    (tmp_path / "m.keras").write_bytes((SAMPLES / "digits_cnn.keras").read_bytes())
    (tmp_path / "q.png").write_bytes(png(600, 400, 400))
    (code, errors), (second, _) = costs(tmp_path, ("predict", "m.keras", "-i", "p.png"), ("predict", "m.keras", "-i", "q.png"))
    assert code == 2 and "13,000 x 13,000 pixels" in errors and second == 0


def test_the_arrays_of_a_file_share_what_it_may_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is counted once, however often it is read; a part of one is not."""
    monkeypatch.setattr("weightlens.limits.SMALL", 1000)
    monkeypatch.setattr("weightlens.limits.RATIO", 0)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        for name in "ab":
            file[name] = np.arange(100.0)
    arrays = Hdf5File(tmp_path / "m.h5", "m.h5").weights()
    for _ in range(3):
        arrays["a"].read_part(slice(2, 4))
        np.testing.assert_array_equal(arrays["a"].read(), np.arange(100.0))
    with pytest.raises(UnreadableModel, match="b declares 800 bytes"):
        arrays["b"].read()


def test_groups_and_attributes_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, and an attribute by its bytes."""
    with h5py.File(tmp_path / "m.h5", "w") as file:
        for name in "abcd":
            file.create_group(name)
        file.attrs["numbers"] = np.arange(20.0)
        monkeypatch.setattr("weightlens.limits.ATTRIBUTE", 160)
        assert read_attribute(file.id, "numbers").tolist() == [*range(20)]
        monkeypatch.setattr("weightlens.limits.ATTRIBUTE", 159)
        with pytest.raises(UnreadableModel, match="attribute numbers is larger than any"):
            read_attribute(file.id, "numbers")
    monkeypatch.setattr("weightlens.limits.OBJECTS", 4)
    assert Hdf5File(tmp_path / "m.h5", "m.h5").weights() == {}
    monkeypatch.setattr("weightlens.limits.OBJECTS", 3)
    with pytest.raises(UnreadableModel, match="more groups, or deeper ones, than any Keras model has"):
        Hdf5File(tmp_path / "m.h5", "m.h5").weights()
