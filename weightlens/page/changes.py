"""What somebody saved on a page, carried back: changed numbers of weights, each with its place and the number in the file."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, TypeGuard

from weightlens.errors import BadInput
from weightlens.importing import Change, Imported, NewNumbers, fit_to_dtype, is_same_number, weight_called, write_copy
from weightlens.limits import JSON
from weightlens.model import Model, Weight

FORMAT = "weightlens changes"
NON_FINITE = ("NaN", "Infinity", "-Infinity")  # numbers of the file for which JSON has no word


def import_changes(
    changes: str | PathLike[str],
    model_path: str | PathLike[str],
    out: str | PathLike[str],
    force: bool = False,
    config: str | PathLike[str] | None = None,
) -> Imported:
    """Write a new model file with the weights that somebody changed on a page and saved there.

    Only the changed numbers differ from the file at ``model_path``; changes of another model raise ``BadInput``.
    """
    return write_copy(model_path, out, force, config, ("the changes", changes), partial(changed_weights, Path(changes)))


def changed_weights(path: Path, model: Model) -> Iterable[NewNumbers]:
    """The weights with the numbers that were saved."""
    new: dict[str, NewNumbers] = {}
    seen: dict[tuple[str, tuple[int, ...]], float] = {}  # a layer that is called twice stands on the page twice
    for edit in read_changes(path):
        weight, change = checked(model, edit, path.name)
        place = weight.path, edit.index
        if seen.get(place, change.new) != change.new:
            raise BadInput(f"{path.name}: {change.weight} {list(edit.index)} gets two different numbers; the file keeps it once")
        if place not in seen and change.new != change.old:
            made = new.setdefault(change.weight, NewNumbers(change.weight, weight, weight.value.copy(), []))
            made.values[edit.index] = change.new
            made.changes.append(change)
        seen[place] = change.new
    return new.values()


def checked(model: Model, edit: Change, name: str) -> tuple[Weight, Change]:
    """The weight that an edit changes, and the change as the file keeps it; an edit of another model is refused."""
    found = weight_called(model, edit.weight)
    if found is None or len(edit.index) != len(found[1].shape) or any(i >= n for i, n in zip(edit.index, found[1].shape, strict=True)):
        raise BadInput(f"{name}: changes another model; this one has no weight {edit.weight} with an element {list(edit.index)}")
    key, weight = found
    old, place = weight.value[edit.index].item(), f"{name}: {key} {list(edit.index)}"
    if not is_same_number(edit.old, old, weight.value.dtype):
        raise BadInput(f"{place} was {edit.old:.9g}, and in the model it is {old:.9g}: changes of another model")
    return weight, Change(key, edit.index, name, old, fit_to_dtype(edit.new, weight.dtype, place))


def read_changes(path: Path) -> list[Change]:
    """The changes in a file that a page saved; anything else is ``BadInput``."""
    import orjson

    try:
        text = path.read_bytes() if path.stat().st_size <= JSON else b""
        said = orjson.loads(text)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict) or said.get("format") != FORMAT or not isinstance(said.get("changes"), list):
        raise BadInput(f"{path}: is not a file of changes that a page of weightlens saved")
    return [edit(path, number, entry) for number, entry in enumerate(said["changes"], 1)]


def edit(path: Path, number: int, entry: Any) -> Change:
    """One entry of the list, its weight by the name on the page."""
    weight, index, old, new = (entry.get(key) if isinstance(entry, dict) else None for key in ("weight", "index", "old", "new"))
    if (
        isinstance(weight, str)
        and isinstance(index, list)
        and all(type(at) is int and at >= 0 for at in index)
        and (is_number(old) or old in NON_FINITE)
        and is_number(new)
    ):
        return Change(weight, tuple(index), path.name, float(old), float(new))
    raise BadInput(f"{path}: change {number} is not a weight with a place and two finite numbers")


def is_number(value: Any) -> TypeGuard[float]:
    """Whether this is a number; TRUE and FALSE are none."""
    return type(value) in (int, float)
