"""``saved_model.pb``: TensorFlow's objects, and the constants that they were made with; its functions are not looked at."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterator

import numpy as np

from weightlens.formats.savedmodel.wire import Damaged, Message, varint
from weightlens.limits import DEPTH, OBJECTS, VALUES

Path = tuple[str, ...]  # of names, from the model
TEXT, INT64 = 7, 9  # TensorFlow's numbers of dtypes


class SavedGraph:
    """The objects by number, of which number 0 is the model, and the constants by name."""

    def __init__(self, data: bytes) -> None:
        self.first = next(iter(Message(data).messages(2)), Message(b""))
        self.objects = next(iter(self.first.messages(7)), Message(b""))
        self.nodes = self.objects.messages(1)
        if len(self.nodes) > OBJECTS:
            raise Damaged("more objects than any model has")

    def members(self, number: int) -> dict[str, int]:
        """The members of an object by name."""
        return {child.text(2): child.number(1) for child in self.nodes[number].messages(1) if child.number(1) < len(self.nodes)}

    def at(self, path: Path) -> int | None:
        """The object at the end of a path of names."""
        number: int | None = 0 if self.nodes else None
        for name in path:
            number = None if number is None else self.members(number).get(name)
        return number

    def walk(self) -> Iterator[tuple[Path, Message]]:
        """Every object once, with its shortest path."""
        waiting: deque[tuple[int, Path]] = deque([(0, ())] if self.nodes else [])
        seen = set()
        while waiting:
            number, path = waiting.popleft()
            if number not in seen and len(path) <= DEPTH:
                seen.add(number)
                yield path, self.nodes[number]
                waiting.extend((child, (*path, name)) for name, child in self.members(number).items())

    def table(self, path: Path) -> tuple[list[str | int], list[str | int]] | None:
        """The keys and the values that fill the lookup table at a path; ``None`` if it is not filled with constants."""
        number = self.at((*path, "_initialize"))
        made = [] if number is None else self.nodes[number].messages(6)
        name = made[0].text(1) if made else ""
        bound = self._bound_inputs.get(name, [])
        constants = [self.nodes[place].messages(9) for place in bound[1:] if place < len(self.nodes)]
        if len(bound) != 3 or not all(constants):
            return None
        keys, values = (self._constants.get(found[0].text(1)) for found in constants)
        return None if keys is None or values is None else (elements(keys), elements(values))

    @functools.cached_property
    def _bound_inputs(self) -> dict[str, list[int]]:
        """The objects that each function was given when it was made, by the function's name."""
        pairs = self.objects.messages(2)
        return {pair.text(1): [found for made in pair.messages(2) for found in numbers(made, 2)] for pair in pairs}

    @functools.cached_property
    def _constants(self) -> dict[str, Message]:
        """The constants of the graph by name."""
        found = {}
        for node in (node for graph in self.first.messages(2) for node in graph.messages(1)):
            if node.text(2) == "Const":
                values = [pair.messages(2) for pair in node.messages(5) if pair.text(1) == "value"]
                found[node.text(1)] = next((tensor for value in values for one in value for tensor in one.messages(8)), Message(b""))
        return found


def numbers(message: Message, field: int) -> list[int]:
    """A list of numbers, one by one or packed together."""
    found: list[int] = []
    for value in message.found.get(field, []):
        if isinstance(value, int):
            found.append(value)
            continue
        place = 0
        while place < len(value):
            one, place = varint(value, place)
            found.append(one)
    return found


def elements(tensor: Message) -> list[str | int]:
    """The texts or whole numbers of a constant; where fewer are listed than its shape has, the last one repeats."""
    count = 1
    for dim in (dim for shape in tensor.messages(2) for dim in shape.messages(2)):
        count *= dim.number(1)
    if count > VALUES:
        raise Damaged("a constant with more values than any that Keras writes")
    listed: list[str | int]
    if tensor.number(1) == TEXT:
        listed = [bytes(text).decode("utf-8", "replace") for text in tensor.all(8)]
    elif tensor.number(1) == INT64 and tensor.all(4):
        content = bytes(tensor.all(4)[-1])
        listed = np.frombuffer(content[: len(content) // 8 * 8], "<i8").tolist()
    elif tensor.number(1) == INT64:
        listed = [value - (1 << 64) if value >> 63 else value for value in numbers(tensor, 10)]
    else:
        raise Damaged("a table of something else than texts and whole numbers")
    if len(listed) > count or (count and not listed):
        raise Damaged("a constant with another number of values than its shape has")
    return listed + listed[-1:] * (count - len(listed))
