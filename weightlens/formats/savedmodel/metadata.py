"""What Keras says of its layers in a SavedModel: ``keras_metadata.pb``, or the object graph of older files (TensorFlow 2.0 to 2.4)."""

from __future__ import annotations

from collections import deque
from typing import Any

from weightlens.errors import UnreadableModel
from weightlens.formats.architecture.config_values import parse_object
from weightlens.formats.architecture.layer_config import plain_dict
from weightlens.formats.savedmodel.container import GRAPH, METADATA, SavedModelFiles
from weightlens.formats.savedmodel.wire import Damaged, Message, refusal
from weightlens.limits import DEPTH, OBJECTS, VALUES

KERAS = "_tf_keras_"  # the beginning of what Keras calls its objects
Path = tuple[str, ...]  # of names, from the model


class KerasObjects:
    """The text about each layer by its path in the object graph; parsed when it is asked for."""

    def __init__(self, files: SavedModelFiles) -> None:
        self.label = files.label
        self.texts: dict[Path, str] = {}
        for name, read in ((METADATA, from_metadata), (GRAPH, from_graph)):
            if not self.texts and files.has(name):
                try:
                    self.texts = read(files.read(name))
                except Damaged as error:
                    raise refusal(f"{files.label}: {name}", error) from None
        if sum(text.count(",") for text in self.texts.values()) > VALUES:
            raise UnreadableModel(f"{files.label}: its metadata holds more values than any that Keras writes")

    def get(self, path: Path) -> dict[str, Any]:
        """What is said of the object at a path; empty if nothing is."""
        return parse_object(self.texts[path], f"the metadata of {'.'.join(path) or 'the model'}") if path in self.texts else {}

    def architecture(self) -> dict[str, Any] | None:
        """The entry of a model whose layers are stated; ``None`` for a class of somebody's own.

        It is there twice; ``model_config`` lacks the vocabularies.
        """
        about = self.get(())
        for entry in (about, plain_dict(about.get("model_config"))):
            config = entry.get("config")
            if isinstance(config, list) or (isinstance(config, dict) and isinstance(config.get("layers"), list)):
                said = {key: about[key] for key in ("keras_version", "backend") if about.get(key)}
                return {**said, "class_name": entry.get("class_name"), "config": config}
        return None


def from_metadata(data: bytes) -> dict[Path, str]:
    """Texts by path in ``keras_metadata.pb``, where a path is written ``root.layer-0.cell``."""
    objects = Message(data).messages(1)
    return {tuple(found.text(3).split(".")[1:]): found.text(5) for found in objects if found.text(4).startswith(KERAS)}


def from_graph(data: bytes) -> dict[Path, str]:
    """Texts by path in ``saved_model.pb``, whose objects are numbered."""
    graphs = [found for meta in Message(data).messages(2)[:1] for found in meta.messages(7)]
    nodes = graphs[0].messages(1) if graphs else []
    if len(nodes) > OBJECTS:
        raise Damaged("more objects than any model has")
    texts: dict[Path, str] = {}
    waiting: deque[tuple[int, Path]] = deque([(0, ())] if nodes else [])
    seen = set()
    while waiting:
        number, path = waiting.popleft()
        if number in seen or number >= len(nodes) or len(path) > DEPTH:
            continue
        seen.add(number)
        for made in nodes[number].messages(4):
            if made.text(1).startswith(KERAS) and made.text(3):
                texts[path] = made.text(3)
        waiting.extend((child.number(1), (*path, child.text(2))) for child in nodes[number].messages(1))
    return texts
