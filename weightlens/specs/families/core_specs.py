"""Core layers, and the layers that are an activation function (``keras.layers``, "Core layers", "Activation layers")."""

from weightlens.specs.layer import LayerSpec

ADAPTED = "lora_rank lora_alpha quantization_config:any"
UNITS = {"kernel": "?, unit", "bias": "unit"}
TABLE = {
    "embeddings": "word, feature",
    "embeddings_scale": "word",
    "reverse_embeddings": "feature, word",
    "lora_embeddings_a": "word, rank",
    "lora_embeddings_b": "rank, feature",
}

LAYERS = {
    "InputLayer": LayerSpec(
        function=None, tfjs="keeps", alone=True, not_taken="trainable",
        options="sparse ragged optional input_tensor:any shape:any type_spec:any",
    ),
    "Dense": LayerSpec(
        function="core.dense", mask="keep", variables="kernel[in,units] bias[units]?use_bias",
        options=f"units! activation use_bias |3 {ADAPTED}",
        axes=UNITS | {"lora_kernel_a": "?, rank", "lora_kernel_b": "rank, unit", "kernel_scale": "unit"}, alone=True,
        ends_in_activation=True, truth_table=True, learned="kernel bias activity", tfjs="keeps",
    ),
    "Activation": LayerSpec(
        function="core.activation", mask="keep", options="activation!", alone=True, ends_in_activation=True, only_activation=True,
        keeps_kind=True, truth_table=True, tfjs="keeps",
    ),
    "EinsumDense": LayerSpec(
        function="einsum.einsum_dense", variables="kernel bias?bias_axes=0", shapes="einsum_dense",
        options=f"equation! output_shape! activation bias_axes |3 {ADAPTED} gptq_unpacked_column_size:any",
        axes={"kernel": "equation", "bias": "equation"}, ends_in_activation=True, learned="kernel bias",
    ),
    "Embedding": LayerSpec(
        function="sequence.embedding", mask="embedding", variables="embeddings[input_dim,output_dim]",
        options=f"input_dim! output_dim! mask_zero |3 {ADAPTED} |2 input_length:lengths sparse |1 dropout", takes="sample, token",
        axes=TABLE, alone=True, tokens=("input_dim", 1), learned="embeddings", tfjs="loses",
    ),
    "ReversibleEmbedding": LayerSpec(
        function="einsum.reversible_embedding", mask="reversible_embedding",
        variables="embeddings[input_dim,output_dim] reverse_embeddings[output_dim,input_dim]?untied=0",
        options=f"input_dim! output_dim! tie_weights mask_zero reverse_dtype:any logit_soft_cap:number? |3 {ADAPTED}",
        arguments=("inputs", "reverse"), takes="sample, token", axes=TABLE, tokens=("input_dim", 1), learned="embeddings",
    ),
    "Masking": LayerSpec(
        function="sequence.masking", mask="masking", options="mask_value:number", alone=True, keeps_kind=True, tfjs="loses",
    ),
    "Identity": LayerSpec(function="core.identity", mask="keep_since_keras_3", options="", alone=True, hands_on=True, picture="passes"),
    # activation layers
    "ReLU": LayerSpec(
        function="activation_layers.relu", mask="keep", options="max_value negative_slope threshold", alone=True,
        keeps_kind=True, tfjs="keeps", tfjs_passes_over={"negative_slope": (0,), "threshold": (0,)},
    ),
    "LeakyReLU": LayerSpec(
        function="activation_layers.leaky_relu", mask="keep", options="negative_slope |1 alpha |2 alpha", not_taken="alpha",
        alone=True, tfjs="loses",
    ),
    "PReLU": LayerSpec(
        function="activation_layers.prelu", mask="keep", variables="alpha", shapes="prelu", options="shared_axes:axes?",
        alone=True, learned="alpha", tfjs="keeps",
    ),
    "ELU": LayerSpec(function="activation_layers.elu", mask="keep", options="alpha", alone=True, tfjs="loses"),
    "Softmax": LayerSpec(
        function="activation_layers.softmax", mask="keep", options="axis:axes |2 robust_masking",
        alone="axis", only_activation=True, tfjs="hides",
    ),
    "ThresholdedReLU": LayerSpec(
        function="activation_layers.thresholded_relu", mask="keep", options="theta", alone=True, gone=True, tfjs="loses",
    ),
    "SReLU": LayerSpec(
        function="activation_layers.srelu", mask="keep", variables="t_left a_left t_right a_right", shapes="prelu",
        options="shared_axes:axes?", alone=True, gone=True,
    ),
    "ParametricSoftplus": LayerSpec(
        function="activation_layers.parametric_softplus", mask="keep", variables="alpha beta", shapes="prelu", options="shared_axes:axes?",
        alone=True, gone=True,
    ),
}  # fmt: skip
