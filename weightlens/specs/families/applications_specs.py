"""Layers of the networks in ``keras.applications`` (ConvNeXt, Inception-ResNet v2) that ``keras.layers`` has not."""

from __future__ import annotations

from weightlens.specs.layer import LayerSpec

LAYERS = {
    "LayerScale": LayerSpec(
        function="applications.layer_scale", variables="gamma[projection_dim]", options="init_values!:number projection_dim!:count",
        alone=True, gone=True,
    ),
    "StochasticDepth": LayerSpec(
        function="core.identity", options="drop_path_rate!:number", alone=True, hands_on=True, gone=True,
    ),
    "CustomScaleLayer": LayerSpec(function="applications.scaled_sum", options="scale!:number", alone=True, gone=True),
}  # fmt: skip
