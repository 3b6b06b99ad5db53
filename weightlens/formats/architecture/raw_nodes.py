"""Graph nodes of TensorFlow 2.0 to 2.3 (``TensorFlowOpLayer``), stored as protobuf in JSON: their arguments as plain Python."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from weightlens.call_order import refs
from weightlens.formats.architecture.config_values import plain
from weightlens.model import Layer

DTYPES = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_INT32": "int32", "DT_INT64": "int64", "DT_BOOL": "bool", "DT_UINT8": "uint8"}
DECODED: dict[str, Callable[[Any], Any]] = {
    "b": bool,
    "i": int,
    "f": float,
    "s": lambda text: base64.b64decode(text).decode("utf-8", "replace"),
    "type": lambda name: DTYPES.get(name, str(name)),
    "list": lambda part: [DECODED[kind](item) for kind, items in part.items() if kind in DECODED for item in items],
}


def complete_arguments(layer: Layer) -> None:
    """Insert the constants among each call's tensors, and append the node's attributes."""
    node = layer.config.get("node_def")
    attributes = node.get("attr") if isinstance(node, dict) else None
    options = {name: decode_attribute(value) for name, value in (attributes or {}).items() if is_arithmetic_attribute(name, value)}
    constants = layer.config.get("constants") or {}
    for call in layer.calls:
        arguments: list[Any] = list(refs(call.args))
        for index in sorted(constants, key=int):
            arguments.insert(int(index), plain(constants[index]))
        call.args, call.kwargs = tuple(arguments), dict(options)


def is_arithmetic_attribute(name: str, value: Any) -> bool:
    """Whether an attribute affects the result: input counts do not, dtypes only in a cast."""
    if not value or name in ("N", "shape") or name.startswith("_"):
        return False
    return name == "DstT" or "type" not in value


def decode_attribute(value: Any) -> Any:
    """One attribute's value: ``{"i": "3"}`` is 3."""
    kinds = [kind for kind in DECODED if isinstance(value, dict) and kind in value]
    return DECODED[kinds[0]](value[kinds[0]]) if kinds else None
