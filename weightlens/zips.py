"""Zip files opened with caution: ``.keras`` archives, workbooks, ``.npz`` files."""

from __future__ import annotations

import copy
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from weightlens import limits
from weightlens.errors import CutShort, UnreadableModel

packer: Any  # of zip files, and the level at which it packs
try:
    from isal import isal_zlib

    packer, LEVEL = isal_zlib, 2  # the same format, two to five times as fast
except ImportError:  # not every machine has it
    packer, LEVEL = zlib, 4

PIECE, PACKED = 1 << 21, 1 << 18  # bytes, unpacked and packed
KNOWN = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # what Keras, NumPy and office programs write; others unpack without bounds


def open_zip(path: Path, in_memory: bool = False) -> zipfile.ZipFile:
    """The zip file, or a copy in memory, after a check of its directory: no members overlap, and the unpacked size is plausible."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(path.read_bytes()) if in_memory else path.open("rb") if "://" in str(path) else path)
        archive.filename = str(path)
    except FileNotFoundError:
        raise UnreadableModel(f"{path}: there is no such file") from None
    except zipfile.BadZipFile as error:
        if "not a zip file" in str(error):  # its directory stands at its end
            raise CutShort(f"{path.name}: a damaged zip file (cut short: copy or download it again)") from None
        raise UnreadableModel(f"{path.name}: a damaged zip file ({error})") from None
    except (OSError, ValueError, NotImplementedError, struct.error) as error:
        raise UnreadableModel(f"{path.name}: a damaged zip file ({error})") from None
    if trouble := zip_fault(archive, path.stat().st_size):
        archive.close()
        raise UnreadableModel(f"{path.name}: a zip file {trouble}")
    return archive


def zip_fault(archive: zipfile.ZipFile, size: int) -> str:
    """What no honest program would have written in a zip directory; empty if it is sound."""
    members = sorted(archive.infolist(), key=lambda info: info.header_offset)
    total = sum(info.file_size for info in members)
    if any(one.header_offset + one.compress_size > next_.header_offset for one, next_ in pairwise(members)):
        return "whose members overlap"
    if len(members) > limits.MEMBERS:
        return f"with {len(members):,} members"
    if total > limits.SMALL * 4 + limits.RATIO * size:
        return f"that claims to unpack to {total:,} bytes from {size:,}"
    return ""


def check_member(archive: zipfile.ZipFile, member: str | zipfile.ZipInfo, most: int = 0) -> None:
    """Refuse a member that unpacks to more than ``most`` bytes (by default, more than its packed size allows)."""
    info, label = archive.getinfo(member) if isinstance(member, str) else member, Path(archive.filename or "").name
    name = info.filename
    if info.compress_type not in KNOWN:
        raise UnreadableModel(f"{label}: {name} is compressed with a method that is not supported")
    if info.file_size > min(most or 2**63, limits.allowed_bytes(info.compress_size)):
        raise UnreadableModel(f"{label}: {name} claims to unpack to {info.file_size:,} bytes from {info.compress_size:,}")


def unpacked(archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    """A member checked by ``check_member``, at most two million bytes at a time; one that is damaged raises ``BadZipFile`` at its end."""
    check_member(archive, member)
    info = archive.getinfo(member)
    packed = copy.copy(info)
    packed.compress_type, packed.file_size = zipfile.ZIP_STORED, info.compress_size
    packed.CRC = None  # type: ignore[assignment]  # so zipfile compares none
    size = crc = 0
    with archive.open(packed) as stream:
        pieces = iter(lambda: stream.read(PACKED), b"")
        for piece in pieces if info.compress_type == zipfile.ZIP_STORED else inflated(pieces):
            size, crc = size + len(piece), packer.crc32(piece, crc)
            if size > info.file_size:
                break
            yield piece
    if (size, crc) != (info.file_size, info.CRC):
        raise zipfile.BadZipFile(f"{member} is not what its directory says: cut short or changed")


def inflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What packed pieces unpack to."""
    stream = packer.decompressobj(-zlib.MAX_WBITS)
    for piece in pieces:
        while piece and not stream.eof:
            yield stream.decompress(piece, PIECE)
            piece = stream.unconsumed_tail
    yield stream.flush()


def read_member(archive: zipfile.ZipFile, member: str | zipfile.ZipInfo, most: int = 0) -> bytes:
    """A member as bytes, checked by ``check_member``."""
    check_member(archive, member, most)
    try:
        return archive.read(member)
    except Exception as error:  # zipfile, zlib and struct each have errors of their own
        name = member if isinstance(member, str) else member.filename
        raise UnreadableModel(f"{Path(archive.filename or '').name}: {name} is damaged ({error})") from None
