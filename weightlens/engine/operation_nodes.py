"""Operator nodes of functional models: the NumPy function with its operands and options, from the configuration and the call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.errors import UnsupportedLayer
from weightlens.layers import LayerFunction
from weightlens.layers.core import taken_for_a_bias
from weightlens.model import Call, Layer, Ref
from weightlens.operations.small_integers import kept_in_range
from weightlens.recording import value_of
from weightlens.specs.operation import is_tensorflow
from weightlens.specs.words.number_words import counted

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

Step = Callable[..., Any]
BOOKKEEPING = frozenset({
    "name", "dtype", "trainable", "module", "function", "sorted", "sparse", "synchronized", "flash_attention", "registered_name",
    "out_type",
})  # fmt: skip


def computation(
    layer: Layer, call: Call, args: Sequence[Any], kwargs: dict[str, Any], step: Step, dtype: DTypeLike, batch: int | None
) -> Callable[[], Any]:
    """What computes a node: a function of no arguments.

    ``args`` and ``kwargs`` are the arguments of ``call`` with values in place of tensors. ``batch``: how many samples are computed
    together, where the model fixes it. Unknown nodes are refused.
    """
    from weightlens.operations.operators import operation

    function = operation(layer.class_name)
    if function is None:
        raise UnsupportedLayer(layer.name, layer.class_name, "is not an operation that weightlens can compute")
    given = call.args, call.kwargs
    if layer.class_name == "Add" and adds_a_bias(call, args, batch):
        raise UnsupportedLayer(layer.name, "Add", "adds an array that versions of Keras 3 take for a bias along another axis")
    if isinstance(function, np.ufunc):
        options, args = {}, [*(constant_as_step(x, step, dtype) for x in args), *kwargs.values()]
        mismatch = counted(len(args), "operand") if len(args) != function.nin else ""
    else:
        options = options_for(function, layer, kwargs, step)
        mismatch = signature_mismatch(function, args, options)
    if mismatch:
        raise UnsupportedLayer(layer.name, layer.class_name, f"is called in a way that weightlens does not know ({mismatch})")
    if function is np.power:
        x, exponent = map(value_of, args)
        if np.any(np.equal(exponent, 0.5)) and np.any(np.equal(x, -np.inf)):
            raise UnsupportedLayer(layer.name, layer.class_name, "takes the power 0.5 of -inf, which is infinite in Keras and NaN in NumPy")
    compute, kind = partial(function, *args, **options), str(layer.quirks.input_dtype)
    return lambda: kept_in_range(layer.class_name, kind, given, compute())


def adds_a_bias(call: Call, args: Sequence[Any], batch: int | None) -> bool:
    """Whether Keras may take the second operand of a sum for a bias: a constant, or a tensor whose number of samples the model fixes."""
    if len(args) < 2 or not (isinstance(call.args[1], np.ndarray) or (isinstance(call.args[1], Ref) and batch)):
        return False
    shape, added = (np.shape(x) for x in args)
    return taken_for_a_bias(shape, (batch, *added[1:]) if batch and isinstance(call.args[1], Ref) else added)


def signature_mismatch(function: LayerFunction, args: Sequence[Any], options: dict[str, Any]) -> str:
    """Why a function cannot be called with these arguments; empty if it can."""
    try:
        inspect.signature(function).bind(*args, **options)
    except TypeError as mismatch:
        return str(mismatch)
    return ""


def options_for(function: LayerFunction, layer: Layer, kwargs: dict[str, Any], step: Step) -> dict[str, Any]:
    """The options of an operation, from its configuration (Keras 3) and from the call."""
    known = inspect.signature(function).parameters
    given = {k: v for k, v in layer.config.items() if not is_tensorflow(layer.class_name) and (v is not None or k in known)} | kwargs
    options = {k: as_tuple(v) for k, v in given.items() if k in known or not (k in BOOKKEEPING or v is None or v is False)}
    if "step" in known:
        options["step"] = step
    if "input_dtype" in known:
        options["input_dtype"] = layer.quirks.input_dtype
    return options


def as_tuple(setting: object) -> Any:
    """Lists of a configuration as the tuples that NumPy takes; tensors in them stay in a list."""
    if isinstance(setting, list) and not any(hasattr(item, "shape") for item in setting):
        return tuple(as_tuple(item) for item in setting)
    return setting


def constant_as_step(operand: object, step: Step, dtype: DTypeLike) -> Any:
    """An operand of arithmetic: constant arrays of floats become steps, so that a workbook has cells for them."""
    if isinstance(operand, np.ndarray) and operand.ndim and operand.dtype.kind == "f":
        return step("constant", operand.astype(dtype))
    return operand
