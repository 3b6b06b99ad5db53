"""Layers of the networks in ``keras.applications`` (ConvNeXt, Inception-ResNet v2) that ``keras.layers`` has not."""

from weightlens.specs.layer import LayerSpec

CONVNEXT = "keras.src.applications.convnext"
LAYERS = {
    "LayerScale": LayerSpec(
        function="normalization.layer_scale", variables="gamma[projection_dim]", options="init_values!:number projection_dim!:count",
        alone=True, home=CONVNEXT,
    ),
    "StochasticDepth": LayerSpec(
        function="core.identity", options="drop_path_rate!:number", alone=True, hands_on=True, home=CONVNEXT,
    ),
    "CustomScaleLayer": LayerSpec(
        function="merging.scaled_sum", options="scale!:number", alone=True, home="keras.src.applications.inception_resnet_v2",
    ),
}  # fmt: skip
