"""The objects of a checkpoint: a graph of names, from the model over its layers to their variables and vocabularies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from weightlens import limits
from weightlens.formats.savedmodel.container import GRAPH, SavedModelFiles
from weightlens.formats.savedmodel.saved_graph import Path, SavedGraph
from weightlens.formats.savedmodel.wire import Damaged, Message, refusal
from weightlens.model import Layer

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"  # the key of its text in the bundle
MADE_BY_KERAS = ("keras_api", "variables", "trainable_variables", "non_trainable_variables")  # lists beside the attributes
TABLES = {  # where each class has its table
    "StringLookup": ("lookup_table",), "IntegerLookup": ("lookup_table",), "TextVectorization": ("_lookup_layer", "lookup_table"),
}  # fmt: skip
WEIGHTED = "tf_idf"  # has weights as well, which are in no table


@dataclass
class Node:
    """An object: its members by name; of a variable, its key in the bundle and the name that its layer gave it."""

    members: dict[str, int] = field(default_factory=dict)
    key: str = ""
    name: str = ""


class ObjectGraph:
    """All objects by number; number 0 is the model."""

    def __init__(self, data: bytes) -> None:
        messages = Message(data).all(1)
        if not 0 < len(messages) <= limits.OBJECTS:
            raise Damaged("a graph without objects, or with more than any model has")
        self.nodes = [self._node(Message(message), len(messages)) for message in messages]

    def _node(self, message: Message, count: int) -> Node:
        node = Node()
        for member in message.messages(1):
            number = member.number(1)
            if number >= count:
                raise Damaged("a graph that names an object which is not in it")
            node.members[member.text(2)] = number
        for attribute in message.messages(2):
            if attribute.text(1) == "VARIABLE_VALUE":
                node.key, node.name = attribute.text(3), attribute.text(2)
        return node

    def at(self, path: list[str], start: int = 0) -> int | None:
        """The object at the end of a path of names."""
        for name in path:
            if (found := self.nodes[start].members.get(name)) is None:
                return None
            start = found
        return start

    def variables(self, number: int) -> list[int]:
        """The variables of a layer and of all in it: those that are trained first, as Keras lists them in ``.h5``."""
        lists = [self.at(path, number) for path in (["trainable_variables"], ["keras_api", "non_trainable_variables"], ["variables"])]
        if all(place is None for place in lists):
            return list(dict.fromkeys(self._reached(number)))
        return list(dict.fromkeys(found for place in lists if place is not None for found in self._listed(place)))

    def _listed(self, number: int) -> Iterator[int]:
        """The variables in a list."""
        members = self.nodes[number].members
        for name in sorted((name for name in members if name.isdecimal()), key=lambda name: (len(name), name)):
            if self.nodes[members[name]].key:
                yield members[name]

    def _reached(self, number: int) -> Iterator[int]:
        """The variables that an object's attributes lead to."""
        waiting, seen = [number], set()
        while waiting:
            here = waiting.pop()
            if here in seen:
                continue
            seen.add(here)
            if self.nodes[here].key:
                yield here
            waiting.extend(place for name, place in reversed(self.nodes[here].members.items()) if name not in MADE_BY_KERAS)


def is_without_vocabulary(layer: Layer) -> bool:
    """Whether a layer's vocabulary has to be looked for."""
    return layer.class_name in TABLES and layer.config.get("vocabulary") is None and layer.config.get("output_mode") != WEIGHTED


def fill_vocabularies(layers: list[tuple[Layer, Path]], files: SavedModelFiles) -> None:
    """Give layers at these paths the words of their tables, in the order of their numbers."""
    try:
        graph = SavedGraph(files.read(GRAPH))
        for layer, path in layers:
            if (found := graph.table((*path, *TABLES[layer.class_name]))) is not None:
                layer.note = layer.note or "its vocabulary was learned by adapt(), and is read from the lookup table in saved_model.pb"
                layer.config["vocabulary"] = in_order(*found, bool(layer.config.get("invert")))
    except Damaged as error:
        raise refusal(f"{files.label}: {GRAPH}", error) from None


def in_order(keys: list[str | int], values: list[str | int], invert: bool) -> list[str | int]:
    """The words of a table in the order of their numbers, which follow each other."""
    words, places = (values, keys) if invert else (keys, values)
    if len(words) != len(places) or not all(isinstance(place, int) for place in places):
        raise Damaged("a vocabulary without a number for each word")
    pairs = sorted(zip((int(place) for place in places), words, strict=True), key=lambda pair: pair[0])
    if [place for place, _ in pairs] != [pairs[0][0] + count for count in range(len(pairs))]:
        raise Damaged("a vocabulary whose numbers do not follow each other")
    return [word for _, word in pairs]
