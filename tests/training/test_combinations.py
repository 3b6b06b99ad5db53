"""Every loss with every optimizer, on the sample models in turn: fifty epochs by Keras, NumPy, and each spreadsheet program.

Every day each loss with one optimizer, so that all have been asked for in six days. Keras runs in double precision, once for each
combination; their workbooks are recalculated in one go. The samples take turns so that each meets every loss and every optimizer.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import weightlens
from tests.cases import EVERYTHING, TURN
from tests.conftest import SAMPLES
from weightlens.checks.workbook import compare_sheet
from weightlens.recording import Recorded, each
from weightlens.spreadsheet.cell_values import Book, read_book
from weightlens.spreadsheet.recalculate import recalculate_all
from weightlens.training import prepare
from weightlens.training.epoch import Epoch
from weightlens.training.losses import LOSSES
from weightlens.workbook.training.passes import Passes
from weightlens.workbook.training.training_book import write_training_book

NAMES = ("or", "and", "xor_relu", "xor_sigmoid", "relu_neuron")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam")
pytestmark = pytest.mark.slow
EPOCHS, RATE, SEED = 50, 0.02, 3
TOLERANCE = 1e-12


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


def of_the_day() -> list[Combination]:
    """Each loss with one optimizer, tomorrow with the next."""
    many = len(OPTIMIZERS)
    return [case for k, case in enumerate(combinations()) if EVERYTHING or (k - k // many) % many == TURN % many]


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


class Written(NamedTuple):
    """The workbook of a combination, as it was written, and its recorded epoch."""

    path: Path
    stored: Book
    epoch: Epoch


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[Combination, Written]:
    """A workbook of each combination of the day, without the passes of gradient check and loss surface, which have tests of their own."""
    folder, written = tmp_path_factory.mktemp("training"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Passes, "fits", lambda *_: False)
        for case in of_the_day():
            epoch = case.epoch()
            path = write_training_book(epoch, EPOCHS, folder / f"{case}.xlsx")
            written[case] = Written(path, read_book(path), epoch)
    return written


@functools.cache
def replayed(epoch: Epoch, number: type[np.floating[Any]]) -> np.ndarray:
    """All weights after the last epoch, computed in numbers of this kind throughout, constants included.

    Gnumeric computes in the 80-bit numbers of x86 where it was built for them: so do long doubles here. Where a gradient is
    a small difference of large numbers, doubles themselves lose more than the tolerance.
    """

    def wide(thing: Any) -> Any:
        if isinstance(thing, Recorded):
            return now[id(thing)] if id(thing) in now else wide(np.asarray(thing.value))
        if isinstance(thing, np.ndarray) and thing.dtype == np.float64:
            return np.array([number(repr(float(x))) for x in thing.flat], number).reshape(thing.shape)
        return number(repr(float(thing))) if isinstance(thing, float) else thing

    kept: dict[int, Any] = {}
    for count in range(EPOCHS + 1):
        now = {**kept, id(epoch.number): number(count)}
        with np.errstate(all="ignore"):
            for x in (x for x in epoch.program().nodes if x.op is not None):
                now[id(x)] = x.op(*each(wide, x.args), **each(wide, x.kwargs))  # type: ignore[misc]
        kept = {id(t.now): now[id(t.new)] for t in epoch.trained}
        kept |= {id(slot): now[id(t.new_slots[name])] for t in epoch.trained for name, slot in t.slots.items()}
    return np.concatenate([np.ravel(now.get(id(t.now), t.now.value)) for t in epoch.trained])


@pytest.mark.parametrize("case", of_the_day(), ids=str)
def test_numpy_trains_as_keras_does(case: Combination, keras64: Any) -> None:
    epoch = case.epoch()
    *_, last = epoch.replay(EPOCHS)
    for mine, theirs in zip(epoch.trained, by_keras(keras64, case, epoch), strict=True):
        assert last[id(mine.now)] == pytest.approx(theirs, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("engine", ["libreoffice", "gnumeric", "ironcalc"])
def test_workbooks_train_as_numpy_does(engine: str, books: dict[Combination, Written]) -> None:
    for case, book in zip(books, recalculate_all([written.path for written in books.values()], engine), strict=True):
        assert isinstance(book, Book), f"{case}: {book}"
        written = books[case]
        row = compare_sheet("Epochs", written.stored, book, 1e-10)
        assert row.ok, f"{case}: {row}"
        weights = book.block("weights_final")
        expected = (replayed(written.epoch, number).astype(np.float64) for number in (np.float64, np.longdouble))
        assert any(weights == pytest.approx(numbers, rel=TOLERANCE, abs=TOLERANCE) for numbers in expected), case
        assert len(book.block("loss_history")) == EPOCHS + 1
