"""What the gallery shows: layers of every family in several settings, with one sample and with three, and four small networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.cases import Build, Case

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Shown:
    """A layer or a network, the sheet to look at first, and in a line what is to be seen there."""

    case: Case
    sheet: str
    line: str

    @property
    def title(self) -> str:
        return self.case.name


def show(title: str, line: str, build: Build, *shapes: Shape, samples: int = 1, sheet: str = "", **options: Any) -> Shown:
    """One row of the gallery; ``sheet``: a part of the sheet's name, of the last layer's unless given."""
    return Shown(Case(title, build, shapes, batch=samples, **options), sheet, line)


def layer(kind: str, /, *args: Any, **options: Any) -> Build:
    """A layer of ``keras.layers`` by its class."""
    return lambda k: getattr(k.layers, kind)(*args, **options)


def chain(*builds: Build) -> Build:
    """Layers one after the other."""

    def build(k: Any) -> Callable[[Any], Any]:
        made = [one(k) for one in builds]

        def call(x: Any) -> Any:
            for one in made:
                x = one(x)
            return x

        return call

    return build


def both(inner: Build, **options: Any) -> Build:
    return lambda k: k.layers.Bidirectional(inner(k), **options)


def steps(inner: Build) -> Build:
    return lambda k: k.layers.TimeDistributed(inner(k))


def heads(**options: Any) -> Build:
    """Attention of a sequence to itself, or of the first input to the second."""
    call = {key: options.pop(key) for key in ("use_causal_mask", "return_attention_scores") if key in options}

    def build(k: Any) -> Callable[[Any], Any]:
        attention = k.layers.MultiHeadAttention(**({"num_heads": 2, "key_dim": 3, "name": "attention"} | options))
        return lambda x: attention(*x, **call) if isinstance(x, list) else attention(x, x, **call)

    return build


def grouped(k: Any) -> Callable[[Any], Any]:
    attention = k.layers.GroupQueryAttention(head_dim=3, num_query_heads=4, num_key_value_heads=2, name="attention")
    return lambda x: attention(x, x)


def transformer(k: Any) -> Callable[[Any], Any]:
    """Tokens of a small language, one block, the class of the text."""
    layers = k.layers

    def call(tokens: Any) -> Any:
        x = layers.Embedding(9, 4, name="embedding")(tokens)
        attended = layers.MultiHeadAttention(2, 2, name="attention")(x, x)
        x = layers.LayerNormalization(name="norm_1")(layers.Add(name="residual_1")([x, attended]))
        fed = layers.Dense(4, name="feed_out")(layers.Dense(6, activation="relu", name="feed_in")(x))
        x = layers.LayerNormalization(name="norm_2")(layers.Add(name="residual_2")([x, fed]))
        return layers.Dense(3, activation="softmax", name="classes")(layers.GlobalAveragePooling1D(name="mean")(x))

    return call


def mobilenet(k: Any) -> Callable[[Any], Any]:
    """An inverted residual block: wide, depthwise, narrow, added to what came in."""
    layers = k.layers

    def call(x: Any) -> Any:
        y = layers.ReLU(6.0, name="expand_relu")(
            layers.BatchNormalization(name="expand_norm")(layers.Conv2D(4, 1, use_bias=False, name="expand")(x))
        )
        y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(y)
        y = layers.ReLU(6.0, name="depthwise_relu")(layers.BatchNormalization(name="depthwise_norm")(y))
        y = layers.BatchNormalization(name="project_norm")(layers.Conv2D(2, 1, use_bias=False, name="project")(y))
        return layers.Add(name="residual")([x, y])

    return call


def siamese(k: Any) -> Callable[[Any], Any]:
    """Two inputs through the same layers, and how far apart they end."""
    hidden, embed = k.layers.Dense(4, activation="relu", name="hidden"), k.layers.Dense(3, name="embed")

    def call(pair: Any) -> Any:
        left, right = (embed(hidden(x)) for x in pair)
        apart = k.layers.Subtract(name="apart")([left, right])
        return k.layers.Dense(1, activation="sigmoid", name="same")(k.layers.Multiply(name="squared")([apart, apart]))

    return call


def three_inputs(k: Any) -> Callable[[Any], Any]:
    """Three inputs of their own kinds, which meet."""

    def call(parts: Any) -> Any:
        size, colour, place = (
            k.layers.Dense(2, activation="relu", name=name)(x) for name, x in zip(("size", "colour", "place"), parts, strict=True)
        )
        return k.layers.Dense(2, activation="softmax", name="classes")(k.layers.Concatenate(name="together")([size, colour, place]))

    return call


def small_cnn(k: Any) -> Callable[[Any], Any]:
    parts = [
        k.layers.Conv2D(3, 3, activation="relu", name="conv"),
        k.layers.MaxPooling2D(name="pool"),
        k.layers.Dropout(0.5, name="dropout"),
        k.layers.Flatten(name="flatten"),
        k.layers.Dense(4, activation="softmax", name="classes"),
    ]

    def call(x: Any) -> Any:
        for part in parts:
            x = part(x)
        return x

    return call


def tokens(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.integers(0, 9, size=shape)


def gaps(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Sequences that end early: their last time step is all 0."""
    x = rng.normal(size=shape)
    x[:, -1] = 0.0
    return x


