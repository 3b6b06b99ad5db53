"""Finds the layout of a file's weights, and gives the weights to the layers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weightlens.call_order import every_layer
from weightlens.errors import UnreadableModel, first_few
from weightlens.formats.architecture.dialect import Dialect
from weightlens.formats.hdf5.access import Hdf5File
from weightlens.formats.weights import objects
from weightlens.formats.weights.finish import finish_model
from weightlens.formats.weights.groups import place_groups, place_numbered
from weightlens.limits import VALUES
from weightlens.model import Layer, Model, Weight
from weightlens.specs.variables import variable_names

if TYPE_CHECKING:
    from weightlens.formats.containers.zipped import Archive

NOT_KERAS = "HDF5, not written by Keras"  # the layout of such a file


def place_weights(model: Model, file: Hdf5File, dialect: Dialect, weights_dialect: Dialect, together: bool = True) -> str:
    """Give the layers their weights; returns the layout. Weights without a layer are listed as unplaced.

    ``together``: the architecture is in the same file.
    """
    weights = file.weights()
    prefix = "model_weights" if file.group("model_weights") is not None else ""
    model.optimizer = [weights.pop(path) for path in list(weights) if path.startswith("optimizer_weights/")]
    layout = _layout(file, prefix, weights)
    if not model.layers:
        from weightlens.formats.weights import bare
    if layout == "objects":
        _place_objects(model, weights, file)
    elif layout == "groups" and model.layers:
        place_groups(model, file, prefix, weights, weights_dialect, together)
    elif layout == "groups":
        model.layers = bare.layers_of_groups(file, prefix, weights)
    elif layout == "Keras 0 HDF5 weights" and model.layers:
        place_numbered(model, weights)
    elif not model.layers:
        model.layers = bare.layers_of_anything(weights)
    model.unplaced += weights.values()
    settle(model, dialect if dialect.backend or not weights_dialect.backend else weights_dialect)
    return layout


def settle(model: Model, dialect: Dialect) -> None:
    """Finish a model whose weights have been placed, and say which layers have none and which weights no layer.

    With weights that no layer takes nothing may be computed: a fault. Counters do not matter.
    """
    empty = (layer for layer in every_layer(model, wrapped=False) if not layer.weights)
    missing = [layer.name for layer in empty if variable_names(layer.class_name, layer.config)]
    if missing:
        model.notes.append(f"the file has no weights for: {first_few(missing, 8)}")
    finish_model(model, dialect)
    left = [weight.path for weight in model.unplaced if weight.shape]
    if left and model.layers and model.inputs and not model.faults:
        model.faults.append(f"the architecture has no layer for {first_few(left, 3)} of the file")


def keras_generation(file: Hdf5File, prefix: str) -> int:
    """The major version of Keras by the arrays' names, if none is stated: ``dense_1_W`` or ``dense/kernel:0``."""
    for layer in file.names(prefix, "layer_names") or []:
        for name in file.names(f"{prefix}/{layer}".strip("/"), "weight_names") or []:
            return 2 if re.search(r"/(\w*kernel|bias|gamma|beta|alpha|embeddings|scale|mean|variance)(_\d+)?(:0)?$", name) else 1
    return 1


def _layout(file: Hdf5File, prefix: str, weights: dict[str, Weight]) -> str:
    """The layout: ``groups`` (one per layer), ``objects`` (numbered variables), Keras 0's, or not Keras's."""
    if file.has(prefix, "layer_names"):
        return "groups"
    if file.has("", "nb_layers") or file.has("graph", "nb_params"):
        return "Keras 0 HDF5 weights"
    if any("vars" in path.replace("\\", "/").split("/")[-2:-1] for path in weights):
        return "objects"
    return NOT_KERAS


def _place_objects(model: Model, weights: dict[str, Weight], file: Hdf5File | None) -> None:
    """Place the layout of Keras 3's saving library (and tf.keras 2.12 and later); empties ``weights``."""
    model.optimizer += [weights.pop(path) for path in list(weights) if objects.is_training_state(path)]
    tree = objects.ObjectTree(weights)
    weights.clear()
    if not model.layers:
        from weightlens.formats.weights import bare

        model.layers = bare.layers_of_objects(tree)
        return
    objects.place_model(model, tree)
    if tree.variables:
        objects.find_shared(model, tree, {} if file is None else _stored_names(file))
    objects.find_shared(model, tree, {})
    model.unplaced += tree.rest()


def _stored_names(file: Hdf5File) -> dict[str, str]:
    """Object path by the layer name stored with it (Keras 3.6 and later)."""
    paths = {}
    for path, _raw, _group in file.walk():
        if path.endswith("/vars"):
            name = file.text(path, "name")
            if name:
                paths[name] = path.removesuffix("/vars")
    return paths


def place_arrays(model: Model, weights: dict[str, Weight], dialect: Dialect) -> None:
    """Give the layers their weights from one dictionary, by their paths in Keras 3's saving library."""
    _place_objects(model, weights, None)
    settle(model, dialect)


def read_assets(model: Model, archive: Archive, place: str = "assets/layers") -> None:
    """Read the vocabularies, which a ``.keras`` file keeps as text files with one word per line."""
    names = [name for name in archive.names() if name.startswith(place + "/") and name.endswith("vocabulary.txt")]
    for layer, path in objects.numbered_members(objects.numbered_layers(model), place) if names else ():
        if layer.model is not None:
            read_assets(layer.model, archive, f"{path}/layers")
        name = next((name for name in names if name.startswith(path + "/")), None)
        if name is not None and layer.model is None and layer.config.get("vocabulary") is None:
            set_vocabulary(layer, archive.text(name))


def set_vocabulary(layer: Layer, saved: bytes) -> None:
    """Give a lookup layer the vocabulary that Keras saved beside its weights, one word or whole number a line."""
    if saved.count(b"\n") > VALUES:
        raise UnreadableModel("a vocabulary holds more words than any that Keras writes")
    words = saved.decode("utf-8", "replace").split("\n")
    layer.config["vocabulary"] = [int(word) for word in words if word] if layer.class_name == "IntegerLookup" else words
