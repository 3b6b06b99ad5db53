"""A ``.keras`` file: a zip of ``config.json``, ``metadata.json`` and the weights, or the same three in a folder."""

from __future__ import annotations

import io
import struct
import tempfile
import weakref
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from weightlens.errors import UnreadableModel
from weightlens.limits import JSON
from weightlens.zips import KNOWN, check_member, open_zip, read_member

AT_ONCE = 1 << 16  # bytes read at once; of a file behind a URL, one of its blocks
HEADER = struct.Struct("<4s22xHH")  # a local file header: signature, ..., length of the name, of the extra field


class ReadAnywhere(io.RawIOBase):
    """A file object of ``size`` bytes, of which a subclass reads those from one place to another."""

    size: int
    position = 0

    def part(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` to before ``end``."""
        raise NotImplementedError

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.position = max(0, offset + (0, self.position, self.size)[whence])
        return self.position

    def tell(self) -> int:
        return self.position

    def readinto(self, buffer: Any) -> int:
        room = memoryview(buffer).cast("B")
        data = self.part(self.position, max(self.position, min(self.position + len(room), self.size)))
        room[: len(data)] = data
        self.position += len(data)
        return len(data)


class Window(ReadAnywhere):
    """A part of a file as a file object: an HDF5 file inside a zip, without unpacking it.

    ``owner`` has the file open for several windows; without one the file is closed with its only window.
    """

    def __init__(self, file: BinaryIO, start: int, size: int, owner: object = None) -> None:
        self.file, self.start, self.size, self.owner = file, start, size, owner

    def close(self) -> None:
        if self.owner is None:
            self.file.close()
        super().close()

    def part(self, start: int, end: int) -> bytes:
        self.file.seek(self.start + start)
        return self.file.read(end - start)


class Archive:
    """A ``.keras`` zip or folder: texts by name, and the weights as an open file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.zip: zipfile.ZipFile | None = None
        self.opened: weakref.WeakSet[BinaryIO] = weakref.WeakSet()
        if not path.is_dir():
            self.zip = open_zip(path)

    def close(self) -> None:
        """Close the zip, and every member that is open."""
        for file in (*self.opened,):
            file.close()
        if self.zip is not None:
            self.zip.close()

    def names(self) -> list[str]:
        """The members' names."""
        if self.zip is not None:
            return self.zip.namelist()
        return [
            found.relative_to(self.path).as_posix() for found in sorted(self.path.rglob("*")) if found.is_file() and not found.is_symlink()
        ]

    def text(self, name: str) -> bytes:
        """A small member as bytes; empty if it is absent."""
        if self.zip is None:
            file = self.path / name
            readable = file.is_file() and not file.is_symlink() and file.stat().st_size <= JSON
            return file.read_bytes() if readable else b""
        return read_member(self.zip, name, JSON) if name in self.zip.NameToInfo else b""

    def find(self, name: str) -> tuple[Path | BinaryIO, int] | None:
        """A member of a zip as ``open`` has it, and its size; ``None`` if it is absent."""
        if self.zip is None or name not in self.zip.NameToInfo:
            return None
        check_member(self.zip, name)
        return self.open(name), self.zip.getinfo(name).file_size

    def packed(self, name: str) -> int:
        """The compressed size of a member in bytes."""
        return (self.path / name).stat().st_size if self.zip is None else self.zip.getinfo(name).compress_size

    def open(self, name: str) -> Path | BinaryIO:
        """The weights as an open file: a window on the zip if stored uncompressed, else unpacked to a temporary file."""
        if self.zip is None:
            return self.path / name
        info = self.zip.getinfo(name)
        if info.compress_type not in KNOWN:
            raise UnreadableModel(f"{self.path.name}: {name} is compressed with a method that is not supported")
        if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
            return self._window(info)
        unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the model
        try:
            with self.zip.open(info) as member:
                while chunk := member.read(1 << 20):
                    unpacked.write(chunk)
            unpacked.flush()
        except Exception as error:  # zlib, lzma and bz2 each have an error of their own
            unpacked.close()
            if isinstance(error, OSError) and error.errno:
                why = f"cannot be unpacked in {tempfile.gettempdir()}: {error.strerror} (TMPDIR names another folder)"
            else:
                why = f"is damaged ({error})"
            raise UnreadableModel(f"{self.path.name}: {name} {why}") from None
        return self._reader(Window(unpacked, 0, info.file_size))

    def _window(self, info: zipfile.ZipInfo) -> BinaryIO:
        file = self.path.open("rb")
        try:
            return self._reader(Window(file, self._start(file, info), info.file_size))
        except BaseException:
            file.close()
            raise

    def _reader(self, window: Window) -> BinaryIO:
        reader = io.BufferedReader(window, getattr(window.file, "block", AT_ONCE))
        self.opened.add(reader)
        return reader

    def _start(self, file: BinaryIO, info: zipfile.ZipInfo) -> int:
        """Where the bytes of a stored member begin."""
        file.seek(info.header_offset)
        header = file.read(HEADER.size)
        if len(header) < HEADER.size or header[:4] != b"PK\x03\x04":
            raise UnreadableModel(f"{self.path.name}: the zip's directory points to no member")
        _, name, extra = HEADER.unpack(header)
        if file.read(name) != info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437"):
            raise UnreadableModel(f"{self.path.name}: {info.filename} has different names in the zip's directory and in its own header")
        start: int = info.header_offset + HEADER.size + name + extra
        if start + info.file_size > self.path.stat().st_size:
            raise UnreadableModel(f"{self.path.name}: {info.filename} is longer than the file it is in")
        return start
