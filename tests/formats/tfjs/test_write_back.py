"""Changed numbers in a TensorFlow.js model: exactly their bytes differ afterwards."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.formats.build import dense, given, sequential
from tests.formats.test_foreign import said
from tests.formats.tfjs.build import ARRAYS, STACK, X, group, listed, model_json, whole, written, zipped
from weightlens.cli.main import main
from weightlens.errors import BadInput
from weightlens.formats import files_of
from weightlens.formats.write_back import write_back

CUTS = (5, 50, 90)


def contents(path: Path) -> dict[str, bytes]:
    """The files of a folder or a zip."""
    if path.is_dir():
        return {file.name: file.read_bytes() for file in path.iterdir()}
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def changed(path: Path, name: str = "a/kernel") -> tuple[dict, np.ndarray]:
    """One number of a weight changed."""
    weight = weightlens.load(path).weights[name]
    value = weight.value.copy()
    value[1, 2] = 0.75
    return {name: (weight, value)}, value


@pytest.mark.parametrize("form", ["folder", "stored", "deflated"])
def test_only_the_bytes_of_the_changed_number_differ(tmp_path: Path, form: str) -> None:
    how = zipfile.ZIP_DEFLATED if form == "deflated" else zipfile.ZIP_STORED
    files = whole(None, None, *CUTS) | {"metadata.json": b'{"labels": ["x", "y"]}'}
    old = written(tmp_path / "m", files) if form == "folder" else zipped(tmp_path / "m.zip", files, how, "m/")
    new = tmp_path / ("n" if form == "folder" else "n.zip")
    change, value = changed(old)
    write_back(old, new, change)
    np.testing.assert_array_equal(weightlens.load(new)["a"].kernel, value)
    before, after = contents(old), contents(new)
    if form == "folder":
        del before["metadata.json"]  # not a part of the model
    assert before.keys() == after.keys()
    ordered = sorted(name for name in before if name.endswith(".bin"))
    one, two = (b"".join(found[name] for name in ordered) for found in (before, after))
    different = [i for i in range(len(one)) if one[i] != two[i]]
    assert len(one) == len(two) and 0 < len(different) <= 4 and max(different) - min(different) < 4
    assert all(before[name] == after[name] for name in before if name not in ordered)


def test_an_edited_workbook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, book = written(tmp_path / "m", whole()), tmp_path / "m.xlsx"
    weightlens.export(weightlens.load(old), book, X)
    edited = openpyxl.load_workbook(book)
    sheet, cell = next(edited.defined_names["w_b_bias"].destinations)
    edited[sheet][cell.replace("$", "").split(":")[0]] = 3.5
    edited.save(book)
    assert main(["import", str(book), str(old), "-o", str(tmp_path / "n")]) == 0
    assert "b/bias [0]" in capsys.readouterr().out
    assert weightlens.load(tmp_path / "n")["b"].bias[0] == 3.5
    assert contents(tmp_path / "n")["model.json"] == contents(old)["model.json"]
    assert "exists already" in said(capsys, "import", str(book), str(old), "-o", str(tmp_path / "n"))
    assert "is in use here" in said(capsys, "import", str(book), str(old), "-o", str(old), "--force")
    assert "name a folder, or its model.json" in said(capsys, "import", str(book), str(old), "-o", str(tmp_path / "n.h5"))
    assert main(["import", str(book), str(old / "model.json"), "-o", str(tmp_path / "n" / "model.json"), "--force"]) == 0
    assert not (tmp_path / "no").exists() and "no folder" in said(capsys, "import", str(book), str(old), "-o", str(tmp_path / "no" / "m"))


def test_a_model_json_of_another_name(tmp_path: Path) -> None:
    old = written(tmp_path / "m", whole()) / "model.json"
    change, value = changed(old.rename(old.with_name("m.web")))
    write_back(old.with_name("m.web"), tmp_path / "n", change)
    np.testing.assert_array_equal(weightlens.load(tmp_path / "n")["a"].kernel, value)


def test_a_model_made_in_memory_is_not_the_one_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(written(tmp_path / "m", whole()))
    assert files_of(".") and files_of(weightlens.Model("made", "Sequential", [])) == []


def test_quantised_weights_are_not_written_back(tmp_path: Path) -> None:
    """float16 is a dtype like any other; whole numbers with a scale are not."""
    data = {"float16": ARRAYS["a/kernel"].astype("<f2").tobytes(), "uint8": bytes(range(12))}
    topology = sequential(given("i", 3), dense("a", 4, use_bias=False))
    for stored, raw in data.items():
        entry = listed("a/kernel", ARRAYS["a/kernel"], quantization={"dtype": stored, "scale": 1, "min": 0})
        old = written(tmp_path / stored, {"model.json": model_json(topology, [{"paths": ["w.bin"], "weights": [entry]}]), "w.bin": raw})
        change, value = changed(old)
        if stored == "float16":
            write_back(old, tmp_path / "new", change)
            np.testing.assert_array_equal(weightlens.load(tmp_path / "new")["a"].kernel, value)
        else:
            with pytest.raises(BadInput, match="cannot be written back"):
                write_back(old, tmp_path / "other", change)
            assert not (tmp_path / "other").exists()


def test_nothing_is_left_after_an_error(tmp_path: Path) -> None:
    entry, files = group(ARRAYS)
    old = written(tmp_path / "m", {"model.json": model_json(STACK, [entry]), **files})
    change, _ = changed(old)
    (tmp_path / "n").mkdir()
    (tmp_path / "n" / "group1-shard1of1.bin").write_bytes(b"somebody's")
    with pytest.raises(BadInput, match="exists already"):
        write_back(old, tmp_path / "n", change)
    assert contents(tmp_path / "n") == {"group1-shard1of1.bin": b"somebody's"}


def test_changes_of_a_page_go_to_a_folder_that_is_there(tmp_path: Path) -> None:
    old, changes, new = written(tmp_path / "m", whole()), tmp_path / "changes.json", tmp_path / "n"
    bias = float(weightlens.load(old)["b"].bias[0])
    entry = {"weight": "b/bias", "index": [0], "old": bias, "new": 3.5}
    changes.write_text(json.dumps({"format": "weightlens changes", "changes": [entry]}))
    new.mkdir()
    assert main(["import", str(changes), str(old), "-o", str(new)]) == 0
    assert weightlens.load(new)["b"].bias[0] == 3.5
    assert main(["import", str(changes), str(old), "-o", str(new)]) == 2
    assert main(["import", str(changes), str(old), "-o", str(old), "--force"]) == 2
