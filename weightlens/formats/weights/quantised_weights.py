"""Quantized and LoRA layers of Keras 3: packed integers unpacked, low-rank updates merged.

If Keras computes with the restored kernel (int4 from 3.14 on, GPTQ, AWQ), the layer gets that float kernel and no
scale. If it also quantizes the inputs (int8, int4 before 3.14), the layer keeps the integers and their scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weightlens.formats.architecture.dialect import Dialect
from weightlens.formats.weights.conversion import converted
from weightlens.model import Layer, Weight
from weightlens.specs.options import options_of
from weightlens.specs.quantizer import rounds_inputs
from weightlens.specs.variables import variables_of

WEIGHT_ONLY_INT4 = (3, 14)
TABLES = frozenset({"embeddings", "reverse_embeddings"})
INPUTS_OF_ATTENTION = "the file does not say how the inputs of its projections are rounded: as Keras rounds them by default (127 / largest)"


def understood(layer: Layer) -> bool:
    """Whether Keras quantises layers of this class, and in a way that we know."""
    return "quantization_config" in (options_of(layer.class_name) or {})


def is_matrix(layer: Layer) -> bool:
    """Whether the kernel is a matrix whatever the settings."""
    return any((variable.name, variable.shape) == ("kernel", "in,units") for variable in variables_of(layer.class_name))


def unpack_int4(packed: np.ndarray, length: int, axis: int, signed: bool = True) -> np.ndarray:
    """Two int4 numbers per byte, the even one in the low half, unpacked to ``length`` along ``axis``."""
    packed = np.moveaxis(packed, axis, 0).astype(np.uint8)
    halves = np.stack([packed & 15, packed >> 4], axis=1).reshape(-1, *packed.shape[1:])[:length]
    values = halves.astype(np.int8)
    return np.moveaxis(np.where(values > 7, values - 16, values).astype(np.int8) if signed else values, 0, axis)


def restore_quantised(layer: Layer, dialect: Dialect) -> None:
    """Convert a layer's quantized arrays to the form its arithmetic needs."""
    mode, known = str(layer.config.get("quantization_mode", "")).split("/")[0], understood(layer)
    if mode == "int4":
        for name in TABLES & set(layer.own_weights):
            _embeddings(layer, name)
    if mode in ("int8", "int4") and "kernel" in layer.own_weights:
        _kernel(layer, mode, dialect)
    elif "quantized_kernel" in layer.own_weights:
        _calibrated_kernel(layer)
    elif "query/kernel" in layer.own_weights:
        _projections(layer)
    merge_lora(layer)
    integers = [name for name, weight in layer.own_weights.items() if weight.dtype in ("int8", "uint8")]
    if layer.class_name and not known and not all(whole_projection(layer, name) for name in integers):
        layer.class_name += " (quantised)"  # nobody knows its arithmetic


def whole_projection(layer: Layer, name: str) -> bool:
    """Whether this is an int8 attention projection with its scale: axes for input, heads and size."""
    kernel = layer.own_weights[name]
    return name.endswith("/kernel") and kernel.dtype == "int8" and len(kernel.shape) == 3 and f"{name}_scale" in layer.own_weights


def packed_by_input(kernel: Weight, columns: int, dialect: Dialect) -> bool:
    """Whether an int4 kernel is packed along its inputs, as before Keras 3.14: then it has all its columns."""
    if columns > 1:
        return kernel.shape[-1] == columns
    return bool(dialect.version) and not dialect.at_least(*WEIGHT_ONLY_INT4)


def merge_lora(layer: Layer) -> None:
    """LoRA: ``W + (alpha / rank) * a @ b``, stored apart in ``.h5``; next to an integer kernel it stays a matrix of its own."""
    for name in ("kernel", "embeddings"):
        parts = (name, f"lora_{name}_a", f"lora_{name}_b")
        if not set(parts) <= set(layer.own_weights):
            continue
        if name == "embeddings" and layer.own_weights[name].dtype == "int8" and f"{name}_scale" in layer.own_weights:
            table, row_scale = layer.own_weights[name], layer.own_weights[f"{name}_scale"]
            make: Callable[..., np.ndarray] = lambda q, s: (q / s.reshape(-1, 1)).astype(np.float32)
            _replace(layer, name, [table, row_scale], make, table.shape, "int8, restored")
        weight, a, b = (layer.own_weights[part] for part in parts)
        rank = layer.config.get("lora_rank") or a.shape[-1]
        scale = (layer.config.get("lora_alpha") or rank) / rank
        shape, whole = (*a.shape[:-1], b.shape[-1]), weight.dtype in ("int8", "uint8")
        # Keras reads a quantised table without LoRA when it reads it backwards
        backwards = layer.config.get("tie_weights") and layer.config.get("quantization_mode")
        if backwards or shape != weight.shape or (whole and (name != "kernel" or not understood(layer))):
            layer.class_name += " (quantised, with LoRA apart)"
        elif whole:
            made = converted("lora_kernel", [a, b], lambda a, b, scale=scale: (scale * (a @ b)).astype(a.dtype), shape, "a . b of LoRA")
            _put(layer, name, {"lora_kernel": made}, parts[1:])
        else:
            _put(layer, name, {name: converted(name, [weight, a, b], _low_rank(scale), shape, "LoRA merged", add=np.add)}, parts)


