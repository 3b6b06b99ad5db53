"""Results as they come, one line of JSON for each file: an audit that was stopped goes on where it was."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

import weightlens
from weightlens.auditing.one_file import Result, result_from, sha256_of
from weightlens.auditing.places import Place
from weightlens.errors import BadInput
from weightlens.terminal.machine import to_json

HEADER = {"weightlens-audit": 2}


def line_of(result: Result) -> bytes:
    """A result as a line of JSON that ends with the CRC-32 of what is before."""
    body = to_json(result.as_dict())
    return body[:-1] + b',"crc":%d}\n' % zlib.crc32(body)


def result_in(line: bytes) -> Result:
    """The result in a line; ``ValueError`` where somebody has changed it."""
    body, _, crc = line.strip().rpartition(b',"crc":')
    if crc != b"%d}" % zlib.crc32(body + b"}"):
        raise ValueError("a line is not as it was written")
    return result_from(orjson.loads(body + b"}"))


class Journal:
    """A file of results, opened for more of them; keyed by URL, size, modification time and, where these differ, SHA-256."""

    def __init__(self, path: Path, inputs: str | None = None) -> None:
        self.path, self.known = path, dict[str, Result]()
        header = orjson.dumps(HEADER | {"version": weightlens.__version__, "inputs": inputs})
        try:
            lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
            if lines and lines[0].strip() != header:
                raise BadInput(
                    f"{path}: is not the file of results of such an audit (another program, version or --inputs); name a new one"
                )
            whole = [line for line in lines[1:] if line.endswith(b"\n")]  # the last line may have been cut off
            self.known = {result.file: result for result in map(result_in, whole)}
            self.file = path.open("r+b" if path.exists() else "xb")
        except OSError as error:
            raise BadInput(f"{path}: cannot be written ({error.strerror})") from None
        except ValueError as error:
            raise BadInput(f"{path}: is damaged ({error}); name a new file") from None
        if lines:
            self.file.seek(sum(map(len, lines[:1])) + sum(map(len, whole)))
            self.file.truncate()
        else:
            self.file.write(header + b"\n")
            self.file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.file.close()

    def done(self, wanted: Sequence[Place]) -> dict[str, Result]:
        """The results that still hold: of files that have not changed since."""
        return {place.name: self.known[place.name] for place in wanted if place.name in self.known and self._same(place)}

    def _same(self, place: Place) -> bool:
        old = self.known[place.name]
        if old.identity.size != place.size:
            return False
        if old.changed == place.changed:
            return True
        return not place.is_remote and sha256_of(Path(place.name)) == old.identity.sha256  # copied or touched

    def add(self, result: Result) -> None:
        """Append one result, at once."""
        self.file.write(line_of(result))
        self.file.flush()
        os.fsync(self.file.fileno())
