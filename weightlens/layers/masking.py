"""Which mask a layer hands on: ``rule(x, config, mask) -> mask`` with ``mask`` boolean ``(batch, time)`` or ``None``.

A layer that is not in ``MASKS`` hands on none, as in Keras (``Layer.supports_masking``, ``Layer.compute_mask``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

MaskRule = Callable[[Any, dict[str, Any], Any], Any]


def keep(x: Any, config: dict[str, Any], mask: Any) -> Any:
    """The mask goes through unchanged."""
    return mask


def merged(x: Any, config: dict[str, Any], mask: Any) -> Any:
    """Merge layers. Keras 3: where any input is unmasked, if all have a mask. Before (``mask_mode`` "all"): where all are."""
    masks = mask if isinstance(mask, (list, tuple)) else [mask]
    if config.get("mask_mode") == "all":
        masks = [m for m in masks if m is not None]
        return functools.reduce(np.logical_and, masks) if masks else None
    return None if any(m is None for m in masks) else functools.reduce(np.logical_or, masks)


def concatenated(x: Any, config: dict[str, Any], mask: Any) -> Any:
    """Concatenate: the masks one after another, like the inputs; an input without one counts as unmasked."""
    masks = mask if isinstance(mask, (list, tuple)) else [mask]
    if all(m is None for m in masks):
        return None
    full = [np.ones(v.shape, bool) if m is None else m if m.ndim == v.ndim else np.broadcast_to(m[..., None], v.shape) for v, m in zip(x, masks, strict=True)]
    together = np.concatenate(full, axis=config.get("axis", -1))
    return (np.all if config.get("mask_mode") == "all" else np.any)(together, axis=-1)


MASKS: dict[str, MaskRule] = dict.fromkeys(["Dense", "Activation"], keep)
MASKS |= dict.fromkeys(["BatchNormalization", "SyncBatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization", "Normalization", "Rescaling"], keep)
MASKS |= dict.fromkeys(["ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "ThresholdedReLU", "SReLU", "ParametricSoftplus"], keep)
MASKS |= dict.fromkeys(["Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout"], keep)
MASKS |= dict.fromkeys(["GaussianNoise", "ActivityRegularization", "Identity"], keep)
MASKS |= dict.fromkeys(["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"], merged)
MASKS["Concatenate"] = concatenated
