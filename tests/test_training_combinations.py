"""Every loss with every optimizer, on the sample models in turn: fifty epochs by Keras, NumPy, and each spreadsheet program.

Keras runs in double precision, once for each combination; the workbooks of all of them are recalculated in one go. The
samples take turns so that each meets every loss and every optimizer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from weightlens.checks.book import Book, read_book
from weightlens.checks.recalculate import available, recalculate_all
from weightlens.checks.workbook import compare_sheet
from weightlens.training import prepare
from weightlens.training.book import write_training_book
from weightlens.training.epoch import Epoch
from weightlens.training.losses import LOSSES

SAMPLES = Path(__file__).parent.parent / "sample_models"
NAMES = ("or", "and", "xor_relu", "xor_sigmoid", "relu_neuron")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam")
EPOCHS, RATE, SEED = 50, 0.02, 3
TOLERANCE = 1e-12
NORMALIZING = ("rmsprop", "adagrad", "adam")  # a gradient over its own size: near 0 that enlarges the last digit of every sum


@dataclass(frozen=True)
class Combination:
    """One training: a sample, a loss, an optimizer."""

    sample: str
    loss: str
    optimizer: str

    def __str__(self) -> str:
        return f"{self.sample}-{self.loss}-{self.optimizer}"

    def epoch(self) -> Epoch:
        """The recorded epoch, from seeded weights."""
        data = np.loadtxt(SAMPLES / f"{self.sample}_data.csv", delimiter=",", skiprows=1, ndmin=2)
        targets = np.eye(2)[data[:, -1].astype(int)] if self.sample in ("or", "and") else data[:, -1:]
        model = weightlens.load(SAMPLES / f"{self.sample}.h5")
        return prepare(model, [data[:, :-1]], targets, loss=self.loss, optimizer=self.optimizer, rate=RATE, seed=SEED)


def combinations() -> Iterator[Combination]:
    for i, loss in enumerate(LOSSES):
        for j, optimizer in enumerate(OPTIMIZERS):
            names = NAMES[:2] if loss == "categorical_crossentropy" else NAMES[:4] if loss == "poisson" else NAMES
            yield Combination(names[(i + j) % len(names)], loss, optimizer)


def by_keras(keras: Any, case: Combination, epoch: Epoch) -> list[np.ndarray]:
    """The weights after Keras's own training on the same numbers."""
    import tensorflow as tf

    source = weightlens.load(SAMPLES / f"{case.sample}.h5")
    layers = [keras.Input(epoch.trace.inputs[0].shape[1:])]
    for layer in source.layers:
        config = layer.config
        if layer.class_name == "Dense":
            layers.append(keras.layers.Dense(config["units"], activation=config["activation"], use_bias=config["use_bias"]))
        elif layer.class_name == "Activation":
            layers.append(keras.layers.Activation(config["activation"]))
    model = keras.Sequential(layers)
    model.set_weights([t.now.value for t in epoch.trained])
    makers = {
        "sgd": lambda o: o.SGD(RATE),
        "momentum": lambda o: o.SGD(RATE, momentum=0.9),
        "nesterov": lambda o: o.SGD(RATE, momentum=0.9, nesterov=True),
        "rmsprop": lambda o: o.RMSprop(RATE),
        "adagrad": lambda o: o.Adagrad(RATE),
        "adam": lambda o: o.Adam(RATE),
    }
    optimizer = makers[case.optimizer](keras.optimizers)
    half = case.loss == "half_mean_squared_error"
    loss = keras.losses.get("mean_squared_error" if half else case.loss)
    x, t = tf.constant(epoch.trace.inputs[0].value), tf.constant(epoch.targets.value)

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            total = tf.reduce_mean(loss(t, model(x, training=True))) * (0.5 if half else 1.0)
        optimizer.apply(tape.gradient(total, model.trainable_variables), model.trainable_variables)

    optimizer.build(model.trainable_variables)
    for _ in range(EPOCHS):
        step()
    return [variable.numpy() for variable in model.trainable_variables]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[Combination, Path]:
    """Workbooks in which each sample, each loss and each optimizer occurs."""
    folder = tmp_path_factory.mktemp("training")
    chosen = [case for n, case in enumerate(combinations()) if n % len(OPTIMIZERS) == n // len(OPTIMIZERS) % len(OPTIMIZERS)]
    return {case: write_training_book(case.epoch(), EPOCHS, folder / f"{case}.xlsx") for case in chosen}


@pytest.mark.parametrize("case", list(combinations()), ids=str)
def test_numpy_trains_as_keras_does(case: Combination, keras64: Any) -> None:
    epoch = case.epoch()
    *_, last = epoch.replay(EPOCHS)
    for mine, theirs in zip(epoch.trained, by_keras(keras64, case, epoch), strict=True):
        assert last[id(mine.now)] == pytest.approx(theirs, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("engine", available())
def test_workbooks_train_as_numpy_does(engine: str, books: dict[Combination, Path]) -> None:
    computed = recalculate_all(list(books.values()), engine)
    for (case, path), book in zip(books.items(), computed, strict=True):
        assert isinstance(book, Book), f"{case}: {book}"
        stored, epoch = read_book(path), case.epoch()
        row = compare_sheet("History", stored, book, 1e-10 if case.optimizer in NORMALIZING else TOLERANCE)
        assert row.ok, f"{case}: {row}"
        *_, last = epoch.replay(EPOCHS)
        expected = np.concatenate([np.ravel(last[id(t.now)]) for t in epoch.trained])
        assert book.block("weights_final") == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE), case
        assert len(book.block("loss_history")) == EPOCHS + 1
