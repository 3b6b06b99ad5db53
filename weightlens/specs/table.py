"""The table of layer classes: for each its variables with their shapes, and its options with the kind of their values.

``VARIABLES``: names in Keras's order. ``name`` is always there, ``name?flag`` where the setting ``flag`` is true (or missing),
``name?flag=0`` where it is true (missing means not). A name with a slash belongs to a part of the layer: ``query/kernel``.
``name[..]`` has that shape: settings (``units``), ``*kernel_size`` one number for each axis, ``in`` the features that come in,
``4*units`` and ``in/groups`` what is worked out of them, ``()`` nothing, a single number. No shape: see ``shapes.SHAPES``, or unknown.

``OPTIONS``: names of options in every version of Keras, and after ``|1``, ``|2``, ``|3`` those of that version alone. ``name:kind`` says
the kind of value where it is not the one in ``KIND_OF``; ``name!`` has to be there.
"""

from __future__ import annotations

CELL = "kernel[in,{0}units] recurrent_kernel[units,{0}units] bias[{0}units]?use_bias"
CONV = "kernel[*kernel_size,in/groups,filters] bias[filters]?use_bias"
TURNED = "kernel[*kernel_size,filters,in] bias[filters]?use_bias"
DEPTHWISE = "kernel[*kernel_size,in,depth_multiplier] bias[in*depth_multiplier]?use_bias"
SEPARABLE = "depthwise_kernel[*kernel_size,in,depth_multiplier] pointwise_kernel[*ones,in*depth_multiplier,filters] bias[filters]?use_bias"
CONV_CELL = "kernel[*kernel_size,in,4*filters] recurrent_kernel[*kernel_size,filters,4*filters] bias[4*filters]?use_bias"
ATTENTION_PARTS = ("query", "key", "gate", "value", "attention_output")
PROJECTIONS = " ".join(f"{part}/kernel?{part} {part}/bias?{part}_bias" for part in ATTENTION_PARTS)
NORMALIZATION = "gamma?scale beta?center"
RENORMALIZATION = "moving_stddev?renorm=0 renorm_mean?renorm=0 renorm_stddev?renorm=0"
LSTM, GRU = CELL.format("4*"), CELL.format("3*").replace("bias[3*units]", "bias")
VARIABLES: dict[str, str] = {
    "Dense": "kernel[in,units] bias[units]?use_bias", "EinsumDense": "kernel bias?bias_axes=0",
    "Embedding": "embeddings[input_dim,output_dim]",
    "ReversibleEmbedding": "embeddings[input_dim,output_dim] reverse_embeddings[output_dim,input_dim]?untied=0",
    "Conv1D": CONV, "Conv2D": CONV, "Conv3D": CONV, "Conv1DTranspose": TURNED, "Conv2DTranspose": TURNED, "Conv3DTranspose": TURNED,
    "DepthwiseConv1D": DEPTHWISE, "DepthwiseConv2D": DEPTHWISE, "SeparableConv1D": SEPARABLE, "SeparableConv2D": SEPARABLE,
    "LocallyConnected1D": "kernel bias?use_bias", "LocallyConnected2D": "kernel bias?use_bias",
    "SimpleRNN": CELL.format(""), "LSTM": LSTM, "GRU": GRU, "SimpleRNNCell": CELL.format(""), "LSTMCell": LSTM, "GRUCell": GRU,
    "ConvLSTM1D": CONV_CELL, "ConvLSTM2D": CONV_CELL, "ConvLSTM3D": CONV_CELL, "ConvLSTM2DCell": CONV_CELL, "ConvLSTMCell": CONV_CELL,
    "CuDNNLSTM": "kernel recurrent_kernel bias", "CuDNNGRU": "kernel recurrent_kernel bias",
    "PeepholeLSTMCell": LSTM + " input_gate_peephole_weights forget_gate_peephole_weights output_gate_peephole_weights",
    "BatchNormalization": f"{NORMALIZATION} moving_mean moving_variance {RENORMALIZATION}",
    "SyncBatchNormalization": f"{NORMALIZATION} moving_mean moving_variance",
    "LayerNormalization": NORMALIZATION, "GroupNormalization": NORMALIZATION, "RMSNormalization": "scale",
    "Normalization": "mean?adapted variance?adapted count?adapted",
    "SpectralNormalization": "vector_u", "PReLU": "alpha", "STFTSpectrogram": "real_kernel?real imag_kernel?imaginary",
    "Attention": "scale[()]?use_scale=0 concat_score_weight[()]?concat=0", "AdditiveAttention": "scale[in]?use_scale",
    "MultiHeadAttention": PROJECTIONS, "GroupQueryAttention": PROJECTIONS,
    "RandomFourierFeatures": "kernel_scale unscaled_kernel[in,output_dim] bias[output_dim]",
    "Highway": "kernel[in,in] gate_kernel[in,in] bias[in]?use_bias gate_bias[in]?use_bias",
    "MaxoutDense": "kernel[nb_feature,in,units] bias[nb_feature,units]?use_bias",
    "SReLU": "t_left a_left t_right a_right", "ParametricSoftplus": "alpha beta", "ParametricSoftPlus": "alpha beta",
}  # fmt: skip

