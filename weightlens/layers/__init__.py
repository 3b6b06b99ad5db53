"""Every layer weightlens can compute, each one short NumPy function. ``weightlens.specs`` says which class has which.

A layer function is ``f(x, w, config, step, *, ...)``: ``x`` the first argument of the layer's call (a list for
merge layers), ``w`` the layer's weights by name, ``config`` its configuration with Keras 3's keys, and
``step(name, value)`` names a value: a named value is a matrix in the trace, a block of cells in the workbook.
``step(name, value, role)`` says besides what it is in its layer: a ``Role`` such as a gate, a state, a helper.
It returns the output, or a list of outputs. Options it does not know raise ``NotImplementedError("what")``.
``signature`` has the types of these.

Optional keyword-only arguments are filled in where the function names them: ``mask`` (booleans, ``None``
without; a list for merge layers), further call arguments of Keras
(``initial_state``, ``value``...; see ``LayerSpec.arguments``), ``NAME_mask`` for each of those, ``quirks`` (``specs.quirks``: what
the version of Keras or the kind of number changes), and ``call(inner_name, x, **arguments)``, which runs a wrapped layer.
Which mask a layer hands on is a rule of ``masking``.

What a function may use, so that a spreadsheet can follow it: ufuncs; ``@``, ``np.einsum``; reductions with
``axis``; ``np.where``; ``np.take``; and whatever only moves numbers (reshape, transpose, pad, split, stack,
concatenate, flip, repeat, tile, slicing, ``sliding_window_view``...). No in-place writes, no branching on values,
no ``np.array`` around computed values. Batch first, channels last inside.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any

from weightlens.specs.layer import LayerSpec
from weightlens.specs.registry import REGISTERED, SPECS, spec

LayerFunction = Callable[..., Any]


@functools.cache
def named(path: str) -> LayerFunction:
    """A function by its module in this package and its name; imported when it is first needed, for a network needs few of them."""
    module, _, name = path.rpartition(".")
    function: LayerFunction = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    return function


def function_of(class_name: str) -> LayerFunction | None:
    """The function that computes layers of a class; ``None`` where there is none."""
    function = spec(class_name).function
    return named(function) if isinstance(function, str) else function


def mask_rule(class_name: str) -> Callable[..., Any] | None:
    """The rule that says which mask layers of a class hand on; ``None`` where they hand on none."""
    rule = spec(class_name).mask
    return None if rule == "none" else named(f"masking.{rule}") if isinstance(rule, str) else rule


def register(class_name: str, function: LayerFunction | LayerSpec, variables: Sequence[str] = ()) -> None:
    """Compute layers of a class of your own with ``function``, which has the signature of every layer function here.

    ``class_name`` is what ``weightlens show`` calls the class (``Package>Name`` where Keras knows it under a package);
    ``variables`` are the names of its weights in the order in which the layer makes them, for files that do not name them.
    A ``weightlens.LayerSpec`` in the place of the function says more: the mask it hands on, its options, what its axes mean.
    Register before the model is loaded. Nothing is ever loaded from a file.
    """
    if class_name in SPECS and class_name not in REGISTERED:
        raise ValueError(f"{class_name} is a layer that weightlens computes itself")
    known = function if isinstance(function, LayerSpec) else LayerSpec(function=function, variables=" ".join(variables) or None)
    if not callable(known.function):
        raise TypeError(f"the function of {class_name} has to be one: f(x, w, config, step)")
    REGISTERED.add(class_name)
    SPECS[class_name] = known
