"""Every layer weightlens can compute, each one short NumPy function: the table of contents.

A layer function is ``f(x, w, config, step, *, ...)``: ``x`` the first argument of the layer's call (a list for
merge layers), ``w`` the layer's weights by name, ``config`` its configuration with Keras 3's keys, and
``step(name, value)`` names a value: a named value is a matrix in the trace, a block of cells in the workbook.
It returns the output, or a list of outputs. Options it does not know raise ``NotImplementedError("what")``.

Optional keyword-only arguments are filled in where the function names them: ``mask`` (booleans, ``None``
without; a list for merge layers), further call arguments of Keras (``initial_state``, ``value``...; see
``CALL_ARGUMENTS``), ``NAME_mask`` for each of those, and ``call(inner_name, x, **arguments)``, which runs a
wrapped layer. ``MASKS`` says which mask a layer hands on; a layer that is not in it hands on none.

What a function may use, so that a spreadsheet can follow it: ufuncs; ``@``, ``np.einsum``; reductions with
``axis``; ``np.where``; ``np.take``; and whatever only moves numbers (reshape, transpose, pad, split, stack,
concatenate, flip, repeat, tile, slicing, ``sliding_window_view``...). No in-place writes, no branching on values,
no ``np.array`` around computed values. Batch first, channels last inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weightlens.layers import activations, core
from weightlens.layers.masking import MASKS
from weightlens.layers.operations import OPERATIONS

__all__ = ["CALL_ARGUMENTS", "LAYERS", "MASKS", "OPERATIONS"]

LayerFunction = Callable[..., Any]

LAYERS: dict[str, LayerFunction] = {
    # core
    "Dense": core.dense,
    "Activation": core.activation,
}

# The names of a layer's positional call arguments, where they are not (inputs, mask, training).
CALL_ARGUMENTS: dict[str, tuple[str, ...]] = {}
