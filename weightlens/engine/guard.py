"""What an exception inside a layer's function means for the user: whose fault it is, in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from weightlens.errors import BadInput, UnsupportedLayer, WeightlensError, first_line
from weightlens.model import Layer
from weightlens.specs.options import of_every_layer, options_of
from weightlens.specs.registry import REGISTERED

Result = TypeVar("Result")


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
