"""``weightlens export``: what its options do, and what is refused before anything is written."""

from __future__ import annotations

import shlex
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.conftest import SAMPLES
from tests.formats.build import dense, given, legacy, numbered, numbers, objects, sequential
from weightlens.cli.main import main
from weightlens.spreadsheet.cell_values import read_book
from weightlens.spreadsheet.recalculate import installed_engines

OR, MLP = str(SAMPLES / "or.h5"), str(SAMPLES / "digits_mlp.keras")
DIGITS = str(SAMPLES / "digits_mlp.csv")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "book.xlsx"


def test_a_plan_is_printed_and_nothing_written(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", MLP, "-i", DIGITS, "-o", str(out), "--plan"]) == 0
    said = capsys.readouterr().out
    assert not out.exists()
    assert "1 hidden" in said and "formulas; about" in said and "detail steps" in said


def test_the_header_names_the_inputs_and_the_target(out: Path) -> None:
    assert main(["export", MLP, "-i", DIGITS, "--target", "label", "--labels", "0,1,2,3,4,5,6,7,8,9", "-o", str(out)]) == 0
    book = read_book(out)
    assert "p3_4" in book.sheets["Inputs"].values()
    assert 0 <= book.block("accuracy")[0] <= 1


def test_an_exercise(out: Path) -> None:
    assert main(["export", OR, "--blank", "dot product, softmax", "-o", str(out)]) == 0
    assert "score" in read_book(out).names


def test_matrices_only_and_a_switch(out: Path) -> None:
    assert main(["export", OR, "--detail", "weights", "-o", str(out)]) == 0
    assert not read_book(out).formulas["1 dense"].keys() - {"A1", "B1", "C1", "D1", "E1", "F1", "G1", "H1"}
    assert main(["export", OR, "--switch", "-o", str(out), "--force"]) == 0
    assert "use" in read_book(out).names


def test_without_an_architecture_the_matrices_are_written(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = out.with_name("m.weights.h5")
    objects(path, numbered("layers/dense", numbers(3, 2), numbers(2)))
    assert main(["export", str(path), "-o", str(out)]) == 0
    assert "only the matrices are written" in capsys.readouterr().err
    assert np.allclose(read_book(out).block("w_dense_kernel"), numbers(3, 2).ravel(), rtol=1e-7)
    assert main(["export", str(path), "-i", "1,2,3", "-o", str(out), "--force"]) == 2


@pytest.mark.keras
def test_keras_is_the_witness(out: Path) -> None:
    assert main(["export", OR, "--with-keras", "-o", str(out)]) == 0
    sheet = read_book(out).sheets["Check"]
    assert "computed by Keras" in str(sheet["A2"]) and sheet["B4"] == "OK"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target", "label"], "needs -i FILE.csv"),
        (["-i", str(SAMPLES / "or.csv"), "--target", "label"], "no column 'label'"),
        (["--detail", "all"], "steps, layers, weights"),
        (["--blank", "softplus"], "dot product"),
        (["--labels", "a,b,c"], "3 labels"),
        (["-i", "0,1,2"], "2"),
        (["--detail", "weights", "--exercise"], "--exercise: a workbook of matrices alone has no steps"),
        (["--detail", "weights", "--blank", "dot product"], "--blank: a workbook of matrices alone has no steps"),
        (["--detail", "weights", "--switch"], "--switch: a workbook of matrices alone has no steps"),
        (["--detail", "weights", "--neuron"], "--neuron: a workbook of matrices alone has no steps"),
    ],
)
def test_refusals(options: list[str], words: str, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", OR, "-o", str(out), *options]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: ") and words in said and said.count("\n") == 1
    assert not out.exists()


def test_a_single_unit_tells_two_classes_apart(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    neuron = str(SAMPLES / "relu_neuron.h5")
    assert main(["export", neuron, "-o", str(out), "--labels", "a,b,c"]) == 2
    assert "3 labels given, but the output has 1 unit" in capsys.readouterr().err
    assert main(["export", neuron, "-o", str(out), "--labels", "no,yes"]) == 0


@pytest.mark.parametrize(
    "options", [["--config", "b.json"], ["--assume", "dense:tanh,softmax"], [], ["--detail", "weights"], ["--layers", "d2"]]
)
def test_the_command_that_is_printed_works(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the model was opened with, the check that is offered opens it in the same way."""
    monkeypatch.chdir(tmp_path)
    architecture = sequential(given("i", 3), dense("d1", 4, activation="tanh"), dense("d2", 2, activation="softmax"))
    groups = {"d1": {"kernel:0": numbers(3, 4), "bias:0": numbers(4)}, "d2": {"kernel:0": numbers(4, 2), "bias:0": numbers(2)}}
    legacy(tmp_path / "my model.h5", architecture, groups)
    if options[:1] != ["--layers"]:
        with h5py.File(tmp_path / "my model.h5", "r+") as file:
            (tmp_path / "b.json").write_text(file.attrs["model_config"])
            del file.attrs["model_config"]
    assert main(["export", "my model.h5", *options, "-o", "my book.xlsx"]) == 0
    command = shlex.split(capsys.readouterr().out.split("or: ")[1])
    assert command[:2] == ["weightlens", "check"]
    assert main([*command[1:], *(["--engine", "ironcalc"] if "ironcalc" in installed_engines() else [])]) == 0
    assert "OK" in capsys.readouterr().out
