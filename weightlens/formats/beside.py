"""An architecture file next to the weights: JSON or YAML, found by the weights file's name."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from weightlens.errors import UnreadableModel
from weightlens.formats.architecture.config_values import every_value, parse_object
from weightlens.formats.containers.contents import held_in, kind_of, model_json, read_bytes

SUFFIXES = (".arch.json", ".arch.yaml", ".arch.yml", ".json", ".yaml", ".yml", ".config.json")
MAX_NODES = 2_000_000


def find_architecture(weights: Path) -> Path | None:
    """``model.json`` next to ``model.h5`` or ``model.weights.h5``; ``None`` if there is none."""
    stems = [weights.name.removesuffix(weights.suffix)]
    stems += [stem.removesuffix(".weights") for stem in stems if stem.endswith(".weights")]
    for stem in stems:
        for suffix in SUFFIXES:
            candidate = weights.with_name(stem + suffix)
            if candidate != weights and candidate.is_file():
                return candidate
    return None


def read_architecture(path: Path) -> dict[str, Any]:
    """The architecture in a file as Keras's ``to_json`` or ``to_yaml`` wrote it, or that of a whole model (.keras, .h5)."""
    yaml = path.suffix.lower() in (".yaml", ".yml")
    kind = "yaml" if yaml and path.is_file() else kind_of(path)
    entry = {
        "yaml": lambda path: parse_yaml(read_bytes(path), path.name),
        "json": architecture_from_json,
        "hdf5": architecture_from_hdf5,
        "zip": architecture_from_archive,
        "folder": architecture_from_archive,
        "tfjs": architecture_from_json,
        "savedmodel": architecture_from_saved_model,
        "tar": architecture_from_saved_model,
    }[kind](path)
    if not is_architecture(entry):
        raise UnreadableModel(f"{path.name}: not the architecture of a Keras model")
    return entry


def architecture_from_json(path: Path) -> dict[str, Any]:
    """The architecture in a JSON file, which may be the ``model.json`` of a TensorFlow.js model."""
    path = model_json(path)
    value = parse_object(read_bytes(path), path.name)
    if "modelTopology" not in value:
        return value
    from weightlens.formats.tfjs.read import topology_of

    return topology_of(value)


def architecture_from_hdf5(path: Path) -> dict[str, Any]:
    """The architecture in the HDF5 file of a whole model."""
    from weightlens.formats.hdf5.access import Hdf5File

    file = Hdf5File(path, path.name)
    text = file.text("", "model_config")
    if not text:
        raise UnreadableModel(f"{path.name}: holds no architecture (model_config), so it is of no use for --config")
    said = {key: file.text("", key) for key in ("keras_version", "backend")}
    return {key: value for key, value in said.items() if value} | parse_object(text, "model_config")


def architecture_from_archive(path: Path) -> dict[str, Any]:
    """The architecture in a ``.keras`` archive or folder."""
    from weightlens.formats.containers.zipped import Archive

    archive = Archive(path)
    if held_in(archive.names(), path.name)[0] == "savedmodel":
        return architecture_from_saved_model(path)
    said = parse_object(archive.text("metadata.json") or b"{}", "metadata.json")
    entry = parse_object(archive.text("config.json") or b"{}", "config.json")
    return {"keras_version": str(said.get("keras_version", ""))} | entry


def architecture_from_saved_model(path: Path) -> dict[str, Any]:
    """The architecture in a SavedModel; empty if it has none."""
    from weightlens.formats.savedmodel.container import saved_model_files
    from weightlens.formats.savedmodel.metadata import KerasObjects

    return KerasObjects(saved_model_files(path)).architecture() or {}


def is_architecture(entry: Any) -> bool:
    """Whether a JSON object describes a model: a class and its configuration (Keras 0: a name and layers)."""
    return isinstance(entry, dict) and (
        {"class_name", "config"} <= set(entry) or {"name", "layers"} <= set(entry) or {"name", "node_config"} <= set(entry)
    )


def parse_yaml(text: bytes, name: str) -> dict[str, Any]:
    """Parsed YAML; no tag can create Python objects, but Python tuples and strings are accepted as plain values."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the fast one where libyaml is there
        """A YAML loader that accepts the tags of Keras 0 and 1, and none that runs code."""

    Loader.add_constructor("tag:yaml.org,2002:python/tuple", lambda loader, node: loader.construct_sequence(node, deep=True))
    Loader.add_constructor("tag:yaml.org,2002:python/unicode", lambda loader, node: loader.construct_scalar(node))
    Loader.add_constructor("tag:yaml.org,2002:python/str", lambda loader, node: loader.construct_scalar(node))
    try:
        value = yaml.load(text, Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UnreadableModel(f"{name} is not valid YAML ({str(error).splitlines()[0][:120]})") from None
    if not isinstance(value, dict) or sum(1 for _ in islice(every_value(value), MAX_NODES + 1)) > MAX_NODES:  # aliases count each time
        raise UnreadableModel(f"{name} is not the architecture of a Keras model")
    return value
