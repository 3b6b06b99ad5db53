"""Layers of other versions and packages: Keras 1, ``keras.layers.experimental``, TensorFlow Model Optimization."""

from weightlens.specs.layer import LayerSpec

UNITS = {"kernel": "?, unit", "bias": "unit"}

LAYERS = {
    "Highway": LayerSpec(
        function="legacy.highway", variables="kernel[in,in] gate_kernel[in,in] bias[in]?use_bias gate_bias[in]?use_bias",
        options="activation use_bias transform_bias:any", axes=UNITS | {"gate_kernel": "?, unit", "gate_bias": "unit"}, gone=True,
    ),
    "MaxoutDense": LayerSpec(
        function="legacy.maxout_dense", variables="kernel[nb_feature,in,units] bias[nb_feature,units]?use_bias",
        options="units! nb_feature!:count use_bias", axes={"kernel": "piece, ?, unit", "bias": "piece, unit"}, gone=True,
    ),
    "RandomFourierFeatures": LayerSpec(
        function="legacy.random_fourier_features", variables="kernel_scale unscaled_kernel[in,output_dim] bias[output_dim]",
        options="output_dim! kernel_initializer:any scale:number?", axes=UNITS, gone=True,
    ),
    "PruneLowMagnitude": LayerSpec(
        function="recurrent.wrappers.pruned",
        options="layer! pruning_schedule:any block_size:any block_pooling_type:any sparsity_m_by_n:any", gone=True,
    ),
}  # fmt: skip