def _put(layer: Layer, name: str, made: dict[str, Weight], instead: Sequence[str]) -> None:
    """Replace arrays by those derived from them: the one called ``name`` first, new ones last."""
    rest = {key: weight for key, weight in layer.own_weights.items() if key not in instead} | made
    layer.own_weights = {name: rest.pop(name), **rest}


def _low_rank(scale: float) -> Callable[..., np.ndarray]:
    return lambda w, a, b: w + (scale * (a.astype(np.float64) @ b.astype(np.float64))).astype(w.dtype)


def _by_group(q: np.ndarray, scale: np.ndarray, zero: np.ndarray, groups: np.ndarray, axis: int) -> np.ndarray:
    """``(q - zero) * scale`` with the scale and zero point of each position's group along ``axis``."""
    index = groups.astype(np.int64)
    if index.size and not 0 <= index.min() <= index.max() < scale.shape[axis]:
        raise ValueError("a group index out of range")
    restored: np.ndarray = ((q - np.take(zero, index, axis=axis).astype(np.float32)) * np.take(scale, index, axis=axis)).astype(np.float32)
    return restored


def _replace(layer: Layer, name: str, sources: list[Weight], make: Callable[..., np.ndarray], shape: tuple[int, ...], note: str) -> None:
    """Replace arrays by the float array restored from them, which comes first."""
    used = {id(weight) for weight in sources}
    rest = {key: weight for key, weight in layer.own_weights.items() if id(weight) not in used}
    layer.own_weights = {name: converted(name, sources, make, shape, note, "float32"), **rest}


def _kernel(layer: Layer, mode: str, dialect: Dialect) -> None:
    """Unpack an integer kernel; restore it as floats unless the inputs are quantized too."""
    weights = layer.own_weights
    kernel, scale = weights["kernel"], weights["kernel_scale"]
    columns = scale.shape[-1] if scale.shape else 1
    if mode == "int4" and packed_by_input(kernel, columns, dialect):
        _old_int4_kernel(layer, kernel)
        return
    shape = kernel.shape if mode == "int8" else kernel_shape(layer, kernel.shape[0], columns)

    def integers(q: np.ndarray) -> np.ndarray:
        return unpack_int4(q, columns, -1) if mode == "int4" else q

    if "g_idx" in weights or (mode == "int4" and not rounds_inputs(layer.config, mode)):
        _int4_kernel(layer, "", columns, shape)
    elif not rounds_inputs(layer.config, mode) and is_matrix(layer):
        _replace(layer, "kernel", [kernel, scale], lambda q, s: (q / s).astype(np.float32), shape, "int8, restored")
    elif mode == "int4" or not rounds_inputs(layer.config, mode):
        if not is_matrix(layer):
            layer.class_name += " (quantised)"  # which way its scale lies depends on more than the file says
        whole = (kernel.shape[0], columns) if mode == "int4" else kernel.shape
        layer.own_weights["kernel"] = converted("kernel", [kernel], integers, whole, "int4, unpacked", "int8")


def _int4_kernel(layer: Layer, prefix: str, columns: int, shape: tuple[int, ...]) -> None:
    """A kernel packed along its columns, as floats: one scale per column, or a scale and zero point per group of rows."""
    weights = layer.own_weights
    sources = [weights[f"{prefix}kernel"], weights[f"{prefix}kernel_scale"]]
    make: Callable[..., np.ndarray] = lambda q, s: (unpack_int4(q, columns, -1) / s).astype(np.float32).reshape(shape)
    if f"{prefix}g_idx" in weights:
        sources += [weights[f"{prefix}kernel_zero"], weights[f"{prefix}g_idx"]]
        make = lambda q, s, z, g: _by_group(unpack_int4(q, columns, -1), s, z, g, 0).reshape(shape)
    _replace(layer, f"{prefix}kernel", sources, make, shape, "int4, restored")


