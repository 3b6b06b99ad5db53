"""The findings of an earlier report, which are not told again."""

from __future__ import annotations

import os
from pathlib import Path

import orjson

from weightlens.errors import BadInput


def keys_of(report: str | os.PathLike[str] | None) -> frozenset[tuple[str, ...]]:
    """What a JSON report has found, by file, layer, weight and rule; nothing if there is none."""
    if report is None:
        return frozenset()
    try:
        found = orjson.loads(Path(report).read_bytes())
        return frozenset((one["file"], one["layer"], one["weight"], one["rule"]) for one in found["findings"])
    except OSError as error:
        raise BadInput(f"--baseline {report}: cannot be read ({error.strerror})") from None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise BadInput(f"--baseline {report}: is no report that weightlens audit --format json has written") from None
