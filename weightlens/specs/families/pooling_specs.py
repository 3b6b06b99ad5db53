"""Pooling layers (``keras.layers``, "Pooling layers")."""

from weightlens.specs.layer import LayerSpec, each_rank

ALL = (1, 2, 3)
WINDOW = "pool_size strides:sizes? padding data_format |1 ignore_border:any st:any"
GLOBAL, ADAPTIVE = "data_format keepdims", "output_size!:sizes data_format"
POOL = LayerSpec(function="convolution.pooling.average_pooling", options=WINDOW, alone=True, tfjs="loses")
LAST = {"data_format": ("channels_last",)}  # with one spatial axis
FLAT = {"keepdims": (False, 0)}
MEAN = POOL._replace(function="convolution.pooling.global_average_pooling", options=GLOBAL, whole="means", tfjs_passes_over=FLAT)
MAX = POOL._replace(function="convolution.pooling.global_max_pooling", options=GLOBAL, keeps_kind=True, tfjs_passes_over=FLAT)
MOST = POOL._replace(function="convolution.pooling.max_pooling", keeps_kind=True)

LAYERS = {
    **each_rank("MaxPooling{}D", (1,), MOST._replace(tfjs_passes_over=LAST)),
    **each_rank("MaxPooling{}D", (2, 3), MOST),
    **each_rank("AveragePooling{}D", (1,), POOL._replace(tfjs_passes_over=LAST)),
    **each_rank("AveragePooling{}D", (2, 3), POOL),
    **each_rank("GlobalMaxPooling{}D", (1,), MAX._replace(tfjs_passes_over=LAST | FLAT)),
    **each_rank("GlobalMaxPooling{}D", (2, 3), MAX, tfjs=(2,)),
    **each_rank("GlobalAveragePooling{}D", (1,), MEAN._replace(
        function="convolution.pooling.global_average_pooling_1d", tfjs="hides", tfjs_passes_over=LAST | FLAT,
    )),
    **each_rank("GlobalAveragePooling{}D", (2, 3), MEAN, tfjs=(2,)),
    **each_rank("AdaptiveMaxPooling{}D", ALL, LayerSpec(function="convolution.pooling.adaptive_max_pooling", options=ADAPTIVE)),
    **each_rank("AdaptiveAveragePooling{}D", ALL, LayerSpec(function="convolution.pooling.adaptive_average_pooling", options=ADAPTIVE)),
}  # fmt: skip
