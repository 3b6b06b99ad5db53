"""What the constructors of Keras 3's layers take, and which layers it no longer has."""

from __future__ import annotations

import functools
from typing import Any

from weightlens.specs import options
from weightlens.specs.activation import ACTIVATIONS
from weightlens.specs.registry import SPECS, spec

# Of weightlens's table, but not in Keras 3 (others' layers too, which no table has).
GONE = frozenset({
    "SReLU", "ParametricSoftplus", "LocallyConnected1D", "LocallyConnected2D", "RandomHeight", "RandomWidth", "CastToFloat32",
    "Custom>CastToFloat32", "autokeras>CastToFloat32", "ConvLSTM2DCell", "ConvLSTMCell", "PeepholeLSTMCell", "Highway", "MaxoutDense",
    "RandomFourierFeatures", "PruneLowMagnitude", "ThresholdedReLU", "SyncBatchNormalization", "CuDNNLSTM", "CuDNNGRU",
})  # fmt: skip
OLD_ACTIVATIONS = frozenset({"hard_sigmoid_keras2", "softmax_v2", "thresholded_relu"})
# Options of the table that a constructor does not take, by class.
NOT_TAKEN: dict[str, str] = {
    **dict.fromkeys(["Cropping1D", "Dropout", "AlphaDropout", "GaussianDropout", "SpatialDropout1D"], "data_format"),
    **dict.fromkeys(["IntegerLookup", "StringLookup", "TextVectorization"],
                    "has_input_vocabulary vocabulary_size encoding oov_method vocabulary_dtype"),
    **dict.fromkeys(["Resizing", "CenterCrop", "RandomCrop", "Equalization", "AutoContrast"], "bounding_box_format factor value_range"),
    **{f"ConvLSTM{rank}D": "unroll use_cudnn zero_output_for_mask" for rank in (1, 2, 3)},
    "SimpleRNN": "use_cudnn", "RNN": "use_cudnn", "LeakyReLU": "alpha", "LayerNormalization": "rms_scaling",
    "AdditiveAttention": "score_mode",
    "StackedRNNCells": "reverse_state_order", "InputLayer": "type_spec",
}  # fmt: skip
# Options of older versions that change no number, whatever they are.
WITHOUT_EFFECT = frozenset({
    "fused", "implementation", "consume_less", "dropout_W", "dropout_U", "truncate_gradient", "input_length", "has_input_vocabulary",
    "vocabulary_size", "num_constants", "forget_bias_init", "init", "inner_init",
    "vocabulary_dtype", "query_shape", "key_shape", "value_shape", "lora_rank", "lora_alpha", "robust_masking", "softmax_robust_masking",
})  # fmt: skip
ENDINGS = ("_initializer", "_regularizer", "_constraint")
ALL_OF = "kernel bias activity"
LEARNED_BY = {  # what layers have an initializer, a regularizer and a constraint for
    "Dense MultiHeadAttention GroupQueryAttention Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose": ALL_OF,
    "EinsumDense": "kernel bias",
    "DepthwiseConv1D DepthwiseConv2D": "depthwise bias activity",
    "SeparableConv1D SeparableConv2D": "depthwise pointwise bias activity",
    "Embedding ReversibleEmbedding": "embeddings",
    "PReLU": "alpha",
    "BatchNormalization": "gamma beta moving_mean moving_variance",
    "LayerNormalization GroupNormalization": "gamma beta",
    "SimpleRNNCell LSTMCell GRUCell": "kernel recurrent bias",
    "SimpleRNN LSTM GRU ConvLSTM1D ConvLSTM2D ConvLSTM3D": "kernel recurrent bias activity",
}
LEARNED = {name: parts for names, parts in LEARNED_BY.items() for name in names.split()}


def is_in_keras_3(class_name: str) -> bool:
    """Whether Keras 3 has a layer of this class."""
    return class_name in SPECS and class_name not in GONE and spec(class_name).options is not None


def is_activation(name: Any) -> bool:
    """Whether Keras 3 has an activation function of this name."""
    return name in ACTIVATIONS and name not in SPECS and name not in OLD_ACTIVATIONS


@functools.cache
def taken(class_name: str) -> frozenset[str]:
    """The options that the constructor of a class takes, those for training apart."""
    own = options.own_options(class_name)
    return frozenset(name for name, option in own.items() if option.version in (0, 3)) - {*NOT_TAKEN.get(class_name, "").split()}


@functools.cache
def taken_in_training(class_name: str) -> frozenset[str]:
    """Its initializers, regularizers and constraints."""
    found = {part + ending for part in LEARNED.get(class_name, "").split() for ending in ENDINGS}
    moving = {name for name in found if name.startswith("moving_") and not name.endswith("_initializer")}
    return frozenset(found - moving - {"activity_initializer", "activity_constraint"})
