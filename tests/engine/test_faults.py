"""What the command line says of files that contradict themselves, and of weights that are no numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.formats.build import dense, dense_arrays, given, layer, legacy, sequential
from weightlens.cli.main import main


@pytest.fixture
def contradicting(tmp_path: Path) -> str:
    """A dense layer of one unit, whose kernel has two columns."""
    config = sequential(given("i", 3), layer("Dense", "out", units=1))
    return str(legacy(tmp_path / "m.h5", config, {"out": dense_arrays("out/", 3, 2)}))


@pytest.mark.parametrize("command", [["trace"], ["predict"], ["check"], ["export", "-o", "book.xlsx"]], ids=lambda c: c[0])
def test_a_contradiction_is_refused(
    command: list[str], contradicting: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([command[0], contradicting, "-i", "1,2,3", *command[1:]]) == 2
    assert "units 1, but the kernel has 2 columns" in capsys.readouterr().err
    assert not (tmp_path / "book.xlsx").exists()


def test_a_contradiction_is_shown_with_the_matrices(contradicting: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", contradicting]) == 0
    shown = capsys.readouterr().out
    assert "Cannot be computed: out: units 1, but the kernel has 2 columns" in shown
    assert "kernel (3, 2) float32" in shown
    assert main(["show", contradicting, "--format", "json"]) == 0
    assert "out: units 1, but the kernel has 2 columns" in json.loads(capsys.readouterr().out)["faults"]


def test_weights_that_are_no_numbers_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arrays = dense_arrays("d/", 3, 2)
    arrays["d/kernel:0"][:] = np.nan
    arrays["d/bias:0"][0] = np.inf
    path = str(legacy(tmp_path / "m.h5", sequential(given("i", 3), dense("d", 2)), {"d": arrays}))
    for command in ("trace", "predict"):
        assert main([command, path, "-i", "1,2,3"]) == 0
        assert "NaN or infinite numbers are in the weights d/kernel (6 of 6), d/bias (1 of 2)" in capsys.readouterr().err
    assert main(["show", path]) == 0
    assert "6 of its 6 numbers are NaN or infinite" in capsys.readouterr().out


def test_nothing_is_said_of_ordinary_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arrays = dense_arrays("d/", 3, 2)
    arrays["d/kernel:0"][:] = 3e38  # their sum is more than a float32 holds
    path = str(legacy(tmp_path / "m.h5", sequential(given("i", 3), dense("d", 2)), {"d": arrays}))
    assert main(["predict", path, "-i", "1,2,3"]) == 0
    assert "NaN" not in capsys.readouterr().err
    assert main(["show", path]) == 0
    assert "Cannot be computed" not in capsys.readouterr().out
