"""Keras 0 and 1: their words for layers and settings, and how they kept weights."""

from __future__ import annotations

from typing import Any

from weightlens.formats.dialect import Dialect
from weightlens.model import Layer, Weight


def modern_entry(entry: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    return entry


def name_weights(layer: Layer, stored: list[tuple[str, Weight]], dialect: Dialect) -> bool:
    return False
