"""The variables of each layer class in Keras's order, by name: which array of a file is which."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from weightlens.specs.registry import spec

ATTENTION_PARTS = ("query", "key", "gate", "value", "attention_output")
QUANTISED: dict[str, str] = {
    "int8": "{0} bias {0}_scale", "int4": "{0} bias {0}_scale {0}_zero?grouped g_idx?grouped",
    "float8": "{0} bias inputs_scale inputs_amax_history {0}_scale {0}_amax_history outputs_grad_scale outputs_grad_amax_history",
    "gptq": "bias quantized_{0} {0}_scale {0}_zero g_idx", "awq": "bias quantized_{0} {0}_scale {0}_zero awq_scales g_idx",
}  # fmt: skip


class Variable(NamedTuple):
    """One variable as the table has it: name, shape (empty: not told), the flag it depends on, and what a missing flag means."""

    name: str
    shape: str
    flag: str
    unless_said: bool


def variables_of(class_name: str) -> tuple[Variable, ...]:
    """The variables of a class in the table."""
    return _parsed(spec(class_name).variables or "")


@functools.cache
def _parsed(line: str) -> tuple[Variable, ...]:
    def parsed(word: str) -> Variable:
        word, _, condition = word.partition("?")
        name, _, shape = word.partition("[")
        flag, _, missing = condition.partition("=")
        return Variable(name, shape.removesuffix("]"), flag, missing != "0")

    return tuple(parsed(word) for word in line.split())


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
    if spec(class_name).variables is None:
        return None
    flags = derived(class_name, config)
    names = [v.name for v in variables_of(class_name) if not v.flag or flags.get(v.flag, v.unless_said)]
    if (twice := spec(class_name).stored_twice) and count == len(names) + 1:
        return [twice, *names]
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


def _quantised(names: list[str], mode: str, count: int | None) -> list[str]:
    """The variables of a quantised layer: scales and zero points next to the kernel or the embeddings."""
    stored: list[str] = []
    for name in names:
        if name == "bias":
            continue
        words = QUANTISED[mode].format(name).split()
        stored += [word.partition("?")[0] for word in words if word != "bias" or "bias" in names]
    stored = list(dict.fromkeys(stored))
    if mode == "int4" and count is not None and count < len(stored):
        stored = [word for word in stored if not word.endswith("_zero") and word != "g_idx"]
    return stored
