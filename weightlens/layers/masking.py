"""Which mask a layer hands on: ``rule(x, config, mask, quirks) -> mask`` with ``mask`` boolean ``(batch, time)`` or ``None``.

A mask is true where a time step is real. It starts at Masking or ``Embedding(mask_zero=True)`` and travels with
the values. ``LayerSpec.mask`` names a layer's rule; with "none" it hands on none, as in Keras (``Layer.supports_masking``,
``Layer.compute_mask``). A rule that gives one mask for several outputs means the first of them.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from weightlens.layers import mask_rule
from weightlens.layers.sequence import where_not_all_are
from weightlens.layers.signature import Array, Config, Masks
from weightlens.specs.quirks import LOSES_MASKS_OF_LISTS, Quirks


def blind_to_masks(arguments: Collection[str], quirks: Quirks) -> bool:
    """Whether a recurrent layer does not see its mask: Keras 3 shows masks only to layers called on one tensor, Keras 2 to all."""
    return "initial_state" in arguments and not quirks.before_keras_3


def loses_mask(x: object, quirks: Quirks) -> bool:
    """Whether a layer called on ``x`` hands on no mask, whatever its rule is."""
    return isinstance(x, (list, tuple)) and LOSES_MASKS_OF_LISTS in quirks.old


def keep(x: Array, config: Config, mask: Array | None, quirks: Quirks) -> Any:
    """The mask goes through unchanged."""
    return mask


def keep_since_keras_3(x: Array, config: Config, mask: Array | None, quirks: Quirks) -> Any:
    """The mask goes through in Keras 3, and is lost in Keras 2."""
    return None if quirks.before_keras_3 else mask


def time_distributed(x: Array, config: Config, mask: Array | None, quirks: Quirks) -> Any:
    """The mask goes through; in Keras 2 it is what the wrapped layer makes of it, or which time steps have anything real."""
    if not quirks.before_keras_3:
        return mask
    inner_mask = None if mask is None else mask.reshape((-1, *mask.shape[2:]))
    made = wrapped(x.reshape((-1, *x.shape[2:])), config, inner_mask, quirks)
    if made is not None:
        return made.reshape(x.shape[:2] + made.shape[1:])
    return mask if mask is None or mask.ndim == 2 else np.any(mask, axis=tuple(range(2, mask.ndim)))


def wrapped(x: Array, config: Config, mask: Array | None, quirks: Quirks) -> Any:
    """What the wrapped layer makes of it."""
    inner = config["layer"]
    rule = mask_rule(inner["class_name"])
    return None if rule is None else rule(x, inner["config"], mask, quirks)


def embedding(x: Array, config: Config, mask: Array | None, quirks: Quirks) -> Any:
    """Token 0 is padding where ``mask_zero`` says so."""
    return np.not_equal(x, 0) if config.get("mask_zero") else None


def reversible_embedding(x: Array, config: Config, mask: Array | None, quirks: Quirks) -> Any:
    """The mask of ``embedding``; vectors on their way back to tokens have none."""
    return None if x.ndim > 2 and x.shape[-1] == config["output_dim"] else embedding(x, config, mask, quirks)


def masking(x: Array, config: Config, mask: Array | None, quirks: Quirks) -> Any:
    """Real are the time steps with any feature other than ``mask_value``."""
    return where_not_all_are(x, config.get("mask_value", 0.0))


def recurrent(x: Array, config: Config, mask: Array | None, quirks: Quirks) -> Any:
    """A sequence keeps its mask, a last output has none."""
    return mask if config.get("return_sequences") else None


def bidirectional(x: Array, config: Config, mask: Array | None, quirks: Quirks) -> Any:
    """The mask that its layers hand on; one for each direction where they are not merged."""
    mask = recurrent(x, config["forward_layer"]["config"], mask, quirks)
    return mask if config.get("merge_mode", "concat") else [mask, mask]


def query(x: Array, config: Config, mask: Masks, quirks: Quirks) -> Any:
    """The mask of the query, the first of the inputs query, value, key."""
    return mask[0] if isinstance(mask, (list, tuple)) else None


def either(x: Array | Sequence[Array], config: Config, mask: Masks, quirks: Quirks) -> Any:
    """Real in one of the merged inputs; none where an input has none. Before Keras 3: real in all that have one."""
    masks = mask if isinstance(mask, (list, tuple)) else [mask]
    if quirks.before_keras_3:
        masks = [m for m in masks if m is not None]
        return functools.reduce(np.logical_and, masks) if masks else None
    return None if any(m is None for m in masks) else functools.reduce(np.logical_or, masks)


def concatenated(x: Sequence[Array], config: Config, mask: Masks, quirks: Quirks) -> Any:
    """Side by side like the inputs, all real where an input has no mask; along the features: real in any input."""
    if not isinstance(mask, (list, tuple)) or all(m is None for m in mask):
        return None
    axis, rank = config.get("axis", -1), x[0].ndim
    if any(m is not None and m.ndim not in (rank - 1, rank) for m in mask):
        raise NotImplementedError("is called with a mask of another rank than its inputs")
    masks = [np.ones(y.shape[:-1], bool) if m is None else m for y, m in zip(x, mask, strict=True)]
    masks = [np.any(m, axis=-1) if m.ndim == rank else m for m in masks]
    return either(x, config, masks, quirks) if axis % rank == rank - 1 else np.concatenate(masks, axis=axis % rank)
