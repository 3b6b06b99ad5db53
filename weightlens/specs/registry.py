"""Every layer class by its name, read category by category: most networks need one or two of them."""

from __future__ import annotations

import importlib
from collections import UserDict
from collections.abc import Iterator
from typing import Any

from weightlens.specs.layer import LayerSpec

CATEGORIES = (
    "core", "convolutional", "pooling", "reshaping", "regularization", "normalization", "merging", "recurrent", "attention",
    "preprocessing", "applications", "legacy",
)  # fmt: skip


class Table(UserDict[str, LayerSpec]):
    """``LayerSpec`` by class. A category is read when a class is looked for that is in none of those before it."""

    def __init__(self) -> None:
        super().__init__()
        self.unread = list(CATEGORIES)

    def read(self) -> None:
        """Read the next category."""
        self.data |= importlib.import_module(f"weightlens.specs.families.{self.unread.pop(0)}_specs").LAYERS

    def __contains__(self, name: object) -> bool:
        while name not in self.data and self.unread:
            self.read()
        return name in self.data

    def __getitem__(self, name: str) -> LayerSpec:
        if name in self:
            return self.data[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        while self.unread:
            self.read()
        return iter(self.data)

    def __len__(self) -> int:
        return sum(1 for _ in self)


UNKNOWN = LayerSpec(function=None)  # a class of which nothing is known
SPECS = Table()
REGISTERED: set[str] = set()  # those of them that are the user's


def spec(class_name: str) -> LayerSpec:
    """What is known of a class; ``UNKNOWN`` where it is none of Keras's and nobody has registered it."""
    return SPECS.get(class_name, UNKNOWN)


def spec_of(layer: Any) -> LayerSpec:
    """What is known of a layer, by its class; of an operator or a model, whose class may be called like a layer's, nothing."""
    return UNKNOWN if layer.is_operation or layer.model is not None else spec(layer.class_name)
