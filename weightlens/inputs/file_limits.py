"""Input files that cost far more memory than their size: checked before they are unpacked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from weightlens.errors import BadInput
from weightlens.limits import PICTURE
from weightlens.zips import check_member, open_zip


def check_picture(name: str, size: tuple[int, int], wanted: tuple[int | None, int | None]) -> None:
    """Refuse a picture with too many pixels, unless the model takes pictures of exactly that size.

    ``size`` and ``wanted`` are width and height. If the model leaves them open, all pixels are computed with as float64.
    """
    taken = size[0] * size[1] * 4 * (8 if None in wanted else 1)
    if taken > PICTURE and size != wanted:
        raise BadInput(f"{name}: {size[0]:,} x {size[1]:,} pixels, more than there is room for: make the picture smaller first")


def npz_members(path: Path, names: Sequence[str]) -> list[Any]:
    """The arrays with these names in an ``.npz`` file; no other array is read, and none of implausible size."""
    import numpy as np

    with open_zip(path) as archive, np.load(path, allow_pickle=False) as loaded:
        for name in names:
            check_member(archive, name if name in archive.NameToInfo else f"{name}.npy")
        return [loaded[name] for name in names]
