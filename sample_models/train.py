"""Train the sample models, and write an input file beside each: ``python sample_models/train.py``.

Small networks of the tutorials that weightlens grew out of, then real ones on real data. The seed is fixed: the same
machine makes the same numbers again. Needs ``tensorflow`` and ``scikit-learn``.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

FOLDER = Path(__file__).resolve().parent
TRUTH_TABLE = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")


def write_csv(name: str, x: np.ndarray, columns: list[str]) -> None:
    """An input file: one header line, one row per sample."""
    rows = [",".join(f"{value:.9g}" for value in row) for row in x]
    (FOLDER / name).write_text("\n".join([",".join(columns), *rows]) + "\n")


def fit(model: keras.Model, x: np.ndarray, y: np.ndarray, epochs: int) -> None:
    """Train on the few rows of a truth table; 200 of its epochs are one of Keras's, which saves most of the waiting."""
    repeats = 200
    model.fit(np.tile(x, (repeats, 1)), np.tile(y, (repeats, 1)), batch_size=len(x), shuffle=False, epochs=epochs // repeats, verbose=0)


def gate(name: str, outputs: list[int]) -> None:
    """A logical gate as a classification into False and True: one dense layer of two units, then softmax."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2, name="dense"), layers.Activation("softmax", name="softmax")], name=name)
    model.compile(optimizer=keras.optimizers.SGD(0.2), loss="binary_crossentropy", metrics=["accuracy"])
    fit(model, TRUTH_TABLE, np.eye(2, dtype="float32")[outputs], 2000)
    assert (model.predict(TRUTH_TABLE, verbose=0).argmax(axis=1) == outputs).all()
    model.save(FOLDER / f"{name}.h5")
    write_csv(f"{name}.csv", TRUTH_TABLE, ["x0", "x1"])


def xor_relu() -> None:
    """Exclusive or: 2 inputs, 16 rectified units, one sigmoid."""
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [keras.Input((2,)), layers.Dense(16, activation="relu", name="hidden"), layers.Dense(1, activation="sigmoid", name="xor")],
        name="xor_relu",
    )
    model.compile(optimizer="adam", loss="mean_squared_error", metrics=["binary_accuracy"])
    fit(model, TRUTH_TABLE, np.array([[0], [1], [1], [0]], "float32"), 4000)
    assert (model.predict(TRUTH_TABLE, verbose=0).round().ravel() == [0, 1, 1, 0]).all()
    model.save(FOLDER / "xor_relu.h5")
    write_csv("xor_relu.csv", TRUTH_TABLE, ["x0", "x1"])


def xor_sigmoid() -> None:
    """Exclusive or as it is done by hand: a constant 1 as third input instead of a bias, five sigmoids, one sigmoid."""
    keras.utils.set_random_seed(3)
    x = np.hstack([TRUTH_TABLE, np.ones((4, 1), "float32")])
    hidden, output = layers.Dense(5, "sigmoid", use_bias=False, name="hidden"), layers.Dense(1, "sigmoid", use_bias=False, name="xor")
    model = keras.Sequential([keras.Input((3,)), hidden, output], name="xor_sigmoid")
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mean_squared_error")
    fit(model, x, np.array([[0], [1], [1], [0]], "float32"), 40000)
    assert (model.predict(x, verbose=0).round().ravel() == [0, 1, 1, 0]).all()
    model.save(FOLDER / "xor_sigmoid.h5")
    write_csv("xor_sigmoid.csv", x, ["x0", "x1", "one"])


def mazur() -> None:
    """The network of Matt Mazur's "A Step by Step Backpropagation Example", before its first step: nothing is trained here."""
    options = {"activation": "sigmoid", "dtype": "float64"}  # his numbers have nine digits, more than float32 keeps
    model = keras.Sequential(
        [keras.Input((2,), dtype="float64"), layers.Dense(2, name="hidden", **options), layers.Dense(2, name="output", **options)],
        name="mazur",
    )
    model.layers[0].set_weights([np.array([[0.15, 0.25], [0.20, 0.30]]), np.array([0.35, 0.35])])
    model.layers[1].set_weights([np.array([[0.40, 0.50], [0.45, 0.55]]), np.array([0.60, 0.60])])
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss="mean_squared_error")
    model.save(FOLDER / "mazur.h5")
    write_csv("mazur.csv", np.array([[0.05, 0.10]]), ["i1", "i2"])
    write_csv("mazur_data.csv", np.array([[0.05, 0.10, 0.01, 0.99]]), ["i1", "i2", "o1", "o2"])


