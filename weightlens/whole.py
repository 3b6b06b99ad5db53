"""Which layers keep whole numbers whole, for the files that say so and for the arithmetic that does so."""

from __future__ import annotations

from typing import Any

LAYERS_WRAP = frozenset({"Add", "Subtract", "Multiply"})
LAYERS_OF_MEANS = frozenset({"GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D"})
CUT = frozenset({  # these make whole numbers of whole numbers
    "GroupNormalization", "LayerNormalization", "RMSNormalization", "SpectralNormalization", "LayerNorm", "RMSNorm",
})  # fmt: skip
GUARDED = LAYERS_WRAP | LAYERS_OF_MEANS | {"Average", "Dot"}


def is_whole(kind: Any) -> bool:
    """Whether a kind of number has no fractions."""
    return str(kind).startswith(("int", "uint"))
