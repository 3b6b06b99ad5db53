"""Every kind of file: exactly the edited numbers differ afterwards, or one line says why they cannot be written."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import openpyxl
import pytest

import weightlens
from tests.formats.build import archive, dense, given, layer, legacy, numbered, numbers, objects, sequential
from weightlens.errors import BadInput
from weightlens.formats.write_back import write_back
from weightlens.importing import import_workbook

STACK = sequential(given("i", 3, key="batch_shape"), dense("a", 2), dense("b", 2))
ARRAYS = numbered("layers/dense", numbers(3, 2), numbers(2)) | numbered("layers/dense_1", numbers(2, 2, seed=1), numbers(2))


def gates(letters: str, features: int, units: int) -> dict[str, np.ndarray]:
    shapes = {"W": (features, units), "U": (units, units), "b": (units,)}
    return {f"r_{kind}_{gate}": numbers(*shapes[kind], seed=ord(gate)) for gate in letters for kind in "WUb"}


def keras_1(class_name: str, **config: Any) -> dict[str, Any]:
    return sequential({"class_name": class_name, "config": {"name": "r", "trainable": True, **config}}, aslist=True)


def plain_archive(folder: Path) -> Path:
    return archive(folder / "m.keras", STACK, ARRAYS)


def deflated_archive(folder: Path) -> Path:
    return archive(folder / "m.keras", STACK, ARRAYS, compress=True)


def bfloat16(folder: Path) -> Path:
    """Keras stores two opaque bytes."""
    opaque = {path: (array.view(np.uint32) >> 16).astype("<u2").view("V2") for path, array in ARRAYS.items()}
    return archive(folder / "m.keras", STACK, opaque)


def other_types(folder: Path) -> Path:
    """Floats of 16 and 64 bits, NaN, the other byte order, integers that no double holds; chunks, and a compact array."""
    path = legacy(folder / "m.h5", sequential(given("i", 3), dense("a", 2), dense("b", 2)), {"a": {}, "b": {}})
    with h5py.File(path, "r+") as file:
        a, b = (file["model_weights"][name] for name in "ab")
        a.create_dataset("kernel:0", data=numbers(3, 2), dtype="<f2")
        a.create_dataset("bias:0", data=np.array([3, np.nan]), dtype=">f8")
        b.create_dataset("bias:0", data=np.array([3, 2**60 + 1]), dtype="<i8")
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_layout(h5py.h5d.COMPACT)
        compact = h5py.h5d.create(b.id, b"kernel:0", h5py.h5t.IEEE_F32BE, h5py.h5s.create_simple((2, 2)), layout)
        compact.write(h5py.h5s.ALL, h5py.h5s.ALL, numbers(2, 2))
        for group in (a, b):
            group.attrs["weight_names"] = [b"kernel:0", b"bias:0"]
    return path


def chunks(folder: Path) -> Path:
    with h5py.File(folder / "m.weights.h5", "w") as file:
        for path, array in ARRAYS.items():
            file.create_dataset(path, data=array, chunks=True, compression="gzip", shuffle=True, fletcher32=True)
    return folder / "m.weights.h5"


def behind_a_block(folder: Path) -> Path:
    """An HDF5 file may begin with something else; its offsets count from behind that."""
    with h5py.File(folder / "m.h5", "w", userblock_size=512) as file:
        for path, array in ARRAYS.items():
            file[path] = array
    return folder / "m.h5"


def lstm_by_gate(folder: Path) -> Path:
    return legacy(folder / "m.h5", keras_1("LSTM", output_dim=2, input_dim=3), {"r": gates("icfo", 3, 2)}, "1.2.2", "theano")


def theano_convolution(folder: Path) -> Path:
    config = keras_1("Convolution2D", nb_filter=2, nb_row=3, nb_col=3, dim_ordering="th", batch_input_shape=[None, 1, 5, 5])
    return legacy(folder / "m.h5", config, {"r": {"r_W": numbers(2, 1, 3, 3), "r_b": numbers(2)}}, "1.2.2", "theano")


def cudnn(folder: Path) -> Path:
    arrays = {"r/kernel:0": numbers(3, 6), "r/recurrent_kernel:0": numbers(2, 6), "r/bias:0": numbers(12)}
    return legacy(folder / "m.h5", sequential(given("i", 4, 3), layer("CuDNNGRU", "r", units=2)), {"r": arrays})


def cudnn_lstm(folder: Path) -> Path:
    """The sum of two biases is shown; the first takes the change."""
    arrays = {"r/kernel:0": numbers(3, 8), "r/recurrent_kernel:0": numbers(2, 8), "r/bias:0": np.arange(16, dtype=np.float32) / 8}
    return legacy(folder / "m.h5", sequential(given("i", 4, 3), layer("CuDNNLSTM", "r", units=2)), {"r": arrays})


def low_rank(folder: Path) -> Path:
    """The product of two thin matrices is added to the kernel, which takes the change."""
    config = sequential(given("i", 3), dense("d", 2, lora_rank=1))
    ones = {"lora_kernel_a": np.ones((3, 1), np.float32), "lora_kernel_b": np.ones((1, 2), np.float32)}
    return legacy(folder / "m.h5", config, {"d": {"kernel": np.ones((3, 2), np.float32), "bias": numbers(2), **ones}}, "3.15.1")


FILES = [
    plain_archive,
    deflated_archive,
    bfloat16,
    other_types,
    chunks,
    behind_a_block,
    lstm_by_gate,
    theano_convolution,
    cudnn,
    cudnn_lstm,
    low_rank,
]


def contents(path: Path) -> dict[str, Any]:
    """Everything in a file: attributes, and the arrays as bytes."""
    archived = path.suffix == ".keras"
    found: dict[str, Any] = {}
    if archived:
        with zipfile.ZipFile(path) as members:
            found = {f"member {name}": members.read(name) for name in members.namelist()}
    data = found.pop("member model.weights.h5") if archived else path.read_bytes()

    def visit(name: str, thing: Any) -> None:
        found.update({f"{name}@{key}": str(value) for key, value in thing.attrs.items()})
        if isinstance(thing, h5py.Dataset):
            found[name] = (thing.dtype, thing.shape, thing.chunks, thing[()].tobytes())

    with h5py.File(io.BytesIO(data)) as file:
        visit("", file)
        file.visititems(visit)
    return found


def values(path: Path) -> dict[str, np.ndarray]:
    return {name: weight.value for name, weight in weightlens.load(path).weights.items()}


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_exactly_the_edited_numbers_differ(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path)
    weights, before, whole = weightlens.load(path).weights, values(path), path.read_bytes()
    new = tmp_path / f"new{path.suffix}"
    assert before
    for names in [[name] for name in before] + [list(before)]:
        wanted = {name: array.copy() for name, array in before.items()}
        for name in names:
            wanted[name].reshape(-1)[-1] = -5
        write_back(path, new, {name: (weights[name], wanted[name]) for name in names}, force=True)
        for name, array in values(new).items():
            np.testing.assert_array_equal(array, wanted[name], strict=True)
        was, now = contents(path), contents(new)
        assert was.keys() == now.keys()
        touched = {part for name in names for part in weights[name].path.split(", ")}
        assert {key for key in was if was[key] != now[key]} <= touched
    assert path.read_bytes() == whole


def typed(path: Path, name: str, number: float) -> Any:
    """Type a number into the first cell of a weight, and import the workbook."""
    book = path.with_name("book.xlsx")
    weightlens.export(path, book, force=True)
    workbook = openpyxl.load_workbook(book)
    ((sheet, area),) = workbook.defined_names[name].destinations
    workbook[sheet][area.replace("$", "").split(":")[0]].value = number
    workbook.save(book)
    return import_workbook(book, path, path.with_name(f"new{path.suffix}"), force=True)


def test_bfloat16_says_what_it_keeps(tmp_path: Path) -> None:
    path = bfloat16(tmp_path)
    [change] = typed(path, "w_a_kernel", 0.1).changes
    assert change.new == weightlens.load(tmp_path / "new.keras")["a"].kernel[0, 0] == 0.10009765625
    stored = float(weightlens.load(path)["a"].kernel[0, 0])
    assert not typed(path, "w_a_kernel", stored * (1 + 1e-4)).changes  # rounds to what is there
    with pytest.raises(BadInput, match="too large for bfloat16"):
        typed(path, "w_a_kernel", 3.4e38)


def test_whole_numbers_that_no_double_holds_are_unchanged(tmp_path: Path) -> None:
    imported = typed(other_types(tmp_path), "w_b_bias", 7)
    assert [(change.index, change.new) for change in imported.changes] == [((0,), 7)]
    assert weightlens.load(imported.path)["b"].bias.tolist() == [7, 2**60 + 1]


def shards(folder: Path) -> Path:
    objects(folder / "m_00000.weights.h5", ARRAYS)
    (folder / "m.weights.json").write_text(json.dumps({"weight_map": {"/layers/dense/vars": "m_00000.weights.h5"}}))
    return folder / "m.weights.json"


def unpacked(folder: Path) -> Path:
    shutil.unpack_archive(plain_archive(folder), folder / "f.keras", "zip")
    return folder / "f.keras"


def unspeakable(folder: Path) -> Path:
    with h5py.File(folder / "m.h5", "w") as file:
        h5py.h5g.create(file.id, b"layer\xff\xfe")
        file[b"layer\xff\xfe"]["kernel"] = numbers(2, 2)
    return folder / "m.h5"


def quantised(folder: Path) -> Path:
    config = sequential(given("i", 3, key="batch_shape"), dense("a", 2, dtype={"config": {"mode": "int4", "source_name": "float32"}}))
    return archive(folder / "m.keras", config, numbered("layers/dense", np.ones((3, 1), np.int8), numbers(2), np.ones(2, np.float32)))


@pytest.mark.parametrize(("make", "says"), [
    (shards, "not to this one"), (unpacked, "not to this one"), (unspeakable, "not valid UTF-8 in the file"),
    (quantised, "computed from those"),
])  # fmt: skip
def test_what_cannot_be_written_is_refused(make: Callable[[Path], Path], says: str, tmp_path: Path) -> None:
    path = make(tmp_path)
    name, weight = next(iter(weightlens.load(path).weights.items()))
    with pytest.raises(BadInput, match=says) as refusal:
        write_back(path, tmp_path / f"new{path.suffix}", {name: (weight, weight.value + 1)})
    assert "\n" not in str(refusal.value)
    assert not list(tmp_path.glob("new*"))
