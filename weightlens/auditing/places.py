"""Which files an audit is about: paths, folders, patterns and URLs become a list of models."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from weightlens.errors import BadInput
from weightlens.formats.containers.contents import SAVED_MODEL, is_saved_model, is_tfjs
from weightlens.formats.patterns import everything_in, matches

SUFFIXES = (".h5", ".hdf5", ".hdf", ".keras")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")  # in a folder, taken where a model is in them
REMOTE = "://"


class Place(NamedTuple):
    """One model: what it is called in the report (a path or URL), its size in bytes, and when it was changed last."""

    name: str
    size: int = 0
    changed: float = 0.0

    @property
    def is_remote(self) -> bool:
        """Whether it is read over a network, or out of an archive."""
        return REMOTE in self.name


def places(given: Sequence[str | os.PathLike[str]]) -> list[Place]:
    """The models at these paths, patterns and URLs, each once, in the order given; those of a folder by name.

    Raises ``BadInput`` for a path or pattern where nothing is.
    """
    found: dict[str, Place] = {}
    for item in given:
        name = os.fspath(item)
        name = name.removeprefix("file://") if "::" not in name else name
        here = list(models_at(name)) if REMOTE in name else [place_of(path) for path in local(name)]
        if not here:
            raise BadInput(f"{name}: there is no model here; give files, folders, patterns or URLs")
        found |= {place.name: place for place in here if place.name not in found}
    return list(found.values())


def local(name: str) -> Iterator[Path]:
    """The models at a path or pattern. A file that is named is taken whatever it is."""
    if os.path.lexists(name):
        yield from models_in(Path(name))
    elif glob.has_magic(name):
        for match in matches(name):
            yield from models_in(Path(match))


def models_at(url: str) -> Iterator[Place]:
    """The models behind a URL or pattern. A file that is named, or that the pattern names, is taken whatever it is."""
    from weightlens.formats.remote import remote_files

    for top, files in remote_files(url):
        yield from (Place(*facts) for facts in files) if [top] == [file[0] for file in files] else in_remote_folder(files)


def in_remote_folder(files: list[tuple[str, int, float]]) -> Iterator[Place]:
    """The models in a folder behind a URL and below, from the names of its files: ``models_in`` would ask for each folder."""
    from weightlens.formats.remote import RemotePath

    folders = {folder_of(name) for name, _, _ in files if is_mark(name)}
    members: dict[str, list[tuple[str, int, float]]] = {}
    for file in files:
        above = [folder for folder in folders if file[0].startswith(f"{folder.partition('::')[0]}/")]
        if above:
            members.setdefault(min(above, key=len), []).append(file)
        elif is_model_name(file[0].partition("::")[0]) or is_archive_of_model(RemotePath(file[0])):
            yield Place(*file)
    for folder, inside in members.items():
        yield Place(folder, sum(size for _, size, _ in inside), max(date for _, _, date in inside))


def is_mark(url: str) -> bool:
    """Whether this file tells that its folder is a model."""
    from weightlens.formats.remote import RemotePath

    last = url.partition("::")[0].rpartition("/")[2]
    return last in ("config.json", *SAVED_MODEL) or (last == "model.json" and is_tfjs(RemotePath(url)))


def folder_of(url: str) -> str:
    """The URL of the folder of a file."""
    inner, chain, rest = url.partition("::")
    return inner.rpartition("/")[0] + chain + rest


def models_in(path: Path) -> Iterator[Path]:
    """The path itself if it is a file or the folder of a model, else the models in the folder and below.

    A folder that cannot be read stands for what is in it.
    """
    waiting = [path]
    while waiting:
        here = waiting.pop()
        try:
            inside = folders_and_models(here)
        except OSError:
            inside = None
        if inside is None:
            yield here
        else:
            waiting += inside


def folders_and_models(path: Path) -> list[Path] | None:
    """The folders and models in a folder, the last by name first; ``None`` for a file, or the folder of a model."""
    if not path.is_dir() or (path / "config.json").is_file() or is_saved_model(path) or is_tfjs(path):
        return None
    names = sorted(path.iterdir(), reverse=True)
    files = {one for one in names if one.is_file() and (is_model_name(one.name) or is_archive_of_model(one))}
    return [one for one in names if one in files or (one.is_dir() and not one.is_symlink())]


def is_model_name(name: str) -> bool:
    """Whether a file is taken for a model by its name, in a folder of files."""
    return name.lower().endswith(SUFFIXES)


def is_archive_of_model(path: Path) -> bool:
    """Whether an archive in a folder holds a model."""
    from weightlens.formats.containers.zipped import Archive
    from weightlens.formats.savedmodel.tar import Tar

    if not path.name.lower().endswith(ARCHIVES):
        return False
    try:
        archive = Archive(path) if path.suffix == ".zip" else Tar(path)
        names = {name.rpartition("/")[2] for name in archive.names()}
        archive.close()
    except Exception:  # a damaged archive can fail in any way; by its name alone it is not a model
        return False
    return bool(names & {"config.json", "model.json", *SAVED_MODEL})


def place_of(path: Path) -> Place:
    """A local path with its size and date; a folder's are those of its files. A path that cannot be read has neither."""
    try:
        facts = [file.stat() for file in files_in(path)]
    except OSError:
        facts = []
    return Place(str(path), sum(fact.st_size for fact in facts), max((fact.st_mtime for fact in facts), default=0.0))


def files_in(path: Path) -> Iterator[Path]:
    """The file itself, or the files in a folder and below, by name; links and pipes in it are left out."""
    if not path.is_dir():
        yield path
        return
    for inside in everything_in(path):
        if inside.is_file() and not inside.is_symlink():
            yield inside
