"""Products as Keras computes them in quantised layers: with rounded inputs, on whole numbers or 8-bit floats (``keras.quantizers``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.layers.signature import Array, Config, Function, Step, Weights
from weightlens.specs.quantizer import input_quantizer

LARGEST_FLOAT8 = 448.0
FLOAT32 = (23, -126)  # bits of fraction, lowest exponent
BRIEF = {"bfloat16": (7, -126), "float16": (10, -14)}


def rounded_input(x: Array, axes: tuple[int, ...], config: Config, step: Step) -> tuple[Any, Any]:
    """The input as whole numbers, -127 to 127 unless its settings say otherwise, and the scale ``127 / largest |x|`` over ``axes``.

    Whether 63.4999999 is rounded up or down is decided by the precision in which Keras computes both: float32, or that of the layer.
    """
    quantizer, digits = input_quantizer(config), brief(config) or FLOAT32
    x = step("input in 16 bits" if brief(config) else "input in 32 bits", shortened(x, *digits))
    largest = step("largest input", np.max(np.abs(x), axis=axes, keepdims=True))
    largest = step("largest input, never 0", shortened(largest + quantizer.epsilon, *digits))
    scale = step("input scale", shortened(quantizer.highest / largest, *digits))
    scaled = step("scaled input", shortened(x * scale, *digits))
    return step("rounded input", np.minimum(np.maximum(np.rint(scaled), quantizer.lowest), quantizer.highest)), scale


def brief(config: Config) -> tuple[int, int] | None:
    """The bits of fraction and the lowest exponent of a layer's numbers of 16 bits."""
    return BRIEF.get(str(config.get("dtype")).removeprefix("mixed_"))


def shortened(x: Array, bits: int, lowest: int) -> Any:
    """The nearest float with ``bits`` bits of fraction and no exponent below ``lowest``."""
    quantum = np.power(2.0, np.floor(np.log2(np.maximum(np.abs(x), 2.0**lowest))) - bits)
    return np.rint(x / quantum) * quantum


def float8(x: Array, scale: Any, config: Config, step: Step, name: str) -> Any:
    """``x`` rounded as ``scale`` times a float of 4 exponent and 3 fraction bits (``float8_e4m3fn``)."""
    digits = brief(config)
    x, scale = (step(label, shortened(a, *digits)) if digits else a for label, a in ((name, x), (f"{name} scale", scale)))
    parts = step(f"{name} / scale", np.minimum(np.maximum(x / scale, -LARGEST_FLOAT8), LARGEST_FLOAT8))
    parts = step(f"{name} / scale, shortened", shortened(parts, *digits)) if digits else parts
    return step(f"{name} in 8 bits", shortened(parts, 3, -6) * scale)


def float8_operands(x: Array, w: Weights, config: Config, step: Step) -> tuple[Any, Any]:
    """Input and kernel of a layer quantised to 8-bit floats."""
    return float8(x, w["inputs_scale"], config, step, "input"), float8(w["kernel"], w["kernel_scale"], config, step, "kernel")


def float8_bias(bias: Array, config: Config, step: Step) -> Any:
    """The bias of a layer quantised to 8-bit floats, which Keras rounds to bfloat16 where it computes in float32."""
    return step("bias in 16 bits", shortened(bias, 7, -126)) if config.get("dtype", "float32") == "float32" else bias


def product(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``x . kernel`` over the last axis; where the kernel is stored as whole numbers: rounded input . kernel / scales."""
    if "kernel_scale" not in w:
        return x @ w["kernel"]
    if "inputs_scale" in w:
        rounded, kernel = float8_operands(x, w, config, step)
        return rounded @ kernel
    integers, scale = rounded_input(x, (-1,), config, step)
    whole = step("product of whole numbers", integers @ w["kernel"].astype(x.dtype))
    return with_low_rank(whole / (scale * w["kernel_scale"]), w, lambda kernel: x @ kernel, step)


def with_low_rank(z: Array, w: Weights, times: Function, step: Step) -> Any:
    """Adds LoRA's own product, of the input as it is, where it is kept beside a kernel of whole numbers."""
    if "lora_kernel" not in w:
        return z
    return step("restored product", z) + step("low-rank product", times(w["lora_kernel"]))
