"""The objects of a checkpoint: a graph of names, from the model over its layers to their variables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from weightlens import limits
from weightlens.formats.savedmodel.wire import Damaged, Message

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"  # the key of its text in the bundle
MADE_BY_KERAS = ("keras_api", "variables", "trainable_variables", "non_trainable_variables")  # lists beside the attributes


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
