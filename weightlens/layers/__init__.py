"""Every layer weightlens can compute, each one short NumPy function: the table of contents.

A layer function is ``f(x, w, config, step, *, ...)``: ``x`` the first argument of the layer's call (a list for
merge layers), ``w`` the layer's weights by name, ``config`` its configuration with Keras 3's keys, and
``step(name, value)`` names a value: a named value is a matrix in the trace, a block of cells in the workbook.
``step(name, value, role)`` says besides what it is in its layer: a ``Role`` such as a gate, a state, a helper.
It returns the output, or a list of outputs. Options it does not know raise ``NotImplementedError("what")``.

Optional keyword-only arguments are filled in where the function names them: ``mask`` (booleans, ``None``
without; a list for merge layers), further call arguments of Keras (``initial_state``, ``value``...; see
``CALL_ARGUMENTS``), ``NAME_mask`` for each of those, and ``call(inner_name, x, **arguments)``, which runs a
wrapped layer. ``MASKS`` says which mask a layer hands on; a layer that is not in it hands on none.

What a function may use, so that a spreadsheet can follow it: ufuncs; ``@``, ``np.einsum``; reductions with
``axis``; ``np.where``; ``np.take``; and whatever only moves numbers (reshape, transpose, pad, split, stack,
concatenate, flip, repeat, tile, slicing, ``sliding_window_view``...). No in-place writes, no branching on values,
no ``np.array`` around computed values. Batch first, channels last inside.
"""

from __future__ import annotations

import importlib
from collections import UserDict
from collections.abc import Callable, Sequence
from typing import Any

from weightlens.layers.masking import MASKS
from weightlens.layers.regularization import IDENTITY_LAYERS
from weightlens.specs.table import OPTIONS, VARIABLES
from weightlens.specs.variables import variables_of

__all__ = ["CALL_ARGUMENTS", "LAYERS", "MASKS", "register"]

LayerFunction = Callable[..., Any]
REGISTERED: set[str] = set()  # classes whose functions are the user's


class Table(UserDict[str, Any]):
    """Functions by name. ``module.function`` is imported when it is first asked for: a network needs few of them."""

    def __getitem__(self, name: str) -> LayerFunction:
        """The function."""
        found = self.data[name]
        if isinstance(found, str):
            module, _, function = found.rpartition(".")
            found = self.data[name] = getattr(importlib.import_module(f"weightlens.layers.{module}"), function)
        function_found: LayerFunction = found
        return function_found


