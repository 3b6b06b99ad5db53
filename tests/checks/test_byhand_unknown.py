"""Mistakes that are not in the list: none is named for them that the numbers do not bear out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.conftest import SAMPLES
from weightlens.checks.by_hand.hand_report import HandReport
from weightlens.errors import BadInput
from weightlens.model import Model

Checked = Callable[..., HandReport]
X = np.array([[[0.3, -0.8], [1.2, 0.4], [-0.7, 1.1]], [[-1.4, 0.2], [0.5, 0.9], [0.1, -0.6]]])


def squashed(z: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-z)))


def lstm_states(model: Model, slip: str) -> list[tuple[str, int, np.ndarray]]:
    """The cell and hidden states of an LSTM at each time, with a mistake."""
    kernel, recurrent, bias = (weight.value.astype(float) for weight in model["lstm"].weights.values())
    h, c, steps, old = np.zeros((2, 2)), np.zeros((2, 2)), list[tuple[str, int, np.ndarray]](), [np.zeros((2, 2))] * 2
    for t in range(3):
        before = {"state two back": old[-2], "state of the other sample": h[::-1]}.get(slip, h)
        i, f, g, o = np.split(X[:, t] @ kernel + before @ recurrent + bias, 4, axis=1)
        kept = {"cell state not kept": 0 * c, "no forget gate": c / squashed(f)}.get(slip, c)
        new = squashed(f) * kept + squashed(i) * np.tanh(g)
        h = squashed(o) * np.tanh(c if slip == "old cell state" else new)
        c, old = new, [*old, h]
        steps += [("cell state", t, c), ("hidden state", t, h)]
    return steps


@pytest.fixture(scope="module")
def lstm(tmp_path_factory: pytest.TempPathFactory, keras: Any) -> Model:
    """A forget gate that a relu in place of its sigmoid would close: what goes into it is below 0, at the second time."""
    path = tmp_path_factory.mktemp("lstm") / "lstm.keras"
    network = keras.Sequential([keras.Input((3, 2)), keras.layers.LSTM(2, name="lstm")])
    rng = np.random.default_rng(4)
    kernel, recurrent, bias = (rng.normal(0, 0.7, weight.shape) for weight in network.weights)
    kernel[:, 2:4], recurrent[:, 2:4], bias[2:4] = [[-1.5, -1.2], [1.0, 0.9]], 0.1, 0.2
    network.set_weights([kernel, recurrent, bias])
    network.save(path)
    return weightlens.load(path)


@pytest.mark.parametrize(
    "slip", ["", "old cell state", "cell state not kept", "state two back", "state of the other sample", "no forget gate"]
)
@pytest.mark.parametrize("digits", [3, 5])
def test_unknown_mistakes_in_an_lstm_are_given_no_name(slip: str, digits: int, lstm: Model, checked: Checked) -> None:
    lines = ["layer,step,time,sample,unit,value"]
    for name, t, numbers in lstm_states(lstm, slip):
        lines += [f"lstm,{name},{t},{i},{j},{v:.{digits}f}" for i, row in enumerate(numbers) for j, v in enumerate(row)]
    report = checked(lstm, X, "\n".join(lines))
    assert report.ok is not bool(slip)
    assert [e.words for e in report.explanations if not e.harmless] == []


def test_of_two_mistakes_that_give_the_same_numbers_both_are_said(tmp_path: Path, keras: Any, checked: Checked) -> None:
    """Where all sums are above 0, a relu does what no activation does."""
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, "tanh", name="d")])
    network.set_weights([np.array([[0.5, 0.7], [0.3, 0.9]]), np.array([0.1, 0.2])])
    network.save(tmp_path / "m.keras")
    x = np.array([[1.0, 2.0], [0.5, 1.5]])
    sums = x @ np.array([[0.5, 0.7], [0.3, 0.9]]) + np.array([0.1, 0.2])
    summary = checked(weightlens.load(tmp_path / "m.keras"), x, "\n".join(",".join(f"{v:.3f}" for v in row) for row in sums)).summary
    assert "the tanh was left out in d" in summary and "relu was applied in d instead of tanh, which gives these numbers as well" in summary


def test_a_single_row_with_its_number_says_so(checked: Checked) -> None:
    model = weightlens.load(SAMPLES / "mazur.h5")
    with pytest.raises(BadInput, match="if the first, 0, is the number of the row, leave it out"):
        checked(model, np.array([[0.05, 0.1]]), "0,0.15,-0.5")
