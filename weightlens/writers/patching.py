"""Changing single numbers of a saved model by name: ``dense/kernel[0,1]=0.5``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike

import numpy as np

from weightlens.errors import BadInput, unknown
from weightlens.importing import Change, Imported, NewNumbers, fit_to_dtype, write_copy
from weightlens.inputs.indices import parse_slice
from weightlens.model import Model, Weight

LISTED = 1000  # changed numbers that are listed one by one
EXAMPLE = 'write for example --set "dense/kernel[0,1]=0.5", "dense/bias=0.1,0.2" or "dense/kernel[:,0]=0"'


@dataclass(frozen=True)
class Setting:
    """What somebody wants to set: a weight by its name, the part of it (an index of NumPy), and the new numbers."""

    text: str
    name: str
    weight: Weight
    part: tuple[int | slice, ...]
    numbers: np.ndarray


def patch_model(
    model_path: str | PathLike[str],
    wanted: Sequence[str],
    out: str | PathLike[str],
    force: bool = False,
    config: str | PathLike[str] | None = None,
) -> Imported:
    """Write a new model file in which some numbers are others: ``["dense/kernel[0,1]=0.5", "dense/bias=0"]``; a later one wins.

    Only these numbers differ from the file at ``model_path``. A name, place or number that does not fit raises ``BadInput``, and
    nothing is written.
    """
    return write_copy(model_path, out, force, config, ("", None), partial(set_weights, wanted))


def set_weights(wanted: Sequence[str], model: Model) -> Iterator[NewNumbers]:
    """The weights with the numbers that are wanted."""
    new: dict[str, tuple[str, Weight, np.ndarray]] = {}  # by the place in the file: a weight may have several names
    for text in wanted:
        setting = read_setting(text, model)
        _, _, values = new.setdefault(setting.weight.path, (setting.name, setting.weight, setting.weight.value.copy()))
        apply(setting, values)
    room = LISTED
    for name, weight, values in new.values():
        old = weight.value
        same = (old == values) | (np.isnan(old) & np.isnan(values)) if old.dtype.kind == "f" else old == values
        places = np.argwhere(~same)
        first = [tuple(at) for at in places[:room].tolist()]
        changes = [Change(name, at, "--set", weight.value[at].item(), values[at].item()) for at in first]
        room -= len(first)
        yield NewNumbers(name, weight, values, changes, len(places) - len(first))


def read_setting(text: str, model: Model) -> Setting:
    """``dense/kernel[0,1]=0.5`` as the weight, its part and the numbers."""
    place, equals, value = text.rpartition("=")
    weights = {weight.path: weight for weight in model.unplaced} | model.weights
    name: str = place.strip()
    cut: str | None = None
    if name not in weights and name.endswith("]"):
        name, _, cut = name[:-1].rpartition("[")
    if not equals or not name:
        raise BadInput(f"--set {text!r}: {EXAMPLE}")
    if name not in weights:
        raise BadInput(f"--set {text!r}: {unknown('weight', name, weights)}")
    weight = weights[name]
    refuse_other_kinds(name, weight)
    part = parse_slice(cut, weight.shape, f"--set {text}: the index") if cut is not None else ()
    return Setting(text, name, weight, part, read_numbers(value, text))


def refuse_other_kinds(name: str, weight: Weight) -> None:
    """Refuse a weight that holds no real numbers, or such for which NumPy has no dtype."""
    try:
        known = weight.dtype == "bfloat16" or np.dtype(weight.dtype).kind in "fiub"
    except TypeError:
        known = False
    if not weight.is_numeric or not known:
        raise BadInput(f"{name} holds {weight.dtype}, which cannot be set")


def read_numbers(text: str, setting: str) -> np.ndarray:
    """``0.5``, ``1,2,3`` or ``[[1,2],[3,4]]`` as an array; parsed, never evaluated."""
    try:
        said = json.loads(text) if text.strip().startswith("[") else [json.loads(number) for number in text.split(",")]
        numbers = np.array(said[0] if len(said) == 1 and not text.strip().startswith("[") else said, object)
    except (ValueError, RecursionError):
        raise BadInput(f"--set {setting!r}: {text!r} is not a number, or several with commas; {EXAMPLE}") from None
    for number in numbers.ravel().tolist():
        if type(number) not in (int, float) or not abs(number) <= sys.float_info.max:
            raise BadInput(f"--set {setting!r}: {str(number)[:40]} is not a finite number")
    return numbers


def apply(setting: Setting, values: np.ndarray) -> None:
    """Put the numbers into the weight's array: one number everywhere in the part, or as many as it has."""
    numbers, part = setting.numbers, values[setting.part]
    if not part.size:
        raise BadInput(f"--set {setting.text!r}: there is nothing at this place of {setting.name}, whose shape is {values.shape}")
    if numbers.ndim and numbers.shape != part.shape:
        have, need = " x ".join(map(str, numbers.shape)), " x ".join(map(str, part.shape)) or "one"
        raise BadInput(f"--set {setting.text!r}: {have} numbers, but the part of {setting.name} that is set has {need}")
    exact = (number if abs(number) < 2**64 else float(number) for number in numbers.ravel().tolist())
    stored = [fit_to_dtype(number, setting.weight.dtype, f"--set {setting.text!r}") for number in exact]
    values[setting.part] = np.array(stored, values.dtype).reshape(numbers.shape)
