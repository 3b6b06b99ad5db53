"""What forbids computing with a layer: wrong options, weights that contradict them, numbers outside of a table, exceptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from weightlens.errors import BadInput, UnsupportedLayer, WeightlensError, first_line
from weightlens.model import Layer, Model
from weightlens.recording import value_of
from weightlens.specs.options import of_every_layer, options_of
from weightlens.specs.registry import REGISTERED, spec
from weightlens.specs.weights import lacking, mismatches

Result = TypeVar("Result")


def faults_of(layer: Layer, x: object = None) -> Iterator[str]:
    """What is wrong with one layer, a line for each; ``x`` is what comes in, where that is known."""
    yield from layer.faults
    for name, inner in layer.inner.items():
        yield from (f"in its {name}, {fault}" for fault in inner.faults)
    if not layer.is_operation:
        stored = {name: weight.shape for name, weight in layer.own_weights.items()}
        if stored or x is not None:  # a layer without any is the business of a note until it is computed
            given = layer.class_name, layer.config, stored
            yield from (line for _, line in mismatches(*given, None if x is None else shape_of(x)))
            yield from (f"the file lacks {name!r} for it" for name in lacking(*given))


def shape_of(x: object) -> tuple[int, ...] | None:
    """The shape of what comes in, of the first where several do."""
    while isinstance(x, (list, tuple)) and x:
        x = x[0]
    return tuple(x.shape) if hasattr(x, "shape") else None


def every_fault(model: Model, prefix: str = "") -> Iterator[str]:
    """What is wrong with a model and its layers, those inside others included, each with the name of its layer."""
    yield from model.faults
    for layer in model.layers:
        yield from (f"{prefix}{layer.name}: {fault}" for fault in faults_within(layer))
        if layer.model is not None:
            yield from every_fault(layer.model, f"{prefix}{layer.name}/")


def faults_within(layer: Layer) -> Iterator[str]:
    """What is wrong with a layer and with those it wraps."""
    yield from faults_of(layer)
    for name, inner in layer.inner.items():
        yield from (f"in its {name}, {fault}" for fault in faults_within(inner) if fault not in inner.faults)
        if inner.model is not None:
            yield from every_fault(inner.model, f"{name}/")


class Source(NamedTuple):
    """Where the numbers of a run come from: the names of the model's inputs, their arrays, the number of the first sample."""

    names: Sequence[str]
    arrays: Sequence[Any]
    first: int = 0


def refuse_outside_table(layer: Layer, x: object, weights: Mapping[str, Any], reverse: bool, source: Source) -> None:
    """Refuse indices that are no row of a layer's table, as Keras does: NumPy would count negative ones from the end.

    ``reverse``: the layer goes from vectors to indices, so ``x`` holds none.
    """
    if spec(layer.class_name).tokens and "embeddings" in weights and not reverse:
        rows: float = len(weights["embeddings"])
    elif layer.class_name == "CategoryEncoding" and layer.config.get("output_mode") != "one_hot":
        rows = np.inf  # a category that is too large has no mark in Keras 3
    else:
        return
    ids = np.asarray(value_of(x)).astype(np.float64)
    wrong = np.argwhere(~((ids > -1) & (ids < rows)))
    if len(wrong):
        sample, *place = wrong[0].tolist()
        name = next((f"input {name!r}" for name, x_in in zip(source.names, source.arrays, strict=True) if x_in is x), "")
        at = f", column {place[0] + 1}" if len(place) == 1 else f", position {place}" if place else ""
        limit = "on" if rows == np.inf else f"to {rows - 1}"
        raise BadInput(
            f"{name or f'the input of layer {layer.name!r}'}, row {source.first + sample + 1}{at}: {ids[tuple(wrong[0])]:.9g} is out of "
            f"range; layer {layer.name!r} ({layer.class_name}) takes whole numbers from 0 {limit}"
        )


def attempt(layer: Layer, compute: Callable[[], Result], x: object = None) -> Result:
    """``compute()``; its exceptions become ``UnsupportedLayer`` or ``BadInput``. ``x`` is what the layer computes with."""
    try:
        return compute()
    except WeightlensError:
        raise
    except NotImplementedError as refusal:
        raise UnsupportedLayer(layer.name, layer.class_name, str(refusal)) from None
    except KeyError as missing:
        raise UnsupportedLayer(layer.name, layer.class_name, f"the file lacks {missing} for it") from None
    except (ValueError, IndexError) as misfit:  # NumPy's answer to shapes that do not fit each other
        raise BadInput(f"the numbers given do not fit layer {layer.name!r} ({layer.class_name}): {misfit}") from misfit
    except MemoryError as full:
        raise UnsupportedLayer(layer.name, layer.class_name, f"needs more memory than there is ({first_line(full)})") from full
    except (TypeError, AttributeError, ArithmeticError) as error:
        raise UnsupportedLayer(layer.name, layer.class_name, whose_fault(layer, x, error)) from error


def whose_fault(layer: Layer, x: object, error: Exception) -> str:
    """The reason to give for a ``TypeError`` and its kin: the user's own function, the file's settings, or weightlens."""
    what = f"{type(error).__name__}: {first_line(error)}"
    if layer.class_name in REGISTERED and not layer.is_operation:
        return f"the function registered for this class fails ({what})"
    if is_checked(layer, x):
        return f"weightlens fails to compute it ({what}), although its settings in the file are in order: please report this mistake"
    return f"cannot be computed as the file has it ({what})"


def is_checked(layer: Layer, x: object) -> bool:
    """Whether a layer is given one array of numbers, and the table of options checked all its settings."""
    options = None if layer.is_operation else options_of(layer.class_name)
    if options is None or layer.inner or getattr(getattr(x, "dtype", None), "kind", "") not in ("b", "i", "u", "f"):
        return False
    return all(name not in options or options[name].kind != "any" or name in of_every_layer() for name in layer.config)
