"""Convolutions (``keras.layers``, "Convolution layers"), and those that Keras 3 no longer has."""

from __future__ import annotations

from weightlens.specs.layer import LayerSpec, each_rank

UNGROUPED = {"groups": (1,)}
SETTINGS = "kernel_size! strides padding data_format dilation_rate"
CONV = LayerSpec(
    function="convolution.convolutional.conv", variables="kernel[*kernel_size,in/groups,filters] bias[filters]?use_bias",
    options=f"filters! {SETTINGS} groups activation use_bias |3 lora_rank lora_alpha",
    axes={"kernel": "*, channel, filter", "bias": "filter"}, learned="kernel bias activity", tfjs="loses", alone=True,
    ends_in_activation=True, turned=True, tfjs_passes_over=UNGROUPED,
)  # fmt: skip
TRANSPOSED = LayerSpec(
    function="convolution.convolutional.conv_transpose", variables="kernel[*kernel_size,filters,in] bias[filters]?use_bias",
    options=f"filters! {SETTINGS} output_padding activation use_bias |2 groups", axes={"kernel": "*, filter, channel", "bias": "filter"},
    learned="kernel bias activity", tfjs="loses", alone=True, ends_in_activation=True, turned=True, tfjs_passes_over=UNGROUPED,
)  # fmt: skip
DEPTHWISE = LayerSpec(
    function="convolution.convolutional.depthwise_conv",
    variables="kernel[*kernel_size,in,depth_multiplier] bias[in*depth_multiplier]?use_bias",
    options=f"{SETTINGS} depth_multiplier activation use_bias |2 groups filters:count?", axes={"kernel": "*, channel, multiplier"},
    learned="depthwise bias activity", tfjs="loses", alone=True, ends_in_activation=True, tfjs_passes_over=UNGROUPED,
)  # fmt: skip
SEPARABLE = LayerSpec(
    function="convolution.convolutional.separable_conv",
    variables="depthwise_kernel[*kernel_size,in,depth_multiplier] pointwise_kernel[*ones,in*depth_multiplier,filters] "
    "bias[filters]?use_bias",
    options=f"filters! {SETTINGS} depth_multiplier activation use_bias |2 groups",
    axes={"depthwise_kernel": "*, channel, multiplier", "pointwise_kernel": "*, channel, filter", "bias": "filter"}, alone=True,
    learned="depthwise pointwise bias activity", tfjs="loses", ends_in_activation=True, tfjs_passes_over=UNGROUPED,
)  # fmt: skip
LOCAL = LayerSpec(
    function="convolution.locally_connected.locally_connected", variables="kernel bias?use_bias", shapes="locally_connected",
    options="filters! kernel_size! strides padding data_format activation use_bias |2 implementation:any", gone=True,
)  # fmt: skip


def causal(spec: LayerSpec) -> LayerSpec:
    """With one spatial axis the padding may be causal."""
    return spec._replace(options=str(spec.options).replace("padding", "padding:causal_border", 1))


LAYERS = {
    **each_rank("Conv{}D", (1,), causal(CONV)),
    **each_rank("Conv{}D", (2, 3), CONV),
    **each_rank("Conv{}DTranspose", (1, 2, 3), TRANSPOSED, tfjs=(2,)),
    **each_rank("DepthwiseConv{}D", (1,), DEPTHWISE, tfjs=()),
    **each_rank("DepthwiseConv{}D", (2,), DEPTHWISE._replace(tfjs_passes_over=UNGROUPED | {"dilation_rate": (1, [1], [1, 1], (1, 1))})),
    **each_rank("SeparableConv{}D", (1,), causal(SEPARABLE), tfjs=()),
    **each_rank("SeparableConv{}D", (2,), SEPARABLE),
    **each_rank("LocallyConnected{}D", (1, 2), LOCAL),
}  # fmt: skip
