"""A model file as it is, before anybody makes a model of it: its members, links, names and configurations."""

from __future__ import annotations

import math
import stat
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from h5py import h5d, h5g, h5l, h5o

from weightlens import limits
from weightlens.auditing.finding import Hit
from weightlens.errors import UnreadableModel, WeightlensError
from weightlens.formats.architecture.config_values import every_value, parse_json
from weightlens.formats.containers.contents import SAVED_MODEL, kind_of, model_json, read_bytes
from weightlens.formats.hdf5.access import Hdf5File, decode_name, group_links
from weightlens.formats.hdf5.chunks import check_chunks
from weightlens.zips import zip_fault

TEXTS = (("", "model_config"), ("", "training_config"), ("model_weights", "model_config"))
BEGINNING = 128  # bytes by which a member is known
JSON_FILES = ("config.json", "metadata.json", "model.json", "model.weights.json")


@dataclass
class RawFile:
    """What is seen of a file: members of an archive or folder with their first bytes, paths of its groups and arrays, files that
    it names, configurations, graphs of TensorFlow; and what was wrong with it on the way."""

    members: list[tuple[str, bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    configs: list[tuple[str, Any]] = field(default_factory=list)
    graphs: list[tuple[str, bytes]] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)


def raw_file(path: Path) -> RawFile:
    """What is seen of the file or folder at a path. What cannot be read is left out: the reader of models says why."""
    raw = RawFile()
    with suppress(Exception):  # a hostile file can fail in any way
        kind = kind_of(path)
        if path.is_dir():
            look_at_folder(raw, path)
        elif kind == "zip":
            look_at_zip(raw, path)
        elif kind == "tar":
            look_at_tar(raw, path)
        elif kind == "json":
            look_at_json(raw, path.name, read_bytes(model_json(path)))
        else:
            look_at_hdf5(raw, path, path.name)
    return raw


def look_at_hdf5(raw: RawFile, source: Any, label: str, packed: int | None = None) -> None:
    """The links, names and texts of an HDF5 file."""
    file = Hdf5File(source, label, packed)
    try:
        for path, kind, member in links(file):
            raw.paths.append(path)
            if kind != h5l.TYPE_HARD:
                where = "another file" if kind == h5l.TYPE_EXTERNAL else "another place"
                raw.hits.append(Hit("external-link", f"{path} is a link to {where}", evidence={"path": path}))
            elif isinstance(member, h5d.DatasetID):
                raw.hits += array_hits(file, path, member)
        for group, name in TEXTS:
            with suppress(WeightlensError):
                if text := file.text(group, name):
                    raw.configs.append((f"{label}: {name}", parse_json(text, name)))
    finally:
        file.close()


def links(file: Hdf5File) -> Iterator[tuple[str, int, Any]]:
    """Every link in an HDF5 file: its path, its kind, and the object behind it, if it is in this file. None is followed."""
    waiting: list[tuple[str, Any]] = [("", file.group(""))]
    seen: set[int] = set()
    while waiting and len(seen) < limits.OBJECTS:
        above, group = waiting.pop()
        for name, kind, address in group_links(group):
            path = f"{above}/{decode_name(name)}".lstrip("/")
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
    """The members of a zip file; its small texts, and the HDF5 file in it."""
    from weightlens.formats.containers.zipped import Archive

    try:
        plain = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return
    with plain:
        if fault := zip_fault(plain, path.stat().st_size):
            raw.hits.append(Hit("bomb", f"a zip file {fault}", evidence={"packed": path.stat().st_size}))
        for info in plain.infolist():
            if info.file_size > limits.allowed_bytes(info.compress_size):
                evidence = {"path": info.filename, "declared": info.file_size, "stored": info.compress_size}
                words = f"{info.filename} claims to unpack to {info.file_size:,} bytes from {info.compress_size:,}"
                raw.hits.append(Hit("bomb", words, evidence=evidence))
            if stat.S_ISLNK(info.external_attr >> 16):
                raw.hits.append(Hit("external-link", f"{info.filename} is a symbolic link", evidence={"path": info.filename}))
            raw.members.append((info.filename, beginning(plain, info)))
    if any(hit.rule == "bomb" for hit in raw.hits):
        return
    archive = Archive(path)
    try:
        names = archive.names()
        for name in names:
            with suppress(WeightlensError):
                look_at_member(raw, name, lambda name=name: archive.text(name))
        for name in names:
            if name.endswith((".h5", ".hdf5")):
                with suppress(WeightlensError):
                    look_at_hdf5(raw, archive.open(name), name, archive.packed(name))
    finally:
        archive.close()


def beginning(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The first bytes of a member; none where it cannot be unpacked."""
    with suppress(Exception), archive.open(info) as member:  # zipfile, zlib and struct each have errors of their own
        return member.read(BEGINNING)
    return b""


def look_at_tar(raw: RawFile, path: Path) -> None:
    """The members of a tar archive, links among them."""
    import tarfile

    from weightlens.formats.savedmodel.tar import Tar, unpacked

    with (
        suppress(tarfile.TarError, EOFError),
        tarfile.open(fileobj=unpacked(path) if path.suffix in (".gz", ".tgz") else path.open("rb")) as plain,
    ):
        for count, info in enumerate(plain):
            if count > limits.MEMBERS:
                break
            if info.issym() or info.islnk():
                raw.hits.append(Hit("external-link", f"{info.name} is a link to {info.linkname}", evidence={"path": info.name}))
    archive = Tar(path)
    try:
        for name in archive.names():
            with archive.open(name) as member:
                raw.members.append((name, member.read(BEGINNING)))
            look_at_member(raw, name, lambda name=name: archive.text(name))
    finally:
        archive.close()


def look_at_folder(raw: RawFile, path: Path) -> None:
    """The files of a folder, links among them."""
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if file.is_symlink():
            raw.hits.append(Hit("external-link", f"{name} is a symbolic link", evidence={"path": name}))
        elif file.is_file():
            with file.open("rb") as opened:
                raw.members.append((name, opened.read(BEGINNING)))
            if name.endswith((".h5", ".hdf5")):
                with suppress(WeightlensError):
                    look_at_hdf5(raw, file, name)
            else:
                with suppress(WeightlensError):
                    look_at_member(raw, name, lambda file=file: read_bytes(file))


def look_at_member(raw: RawFile, name: str, read: Any) -> None:
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


def entries(config: Any) -> Iterator[dict[str, Any]]:
    """Every entry of a configuration, at any depth."""
    return (value for value in every_value(config) if isinstance(value, dict))
