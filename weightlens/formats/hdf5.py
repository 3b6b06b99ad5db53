"""An HDF5 file read with caution: nothing outside it is followed, nothing is read before it is asked for.

Links to other places, datasets kept in other files and declared sizes that cannot be true are refused, as
Keras's own reader does. Everything goes through h5py's low level: half the time of its high level.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o

from weightlens.errors import UnreadableModel, WeightlensError
from weightlens.model import Weight

MAX_DEPTH = 64
MAX_OBJECTS = 300_000
MAX_ATTRIBUTE = 256 * 2**20
LARGE = 128 * 2**20  # bytes; above it a declared size must be backed by stored bytes
MAX_RATIO = 1000
FLOATS_16_BIT = np.dtype("V2")  # bfloat16 has no HDF5 type: Keras stores two opaque bytes


class Hdf5File:
    """One open HDF5 file (or an HDF5 file inside another one) and the arrays in it."""

    def __init__(self, source: Path | BinaryIO, label: str) -> None:
        self.label = label
        try:
            self.file = h5py.File(source, "r", locking=False) if isinstance(source, Path) else h5py.File(source, "r")
        except (OSError, RuntimeError, ValueError) as error:
            raise UnreadableModel(f"{label}: not a readable HDF5 file ({first_line(error)})") from None
        self.size = source.stat().st_size if isinstance(source, Path) else source.seek(0, 2)
        # h5py must let go of the file before the object it reads through dies, else Python crashes on exit.
        self.close = weakref.finalize(self, self.file.close)

    def group(self, path: str) -> h5g.GroupID | None:
        """The group at ``path``, or None where there is none."""
        try:
            found = h5o.open(self.file.id, path.encode() or b"/") if path in self else None
        except (KeyError, RuntimeError, ValueError, OSError):
            return None
        return found if isinstance(found, h5g.GroupID) else None

    def __contains__(self, path: str) -> bool:
        parts = [part for part in path.split("/") if part]
        place = self.file.id
        for depth in range(1, len(parts) + 1):
            name = "/".join(parts[:depth]).encode()
            if not place.links.exists(name):
                return False
            if place.links.get_info(name).type != h5l.TYPE_HARD:
                raise UnreadableModel(f"{self.label}: {show(name)} is a link to another place, which is never followed")
        return True

    def attribute(self, path: str, name: str) -> Any:
        """An attribute of a group: text, a number, an array; None where it is absent."""
        group = self.group(path)
        return None if group is None else read_attribute(group, name)

    def text(self, path: str, name: str) -> str:
        """An attribute that is text, whatever the type it was stored as; empty where it is absent."""
        value = self.attribute(path, name)
        return "" if value is None else as_text(value)

    def names(self, path: str, name: str) -> list[str] | None:
        """An attribute that is a list of texts, which Keras cuts into ``name0``, ``name1``, ... where it is long."""
        group = self.group(path)
        if group is None:
            return None
        value = read_attribute(group, name)
        if value is not None:
            return as_texts(value)
        pieces: list[str] = []
        while (piece := read_attribute(group, f"{name}{len(pieces)}")) is not None:
            pieces.append(piece)
        return [text for piece in pieces for text in as_texts(piece)] if pieces else None

    def weights(self, start: str = "", skip: frozenset[str] = frozenset()) -> dict[str, Weight]:
        """Every dataset below ``start`` by its path, in file order; the groups in ``skip`` are left out."""
        return {path: self.weight(path, dataset) for path, dataset in self.walk(start, skip) if isinstance(dataset, h5d.DatasetID)}

    def walk(self, start: str = "", skip: frozenset[str] = frozenset()) -> Iterator[tuple[str, Any]]:
        """Every group and dataset below ``start``, each once, parents first."""
        root = self.group(start)
        stack: list[tuple[str, Any]] = [] if root is None else [(start, root)]
        seen, objects = set(), 0
        while stack:
            path, group = stack.pop()
            place = h5o.get_info(group)
            if (place.fileno, place.addr) in seen:
                continue
            seen.add((place.fileno, place.addr))
            yield path, group
            inside: list[tuple[str, Any]] = []
            for raw in self._members(group, path):
                objects += 1
                name = f"{path}/{show(raw)}" if path else show(raw)
                if objects > MAX_OBJECTS or name.count("/") > MAX_DEPTH:
                    raise UnreadableModel(f"{self.label}: more groups and datasets than any Keras model has")
                if name in skip:
                    continue
                member = h5o.open(group, raw)
                if isinstance(member, h5d.DatasetID):
                    yield name, member
                elif isinstance(member, h5g.GroupID):
                    inside.append((name, member))
            stack.extend(reversed(inside))

    def _members(self, group: h5g.GroupID, path: str) -> list[bytes]:
        members: list[bytes] = []

        def visit(name: bytes, info: Any) -> None:
            if info.type != h5l.TYPE_HARD:
                raise UnreadableModel(f"{self.label}: {path}/{show(name)} is a link to another place, which is never followed")
            members.append(name)

        group.links.iterate(visit, info=True)
        return members

    def weight(self, path: str, dataset: h5d.DatasetID) -> Weight:
        """The array at ``path``: its shape and type now, its numbers when they are read."""
        layout = dataset.get_create_plist()
        if layout.get_layout() == h5d.VIRTUAL or layout.get_external_count():
            raise UnreadableModel(f"{self.label}: {path} keeps its numbers in another file, which is never opened")
        try:
            shape, dtype = tuple(dataset.shape or ()), dataset.dtype
        except (TypeError, ValueError, RuntimeError) as error:
            raise UnreadableModel(f"{self.label}: {path} has a type that cannot be read ({first_line(error)})") from None
        name = "bfloat16" if dtype == FLOATS_16_BIT else str(dtype) if dtype.kind in "biufc" else f"not numbers ({dtype})"
        reader = self._reader(h5py.h5i.get_name(dataset) or path.encode(), path)
        return Weight(path.rsplit("/", 1)[-1], shape, name, path, lambda: reader(()), reader)

    def _reader(self, raw: bytes, path: str) -> Callable[[Any], np.ndarray]:
        def read(key: Any) -> np.ndarray:
            try:
                dataset = h5d.open(self.file.id, raw)
                self._check_size(dataset, path)
                values = np.asarray(h5py.Dataset(dataset)[key])
            except WeightlensError:
                raise
            except Exception as error:  # a damaged file can fail anywhere inside HDF5
                raise UnreadableModel(f"{self.label}: {path} is damaged ({first_line(error)})") from None
            if values.dtype == FLOATS_16_BIT:
                return (np.ascontiguousarray(values).view(np.uint16).astype(np.uint32) << 16).view(np.float32)
            if values.dtype.kind not in "biufc":
                raise UnreadableModel(f"{self.label}: {path} holds no numbers")
            return values

        return read

    def _check_size(self, dataset: h5d.DatasetID, path: str) -> None:
        declared = int(np.prod(dataset.shape or (0,), dtype=object)) * dataset.dtype.itemsize
        stored = dataset.get_storage_size()
        if (declared > LARGE and declared > MAX_RATIO * stored) or stored > self.size:
            raise UnreadableModel(f"{self.label}: {path} declares {declared:,} bytes and stores {min(stored, self.size):,}")


def read_attribute(group: h5g.GroupID, name: str) -> Any:
    """An attribute's value, or None where it is absent."""
    raw = name.encode()
    try:
        if not h5a.exists(group, raw):
            return None
        attribute = h5a.open(group, raw)
        if int(np.prod(attribute.shape, dtype=object)) * attribute.dtype.itemsize > MAX_ATTRIBUTE:
            raise UnreadableModel(f"attribute {name} is larger than any that Keras writes")
        return h5py.AttributeManager(h5py.Group(group))[name]
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise UnreadableModel(f"attribute {name} cannot be read ({first_line(error)})") from None


def as_text(value: Any) -> str:
    """Text from bytes, text or an array of one of them."""
    if isinstance(value, np.ndarray):
        value = value.item() if value.size == 1 else ""
    return show(value) if isinstance(value, bytes) else str(value)


def as_texts(value: Any) -> list[str]:
    """Texts from an array of names; an empty list is stored as an empty array of float64."""
    return [as_text(item) for item in np.ravel(value).tolist()]


def show(raw: bytes) -> str:
    """A name from the file as text, whatever its bytes."""
    return raw.decode("utf-8", "replace")


def first_line(error: BaseException) -> str:
    """What an exception says, in one line of bounded length."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
