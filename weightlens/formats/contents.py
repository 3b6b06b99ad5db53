"""Which kind of file it is, by its contents and never by its name."""

from __future__ import annotations

from pathlib import Path

from weightlens.errors import UnreadableModel
from weightlens.formats.hdf5.soundness import SIGNATURE
from weightlens.limits import JSON

ZIP_MAGIC = b"PK\x03\x04"
START = 1024  # bytes by which a file is known
TOPOLOGY = b'"modelTopology"'  # what is in the model.json of every TensorFlow.js model


def kind_of(path: Path) -> str:
    """``folder``, ``zip``, ``json``, ``hdf5`` or ``tfjs`` (a folder), by the contents; what is none of these is refused under its name."""
    if path.is_dir():
        return folder(path)
    start = first_bytes_of(path)
    if start.startswith(SIGNATURE):
        return "hdf5"
    if start.startswith(ZIP_MAGIC):
        return "zip"
    if start.lstrip()[:1] in (b"{", b"[") and not (start[8:9] == b"{" and b"\0" in start[:8]):  # as a safetensors file may begin
        return "json"
    from weightlens.formats.foreign import foreign_words

    if words := foreign_words(start, path):
        raise UnreadableModel(f"{path.name}: {words}")
    return "hdf5"


def folder(path: Path) -> str:
    """``folder`` or ``tfjs``; one without a ``config.json`` or TensorFlow.js's ``model.json`` is refused under its name."""
    if not (path / "config.json").is_file():
        if is_tfjs(path / "model.json"):
            return "tfjs"
        from weightlens.formats.foreign import folder_words

        raise UnreadableModel(f"{path.resolve().name}: {folder_words(path)}")
    return "folder"


def is_tfjs(path: Path) -> bool:
    """Whether it is the ``model.json`` of a TensorFlow.js model."""
    if not path.is_file() or path.stat().st_size > JSON:
        return False
    with path.open("rb") as file:
        return (start := file.read(START)).lstrip()[:1] == b"{" and TOPOLOGY in start + file.read()


def member_in(names: list[str]) -> str | None:
    """The ``model.json`` in a zip of a TensorFlow.js model: at its root, or in the only folder that has one."""
    found = [name for name in names if name.rpartition("/")[2] == "model.json" and not name.startswith("__MACOSX/")]
    if "config.json" in names or not found:
        return None
    return "model.json" if "model.json" in found else found[0] if len(found) == 1 else None


def first_bytes_of(path: Path) -> bytes:
    """The beginning of a file; what is none, or cannot be read, is refused."""
    if path.exists() and not path.is_file():
        raise UnreadableModel(f"{path}: not a file that can be read from any place in it (a pipe or a device?)")
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(START)
    except FileNotFoundError:
        if path.with_name(f"{path.name}.index").is_file():
            raise UnreadableModel(f"{path}: a TensorFlow checkpoint, which is not read here: save the model from Keras") from None
        raise UnreadableModel(f"{path}: there is no such file") from None
    except OSError as error:
        raise UnreadableModel(f"{path}: cannot be read ({error.strerror})") from None
