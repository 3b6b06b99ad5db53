"""Zip files opened with caution: ``.keras`` archives, workbooks, ``.npz`` files."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO

from weightlens import limits
from weightlens.errors import CutShort, UnreadableModel

try:  # the same format, twice as fast
    from isal import isal_zlib
except ImportError:  # not every machine has it
    isal_zlib = None  # type: ignore[assignment]

PIECE = 1 << 20  # bytes
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


def member_stream(archive: zipfile.ZipFile, member: str) -> IO[bytes]:
    """A member to be read piece by piece, checked by ``check_member``."""
    check_member(archive, member)
    stream = archive.open(member)
    if isal_zlib is not None and archive.getinfo(member).compress_type == zipfile.ZIP_DEFLATED:
        stream._decompressor = isal_zlib.decompressobj(-15)  # type: ignore[attr-defined]  # twice as fast; another name changes nothing
    return stream


def unpacked(archive: zipfile.ZipFile, member: str) -> Iterator[bytes]:
    """A member, about a million bytes at a time."""
    with member_stream(archive, member) as stream:
        while piece := stream.read(PIECE):
            yield piece


def read_member(archive: zipfile.ZipFile, member: str | zipfile.ZipInfo, most: int = 0) -> bytes:
    """A member as bytes, checked by ``check_member``."""
    check_member(archive, member, most)
    try:
        return archive.read(member)
    except Exception as error:  # zipfile, zlib and struct each have errors of their own
        name = member if isinstance(member, str) else member.filename
        raise UnreadableModel(f"{Path(archive.filename or '').name}: {name} is damaged ({error})") from None
