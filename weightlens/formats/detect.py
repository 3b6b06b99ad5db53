"""Which reader a file goes to."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from weightlens.errors import UnreadableModel
from weightlens.formats import beside
from weightlens.formats.architecture.build import build_model
from weightlens.formats.architecture.config_values import parse_json, parse_object
from weightlens.formats.architecture.dialect import Dialect, dialect_of
from weightlens.formats.architecture.layer_config import plain_dict
from weightlens.formats.containers.contents import TOPOLOGY, held_in, kind_of, model_json, read_bytes
from weightlens.formats.hdf5.access import Hdf5File, unused_name
from weightlens.formats.weights import layouts
from weightlens.limits import JSON
from weightlens.model import Model, Provenance, Weight

KERAS_NAME = re.compile(  # of a weight
    r"(^|[/_])(kernel|bias|gamma|beta|alpha|embeddings|moving_mean|moving_variance|weights?|[WbU]|param_\d+)(_\d+)?(:0)?$", re.IGNORECASE
)


def read_model(path: Path, config: Path | None) -> Model:
    """The model in a file or folder of any known kind."""
    kind = kind_of(path)
    if kind in ("folder", "zip"):
        return read_archive(path)
    if kind == "tfjs":
        return read_json(model_json(path), config)
    if kind in ("savedmodel", "tar"):
        from weightlens.formats.savedmodel.reader import read_saved_model

        return read_saved_model(path)
    return read_json(path, config) if kind == "json" else read_hdf5(path, config)


def read_archive(path: Path) -> Model:
    """The model in a ``.keras`` file, or in the same unpacked to a folder."""
    from weightlens.formats.containers.zipped import Archive  # zip files are not always needed

    archive = Archive(path)
    names = archive.names()
    kind, place = held_in(names, path.name)
    if kind == "savedmodel":
        from weightlens.formats.savedmodel.reader import read_saved_model

        return read_saved_model(path)
    if kind == "tfjs" and TOPOLOGY in archive.text(place):
        from weightlens.formats.tfjs.read import read_zipped

        return read_zipped(path, archive, place)
    if kind != "archive":
        from weightlens.formats.containers.foreign import archive_words

        raise UnreadableModel(f"{path.name}: {archive_words(path, names)}")
    entry = parse_object(archive.text("config.json"), "config.json")
    metadata = parse_object(archive.text("metadata.json") or b"{}", "metadata.json")
    dialect = dialect_of(str(metadata.get("keras_version", "")), "", entry)
    model = build_model(entry, dialect)
    weights = next((name for name in ("model.weights.h5", "model.weights.json") if name in names), None)
    if weights is None and "model.weights.npz" in names:
        raise UnreadableModel(f"{path.name}: its weights are pickled Python objects (.npz), which would run code when opened")
    closers: list[Callable[[], object]] = []
    if weights == "model.weights.h5":
        file = Hdf5File(archive.open(weights), path.name, archive.packed(weights))
        layouts.place_weights(model, file, dialect, dialect)
        closers.append(file.close)
    elif weights is not None:
        layouts.place_arrays(model, _shards(path, parse_object(archive.text(weights), weights), closers), dialect)
    layouts.read_assets(model, archive)
    model.training_config = plain_dict(entry.get("compile_config"))
    shown = f"Keras {dialect.major} {'archive (.keras)' if path.is_file() else 'folder'}"
    date = str(metadata.get("date_saved", "")).replace("@", " ")
    model.provenance = Provenance(str(path), shown, dialect.version, date=date, closers=closers, kind="archive", generation=dialect.major)
    return model


def read_json(path: Path, config: Path | None) -> Model:
    """The model of a manifest of weight shards, or of an architecture without weights."""
    value = parse_json(read_bytes(path), path.name)
    if isinstance(value, dict) and "weight_map" in value:
        architecture = config or beside.find_architecture(path)
        entry = None if architecture is None else beside.read_architecture(architecture)
        dialect = dialect_of("3", "", entry)
        model = _model(entry, dialect, path)
        closers: list[Callable[[], object]] = []
        layouts.place_arrays(model, _shards(path.parent, value, closers), dialect)
        model.provenance = Provenance(
            str(path), "Keras 3 sharded weights", architecture=str(architecture or ""), closers=closers, kind="shards", generation=3
        )
        return model
    if isinstance(value, dict) and "modelTopology" in value:
        from weightlens.formats.tfjs.manifest import in_folder
        from weightlens.formats.tfjs.read import read_tfjs

        return read_tfjs(path, value, in_folder(path.parent))
    if not beside.is_architecture(value):
        from weightlens.formats.containers.foreign import json_words

        raise UnreadableModel(f"{path.name}: {json_words(value)}")
    dialect = dialect_of(str(value.get("keras_version", "")), str(value.get("backend", "")), value)
    model = build_model(value, dialect)
    model.notes.append("an architecture without weights")
    shown = f"Keras {dialect.major} architecture (JSON)"
    model.provenance = Provenance(str(path), shown, dialect.version, dialect.backend, kind="architecture")
    return model


def _shards(folder: Path, manifest: dict[str, Any], closers: list[Callable[[], object]]) -> dict[str, Weight]:
    """The arrays of all shards that a manifest names; they must be in the manifest's folder. ``closers`` gets what closes each."""
    weights: dict[str, Weight] = {}
    for name in shard_names(manifest):
        file = folder / name
        if Path(name).name != name or file.is_symlink() or not file.is_file():
            raise UnreadableModel(f"the shard {name!r} is not in the folder of its manifest, or is a link")
        opened = Hdf5File(file, name)
        closers.append(opened.close)
        for path, weight in opened.weights().items():
            weights[unused_name(path, weights)] = weight
    return weights


