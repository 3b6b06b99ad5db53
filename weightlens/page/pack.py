"""The data of a page in one piece: JSON for what is said and how it is computed, then the numbers, exactly; deflated, as base64."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from weightlens.page.program import Program, values

MOST_SUMS = 1 << 17  # numbers kept to compare the page with; of a network with more cells, sums over some of them each
LEVEL = 6


@dataclass
class Pack:
    """What goes into one page. ``arrays`` are written behind the JSON, which says of each its type and its length."""

    head: dict[str, Any]
    arrays: list[np.ndarray] = field(default_factory=list)

    def add(self, array: np.ndarray) -> dict[str, Any]:
        """An array of numbers, as floats of four bytes where these are exact; what the JSON has to say of it."""
        wide = np.ascontiguousarray(array, "<f8").reshape(-1)
        with np.errstate(over="ignore"):
            narrow = wide.astype("<f4")
        exact = np.array_equal(narrow.astype("<f8"), wide, equal_nan=True)
        self.arrays.append(narrow if exact else wide)
        return {"bytes": 4 if exact else 8, "count": len(wide)}

    def base64(self) -> str:
        """All of it as letters: the length of the JSON, the JSON, and the arrays one after the other."""
        said = orjson.dumps(self.head, option=orjson.OPT_NON_STR_KEYS)
        squeeze = zlib.compressobj(LEVEL)
        parts = [squeeze.compress(len(said).to_bytes(8, "little") + said)]
        parts += [squeeze.compress(array.tobytes()) for array in self.arrays]
        return base64.b64encode(b"".join([*parts, squeeze.flush()])).decode()


def numbers(pack: Pack, program: Program, blocks: list[dict[str, Any]]) -> None:
    """The numbers of the blocks that are not computed; of the others checksums, which the page compares with its own."""
    for placed, said in zip(program.placed, blocks, strict=True):
        if said.get("text"):
            said["texts"] = [] if said["parts"] else values(placed).tolist()
        elif not said["parts"]:
            said["data"] = pack.add(values(placed))
    checked = [values(p) for p, said in zip(program.placed, blocks, strict=True) if said["parts"] and not said.get("text")]
    every = max(1, -(-sum(map(len, checked)) // MOST_SUMS))
    pack.head["check"] = {"every": every, **pack.add(np.concatenate([sums(v, every) for v in checked]) if checked else np.zeros(0))}


def sums(flat: np.ndarray, every: int) -> np.ndarray:
    """Checksums of ``every`` numbers at a time, each times its place: a wrong number shows, and two that were exchanged, too."""
    if every == 1:
        return np.asarray(flat, np.float64)
    full = np.zeros(-(-len(flat) // every) * every)
    full[: len(flat)] = flat
    with np.errstate(all="ignore"):
        added: np.ndarray = full.reshape(-1, every) @ np.arange(1.0, every + 1)
    return added
