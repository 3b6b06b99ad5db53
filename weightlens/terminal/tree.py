"""``weightlens show --tree``: what the file really holds, group by group, with its attributes; links are shown, not followed."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
from h5py import h5d, h5g, h5l, h5o

from weightlens.errors import UnreadableModel, first_line
from weightlens.formats.hdf5 import show
from weightlens.formats.zipped import Archive
from weightlens.terminal import Screen, clean

DEEPEST = 64
MOST = 200_000  # lines
PREVIEW = 64 * 1024  # bytes of an attribute that are read to be shown


def tree(path: Path, screen: Screen, full: bool = False) -> None:
    """Print the tree of an HDF5 file, of a ``.keras`` archive with the HDF5 file inside, or of a folder of these."""
    if not path.exists():
        raise UnreadableModel(f"{path}: there is no such file")
    if not (path.is_file() or path.is_dir()):
        raise UnreadableModel(f"{path}: not a file that can be read from any place in it (a pipe or a device?)")
    screen.line(screen.bold(clean(path.name)))
    if path.is_dir() or zipfile.is_zipfile(path):
        screen.lines(archive_lines(path, screen, full))
        return
    if not h5py.is_hdf5(path):
        raise UnreadableModel(f"{path}: neither an HDF5 file nor a .keras archive")
    screen.lines(hdf5_lines(path, screen, full))


def archive_lines(path: Path, screen: Screen, full: bool) -> Iterator[str]:
    """The members of an archive, and the tree of each HDF5 file in it."""
    archive = Archive(path)
    names = archive.names()
    for number, name in enumerate(names):
        last = number == len(names) - 1
        yield ("└── " if last else "├── ") + clean(name) + screen.dim(f"  {member_size(archive, name)}")
        if name.endswith((".h5", ".hdf5")):
            yield from hdf5_lines(archive.open(name), screen, full, "    " if last else "│   ")


def member_size(archive: Archive, name: str) -> str:
    """How large a member says it is."""
    size = archive.zip.getinfo(name).file_size if archive.zip is not None else (archive.path / name).stat().st_size
    return f"{size:,} bytes"


def hdf5_lines(source: Path | BinaryIO, screen: Screen, full: bool, indent: str = "") -> Iterator[str]:
    """The tree of one HDF5 file."""
    try:
        with h5py.File(source, "r") as file:
            yield from attributes(file, screen, full, indent)
            for number, line in enumerate(group_lines(file, screen, full, indent, 0, set())):
                if number > MOST:
                    yield f"{indent}… and more"
                    return
                yield line
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise UnreadableModel(f"not a readable HDF5 file ({first_line(error)})") from None


def group_lines(group: h5py.Group, screen: Screen, full: bool, indent: str, depth: int, seen: set[Any]) -> Iterator[str]:
    """The members of a group: links by where they point, datasets by shape and type, groups with their members."""
    names: list[bytes] = []  # not all of them are text
    group.id.links.iterate(names.append)
    for number, raw in enumerate(names):
        name, last = show(raw), number == len(names) - 1
        branch, inner = indent + ("└── " if last else "├── "), indent + ("    " if last else "│   ")
        if group.id.links.get_info(raw).type != h5l.TYPE_HARD:
            yield branch + clean(name) + screen.dim(f"  {link_text(group.id.links.get_val(raw))}")
            continue
        try:
            member = opened(h5o.open(group.id, raw))
        except (KeyError, OSError, RuntimeError, ValueError) as error:
            yield branch + clean(name) + screen.bad(f"  unreadable ({first_line(error)})")
            continue
        if not isinstance(member, h5py.Group):
            yield branch + clean(name) + screen.dim(f"  {dataset_text(member)}")
            yield from attributes(member, screen, full, inner) if isinstance(member, h5py.Dataset) else ()
            continue
        place = h5py.h5o.get_info(member.id)
        again = (place.fileno, place.addr) in seen
        yield branch + screen.bold(clean(name) + "/") + screen.dim("  shown above" * again or "  deeper than any model" * (depth > DEEPEST))
        if not again and depth <= DEEPEST:
            seen.add((place.fileno, place.addr))
            yield from attributes(member, screen, full, inner)
            yield from group_lines(member, screen, full, inner, depth + 1, seen)


def opened(found: Any) -> Any:
    """What was found in a group, as h5py's group or dataset; a named type as it is."""
    return h5py.Group(found) if isinstance(found, h5g.GroupID) else h5py.Dataset(found) if isinstance(found, h5d.DatasetID) else found


def link_text(target: bytes | tuple[bytes, bytes]) -> str:
    """Where a link points."""
    if isinstance(target, tuple):
        return f"-> {clean(show(target[0]))}:{clean(show(target[1]))} (another file, not followed)"
    return f"-> {clean(show(target))} (link, not followed)"


def dataset_text(member: Any) -> str:
    """Shape and type of a dataset, and whether its numbers stand elsewhere."""
    if not isinstance(member, h5py.Dataset):
        return "a named type"
    try:
        elsewhere = " (numbers in another file, not read)" if member.is_virtual or member.external else ""
        return f"{tuple(member.shape or ())} {'bfloat16' if member.dtype == np.dtype('V2') else member.dtype}{elsewhere}"
    except (TypeError, ValueError, RuntimeError, OSError) as error:
        return f"unreadable type ({first_line(error)})"


def attributes(thing: Any, screen: Screen, full: bool, indent: str) -> Iterator[str]:
    """The attributes of a group or a dataset, each in one line."""
    try:
        names = list(thing.attrs)
    except (OSError, RuntimeError, ValueError, UnicodeDecodeError):
        return
    for name in names:
        yield indent + screen.dim(f"@{clean(name, 40)} = {attribute_text(thing, name, full)}")


def attribute_text(thing: Any, name: str, full: bool) -> str:
    """The value of an attribute as one line, shortened unless ``full``."""
    longest = 100_000 if full else 60
    try:
        attribute = thing.attrs.get_id(name)
        size = int(np.prod(attribute.shape, dtype=object)) * attribute.dtype.itemsize if attribute.shape else 0
        if size > PREVIEW and not full:
            return f"{size:,} bytes"
        value = thing.attrs[name]
    except Exception as error:  # a damaged attribute can fail in any way
        return f"unreadable ({first_line(error)})"
    if isinstance(value, h5py.Empty):
        return "empty"
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        few = value.ravel()[: None if full else 8].tolist()
        items = [item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in few]
        return clean("[" + ", ".join(items) + (", …" if value.size > len(items) else "") + "]", longest)
    return clean(value, longest)
