"""The quantizer that a layer's settings name for its inputs: what Keras rounds them to."""

from __future__ import annotations

from typing import Any, NamedTuple

ABS_MAX = "AbsMaxQuantizer"


class Quantizer(NamedTuple):
    """``keras.quantizers.AbsMaxQuantizer``: ``x * highest / (largest |x| + epsilon)``, rounded, within ``lowest`` and ``highest``."""

    lowest: float = -127.0
    highest: float = 127.0
    epsilon: float = 1e-7
    axes: tuple[int, ...] = (-1,)


def rounds_inputs(config: dict[str, Any], mode: str) -> bool:
    """Whether Keras quantizes the inputs of a layer too: by the quantizer in its settings, else for int8."""
    given = config.get("quantization_config")
    return bool(settings_of(given).get("activation_quantizer")) if isinstance(given, dict) else mode == "int8"


def input_quantizer(config: dict[str, Any]) -> Quantizer:
    """How the inputs of a layer are rounded; ``NotImplementedError`` for a quantizer of another class, or not to int8."""
    given = config.get("quantization_config")
    entry = settings_of(given).get("activation_quantizer") if isinstance(given, dict) else None
    if entry is None:
        return Quantizer()
    settings = settings_of(entry) if isinstance(entry, dict) else {}
    if not isinstance(entry, dict) or entry.get("class_name", ABS_MAX) != ABS_MAX or settings.get("output_dtype", "int8") != "int8":
        raise NotImplementedError("a quantizer of its inputs other than AbsMaxQuantizer to int8")
    lowest, highest = settings.get("value_range") or (-127, 127)
    axis = settings.get("axis", -1)
    return Quantizer(float(lowest), float(highest), float(settings.get("epsilon", 1e-7)), (axis,) if isinstance(axis, int) else tuple(axis))


def settings_of(entry: dict[str, Any]) -> dict[str, Any]:
    """The settings of an object that Keras saved with its class, or that are all there is."""
    settings = entry.get("config")
    return settings if isinstance(settings, dict) else entry
