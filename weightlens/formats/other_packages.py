"""Layers of packages built on Keras: pruned layers, which are plain layers with a mask, and advice about the others."""

from __future__ import annotations

import re

import numpy as np

from weightlens.formats.weights.conversion import converted
from weightlens.model import Layer, Weight

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


def apply_pruning_masks(layer: Layer) -> None:
    """Multiply the kernels in a PruneLowMagnitude by their masks, as it does in every call."""
    inner = layer.inner.get("layer")
    if inner is None:
        return
    masks = [owner.own_weights.pop(name) for owner in (inner, layer) for name in [*owner.own_weights] if "mask" in name]
    kept = len(masks)
    for name, kernel in inner.own_weights.items():
        mask = next((mask for mask in masks if mask.shape == kernel.shape), None)
        if mask is not None:
            masks.remove(mask)
            inner.own_weights[name] = masked_kernel(name, kernel, mask)
    state = [name for name in inner.own_weights if re.match("threshold|pruning_step", name)]
    layer.own_weights |= {name: inner.own_weights.pop(name) for name in state}
    if masks or not kept:
        layer.faults.append("has no mask for its layer, or one that fits none of its weights")


def masked_kernel(name: str, kernel: Weight, mask: Weight) -> Weight:
    """A kernel with its pruned weights set to 0."""
    return converted(name, [kernel, mask], lambda k, m: (k * m).astype(k.dtype), kernel.shape, "multiplied by its mask", add=np.add)
