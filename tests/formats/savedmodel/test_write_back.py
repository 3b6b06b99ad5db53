"""Changed numbers in a SavedModel: their bytes differ afterwards, and the checksums that guard them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.formats.savedmodel.build import VALUE, Files, saved, tarred, written, zipped
from tests.formats.savedmodel.examples import X, nested, stack
from tests.formats.savedmodel.test_bundle import DATA, INDEX
from tests.formats.test_foreign import said
from weightlens.cli.main import main
from weightlens.formats.savedmodel.leveldb import rows
from weightlens.formats.write_back import write_back
from weightlens.model import Weight


def contents(path: Path) -> Files:
    """The files of a folder or a zip."""
    if path.is_dir():
        return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}
    with zipfile.ZipFile(path) as archive:
        return {name.removeprefix("m/"): archive.read(name) for name in archive.namelist()}


def changed(path: Path, name: str = "a/kernel") -> tuple[dict[str, tuple[Weight, np.ndarray]], np.ndarray]:
    """The last number of a weight changed."""
    weight = weightlens.load(path).weights[name]
    value = weight.value.copy()
    value[-1, -1] = 0.75
    return {name: (weight, value)}, value


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_only_the_number_and_its_checksums_differ(tmp_path: Path, form: str) -> None:
    files = saved(stack()) | {"assets/words.txt": b"x\ny\n", "fingerprint.pb": b"\x08\x01"}
    old, new = (tmp_path / "m", tmp_path / "n") if form == "folder" else (tmp_path / "m.zip", tmp_path / "n.zip")
    if form == "folder":
        (written(old, files) / "empty").mkdir()
    else:
        old.write_bytes(zipped(files))
    change, value = changed(old)
    write_back(old, new, change)
    model = weightlens.load(new)
    np.testing.assert_array_equal(model["a"].kernel, value)
    np.testing.assert_array_equal(model["d"].kernel, weightlens.load(old)["d"].kernel)
    before, after = contents(old), contents(new)
    assert {name for name in before if before[name] != after[name]} == {DATA, INDEX} and before.keys() == after.keys()
    for name, most in ((DATA, 4), (INDEX, 8)):  # a float32; a checksum in an entry, and that of its block
        assert len(before[name]) == len(after[name])
        assert 0 < sum(x != y for x, y in zip(before[name], after[name], strict=True)) <= most
    keys = [row.key for row, other in zip(rows(before[INDEX]), rows(after[INDEX]), strict=True) if row.value != other.value]
    assert keys == [f"layer-0/kernel{VALUE}".encode()]
    assert form == "zip" or (new / "empty").is_dir()


def test_what_is_changed_is_what_is_read(tmp_path: Path) -> None:
    """Of an archive with a SavedModel and the weights of a ``.keras`` file beside it the SavedModel is read."""
    old = tmp_path / "m.zip"
    old.write_bytes(zipped(saved(stack())))
    with zipfile.ZipFile(old, "a") as archive:
        archive.writestr("model.weights.h5", b"other weights")
    change, value = changed(old)
    write_back(old, tmp_path / "n.zip", change)
    np.testing.assert_array_equal(weightlens.load(tmp_path / "n.zip")["a"].kernel, value)


def test_several_numbers_in_one_block_of_the_index(tmp_path: Path) -> None:
    old = written(tmp_path / "m", saved(nested(), shards=2))
    change = {name: found for key in ("inner/second/kernel", "both/forward_layer/kernel") for name, found in changed(old, key)[0].items()}
    write_back(old, tmp_path / "n", change)
    model = weightlens.load(tmp_path / "n")
    for name, (_, value) in change.items():
        np.testing.assert_array_equal(model.weights[name].value, value)


def test_a_word_list_of_the_model_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = written(tmp_path / "m", saved(stack()) | {"assets/words.txt": b"x", "assets.extra/deep/words.txt": b"y"})
    for words in ("assets/words.txt", "assets.extra/deep/words.txt"):
        assert "in use here" in said(capsys, "show", str(model), "-o", str(model / words), "--force")


def test_an_edited_workbook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, book = written(tmp_path / "m", saved(stack())), tmp_path / "m.xlsx"
    weightlens.export(weightlens.load(old), book, X)
    workbook = openpyxl.load_workbook(book)
    sheet, cells = next(workbook.defined_names["w_d_bias"].destinations)
    first = np.ravel(np.array(workbook[sheet][cells], object))[0]
    first.value = 0.5
    workbook.save(book)
    assert main(["import", str(book), str(old), "-o", str(tmp_path / "n")]) == 0
    assert "d/bias [0]" in capsys.readouterr().out
    assert weightlens.load(tmp_path / "n")["d"].bias[0] == 0.5
    assert main(["diff", str(old), str(tmp_path / "n")]) == 1


def test_what_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, book = written(tmp_path / "m", saved(stack())), tmp_path / "m.xlsx"
    weightlens.export(weightlens.load(old), book, X)
    (tmp_path / "there").mkdir()
    for out, words in (("there", "exists already"), ("m", "exists already"), ("m/n", "inside the model itself"), ("no/n", "no folder")):
        assert words in said(capsys, "import", str(book), str(old), "-o", str(tmp_path / out), "--force")
    (tmp_path / "m.tar").write_bytes(tarred(saved(stack()), mode="w"))
    assert "SavedModel (folder or .zip)" in said(capsys, "import", str(book), str(tmp_path / "m.tar"), "-o", str(tmp_path / "n.tar"))
    assert {path.name for path in tmp_path.iterdir()} == {"m", "m.xlsx", "m.tar", "there"} and not list((tmp_path / "there").iterdir())


def test_damaged_numbers_are_not_copied_silently(tmp_path: Path) -> None:
    old = written(tmp_path / "m", saved(stack()))
    change, _ = changed(old)
    data = bytearray((old / DATA).read_bytes())
    data[-1] ^= 1
    (old / DATA).write_bytes(data)
    write_back(old, tmp_path / "n", change)
    with pytest.raises(weightlens.UnreadableModel, match="checksum"):
        weightlens.load(tmp_path / "n")["d"].kernel  # noqa: B018 - reading is the point
