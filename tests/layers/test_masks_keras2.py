"""Masks as Keras 2 hands them on, which differs from Keras 3 in places: against tf_keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.cases.recurrent import gaps
from tests.cases.sequence import tokens
from weightlens.checks.oracle import quiet_tensorflow

Build = Callable[..., Any]

CASES: dict[str, tuple[Build, list[tuple[int, ...]]]] = {
    "initial states do not hide the mask": (
        lambda k, x, h, c: k.LSTM(3, return_sequences=True)(k.Masking()(x), initial_state=[h, c]),
        [(4, 2), (3,), (3,)],
    ),
    "bidirectional with initial states": (
        lambda k, x, a, b: k.Bidirectional(k.GRU(3, return_sequences=True))(k.Masking()(x), initial_state=[a, b]),
        [(4, 2), (3,), (3,)],
    ),
    "rescaling loses it": (lambda k, x: k.GRU(2, return_sequences=True)(k.Rescaling(2.0)(k.Masking()(x))), [(4, 2)]),
    "time distributed embedding and lstm": (
        lambda k, x: k.GRU(2)(k.TimeDistributed(k.LSTM(2))(k.TimeDistributed(k.Embedding(6, 3, mask_zero=True))(x))),
        [(4, 5)],
    ),
    "time distributed dense": (lambda k, x: k.GRU(2)(k.TimeDistributed(k.Dense(3))(k.Masking()(x))), [(4, 2)]),
    "two masks added": (lambda k, x, y: k.GRU(2)(k.Add()([k.Masking()(x), k.Masking()(y)])), [(4, 2), (4, 2)]),
    "concatenated with none": (
        lambda k, x: k.GRU(2)(k.Concatenate()([k.Embedding(6, 3, mask_zero=True)(x), k.Embedding(6, 3)(x)])),
        [(4,)],
    ),
    "stacked cells": (
        lambda k, x: k.RNN(k.StackedRNNCells([k.LSTMCell(3), k.GRUCell(2)]), return_sequences=True)(k.Masking()(x)),
        [(4, 2)],
    ),
    "softmax": (lambda k, x: k.Softmax()(k.Rescaling(0.3)(x), mask=x > 1), [(4,)]),
    "softmax of nothing": (lambda k, x: k.Softmax()(k.Rescaling(0.3)(x), mask=x > 9), [(4,)]),
    "softmax as an activation": (lambda k, x: k.Dense(3, activation=k.Softmax())(k.Masking()(x)), [(4, 2)]),
    "time first": (lambda k, x: k.LSTM(3, time_major=True, return_sequences=True, go_backwards=True)(x), [(4, 2)]),
}


@pytest.mark.parametrize("name", CASES)
def test_masks_of_keras_2(name: str, tmp_path: Path, tf_keras: Any) -> None:
    build, shapes = CASES[name]
    rng = np.random.default_rng(3)
    with quiet_tensorflow():
        tensors = [tf_keras.Input(shape) for shape in shapes]
        model = tf_keras.Model(tensors, build(tf_keras.layers, *tensors))
        for weight in model.weights:
            weight.assign(rng.normal(0, 0.5, weight.shape))
        data = gaps if shapes[0] == (4, 2) else tokens
        inputs = [data(rng, (3, *shape)).astype("float32") for shape in shapes]
        expected = np.asarray(model(inputs if len(inputs) > 1 else inputs[0]))
        model.save(tmp_path / "model.h5")
    (ours,) = weightlens.load(tmp_path / "model.h5").predict(inputs)
    np.testing.assert_allclose(ours, expected, atol=1e-6)