# Options that every layer may have: they name it, or act only while it is made or trained.
EVERYWHERE = (
    "name:any trainable:any dtype batch_shape batch_input_shape input_shape:any input_dim:any input_length:any batch_size:any "
    "weights:any dynamic:any autocast:any seed:any build_config:any rng_type:any force_generator:any implementation:any noise_shape:any "
    "cache_enabled:any W_learning_rate_multiplier:any b_learning_rate_multiplier:any input_dtype:any registered_name:any module:any "
    "shared_object_id:any"
)
HARMLESS_ENDINGS = ("_initializer", "_regularizer", "_constraint", "_init")
KIND_OF: dict[str, str] = {
    "axes": "axes_of_two", "units": "count", "filters": "count", "kernel_size": "sizes", "strides": "sizes", "dilation_rate": "sizes",
    "padding": "border",
    "groups": "count", "depth_multiplier": "count", "output_padding": "naturals?", "data_format": "format", "activation": "activation",
    "recurrent_activation": "activation", "rate": "number", "dropout": "number", "recurrent_dropout": "number", "epsilon": "positive",
    "momentum": "number", "axis": "axis", "alpha": "number", "negative_slope": "number", "max_value": "number?", "threshold": "number",
    "theta": "number", "stddev": "number", "l1": "number", "l2": "number", "scale": "flag", "input_dim": "count", "output_dim": "count",
    "n": "count", "dims": "order", "target_shape": "target", "size": "sizes", "height": "count", "width": "count", "dtype": "dtype",
    "interpolation": "interpolation", "layer": "layer", "cell": "any", "backward_layer": "layer?", "equation": "text",
    "bias_axes": "text?", "output_shape": "shape?", "lora_rank": "count?", "lora_alpha": "number?", "quantization_config": "any",
    "pool_size": "sizes", "merge_mode": "merge", "batch_shape": "batch", "batch_input_shape": "batch", "fill_value": "number",
    "fill_mode": "text",
}  # fmt: skip
FLAGS = frozenset({  # options that are true or false
    "use_bias", "center", "return_sequences", "return_state", "go_backwards", "stateful", "unroll", "reset_after", "time_major",
    "zero_output_for_mask", "unit_forget_bias", "mask_zero", "keepdims", "normalize", "use_scale", "renorm", "synchronized", "fused",
    "rms_scaling", "invert", "sparse", "ragged", "optional", "tie_weights", "use_gate", "flash_attention", "antialias",
    "crop_to_aspect_ratio", "pad_to_aspect_ratio", "pad_to_max_tokens", "has_input_vocabulary", "power_to_db", "periodic", "expand_dims",
    "softmax_robust_masking", "robust_masking",
})  # fmt: skip

