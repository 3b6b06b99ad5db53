"""Saved configuration values as plain Python: Keras's wrappers for tuples, slices, arrays and tensors removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from weightlens.errors import CutShort, UnreadableModel
from weightlens.limits import JSON, VALUES
from weightlens.model import Ref

BOOKKEEPING = frozenset({"module", "registered_name", "shared_object_id", "build_config", "compile_config", "__passive_serialization__"})


def parse_json(text: str | bytes, what: str) -> Any:
    """JSON as Python writes it, NaN and Infinity included."""
    if len(text) > JSON:
        raise UnreadableModel(f"{what} is larger than any that Keras writes")
    if sum(text.count(mark) if isinstance(text, str) else text.count(mark.encode()) for mark in ",[{") > VALUES:
        raise UnreadableModel(f"{what} holds more values than any that Keras writes")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        ends = isinstance(error, json.JSONDecodeError) and (error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"))
        wrong = CutShort if ends else UnreadableModel
        raise wrong(f"{what} is not valid JSON ({str(error)[:120]})") from None


def parse_object(text: str | bytes, what: str) -> dict[str, Any]:
    """JSON that must be an object; Keras 1 sometimes stored JSON within JSON."""
    value = parse_json(text, what)
    if isinstance(value, str):
        value = parse_json(value, what)
    if not isinstance(value, dict):
        raise UnreadableModel(f"{what} is not a JSON object")
    return value


def every_value(value: Any) -> Iterator[Any]:
    """A value and all values in it, at any depth."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        yield item
        waiting.extend(item.values() if isinstance(item, dict) else item if isinstance(item, (list, tuple)) else ())


def _array(config: dict[str, Any]) -> np.ndarray:
    dtype = config.get("dtype")
    return np.array(config.get("value"), dtype=dtype if isinstance(dtype, str) and dtype != "bfloat16" else None)


def _tensor(config: dict[str, Any]) -> Ref:
    name, call, index = config["keras_history"]
    return Ref(str(name), int(call), int(index))


WRAPPERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "__numpy__": _array,
    "__tensor__": _array,
    "__keras_tensor__": _tensor,
    "__slice__": lambda config: slice(*(plain(config.get(key)) for key in ("start", "stop", "step"))),
    "__bytes__": lambda config: str(config.get("value", "")),
    "__ellipsis__": lambda config: Ellipsis,
    "__lambda__": lambda config: {"class_name": "__lambda__"},
    "TensorShape": lambda config: list(config.get("items", [])),
}


def plain(value: Any) -> Any:
    """The value without Keras's wrappers: ``{"class_name": "__tuple__", "items": [..]}`` is a tuple, and so on."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("class_name")
    if kind == "__tuple__":
        return tuple(plain(item) for item in value.get("items", value.get("config", {}).get("value", ())))
    if isinstance(kind, str) and kind in WRAPPERS:
        inside = value.get("config", value)
        return WRAPPERS[kind](inside if isinstance(inside, dict) else value)
    return {key: plain(item) for key, item in value.items() if key not in BOOKKEEPING}


def is_wrapped(value: Any) -> bool:
    """Whether a value is a list, or Keras's wrapper of a list or an array."""
    kind = value.get("class_name") if isinstance(value, dict) else None
    return isinstance(value, list) or (isinstance(kind, str) and (kind == "__tuple__" or kind in WRAPPERS))


def as_lists(value: Any) -> Any:
    """The value with arrays as nested lists, the form used in a layer's configuration."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: as_lists(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(as_lists(item) for item in value)
    return value
