"""A step of a training calculated by hand, in NumPy without weightlens: the mistakes that pupils make are named."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import weightlens
from tests.conftest import SAMPLES
from weightlens.checks.by_hand.compare import check_training_by_hand
from weightlens.checks.by_hand.hand_report import HandReport
from weightlens.cli.train import Training

MAZUR, RATE = SAMPLES / "mazur.h5", 0.5
Steps = dict[tuple[str, str], np.ndarray]
DATA = "i1,i2,o1,o2\n0.05,0.1,0.01,0.99\n0.9,0.4,0.99,0.01\n"


def squashed(z: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-z)))


def calculate(slip: str) -> Steps:
    """Forward, backward and the update of Mazur's network for two samples, with one mistake."""
    model = weightlens.load(MAZUR)
    w1, b1, w2, b2 = (x.astype(float) for layer in ("hidden", "output") for x in (model[layer].kernel, model[layer].bias))
    table = np.array([line.split(",") for line in DATA.split()[1:]], float)
    x, t = table[:, :2], table[:, 2:]
    z1 = x @ w1 + b1
    z2 = squashed(z1) @ w2 + b2
    a1, a2 = squashed(z1), squashed(z2)
    count = {"sum for mean": 2, "factor of the loss": 8}.get(slip, 4)  # two samples of two outputs
    error = (t - a2 if slip == "sign of the error" else a2 - t) / count
    of = z2 if slip == "derivative elsewhere" else a2
    slope = {"derivative left out": 1.0, "another derivative": 1 - a2**2}.get(slip, of * (1 - of))
    delta2 = error * slope
    kernel2 = (z1 if slip == "before the activation" else a1).T @ delta2
    kernel2 = kernel2.T if slip == "gradient transposed" else kernel2
    back = {"new kernel used": (w2 - RATE * kernel2).T, "kernel not transposed": w2}.get(slip, w2.T)
    delta1 = (delta2 @ back) * a1 * (1 - a1)
    bias2 = delta2.mean(0) if slip == "mean for sum" else delta2.sum(0)
    rate = {"gradient added": -RATE, "learning rate left out": 1.0, "learning rate twice": RATE**2, "another learning rate": RATE / 10}.get(
        slip, RATE
    )
    return {
        ("output", "activation"): a2, ("output", "delta"): delta2, ("hidden", "gradient of activation"): delta2 @ back,
        ("hidden", "gradient of kernel"): x.T @ delta1, ("output", "gradient of kernel"): kernel2, ("output", "gradient of bias"): bias2,
        ("hidden", "new kernel"): (0 if slip == "only the change" else w1) - rate * x.T @ delta1,
        ("output", "new kernel"): (0 if slip == "only the change" else w2) - rate * kernel2,
        ("output", "new bias"): b2 - (0 if slip == "not updated" else rate) * bias2,
    }  # fmt: skip


def report_on(steps: Steps, folder: Path, optimizer: str = "sgd", digits: int = 6) -> HandReport:
    """The steps as a table, checked."""
    lines = ["layer,step,sample,unit,value"]
    for (layer, name), numbers in steps.items():
        lines += [f"{layer},{name},{i},{j},{v:.{digits}f}" for i, row in enumerate(np.atleast_2d(numbers)) for j, v in enumerate(row)]
    (folder / "mine.csv").write_text("\n".join(lines))
    (folder / "data.csv").write_text(DATA)
    asked = Training(str(folder / "data.csv"), "o1,o2", "half_mse", optimizer, RATE, "full", None)
    return check_training_by_hand(asked.record(weightlens.load(MAZUR))[0].trace, str(folder / "mine.csv"))


SLIPS = {
    "sign of the error": "output/delta", "sum for mean": "output/delta", "factor of the loss": "output/delta",
    "derivative elsewhere": "output/delta", "derivative left out": "output/delta", "another derivative": "output/delta",
    "new kernel used": "hidden/gradient of activation", "kernel not transposed": "hidden/gradient of activation",
    "before the activation": "output/gradient of kernel", "gradient transposed": "output/gradient of kernel",
    "mean for sum": "output/gradient of bias", "gradient added": "hidden/new kernel", "learning rate left out": "hidden/new kernel",
    "learning rate twice": "hidden/new kernel", "another learning rate": "hidden/new kernel", "only the change": "hidden/new kernel",
    "not updated": "output/new bias",
}  # fmt: skip


