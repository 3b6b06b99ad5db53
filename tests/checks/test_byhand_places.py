"""Where each number of a calculation by hand belongs: time steps, labels, marks between digits; and what float32 rounding cannot explain.

The right numbers are Keras's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.checks.by_hand import OR, TRUTH_TABLE
from tests.conftest import SAMPLES
from weightlens.checks.by_hand.hand_report import HandReport
from weightlens.errors import BadInput
from weightlens.model import Model

Checked = Callable[..., HandReport]
MAZUR, MAZUR_INPUTS = SAMPLES / "mazur.h5", np.array([[0.05, 0.1], [0.9, 0.4]])


@pytest.fixture(scope="module")
def recurrent(tmp_path_factory: pytest.TempPathFactory, keras: Any) -> tuple[Model, np.ndarray, np.ndarray]:
    """An LSTM, an input of two samples, and all its hidden states by Keras."""
    file = tmp_path_factory.mktemp("recurrent") / "lstm.keras"
    x = np.random.default_rng(0).normal(0, 1, (2, 4, 2)).astype(np.float32)
    entry = keras.Input((4, 2))
    states = keras.layers.LSTM(3, return_sequences=True, name="lstm")(entry)
    last = keras.layers.LSTM(2, name="end")(states)
    network = keras.Model(entry, [states, last])
    for weight in network.weights:
        weight.assign(np.random.default_rng(weight.shape[-1]).normal(0, 0.7, weight.shape))
    network.save(file)
    return weightlens.load(file), x, np.asarray(network(x)[0])


HEAD = "layer,step,time,sample,unit,value\n"


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    ("step", "time"), [("hidden state", "{t}"), ("h", "{t}"), ("hidden state {t}", ""), ("h_{t}", ""), ("output", "{t}")]
)
def test_time_steps_are_told_apart(
    step: str, time: str, first: int, recurrent: tuple[Model, np.ndarray, np.ndarray], checked: Checked
) -> None:
    """By a column or the number behind a name, from 0 or from 1, for the states one by one and for the sequence of them."""
    model, x, states = recurrent

    def text(numbers: np.ndarray) -> str:
        places = [(t, s, u) for t in range(4) for s in range(2) for u in range(3)]
        name, column = (lambda t: step.format(t=t + first)), (lambda t: time.format(t=t + first))
        return HEAD + "\n".join(f"lstm,{name(t)},{column(t)},{s},{u},{numbers[s, t, u]:.4f}" for t, s, u in places)

    assert checked(model, x, text(states)).ok
    wrong = states.copy()
    wrong[1, 2, 0] += 0.1
    report = checked(model, x, text(wrong))
    assert report.first.startswith(
        "the first step that differs is lstm/output, sample 1, time step 2, unit 0"
        if step == "output"
        else "the first step that differs is lstm/hidden state, time 2, sample 1, unit 0"
    )


@pytest.mark.parametrize(("text", "says"), [
    ("layer,step,sample,unit,value\nlstm,hidden state,0,0,0.1", "occurs 4 times: say which, in a column time or as hidden state 0"),
    (f"layer,step,value\nlstm,hidden state {'1' * 5000},0.1", "there is no step 'hidden state 111"),
    (HEAD + "lstm,hidden state,7,0,0,0.1", "lstm/hidden state occurs 4 times, numbered from 0"),
    (HEAD + "lstm,output,4,0,0,0.1\nlstm,output,0,0,0,0.1", "line 2: time 4 of lstm/output, which has 4"),
    (HEAD + "lstm,output,0,2,0,0.1\nlstm,output,0,0,0,0.1", "line 2: sample 2 of lstm/output, but the input .-i. has 2 samples"),
])  # fmt: skip
def test_which_time_step_is_never_guessed(text: str, says: str, recurrent: tuple[Model, np.ndarray, np.ndarray], checked: Checked) -> None:
    with pytest.raises(BadInput, match=says):
        checked(recurrent[0], recurrent[1], text)


def test_a_wrong_row_of_a_table_is_no_float32_rounding(tmp_path: Path, keras: Any, checked: Checked) -> None:
    """A word number is a whole number: rounding never leads to another row."""
    entry = keras.Input((3,))
    y = keras.layers.GlobalAveragePooling1D(name="mean")(keras.layers.Embedding(6, 2, name="words")(entry))
    network = keras.Model(entry, keras.layers.Dense(1, name="end")(y))
    network.save(tmp_path / "words.keras")
    model, x = weightlens.load(tmp_path / "words.keras"), np.array([[1, 2, 5], [4, 3, 3]])
    right = np.asarray(network(x))[:, 0]
    for off in (0.0, 0.0004):
        report = checked(
            model, x, "layer,step,sample,unit,value\n" + "\n".join(f"end,output,{i},0,{v + off:.4f}" for i, v in enumerate(right))
        )
        assert report.ok is not bool(off), report.summary


@pytest.mark.parametrize(("text", "says"), [
    ("1,250\n", "'1,250' may be either of two numbers: write 1.250 or 1250"), ('"1,250"\n', "'1,250' may be either of two numbers"),
    ("1,250\n2,500\n", "'1,250' may be either of two numbers"),
    ("layer;step;unit;value\nneuron;activation;0;1,250", "line 2: '1,250' may be either of two numbers"),
    ("layer;step;unit;value\nneuron;activation;0;~-1,250", "'-1,250' may be either of two numbers"),
    ("layer;step;sample;value\nneuron;activation;0;0,5\nneuron;activation;1;0.5", "line 2: some numbers have a decimal comma, others"),
])  # fmt: skip
def test_a_comma_that_may_part_thousands_is_refused(text: str, says: str, checked: Checked) -> None:
    with pytest.raises(BadInput, match=says):
        checked(weightlens.load(SAMPLES / "relu_neuron.h5"), [[0.5], [2.5]], text)


@pytest.mark.parametrize("text", [
    "layer;step;sample;value\nneuron;activation;0;1,000\nneuron;activation;1;3,0", "1,000\n3,00\n", "1,00\n3\n", "1.000\n3.000\n", "1,3\n",
])  # fmt: skip
def test_a_comma_is_decided_by_the_other_numbers(text: str, checked: Checked) -> None:
    assert checked(weightlens.load(SAMPLES / "relu_neuron.h5"), [[1.5], [2.5]], text).ok


@pytest.mark.parametrize("text", [
    "layer,unit,z,a\nhidden,0,0.3775,0.5933\nhidden,1,0.3925,0.5969", "hidden z;0.3775;0.3925\nhidden a;0.5933;0.5969",
    "layer,step,unit 0,unit 1\nhidden,z,0.3775,0.3925", "sample,pre-activation,activation\n0,1.1059,0.7514",
])  # fmt: skip
def test_other_steps_are_no_outputs(text: str, checked: Checked) -> None:
    """Right numbers of a hidden layer, as wide as the outputs, are not compared with these."""
    with pytest.raises(BadInput, match="is no output of the network; a list of steps has the titles layer, step, sample, unit, value"):
        checked(weightlens.load(MAZUR), MAZUR_INPUTS, text)


@pytest.mark.parametrize(("text", "says"), [
    ("layer,step,sample,unit,value\nhidden,a,0,0,0.5933 V", "'0.5933 V' is not a number; write the number alone: 0.5933"),
    ("hidden z = 0.3775", "'z' is not a number; a list of steps has the titles"),
    ("hidden z: 0.3775 0.3925", "'z:' is not a number; a list of steps"),
    ("sample,z1,a1,z2,a2\n0,0.3,0.5,1.1,0.7", "a row has 5 numbers, but the network has 2 outputs; a list of steps"),
])  # fmt: skip
def test_a_refusal_says_how_to_write_it(text: str, says: str, checked: Checked) -> None:
    with pytest.raises(BadInput, match=says):
        checked(weightlens.load(MAZUR), MAZUR_INPUTS, text)


@pytest.mark.parametrize("text", [
    "| one | 0.988 | 0.012 |\n| two | 0.002 | 0.998 |", "0.98... 0.01...\n0.00... 0.99...", "0,98... 0,01...\n0,00... 0,99...",
    "81/82 1/82\n1/500 499/500", "1 0.98... 0.01...\n2 0.00... 0.99...",
])  # fmt: skip
def test_labels_in_markdown_and_spaces_between_fractions(text: str, checked: Checked) -> None:
    report = checked(weightlens.load(OR), TRUTH_TABLE, text)
    assert not report.first and sum(row.shape[0] for row in report.rows) == 4


def test_the_inputs_before_the_only_output_of_one_sample(checked: Checked) -> None:
    model, x = weightlens.load(SAMPLES / "xor_sigmoid.h5"), [[0, 1, 1]]
    y = float(model.predict(x)[0][0, 0])
    assert checked(model, x, f"0,1,1,{y:.4f}").ok
    assert not checked(model, x, f"0,1,1,{y + 0.01:.4f}").ok


@pytest.mark.parametrize(("kind", "words"), [
    ("order", "the gates were read in another order, in every recurrent layer"),
    ("sum", "the sum was taken instead of the average in mean"),
    ("before", "the hidden state of the time step before the last was taken"),
])  # fmt: skip
def test_mistakes_of_sequences_are_named(kind: str, words: str, tmp_path: Path, keras: Any, checked: Checked) -> None:
    """What Keras gives for a network with the mistake in it, held against the right one."""
    rng, x = np.random.default_rng(1), np.random.default_rng(2).normal(0, 1, (3, 4, 2)).astype(np.float32)

    def network(mean: Any) -> Any:
        entry = keras.Input((4, 2))
        both = keras.layers.Bidirectional(keras.layers.LSTM(2), name="both", merge_mode="concat")
        cut = keras.layers.Bidirectional(keras.layers.LSTM(2, return_sequences=True), name="all")
        pooled = mean(cut(entry))
        return keras.Model(entry, keras.layers.Dense(2, name="end")(keras.layers.Concatenate()([both(entry), pooled])))

    right = network(keras.layers.GlobalAveragePooling1D(name="mean"))
    numbers = [rng.normal(0, 0.7, weight.shape) for weight in right.weights]
    right.set_weights(numbers)
    right.save(tmp_path / "right.keras")
    wrong = network(keras.layers.GlobalAveragePooling1D(name="mean"))
    wrong.set_weights(numbers)
    if kind == "order":  # i, f, o, c
        for weight in wrong.weights:
            if "lstm" in weight.path:
                weight.assign(np.concatenate([np.split(np.asarray(weight), 4, -1)[i] for i in (0, 1, 3, 2)], -1))
    y = np.asarray(wrong(x))
    if kind == "sum":
        kernel = np.asarray(wrong.get_layer("end").kernel)
        pooled = np.asarray(keras.Model(wrong.inputs, wrong.get_layer("mean").output)(x))
        y = y + 3 * pooled @ kernel[-pooled.shape[1] :]
    if kind == "before":
        both, kernel = wrong.get_layer("both"), np.asarray(wrong.get_layer("end").kernel)
        y = y + (np.asarray(both.forward_layer(x[:, :-1])) - np.asarray(both.forward_layer(x))) @ kernel[:2]
    report = checked(weightlens.load(tmp_path / "right.keras"), x, "\n".join(",".join(f"{v:.5f}" for v in row) for row in y))
    assert not report.ok and report.explanations[0].words.startswith(words)
