"""What a model records of the file that it came from: the kind, and the Keras that has to open it."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import weightlens
from tests.conftest import SAMPLES
from tests.formats.build import dense, dense_arrays, given, legacy, numbered, numbers, objects, sequential
from tests.formats.savedmodel.build import saved, tarred, zipped
from tests.formats.savedmodel.examples import stack
from tests.formats.test_foreign import said
from tests.formats.tfjs.build import whole
from tests.formats.tfjs.build import zipped as zipped_tfjs


def weights_alone(path: Path) -> Path:
    objects(path, numbered("layers/dense", numbers(2, 2), numbers(2)))
    return path


def arrays(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file["x"] = np.ones(3)
    return path


def saved_model(path: Path) -> Path:
    path.write_bytes(tarred(saved(stack())) if path.suffix == ".gz" else zipped(saved(stack())))
    return path


def test_the_kind_and_the_generation(tmp_path: Path) -> None:
    groups = {"d": dense_arrays("d", 2, 2)}
    for path, known in (
        (SAMPLES / "or.h5", ("hdf5", 3)),
        (SAMPLES / "digits_cnn.keras", ("archive", 3)),
        (legacy(tmp_path / "two.h5", sequential(given("i", 2), dense("d", 2)), groups), ("hdf5", 2)),
        (weights_alone(tmp_path / "alone.weights.h5"), ("weights", 3)),
        (arrays(tmp_path / "arrays.h5"), ("hdf5", None)),
        (saved_model(tmp_path / "m.zip"), ("savedmodel", 2)),
        (saved_model(tmp_path / "m.tar.gz"), ("savedmodel", 2)),
        (zipped_tfjs(tmp_path / "js.zip", whole()), ("tfjs", None)),
    ):
        with weightlens.load(path) as model:
            assert (model.provenance.kind, model.provenance.generation) == known, path.name


def test_a_model_is_no_workbook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, "check", str(SAMPLES / "or.h5"), "--workbook", str(saved_model(tmp_path / "m.tar.gz")))
    assert "not an .xlsx workbook but a model" in told
