"""Cases of ``weightlens.layers.recurrent.wrappers``."""

from typing import Any

from tests.cases import Build, case
from tests.cases.recurrent import MASKED, gaps, masked, stack, with_states


def both(inner: Build, **options: Any) -> Build:
    """``Bidirectional`` around a layer."""
    return lambda k: k.layers.Bidirectional(inner(k), **options)


def picture_model(k: Any) -> Any:
    """A small model of pictures."""
    x = k.Input((4, 4, 1))
    return k.Model(x, k.layers.Dense(2)(k.layers.Flatten()(k.layers.Conv2D(2, 3, activation="relu")(x))))


def named_lstm(k: Any, name: str, **options: Any) -> Any:
    return k.layers.LSTM(3, return_sequences=True, name=name, **options)


def named_inputs(k: Any) -> Any:
    """A model that takes a dictionary, inside a model that does not."""
    numbers, sequence = k.Input((3,), name="numbers"), k.Input((4, 2), name="a_sequence")
    joined = k.layers.Concatenate()([k.layers.Dense(2)(numbers), k.layers.LSTM(2)(sequence)])
    inner = k.Model({"numbers": numbers, "a_sequence": sequence}, {"joined": joined, "dense": k.layers.Dense(2)(joined)})
    return lambda x: inner({"numbers": x[0], "a_sequence": k.layers.Masking()(x[1])})


CASES = [
    case(
        "model of named inputs",
        named_inputs,
        (3,),
        (4, 2),
        data=lambda rng, shape: gaps(rng, shape) if len(shape) == 3 else rng.normal(size=shape),
    ),
    case("bidirectional lstm", both(lambda k: k.layers.LSTM(3)), (4, 2)),
    case("bidirectional lstm, sequences", both(lambda k: k.layers.LSTM(3, return_sequences=True)), (4, 2)),
    case("bidirectional gru, sum", both(lambda k: k.layers.GRU(3, return_sequences=True), merge_mode="sum"), (4, 2)),
    case("bidirectional gru, mul", both(lambda k: k.layers.GRU(3), merge_mode="mul"), (4, 2)),
    case("bidirectional simple rnn, ave", both(lambda k: k.layers.SimpleRNN(3, return_sequences=True), merge_mode="ave"), (4, 2)),
    case("bidirectional, not merged", both(lambda k: k.layers.LSTM(3, return_sequences=True), merge_mode=None), (4, 2)),
    case("bidirectional, not merged, states", both(lambda k: k.layers.LSTM(3, return_state=True), merge_mode=None), (4, 2)),
    case("bidirectional, states", both(lambda k: k.layers.LSTM(3, return_sequences=True, return_state=True)), (4, 2)),
    case("bidirectional of stacked cells", both(lambda k: k.layers.RNN(stack(k), return_sequences=True)), (4, 2)),
    case("bidirectional of conv lstm", both(lambda k: k.layers.ConvLSTM1D(2, 2, return_sequences=True)), (3, 4, 1)),
    case("bidirectional, initial states", with_states(both(lambda k: k.layers.LSTM(3))), (4, 2), (3,), (3,), (3,), (3,)),
    case("bidirectional, masked", masked(both(lambda k: k.layers.LSTM(3, return_sequences=True))), (4, 2), **MASKED),
    case("bidirectional, masked, last outputs", masked(both(lambda k: k.layers.GRU(3))), (4, 2), **MASKED),
    case(
        "bidirectional, masked, sum, states",
        masked(both(lambda k: k.layers.GRU(3, return_sequences=True), merge_mode="sum")),
        (4, 2),
        **MASKED,
    ),
    case(
        "bidirectional, masked, two high",
        masked(lambda k: lambda x: both(lambda k: k.layers.LSTM(2))(k)(both(lambda k: k.layers.LSTM(3, return_sequences=True))(k)(x))),
        (4, 2),
        **MASKED,
    ),
    case(
        "bidirectional, masked, not merged, gru on each",
        masked(
            lambda k: lambda x: [k.layers.GRU(2)(y) for y in both(lambda k: k.layers.LSTM(2, return_sequences=True), merge_mode=None)(k)(x)]
        ),
        (4, 2),
        **MASKED,
    ),
    case(
        "bidirectional, own backward layer",
        lambda k: k.layers.Bidirectional(named_lstm(k, "f"), backward_layer=named_lstm(k, "b", activation="relu", go_backwards=True)),
        (4, 2),
    ),
    case("time distributed dense", lambda k: k.layers.TimeDistributed(k.layers.Dense(3, activation="softmax")), (4, 2)),
    case("time distributed conv", lambda k: k.layers.TimeDistributed(k.layers.Conv2D(2, 2, strides=2, padding="same")), (2, 3, 3, 1)),
    case("time distributed flatten", lambda k: k.layers.TimeDistributed(k.layers.Flatten()), (2, 3, 2)),
    case("time distributed batch normalization", lambda k: k.layers.TimeDistributed(k.layers.BatchNormalization()), (3, 2)),
    case(
        "time distributed model, then lstm",
        lambda k: lambda x: k.layers.LSTM(2)(k.layers.TimeDistributed(picture_model(k))(x)),
        (3, 4, 4, 1),
    ),
    case("time distributed lstm", lambda k: k.layers.TimeDistributed(k.layers.LSTM(2)), (2, 3, 2)),
    case("time distributed twice", lambda k: k.layers.TimeDistributed(k.layers.TimeDistributed(k.layers.Dense(2))), (2, 3, 2)),
    case(
        "time distributed dense, masked",
        masked(lambda k: lambda x: k.layers.LSTM(2)(k.layers.TimeDistributed(k.layers.Dense(3))(x))),
        (4, 2),
        **MASKED,
    ),
    case(
        "time distributed lstm, masked",
        masked(lambda k: k.layers.TimeDistributed(k.layers.LSTM(2, return_sequences=True))),
        (2, 3, 2),
        **MASKED,
    ),
]
