"""What the notes say a step does: for layers made by Keras, each of a kind; never the words of another kind of layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.attention_file import write_attention
from tests.cases import case
from tests.tiny import write_tiny
from weightlens.words.captions import note
from weightlens.words.explained import explained

Shapes = tuple[tuple[int, ...], ...]

ONE, TWO, PICTURE, SEQUENCE = ((4,),), ((4,), (4,)), ((5, 5, 2),), ((6, 3),)
SAID: list[tuple[str, dict[str, Any], Shapes, str, str]] = [  # a class, its settings, the shapes of its inputs, a step, how its note begins
    ("Add", {}, TWO, "sum", "The numbers of {0} and {1}, added up place by place."),
    ("Subtract", {}, TWO, "difference", "The numbers of {0} less those of {1}, place by place."),
    ("Average", {}, TWO, "average", "At each place the mean of the numbers of {0} and {1}."),
    ("Maximum", {}, TWO, "maximum", "At each place the largest of the numbers of {0} and {1}."),
    ("AveragePooling2D", {"pool_size": 2}, PICTURE, "average", "The mean of the numbers in each window."),
    ("AveragePooling2D", {"pool_size": 2, "padding": "same"}, PICTURE, "average", "The mean of each window: its sum,"),
    ("MaxPooling2D", {"pool_size": 2}, PICTURE, "maximum", "The largest number in each window."),
    ("GlobalAveragePooling2D", {}, PICTURE, "average", "The mean over all rows and columns: one for each channel."),
    ("GlobalMaxPooling1D", {}, SEQUENCE, "maximum", "The largest number over all time steps: one for each"),
    ("Dense", {"units": 2}, ONE, "pre-activation", "The bias is added, one learned number for each unit."),
    ("Dense", {"units": 2, "activation": "relu"}, ONE, "pre-activation", "The bias is added, one learned number for each unit. It moves"),
    ("Conv2D", {"filters": 3, "kernel_size": 2}, PICTURE, "dot product", "Each number in a window is multiplied by its weight, and the"),
    ("Conv2D", {"filters": 3, "kernel_size": 1}, PICTURE, "dot product", "At each place, each channel's number is multiplied by its"),
    ("DepthwiseConv2D", {"kernel_size": 3}, PICTURE, "dot product", "Each channel by itself: each number in a window is"),
    ("Dot", {"axes": 1}, TWO, "dot product", "The numbers of both, multiplied place by place,"),
    ("ReLU", {"max_value": 5}, ONE, "activation", "Keeps positive numbers and turns negative ones into 0; nothing becomes larger"),
    ("ReLU", {"max_value": 6}, ONE, "activation", "Keeps numbers from 0 to 6, turns negative ones into 0 and larger ones into 6."),
    ("RMSNormalization", {}, ONE, "normalized", "Divided by the root mean square"),
    ("LayerNormalization", {}, ONE, "normalized", "Less the mean, divided by the standard deviation: numbers"),
    ("LayerNormalization", {}, ONE, "variance", "The mean of the squares: how far"),
    ("BatchNormalization", {}, ONE, "normalized", "Less the mean, divided by the standard deviation, both as in training"),
    ("LSTM", {"units": 2}, SEQUENCE, "pre-activations", "Input part, part of the previous hidden state and bias, added up: one group"),
    ("SimpleRNN", {"units": 2, "use_bias": False}, SEQUENCE, "pre-activation", "Input part and part of the previous hidden state, added"),
    ("LSTM", {"units": 2}, SEQUENCE, "forget gate", "Between 0 and 1: how much of the old memory is kept."),
    ("GRU", {"units": 2, "recurrent_activation": "relu"}, SEQUENCE, "update gate", "How much of the old state is kept."),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "settings", "shapes", "step", "words"), SAID)
def test_a_note_says_what_this_step_does(kind: str, settings: dict[str, Any], shapes: Shapes, step: str, words: str, keras: Any) -> None:
    made = case(kind, lambda k: getattr(k.layers, kind)(**settings), *shapes)
    trace = weightlens.load(made.model(keras)).trace(made.inputs())
    one = next(each for each in trace.steps if each.name == step)
    assert note(one).startswith(words.format(*trace.input_names))


@pytest.mark.slow
def test_layers_that_are_added_are_no_step_of_a_recurrent_cell(keras: Any) -> None:
    """What an LSTM hands on is its last hidden state: a sum of two of them has no input part."""
    x = keras.Input((3, 2))
    both = [keras.layers.LSTM(2, name=name)(x) for name in ("left", "right")]
    ways = keras.layers.Bidirectional(keras.layers.LSTM(2), merge_mode="sum", name="ways")(x)
    network = keras.Model(x, [keras.layers.Add(name="added")(both), both[0] + 1.0, ways])
    trace = weightlens.load(network).trace(np.ones((1, 3, 2)))
    said = {step.layer: explained(step) for step in trace.steps}  # of the last step of each layer
    assert said["added"] == "The numbers of left and right, added up place by place."
    assert said["ways"] == "The numbers of forward_layer and backward_layer, added up place by place."
    assert "Input part" not in "".join(said.values())
    assert {explained(step) for step in trace["left"] if step.name == "pre-activations"} == {
        "Input part, part of the previous hidden state and bias, added up: one group of columns for each gate."
    }


TOLD = (
    "What the cell tells the next time step; the next layer is told only the last one.",
    "What the cell tells the next layer, once it has read the last time step.",
    "What the cell tells the next time step and the next layer.",
)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("every", [False, True])
def test_a_hidden_state_says_whom_it_is_told(kind: str, masked: bool, every: bool, keras: Any) -> None:
    x = keras.Input((3, 2))
    y = keras.layers.Masking()(x) if masked else x
    network = keras.Model(x, getattr(keras.layers, kind)(2, return_sequences=every, name="cell")(y))
    steps = weightlens.load(network).trace(np.ones((1, 3, 2)))["cell"]
    said = [explained(step) for step in steps if step.name == "hidden state"]
    assert said == ([TOLD[2]] * 3 if every else [TOLD[0], TOLD[0], TOLD[1]])


def test_attention_says_where_its_factor_comes_from(tmp_path: Path) -> None:
    """The factor is 1/sqrt(numbers of a key), three here: what the words say is what is computed."""
    trace = weightlens.load(write_attention(tmp_path / "attention.h5")).trace([[1, 5, 3, 0, 7]])
    scores = next(step for step in trace["attention"] if step.name == "scores")
    query, key = (next(step.value for step in trace["attention"] if step.name == name) for name in ("query", "key"))
    assert scores.words == "scores = query . key * 1/sqrt(3)"
    np.testing.assert_allclose(scores.value, np.einsum("bqhd,bkhd->bhqk", query, key) / np.sqrt(3))
    assert "The factor 1/sqrt(3) is not learned" in note(scores)


def test_a_softmax_takes_its_largest_score_over_what_the_axes_say(tmp_path: Path) -> None:
    attention = weightlens.load(write_attention(tmp_path / "attention.h5")).trace([[1, 5, 3, 0, 7]])["attention"]
    dense = weightlens.load(write_tiny(tmp_path / "tiny.h5")).trace([[0, 1]])["dense"]
    said = [explained(step) for steps in (attention, dense) for step in steps if step.name == "max"]
    assert [text.split(".")[0] for text in said] == ["The largest score over key tokens", "The largest score over units"]


def test_what_a_layer_hands_on_is_called_by_its_name(tmp_path: Path) -> None:
    trace = weightlens.load(write_attention(tmp_path / "attention.h5")).trace([[1, 5, 3, 0, 7]])
    assert next(step.words for step in trace["attention"]) == "query = embedding . query/kernel + query/bias"
