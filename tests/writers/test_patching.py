"""``weightlens patch``: the numbers that were named are set, and nothing else changes in the file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import jsonschema
import numpy as np
import pytest

import weightlens
from tests.conftest import INPUTS
from tests.tiny import BIAS, KERNEL, write_tiny
from weightlens.cli.main import main
from weightlens.errors import BadInput
from weightlens.writers.patching import patch_model

SCHEMA = json.loads((Path(__file__).resolve().parent.parent.parent / "docs" / "output.schema.json").read_text())
CNN = next(path for path in INPUTS if path.stem == "digits_cnn")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "tiny.h5")


@pytest.mark.parametrize(
    ("wanted", "kernel", "bias"),
    [
        (["dense/kernel[0,1]=0.5"], [[1.5, 0.5], [0.25, 1]], BIAS),
        (["dense/kernel[-1,-1] = -3e2"], [[1.5, -2], [0.25, -300]], BIAS),
        (["dense/bias=7,8"], KERNEL, [7, 8]),
        (["dense/bias=0"], KERNEL, [0, 0]),
        (["dense/kernel[:,0]=0"], [[0, -2], [0, 1]], BIAS),
        (["dense/kernel[1]=5,6"], [[1.5, -2], [5, 6]], BIAS),
        (["dense/kernel=[[1,2],[3,4]]"], [[1, 2], [3, 4]], BIAS),
        (["dense/bias=0", "dense/bias[1]=2", "dense/kernel[0,0]=9"], [[9, -2], [0.25, 1]], [0, 2]),
        (["dense/kernel[0,1]=-2"], KERNEL, BIAS),
    ],
)
def test_what_is_set(wanted: list[str], kernel: Any, bias: Any, tiny: Path, tmp_path: Path) -> None:
    before = tiny.read_bytes()
    patched = patch_model(tiny, wanted, tmp_path / "new.h5")
    layer = weightlens.load(tmp_path / "new.h5")["dense"]
    assert (layer.kernel.tolist(), layer.bias.tolist()) == (kernel, bias)
    assert tiny.read_bytes() == before and (tmp_path / "new.h5").stat().st_size == len(before)
    assert len(patched.changes) == np.sum(np.array(kernel) != KERNEL) + np.sum(np.array(bias) != BIAS)
    assert all(change.old != change.new for change in patched.changes)


def test_of_many_changes_the_first_are_listed_and_the_others_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    large = write_tiny(tmp_path / "large.h5", kernel=np.ones((2, 3000), "float32"), bias=np.ones(3000))
    patched = patch_model(large, ["dense/kernel=2", "dense/bias=0"], tmp_path / "new.h5")
    assert len(patched.changes) == 1000 and patched.more == 8000 and patched.lines[-1] == "... and 8,980 more"
    layer = weightlens.load(tmp_path / "new.h5")["dense"]
    assert (layer.kernel == 2).all() and (layer.bias == 0).all()
    assert main(["patch", str(large), "--set", "dense/kernel=2", "-o", str(tmp_path / "other.h5"), "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    jsonschema.validate(said, SCHEMA)
    assert len(said["changes"]) == 1000 and said["more"] == 5000


def test_only_these_bytes_differ(tiny: Path, tmp_path: Path) -> None:
    patch_model(tiny, ["dense/kernel[0,1]=0.5"], tmp_path / "new.h5")
    old, new = (np.frombuffer(path.read_bytes(), np.uint8) for path in (tiny, tmp_path / "new.h5"))
    [first, *rest] = np.flatnonzero(old != new)
    assert all(place < first + 4 for place in rest)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_every_sample_model_takes_every_weight(path: Path, tmp_path: Path) -> None:
    model, new = weightlens.load(path), tmp_path / f"new{path.suffix}"
    for name, weight in model.weights.items():
        place = ",".join("0" * len(weight.shape))
        patch_model(path, [f"{name}[{place}]=0.625"], new, force=True)
        changed = weightlens.load(new)
        wanted = weight.value.copy()
        wanted[(0,) * wanted.ndim] = 0.625
        for other, there in changed.weights.items():
            np.testing.assert_array_equal(there.value, wanted if other == name else model.weights[other].value)


def test_an_archive_keeps_its_other_members(tmp_path: Path) -> None:
    new = tmp_path / "new.keras"
    patch_model(CNN, ["conv/bias=0"], new)
    with zipfile.ZipFile(CNN) as old_zip, zipfile.ZipFile(new) as new_zip:
        assert old_zip.namelist() == new_zip.namelist()
        changed = [name for name in old_zip.namelist() if old_zip.read(name) != new_zip.read(name)]
    assert changed == ["model.weights.h5"]


BAD = [
    ("dense/kernel[0,1]", "write for example"),
    ("=1", "write for example"),
    ("dense/kernl=1", "did you mean 'dense/kernel'?"),
    ("dense/kernel[0,1]=x", "'x' is not a number"),
    ("dense/kernel[0,1]=", "is not a number"),
    ("dense/kernel[0,1]=__import__('os')", "is not a number"),
    ("dense/kernel[0,1]=NaN", "not a finite number"),
    ("dense/kernel[0,1]=-Infinity", "not a finite number"),
    ("dense/kernel[0,1]=true", "not a finite number"),
    ('dense/kernel[0,1]="1"', "not a finite number"),
    ("dense/kernel[0,1]=1e40", "too large for float32"),
    ("dense/kernel[0,1]=1" + "0" * 400, "not a finite number"),
    ("dense/kernel[0,1]=1,2", "2 numbers, but the part of dense/kernel that is set has one"),
    ("dense/bias=1,2,3", "3 numbers, but the part of dense/bias that is set has 2"),
    ("dense/kernel=1,2,3,4", "has 2 x 2"),
    ("dense/kernel=[[1,2],[3]]", "not a finite number"),
    ("dense/kernel[]=1", "not an index"),
    ("dense/kernel[0,9]=1", "no index 9"),
    ("dense/kernel[0,0,0]=1", "3 parts"),
    ("dense/kernel[5:]=1", "there is nothing at this place"),
    ("dense=1", "there is no weight 'dense'"),
]


@pytest.mark.parametrize(("wanted", "says"), BAD)
def test_what_does_not_fit_is_one_line_and_nothing_is_written(
    wanted: str, says: str, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["patch", str(tiny), "--set", "dense/bias=1", "--set", wanted, "-o", str(tmp_path / "new.h5")]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.h5"]


def test_integers_are_whole_and_in_range(tmp_path: Path) -> None:
    file = write_tiny(tmp_path / "tiny.h5")
    with h5py.File(file, "a") as opened:
        del opened["model_weights/dense/dense/bias"]
        opened["model_weights/dense/dense/bias"] = np.array([1, 2], "uint64")
    patch_model(file, [f"dense/bias={2**64 - 1},0"], tmp_path / "new.h5")
    assert weightlens.load(tmp_path / "new.h5")["dense"].bias.tolist() == [2**64 - 1, 0]
    for wrong in ("0.5", "-1", str(2**64), "1e30"):
        with pytest.raises(BadInput, match="a whole number from 0"):
            patch_model(file, [f"dense/bias[0]={wrong}"], tmp_path / "other.h5")


def test_a_name_with_brackets_or_an_equals_sign(tmp_path: Path) -> None:
    file = write_tiny(tmp_path / "m.h5", name="a=b[0]")
    patch_model(file, ["a=b[0]/bias[1]=3"], tmp_path / "new.h5")
    assert weightlens.load(tmp_path / "new.h5")["a=b[0]"].bias.tolist() == [BIAS[0], 3]


def test_outputs_are_as_safe_as_those_of_import(tiny: Path, tmp_path: Path) -> None:
    for out, says in ((tiny, "in use here"), (tmp_path / "new.keras", "of the kind of"), (tmp_path / "no" / "new.h5", "no folder")):
        with pytest.raises(BadInput, match=says):
            patch_model(tiny, ["dense/bias=0"], out, force=True)
    (tmp_path / "there.h5").write_text("precious")
    with pytest.raises(BadInput, match="--force"):
        patch_model(tiny, ["dense/bias=0"], tmp_path / "there.h5")
    assert (tmp_path / "there.h5").read_text() == "precious"


def test_json(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["patch", str(tiny), "--set", "dense/bias[1]=4", "-o", str(tmp_path / "new.h5"), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, SCHEMA)
    assert found["command"] == "patch" and found["changes"] == [
        {"weight": "dense/bias", "index": [1], "cell": "--set", "old": -1.25, "new": 4.0}
    ]


@pytest.mark.keras
def test_keras_reads_what_was_set(keras: Any, tmp_path: Path) -> None:
    new = tmp_path / "new.keras"
    patch_model(CNN, ["digit/bias=0", "conv/kernel[0,0,0,1]=0.25"], new)
    model = keras.models.load_model(new)
    assert not np.any(model.get_layer("digit").bias.numpy())
    assert model.get_layer("conv").kernel.numpy()[0, 0, 0, 1] == 0.25


def test_a_model_in_several_files(tiny: Path, tmp_path: Path) -> None:
    weightlens.convert(tiny, tmp_path / "web")
    patch_model(tmp_path / "web", ["dense/kernel[1,0]=0.75"], tmp_path / "new")
    layer = weightlens.load(tmp_path / "new")["dense"]
    assert layer.kernel.tolist() == [KERNEL[0], [0.75, KERNEL[1][1]]] and layer.bias.tolist() == BIAS
    assert weightlens.load(tmp_path / "web")["dense"].kernel.tolist() == KERNEL
