"""Writing a file all at once or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from weightlens.errors import BadInput


def check_output(path: Path, force: bool = False) -> None:
    """Refuse an output that cannot be written, before any work is done for it."""
    if path.is_dir():
        raise BadInput(f"{path}: is a folder; name a file in it")
    if not path.parent.is_dir():
        raise BadInput(f"{path}: there is no folder {path.parent}")
    if path.exists() and not force:
        raise BadInput(f"{path}: exists already; --force overwrites it")


@contextlib.contextmanager
def replacing(path: Path, force: bool = False) -> Iterator[BinaryIO]:
    """A file that appears at ``path`` when it is complete: written beside it, then renamed; gone after an error."""
    check_output(path, force)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror})") from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield cast(BinaryIO, file)
        temporary.chmod(0o666 & ~current_umask())
        temporary.replace(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        temporary.unlink(missing_ok=True)


def current_umask() -> int:
    """The permissions that new files are not given; temporary files are made without any for others."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
