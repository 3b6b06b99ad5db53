"""The ``.bin`` files of a TensorFlow.js model: beside its ``model.json`` in a folder, or in the same zip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from weightlens.errors import UnreadableModel, first_few

Find = Callable[[str], tuple[Path | BinaryIO, int] | None]  # a file beside a ``model.json`` by its name, and its size in bytes


def in_folder(folder: Path) -> Find:
    """The files in a folder. Links are not followed, and pipes are not waited for."""

    def find(name: str) -> tuple[Path, int] | None:
        file = folder / name
        return (file, file.stat().st_size) if file.is_file() and not file.is_symlink() else None

    return find


@dataclass
class Group:
    """The shards of one group of weights, in their order; ``pieces`` are their names, files and sizes."""

    pieces: list[tuple[str, Path | BinaryIO, int]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The bytes in all shards together."""
        return sum(size for _, _, size in self.pieces)

    @property
    def names(self) -> str:
        """The names of the shards in words."""
        return first_few([name for name, _, _ in self.pieces], 3) or "no file"

    def spans(self, start: int, length: int) -> list[tuple[str, Path | BinaryIO, int, int]]:
        """Where a range of the group's bytes is: shard, file, offset in it, and length there."""
        found, end, before = [], start + length, 0
        for name, file, size in self.pieces:
            first, last = max(start, before), min(end, before + size)
            if first < last:
                found.append((name, file, first - before, last - first))
            before += size
        return found

    def read(self, start: int, length: int) -> bytes:
        """A range of the group's bytes, which may lie in several shards."""
        data = b"".join(read_bytes(file, offset, part) for _, file, offset, part in self.spans(start, length))
        if len(data) != length:
            raise UnreadableModel(f"{self.names}: shorter than when the model was opened")
        return data


def read_bytes(file: Path | BinaryIO, offset: int, length: int) -> bytes:
    """A part of a file."""
    if not isinstance(file, Path):
        file.seek(offset)
        return file.read(length)
    try:
        with file.open("rb") as opened:
            opened.seek(offset)
            return opened.read(length)
    except OSError as error:
        raise UnreadableModel(f"{file}: cannot be read ({error.strerror})") from None


def shard_name(path: Any) -> str:
    """The name of a shard as ``model.json`` lists it; refused if it is not simply that of a file beside it."""
    name = path.removeprefix("./") if isinstance(path, str) else ""
    if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise UnreadableModel(f"the shard {str(path)[:120]!r} is not a file beside model.json")
    return name


def open_group(paths: Any, find: Find) -> Group:
    """The shards that a group lists."""
    if not isinstance(paths, list):
        raise UnreadableModel("the weightsManifest has a group without a list of paths")
    group = Group()
    for name in map(shard_name, paths):
        found = find(name)
        if found is None:
            raise UnreadableModel(f"the shard {name} is not beside model.json, or is a link: give the .bin files together with it")
        group.pieces.append((name, *found))
    return group
