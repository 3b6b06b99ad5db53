"""Training: gradients against central differences, epochs against Keras, workbooks against spreadsheet programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.cases import turn
from tests.conftest import SAMPLES
from tests.workbook.probe import probe
from weightlens.checks import check_workbook
from weightlens.errors import BadInput, WorkbookTooLarge
from weightlens.spreadsheet.cell_values import read_book
from weightlens.spreadsheet.recalculate import recalculate
from weightlens.training import prepare, recipe_of
from weightlens.training.epoch import Epoch
from weightlens.training.gradients import NoGradient
from weightlens.training.losses import LOSSES, find_loss
from weightlens.training.optimizers import find_optimizer
from weightlens.training.record import Recipe, record_epoch
from weightlens.workbook.training.training_book import write_training_book

RNG = np.random.default_rng(5)
X, KERNEL = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 3))
TABLE = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])

# One network function for every rule of the gradient table; each reads z = x @ kernel, each gives (3, ...) numbers.
RULES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "arithmetic": lambda x, w, z: (z + 1) * (z - 2) / (z**2 + 3) - z**3.0,
    "exponentials": lambda x, w, z: np.exp(-z) + np.log(1 + np.square(z)) + np.expm1(0.1 * z) + np.log1p(np.abs(z)),
    "roots and waves": lambda x, w, z: np.sqrt(2 + np.sin(z)) + np.cos(z),
    "squashing": lambda x, w, z: 1.0 / (1.0 + np.exp(np.minimum(-z, 700.0))) + np.tanh(z) + np.reciprocal(2 + np.square(z)),
    "choices": lambda x, w, z: np.maximum(z, 0.0) + np.minimum(z, 0.3) + np.where(z > 0.1, z, 0.2 * z),
    "larger and smaller": lambda x, w, z: np.maximum(z, x[:, :3]) + np.minimum(z, x[:, :3]),
    "reductions": lambda x, w, z: np.sum(z, axis=1, keepdims=True) * np.mean(z, axis=0) + np.max(z, axis=1, keepdims=True) - np.min(z),
    "moves": lambda x, w, z: (
        np.concatenate([np.flip(z, 1), np.pad(z, ((0, 0), (1, 2)))[:, 1:4], np.repeat(z[:, :1], 2, axis=1)], axis=1) ** 2
    ),
    "windows": lambda x, w, z: np.lib.stride_tricks.sliding_window_view(z, 2, axis=1).reshape(3, 4) @ w,
    "products": lambda x, w, z: np.einsum("ab,cb->ac", z, w) @ w + np.matmul(np.stack([z, z]), w[:3])[1],
    "lookup": lambda x, w, z: np.take(w, np.minimum(np.abs(np.floor(x[:, 0])), 3.0).astype(int), axis=0) ** 2,
}


def after(epoch: Epoch, epochs: int) -> dict[str, np.ndarray]:
    """Every weight after so many epochs, by layer/name."""
    *_, last = epoch.replay(epochs)
    return {f"{t.layer}/{t.weight.name}": np.asarray(last[id(t.now)]) for t in epoch.trained}


@pytest.mark.parametrize("name", RULES)
def test_gradients_equal_central_differences(name: str) -> None:
    function = RULES[name]
    with probe(lambda x, w, step: function(x, w["kernel"], x @ w["kernel"]), X, kernel=KERNEL) as model:
        targets = RNG.normal(size=function(X, KERNEL, X @ KERNEL).shape)
        epoch = record_epoch(model, [X], targets, Recipe(find_loss("mse"), find_optimizer("sgd"), 1.0))
    gradient = KERNEL - after(epoch, 1)["probe/kernel"]

    def loss(kernel: np.ndarray) -> float:
        return float(np.mean((function(X, kernel, X @ kernel) - targets) ** 2))

    for index in np.ndindex(KERNEL.shape):
        tiny = np.zeros_like(KERNEL)
        tiny[index] = 1e-6
        assert gradient[index] == pytest.approx((loss(KERNEL + tiny) - loss(KERNEL - tiny)) / 2e-6, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", LOSSES)
def test_slopes_of_losses_equal_central_differences(name: str) -> None:
    t, y, tiny = np.array([0.0, 1.0, 1.0]), np.array([0.3, 0.6, 0.8]), 1e-6
    loss = LOSSES[name]
    expected = (loss.value(t, y + tiny) - loss.value(t, y - tiny)) / (2 * tiny)
    assert loss.slope(t, y) == pytest.approx(expected, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in ("half_mean_squared_error", "categorical_crossentropy")])
def test_losses_are_keras_s_where_they_bend_and_end(name: str, keras64: Any) -> None:
    """At the margin of a hinge, at the corner of an absolute error, at shares of 0 and 1, beyond them."""
    import tensorflow as tf

    ends = (-2.0, -1.0, 0.0, 1e-9, 0.3, 1 - 1e-9, 1.0, 2.0)
    t, y = np.array([[[target], [output]] for target in (0.0, 1.0) for output in ends]).transpose(1, 0, 2)
    with tf.GradientTape() as tape:
        tape.watch(outputs := tf.constant(y))
        values = keras64.losses.get(name)(tf.constant(t), outputs)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(LOSSES[name].value(t, y)[:, 0], values, rtol=1e-9, atol=1e-8)  # Keras has ln 2 in single precision
        np.testing.assert_allclose(LOSSES[name].slope(t, y), tape.gradient(values, outputs), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "known"),
    [("MeanSquaredError", "mean_squared_error"), ("LogCosh", "log_cosh"), ("logcosh", "log_cosh"), ("mae", "mean_absolute_error")],
)
def test_a_loss_goes_by_all_of_its_names(name: str, known: str) -> None:
    assert find_loss(name) is LOSSES[known]


def networks(keras: Any) -> dict[str, tuple[Any, str, np.ndarray, np.ndarray]]:
    """Small networks: their layers, a loss, inputs, targets."""
    k = keras.layers
    image, sequence = RNG.normal(size=(4, 5, 5, 2)), RNG.normal(size=(4, 3, 2))
    tokens, one_hot, column = np.array([[0, 2], [1, 0], [2, 2], [0, 1]]), np.eye(3)[[0, 2, 1, 0]], np.array([[0.0], [1], [1], [0]])
    return {
        "dense": ([k.Dense(4, activation="tanh"), k.Dense(1, activation="sigmoid")], "binary_crossentropy", TABLE, column),
        "softmax": ([k.Dense(3), k.Activation("softmax")], "categorical_crossentropy", TABLE, one_hot),
        "softmax, binary": ([k.Dense(3, activation="softmax")], "binary_crossentropy", TABLE, one_hot),
        "relu, dropout, frozen normalization": (
            [k.Dense(4, activation="relu"), k.Dropout(0.0), k.BatchNormalization(trainable=False), k.Dense(3)],
            "huber",
            TABLE,
            one_hot,
        ),
        "convolution": (
            [k.Conv2D(2, 2, activation="relu"), k.MaxPooling2D(2), k.Flatten(), k.Dense(1)],
            "mean_squared_error",
            image,
            column,
        ),
        "embedding": ([k.Embedding(3, 2), k.Flatten(), k.Dense(1)], "mean_squared_error", tokens, column),
        "recurrent": ([k.LSTM(2), k.Dense(3, activation="softmax")], "categorical_crossentropy", sequence, one_hot),
    }


def trained_by_keras(
    keras: Any, layers: list[Any], loss: str, optimizer: Any, x: np.ndarray, t: np.ndarray, epochs: int, batch: int, saved: Path
) -> Any:
    model = keras.Sequential([keras.Input(x.shape[1:]), *layers])
    keras.utils.set_random_seed(3)
    for number, variable in enumerate(model.variables):  # not by its path, which counts the layers made before
        numbers = np.random.default_rng(number).normal(0, 0.3, variable.shape)
        variable.assign(1 + numbers**2 if "variance" in variable.path else numbers)
    model.save(saved)
    model.compile(optimizer=optimizer, loss=loss)
    for _ in range(epochs):
        for start in range(0, len(x), batch):
            model.train_on_batch(x[start : start + batch], t[start : start + batch])
    return model


NETWORKS = ["dense", "softmax", "softmax, binary", "relu, dropout, frozen normalization", "convolution", "recurrent", "embedding"]


@pytest.mark.parametrize("name", turn(NETWORKS, 2))
def test_training_is_what_keras_does(name: str, keras64: Any, tmp_path: Path) -> None:
    layers, loss, x, t = networks(keras64)[name]
    model = trained_by_keras(keras64, layers, loss, keras64.optimizers.SGD(0.1), x, t, 20, len(x), tmp_path / "start.keras")
    epoch = prepare(weightlens.load(tmp_path / "start.keras"), [x], t, loss=loss, optimizer="sgd", rate=0.1)
    compare(model, after(epoch, 20))
    report = check_workbook(write_training_book(epoch, 3, tmp_path / "book.xlsx"), engine="ironcalc", tolerance=1e-9)
    assert report.ok, str(report)


OPTIMIZERS = {
    "sgd": lambda o: o.SGD(0.1),
    "momentum": lambda o: o.SGD(0.1, momentum=0.9),
    "nesterov": lambda o: o.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda o: o.RMSprop(0.1),
    "adagrad": lambda o: o.Adagrad(0.1),
    "adam": lambda o: o.Adam(0.1),
}


@pytest.mark.parametrize("name", turn(list(OPTIMIZERS), 2))
def test_optimizers_are_keras_s(name: str, keras64: Any, tmp_path: Path) -> None:
    """In batches, the last of them smaller; with all samples at once they are in ``test_combinations.py``."""
    (layers, loss, x, t), batch = networks(keras64)["dense"], 3
    model = trained_by_keras(keras64, layers, loss, OPTIMIZERS[name](keras64.optimizers), x, t, 50, batch, tmp_path / "start.keras")
    epoch = prepare(weightlens.load(tmp_path / "start.keras"), [x], t, loss=loss, optimizer=name, rate=0.1, batch=batch)
    compare(model, after(epoch, 50))
    write_training_book(epoch, 50, tmp_path / "book.xlsx")
    report = check_workbook(tmp_path / "book.xlsx", engine="ironcalc", tolerance=1e-9)
    assert report.ok, str(report)


def compare(model: Any, ours: dict[str, np.ndarray]) -> None:
    theirs = [variable.numpy() for variable in model.trainable_variables]
    for mine, keras_s in zip(ours.values(), theirs, strict=True):
        assert mine == pytest.approx(keras_s, rel=1e-9, abs=1e-12)


def xor(**options: Any) -> Epoch:
    model = weightlens.load(SAMPLES / "xor_sigmoid.h5")
    inputs = np.column_stack([TABLE, np.ones(4)])
    return prepare(model, [inputs], np.array([[0.0], [1], [1], [0]]), loss="half_mse", optimizer="sgd", rate=1.0, seed=1, **options)


@pytest.mark.slow
def test_xor_by_hand_is_learned() -> None:
    epoch = xor()
    losses = [float(row[id(epoch.loss)]) for row in epoch.replay(5000)]
    assert losses[-1] < 0.01 < losses[0]
    assert float(row_of(epoch, 5000)[id(epoch.accuracy)]) == 1.0


def row_of(epoch: Epoch, number: int) -> dict[int, Any]:
    """What an epoch left."""
    *_, last = epoch.replay(number)
    return last


@pytest.mark.parametrize("engine", ["libreoffice", "gnumeric", "ironcalc"])
def test_every_engine_computes_the_history(engine: str, tmp_path: Path) -> None:
    write_training_book(xor(), 50, tmp_path / "xor.xlsx")
    report = check_workbook(tmp_path / "xor.xlsx", engine=engine)
    assert report.ok, str(report)


def test_the_learning_rate_cell_moves_the_whole_history(tmp_path: Path) -> None:
    epoch = xor()
    write_training_book(epoch, 30, tmp_path / "xor.xlsx")
    place = read_book(tmp_path / "xor.xlsx").names["learning_rate"].rpartition("!")[2].replace("$", "")
    book = recalculate(tmp_path / "xor.xlsx", "ironcalc", {("Data", place): 0.25})
    *_, last = epoch.replay(30, rate=0.25)
    sheet, _, area = book.names["loss_history"].rpartition("!")
    end = area.replace("$", "").split(":")[-1]
    assert book.sheets[sheet.strip("'")][end] == pytest.approx(float(last[id(epoch.loss)]), rel=1e-12)


def test_a_dead_relu_learns_nothing() -> None:
    model = weightlens.load(SAMPLES / "relu_neuron.h5")
    for weight in model.weights.values():
        weight._value = np.full(weight.shape, -1.0)  # below zero for every input: the relu lets nothing through
    epoch = prepare(model, [np.array([[1.0], [2.0]])], np.array([[0.0], [2.0]]), loss="mse", optimizer="sgd", rate=0.1)
    assert all((value == -1.0).all() for value in after(epoch, 5).values())
    assert not any(np.any(step.value) for step in epoch.trace.steps if step.name == "delta")


def test_what_cannot_be_trained_is_refused(tmp_path: Path) -> None:
    with probe(lambda x, w, step: np.sort(x @ w["kernel"]), X, kernel=KERNEL) as model, pytest.raises(NoGradient, match="sort"):
        record_epoch(model, [X], X[:, :3], Recipe(find_loss("mse"), find_optimizer("sgd"), 1.0))
    with pytest.raises(BadInput, match="loss 'nonsense' is not one of"):
        find_loss("nonsense")
    with pytest.raises(BadInput, match="optimizer"):
        find_optimizer("lion")
    with pytest.raises(BadInput, match="epsilon 'x', which is no number"):
        find_optimizer("adam", {"epsilon": "x"})
    many = np.zeros((2000, 3))
    with pytest.raises(WorkbookTooLarge, match="columns"):
        write_training_book(prepare(weightlens.load(SAMPLES / "xor_sigmoid.h5"), [many], many[:, :1]), 1, tmp_path / "no.xlsx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("stated", [
    {"optimizer": 5}, {"optimizer": [1]}, {"optimizer": {"class_name": ["SGD"], "config": 3}}, {"loss": 5}, {"loss": [[1]]},
    {"loss": {"config": [1], "class_name": [3]}},
])  # fmt: skip
def test_settings_of_the_wrong_type_are_not_stated(stated: dict) -> None:
    found = recipe_of(weightlens.Model("m", "Sequential", [], training_config=stated))
    assert (found.loss, found.optimizer, found.options) == (None, None, {})


MAZUR = {  # https://mattmazur.com/2015/03/17/a-step-by-step-backpropagation-example: weight -> its place here, and its value after a step
    "w1": ("hidden/kernel", (0, 0), "0.149780716"), "w2": ("hidden/kernel", (1, 0), "0.19956143"),
    "w3": ("hidden/kernel", (0, 1), "0.24975114"), "w4": ("hidden/kernel", (1, 1), "0.29950229"),
    "w5": ("output/kernel", (0, 0), "0.35891648"), "w6": ("output/kernel", (1, 0), "0.408666186"),
    "w7": ("output/kernel", (0, 1), "0.511301270"), "w8": ("output/kernel", (1, 1), "0.561370121"),
}  # fmt: skip


def digits_of(value: float, printed: str) -> str:
    """A number with as many decimals as a printed one."""
    return f"{value:.{len(printed.partition('.')[2])}f}"


def mazur() -> Epoch:
    """The first step of his example; the mean of two squared errors is his sum of their halves."""
    return prepare(weightlens.load(SAMPLES / "mazur.h5"), [[0.05, 0.10]], np.array([[0.01, 0.99]]), loss="mse", rate=0.5)


def test_the_published_example_to_its_last_digit() -> None:
    epoch = mazur()
    assert digits_of(float(epoch.loss.value), "0.298371109") == "0.298371109"
    steps = {(step.layer, step.name): step.made.value for step in epoch.trace.steps}
    assert digits_of(steps["hidden", "activation"][0, 0], "0.593269992") == "0.593269992"
    assert [digits_of(y, "0.751365070") for y in steps["output", "activation"][0]] == ["0.751365070", "0.772928465"]
    assert digits_of(steps["output", "delta"][0, 0], "0.138498562") == "0.138498562"
    assert digits_of(steps["output", "gradient of kernel"][0, 0], "0.082167041") == "0.082167041"
    assert digits_of(steps["hidden", "gradient of kernel"][0, 0], "0.000438568") == "0.000438568"
    new = after(epoch, 1)
    for weight, (name, index, printed) in MAZUR.items():
        assert digits_of(new[name][index], printed) == printed, weight


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["ironcalc", pytest.param("libreoffice", marks=pytest.mark.office("libreoffice"))])
def test_the_published_example_in_a_sheet(engine: str, tmp_path: Path) -> None:
    book = recalculate(write_training_book(mazur(), 1, tmp_path / "book.xlsx"), engine)
    kernel_1, _, kernel_2, _ = np.split(book.block("weights_final").ravel(), [4, 6, 10])
    found = {"hidden/kernel": kernel_1.reshape(2, 2), "output/kernel": kernel_2.reshape(2, 2)}
    for weight, (name, index, printed) in MAZUR.items():
        assert digits_of(found[name][index], printed) == printed, weight
    assert digits_of(float(book.block("loss_history").ravel()[0]), "0.298371109") == "0.298371109"


def test_gradients_and_new_weights_have_the_axes_of_their_weights() -> None:
    trace = mazur().trace
    named = {(step.layer, step.name): trace.axes.named(step.made).words for step in trace.steps}
    assert named["output", "gradient of kernel"] == named["output", "new kernel"] == ("from unit", "unit")
    assert named["hidden", "gradient of kernel"] == ("feature", "unit") and named["output", "delta"] == ("sample", "unit")
