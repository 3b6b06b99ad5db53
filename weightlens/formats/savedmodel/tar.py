"""A tar archive, packed with gzip or not: its members are read where they stand, and nothing is unpacked to a path."""

from __future__ import annotations

import gzip
import io
import tarfile
import tempfile
import weakref
import zlib
from pathlib import Path
from typing import BinaryIO

from weightlens import limits
from weightlens.errors import CutShort, UnreadableModel
from weightlens.formats.containers.contents import START, first_bytes_of
from weightlens.formats.containers.foreign import GZIP, is_tar
from weightlens.formats.containers.zipped import Window

PIECE = 1 << 20


class Tar:
    """The files in a tar archive by name; links, devices and files with holes are left out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: BinaryIO = unpacked(path) if first_bytes_of(path).startswith(GZIP) else path.open("rb")
        self._finalizer = weakref.finalize(self, self.file.close)
        self.members: dict[str, tarfile.TarInfo] = {}
        self.links: list[tarfile.TarInfo] = []
        if not is_tar(self.file.read(START)):
            return
        self.file.seek(0)
        try:
            archive = tarfile.open(fileobj=self.file, mode="r:")  # noqa: SIM115 - it holds nothing but the file
            for count, info in enumerate(archive):
                if count > limits.MEMBERS:
                    raise UnreadableModel(f"{path.name}: a tar archive with more than {limits.MEMBERS:,} members")
                if info.issym() or info.islnk():
                    self.links.append(info)
                elif info.isreg() and not info.issparse():
                    self.members[info.name.removeprefix("./")] = info
        except (tarfile.TarError, EOFError, OSError, ValueError, OverflowError) as error:
            raise UnreadableModel(f"{path.name}: a damaged tar archive ({error})") from None

    def close(self) -> None:
        """Close the archive, and with it all members."""
        self._finalizer()

    def names(self) -> list[str]:
        """The members' names."""
        return list(self.members)

    def packed(self, name: str) -> int:
        """The size of a member in bytes."""
        return self.members[name].size

    def text(self, name: str) -> bytes:
        """A small member as bytes; empty if it is absent or too large."""
        info = self.members.get(name)
        return self.open(name).read() if info is not None and info.size <= limits.JSON else b""

    def open(self, name: str) -> BinaryIO:
        """A member as an open file."""
        info = self.members[name]
        return io.BufferedReader(Window(self.file, info.offset_data, info.size, owner=self), 1 << 16)


def unpacked(path: Path) -> BinaryIO:
    """The contents of a gzip file as a temporary file, as far as its size allows; only the beginning of what is no tar archive."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the model
    room, start = limits.allowed_bytes(path.stat().st_size), b""
    try:
        with gzip.open(path) as packed:
            file.write(start := packed.read(START))
            while is_tar(start) and (piece := packed.read(PIECE)):
                room -= len(piece)
                if room < 0:
                    file.close()
                    raise UnreadableModel(f"{path.name}: unpacks to more than its size allows")
                file.write(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        if not is_tar(start):
            return file
        file.close()
        wrong = CutShort if isinstance(error, EOFError) else UnreadableModel
        raise wrong(f"{path.name}: a damaged gzip file ({error})") from None
    except OSError as error:
        file.close()
        raise UnreadableModel(
            f"{path.name}: cannot be unpacked in {tempfile.gettempdir()}: {error.strerror} (TMPDIR names another folder)"
        ) from None
    file.seek(0)
    return file
