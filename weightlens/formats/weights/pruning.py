"""A PruneLowMagnitude of tfmot: the layer it wraps, with a mask over each kernel."""

from __future__ import annotations

import re

import numpy as np

from weightlens.formats.weights.conversion import converted
from weightlens.model import Layer, Weight


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
