"""Layers that merge several inputs (``keras.layers``, "Merging layers")."""

from __future__ import annotations

from weightlens.specs.layer import LayerSpec


def elementwise(function: str, alone: bool = False, keeps_kind: bool = True) -> LayerSpec:
    """A layer that takes its inputs place by place."""
    return LayerSpec(function=function, mask="either", options="", alone=alone, keeps_kind=keeps_kind)


LAYERS = {
    "Add": elementwise("merging.add", alone=True),
    "Subtract": elementwise("merging.subtract"),
    "Multiply": elementwise("merging.multiply"),
    "Average": elementwise("merging.average", keeps_kind=False),
    "Maximum": elementwise("merging.maximum"),
    "Minimum": elementwise("merging.minimum"),
    "Concatenate": LayerSpec(function="merging.concatenate", mask="concatenated", options="axis", keeps_kind=True),
    "Dot": LayerSpec(function="merging.dot", options="axes normalize"),
}  # fmt: skip