ADAPTED = "lora_rank lora_alpha quantization_config:any"
CONVOLUTION = "filters! kernel_size! strides padding data_format dilation_rate groups activation use_bias |3 lora_rank lora_alpha"
TRANSPOSED = "filters! kernel_size! strides padding output_padding data_format dilation_rate activation use_bias |2 groups"
DEPTH = "kernel_size! strides padding data_format dilation_rate depth_multiplier activation use_bias |2 groups filters:count?"
APART = "filters! kernel_size! strides padding data_format dilation_rate depth_multiplier activation use_bias |2 groups"
LOCAL = "filters! kernel_size! strides padding data_format activation use_bias |2 implementation:any"
POOL = "pool_size strides:sizes? padding data_format |1 ignore_border:any st:any"
WINDOWLESS = "data_format keepdims"
OLD_RECURRENT = "|1 consume_less:any dropout_W:any dropout_U:any truncate_gradient:any return_sequences"
CELL_OPTIONS = "units! activation use_bias dropout recurrent_dropout"
GATES = f"{CELL_OPTIONS} recurrent_activation"
OVER_TIME = (
    "return_sequences return_state go_backwards stateful unroll zero_output_for_mask |3 use_cudnn:any |2 time_major num_constants:any"
)
CONV_OVER_TIME = (
    "filters! kernel_size! strides padding data_format dilation_rate activation recurrent_activation use_bias unit_forget_bias dropout "
    f"recurrent_dropout {OVER_TIME} {OLD_RECURRENT}"
)
PICTURE = "data_format bounding_box_format:any factor:any value_range:range"  # of random changes to pictures, none of which predict
CHANGES = (
    f"{PICTURE} mode:any height_factor:any width_factor:any fill_mode:any fill_value:any interpolation:any height:any width:any scale:any "
    "alpha:any num_chains:any chain_depth:any all_ops:any num_ops:any brightness_factor:any contrast_factor:any saturation_factor:any "
    "hue_factor:any x_factor:any y_factor:any kernel_size:any sigma:any addition_factor:any threshold_factor:any bins:any"
)
LOOKUP = (
    "max_tokens:count? num_oov_indices:natural oov_token:word mask_token:word vocabulary:words vocabulary_dtype:any idf_weights:numbers? "
    "invert output_mode:output sparse pad_to_max_tokens vocabulary_size:any has_input_vocabulary encoding:text? oov_method:text? salt:salt "
    "|2 mask_value:word oov_value:word max_values:count? input_vocabulary:words"
)
HEADS = "dropout use_bias use_gate flash_attention sliding_window:count? |2 softmax_robust_masking"
SPECTRUM = "data_format window:window fft_length:count? expand_dims padding periodic scaling:any"
NORMALIZED = "center scale epsilon"
MOVING = f"axis:axes {NORMALIZED} momentum renorm renorm_clipping:any renorm_momentum:number? synchronized"
OPTIONS: dict[str, str] = {
    "InputLayer": "sparse ragged optional input_tensor:any shape:any type_spec:any",
    "Dense": f"units! activation use_bias |3 {ADAPTED}",
    "Activation": "activation!",
    "EinsumDense": f"equation! output_shape! activation bias_axes |3 {ADAPTED} gptq_unpacked_column_size:any",
    "Embedding": f"input_dim! output_dim! mask_zero |3 {ADAPTED} |2 input_length:lengths sparse |1 dropout",
    "ReversibleEmbedding": f"input_dim! output_dim! tie_weights mask_zero reverse_dtype:any logit_soft_cap:number? |3 {ADAPTED}",
    "ReLU": "max_value negative_slope threshold", "LeakyReLU": "negative_slope |1 alpha |2 alpha", "ELU": "alpha",
    "PReLU": "shared_axes:axes?", "Softmax": "axis:axes |2 robust_masking", "ThresholdedReLU": "theta", "SReLU": "shared_axes:axes?",
    "ParametricSoftplus": "", "ParametricSoftPlus": "",
    **dict.fromkeys(["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Identity"], ""), "Flatten": "data_format",
    "Concatenate": "axis", "Dot": "axes normalize",
    **dict.fromkeys(["Conv2D", "Conv3D"], CONVOLUTION), "Conv1D": CONVOLUTION.replace("padding", "padding:causal_border"),
    **dict.fromkeys(["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"], TRANSPOSED),
    **dict.fromkeys(["DepthwiseConv1D", "DepthwiseConv2D"], DEPTH),
    "SeparableConv1D": APART.replace("padding", "padding:causal_border"), "SeparableConv2D": APART,
    **dict.fromkeys(["LocallyConnected1D", "LocallyConnected2D"], LOCAL),
    **dict.fromkeys([f"{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3)], POOL),
    **dict.fromkeys([f"Global{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3)], WINDOWLESS),
    **dict.fromkeys([f"Adaptive{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3)], "output_size!:sizes data_format"),
    "Reshape": "target_shape!", "Permute": "dims!", "RepeatVector": "n!",
    **dict.fromkeys([f"Cropping{n}D" for n in (1, 2, 3)], "cropping:sides data_format"),
    **dict.fromkeys([f"ZeroPadding{n}D" for n in (1, 2, 3)], "padding:sides data_format"),
    "UpSampling1D": "size", "UpSampling2D": "size data_format interpolation", "UpSampling3D": "size data_format",
    "Resizing": f"height! width! interpolation crop_to_aspect_ratio pad_to_aspect_ratio fill_mode fill_value antialias {PICTURE}",
    "CenterCrop": f"height! width! {PICTURE}",
    **dict.fromkeys(["Dropout", "AlphaDropout", "GaussianDropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"],
                    "rate data_format |1 dim_ordering:any"),
    "GaussianNoise": "stddev", "ActivityRegularization": "l1 l2",
    "BatchNormalization": f"{MOVING} |2 fused virtual_batch_size:any adjustment:any |1 mode:any", "SyncBatchNormalization": MOVING,
    "LayerNormalization": f"axis:axes {NORMALIZED} rms_scaling", "GroupNormalization": f"axis {NORMALIZED} groups:axis",
    "RMSNormalization": "axis:axes epsilon", "UnitNormalization": "axis:axes",
    "SpectralNormalization": "layer! power_iterations:any", "Normalization": "axis:axes? mean:numbers? variance:numbers? invert",
    "Rescaling": "scale:numbers offset:numbers", "Masking": "mask_value:number",
    "SimpleRNNCell": CELL_OPTIONS, "LSTMCell": f"{GATES} unit_forget_bias", "GRUCell": f"{GATES} reset_after",
    "StackedRNNCells": "cells!:layers reverse_state_order:flag",
    "SimpleRNN": f"{CELL_OPTIONS} {OVER_TIME} {OLD_RECURRENT}", "LSTM": f"{GATES} unit_forget_bias {OVER_TIME} {OLD_RECURRENT}",
    "GRU": f"{GATES} reset_after {OVER_TIME} {OLD_RECURRENT}", "RNN": f"cell {OVER_TIME}",
    **dict.fromkeys(["CuDNNLSTM", "CuDNNGRU"], f"units! unit_forget_bias {OVER_TIME}"),
    **dict.fromkeys(["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"], CONV_OVER_TIME),
    "PruneLowMagnitude": "layer! pruning_schedule:any block_size:any block_pooling_type:any sparsity_m_by_n:any",
    "Bidirectional": "layer! merge_mode backward_layer |2 num_constants:any", "TimeDistributed": "layer!",
    "Highway": "activation use_bias transform_bias:any", "MaxoutDense": "units! nb_feature!:count use_bias",
    "Attention": "use_scale score_mode:score dropout", "AdditiveAttention": "use_scale dropout |3 score_mode:text",
    "MultiHeadAttention": f"num_heads!:count key_dim!:count value_dim:count? output_shape attention_axes:axes? {HEADS} "
                          "query_shape:any key_shape:any value_shape:any",  # those of the call that built it: Keras 2
    "GroupQueryAttention": f"head_dim!:count num_query_heads!:count num_key_value_heads!:count {HEADS}",
    "CategoryEncoding": "num_tokens:count? output_mode:output sparse |2 max_tokens:count?",
    "Discretization": "bin_boundaries:numbers? num_bins:count? epsilon output_mode:output sparse |2 bins:numbers?",
    "Hashing": "num_bins!:count mask_value:word salt:salt output_mode:output sparse",
    "HashedCrossing": "num_bins!:count output_mode:output sparse", "IntegerLookup": LOOKUP, "StringLookup": LOOKUP,
    "TextVectorization": "max_tokens:count? standardize:any split:any ngrams:lengths output_mode:output output_sequence_length:count? "
                         "pad_to_max_tokens sparse ragged vocabulary:words idf_weights:numbers? encoding:text? vocabulary_size:any "
                         "has_input_vocabulary",
    "AutoContrast": PICTURE, "ContrastLimitedAdaptiveHistogramEqualization": f"{PICTURE} clip_limit:number tile_grid_size:pair",
    "Equalization": f"{PICTURE} bins:any", "MaxNumBoundingBoxes": f"{PICTURE} max_number:any fill_value:any", "Pipeline": "layers!:layers",
    **dict.fromkeys(["AugMix", "CutMix", "MixUp", "RandAugment", "Solarization"], CHANGES),
    **dict.fromkeys([f"Random{what}" for what in (
        "Brightness", "ColorDegeneration", "ColorJitter", "Contrast", "ElasticTransform", "Erasing", "Flip", "GaussianBlur",
        "Grayscale", "Height", "Hue", "Invert", "Perspective", "Posterization", "Rotation", "Saturation", "Sharpness", "Shear",
        "Translation",
        "Width", "Zoom")], CHANGES),
    "RandomCrop": f"height! width! {PICTURE}",
    "STFTSpectrogram": f"mode:text frame_length:count frame_step:count? {SPECTRUM}",
    "MelSpectrogram": f"{SPECTRUM} sequence_stride:count? sequence_length:count? sampling_rate:number num_mel_bins:count min_freq:number "
                      "max_freq:number? power_to_db top_db:number? mag_exp:number min_power:number ref_power:number",
    "RandomFourierFeatures": "output_dim! kernel_initializer:any scale:number?",
}  # fmt: skip
