"""``weightlens show --tree``: the groups, datasets and attributes in the file; links are shown, not followed."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
from h5py import h5, h5a, h5d, h5g, h5l, h5o

from weightlens import limits
from weightlens.errors import UnreadableModel, first_line
from weightlens.formats.containers.contents import held_in, kind_of
from weightlens.formats.containers.foreign import archive_words
from weightlens.formats.containers.zipped import Archive
from weightlens.formats.hdf5.access import FLOATS_16_BIT, as_text, decode_name, group_links, open_hdf5, size_of
from weightlens.formats.hdf5.soundness import attribute_fits, first_bytes
from weightlens.terminal import Screen, clean
from weightlens.terminal.machine import json_line

LONGEST = 100_000  # letters of a text that is not to be shortened
PREVIEW = 64 * 1024  # bytes of an attribute that are read to be shown


def tree(path: Path, screen: Screen, full: bool = False) -> None:
    """Print the tree of an HDF5 file, of a ``.keras`` archive with the HDF5 file inside, or of a folder of these."""
    kind = kind_of(path)
    if kind in ("json", "tfjs"):
        raise UnreadableModel(f"{path.name}: JSON has no tree; without --tree it is shown")
    screen.line(screen.bold(clean(path.resolve().name)))
    if kind in ("savedmodel", "tar"):
        screen.lines(saved_model_lines(path))
        return
    screen.lines(Hdf5Tree(path.name, path, screen, full).lines() if kind == "hdf5" else archive_lines(path, screen, full))


def write_json(path: Path, file: BinaryIO, full: bool) -> None:
    """Write the same lines as JSON."""
    lines = io.StringIO()
    tree(path, Screen(lines, colour=False), full)
    file.write(json_line("show", tree=lines.getvalue().splitlines()))


def archive_lines(path: Path, screen: Screen, full: bool) -> Iterator[str]:
    """The members of an archive, each HDF5 file among them with its tree."""
    archive = Archive(path)
    names = archive.names()
    kind, _ = held_in(names, path.name)
    if kind == "savedmodel":
        yield from saved_model_lines(path)
        return
    if not kind:
        yield screen.dim(archive_words(path, names))
    for number, name in enumerate(names):
        last = number == len(names) - 1
        size = archive.zip.getinfo(name).file_size if archive.zip is not None else (path / name).stat().st_size
        yield ("└── " if last else "├── ") + clean(name) + screen.dim(f"  {size:,} bytes")
        if name.endswith((".h5", ".hdf5")):
            yield from Hdf5Tree(name, archive.open(name), screen, full).lines("    " if last else "│   ")


def saved_model_lines(path: Path) -> Iterator[str]:
    """The files of a SavedModel, and the arrays of its variables."""
    from weightlens.formats.savedmodel.bundle import Bundle
    from weightlens.formats.savedmodel.container import saved_model_files

    files = saved_model_files(path)
    arrays = [f"{key}  {entry.shape} {entry.dtype}" for key, entry in Bundle(files).entries.items()]
    names = [f"{name}  {files.size(name):,} bytes" for name in files.names()]
    for indent, lines in (("", names), ("    ", arrays)):
        for number, line in enumerate(lines):
            yield indent + ("└── " if number == len(lines) - 1 else "├── ") + clean(line)


@dataclass
class Hdf5Tree:
    """The tree of one HDF5 file as lines. ``seen``: the addresses of the groups already shown."""

    label: str
    source: Path | BinaryIO
    screen: Screen
    full: bool
    seen: set[int] = field(default_factory=set)

    def lines(self, indent: str = "") -> Iterator[str]:
        """All lines, up to a limit."""
        try:
            with open_hdf5(self.source, self.label) as file:
                yield from self.attributes(file.id, indent)
                for number, line in enumerate(self.members(file.id, indent, 0)):
                    if number > limits.TREE_LINES:
                        yield f"{indent}… and more"
                        return
                    yield line
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise UnreadableModel(f"{self.label}: not a readable HDF5 file ({first_line(error)})") from None

    def members(self, group: h5g.GroupID, indent: str, depth: int) -> Iterator[str]:
        """The members of a group: links with their targets, datasets with shape and dtype, groups with their members."""
        links = group_links(group)
        for number, (raw, kind, address) in enumerate(links):
            name, last = clean(decode_name(raw), LONGEST if self.full else 100), number == len(links) - 1
            branch, inner = indent + ("└── " if last else "├── "), indent + ("    " if last else "│   ")
            if kind != h5l.TYPE_HARD:
                yield branch + name + self.screen.dim(f"  {link_text(group.links.get_val(raw))}")
                continue
            try:
                member = h5o.open(group, raw)
            except (KeyError, OSError, RuntimeError, ValueError) as error:
                yield branch + name + self.screen.bad(f"  unreadable ({first_line(error)})")
                continue
            if isinstance(member, h5g.GroupID):
                yield from self.group(member, branch + self.screen.bold(f"{name}/"), inner, depth, address)
            else:
                yield branch + name + self.screen.dim(f"  {dataset_text(member)}")
                yield from self.attributes(member, inner) if isinstance(member, h5d.DatasetID) else ()

    def group(self, group: h5g.GroupID, title: str, inner: str, depth: int, address: int) -> Iterator[str]:
        """A group and its members, once per file."""
        known, deep = address in self.seen, depth > limits.DEPTH
        yield title + self.screen.dim("  shown above" * known or "  deeper than any model" * deep)
        if not known and not deep:
            self.seen.add(address)
            yield from self.attributes(group, inner)
            yield from self.members(group, inner, depth + 1)

    def attributes(self, thing: Any, indent: str) -> Iterator[str]:
        """The attributes of a group or a dataset, each in one line."""
        names: list[bytes] = []
        try:
            h5a.iterate(thing, names.append, order=h5.ITER_NATIVE)  # HDF5's own sorting crashes on a damaged index
        except (OSError, RuntimeError, ValueError, UnicodeDecodeError):
            return
        for raw in sorted(names):
            title = clean(decode_name(raw), LONGEST if self.full else 40)
            yield indent + self.screen.dim(f"@{title} = {self.attribute_text(h5a.open(thing, raw), raw)}")

    def attribute_text(self, attribute: h5a.AttrID, name: bytes) -> str:
        """The value of an attribute as one line, shortened unless ``full``."""
        try:
            size = math.prod(attribute.shape or (0,)) * attribute.dtype.itemsize
            if size > (limits.ATTRIBUTE if self.full else PREVIEW):
                return f"{size:,} bytes"
            if attribute.dtype.hasobject and not self.text_fits(attribute.dtype, name):
                return "not text or numbers, or broken"
            value = read_value(attribute)
        except Exception as error:  # a damaged attribute can fail in any way
            return f"unreadable ({first_line(error)})"
        return self.value_text(value)

    def text_fits(self, dtype: np.dtype, name: bytes) -> bool:
        """Whether an attribute's variable-length text is no longer than the file: HDF5 allocates whatever length is declared."""
        size = size_of(self.source)
        return h5py.check_string_dtype(dtype) is not None and attribute_fits(first_bytes(self.source, size), name + b"\0", size)

    def value_text(self, value: np.ndarray | None) -> str:
        """A value as one line."""
        longest = LONGEST if self.full else 60
        if value is None:
            return "empty"
        items = [as_text(item) for item in value.ravel()[: None if self.full else 8].tolist()]
        if not value.shape:
            return clean(items[0], longest)
        return clean("[" + ", ".join(items) + (", …" if value.size > len(items) else "") + "]", longest)


def link_text(target: bytes | tuple[bytes, bytes]) -> str:
    """A link's target."""
    if isinstance(target, tuple):
        return f"-> {clean(decode_name(target[0]))}:{clean(decode_name(target[1]))} (another file, not followed)"
    return f"-> {clean(decode_name(target))} (link, not followed)"


def dataset_text(member: Any) -> str:
    """A dataset's shape and dtype, and whether its numbers are in another file."""
    if not isinstance(member, h5d.DatasetID):
        return "a named type"
    try:
        dataset = h5py.Dataset(member)
        elsewhere = " (numbers in another file, not read)" if dataset.is_virtual or dataset.external else ""
        return f"{tuple(dataset.shape or ())} {'bfloat16' if dataset.dtype == FLOATS_16_BIT else dataset.dtype}{elsewhere}"
    except (TypeError, ValueError, RuntimeError, OSError) as error:
        return f"unreadable type ({first_line(error)})"


def read_value(attribute: h5a.AttrID) -> np.ndarray | None:
    """An attribute's value; ``None`` if it is empty."""
    if attribute.shape is None:
        return None
    values = np.zeros(attribute.shape, attribute.dtype)
    if values.size:
        attribute.read(values)
    return values
