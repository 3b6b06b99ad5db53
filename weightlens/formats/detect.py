"""Which kind of file it is, by its contents and never by its name, and which reader it goes to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from weightlens.errors import UnreadableModel
from weightlens.formats.architecture import build_model
from weightlens.formats.conversion import finish_model
from weightlens.formats.dialect import Dialect, dialect_of
from weightlens.formats.groups import place_groups
from weightlens.formats.hdf5 import Hdf5File
from weightlens.formats.objects import ObjectTree, find_shared, is_training_state, place_model, stored_names
from weightlens.formats.values import parse_object
from weightlens.formats.zipped import Archive
from weightlens.model import Model, Provenance

HDF5_MAGIC, ZIP_MAGIC = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"


def read(path: Path, config: Path | None) -> Model:
    """The model in a file or folder of any kind that is known."""
    if path.is_dir():
        return read_archive(path)
    if not path.exists():
        raise UnreadableModel(f"{path}: there is no such file")
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(ZIP_MAGIC):
        return read_archive(path)
    return read_hdf5(path, config)


def read_archive(path: Path) -> Model:
    """A ``.keras`` file."""
    archive = Archive(path)
    entry = parse_object(archive.text("config.json"), "config.json")
    metadata = parse_object(archive.text("metadata.json") or b"{}", "metadata.json")
    dialect = dialect_of(str(metadata.get("keras_version", "")), "", entry)
    model = build_model(entry, dialect)
    file = Hdf5File(archive.open("model.weights.h5"), path.name)
    place_objects(model, file)
    finish_model(model, dialect)
    model.provenance = Provenance(str(path), f"Keras {dialect.major} archive (.keras)", dialect.version, "", str(metadata.get("date_saved", "")))
    return model


def place_objects(model: Model, file: Hdf5File) -> None:
    """Weights in the layout of the saving library of Keras 3 (and tf.keras 2.12 and later)."""
    weights = file.weights()
    model.optimizer = [weight for path, weight in weights.items() if is_training_state(path)]
    tree = ObjectTree({path: weight for path, weight in weights.items() if not is_training_state(path)})
    place_model(model, tree)
    if tree.variables or any(not layer.weights for layer in model.layers):
        names = stored_names((path, file.text(path, "name")) for path, _ in file.walk() if path.endswith("vars"))
        find_shared(model, tree, names)
    model.unplaced = tree.rest()


def read_hdf5(path: Path, config: Path | None) -> Model:
    """An HDF5 file."""
    file = Hdf5File(path, path.name)
    text = file.text("", "model_config")
    version = file.text("", "keras_version") or file.text("model_weights", "keras_version")
    backend = file.text("", "backend") or file.text("model_weights", "backend")
    entry = parse_object(text, "model_config")
    dialect = dialect_of(version, backend, entry) if version else Dialect(1, "", backend)
    model = build_model(entry, dialect)
    weights = file.weights()
    model.optimizer = [weights.pop(path) for path in list(weights) if path.startswith("optimizer_weights/")]
    place_groups(model, file, "model_weights", weights, dialect)
    finish_model(model, dialect)
    model.unplaced = list(weights.values())
    training: Any = file.text("", "training_config")
    model.training_config = parse_object(training, "training_config") if training else {}
    model.provenance = Provenance(str(path), f"Keras {dialect.major} HDF5", dialect.version, dialect.backend)
    return model