LAYERS = Table({
    # core
    "Dense": "core.dense",
    "Activation": "core.activation",
    "EinsumDense": "einsum.einsum_dense",
    "ReversibleEmbedding": "einsum.reversible_embedding",
    # activation layers
    "ReLU": "activation_layers.relu",
    "LeakyReLU": "activation_layers.leaky_relu",
    "PReLU": "activation_layers.prelu",
    "ELU": "activation_layers.elu",
    "Softmax": "activation_layers.softmax",
    "ThresholdedReLU": "activation_layers.thresholded_relu",
    "SReLU": "activation_layers.srelu",
    "ParametricSoftplus": "activation_layers.parametric_softplus",
    # merging
    "Add": "merging.add",
    "Subtract": "merging.subtract",
    "Multiply": "merging.multiply",
    "Average": "merging.average",
    "Maximum": "merging.maximum",
    "Minimum": "merging.minimum",
    "Concatenate": "merging.concatenate",
    "Dot": "merging.dot",
    # convolutional
    **dict.fromkeys(["Conv1D", "Conv2D", "Conv3D"], "convolutional.conv"),
    **dict.fromkeys(["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"], "convolutional.conv_transpose"),
    **dict.fromkeys(["DepthwiseConv1D", "DepthwiseConv2D"], "convolutional.depthwise_conv"),
    **dict.fromkeys(["SeparableConv1D", "SeparableConv2D"], "convolutional.separable_conv"),
    **dict.fromkeys(["LocallyConnected1D", "LocallyConnected2D"], "locally_connected.locally_connected"),
    # pooling
    **dict.fromkeys(["MaxPooling1D", "MaxPooling2D", "MaxPooling3D"], "pooling.max_pooling"),
    **dict.fromkeys(["AveragePooling1D", "AveragePooling2D", "AveragePooling3D"], "pooling.average_pooling"),
    **dict.fromkeys(["GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D"], "pooling.global_max_pooling"),
    "GlobalAveragePooling1D": "pooling.global_average_pooling_1d",
    **dict.fromkeys(["GlobalAveragePooling2D", "GlobalAveragePooling3D"], "pooling.global_average_pooling"),
    **dict.fromkeys(["AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D"], "pooling.adaptive_max_pooling"),
    **dict.fromkeys([f"AdaptiveAveragePooling{n}D" for n in (1, 2, 3)], "pooling.adaptive_average_pooling"),
    # reshaping
    "Flatten": "reshaping.flatten",
    "Reshape": "reshaping.reshape",
    "Permute": "reshaping.permute",
    "RepeatVector": "reshaping.repeat_vector",
    "Cropping1D": "reshaping.cropping",
    "Cropping2D": "reshaping.cropping",
    "Cropping3D": "reshaping.cropping",
    "ZeroPadding1D": "reshaping.zero_padding",
    "ZeroPadding2D": "reshaping.zero_padding",
    "ZeroPadding3D": "reshaping.zero_padding",
    "UpSampling1D": "reshaping.up_sampling",
    "UpSampling3D": "reshaping.up_sampling",
    "UpSampling2D": "resizing.up_sampling_2d",
    "Resizing": "resizing.resizing",
    "CenterCrop": "resizing.center_crop",
    # regularization and random augmentation: nothing happens at inference
    **dict.fromkeys(IDENTITY_LAYERS, "regularization.identity"),
    # normalization
    "BatchNormalization": "normalization.batch_normalization",
    "SyncBatchNormalization": "normalization.batch_normalization",
    "LayerNormalization": "normalization.layer_normalization",
    "GroupNormalization": "normalization.group_normalization",
    "RMSNormalization": "normalization.rms_normalization",
    "UnitNormalization": "normalization.unit_normalization",
    "SpectralNormalization": "normalization.spectral_normalization",
    "Normalization": "normalization.normalization",
    "Rescaling": "normalization.rescaling",
    # sequence
    "Embedding": "sequence.embedding",
    "Masking": "sequence.masking",
    # cells
    "GRUCell": "cells.gru_cell",
    "LSTMCell": "cells.lstm_cell",
    "SimpleRNNCell": "cells.simple_rnn_cell",
    "StackedRNNCells": "cells.stacked_rnn_cells",
    # recurrent
    "GRU": "recurrent.gru",
    "LSTM": "recurrent.lstm",
    "RNN": "recurrent.rnn",
    "SimpleRNN": "recurrent.simple_rnn",
    "ConvLSTM1D": "conv_recurrent.conv_lstm",
    "ConvLSTM2D": "conv_recurrent.conv_lstm",
    "ConvLSTM3D": "conv_recurrent.conv_lstm",
    # wrappers
    "Bidirectional": "wrappers.bidirectional",
    "TimeDistributed": "wrappers.time_distributed",
    "PruneLowMagnitude": "wrappers.pruned",
    **dict.fromkeys(["CastToFloat32", "Custom>CastToFloat32", "autokeras>CastToFloat32"], "regularization.identity"),
    # legacy
    "Highway": "legacy.highway",
    "MaxoutDense": "legacy.maxout_dense",
    "RandomFourierFeatures": "legacy.random_fourier_features",
    # attention
    "Attention": "attention.attention",
    "AdditiveAttention": "attention.additive_attention",
    "MultiHeadAttention": "attention.multi_head_attention",
    "GroupQueryAttention": "attention.multi_head_attention",
    "GroupedQueryAttention": "attention.multi_head_attention",
    # preprocessing
    "CategoryEncoding": "preprocessing.category_encoding",
    "Discretization": "preprocessing.discretization",
    "Hashing": "preprocessing.hashing",
    "HashedCrossing": "preprocessing.hashed_crossing",
    "IntegerLookup": "lookup.integer_lookup",
    "StringLookup": "lookup.string_lookup",
    "TextVectorization": "lookup.text_vectorization",
    "AutoContrast": "preprocessing.auto_contrast",
    "ContrastLimitedAdaptiveHistogramEqualization": "preprocessing.clahe",
    "Pipeline": "preprocessing.pipeline",
    "STFTSpectrogram": "spectral.stft_spectrogram",
    "MelSpectrogram": "spectral.mel_spectrogram",
})  # fmt: skip


def register(class_name: str, function: LayerFunction, variables: Sequence[str] = ()) -> None:
    """Compute layers of a class of your own with ``function``, which has the signature of every layer function here.

    ``class_name`` is what ``weightlens show`` calls the class (``Package>Name`` where Keras knows it under a package);
    ``variables`` are the names of its weights in the order in which the layer makes them, for files that do not name them.
    Register before the model is loaded. Nothing is ever loaded from a file.
    """
    if class_name in OPTIONS or (class_name in LAYERS and class_name not in REGISTERED):
        raise ValueError(f"{class_name} is a layer that weightlens computes itself")
    if not callable(function):
        raise TypeError(f"the function of {class_name} has to be one: f(x, w, config, step)")
    REGISTERED.add(class_name)
    LAYERS[class_name] = function
    if variables:
        VARIABLES[class_name] = " ".join(variables)
        variables_of.cache_clear()


MULTI_HEAD = (
    "query",
    "value",
    "key",
    "query_mask",
    "value_mask",
    "key_mask",
    "attention_mask",
    "return_attention_scores",
    "training",
    "use_causal_mask",
)

# The names of a layer's positional call arguments, where they are not (inputs, mask, training).
CALL_ARGUMENTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(["MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention"], MULTI_HEAD),
    **dict.fromkeys(["Attention", "AdditiveAttention"], ("inputs", "mask", "training", "return_attention_scores", "use_causal_mask")),
    "ReversibleEmbedding": ("inputs", "reverse"),
    **dict.fromkeys(
        ["SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"],
        ("sequences", "initial_state", "mask"),
    ),
}
