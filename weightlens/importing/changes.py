"""What somebody saved on a page, read back: the changed numbers of weights, each with its place and the number in the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from weightlens.errors import BadInput
from weightlens.limits import JSON

FORMAT = "weightlens changes"


@dataclass(frozen=True)
class Edit:
    """One changed number: the weight by its name on the page, its element, and the numbers before and after."""

    weight: str
    index: tuple[int, ...]
    old: float
    new: float


def read_changes(path: Path) -> list[Edit]:
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


def edit(path: Path, number: int, entry: Any) -> Edit:
    """One entry of the list."""
    weight, index, old, new = (entry.get(key) if isinstance(entry, dict) else None for key in ("weight", "index", "old", "new"))
    if (
        isinstance(weight, str)
        and isinstance(index, list)
        and all(type(at) is int and at >= 0 for at in index)
        and is_number(old)
        and is_number(new)
    ):
        return Edit(weight, tuple(index), float(old), float(new))
    raise BadInput(f"{path}: change {number} is not a weight with a place and two finite numbers")


def is_number(value: Any) -> TypeGuard[float]:
    """Whether this is a number; TRUE and FALSE are none."""
    return type(value) in (int, float)
