"""What the axes of an input mean: the first layer that reads it tells, if any does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from weightlens.axes.names import SPACE, guessed
from weightlens.recording.graph import walk

if TYPE_CHECKING:
    from weightlens.recording import Recorded, Trace

ATTENTION = {"Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention"}
SEQUENCES = {"LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "TimeDistributed", "GRUCell", "LSTMCell", "SimpleRNNCell"}
INSIDE = {1: ("feature",), 2: ("row", "channel"), 3: ("row", "column", "channel")}  # of one time step


def of_input(trace: Trace, x: Recorded) -> Sequence[str]:
    """The axes of an input, by the first layer that tells; what is usual where none does."""
    same, looked = {id(x)}, set[str]()
    for step in trace.steps:
        if not any(id(y) in same for y in walk([step.made])):
            continue
        layer = trace.layers.get(step.layer)
        if layer is not None and step.layer not in looked and (found := told(layer.class_name, layer.config, x.ndim)):
            return found
        looked.add(step.layer)
        if step.made.shape == x.shape:
            same.add(id(step.made))
    return guessed(x.shape, set())


def told(kind: str, config: dict[str, Any], rank: int) -> tuple[str, ...]:
    """The axes of what a layer takes, where its class says so."""
    digit = re.search(r"(\d)D(Transpose)?$", kind)
    sequence = ("time step",) if kind.startswith("ConvLSTM") else ()
    if digit and rank == int(digit[1]) + 2 + len(sequence):
        space = SPACE[int(digit[1])]
        first = config.get("data_format") == "channels_first"
        return ("sample", *sequence, "channel", *space) if first else ("sample", *sequence, *space, "channel")
    if kind in SEQUENCES and rank >= 3:
        return ("sample", "time step", *INSIDE.get(rank - 2, ("axis",) * (rank - 2)))
    if "Embedding" in kind and rank == 2:
        return ("sample", "token")
    if kind in ATTENTION and rank >= 3:
        return ("sample", *{1: ("token",), 2: ("row", "column")}.get(rank - 2, ("place",) * (rank - 2)), "feature")
    return ()