SHOWN = [
    # dense
    show(
        "Dense over many units",
        "A row of inputs times the column of weights under each unit.",
        layer("Dense", 20, activation="relu", name="dense"),
        (12,),
    ),
    show(
        "Dense, 3 samples, many features",
        "A column per sample where there are many units.",
        layer("Dense", 18, activation="tanh", name="dense"),
        (10,),
        samples=3,
    ),
    show(
        "Dense over a sequence",
        "The same kernel for every token; sample and token name the rows.",
        layer("Dense", 3, activation="softmax", name="dense"),
        (5, 4),
        samples=3,
    ),
    show(
        "EinsumDense into heads",
        "Two axes of units: the slower one groups the columns.",
        layer("EinsumDense", "abc,cde->abde", output_shape=(5, 2, 3), bias_axes="de", name="einsum"),
        (5, 4),
    ),
    show(
        "EinsumDense, two axes summed",
        "The kernel stands under the columns that it makes.",
        layer("EinsumDense", "abcd,cde->abe", output_shape=(5, 3), bias_axes="e", name="einsum"),
        (5, 2, 4),
    ),
    show(
        "Embedding",
        "A row of the table for the number of each word.",
        layer("Embedding", 9, 4, name="embedding"),
        (6,),
        samples=3,
        dtype="int32",
        data=tokens,
    ),
    # convolutions
    show("Conv1D", "Time steps down, filters across.", layer("Conv1D", 3, 3, activation="relu", name="conv"), (8, 2), samples=3),
    show("Conv1D, groups", "Each group of filters reads its own channels.", layer("Conv1D", 4, 2, groups=2, name="conv"), (6, 4)),
    show(
        "Conv2D",
        "One picture per filter; one plane per channel of each kernel.",
        layer("Conv2D", 3, 3, activation="relu", name="conv"),
        (7, 7, 2),
    ),
    show(
        "Conv2D, 3 samples, strides",
        "Samples under each other.",
        layer("Conv2D", 2, 3, strides=2, padding="same", name="conv"),
        (6, 6, 1),
        samples=3,
    ),
    show(
        "Conv2D, groups", "A filter has planes for the channels of its group only.", layer("Conv2D", 4, 2, groups=2, name="conv"), (5, 5, 4)
    ),
    show("Conv2D, dilated", "The kernel's taps stand two apart.", layer("Conv2D", 2, 3, dilation_rate=2, name="conv"), (7, 7, 1)),
    show("Conv3D", "Planes under each other.", layer("Conv3D", 2, 2, name="conv"), (3, 4, 4, 1)),
    show("Conv1DTranspose", "Each number is spread over several places.", layer("Conv1DTranspose", 2, 3, strides=2, name="conv"), (4, 3)),
    show(
        "Conv2DTranspose",
        "The kernel as planes, a plane per channel that comes in.",
        layer("Conv2DTranspose", 2, 3, strides=2, name="conv"),
        (3, 3, 3),
    ),
    show(
        "Conv2DTranspose, 3 samples",
        "The same, padded to keep the size.",
        layer("Conv2DTranspose", 3, 2, padding="same", name="conv"),
        (4, 4, 2),
        samples=3,
    ),
    show("DepthwiseConv2D", "A kernel of its own for every channel.", layer("DepthwiseConv2D", 3, padding="same", name="conv"), (5, 5, 3)),
    show(
        "DepthwiseConv2D, multiplier",
        "Two kernels for every channel.",
        layer("DepthwiseConv2D", 2, depth_multiplier=2, name="conv"),
        (4, 4, 2),
        samples=3,
    ),
    show("DepthwiseConv1D", "Channels side by side, taps down.", layer("DepthwiseConv1D", 3, padding="same", name="conv"), (6, 2)),
    show("SeparableConv2D", "First each channel alone, then channels mixed.", layer("SeparableConv2D", 3, 2, name="conv"), (5, 5, 2)),
    show("SeparableConv1D", "The same along time.", layer("SeparableConv1D", 3, 3, name="conv"), (6, 2), samples=3),
    # pooling, moving
    show("MaxPooling2D", "The largest of each window.", layer("MaxPooling2D", name="pool"), (6, 6, 2)),
    show("AveragePooling1D", "The mean of each window.", layer("AveragePooling1D", 2, name="pool"), (6, 3), samples=3),
    show("GlobalAveragePooling2D", "A picture becomes one number.", layer("GlobalAveragePooling2D", name="pool"), (4, 4, 3), samples=3),
    show("UpSampling2D", "Every pixel four times.", layer("UpSampling2D", name="up"), (3, 3, 2)),
    show("ZeroPadding2D", "A border of zeros.", layer("ZeroPadding2D", name="pad"), (3, 3, 2), samples=3),
    show(
        "Concatenate of sequences",
        "The layers that the columns come from are named.",
        lambda k: lambda x: k.layers.Concatenate(name="joined")([k.layers.Dense(2, name=f"d{i}")(y) for i, y in enumerate(x)]),
        (3, 2),
        (3, 3),
    ),
    show(
        "Flatten and Dense",
        "Flatten has no sheet; the next one says what it does.",
        chain(layer("Flatten", name="flatten"), layer("Dense", 3, name="dense")),
        (3, 3, 2),
        sheet="dense",
    ),
    show(
        "Reshape and Permute",
        "What only moves is said in a line.",
        chain(layer("Reshape", (3, 4), name="reshape"), layer("Permute", (2, 1), name="permute"), layer("Dense", 2, name="dense")),
        (12,),
        sheet="dense",
    ),
    # normalizations
    show("BatchNormalization", "Mean, variance, gamma and beta by channel.", layer("BatchNormalization", name="norm"), (4,), samples=3),
    show("BatchNormalization of pictures", "The same over feature maps.", layer("BatchNormalization", name="norm"), (4, 4, 3)),
    show("LayerNormalization", "Mean and variance of every token.", layer("LayerNormalization", name="norm"), (5, 4), samples=3),
    show("GroupNormalization", "Mean and variance of groups of channels.", layer("GroupNormalization", 2, name="norm"), (3, 3, 4)),
    show("PReLU", "A learned slope for every unit.", layer("PReLU", name="prelu"), (3, 4), samples=3),
    # recurrent
    show("SimpleRNN", "A row per time step.", layer("SimpleRNN", 3, name="rnn"), (5, 2)),
    show("LSTM", "A group of columns for every gate.", layer("LSTM", 3, return_sequences=True, name="lstm"), (5, 2)),
    show("LSTM, 12 units, 3 samples", "A table of very many columns goes on below.", layer("LSTM", 12, name="lstm"), (4, 2), samples=3),
    show(
        "LSTM, masked",
        "A masked time step keeps the state before.",
        chain(layer("Masking", name="masking"), layer("LSTM", 2, name="lstm")),
        (4, 2),
        samples=3,
        data=gaps,
    ),
    show("GRU", "Update and reset gate, then the candidate.", layer("GRU", 3, name="gru"), (5, 2)),
    show(
        "GRU, reset before",
        "The older order of the product and the gate.",
        layer("GRU", 2, reset_after=False, return_sequences=True, name="gru"),
        (4, 2),
        samples=3,
    ),
    show(
        "Bidirectional LSTM",
        "Two tables, one running backwards.",
        both(layer("LSTM", 3, return_sequences=True, name="lstm"), name="both"),
        (5, 2),
        sheet="both",
    ),
    show(
        "Bidirectional LSTM, 3 samples",
        "The same for several sequences.",
        both(layer("LSTM", 2, name="lstm"), name="both"),
        (4, 2),
        samples=3,
        sheet="both",
    ),
    show(
        "Bidirectional GRU, sum",
        "The two directions added.",
        both(layer("GRU", 2, return_sequences=True, name="gru"), merge_mode="sum", name="both"),
        (4, 2),
        sheet="both",
    ),
    show(
        "RNN of stacked cells",
        "One cell on the other at every time step.",
        lambda k: k.layers.RNN([k.layers.LSTMCell(2), k.layers.GRUCell(2)], name="rnn"),
        (4, 2),
    ),
    show("ConvLSTM1D", "Gates that are convolutions.", layer("ConvLSTM1D", 2, 2, name="conv_lstm"), (3, 5, 1)),
    show(
        "TimeDistributed Dense",
        "Sample and time step name the rows.",
        steps(layer("Dense", 3, activation="softmax", name="dense")),
        (4, 2),
        samples=3,
        sheet="layer",
    ),
    show(
        "TimeDistributed Conv2D",
        "A picture for every time step.",
        steps(layer("Conv2D", 2, 2, name="conv")),
        (2, 3, 3, 1),
        samples=3,
        sheet="layer",
    ),
    # attention
    show("MultiHeadAttention", "Heads side by side; scores as token x token.", heads(), (5, 4)),
    show("MultiHeadAttention, 3 samples", "Samples under each other.", heads(), (3, 4), samples=3),
    show("MultiHeadAttention, causal", "No token looks ahead.", heads(use_causal_mask=True), (4, 3)),
    show("MultiHeadAttention to another sequence", "Query tokens down, key tokens across.", heads(), (3, 4), (5, 4)),
    show("MultiHeadAttention, wide", "Bands under each other where one would be too wide.", heads(num_heads=4, key_dim=8), (4, 8)),
    show("GroupQueryAttention", "Two query heads share a key head.", grouped, (4, 4)),
    show("Attention", "One head without weights.", lambda k: k.layers.Attention(name="attention"), (3, 4), (5, 4), samples=3),
    show("AdditiveAttention", "Scores from sums.", lambda k: k.layers.AdditiveAttention(name="attention"), (3, 4), (5, 4)),
    # networks
    show(
        "A small transformer",
        "Embedding, attention, residuals, feed-forward.",
        transformer,
        (5,),
        dtype="int32",
        data=tokens,
        sheet="attention",
    ),
    show("A MobileNet block", "Expand, filter each channel, project, add.", mobilenet, (4, 4, 2), sheet="depthwise"),
    show("A siamese network", "Two branches with the same weights meet.", siamese, (3,), (3,), samples=3, sheet="network"),
    show("Three inputs", "Branches under each other that meet.", three_inputs, (2,), (3,), (2,), samples=3, sheet="network"),
    show("A small CNN", "Pictures, then a vector.", small_cnn, (6, 6, 1), sheet="conv"),
]

# Those of which the page shows the terminal, too.
IN_TERMINAL = (
    "Dense over a sequence", "Embedding", "Conv1D", "Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "MaxPooling2D", "BatchNormalization",
    "SimpleRNN", "Bidirectional LSTM", "MultiHeadAttention", "A small transformer",
)  # fmt: skip