def shard_names(manifest: dict[str, Any]) -> list[str]:
    """The distinct files that a manifest names: of Keras 3 by weight, of TensorFlow.js by group."""
    entries, groups = manifest.get("weight_map"), manifest.get("weightsManifest")
    values = [*entries.values()] if isinstance(entries, dict) else []
    values += [group.get("paths") for group in groups if isinstance(group, dict)] if isinstance(groups, list) else []
    return list(dict.fromkeys(str(name) for value in values for name in (value if isinstance(value, list) else [value])))


def shard_files(path: Path) -> list[Path]:
    """The shards next to a manifest; none if the file is not a manifest."""
    if not path.is_file() or path.stat().st_size > JSON:
        return []
    with path.open("rb") as file:
        text = file.read(64)
        if text.lstrip()[:1] != b"{":
            return []
        text += file.read()
    try:
        return [path.with_name(Path(name).name) for name in shard_names(parse_object(text, path.name))]
    except (UnreadableModel, ValueError):
        return []


def read_hdf5(path: Path, config: Path | None) -> Model:
    """The model in an HDF5 file of any version: with its architecture, with a separate one, or weights alone."""
    file = Hdf5File(path, path.name)
    prefix = "model_weights" if file.group("model_weights") is not None else ""
    version = file.text("", "keras_version") or file.text(prefix, "keras_version")
    backend = file.text("", "backend") or file.text(prefix, "backend")
    text = file.text("", "model_config")
    entry, source = (parse_object(text, "model_config"), None) if text and config is None else _architecture(path, config)
    dialect = dialect_of(version, backend, entry)
    weights_dialect = (
        dialect_of(version, backend, None) if version else Dialect(layouts.keras_generation(file, prefix), "", backend, known=False)
    )
    if source is not None and entry is not None and entry.get("keras_version"):
        dialect = dialect_of(str(entry["keras_version"]), backend, entry)
    model = _model(entry, dialect, path)
    layout = layouts.place_weights(model, file, dialect, weights_dialect, together=source is None)
    if layout == layouts.NOT_KERAS and not model.class_name and not any(KERAS_NAME.search(w.path) for w in model.weights.values()):
        from weightlens.formats.containers.foreign import hdf5_words

        model.arrays_only, model.notes = True, [hdf5_words(file)]
    if source is not None:
        model.notes.append(f"architecture from {source.name}")
    if training := file.text("", "training_config"):
        model.training_config = plain_dict(parse_json(training, "training_config"))
    shown = (
        f"Keras {weights_dialect.major} HDF5"
        if text
        else {"objects": "Keras weights (.weights.h5)", "groups": f"Keras {weights_dialect.major} HDF5 weights"}.get(layout, layout)
    )
    kind = "weights" if layout == "objects" and not text else "hdf5"
    generation = 3 if kind == "weights" else weights_dialect.major if text or layout != layouts.NOT_KERAS else None
    model.provenance = Provenance(
        str(path), shown, version or dialect.version, backend, architecture=str(source or ""), closers=[file.close],
        kind=kind, generation=generation,
    )  # fmt: skip
    return model


def _architecture(path: Path, config: Path | None) -> tuple[dict[str, Any] | None, Path | None]:
    """The architecture given, or found next to the weights; (None, None) if there is none."""
    if config is not None:
        return beside.read_architecture(config), config
    architecture = beside.find_architecture(path)
    if architecture is None:
        return None, None
    try:
        return beside.read_architecture(architecture), architecture
    except UnreadableModel:  # some other file of the same name
        return None, None


def _model(entry: dict[str, Any] | None, dialect: Dialect, path: Path) -> Model:
    if entry is not None:
        return build_model(entry, dialect)
    return Model(path.name.split(".")[0], "", [], notes=["weights without an architecture"])
