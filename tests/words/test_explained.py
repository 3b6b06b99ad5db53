"""What the notes say a step does: for layers made by Keras, each of a kind; never the words of another kind of layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.attention_file import write_attention
from tests.cases import Build, case
from tests.tiny import write_tiny
from weightlens.words.captions import note
from weightlens.words.explained import explained

PICTURE, SEQUENCE = (5, 5, 2), (6, 3)
SAID: list[tuple[str, Build, tuple[tuple[int, ...], ...], str, str]] = [
    ("Add", lambda k: k.layers.Add(), ((4,), (4,)), "sum", "The numbers of {0} and {1}, added up place by place."),
    ("Subtract", lambda k: k.layers.Subtract(), ((4,), (4,)), "difference", "The numbers of {0} less those of {1}, place by place."),
    ("Average", lambda k: k.layers.Average(), ((4,), (4,)), "average", "At each place the mean of the numbers of {0} and {1}."),
    ("Maximum", lambda k: k.layers.Maximum(), ((4,), (4,)), "maximum", "At each place the largest of the numbers of {0} and {1}."),
    ("pool", lambda k: k.layers.AveragePooling2D(2), (PICTURE,), "average", "The mean of the numbers in each window."),
    ("pool, same", lambda k: k.layers.AveragePooling2D(2, padding="same"), (PICTURE,), "average", "The mean of each window: its sum,"),
    ("max pool", lambda k: k.layers.MaxPooling2D(2), (PICTURE,), "maximum", "The largest number in each window."),
    ("global", lambda k: k.layers.GlobalAveragePooling2D(), (PICTURE,), "average", "The mean over all rows and columns: one for each channel."),
    ("global max", lambda k: k.layers.GlobalMaxPooling1D(), (SEQUENCE,), "maximum", "The largest number over all time steps: one for each"),
    ("dense", lambda k: k.layers.Dense(2), ((4,),), "pre-activation", "The bias is added, one learned number for each unit."),
    ("dense, relu", lambda k: k.layers.Dense(2, "relu"), ((4,),), "pre-activation", "The bias is added, one learned number for each unit. It moves"),
    ("conv", lambda k: k.layers.Conv2D(3, 2), (PICTURE,), "dot product", "Each number in a window is multiplied by its weight, and the products"),
    ("conv 1", lambda k: k.layers.Conv2D(3, 1), (PICTURE,), "dot product", "At each place, each channel's number is multiplied by its weight,"),
    ("depthwise", lambda k: k.layers.DepthwiseConv2D(3), (PICTURE,), "dot product", "Each channel by itself: each number in a window is"),
    ("dot", lambda k: k.layers.Dot(1), ((4,), (4,)), "dot product", "The numbers of both, multiplied place by place,"),
    ("relu 6", lambda k: k.layers.ReLU(6), ((4,),), "activation", "Keeps positive numbers and turns negative ones into 0; nothing becomes larger"),
    ("rms", lambda k: k.layers.RMSNormalization(), ((4,),), "normalized", "Divided by the root mean square"),
    ("layer", lambda k: k.layers.LayerNormalization(), ((4,),), "normalized", "Less the mean, divided by the standard deviation: numbers"),
    ("batch", lambda k: k.layers.BatchNormalization(), ((4,),), "normalized", "Less the mean, divided by the standard deviation, both as in training"),
    ("LSTM", lambda k: k.layers.LSTM(2), (SEQUENCE,), "pre-activations", "Input part, part of the previous hidden state and bias, added up: one group"),
    ("RNN", lambda k: k.layers.SimpleRNN(2, use_bias=False), (SEQUENCE,), "pre-activation", "Input part and part of the previous hidden state, added"),
    ("gate", lambda k: k.layers.LSTM(2), (SEQUENCE,), "forget gate", "Between 0 and 1: how much of the old memory is kept."),
    ("odd gate", lambda k: k.layers.GRU(2, recurrent_activation="relu"), (SEQUENCE,), "update gate", "How much of the old state is kept."),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("build", "shapes", "step", "words"), [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_a_note_says_what_this_step_does(build: Build, shapes: tuple[tuple[int, ...], ...], step: str, words: str, keras: Any) -> None:
    made = case("said", build, *shapes)
    trace = weightlens.load(made.model(keras)).trace(made.inputs())
    one = next(each for each in trace.steps if each.name == step)
    assert note(one).startswith(words.format(*trace.input_names))


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
