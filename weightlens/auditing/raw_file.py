"""A model file as it is, before anybody makes a model of it: its members, links, names and configurations."""

from __future__ import annotations

import math
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from h5py import h5d, h5f, h5g, h5l, h5o

from weightlens import limits
from weightlens.auditing.finding import Hit
from weightlens.errors import UnreadableModel, first_line
from weightlens.formats.architecture.config_values import every_value, parse_json
from weightlens.formats.containers.contents import SAVED_MODEL, kind_of, model_json, read_bytes
from weightlens.formats.hdf5.access import Hdf5File, decode_name, group_links
from weightlens.formats.hdf5.chunks import check_chunks
from weightlens.formats.patterns import everything_in
from weightlens.zips import read_member, zip_fault

TEXTS = (("", "model_config"), ("", "training_config"), ("model_weights", "model_config"))
BEGINNING = 128  # bytes by which a member is known
JSON_FILES = ("config.json", "metadata.json", "model.json", "model.weights.json")


@dataclass
class RawFile:
    """What is seen of a file: members of an archive or folder with their first bytes, paths of its groups and arrays, files that
    it names, configurations, graphs of TensorFlow; what was wrong with it on the way, and what could not be looked at."""

    members: list[tuple[str, bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    configs: list[tuple[str, Any]] = field(default_factory=list)
    graphs: list[tuple[str, bytes]] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)  # why, by what it is

    @contextmanager
    def look(self, what: str) -> Iterator[None]:
        """A block that looks at one part. A hostile file can fail in any way, and a part that does must not hide the next."""
        try:
            yield
        except Exception as error:
            self.left_out.setdefault(what, first_line(error))


def raw_file(path: Path) -> RawFile:
    """What is seen of the file or folder at a path; a file may be two things at once, and programs differ in which they take it for."""
    raw, kind = RawFile(), ""
    with raw.look(path.name):
        kind = "folder" if path.is_dir() else kind_of(path)
        LOOKS[kind](raw, path)
    if path.is_file():
        if kind != "zip" and zipfile.is_zipfile(path):
            with raw.look(path.name):
                look_at_zip(raw, path)
        if kind in ("zip", "tar", "json", "") and h5f.is_hdf5(os.fsencode(path)):  # it may begin further on, where HDF5 looks as well
            with raw.look(path.name):
                look_at_hdf5(raw, path, path.name)
    return raw


def look_at_hdf5(raw: RawFile, source: Any, label: str, packed: int | None = None) -> None:
    """The texts, links and names of an HDF5 file."""
    file = Hdf5File(source, label, packed)
    try:
        for group, name in TEXTS:
            with raw.look(f"{label}: {name}"):
                if text := file.text(group, name):
                    raw.configs.append((f"{label}: {name}", parse_json(text, name)))
        for path, kind, member in links(raw, file):
            raw.paths.append(path)
            if kind != h5l.TYPE_HARD:
                where = "another file" if kind == h5l.TYPE_EXTERNAL else "another place"
                raw.hits.append(Hit("external-link", f"{path} is a link to {where}", evidence={"path": path}))
            elif isinstance(member, h5d.DatasetID):
                with raw.look(f"{label}: {path}"):
                    raw.hits += array_hits(file, path, member)
    finally:
        file.close()


def links(raw: RawFile, file: Hdf5File) -> Iterator[tuple[str, int, Any]]:
    """Every link in an HDF5 file: its path, its kind, and the object behind it, if it is in this file. None is followed."""
    waiting: list[tuple[str, Any]] = [("", file.group(""))]
    seen: set[int] = set()
    while waiting and len(seen) < limits.OBJECTS:
        above, group = waiting.pop()
        for name, kind, address in group_links(group):
            path = f"{above}/{decode_name(name)}".lstrip("/")
            member = None
            with raw.look(f"{file.label}: {path}"):
                member = h5o.open(group, name) if kind == h5l.TYPE_HARD else None
            yield path, kind, member
            if isinstance(member, h5g.GroupID) and address not in seen and path.count("/") < limits.DEPTH:
                waiting.append((path, member))
            seen.add(address)


def array_hits(file: Hdf5File, path: str, array: h5d.DatasetID) -> Iterator[Hit]:
    """Numbers kept in another file, and arrays that declare far more than is stored."""
    layout = array.get_create_plist()
    if layout.get_layout() == h5d.VIRTUAL or layout.get_external_count():
        yield Hit("external-link", f"{path} keeps its numbers in another file", evidence={"path": path})
        return
    declared = math.prod(array.shape or (0,)) * array.dtype.itemsize
    fault = f"declares {declared:,} bytes and stores {array.get_storage_size():,}" if declared > file.budget else ""
    if not fault:
        try:
            check_chunks(array, path, file.size)
        except UnreadableModel as error:
            fault = str(error).removeprefix(path).strip()
    if fault:
        yield Hit("bomb", f"{path} {fault}", evidence={"path": path, "declared": declared, "stored": array.get_storage_size()})


def look_at_zip(raw: RawFile, path: Path) -> None:
    """The members of a zip file; its small texts, and the HDF5 files in it. Of two with one name some programs take the last."""
    from weightlens.formats.containers.zipped import Archive

    with zipfile.ZipFile(path) as plain:
        raw.hits += zip_hits(plain, path)
        members = plain.infolist()
        raw.members += [(info.filename, beginning(plain, info)) for info in members[: limits.MEMBERS]]
        if any(hit.rule == "bomb" for hit in raw.hits):
            return
        for info in members:
            with raw.look(info.filename):
                look_at_member(raw, info.filename, partial(read_member, plain, info, limits.JSON))
    archive = Archive(path)
    try:
        for name in archive.names():
            if name.endswith((".h5", ".hdf5")):
                with raw.look(name):
                    look_at_hdf5(raw, archive.open(name), name, archive.packed(name))
    finally:
        archive.close()


def zip_hits(archive: zipfile.ZipFile, path: Path) -> Iterator[Hit]:
    """Links, and members that unpack to far more than they take."""
    if fault := zip_fault(archive, path.stat().st_size):
        yield Hit("bomb", f"a zip file {fault}", evidence={"packed": path.stat().st_size})
    for info in archive.infolist():
        if info.file_size > limits.allowed_bytes(info.compress_size):
            evidence = {"path": info.filename, "declared": info.file_size, "stored": info.compress_size}
            words = f"{info.filename} claims to unpack to {info.file_size:,} bytes from {info.compress_size:,}"
            yield Hit("bomb", words, evidence=evidence)
        if stat.S_ISLNK(info.external_attr >> 16):
            yield Hit("external-link", f"{info.filename} is a symbolic link", evidence={"path": info.filename})


def beginning(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The first bytes of a member; none where it cannot be unpacked."""
    with suppress(Exception), archive.open(info) as member:  # zipfile, zlib and struct each have errors of their own
        return member.read(BEGINNING)
    return b""


def look_at_tar(raw: RawFile, path: Path) -> None:
    """The members of a tar archive, links among them."""
    from weightlens.formats.savedmodel.tar import Tar

    archive = Tar(path)
    try:
        for info in archive.links:
            raw.hits.append(Hit("external-link", f"{info.name} is a link to {info.linkname}", evidence={"path": info.name}))
        for name in archive.names():
            with raw.look(name), archive.open(name) as member:
                raw.members.append((name, member.read(BEGINNING)))
                look_at_member(raw, name, partial(archive.text, name))
    finally:
        archive.close()


def look_at_folder(raw: RawFile, path: Path) -> None:
    """The files of a folder, links among them."""
    for file in everything_in(path):
        name = file.relative_to(path).as_posix()
        if file.is_symlink():
            raw.hits.append(Hit("external-link", f"{name} is a symbolic link", evidence={"path": name}))
        elif file.is_file():
            with raw.look(name), file.open("rb") as opened:
                raw.members.append((name, opened.read(BEGINNING)))
                if name.endswith((".h5", ".hdf5")):
                    look_at_hdf5(raw, file, name)
                else:
                    look_at_member(raw, name, partial(read_bytes, file))


def look_at_member(raw: RawFile, name: str, read: Callable[[], bytes]) -> None:
    """The configuration in a member of an archive or folder, if it is one that has any."""
    last = name.rpartition("/")[2]
    if last in JSON_FILES:
        look_at_json(raw, name, read())
    elif last == SAVED_MODEL[1]:
        from weightlens.formats.savedmodel.metadata import from_metadata

        raw.configs += [(f"{name}: {'.'.join(place) or 'the model'}", text) for place, text in from_metadata(read()).items()]
    elif last == SAVED_MODEL[0]:
        from weightlens.formats.savedmodel.metadata import from_graph

        raw.graphs.append((name, data := read()))
        raw.configs += [(f"{name}: {'.'.join(place) or 'the model'}", text) for place, text in from_graph(data).items()]


def look_at_json(raw: RawFile, name: str, data: bytes) -> None:
    """A configuration in JSON, and the shards that it names."""
    from weightlens.formats.detect import shard_names

    if not data:
        return
    value = parse_json(data, name)
    raw.configs.append((name, value))
    if isinstance(value, dict):
        raw.named += shard_names(value)


LOOKS: dict[str, Callable[[RawFile, Path], None]] = {
    "folder": look_at_folder,
    "zip": look_at_zip,
    "tar": look_at_tar,
    "json": lambda raw, path: look_at_json(raw, path.name, read_bytes(model_json(path))),
    "hdf5": lambda raw, path: look_at_hdf5(raw, path, path.name),
}


def entries(config: Any) -> Iterator[dict[str, Any]]:
    """Every entry of a configuration, at any depth."""
    return (value for value in every_value(config) if isinstance(value, dict))
