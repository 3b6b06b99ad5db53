"""Settings of a file that change how Keras trains: computed as Keras does, or refused by name; those that change nothing are passed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.cases import turn
from weightlens.errors import BadInput
from weightlens.training.recipe import as_in_prediction

RNG = np.random.default_rng(5)
X, COLUMN, ONE_HOT = RNG.normal(size=(6, 3)), np.array([[0.0], [1], [1], [0], [1], [0]]), np.eye(3)[[0, 2, 1, 0, 1, 2]]
Made = tuple[list[Any], dict[str, Any]]  # layers, and what ``compile`` is given

COMPUTED: dict[str, Callable[[Any], Made]] = {
    "logits of one": lambda k: ([k.layers.Dense(1)], {"loss": k.losses.BinaryCrossentropy(from_logits=True)}),
    "logits of several": lambda k: ([k.layers.Dense(3)], {"loss": k.losses.CategoricalCrossentropy(from_logits=True)}),
    "logits of a sigmoid": lambda k: ([k.layers.Dense(1, "sigmoid")], {"loss": k.losses.BinaryCrossentropy(from_logits=True)}),
    "numbered classes": lambda k: ([k.layers.Dense(3)], {"loss": k.losses.SparseCategoricalCrossentropy(from_logits=True, name="mine")}),
    "in a list": lambda k: ([k.layers.Dense(1, "sigmoid")], {"loss": [k.losses.BinaryCrossentropy()]}),
    "in capitals": lambda k: ([k.layers.Dense(1)], {"loss": "MSE"}),
    "a function": lambda k: ([k.layers.Dense(1)], {"loss": k.losses.mean_absolute_error}),
    "an optimizer's options": lambda k: ([k.layers.Dense(1)], {"loss": "mse", "optimizer": k.optimizers.SGD(0.05, 0.8, nesterov=True)}),
    "options of Adam": lambda k: ([k.layers.Dense(1)], {"loss": "mse", "optimizer": k.optimizers.Adam(0.1, 0.7, 0.9, epsilon=0.01)}),
    "options of RMSprop": lambda k: ([k.layers.Dense(1)], {"loss": "mse", "optimizer": k.optimizers.RMSprop(0.1, 0.6, epsilon=0.01)}),
    "options of Adagrad": lambda k: ([k.layers.Dense(1)], {"loss": "mse", "optimizer": k.optimizers.Adagrad(0.1, 0.5, epsilon=0.01)}),
    "no penalty": lambda k: ([k.layers.Dense(1, kernel_regularizer=k.regularizers.L1L2(0.0, 0.0))], {"loss": "mse"}),
    "frozen": lambda k: ([k.layers.Dense(2, kernel_constraint="non_neg", trainable=False), k.layers.Dense(1)], {"loss": "mse"}),
}
REFUSED: dict[str, Callable[[Any], Made]] = {
    "label_smoothing 0.2": lambda k: ([k.layers.Dense(1, "sigmoid")], {"loss": k.losses.BinaryCrossentropy(label_smoothing=0.2)}),
    "reduction sum": lambda k: ([k.layers.Dense(1)], {"loss": k.losses.MeanSquaredError(reduction="sum")}),
    "delta": lambda k: ([k.layers.Dense(1)], {"loss": k.losses.Huber(delta=0.3)}),
    "ignore_class 0": lambda k: ([k.layers.Dense(3, "softmax")], {"loss": k.losses.SparseCategoricalCrossentropy(ignore_class=0)}),
    "loss_weights 3": lambda k: ([k.layers.Dense(1)], {"loss": "mse", "loss_weights": [3.0]}),
    "has kernel_regularizer": lambda k: ([k.layers.Dense(1, kernel_regularizer="l2")], {"loss": "mse"}),
    "has activity_regularizer": lambda k: ([k.layers.Dense(1, activity_regularizer="l1")], {"loss": "mse"}),
    "adds to the loss": lambda k: ([k.layers.Dense(1), k.layers.ActivityRegularization(0.1)], {"loss": "mse"}),
    "has bias_constraint": lambda k: ([k.layers.Dense(1, bias_constraint="non_neg")], {"loss": "mse"}),
    "has lora_rank 1": lambda k: ([adapted(k.layers.Dense(1), 3)], {"loss": "mse"}),
    "has quantization_mode int4": lambda k: ([k.layers.Dense(1, dtype="int4_from_float32")], {"loss": "mse"}),
    "with global_clipnorm": lambda k: ([k.layers.Dense(1)], {"loss": "mse", "optimizer": k.optimizers.SGD(0.1, global_clipnorm=0.1)}),
    "with use_ema": lambda k: ([k.layers.Dense(1)], {"loss": "mse", "optimizer": k.optimizers.SGD(0.1, use_ema=True)}),
}


def in_a_file_of_the_day(names: Iterable[str]) -> list[tuple[str, str]]:
    """Each of the names with one kind of file, tomorrow with the other."""
    return [(name, suffix) for i, name in enumerate(names) for suffix in turn((".keras", ".h5"), 2, i)]


def adapted(layer: Any, units: int) -> Any:
    """A layer with low-rank matrices beside its kernel."""
    layer.build((None, units))
    layer.enable_lora(1)
    return layer


def compiled(keras: Any, made: Made, path: Path) -> Any:
    """A compiled network, saved with seeded weights."""
    network = keras.Sequential([keras.Input((3,)), *made[0]])
    for number, variable in enumerate(network.variables):
        variable.assign(np.random.default_rng(number).normal(0, 0.7, variable.shape))
    network.compile(**{"optimizer": keras.optimizers.SGD(0.1), **made[1]})
    network.save(path)
    return network


@pytest.mark.parametrize(("name", "suffix"), in_a_file_of_the_day(COMPUTED))
def test_what_changes_nothing_or_is_computed(keras: Any, tmp_path: Path, name: str, suffix: str) -> None:
    network = compiled(keras, COMPUTED[name](keras), path := tmp_path / f"m{suffix}")
    targets = COLUMN if network.output_shape[-1] == 1 else ONE_HOT
    for _ in range(20):
        network.train_on_batch(X, targets.argmax(axis=1) if name == "numbered classes" else targets)
    fitted = weightlens.fit(path, X, targets, epochs=20)
    for ours, theirs in zip(fitted.weights.values(), network.trainable_variables, strict=True):
        np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("words", "suffix"), in_a_file_of_the_day(REFUSED))
def test_what_keras_trains_otherwise_is_refused(keras: Any, tmp_path: Path, words: str, suffix: str) -> None:
    network = compiled(keras, REFUSED[words](keras), path := tmp_path / f"m{suffix}")
    with pytest.raises(BadInput, match=words):
        weightlens.fit(path, X, COLUMN if network.output_shape[-1] == 1 else ONE_HOT, epochs=1)


def test_what_normalizes_learns_its_scale_but_not_its_statistics(keras: Any, tmp_path: Path) -> None:
    import tensorflow as tf

    inner = keras.Sequential([keras.layers.BatchNormalization()])
    network = compiled(
        keras, ([inner, keras.layers.BatchNormalization(), keras.layers.Dense(1)], {"loss": "mse"}), path := tmp_path / "m.keras"
    )
    for variable in network.non_trainable_variables:
        variable.assign(1 + np.abs(variable))
    network.save(path)
    for _ in range(5):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((network(X, training=False) - COLUMN) ** 2)
        network.optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
    fitted = weightlens.fit(path, X, COLUMN, epochs=5)
    assert [name.rpartition("/")[2] for name in fitted.weights] == ["gamma", "beta", "gamma", "beta", "kernel", "bias"]
    for ours, theirs in zip(fitted.weights.values(), network.trainable_variables, strict=True):
        np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-4, atol=1e-5)


def test_layers_that_keras_computes_otherwise_in_training_are_named(keras: Any, tmp_path: Path) -> None:
    k = keras.layers
    several = [k.Dense(2), k.SpectralNormalization(k.Dense(3), name="s"), k.BatchNormalization(name="b"), k.Dropout(0.1, name="d")]
    compiled(keras, ([*several, k.BatchNormalization(trainable=False), k.Dropout(0.0)], {"loss": "mse"}), path := tmp_path / "m.keras")
    assert as_in_prediction(weightlens.load(path)) == ["s", "b", "d"]


def test_a_kernel_that_a_file_holds_twice_is_trained_once(keras: Any, tmp_path: Path) -> None:
    k, path = keras.layers, tmp_path / "m.keras"
    compiled(keras, ([k.SpectralNormalization(k.Dense(3, name="d"), name="s"), k.Dense(1, name="out")], {"loss": "mse"}), path)
    fitted = weightlens.fit(path, [[1.0, 2.0, 3.0]], [[1.0]], epochs=1)
    assert set(fitted.weights) == {"s/layer/kernel", "s/layer/bias", "out/kernel", "out/bias"}


def test_files_of_keras_2_name_their_own_optimizers(tf_keras: Any, tmp_path: Path) -> None:
    network = compiled(tf_keras, ([tf_keras.layers.Dense(1)], {"loss": "mse"}), path := tmp_path / "m.h5")
    assert weightlens.load(path).training_config["optimizer_config"]["class_name"] == "Custom>SGD"
    network.fit(X, COLUMN, epochs=3, batch_size=6, verbose=0)
    fitted = weightlens.fit(path, X, COLUMN, epochs=3)
    for ours, theirs in zip(fitted.weights.values(), network.trainable_variables, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-5)


def test_shares_without_a_sigmoid_are_compared_as_keras_2_does(tf_keras: Any, tmp_path: Path) -> None:
    """It adds a little inside the logarithms, which counts where an output is all but 0 or 1."""
    made = [tf_keras.layers.Dense(1, "softsign")], {"loss": "binary_crossentropy", "optimizer": tf_keras.optimizers.SGD(1e-6)}
    network = compiled(tf_keras, made, path := tmp_path / "m.h5")
    network.set_weights([np.full((3, 1), 1e-8), np.array([2e-7])])
    network.save(path)
    network.train_on_batch(X, COLUMN)
    fitted = weightlens.fit(path, X, COLUMN, epochs=1)
    for ours, theirs in zip(fitted.weights.values(), network.trainable_variables, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-5)


def test_rate_that_falls_is_refused(tf_keras: Any, tmp_path: Path) -> None:
    slower = tf_keras.optimizers.legacy.SGD(0.1, decay=0.5)
    compiled(tf_keras, ([tf_keras.layers.Dense(1)], {"loss": "mse", "optimizer": slower}), path := tmp_path / "m.h5")
    with pytest.raises(BadInput, match="with decay"):
        weightlens.fit(path, X, COLUMN, epochs=3)
