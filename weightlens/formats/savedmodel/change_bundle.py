"""Changing single numbers in a SavedModel: the bytes of the numbers, their checksums in the index, and those of its blocks."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from weightlens.errors import BadInput, WeightlensError
from weightlens.files import check_new_folder, new_folder
from weightlens.formats.patches import Patches, Places, patch
from weightlens.formats.savedmodel.bundle import BFLOAT16, Bundle, Entry
from weightlens.formats.savedmodel.container import INDEX, saved_model_files
from weightlens.formats.savedmodel.crc32c import crc32c, masked
from weightlens.formats.savedmodel.leveldb import TRAILER, Block
from weightlens.formats.savedmodel.wire import fields

CHECKSUM = 6  # the field of an entry
WIDTH = 4  # bytes of a checksum


def check_new_model(source: Path, out: Path) -> None:
    """Refuse an output that cannot be a copy of the folder of a SavedModel, before any work is done."""
    if source.resolve() in out.resolve().parents:
        raise BadInput(f"{out}: is inside the model itself; name a folder beside it")
    check_new_folder(out)


def write_changed(source: Path, out: Path, changed: Mapping[str, np.ndarray]) -> None:
    """Copy the SavedModel in the folder ``source`` to the folder ``out`` with other numbers in some arrays."""
    files = saved_model_files(source)
    patches = patches_of(Bundle(files), changed)
    with new_folder(out) as folder:
        for inside in source.rglob("*"):
            if inside.is_dir() and not inside.is_symlink():
                (folder / inside.relative_to(source)).mkdir(parents=True, exist_ok=True)
        for name in files.names():
            shutil.copyfile(source / name, folder / name)
        for name, places in patches.items():
            with (folder / name).open("r+b") as file:
                patch(file, places)
        verify(folder, changed)


def changes_in_zip(source: Path, changed: Mapping[str, np.ndarray]) -> dict[str, Callable[[IO[bytes]], None]]:
    """What to do to which members of a zip that holds a SavedModel."""
    files = saved_model_files(source)
    patches = patches_of(Bundle(files), changed)
    return {files.folder + name: partial(patch, places=places) for name, places in patches.items()}


def patches_of(bundle: Bundle, changed: Mapping[str, np.ndarray]) -> Patches:
    """The new bytes of the changed arrays and of all that guards them."""
    patches: Patches = defaultdict(list)
    checksums: dict[Block, Places] = defaultdict(list)  # within a block of the index
    for path, array in changed.items():
        entry = bundle.entry_at(path)
        data = encoded(array, entry, bundle.is_big_endian)
        patches[bundle.shard_name(entry.shard)].append((entry.offset, data))
        checksums[entry.row.block].append((checksum_place(entry, path), masked(crc32c(data)).to_bytes(WIDTH, "little")))
    index = bundle.files.read(INDEX) if changed else b""
    for block, places in checksums.items():
        contents = bytearray(index[block.start : block.start + block.size + 1])  # with the byte that says how it is packed
        for place, checksum in places:
            contents[place : place + WIDTH] = checksum
            patches[INDEX].append((block.start + place, checksum))
        patches[INDEX].append((block.start + block.size + 1, masked(crc32c(bytes(contents))).to_bytes(TRAILER - 1, "little")))
    return dict(patches)


def checksum_place(entry: Entry, path: str) -> int:
    """Where an array's checksum stands in its block of the index."""
    ends = [end for number, _, end in fields(memoryview(entry.row.value)) if number == CHECKSUM]
    if not ends:
        raise BadInput(f"{path} cannot be written back: the index of the variables holds no checksum of it")
    return entry.row.place + ends[-1] - WIDTH


def encoded(array: np.ndarray, entry: Entry, big_endian: bool) -> bytes:
    """Numbers as the bytes of an array of the bundle."""
    if entry.kind == BFLOAT16:  # rounded before: the lower half is zero
        array = np.ascontiguousarray(array, np.float32).view(np.uint32) >> 16
    return np.ascontiguousarray(array).astype(entry.stored_dtype.newbyteorder(">" if big_endian else "<")).tobytes()


def verify(folder: Path, changed: Mapping[str, np.ndarray]) -> None:
    """Read a written SavedModel again: its checksums are right, and so are the changed numbers."""
    bundle = Bundle(saved_model_files(folder))
    for path, array in changed.items():
        entry = bundle.entry_at(path)
        if encoded(bundle.numbers(entry.key), entry, bundle.is_big_endian) != encoded(array, entry, bundle.is_big_endian):
            raise WeightlensError(f"the numbers at {path} could not be written; nothing is written")
