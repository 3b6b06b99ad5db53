"""The types of what a layer function is given."""

from collections.abc import Callable, Sequence
from typing import Any

from weightlens.recording import Array

__all__ = ["Array", "Axis", "Call", "Config", "Function", "Masks", "Number", "Setting", "States", "Step", "Weights"]

Number = Array | float
Config = dict[str, Any]  # the configuration of a layer, with Keras 3's keys
Weights = dict[str, Any]  # arrays by name
Step = Callable[..., Any]  # step(name, value, role): names a value, and returns it
Call = Callable[..., Any]  # call(inner name, x, **arguments): runs a wrapped layer
Function = Callable[..., Any]  # of arrays
Masks = Array | Sequence[Array | None] | None  # of one input, or of several
States = Sequence[Array] | Array | None  # what a recurrent layer starts from; nested, of a bidirectional one
Setting = int | Sequence[int] | None  # a size, stride or rate for all spatial axes, or one for each
Axis = int | Sequence[int] | None  # one axis or several; None: all
