"""What layer classes were called before Keras 3, or elsewhere than in its documentation, and how Keras 1 stored them.

Of the classes of packages built on Keras: what they are, and what works instead.
"""

from __future__ import annotations

import re

CLASS_NAMES = {  # aliases and names that changed
    "Model": "Functional", "Convolution1D": "Conv1D", "Convolution2D": "Conv2D", "Convolution3D": "Conv3D",
    "Convolution1DTranspose": "Conv1DTranspose",
    "Convolution2DTranspose": "Conv2DTranspose", "Convolution3DTranspose": "Conv3DTranspose",
    "SeparableConvolution1D": "SeparableConv1D", "SeparableConvolution2D": "SeparableConv2D", "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose", "GroupedQueryAttention": "GroupQueryAttention", "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization", "GRUV2": "GRU", "LSTMV2": "LSTM", "GRUCellV2": "GRUCell", "LSTMCellV2": "LSTMCell",
    "DenseV2": "Dense",
}  # fmt: skip
KERAS_1_CLASSES = {  # besides
    "TimeDistributedDense": "Dense", "AtrousConvolution1D": "Conv1D", "AtrousConvolution2D": "Conv2D", "AtrousConv1D": "Conv1D",
    "AtrousConv2D": "Conv2D", "ParametricSoftPlus": "ParametricSoftplus",
}  # fmt: skip
KERAS_1_ARRAYS = {"LSTM": 12, "GRU": 9, "ConvLSTM2D": 12}  # three for each gate
CUDNN = {"CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU"}  # of Keras 2, on a graphics card: the layers that compute the same
ACTIVATION_NAMES = {"swish": "silu", "hard_swish": "hard_silu", "softmax_v2": "softmax", "sigmoid_v2": "sigmoid", "gelu_v2": "gelu"}
QKERAS = (
    "a layer of QKeras, which rounds numbers in ways of its own as it computes; what works instead: a network of plain Keras layers "
    "with the weights that qkeras.utils.model_save_quantized_weights gives, as far as its activations have plain counterparts"
)
QUANTISED = (
    "made for quantisation aware training (tfmot), which rounds numbers as it computes; what works instead: the network "
    "as it was before quantize_model or quantize_apply, saved from Keras"
)
CLUSTERED = "a wrapper of clustering (tfmot); what works instead: tfmot.clustering.keras.strip_clustering(model), saved from Keras"
ADVICE: tuple[tuple[str, str], ...] = (
    (r"(.*>)?Q(Dense|Activation|Adaptive|Conv|Depthwise|Separable|Mobilenet|Batch|Simple|LSTM|GRU|Bidir|Global|Average|Octave)\w*", QKERAS),
    (r"(.*>)?Quantize(Wrapper|Layer|Annotate|ConfigWrapper)\w*", QUANTISED),
    (r"(.*>)?Cluster(Weights|Wrapper)\w*", CLUSTERED),
)  # fmt: skip


def advice_for_class(class_name: str) -> str:
    """What a third-party class is, and what works instead; empty if unknown."""
    return next((words for pattern, words in ADVICE if re.fullmatch(pattern, class_name)), "")
