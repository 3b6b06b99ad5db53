"""The check against Keras: right networks are right in every precision and however they are nested, and a wrong weight is always seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import weightlens
from tests.cases import turn
from weightlens.checks import check
from weightlens.checks.keras import keras_contradicts_itself, rounding_explains
from weightlens.checks.oracle import quiet_tensorflow
from weightlens.cli.main import main
from weightlens.formats.weights.bare import assume_dense_stack
from weightlens.report import Row


def adapted(k: Any) -> Any:
    normal = k.layers.Normalization()
    normal.adapt(np.random.default_rng(0).normal(3, 2, (50, 3)).astype("float32"))
    return k.Sequential([k.Input((3,)), normal, k.layers.Dense(2)])


def words(k: Any) -> Any:
    look = k.layers.StringLookup(output_mode="multi_hot")
    look.adapt(["a", "b", "b", "c"])
    given = k.Input((2,), dtype="string")
    return k.Model(given, k.layers.Dense(1)(look(given)))


def half(k: Any) -> Any:
    layers = [k.layers.Dense(8, activation="relu", dtype="mixed_float16"), k.layers.BatchNormalization(dtype="mixed_float16")]
    return k.Sequential([k.Input((4,)), *layers, k.layers.Dense(3, dtype="float32")])


def brain(k: Any) -> Any:
    return k.Sequential([k.Input((5, 3)), k.layers.LSTM(4, dtype="mixed_bfloat16"), k.layers.Dense(2, dtype="float32")])


def chaos(k: Any) -> Any:
    """Deep, and each layer makes the rounding of the one before it larger: 1e-4 in float32, 1e-12 in float64."""
    wide = [k.initializers.RandomNormal(stddev=0.5, seed=seed) for seed in range(30)]
    layers = [k.layers.Dense(32, activation="tanh", kernel_initializer=w) for w in wide]
    return k.Sequential([k.Input((32,)), *layers, k.layers.Dense(1, kernel_initializer=wide[0])])


def masked_inside(k: Any) -> Any:
    sequence = k.Input((5, 3))
    inner = k.Model(sequence, k.layers.LSTM(2, name="lstm")(sequence), name="inner")
    given = k.Input((5,), dtype="int32")
    return k.Model(given, k.layers.Dense(1, name="out")(inner(k.layers.Embedding(6, 3, mask_zero=True, name="e")(given))))


def twice(k: Any) -> Any:
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(3, name="d")], name="inner")
    middle = k.Sequential([k.Input((4,)), inner], name="middle")
    a, b = k.Input((4,)), k.Input((4,))
    return k.Model([a, b], k.layers.Subtract(name="minus")([middle(a), middle(b)]))


NETWORKS: dict[str, tuple[Callable[[Any], Any], set[str], str]] = {  # what is compared, and what the notes say
    "adapted": (adapted, set(), ""),
    "words": (words, set(), ""),
    "half": (half, set(), "and 2 more layers in float16"),
    "brain": (brain, set(), "in bfloat16"),
    "chaos": (chaos, set(), "only rounding"),
    "masked inside": (masked_inside, {"e", "inner/lstm", "out"}, ""),
    "twice": (twice, {"middle/inner/d", "middle #2/inner/d", "minus"}, ""),
}


@pytest.mark.parametrize("name", turn(list(NETWORKS), 2))
def test_right_networks_are_right_and_wrong_weights_are_seen(keras: Any, tmp_path: Path, name: str) -> None:
    build, layers, said = NETWORKS[name]
    with quiet_tensorflow():
        build(keras).save(tmp_path / "m.keras")
    model = weightlens.load(tmp_path / "m.keras")
    report = check(model)
    assert report.ok, report.summary
    assert {row.layer for row in report.rows} >= layers
    assert sum(row.witness.endswith("float64") for row in report.rows) * 2 == len(report.rows)
    assert said in " ".join(report.notes) if said else not report.notes
    kernel = [weight for weight in model.weights.values() if weight.name.endswith("kernel")][-1]
    kernel._value = np.asarray(kernel.value) + np.float32(0.01)
    assert not check(model).ok


def test_a_network_of_keras_2_in_low_precision(tmp_path: Path, tf_keras: Any) -> None:
    with quiet_tensorflow():
        half(tf_keras).save(tmp_path / "m.h5")
    report = check(weightlens.load(tmp_path / "m.h5"))
    assert report.ok, report.summary
    assert {row.witness.split()[-1] for row in report.rows} == {"float16", "float64"}


def test_an_assumed_stack_is_built_in_keras(keras: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    choose = np.random.default_rng(0)
    with h5py.File(tmp_path / "bare.h5", "w") as file:
        for name, shape in {"a": (3, 4), "a_bias": (4,), "b": (4, 2), "b_bias": (2,)}.items():
            file[name] = choose.normal(size=shape).astype("float32")
    command = ["check", str(tmp_path / "bare.h5"), "--assume", "dense:tanh,softmax"]
    assert main(command) == 0
    assert "Keras was given the stack dense:tanh,softmax" in " ".join(capsys.readouterr().out.split())
    model = assume_dense_stack(weightlens.load(tmp_path / "bare.h5"), "dense:tanh,softmax")
    assert [row.layer for row in check(model).rows] == ["dense_1", "dense_2"] * 2


ROW = Row("d", "Dense", (1,), "Keras 3 float32", 1e-3, 1e-3, "[0]", 1e-5, precision="float32")
EXACT = replace(ROW, witness="Keras 3 float64", precision="float64", worst_relative=1e-15, tolerance=1e-9)


def test_few_digits_are_excused_by_many_only() -> None:
    row, note = rounding_explains(ROW, [EXACT])
    assert row.ok and "only rounding" in note
    for twins in ([], [replace(EXACT, worst_relative=1e-8)], [replace(EXACT, layer="other")]):
        assert rounding_explains(ROW, twins) == (ROW, "")
    assert not rounding_explains(replace(ROW, worst_relative=np.inf), [EXACT])[0].ok


@pytest.mark.parametrize("kind", ["LayerNormalization", "UnitNormalization"])
def test_beyond_the_range_of_float32_is_not_only_rounding(keras: Any, tmp_path: Path, kind: str) -> None:
    """The square of 1e30 is infinite in float32, and what is divided by it 0."""
    given = keras.Input((4,))
    with quiet_tensorflow():
        keras.Model(given, getattr(keras.layers, kind)(name="n")(given)).save(tmp_path / "m.keras")
    report = check(weightlens.load(tmp_path / "m.keras"), [[1e30, -2e30, 3e30, 4e30]])
    assert report.ok and "only rounding" not in " ".join(report.notes)
    assert any("float32 has no right digit here, from rounding or beyond its range" in note for note in report.notes)


def test_float64_is_excused_by_the_float32_of_the_file_only() -> None:
    off, right = replace(EXACT, worst_relative=1e-3), replace(ROW, worst_relative=1e-7)
    row, note = keras_contradicts_itself(off, [right], 1e-5)
    assert row.ok and "Keras in float64 is 1.0e-03" in note
    for twins in ([], [ROW], [replace(right, excused=True)], [replace(right, precision="float16")]):
        assert keras_contradicts_itself(off, twins, 1e-5) == (off, "")
