"""Which mask a layer hands on: ``rule(x, config, mask) -> mask`` with ``mask`` boolean ``(batch, time)`` or ``None``.

A mask is true where a time step is real. It starts at Masking or ``Embedding(mask_zero=True)`` and travels with
the values. A layer that is not in ``MASKS`` hands on none, as in Keras (``Layer.supports_masking``,
``Layer.compute_mask``); a rule that gives one mask for several outputs means the first of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.layers.sequence import unlike

MaskRule = Callable[[Any, dict[str, Any], Any], Any]


def keep(x: Any, config: dict[str, Any], mask: Any) -> Any:
    """The mask goes through unchanged."""
    return mask


def embedding(x: Any, config: dict[str, Any], mask: Any) -> Any:
    """Token 0 is padding where ``mask_zero`` says so."""
    return np.not_equal(x, 0) if config.get("mask_zero") else None


def masking(x: Any, config: dict[str, Any], mask: Any) -> Any:
    """Real are the time steps with any feature other than ``mask_value``."""
    return unlike(x, config.get("mask_value", 0.0))


def recurrent(x: Any, config: dict[str, Any], mask: Any) -> Any:
    """A sequence keeps its mask, a last output has none."""
    return mask if config.get("return_sequences") else None


def bidirectional(x: Any, config: dict[str, Any], mask: Any) -> Any:
    """As its layers; both directions where they are not merged."""
    mask = recurrent(x, config["forward_layer"]["config"], mask)
    return mask if config.get("merge_mode", "concat") else [mask, mask]


def query(x: Any, config: dict[str, Any], mask: Any) -> Any:
    """Of the inputs query, value, key the query's."""
    return mask[0] if isinstance(mask, (list, tuple)) else None


def either(x: Any, config: dict[str, Any], mask: Any) -> Any:
    """Real in one of the merged inputs; none where an input has none."""
    if not isinstance(mask, (list, tuple)) or any(m is None for m in mask):
        return None
    joined = mask[0]
    for m in mask[1:]:
        joined = np.logical_or(joined, m)
    return joined


def concatenated(x: Any, config: dict[str, Any], mask: Any) -> Any:
    """Side by side like the inputs, all real where an input has no mask; along the features: real in any input."""
    if not isinstance(mask, (list, tuple)) or all(m is None for m in mask):
        return None
    axis, rank = config.get("axis", -1), x[0].ndim
    along_features = axis % rank == rank - 1
    if any(m is not None and m.ndim not in (rank - 1, rank) for m in mask):
        raise NotImplementedError("is called with a mask of another rank than its inputs")
    masks = [np.ones(y.shape[:-1], bool) if m is None else np.any(m, axis=-1) if m.ndim == rank else m for y, m in zip(x, mask, strict=True)]
    return either(x, config, masks) if along_features else np.concatenate(masks, axis=axis if axis >= 0 else axis + 1)


KEEPING = (
    "Activation ActivityRegularization AlphaDropout BatchNormalization Dense Dropout ELU GaussianDropout GaussianNoise GroupNormalization "
    "GroupQueryAttention Identity LayerNormalization LeakyReLU MultiHeadAttention Normalization PReLU ReLU Rescaling Softmax SpatialDropout1D "
    "SpatialDropout2D SpatialDropout3D ThresholdedReLU TimeDistributed UnitNormalization"
)
MASKS: dict[str, MaskRule] = {
    **dict.fromkeys(KEEPING.split(), keep),
    **dict.fromkeys(["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"], either),
    **dict.fromkeys(["SimpleRNN", "LSTM", "GRU", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"], recurrent),
    **dict.fromkeys(["Attention", "AdditiveAttention"], query),
    "Concatenate": concatenated,
    "Embedding": embedding,
    "Masking": masking,
    "Bidirectional": bidirectional,
}
