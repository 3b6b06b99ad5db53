"""A SavedModel as a ``Model``: Keras's architecture, and the variables that the object graph gives to its layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from weightlens.errors import first_few
from weightlens.formats.architecture.build import build_layer, build_model
from weightlens.formats.architecture.dialect import Dialect, dialect_of
from weightlens.formats.architecture.layer_config import plain_dict
from weightlens.formats.hdf5.access import unused_name
from weightlens.formats.savedmodel.bundle import Bundle
from weightlens.formats.savedmodel.container import SavedModelFiles, saved_model_files
from weightlens.formats.savedmodel.metadata import KerasObjects
from weightlens.formats.savedmodel.object_graph import OBJECT_GRAPH, ObjectGraph, fill_vocabularies, is_without_vocabulary
from weightlens.formats.savedmodel.wire import Damaged, refusal
from weightlens.formats.weights import bare
from weightlens.formats.weights.groups import Leaf, name_variables
from weightlens.formats.weights.layouts import settle
from weightlens.model import Layer, Model, Provenance, Weight
from weightlens.specs.variables import variable_names

FORMAT = "SavedModel"  # in the provenance, after the version of Keras
WITHOUT_KERAS = (
    "a TensorFlow SavedModel without Keras layers (made by export(), or not from Keras): its variables are shown, its functions "
    "are never run; for the layers give the .keras or .h5 file that it was made from"
)
TRAINING = ("optimizer/", "keras_api/", "save_counter", "_CHECKPOINTABLE", "global_step")
STATES = "/keras_api/states/"  # where stateful layers had come to
INSIDE = ("/.OPTIMIZER_SLOT/", "/.ATTRIBUTES/table-")  # moments of the optimizer; tables in which adapt() counts


def read_saved_model(path: Path) -> Model:
    """The model in the SavedModel in a folder or an archive."""
    files = saved_model_files(path)
    bundle, objects = Bundle(files), KerasObjects(files)
    graph, weights, about = object_graph(bundle), bundle.weights(), objects.get(())
    if graph is None or not about:
        model = variables_alone(files.label, graph, weights)
        model.provenance = Provenance(str(path), f"TensorFlow {FORMAT}", closers=[files.store.close], kind="savedmodel")
        return model
    entry = objects.architecture()
    version, backend = str(about.get("keras_version") or ""), str(about.get("backend") or "")
    dialect = dialect_of(version or "2", backend, entry)
    placing = Placing(graph, objects, weights, dialect)
    model = placing.own_class(about) if entry is None else placing.whole(build_model(entry, dialect), files)
    for key in (key for key in weights if key not in placing.placed):
        (model.optimizer if is_training_state(key) else model.unplaced).append(weights[key])
    for key, weight in weights.items():
        weight.is_state = STATES in key
    if states := [weight.path for weight in model.unplaced if weight.is_state]:
        model.faults.append(
            f"the file says where its stateful layers had come to ({first_few(states, 1)}), and Keras goes on from there, where weightlens "
            "begins at 0; save it as .keras or .h5: Keras begins at 0 there, too"
        )
    settle(model, dialect)
    model.training_config = plain_dict(about.get("training_config"))
    shown = f"Keras {dialect.major} {FORMAT}"
    model.provenance = Provenance(
        str(path), shown, version, backend, closers=[files.store.close], kind="savedmodel", generation=dialect.major
    )
    return model


def object_graph(bundle: Bundle) -> ObjectGraph | None:
    """The graph of objects; ``None`` in a SavedModel of TensorFlow 1."""
    if OBJECT_GRAPH not in bundle.entries:
        return None
    try:
        return ObjectGraph(bundle.text(OBJECT_GRAPH))
    except Damaged as error:
        raise refusal(f"{bundle.label}: its graph of objects", error) from None


def is_training_state(key: str) -> bool:
    """Whether an array belongs to the optimizer, to metrics, or to the counting of words."""
    return key.startswith(TRAINING) or any(mark in key for mark in INSIDE)


class Placing:
    """Gives the layers their variables, along the graph of objects."""

    def __init__(self, graph: ObjectGraph, objects: KerasObjects, weights: dict[str, Weight], dialect: Dialect) -> None:
        self.graph, self.objects, self.weights, self.dialect = graph, objects, weights, dialect
        self.about = {place: path for path in reversed(objects.texts) if (place := graph.at(list(path))) is not None}
        self.placed: set[str] = set()
        self.without_vocabulary: list[tuple[Layer, tuple[str, ...]]] = []

    def whole(self, model: Model, files: SavedModelFiles) -> Model:
        """The model with its variables and vocabularies."""
        self.model(model, 0)
        if self.without_vocabulary:
            fill_vocabularies(self.without_vocabulary, files)
        return model

    def model(self, model: Model, number: int) -> None:
        """The layers of a model or nested model, which the graph calls ``layer-0``, ``layer-1``, ... under their names."""
        members = self.graph.nodes[number].members
        numbered = [place for name, place in members.items() if name.startswith(("layer-", "layer_with_weights-"))]
        places = {str(self.objects.get(self.about[place]).get("name")): place for place in numbered if place in self.about}
        for layer in model.layers:
            if layer.name in places:
                self.layer(layer, places[layer.name])

    def layer(self, layer: Layer, number: int) -> None:
        """A layer's own variables, and those of the layers inside it."""
        if layer.model is not None:
            self.model(layer.model, number)
            return
        if is_without_vocabulary(layer) and number in self.about:
            self.without_vocabulary.append((layer, self.about[number]))
        inside: set[int] = set()
        for key, inner in layer.inner.items():
            if (place := self.graph.at(key.split("/"), number)) is not None:
                self.layer(inner, place)
                inside |= set(self.graph.variables(place))
        own = [self.graph.nodes[place] for place in self.graph.variables(number) if place not in inside]
        given = [(node.name, self.weights[node.key]) for node in own if node.key in self.weights]
        self.placed |= {node.key for node in own}
        name_variables(Leaf(layer, (layer.name,), variable_names(layer.class_name, layer.config), given), self.dialect)

    def own_class(self, about: dict[str, Any]) -> Model:
        """A model of somebody's own class, with the layers that its attributes hold; those inside a layer belong to it."""
        found: dict[tuple[str, ...], Layer] = {}
        for path in sorted(self.objects.texts, key=len):
            place = self.graph.at(list(path))
            inside = any(path[:length] in found for length in range(len(path)))
            if place is None or inside or not path or "keras_api" in path:
                continue
            told = self.objects.get(path)
            entry = {"class_name": str(told.get("class_name")), "name": told.get("name"), "config": plain_dict(told.get("config"))}
            found[path] = build_layer(entry, self.dialect)
            self.layer(found[path], place)
        name, class_name = (str(about.get(key) or "Model") for key in ("name", "class_name"))
        return Model(name, class_name, list(found.values()), config=plain_dict(about.get("config")))


def variables_alone(name: str, graph: ObjectGraph | None, weights: dict[str, Weight]) -> Model:
    """The variables of a SavedModel without layers, under the names that they had; under their keys where two had the same."""
    had = {node.key: node.name for node in graph.nodes if node.key and node.name} if graph is not None else {}
    named: dict[str, Weight] = {}
    for key, weight in weights.items():
        name_had = had.get(key, weight.path)
        named[unused_name(weight.path if name_had in named else name_had, named)] = weight
    return Model(name, "", bare.layers_of_anything(named), arrays_only=True, notes=[WITHOUT_KERAS])
