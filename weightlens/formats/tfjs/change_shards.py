"""Changing single numbers in a TensorFlow.js model: copies of its files in which only their bytes differ."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import numpy as np

from weightlens.errors import BadInput
from weightlens.files import Inputs, check_output, replacing_several
from weightlens.formats.architecture.config_values import parse_object
from weightlens.formats.containers.contents import model_json, read_bytes
from weightlens.formats.containers.zipped import Archive
from weightlens.formats.patches import Patches, patch
from weightlens.formats.tfjs.manifest import Find, Stored, in_folder, read_manifest


def new_json(path: Path) -> Path:
    """The ``model.json`` of a model that is asked for as a folder or as that file."""
    return path if path.suffix.lower() == ".json" else path / "model.json"


def check_new_files(source: Path, out: Path, force: bool, inputs: Inputs) -> None:
    """Refuse an output that cannot be a copy of the model in other files, before any work is done."""
    if out.suffix and not out.is_dir() and out.suffix.lower() != ".json":
        raise BadInput(f"{out}: the new model is of the kind of {source.name}: name a folder, or its model.json")
    if new_json(out).parent.is_dir():
        for target in copies(stored_in(model_json(source)), out):
            check_output(target, force, inputs)


def copies(stored: list[Stored], out: Path) -> list[Path]:
    """The new files: ``model.json`` first, then its shards under their old names."""
    target = new_json(out)
    return [target, *(target.with_name(name) for name in shard_names(stored))]


def stored_in(model_json: Path) -> list[Stored]:
    """The arrays that a ``model.json`` lists."""
    return entries_of(read_bytes(model_json), model_json.name, in_folder(model_json.parent))


def entries_of(text: bytes, name: str, find: Find) -> list[Stored]:
    """The arrays that the text of a ``model.json`` lists."""
    return read_manifest(parse_object(text, name).get("weightsManifest"), find)


def shard_names(stored: list[Stored]) -> list[str]:
    """The shards that hold these arrays."""
    return list(dict.fromkeys(name for entry in stored for name, _, _ in entry.group.pieces))


def patches_of(stored: list[Stored], changed: Mapping[str, np.ndarray]) -> Patches:
    """The new bytes of the changed arrays, by shard."""
    patches: Patches = {}
    for entry in stored:
        if entry.name in changed:
            if entry.stored.kind == "u":
                raise BadInput(f"{entry.name} cannot be written back: it is quantised to {entry.stored.name}")
            data, used = np.ascontiguousarray(changed[entry.name]).astype(entry.stored).tobytes(), 0
            for shard, _, offset, length in entry.group.spans(entry.start, entry.length):
                patches.setdefault(shard, []).append((offset, data[used : used + length]))
                used += length
    return patches


def write_changed(source: Path, out: Path, changed: Mapping[str, np.ndarray], force: bool, inputs: Inputs) -> None:
    """Copy the model at ``source`` to ``out`` with other numbers in some arrays."""
    old = model_json(source)
    stored = stored_in(old)
    patches = patches_of(stored, changed)
    with replacing_several(copies(stored, out), force, inputs) as files:
        for file, name in zip(files, [old.name, *shard_names(stored)], strict=True):
            with old.with_name(name).open("rb") as original:
                shutil.copyfileobj(original, file, 1 << 20)
            patch(file, patches.get(name, []))


def changes_in_zip(source: Path, member: str, changed: Mapping[str, np.ndarray]) -> dict[str, Callable[[IO[bytes]], None]]:
    """What to do to which members of a zip whose ``model.json`` is ``member``."""
    archive, inside = Archive(source), member.removesuffix("model.json")
    patches = patches_of(entries_of(archive.text(member), member, lambda name: archive.find(inside + name)), changed)
    return {inside + shard: functools.partial(patch, places=places) for shard, places in patches.items()}
