"""Results as they come, one line of JSON for each file: an audit that was stopped goes on where it was."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from weightlens.auditing.finding import Hit
from weightlens.auditing.one_file import Result, sha256_of
from weightlens.auditing.places import Place
from weightlens.auditing.store import Identity
from weightlens.errors import BadInput
from weightlens.terminal.machine import to_json
from weightlens.version import __version__

HEADER = {"weightlens-audit": 2}


def result_in(line: bytes) -> Result:
    """The result in a line of JSON that ends with the CRC-32 of what is before; ``ValueError`` where somebody has changed it."""
    body, _, crc = line.strip().rpartition(b',"crc":')
    if crc != b"%d}" % zlib.crc32(body + b"}"):
        raise ValueError("a line is not as it was written")
    data = orjson.loads(body + b"}")
    return Result(**data | {"identity": Identity(**data["identity"]), "hits": [Hit(**hit) for hit in data["hits"]]})


class Journal:
    """A file of results, opened for more of them; keyed by URL, size, modification time and, where these differ, SHA-256."""

    def __init__(self, path: Path, inputs: str | None = None) -> None:
        self.path, self.known = path, dict[str, tuple[int, int]]()  # where the line of each file is
        header = orjson.dumps(HEADER | {"version": __version__, "inputs": inputs})
        try:
            self.file = path.open("r+b" if path.exists() else "x+b")
            end = self._find_lines(header)
        except OSError as error:
            raise BadInput(f"{path}: cannot be written ({error.strerror})") from None
        self.file.seek(end)
        self.file.truncate()
        if not end:
            self.file.write(header + b"\n")
            self.file.flush()

    def _find_lines(self, header: bytes) -> int:
        """Note where the result of each file stands; returns where the last whole line ends. Of any other file it closes and refuses."""
        end = 0
        try:
            while (line := self.file.readline()).endswith(b"\n"):  # the last line may have been cut off
                if end:
                    self.known[result_in(line).file] = end, len(line)
                elif line.strip() != header:
                    break
                end += len(line)
        except ValueError as error:
            self.file.close()
            raise BadInput(f"{self.path}: is damaged ({error}); name a new file") from None
        if line and not end:
            self.file.close()
            why = "another program, version or --inputs"
            raise BadInput(f"{self.path}: is not the file of results of such an audit ({why}); name a new one")
        return end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.file.close()

    def valid_results(self, wanted: Sequence[Place]) -> Iterator[Result]:
        """The results that still hold: of files that have not changed since. To be gone through before any is added."""
        for place in wanted:
            if place.name in self.known:
                start, length = self.known[place.name]
                self.file.seek(start)
                if self._is_unchanged(place, old := result_in(self.file.read(length))):
                    yield old
        self.file.seek(0, os.SEEK_END)

    def _is_unchanged(self, place: Place, old: Result) -> bool:
        if old.identity.size != place.size:
            return False
        if old.changed == place.changed:
            return True
        return not place.is_remote and sha256_of(Path(place.name)) == old.identity.sha256  # copied or touched

    def add(self, result: Result) -> None:
        """Append one result, at once."""
        body = to_json(result.as_dict())
        self.file.write(body[:-1] + b',"crc":%d}\n' % zlib.crc32(body))
        self.file.flush()
        os.fsync(self.file.fileno())
