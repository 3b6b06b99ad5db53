"""What is given in place of a model is named for what it is, by every command, with what to do."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import weightlens
from tests.conftest import SAMPLES
from tests.formats import build
from tests.fuzz.archives import packed
from tests.fuzz.kinds import good
from weightlens.cli.main import main

MODEL = build.sequential(build.given("i", 2), build.dense("d", 2))
WORDS = {
    "empty": "an empty file", "zeros": "a file of zeros", "tar": "tar archive: unpack", "gzip": "gzip: unpack", "npy": "NumPy array",
    "zip": "holds models/or.h5: unpack it first (unzip -j m.h5 models/or.h5)", "npz": "NumPy archive", "torch": "PyTorch", "ods": ".ods",
    "xlsx": "a workbook, not a model", "xls": "save it from the spreadsheet program as .xlsx", "safetensors": "a safetensors file",
    "tflite": "TensorFlow Lite", "matlab": "MATLAB 5", "pickle": "would run code", "onnx": "ONNX", "graph": "SavedModel",
    "html": "web page", "lfs": "git lfs pull", "tfjs": "the modelTopology", "checkpoint": "checkpoint",
    "csv": "trace, predict and export take it with -i",
    "text": "text, not a model; it begins: 'Not Found'", "json": "JSON, but not", "png": "picture", "shortened": "8,544 of 17,088 bytes",
}  # fmt: skip
HOLDING = ("zip", "npz", "torch", "ods", "xlsx")  # of which --tree lists the members under that name


def said(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """The one line that a command refuses with."""
    capsys.readouterr()
    assert main(list(command)) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ") and error.count("\n") == 1
    return error


@pytest.mark.parametrize("kind", WORDS)
def test_each_is_named_by_every_command(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    path, model = tmp_path / "m.h5", str(SAMPLES / "or.h5")
    path.write_bytes(good()[kind])
    given = str(path)
    for command in (("show", given), ("trace", given, "-i", "0,1"), ("predict", given, "-i", "0,1"), ("diff", model, given),
                    ("export", given, "-o", str(tmp_path / "out.xlsx"))):  # fmt: skip
        assert WORDS[kind] in said(capsys, *command)
    if kind in HOLDING:
        assert main(["show", given, "--tree"]) == 0
        assert WORDS[kind] in capsys.readouterr().out
    else:
        assert ("JSON has no tree" if kind in ("json", "tfjs") else WORDS[kind]) in said(capsys, "show", given, "--tree")


@pytest.mark.parametrize(("kind", "words"), [("ods", ".ods"), ("xls", ".xls"), ("csv", "a table"), ("hdf5", "the workbook comes first"),
                                             ("keras", "a Keras model"), ("empty", "empty")])  # fmt: skip
def test_what_is_no_workbook(tmp_path: Path, kind: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    book, model = tmp_path / "b.xlsx", str(SAMPLES / "or.h5")
    book.write_bytes(good()[kind])
    assert words in said(capsys, "import", str(book), model, "-o", str(tmp_path / "new.h5"))
    assert words in said(capsys, "check", model, "--workbook", str(book))
    assert words in said(capsys, "trace", model, "-i", "0,1", "--cells", str(book))


def test_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, inside, words in [
        ("s", "saved_model.pb", "SavedModel"), ("c", "checkpoint", "checkpoint"), ("d", "cp.ckpt.index", "checkpoint"),
        ("m", "best.h5", "it holds best.h5"), ("n", "x.txt", "without config.json"),
    ]:  # fmt: skip
        (tmp_path / name).mkdir()
        (tmp_path / name / inside).write_bytes(b"\x0a\x08")
        assert words in said(capsys, "show", str(tmp_path / name))
        assert words in said(capsys, "show", str(tmp_path / name), "--tree")
    assert "a part of a TensorFlow checkpoint" in said(capsys, "show", str(tmp_path / "d" / "cp.ckpt.index"))
    assert "a TensorFlow checkpoint" in said(capsys, "show", str(tmp_path / "d" / "cp.ckpt"))


def test_matlab_7_3_is_hdf5_behind_a_block(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with h5py.File(tmp_path / "m.mat", "w", userblock_size=512) as file:
        file["x"] = np.ones(3)
    data = (tmp_path / "m.mat").read_bytes()
    (tmp_path / "m.mat").write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + data[512:])
    assert "MATLAB 7.3" in said(capsys, "show", str(tmp_path / "m.mat"))


@pytest.mark.parametrize("version", ["earliest", "latest"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.99])
def test_a_truncated_file_says_how_much_there_is(tmp_path: Path, version: str, share: float, capsys: pytest.CaptureFixture[str]) -> None:
    with h5py.File(tmp_path / "m.h5", "w", libver=version) as file:
        build.write_groups(file, {"d": build.dense_arrays("d/", 40, 30)})
    data = (tmp_path / "m.h5").read_bytes()
    kept = max(60, int(len(data) * share))
    (tmp_path / "m.h5").write_bytes(data[:kept])
    assert f"{kept:,} of {len(data):,} bytes" in said(capsys, "show", str(tmp_path / "m.h5"))
    (tmp_path / "m.keras").write_bytes((SAMPLES / "sine_lstm.keras").read_bytes()[:9000])
    assert "cut short" in said(capsys, "show", str(tmp_path / "m.keras"))


def test_plain_hdf5_is_arrays_and_not_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["train_set_x"] = np.zeros((5, 4, 4, 3), np.uint8)
        file["train_set_y"] = np.zeros(5, np.int64)
    assert main(["show", str(tmp_path / "d.h5")]) == 0
    shown = capsys.readouterr().out
    assert "an HDF5 file of arrays, not a Keras model" in shown and "train_set_x (5, 4, 4, 3) uint8" in shown
    assert "quantised" not in shown and "parameter" not in shown and "weights without" not in shown
    assert "nothing to compute" in said(capsys, "trace", str(tmp_path / "d.h5"), "-i", "1")
    for mark, words in (("pandas_type", "pandas"), ("_NCProperties", "NetCDF")):
        with h5py.File(tmp_path / "d.h5", "a") as file:
            file.require_group("df").attrs[mark] = "frame"
        assert main(["show", str(tmp_path / "d.h5")]) == 0
        assert words in capsys.readouterr().out
        with h5py.File(tmp_path / "d.h5", "a") as file:
            del file["df"]
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["dense/kernel"] = np.ones((2, 2), np.int8)
    assert main(["show", str(tmp_path / "w.h5")]) == 0
    shown = capsys.readouterr().out
    assert "weights without an architecture" in shown and "quantised" not in shown


def test_names_are_whole_with_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"transformer/encoder/layer_._{n}/attention/self/{'x' * 80}/query/kernel:0" for n in (0, 1)]
    build.legacy(tmp_path / "w.h5", None, {"bert": {name: build.numbers(2, 2) for name in names}})
    assert main(["show", str(tmp_path / "w.h5"), "--full"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name.removesuffix(':0')} (2, 2)" in shown for name in names)


@pytest.mark.parametrize("holder", ["a.h5", "a.keras", "a.json"])
def test_the_architecture_of_a_whole_model_serves_for_config(tmp_path: Path, holder: str) -> None:
    arrays = {"d": build.dense_arrays("d/", 2, 2)}
    build.legacy(tmp_path / "w.h5", None, arrays)
    if holder == "a.h5":
        build.legacy(tmp_path / holder, MODEL, {"d": build.dense_arrays("d/", 2, 2, seed=9)})
    elif holder == "a.keras":
        build.archive(tmp_path / holder, MODEL, build.numbered("layers/dense", build.numbers(2, 2, seed=9), build.numbers(2)))
    else:
        (tmp_path / holder).write_text(json.dumps(MODEL))
    model = weightlens.load(tmp_path / "w.h5", tmp_path / holder)
    kernel, bias = arrays["d"]["d/kernel:0"], arrays["d"]["d/bias:0"]
    assert np.allclose(model.predict([[1, 2]])[0], [1, 2] @ kernel + bias)
    with pytest.raises(weightlens.UnreadableModel, match="no architecture"):
        weightlens.load(tmp_path / "w.h5", tmp_path / "w.h5")


def test_a_class_of_ones_own_is_not_asked_for_its_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = {"module": "mine", "class_name": "MyModel", "config": {"name": "mine"}, "registered_name": "mine>MyModel"}
    path = build.archive(tmp_path / "m.keras", config, build.numbered("dense", build.numbers(2, 2), build.numbers(2)))
    error = said(capsys, "predict", str(path), "-i", "0,1")
    assert "MyModel" in error and "--config" not in error


def test_two_gigabytes_that_begin_like_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "m.json").open("wb") as file:
        file.write(b"{")
        file.truncate(2**31)
    assert "2,147,483,648 bytes" in said(capsys, "show", str(tmp_path / "m.json"))
    assert "2,147,483,648 bytes" in said(capsys, "show", str(SAMPLES / "or.h5"), "--config", str(tmp_path / "m.json"))


def test_members_that_overlap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = packed({f"{n}.h5": b"x" * 1000 for n in range(3)}, zipfile.ZIP_STORED)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        second = file.getinfo("1.h5").header_offset
    entry = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    (tmp_path / "m.keras").write_bytes(data[: entry + 42] + (second - 500).to_bytes(4, "little") + data[entry + 46 :])
    for options in ((), ("--tree",)):
        assert "members overlap" in said(capsys, "show", str(tmp_path / "m.keras"), *options)
