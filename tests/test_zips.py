"""Members of zip files in pieces: the same bytes whichever library unpacks them, and none of a member that is damaged passes for whole."""

from __future__ import annotations

import io
import random
import zipfile
import zlib
from typing import Any

import isal.isal_zlib
import pytest

from weightlens import zips

MEMBER = random.Random(0).randbytes(300_000) + b"a" * 5_000_000


@pytest.fixture(params=[isal.isal_zlib, zlib], ids=["isal", "zlib"], autouse=True)
def packer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "packer", request.param)


@pytest.fixture(scope="module")
def packed() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("deflated", MEMBER, zipfile.ZIP_DEFLATED)
        archive.writestr("stored", MEMBER, zipfile.ZIP_STORED)
        archive.writestr("empty", b"", zipfile.ZIP_DEFLATED)
    return file.getvalue()


def opened(packed: bytes, **changed: Any) -> zipfile.ZipFile:
    """The archive; with other entries of its directory for the deflated member."""
    archive = zipfile.ZipFile(io.BytesIO(packed))
    info = archive.getinfo("deflated")
    for name, value in changed.items():
        setattr(info, name, getattr(info, name) + value)
    return archive


@pytest.mark.parametrize("member", ["deflated", "stored", "empty"])
def test_a_member_in_pieces(packed: bytes, member: str) -> None:
    archive = opened(packed)
    pieces = list(zips.unpacked(archive, member))
    assert b"".join(pieces) == archive.read(member)
    assert max(map(len, pieces), default=0) <= zips.PIECE


@pytest.mark.parametrize("changed", [{"file_size": -1}, {"file_size": 1}, {"CRC": 1}, {"compress_size": -1000}], ids=str)
def test_a_member_that_is_not_what_the_directory_says(packed: bytes, changed: dict[str, int]) -> None:
    with pytest.raises(zipfile.BadZipFile, match="deflated is not what its directory says"):
        list(zips.unpacked(opened(packed, **changed), "deflated"))
