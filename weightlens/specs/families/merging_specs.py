"""Layers that merge several inputs (``keras.layers``, "Merging layers")."""

from __future__ import annotations

from weightlens.specs.layer import LayerSpec


def elementwise(function: str, whole: str = "", tfjs: str = "hides") -> LayerSpec:
    """A layer that takes its inputs place by place."""
    return LayerSpec(function=function, mask="either", options="", alone=True, keeps_kind=whole != "sums", whole=whole, tfjs=tfjs)


LAYERS = {
    "Add": elementwise("merging.add", "wraps"),
    "Subtract": elementwise("merging.subtract", "wraps", tfjs=""),
    "Multiply": elementwise("merging.multiply", "wraps"),
    "Average": elementwise("merging.average", "sums"),
    "Maximum": elementwise("merging.maximum"),
    "Minimum": elementwise("merging.minimum"),
    "Concatenate": LayerSpec(
        function="merging.concatenate", mask="concatenated", options="axis", alone="axis", keeps_kind=True, tfjs="hides",
    ),
    "Dot": LayerSpec(function="merging.dot", options="axes normalize", alone="axes", whole="sums", tfjs="hides"),
}  # fmt: skip
