"""Models behind a URL (s3, gs, http, zip, ...), read through fsspec: only the bytes that are asked for, block by block."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from weightlens.errors import BadInput, UnreadableModel, first_line
from weightlens.formats.containers.zipped import ReadAnywhere

BLOCK = 1 << 13  # bytes of a block: the structure of an HDF5 file is in small pieces, far apart
LARGE = 1 << 16  # bytes from which a read goes past the blocks
BLOCKS = 512  # kept
REMOTE = "://"
SCHEME = re.compile(r"(^|::)([A-Za-z][A-Za-z0-9+.-]+):/(?=[^/])")  # as a path has it, which joins two slashes
LOCAL = ("file", "local")  # whose paths begin with a slash of their own
PIECE = 1 << 20


def is_url(name: object) -> bool:
    """Whether this names something behind a URL."""
    return isinstance(name, str) and REMOTE in name


def file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL and the path in it; ``BadInput`` where what is needed for it is not installed."""
    try:
        import fsspec
    except ImportError:
        raise BadInput(f"{url}: URLs need fsspec, which is not installed: pip install fsspec (and s3fs for s3://)") from None
    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise BadInput(f"{url}: {first_line(error)}") from None
    return system, path


class RemoteFile(ReadAnywhere):
    """A file behind a URL; small reads come from blocks that are kept. ``fetched`` counts the bytes that were asked for."""

    block = BLOCK

    def __init__(self, system: Any, path: str) -> None:
        self.system, self.path, self.fetched = system, path, 0
        self.size = int(system.size(path) or 0)
        self.blocks: OrderedDict[int, bytes] = OrderedDict()
        self.whole = b""

    def part(self, start: int, end: int) -> bytes:
        if end - start >= LARGE:
            return self._fetch(start, end)
        blocks = [self._block(number) for number in range(start // BLOCK, -(-end // BLOCK))]
        first = start // BLOCK * BLOCK
        return b"".join(blocks)[start - first : end - first] if end > start else b""

    def _block(self, number: int) -> bytes:
        if number not in self.blocks:
            self.blocks[number] = self._fetch(number * BLOCK, min((number + 1) * BLOCK, self.size))
            if len(self.blocks) > BLOCKS:
                self.blocks.popitem(last=False)
        self.blocks.move_to_end(number)
        return self.blocks[number]

    def _fetch(self, start: int, end: int) -> bytes:
        if self.whole:
            return self.whole[start:end]
        data: bytes = self.system.cat_file(self.path, start=start, end=end)
        self.fetched += len(data)
        if len(data) == self.size > end - start:  # a server that sends whole files only
            self.whole = data
            return data[start:end]
        if len(data) != end - start:
            raise UnreadableModel(f"{self.path}: {end - start:,} bytes were asked for, and {len(data):,} came")
        return data


class RemotePath(type(Path())):  # type: ignore[misc]  # the kind of path that this system has
    """A URL with the methods of a path, as far as the readers of models use them. Nothing is written."""

    __slots__ = ()

    def __str__(self) -> str:
        text = super().__str__().replace(os.sep, "/")
        return SCHEME.sub(lambda found: f"{found[1]}{found[2]}:{'///' if found[2] in LOCAL else '//'}", text)

    @property
    def _facts(self) -> dict[str, Any]:
        system, path = file_system(str(self))
        try:
            facts: dict[str, Any] = system.info(path)
        except FileNotFoundError:
            return {}
        except Exception as error:  # every file system has errors of its own
            raise UnreadableModel(f"{self}: cannot be read ({first_line(error)})") from None
        return facts

    def exists(self, **_: Any) -> bool:
        return bool(self._facts)

    def is_file(self) -> bool:
        return self._facts.get("type") == "file"

    def is_dir(self) -> bool:
        return self._facts.get("type") == "directory"

    def is_symlink(self) -> bool:
        return False

    def resolve(self, strict: bool = False) -> RemotePath:
        return self

    def stat(self, **_: Any) -> os.stat_result:
        facts = self._facts
        if not facts:
            raise FileNotFoundError(2, os.strerror(2), str(self))
        return os.stat_result((0, 0, 0, 0, 0, 0, int(facts.get("size") or 0), 0, int(changed(facts)), 0))

    def open(self, mode: str = "rb", buffering: int = -1, *_: Any, **__: Any) -> BinaryIO:
        system, path = file_system(str(self))
        try:
            return RemoteFile(system, path)  # type: ignore[return-value]  # only reading is asked of it
        except FileNotFoundError:
            raise FileNotFoundError(2, os.strerror(2), str(self)) from None

    def read_bytes(self) -> bytes:
        system, path = file_system(str(self))
        data: bytes = system.cat_file(path)
        return data

    def iterdir(self) -> Iterator[RemotePath]:
        system, path = file_system(str(self))
        return (self / str(facts["name"]).rstrip("/").rpartition("/")[2] for facts in system.ls(path, detail=True))

    def rglob(self, pattern: str) -> Iterator[RemotePath]:
        system, path = file_system(str(self))
        inside = (str(name).removeprefix(path).lstrip("/") for name in system.find(path))
        return (self / name for name in inside if fnmatch.fnmatch(name.rpartition("/")[2], pattern))

    def glob(self, pattern: str) -> Iterator[RemotePath]:
        return (found for found in self.rglob("*") if found.match(pattern))


def changed(facts: dict[str, Any]) -> float:
    """When a file was changed last, in seconds; 0 where its file system does not say."""
    for key in ("mtime", "LastModified", "last_modified", "updated", "created"):
        value = facts.get(key)
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
        if isinstance(value, int | float):
            return float(value)
    return 0.0


def remote_files(url: str) -> list[tuple[str, list[tuple[str, int, float]]]]:
    """Every file or folder that a URL or pattern names: its URL, and the URL, size and date of each file in it."""
    system, path = file_system(url)
    scheme, _, rest = url.partition("::")

    def url_of(name: str) -> str:
        return f"{scheme.partition(REMOTE)[0]}{REMOTE}{name}::{rest}" if rest else str(system.unstrip_protocol(name))

    try:
        is_pattern = any(mark in path for mark in "*?[")
        at = system.glob(path, detail=True) if is_pattern else {}
        tops = {url_of(name): one for name, one in sorted(at.items())} if is_pattern else {url: system.info(path)}
        found = []
        for top, facts in tops.items():
            inside = system.find(facts["name"], detail=True) if facts.get("type") == "directory" else None
            files = {top: facts} if inside is None else {url_of(name): one for name, one in sorted(inside.items())}
            found.append((top, [(name, int(one.get("size") or 0), changed(one)) for name, one in files.items()]))
    except FileNotFoundError:
        return []
    except Exception as error:  # every file system has errors of its own
        raise BadInput(f"{url}: cannot be listed ({first_line(error)})") from None
    return found


@contextmanager
def copied(url: str) -> Iterator[Path]:
    """A copy of the file or folder behind a URL under its own name, in a temporary folder, for as long as it is needed."""
    from weightlens.files import scratch_folder

    system, path = file_system(url)
    with scratch_folder() as folder:
        target = folder / (path.rstrip("/").rpartition("/")[2] or "model")
        try:
            if system.isdir(path):
                system.get(path, str(target), recursive=True)
            else:
                with system.open(path, "rb") as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file, PIECE)
        except Exception as error:  # every file system has errors of its own
            raise UnreadableModel(f"{url}: cannot be read ({first_line(error)})") from None
        yield target
