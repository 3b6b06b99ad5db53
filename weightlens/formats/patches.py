"""Bytes of a file overwritten where they stand."""

from __future__ import annotations

from typing import IO

from weightlens.errors import WeightlensError

Places = list[tuple[int, bytes]]  # in one file: where, and the new bytes
Patches = dict[str, Places]  # by the file's name


def patch(file: IO[bytes], places: Places) -> None:
    """Overwrite bytes of an open file, and read them again."""
    for offset, data in places:
        file.seek(offset)
        file.write(data)
        file.seek(offset)
        if file.read(len(data)) != data:
            raise WeightlensError(f"the numbers at byte {offset:,} could not be written; the file is left as it was")