def relu_neuron() -> None:
    """One rectified neuron that learns f(x) = max(0, 2 (x - 1))."""
    keras.utils.set_random_seed(4)
    x = np.linspace(-2, 4, 25, dtype="float32")[:, None]
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, "relu", kernel_initializer="ones", name="neuron")], name="relu_neuron")
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mean_squared_error")
    fit(model, x, np.maximum(0, 2 * (x - 1)), 4000)
    assert np.allclose(model.layers[0].kernel, 2, atol=1e-3)
    model.save(FOLDER / "relu_neuron.h5")
    write_csv("relu_neuron.csv", x[::4], ["x"])


def digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's 1,797 handwritten digits of 8 x 8 pixels, grey values 0 to 16."""
    pictures, labels = load_digits(return_X_y=True)
    return pictures.astype("float32"), labels


def train_classifier(model: keras.Model, x: np.ndarray, y: np.ndarray, epochs: int) -> None:
    """Train on all but the last 297 digits, and insist on 90 % of those (other writers)."""
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:1500], y[:1500], batch_size=32, epochs=epochs, verbose=0)
    accuracy = model.evaluate(x[1500:], y[1500:], verbose=0)[1]
    print(f"{model.name}: {accuracy:.1%} of the digits that it has not seen")
    assert accuracy > 0.9


def digits_mlp() -> None:
    """Handwritten digits, 64-32-10; the input is the grey value divided by 16."""
    keras.utils.set_random_seed(5)
    x, y = digits()
    model = keras.Sequential(
        [keras.Input((64,)), layers.Dense(32, "relu", name="hidden"), layers.Dense(10, "softmax", name="digit")], name="digits_mlp"
    )
    train_classifier(model, x / 16, y, 60)
    model.save(FOLDER / "digits_mlp.keras")
    write_csv("digits_mlp.csv", np.column_stack([x / 16, y])[-10:], [f"p{i // 8}_{i % 8}" for i in range(64)] + ["label"])


def digits_cnn() -> None:
    """The same digits as pictures: the scaling is part of the model, then convolution, pooling, batch normalisation."""
    keras.utils.set_random_seed(6)
    x, y = digits()
    x = x.reshape(-1, 8, 8, 1)
    stack = [
        keras.Input((8, 8, 1)),
        layers.Rescaling(1 / 16, name="scaling"),
        layers.Conv2D(6, 3, padding="same", activation="relu", name="conv"),
        layers.MaxPooling2D(2, name="pool"),
        layers.Conv2D(8, 3, use_bias=False, name="conv2"),
        layers.BatchNormalization(name="norm"),
        layers.ReLU(name="relu"),
        layers.Flatten(name="flatten"),
        layers.Dropout(0.2, name="dropout"),
        layers.Dense(10, "softmax", name="digit"),
    ]
    model = keras.Sequential(stack, name="digits_cnn")
    train_classifier(model, x, y, 40)
    model.save(FOLDER / "digits_cnn.keras")
    np.save(FOLDER / "digits_cnn.npy", x[-3:])


def sine_lstm() -> None:
    """The next value of a sine wave from the twelve before it."""
    keras.utils.set_random_seed(7)
    wave = np.sin(np.arange(600, dtype="float32") * 0.25)
    x = np.lib.stride_tricks.sliding_window_view(wave, 12)[:-1, :, None].copy()
    y = wave[12:, None]
    model = keras.Sequential([keras.Input((12, 1)), layers.LSTM(4, name="lstm"), layers.Dense(1, name="next")], name="sine_lstm")
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mean_squared_error")
    model.fit(x, y, batch_size=32, epochs=60, verbose=0)
    worst = float(np.abs(model.predict(x, verbose=0) - y).max())
    print(f"sine_lstm: at most {worst:.3f} off")
    assert worst < 0.1
    model.save(FOLDER / "sine_lstm.keras")
    np.save(FOLDER / "sine_lstm.npy", x[:3])


if __name__ == "__main__":
    gate("or", [0, 1, 1, 1])
    gate("and", [0, 0, 0, 1])
    xor_relu()
    xor_sigmoid()
    mazur()
    relu_neuron()
    digits_mlp()
    digits_cnn()
    sine_lstm()
