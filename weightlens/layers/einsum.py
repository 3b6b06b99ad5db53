"""Dense layers over other axes than the last: EinsumDense, and the embedding that is also used backwards (``keras.layers``)."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from weightlens.layers.activations import activate
from weightlens.layers.core import with_bias
from weightlens.layers.quantised import float8_bias, float8_operands, product, rounded_input, with_low_rank
from weightlens.layers.sequence import embedding
from weightlens.layers.signature import Array, Config, Step, Weights
from weightlens.specs.quantizer import input_quantizer, rounds_inputs
from weightlens.specs.quirks import NONE, Quirks


def einsum_dense(x: Array, w: Weights, config: Config, step: Step, *, quirks: Quirks = NONE) -> Any:
    """``activation(einsum(equation, x, kernel) + bias)``: a dense layer over any axes. ``keras.layers.EinsumDense``."""
    equation = config["equation"].replace(" ", "")
    kernel = as_in_equation(w["kernel"], x, equation, config)
    if "inputs_scale" in w:
        x, kernel = float8_operands(x, w, config, step)
    if "kernel_scale" in w and "inputs_scale" not in w:
        z = quantised_einsum(x, kernel, w["kernel_scale"], config, step)
        z = step("dot product", with_low_rank(z, w, lambda low: np.einsum(equation, x, low, optimize=True), step))
    else:
        z = step("dot product", np.einsum(equation, x, kernel, optimize=True))
    if "bias" in w:
        float8 = "inputs_scale" in w
        bias = float8_bias(w["bias"], config, step) if float8 else w["bias"]
        z = step("pre-activation", with_bias(z, bias, quirks, float8))
    return step("activation", activate(z, config.get("activation"), step))


def as_in_equation(kernel: Array, x: Array, equation: str, config: Config) -> Any:
    """A kernel that was packed as a matrix (int4), in the shape that follows from the equation and the input."""
    inputs, letters, output = re.split(",|->", equation)
    if kernel.ndim == len(letters):
        return kernel
    given = config["output_shape"]
    sizes = dict(zip(output[::-1], [given] if isinstance(given, int) else given[::-1], strict=False))
    sizes |= dict(zip(inputs[::-1], x.shape[::-1], strict=False))
    return np.reshape(kernel, [sizes[letter] for letter in letters])


def quantised_einsum(x: Array, kernel: Array, kernel_scale: Array, config: Config, step: Step) -> Any:
    """The product of the rounded input with a kernel of whole numbers, divided by both scales (int8)."""
    equation = config["equation"].replace(" ", "")
    inputs, output = equation.split(",")[0], equation.split("->")[1]
    hidden = "ZYXWVUTSRQ"[: x.ndim - len(inputs.replace("...", ""))] if "..." in inputs else ""
    inputs, output = inputs.replace("...", hidden), output.replace("...", hidden)
    summed = tuple(i for i, label in enumerate(inputs) if label not in output)
    integers, scale = rounded_input(x, summed, config, step)
    kept = [label for label in output if label in inputs]
    scale = np.transpose(scale, [*(inputs.index(label) for label in kept), *summed])
    sizes = dict(zip(inputs, x.shape, strict=True))
    scale = np.reshape(scale, [sizes.get(label, 1) for label in output])
    return step("product of whole numbers", np.einsum(equation, integers, kernel.astype(x.dtype), optimize=True)) / (scale * kernel_scale)


def reversible_embedding(x: Array, w: Weights, config: Config, step: Step, *, reverse: bool = False) -> Any:
    """A lookup, or backwards (``reverse``) the product with the table: ``(..., output_dim) -> (..., input_dim)``.

    ``keras.layers.ReversibleEmbedding``.
    """
    if not reverse:
        return embedding(x, w, config, step)
    name = "embeddings" if config.get("tie_weights", True) else "reverse_embeddings"
    table = w[name] if name == "reverse_embeddings" else np.transpose(w[name])
    scaled = {"kernel_scale": np.transpose(w[f"{name}_scale"])} if f"{name}_scale" in w else {}
    mode = str(config.get("quantization_mode") or "")
    rounds = rounds_inputs(config, mode) or (mode == "int4" and not config.get("quantization_config"))  # int4 of Keras 3.11 and 3.12
    if rounds and (not scaled or input_quantizer(config).axes != (-1,)):
        raise NotImplementedError("a quantizer of its inputs for a table of int4, or over other axes than the last")
    if scaled and not rounds_inputs(config, mode):
        table, scaled = table / scaled["kernel_scale"], {}
    logits = step("dot product", product(x, {"kernel": table} | scaled, config, step))
    cap = config.get("logit_soft_cap")
    return logits if cap is None else cap * np.tanh(logits / cap)
