"""Cases of ``weightlens.layers.recurrent.rnn``, ``cells`` and ``conv_recurrent``."""

from typing import Any

import numpy as np

from tests.cases import Build, case


def gaps(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Sequences with missing time steps: at the start, in the middle, at the end; the last sample is missing altogether."""
    x = rng.normal(size=shape)
    if len(shape) > 2:
        x[0, 1], x[0, -1], x[1, 0], x[-1, :] = 0.0, 0.0, 0.0, 0.0
    return x


def masked(layer: Build) -> Build:
    """The layer behind a Masking; further inputs are its initial states."""

    def build(k: Any) -> Any:
        def call(x: Any) -> Any:
            return layer(k)(k.layers.Masking()(x))

        return call

    return build


def with_states(layer: Build, masking: bool = False) -> Build:
    """The layer called on the first input, the others being its initial states."""

    def build(k: Any) -> Any:
        def call(xs: Any) -> Any:
            first = k.layers.Masking()(xs[0]) if masking else xs[0]
            return layer(k)(first, initial_state=xs[1:])

        return call

    return build


def stack(k: Any) -> Any:
    return k.layers.StackedRNNCells([k.layers.LSTMCell(3), k.layers.GRUCell(2), k.layers.LSTMCell(2)])


MASKED: dict[str, Any] = {"data": gaps, "batch": 3}
CASES = [
    case("simple rnn", lambda k: k.layers.SimpleRNN(3), (4, 2)),
    case(
        "simple rnn, no bias, relu, sequences",
        lambda k: k.layers.SimpleRNN(3, activation="relu", use_bias=False, return_sequences=True),
        (4, 2),
    ),
    case(
        "simple rnn, backwards, state", lambda k: k.layers.SimpleRNN(3, go_backwards=True, return_sequences=True, return_state=True), (4, 2)
    ),
    case("simple rnn, masked", masked(lambda k: k.layers.SimpleRNN(3, return_sequences=True)), (4, 2), **MASKED),
    case("lstm", lambda k: k.layers.LSTM(3), (4, 2)),
    case("lstm, sequences and states", lambda k: k.layers.LSTM(3, return_sequences=True, return_state=True), (4, 2)),
    case("lstm, one time step, one unit", lambda k: k.layers.LSTM(1), (1, 1)),
    case(
        "lstm, no bias, hard sigmoid",
        lambda k: k.layers.LSTM(2, use_bias=False, recurrent_activation="hard_sigmoid", activation="elu"),
        (4, 3),
    ),
    case("lstm, softmax gates", lambda k: k.layers.LSTM(3, recurrent_activation="softmax"), (3, 2)),
    case("lstm, backwards", lambda k: k.layers.LSTM(3, go_backwards=True, return_sequences=True), (4, 2)),
    case("lstm, unrolled", lambda k: k.layers.LSTM(3, unroll=True), (4, 2)),
    case("lstm, any length", lambda k: k.layers.LSTM(3), (None, 2)),
    case("lstm, initial states", with_states(lambda k: k.layers.LSTM(3, return_state=True)), (4, 2), (3,), (3,)),
    case("lstm, masked", masked(lambda k: k.layers.LSTM(3, return_sequences=True, return_state=True)), (4, 2), **MASKED),
    case("lstm, masked, last output", masked(lambda k: k.layers.LSTM(3)), (4, 2), **MASKED),
    case("lstm, masked, backwards", masked(lambda k: k.layers.LSTM(3, go_backwards=True, return_sequences=True)), (4, 2), **MASKED),
    case(
        "lstm, masked, zero output",
        masked(lambda k: k.layers.LSTM(3, zero_output_for_mask=True, return_sequences=True, return_state=True)),
        (4, 2),
        **MASKED,
    ),
    case(
        "gru, masked, zero output, unrolled backwards",
        masked(lambda k: k.layers.GRU(3, zero_output_for_mask=True, return_sequences=True, go_backwards=True, unroll=True)),
        (4, 2),
        **MASKED,
    ),
    case("lstm, masked, zero last output", masked(lambda k: k.layers.LSTM(3, zero_output_for_mask=True)), (4, 2), **MASKED),
    case("lstm, masked, unrolled", masked(lambda k: k.layers.LSTM(3, unroll=True, return_sequences=True)), (4, 2), **MASKED),
    case("lstm twice, masked", masked(lambda k: lambda x: k.layers.LSTM(2)(k.layers.LSTM(3, return_sequences=True)(x))), (4, 2), **MASKED),
    case(
        "lstm, masked, initial states",
        with_states(lambda k: k.layers.LSTM(3, return_sequences=True, return_state=True), masking=True),
        (4, 2),
        (3,),
        (3,),
        **MASKED,
    ),
    case("gru", lambda k: k.layers.GRU(3), (4, 2)),
    case("gru, reset before", lambda k: k.layers.GRU(3, reset_after=False, return_sequences=True), (4, 2)),
    case("gru, no bias", lambda k: k.layers.GRU(3, use_bias=False, return_state=True), (4, 2)),
    case("gru, reset before, no bias", lambda k: k.layers.GRU(3, use_bias=False, reset_after=False, recurrent_activation="relu"), (4, 2)),
    case("gru, backwards, initial state", with_states(lambda k: k.layers.GRU(3, go_backwards=True)), (4, 2), (3,)),
    case("gru, masked", masked(lambda k: k.layers.GRU(3, return_sequences=True, return_state=True)), (4, 2), **MASKED),
    case(
        "gru, masked, initial state, then gru",
        with_states(lambda k: lambda x, **s: k.layers.GRU(2)(k.layers.GRU(3, return_sequences=True)(x, **s)), masking=True),
        (4, 2),
        (3,),
        **MASKED,
    ),
    case("rnn of an lstm cell", lambda k: k.layers.RNN(k.layers.LSTMCell(3), return_state=True), (4, 2)),
    case(
        "rnn of a gru cell, backwards",
        lambda k: k.layers.RNN(k.layers.GRUCell(3, reset_after=False), go_backwards=True, return_sequences=True),
        (4, 2),
    ),
    case(
        "rnn of a simple cell, masked", masked(lambda k: k.layers.RNN(k.layers.SimpleRNNCell(3), return_sequences=True)), (4, 2), **MASKED
    ),
    case("rnn of stacked cells", lambda k: k.layers.RNN(stack(k), return_sequences=True, return_state=True), (4, 2)),
    case("rnn of stacked cells, masked", masked(lambda k: k.layers.RNN(stack(k), return_sequences=True)), (4, 2), **MASKED),
    case("rnn of one stacked cell", lambda k: k.layers.RNN(k.layers.StackedRNNCells([k.layers.LSTMCell(3)])), (4, 2)),
    case("conv lstm 1d", lambda k: k.layers.ConvLSTM1D(2, 3, return_sequences=True), (3, 5, 2)),
    case("conv lstm 1d, strides, same", lambda k: k.layers.ConvLSTM1D(2, 2, strides=2, padding="same", return_state=True), (3, 5, 2)),
    case(
        "conv lstm 1d, dilation, no bias",
        lambda k: k.layers.ConvLSTM1D(2, 2, dilation_rate=2, use_bias=False, recurrent_activation="hard_sigmoid"),
        (3, 6, 2),
    ),
    case(
        "conv lstm 2d, even kernel",
        lambda k: k.layers.ConvLSTM2D(2, (2, 3), padding="same", go_backwards=True, return_sequences=True),
        (2, 3, 4, 2),
    ),
    case("conv lstm 2d, masked", masked(lambda k: k.layers.ConvLSTM2D(2, 2, padding="same", return_sequences=True)), (3, 2, 3, 1)),
    case(
        "conv lstm 2d, initial states", with_states(lambda k: k.layers.ConvLSTM2D(2, 2, padding="same")), (2, 3, 3, 1), (3, 3, 2), (3, 3, 2)
    ),
    case(
        "conv lstm 3d, channels first",
        lambda k: k.layers.ConvLSTM3D(2, 1, return_sequences=True, data_format="channels_first"),
        (2, 4, 3, 2, 1),
    ),
    case("conv lstm 3d", lambda k: k.layers.ConvLSTM3D(1, 2), (2, 3, 2, 3, 1)),
]
