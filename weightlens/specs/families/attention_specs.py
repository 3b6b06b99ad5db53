"""Attention (``keras.layers``, "Attention layers")."""

from weightlens.specs.layer import LayerSpec
from weightlens.specs.variables import ATTENTION_PARTS

SIZES = {"query": "key dim", "key": "key dim", "gate": "value dim", "value": "value dim"}
ATTENDED = "sample, ..., feature"
HEAD_AXES = {
    **{f"{part}/kernel": f"?, head, {size}" for part, size in SIZES.items()},
    **{f"{part}/bias": f"head, {size}" for part, size in SIZES.items()},
    **{f"{part}/kernel_scale": f"one, one, head, {size}" for part, size in SIZES.items()},
    "attention_output/kernel": "head, value dim, feature", "attention_output/kernel 4": "head, value dim, feature a, feature b",
    "attention_output/bias": "feature", "attention_output/bias 2": "feature a, feature b",
    "attention_output/kernel_scale": "one, one, feature",
}  # fmt: skip
MASKS = ("query_mask", "value_mask", "key_mask", "attention_mask")
HEADS = LayerSpec(
    function="attention.multi_head_attention", mask="keep", takes=ATTENDED, axes=HEAD_AXES, shapes="attention",
    variables=" ".join(f"{part}/kernel?{part} {part}/bias?{part}_bias" for part in ATTENTION_PARTS),
    arguments=("query", "value", "key", *MASKS, "return_attention_scores", "training", "use_causal_mask"), learned="kernel bias activity",
    alone="attention_axes",
)  # fmt: skip
HEAD_OPTIONS = "dropout use_bias use_gate flash_attention sliding_window:count? |2 softmax_robust_masking"
SINGLE = ("inputs", "mask", "training", "return_attention_scores", "use_causal_mask")

LAYERS = {
    "Attention": LayerSpec(
        function="attention.attention", mask="query", variables="scale[()]?use_scale=0 concat_score_weight[()]?concat=0",
        options="use_scale score_mode:score dropout", arguments=SINGLE, takes=ATTENDED, alone=True, across=True,
    ),
    "AdditiveAttention": LayerSpec(
        function="attention.additive_attention", mask="query", variables="scale[in]?use_scale",
        options="use_scale dropout |3 score_mode:text", not_taken="score_mode", arguments=SINGLE, takes=ATTENDED,
        alone=True, across=True,
    ),
    "MultiHeadAttention": HEADS._replace(
        options=f"num_heads!:count key_dim!:count value_dim:count? output_shape attention_axes:axes_from_front? {HEAD_OPTIONS} "
        "query_shape:any key_shape:any value_shape:any",  # those of the call that built it: Keras 2
    ),
    "GroupQueryAttention": HEADS._replace(options=f"head_dim!:count num_query_heads!:count num_key_value_heads!:count {HEAD_OPTIONS}"),
}  # fmt: skip
