"""Products whose inputs are rounded to whole numbers, as Keras computes layers quantised to int8 (``keras.quantizers``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.layers.activations import Step


def rounded_input(x: Any, axes: tuple[int, ...], step: Step) -> tuple[Any, Any]:
    """The input as whole numbers in -127..127, and the scale ``127 / largest |x|`` over ``axes`` that made them so."""
    largest = step("largest input", np.max(np.abs(x), axis=axes, keepdims=True))
    scale = step("input scale", 127.0 / (largest + 1e-7))
    return step("rounded input", np.minimum(np.maximum(np.rint(x * scale), -127.0), 127.0)), scale


def product(x: Any, w: dict[str, Any], step: Step) -> Any:
    """``x . kernel`` over the last axis; where the kernel is stored as whole numbers: rounded input . kernel / scales."""
    kernel = w["kernel"]
    if "kernel_scale" not in w:
        return x @ kernel
    integers, scale = rounded_input(x, (-1,), step)
    whole = step("product of whole numbers", integers @ kernel.astype(x.dtype))
    return whole / (scale * w["kernel_scale"])
