"""Which kind of file it is, by its contents and never by its name."""

from __future__ import annotations

from pathlib import Path

from weightlens.errors import UnreadableModel
from weightlens.formats.hdf5.soundness import SIGNATURE
from weightlens.limits import JSON

ZIP_MAGIC = b"PK\x03\x04"
START = 1024  # bytes by which a file is known
TOPOLOGY = b'"modelTopology"'  # what is in the model.json of every TensorFlow.js model
SAVED_MODEL = ("saved_model.pb", "keras_metadata.pb")  # of which every SavedModel has one


def kind_of(path: Path) -> str:
    """``hdf5``, ``zip``, ``json``, ``tar``, or of folders ``folder`` (a ``.keras``), ``tfjs`` or ``savedmodel``, by the contents.

    Anything else is refused; the message says what it is.
    """
    if path.is_dir():
        return folder(path)
    start = first_bytes_of(path)
    if start.startswith(SIGNATURE):
        return "hdf5"
    if start.startswith(ZIP_MAGIC):
        return "zip"
    if start.lstrip()[:1] in (b"{", b"[") and not (start[8:9] == b"{" and b"\0" in start[:8]):  # as a safetensors file may begin
        return "json"
    from weightlens.formats.containers.foreign import GZIP, foreign_words, is_tar

    if start.startswith(GZIP) or is_tar(start):
        return "tar"
    if words := foreign_words(start, path):
        raise UnreadableModel(f"{path.name}: {words}")
    return "hdf5"


def folder(path: Path) -> str:
    """``savedmodel``, ``folder`` or ``tfjs``; one without a ``config.json`` or TensorFlow.js's ``model.json`` is refused under its name."""
    if is_saved_model(path):
        return "savedmodel"
    if not (path / "config.json").is_file():
        if is_tfjs(path):
            return "tfjs"
        from weightlens.formats.containers.foreign import folder_words

        raise UnreadableModel(f"{path.resolve().name}: {folder_words(path)}")
    return "folder"


def is_saved_model(path: Path) -> bool:
    """Whether it is the folder of a SavedModel."""
    return any((path / name).is_file() for name in SAVED_MODEL)


def model_json(path: Path) -> Path:
    """The ``model.json`` of a TensorFlow.js model that is given as its folder, or as that file under any name."""
    return path / "model.json" if path.is_dir() else path


def is_tfjs(path: Path) -> bool:
    """Whether it is a TensorFlow.js model: its folder or its ``model.json``."""
    path = model_json(path)
    if not path.is_file() or path.stat().st_size > JSON:
        return False
    with path.open("rb") as file:
        return (start := file.read(START)).lstrip()[:1] == b"{" and TOPOLOGY in start + file.read()


def held_in(names: list[str], archive: str) -> tuple[str, str]:
    """What is in an archive with these members, ``savedmodel``, ``archive`` (Keras's) or ``tfjs``, and where; empty for anything else."""
    if (folder := saved_model_in(names, archive)) is not None:
        return "savedmodel", folder
    if "config.json" in names:
        return "archive", ""
    found = [name for name in names if name.rpartition("/")[2] == "model.json" and not name.startswith("__MACOSX/")]
    if "model.json" in found or len(found) == 1:  # at the root, or in the only folder that has one
        return "tfjs", "model.json" if "model.json" in found else found[0]
    return "", ""


def saved_model_in(names: list[str], archive: str) -> str | None:
    """The folder of the SavedModel in an archive of this name, with a slash at its end; ``None`` if there is none."""
    inside = {name.removesuffix(mark) for name in names for mark in SAVED_MODEL if f"/{name}".endswith(f"/{mark}")}
    folders = sorted(folder for folder in inside if not folder.startswith("__MACOSX/"))
    if len(folders) > 1:
        raise UnreadableModel(
            f"{archive}: several SavedModels are in it ({', '.join(folder or './' for folder in folders[:3])}): unpack it and give one"
        )
    return folders[0] if folders else None


def first_bytes_of(path: Path) -> bytes:
    """The beginning of a file; a pipe, a device, or a file that cannot be read is refused."""
    if path.exists() and not path.is_file():
        raise UnreadableModel(f"{path}: not a file that can be read from any place in it (a pipe or a device?)")
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(START)
    except FileNotFoundError:
        if path.with_name(f"{path.name}.index").is_file():
            raise UnreadableModel(f"{path}: a TensorFlow checkpoint, which is not read here: save the model from Keras") from None
        from weightlens.formats.remote import RemotePath

        if not isinstance(path, RemotePath) and (as_url := str(RemotePath(path))) != str(path):
            raise UnreadableModel(f"{as_url}: this command works on files of this machine: download it first") from None
        raise UnreadableModel(f"{path}: there is no such file") from None
    except OSError as error:
        raise UnreadableModel(f"{path}: cannot be read ({error.strerror})") from None


def read_bytes(path: Path) -> bytes:
    """The bytes of a text file; a file above the size limit is refused unread."""
    try:
        if (size := path.stat().st_size) > JSON:
            raise UnreadableModel(f"{path.name}: {size:,} bytes, which is larger than any architecture that Keras writes")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableModel(f"{path}: cannot be read ({error.strerror})") from None
