"""Layers of packages built on Keras: what they are, and what works instead."""

from __future__ import annotations

import re

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
