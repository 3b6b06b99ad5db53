"""Which mask a layer hands on: ``rule(x, config, mask) -> mask`` with ``mask`` boolean ``(batch, time)`` or ``None``.

A layer that is not in ``MASKS`` hands on none, as in Keras (``Layer.supports_masking``, ``Layer.compute_mask``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MaskRule = Callable[[Any, dict[str, Any], Any], Any]


def keep(x: Any, config: dict[str, Any], mask: Any) -> Any:
    """The mask goes through unchanged."""
    return mask


MASKS: dict[str, MaskRule] = dict.fromkeys(["Dense", "Activation"], keep)
