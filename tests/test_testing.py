"""The assertions for other people's tests say where and by how much."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import weightlens
from weightlens.testing import assert_models_equal, assert_predictions_match

SAMPLES = Path(__file__).parents[1] / "sample_models"


def changed(by: float) -> weightlens.Model:
    model = weightlens.load(SAMPLES / "or.h5")
    kernel = model["dense"].weights["kernel"]
    kernel._value = kernel.value.copy()
    kernel._value[1, 0] += by
    return model


def test_equal_models_pass_and_a_changed_weight_is_named() -> None:
    assert_models_equal(SAMPLES / "or.h5", SAMPLES / "or.h5")
    assert_models_equal(changed(1e-3), SAMPLES / "or.h5", rtol=1e-3)
    assert_models_equal(changed(1e-3), SAMPLES / "or.h5", atol=2e-3)
    with pytest.raises(AssertionError, match=r"dense/kernel: 1 number differs, most of all \[1, 0\] by 0.5"):
        assert_models_equal(changed(0.5), SAMPLES / "or.h5", rtol=1e-3)
    with pytest.raises(AssertionError, match="only in"):
        assert_models_equal(SAMPLES / "or.h5", SAMPLES / "xor_relu.h5")


def test_predictions() -> None:
    x = [[0, 1], [1, 1]]
    right = weightlens.load(SAMPLES / "or.h5").predict(x)[0]
    assert_predictions_match(SAMPLES / "or.h5", x, right)
    wrong = right.copy()
    wrong[1, 0] += 0.25
    for y, message in (
        (wrong, r"1 of 4 numbers of the prediction are wrong, most of all: output\[1, 0\]"),
        (right[:1], "shape"),
        ([right, right], "2"),
    ):
        with pytest.raises(AssertionError, match=message):
            assert_predictions_match(SAMPLES / "or.h5", x, y)
    with pytest.raises(AssertionError, match="nan"):
        assert_predictions_match(SAMPLES / "or.h5", x, np.full((2, 2), np.nan))
