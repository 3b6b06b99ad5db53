"""The inputs of a forward pass as arrays, in the order, shapes and dtypes that the model asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.call_order import keys_of, refs
from weightlens.engine.wanted import name_list
from weightlens.errors import BadInput, UnsupportedLayer
from weightlens.model import NUMBERS, Layer, Model
from weightlens.specs.sizes import shape_words
from weightlens.specs.words.number_words import counted

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


def bind(model: Model, inputs: Any, dtype: DTypeLike = np.float64) -> list[np.ndarray]:
    """One array per input of the model, in its order; a missing batch axis is added.

    ``inputs``: an array, a list of arrays, or a dict of arrays by the key or the name of the input or its position (``input_0``).
    Raises ``BadInput`` where numbers and shapes do not fit the model.
    """
    names = [ref.layer for ref in refs(model.inputs)]
    if model.faults:
        raise BadInput(f"{model.faults[0]}; its matrices can still be shown (weightlens show)")
    if not names:
        raise BadInput(model.why_nothing_runs)
    if isinstance(inputs, dict):
        inputs = in_order(inputs, names, keys_of(model.inputs))
    elif not (isinstance(inputs, (list, tuple)) and len(inputs) == len(names) and all(hasattr(x, "shape") for x in inputs)):
        inputs = [inputs] if len(names) == 1 else list(inputs)
    if len(inputs) != len(names):
        raise BadInput(f"the model has {counted(len(names), 'input')} ({', '.join(names)}), but {len(inputs)} were given")
    return [fit(x, model[name], dtype) for x, name in zip(inputs, names, strict=True)]


def in_order(inputs: dict[Any, Any], names: list[str], called: list[str]) -> list[Any]:
    """The values of a dict in the order of the model's inputs, which it calls ``called`` where it takes a dict itself."""
    keys = input_keys(map(str, inputs), names, called)
    if keys is None:
        names = called or names
        missing = next((name for name in names if name not in inputs), names[0])
        raise BadInput(f"no values for input {missing!r}; the inputs are: {', '.join(names)} (or by position: input_0, input_1...)")
    return [inputs[key] for key in keys]


def input_keys(keys: Iterable[str], names: Sequence[str], called: Sequence[str] = ()) -> list[str] | None:
    """The key of each input's array: what the model calls it in its dict of inputs, its name, or its position ``input_0``, ``input_1``...

    ``None`` if they are none of these, or mixed. If the keys are exactly all positions, they are positions, whatever
    the inputs are called, and then those of the model's own dict, as in Keras; otherwise ambiguous keys are refused.
    """
    given = list(keys)
    ways = [[f"input_{i}" for i in range(len(names))], *([list(called)] if called else []), list(names)]
    possible = next(([way] for way in ways if set(way) == set(given)), None) or [way for way in ways if set(way) <= set(given)]
    if any(way != possible[0] for way in possible):
        raise BadInput(f"{name_list(given)} can be read as the positions of the inputs and as their names, which are: {name_list(names)}")
    return possible[0] if possible else None


def fit(x: Any, layer: Layer, dtype: DTypeLike) -> np.ndarray:
    """One input as an array of the shape that its InputLayer asks for."""
    try:
        array = np.asarray(x)
    except ValueError:
        raise BadInput(f"input {layer.name!r} was given rows of different lengths") from None
    if not array.size:
        raise BadInput(f"input {layer.name!r} was given no numbers")
    if array.dtype.kind not in "USO" or str(layer.config.get("dtype")).startswith(NUMBERS):
        array = as_numbers(array, layer.name).astype(dtype)
    else:
        array = as_text(array)
    shape = layer.config.get("batch_shape")
    if layer.faults:
        raise UnsupportedLayer(layer.name, layer.class_name, layer.faults[0])
    if shape is None:
        return array
    rank = len(shape)
    if array.ndim == rank - 1:
        array = array[..., None] if shape[-1] == 1 and array.shape[-1:] != (1,) else array[None]
    if array.ndim != rank or any(want not in (None, have) for want, have in zip(shape[1:], array.shape[1:], strict=True)):
        got = shape_words(array.shape[1:] if array.ndim == rank else array.shape)
        raise BadInput(f"input {layer.name!r} takes {shape_words(shape[1:])} per sample, but the numbers given are {got}")
    return array


def as_numbers(array: np.ndarray, name: str) -> np.ndarray:
    """Numbers, also those among Python objects, as a table of several kinds of columns holds them; text is refused."""
    if array.dtype.kind in "US" or (
        array.dtype.kind == "O" and not all(isinstance(value, (int, float, np.number, np.bool_)) for value in array.flat)
    ):
        raise BadInput(f"input {name!r} takes numbers, but was given text or other objects")
    return array


def as_text(array: np.ndarray) -> np.ndarray:
    """Text as ``str``, whether it was given as ``str``, bytes or Python objects."""
    words = [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in array.reshape(-1).tolist()]
    return np.array(words, dtype=str).reshape(array.shape)