def _projections(layer: Layer) -> None:
    """The int4 kernels of attention projections, stored as matrices, reshaped to heads and size; a note on those of int8."""
    for name in [name for name, weight in layer.own_weights.items() if name.endswith("/kernel") and len(weight.shape) == 2]:
        part = name.removesuffix("kernel")
        scale = layer.own_weights.get(f"{part}kernel_scale")
        if scale is None or not scale.shape:
            continue
        rows, columns = layer.own_weights[name].shape[0], scale.shape[-1]
        shape = projection_shape(layer.config, part, rows, columns)
        if math.prod(shape) == rows * columns:
            _int4_kernel(layer, part, columns, shape)
    if any(whole_projection(layer, name) for name in layer.own_weights):
        layer.note = INPUTS_OF_ATTENTION


def projection_shape(config: dict[str, Any], part: str, rows: int, columns: int) -> tuple[int, ...]:
    """The shape of a projection's kernel: ``(features, heads, size)``; for the output ``(heads, size, ...)``."""
    of_keys = part in ("query/", "key/") or not config.get("value_dim")
    size = int(config.get("head_dim") or config["key_dim" if of_keys else "value_dim"])
    if part != "attention_output/":
        return (rows, columns // size, size)
    given = config.get("output_shape") or columns
    return (rows // size, size, *([given] if isinstance(given, int) else given))


def _old_int4_kernel(layer: Layer, kernel: Weight) -> None:
    """Before 3.14 the kernel is packed along its inputs and used as integers."""
    if not is_matrix(layer):
        layer.class_name += " (quantised)"  # packed along an axis that the file does not name
        return
    build = layer.config.get("build_input_shape")
    rows = build[-1] if isinstance(build, (list, tuple)) and build else 2 * kernel.shape[0]
    shape = (int(rows), *kernel.shape[1:])
    layer.own_weights["kernel"] = converted("kernel", [kernel], lambda q: unpack_int4(q, shape[0], 0), shape, "int4, unpacked", "int8")


def kernel_shape(layer: Layer, rows: int, columns: int) -> tuple[int, ...]:
    """The kernel's shape before packing; for an EinsumDense, derived from its equation."""
    if layer.class_name != "EinsumDense":
        return (rows, columns)
    inputs, _, rest = str(layer.config.get("equation", "")).replace(" ", "").partition(",")
    kernel, _, output = rest.partition("->")
    given = layer.config.get("output_shape")
    given = [given] if isinstance(given, int) else list(given or [])
    sizes = dict(zip(output[::-1], reversed(given), strict=False))
    build = layer.config.get("build_input_shape") or []
    sizes |= {letter: size for letter, size in zip(inputs[::-1], reversed(build), strict=False) if size is not None}
    unknown = [letter for letter in kernel if sizes.get(letter) is None]
    if len(unknown) == 1:
        known = math.prod(sizes[letter] for letter in kernel if letter not in unknown)
        sizes[unknown[0]] = rows * columns // max(known, 1)
    return tuple(int(sizes[letter] or 0) for letter in kernel) if len(unknown) < 2 else (rows, columns)


def _embeddings(layer: Layer, name: str) -> None:
    """A packed table with a scale per row (or per group in a row), as floats."""
    weights = layer.own_weights
    table, scale, reverse = weights[name], weights[f"{name}_scale"], name != "embeddings"
    width = int(layer.config["output_dim"])
    axis = 0 if reverse else -1
    shape = (width, table.shape[1]) if reverse else (table.shape[0], width)
    if f"{name}_zero" in weights and "g_idx" in weights:
        groups = weights["g_idx"]
        sources = [table, scale, weights[f"{name}_zero"], groups]
        _replace(layer, name, sources, lambda q, s, z, g: _by_group(unpack_int4(q, width, axis), s, z, g, axis), shape, "int4, restored")
        layer.own_weights["g_idx"] = groups
    else:
        per_row = (-1,) if reverse else (-1, 1)
        make: Callable[..., np.ndarray] = lambda q, s: (unpack_int4(q, width, axis) / s.reshape(per_row)).astype(np.float32)
        _replace(layer, name, [table, scale], make, shape, "int4, restored")


def _calibrated_kernel(layer: Layer) -> None:
    """GPTQ and AWQ: unsigned integers, transposed, with a scale and zero point per group."""
    weights = layer.own_weights
    names = ["quantized_kernel", "kernel_scale", "kernel_zero", "g_idx", *(["awq_scales"] if "awq_scales" in weights else [])]
    sources = [weights[name] for name in names]
    columns = sources[1].shape[0]
    rows = sources[3].shape[0]

    def make(q: np.ndarray, scale: np.ndarray, zero: np.ndarray, groups: np.ndarray, *awq: np.ndarray) -> np.ndarray:
        integers = unpack_int4(q, columns, 0, signed=False) if q.shape[0] != columns else q
        kernel = _by_group(integers, scale, zero, groups, -1).T
        return (kernel / awq[0][:, None] if awq else kernel).reshape(shape)

    shape = kernel_shape(layer, rows, columns)
    _replace(layer, "kernel", sources, make, shape, "calibrated integers, restored")