def test_a_right_step_is_right(tmp_path: Path) -> None:
    report = report_on(calculate(""), tmp_path)
    assert report.ok and report.summary == "mine.csv: right to 6 decimals, all 32 numbers in 9 steps"


@pytest.mark.parametrize("slip", SLIPS)
def test_mistakes_in_a_training_are_named(slip: str, tmp_path: Path) -> None:
    """Where they are made, and with the last numbers alone, where another one may lead to the same."""
    steps = calculate(slip)
    report = report_on(steps, tmp_path)
    assert report.first.startswith(f"the first step that differs is {SLIPS[slip]},")
    assert report.explanations[0].kind == slip
    last = report_on({key: numbers for key, numbers in steps.items() if key[1].startswith("new ")}, tmp_path)
    assert not last.ok and slip in {explanation.kind for explanation in last.explanations}


UPDATES = {  # the change of a weight in the first step with a gradient g: as Keras computes it, and with a mistake
    "adam": {
        "": lambda g: -RATE * math.sqrt(0.001) / 0.1 * (0.1 * g) / (np.sqrt(0.001 * g * g) + 1e-7),
        "no bias correction": lambda g: -RATE * 0.1 * g / (np.sqrt(0.001 * g * g) + 1e-7),
        "learning rate left out": lambda g: -math.sqrt(0.001) / 0.1 * (0.1 * g) / (np.sqrt(0.001 * g * g) + 1e-7),
        "plain gradient descent": lambda g: -RATE * g,
    },
    "rmsprop": {
        "": lambda g: -RATE * g / np.sqrt(0.1 * g * g + 1e-7), "no running mean": lambda g: -RATE * g / np.sqrt(g * g + 1e-7),
        "another epsilon": lambda g: -RATE * g / np.sqrt(0.1 * g * g), "no square root": lambda g: -RATE * g / (0.1 * g * g + 1e-7),
    },
    "adagrad": {"": lambda g: -RATE * g / np.sqrt(0.1 + g * g + 1e-7), "no running mean": lambda g: -RATE * g / np.sqrt(g * g + 1e-7)},
    "nesterov": {"": lambda g: 0.9 * -RATE * g - RATE * g, "no look ahead": lambda g: -RATE * g},
    "momentum": {"": lambda g: -RATE * g, "learning rate left out": lambda g: -g, "gradient added": lambda g: RATE * g},
}  # fmt: skip


@pytest.mark.parametrize(("optimizer", "slip"), [(name, slip) for name, slips in UPDATES.items() for slip in slips])
def test_mistakes_with_optimizers_are_named(optimizer: str, slip: str, tmp_path: Path) -> None:
    """The right change of each weight is right, and what was forgotten in the formula is named."""
    right, model = calculate(""), weightlens.load(MAZUR)
    gradients = {key: right[key] for key in right if key[1].startswith("gradient of kernel")}
    steps = gradients | {
        (layer, "new kernel"): model[layer].kernel.astype(float) + UPDATES[optimizer][slip](g) for (layer, _), g in gradients.items()
    }
    report = report_on(steps, tmp_path, optimizer, 7)
    assert report.ok is not bool(slip), report.summary
    assert not slip or report.explanations[0].kind == slip


@pytest.mark.keras
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "adagrad", "nesterov", "momentum"])
def test_the_right_change_is_that_of_keras(optimizer: str) -> None:
    import keras

    momentum = {"momentum": 0.9, "nesterov": optimizer == "nesterov"} if optimizer in ("nesterov", "momentum") else {}
    made = keras.optimizers.get({"class_name": "SGD" if momentum else optimizer, "config": {"learning_rate": RATE, **momentum}})
    weight, gradient = keras.Variable(np.zeros(3)), np.array([0.3, -0.02, 0.7])
    made.apply([keras.ops.convert_to_tensor(gradient, "float32")], [weight])
    np.testing.assert_allclose(np.asarray(weight), UPDATES[optimizer][""](gradient), rtol=1e-5)
