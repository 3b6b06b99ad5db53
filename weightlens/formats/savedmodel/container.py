"""The files of a SavedModel by their names, wherever they are: in a folder, a zip archive or a tar archive."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from weightlens.errors import UnreadableModel
from weightlens.formats.containers.contents import SAVED_MODEL, first_bytes_of, kind_of, saved_model_in
from weightlens.formats.containers.foreign import foreign_words
from weightlens.formats.containers.zipped import Archive
from weightlens.formats.savedmodel.tar import Tar

GRAPH, METADATA = SAVED_MODEL
INDEX = "variables/variables.index"


def saved_model_files(path: Path) -> SavedModelFiles:
    """The SavedModel in a folder or an archive."""
    kind = kind_of(path)
    if kind == "savedmodel":
        return SavedModelFiles(Archive(path), "", path.resolve().name)
    store = Tar(path) if kind == "tar" else Archive(path)
    folder = saved_model_in(store.names(), path.name)
    if folder is None:
        raise UnreadableModel(f"{path.name}: {foreign_words(first_bytes_of(path), path)}")
    return SavedModelFiles(store, folder, path.name)


class SavedModelFiles:
    """The files of one SavedModel; each is opened when it is read."""

    def __init__(self, store: Archive | Tar, folder: str, label: str) -> None:
        self.store, self.folder, self.label = store, folder, label
        self.inside = {name for name in store.names() if name.startswith(folder)}
        self.opened: dict[str, Path | BinaryIO] = {}

    def names(self) -> list[str]:
        """The names of all files that are no links."""
        return sorted(name.removeprefix(self.folder) for name in self.inside if not name.endswith("/"))

    def size(self, name: str) -> int:
        """The size of a file in bytes; in a zip, the packed size."""
        return self.store.packed(self.folder + name)

    def has(self, name: str) -> bool:
        """Whether the file is there (and not a link)."""
        return self.folder + name in self.inside

    def _member(self, name: str) -> str:
        """A file's name in the folder or archive; one that is not there is refused."""
        if not self.has(name):
            raise UnreadableModel(f"{self.label}: {name} of the SavedModel is missing, or is a link, which is never followed")
        return self.folder + name

    def read(self, name: str) -> bytes:
        """A small file as bytes."""
        member = self._member(name)
        data = self.store.text(member)
        if not data and self.store.packed(member):
            raise UnreadableModel(f"{self.label}: {name} is larger than any that TensorFlow writes")
        return data

    def open(self, name: str) -> Path | BinaryIO:
        """A large file: its path in a folder, or an open file in an archive."""
        if name not in self.opened:
            self.opened[name] = self.store.open(self._member(name))
        return self.opened[name]
