"""The variables of each layer class in Keras's order, by name: what the numbered arrays of a file are.

``name`` is always there, ``name?flag`` where the setting ``flag`` is true (or missing), ``name?flag=0`` where it
is true (missing means not). A name with a slash belongs to a part of the layer: ``query/kernel``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CELL = "kernel recurrent_kernel bias?use_bias"
KERNEL = "kernel bias?use_bias"
SEPARABLE = "depthwise_kernel pointwise_kernel bias?use_bias"
ATTENTION_PARTS = ("query", "key", "gate", "value", "attention_output")
PROJECTIONS = " ".join(f"{part}/kernel?{part} {part}/bias?{part}_bias" for part in ATTENTION_PARTS)
NORMALIZATION = "gamma?scale beta?center"
RENORMALIZATION = "moving_stddev?renorm=0 renorm_mean?renorm=0 renorm_stddev?renorm=0"
VARIABLES: dict[str, str] = {
    "Dense": KERNEL, "EinsumDense": "kernel bias?bias_axes=0", "Embedding": "embeddings",
    "ReversibleEmbedding": "embeddings reverse_embeddings?untied=0",
    "Conv1D": KERNEL, "Conv2D": KERNEL, "Conv3D": KERNEL, "Conv1DTranspose": KERNEL, "Conv2DTranspose": KERNEL, "Conv3DTranspose": KERNEL,
    "DepthwiseConv1D": KERNEL, "DepthwiseConv2D": KERNEL, "SeparableConv1D": SEPARABLE, "SeparableConv2D": SEPARABLE,
    "LocallyConnected1D": KERNEL, "LocallyConnected2D": KERNEL,
    "SimpleRNN": CELL, "LSTM": CELL, "GRU": CELL, "SimpleRNNCell": CELL, "LSTMCell": CELL, "GRUCell": CELL,
    "ConvLSTM1D": CELL, "ConvLSTM2D": CELL, "ConvLSTM3D": CELL, "ConvLSTM2DCell": CELL, "ConvLSTMCell": CELL,
    "CuDNNLSTM": "kernel recurrent_kernel bias", "CuDNNGRU": "kernel recurrent_kernel bias",
    "PeepholeLSTMCell": CELL + " input_gate_peephole_weights forget_gate_peephole_weights output_gate_peephole_weights",
    "BatchNormalization": f"{NORMALIZATION} moving_mean moving_variance {RENORMALIZATION}",
    "SyncBatchNormalization": f"{NORMALIZATION} moving_mean moving_variance",
    "LayerNormalization": NORMALIZATION, "GroupNormalization": NORMALIZATION, "RMSNormalization": "scale",
    "Normalization": "mean?adapted variance?adapted count?adapted",
    "SpectralNormalization": "vector_u", "PReLU": "alpha", "STFTSpectrogram": "real_kernel?real imag_kernel?imaginary",
    "Attention": "scale?use_scale=0 concat_score_weight?concat=0", "AdditiveAttention": "scale?use_scale",
    "MultiHeadAttention": PROJECTIONS, "GroupQueryAttention": PROJECTIONS,
    "RandomFourierFeatures": "kernel_scale unscaled_kernel bias",
    "Highway": "kernel gate_kernel bias gate_bias", "MaxoutDense": KERNEL,
    "SReLU": "t_left a_left t_right a_right", "ParametricSoftplus": "alpha beta", "ParametricSoftPlus": "alpha beta",
}  # fmt: skip
QUANTISED: dict[str, str] = {
    "int8": "{0} bias {0}_scale", "int4": "{0} bias {0}_scale {0}_zero?grouped g_idx?grouped",
    "float8": "{0} bias inputs_scale inputs_amax_history {0}_scale {0}_amax_history outputs_grad_scale outputs_grad_amax_history",
    "gptq": "bias quantized_{0} {0}_scale {0}_zero g_idx", "awq": "bias quantized_{0} {0}_scale {0}_zero awq_scales g_idx",
}  # fmt: skip


def derived(class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """The settings that decide which variables there are, some of them worked out from others."""
    flags = {
        **config,
        "bias_axes": config.get("bias_axes") is not None,
        "untied": not config.get("tie_weights", True),
        "concat": config.get("score_mode") == "concat",
        "real": config.get("mode") != "imag",
        "imaginary": config.get("mode") != "real",
    }
    flags["adapted"] = config.get("mean") is None
    bias, gate = config.get("use_bias", True), config.get("use_gate", False)
    flags |= {f"{part}_bias": bias and (gate or part != "gate") for part in ATTENTION_PARTS} | {"gate": gate}
    if class_name == "LayerNormalization" and config.get("rms_scaling"):
        flags |= {"scale": True, "center": False}
    return flags


def variable_names(class_name: str, config: dict[str, Any], count: int | None = None) -> list[str] | None:
    """Names of the layer's own variables in Keras's order; None for a class we do not know.

    ``count``, the number of arrays in the file, decides where the configuration leaves a choice (groups of int4).
    """
    pattern = VARIABLES.get(class_name)
    if pattern is None:
        return None
    flags = derived(class_name, config)
    names = [name for name, needed in map(_parse, pattern.split()) if needed(flags)]
    if class_name == "SpectralNormalization" and count == 2:
        return ["kernel", *names]  # the wrapped layer's kernel, which Keras 3 stores once more
    mode = str(config.get("quantization_mode", "")).split("/")[0]
    return _quantised(names, mode, count) if mode in QUANTISED and names and names[0] in ("kernel", "embeddings") else names


def with_scales(names: list[str], count: int) -> list[str]:
    """The variables of a projection of attention, which may be quantised though the attention layer does not say so."""
    part = names[0].rpartition("/")[0]
    for mode in ("int8", "int4", "float8"):
        words = [word.partition("?")[0] for word in QUANTISED[mode].format("kernel").split() if word != "bias" or f"{part}/bias" in names]
        if count > len(names) and len(words) == count:
            return [f"{part}/{word}" for word in words]
    return names


def _parse(word: str) -> tuple[str, Callable[[dict[str, Any]], Any]]:
    name, _, condition = word.partition("?")
    flag, _, missing = condition.partition("=")
    return name, (lambda flags: flags.get(flag, missing != "0")) if flag else (lambda flags: True)


def _quantised(names: list[str], mode: str, count: int | None) -> list[str]:
    """The variables of a quantised layer: scales and zero points beside the kernel or the embeddings."""
    found: list[str] = []
    for name in names:
        if name == "bias":
            continue
        words = QUANTISED[mode].format(name).split()
        found += [word.partition("?")[0] for word in words if word != "bias" or "bias" in names]
    found = list(dict.fromkeys(found))
    if mode == "int4" and count is not None and count < len(found):
        found = [word for word in found if not word.endswith("_zero") and word != "g_idx"]
    return found
