"""What Keras says of its layers in a SavedModel: ``keras_metadata.pb``, or the object graph of older files (TensorFlow 2.0 to 2.4)."""

from __future__ import annotations

from typing import Any

from weightlens.errors import UnreadableModel
from weightlens.formats.architecture.config_values import parse_object
from weightlens.formats.architecture.layer_config import plain_dict
from weightlens.formats.savedmodel.container import GRAPH, METADATA, SavedModelFiles
from weightlens.formats.savedmodel.saved_graph import Path, SavedGraph
from weightlens.formats.savedmodel.wire import Damaged, Message, refusal
from weightlens.limits import DEPTH, VALUES

KERAS = "_tf_keras_"  # the beginning of what Keras calls its objects


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
        where = f"{self.label}: the metadata of {'.'.join(path) or 'the model'}"
        return parse_object(self.texts[path], where) if path in self.texts else {}

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
    told = ((found.text(3).split("."), found) for found in Message(data).messages(1) if found.text(4).startswith(KERAS))
    return {tuple(path[1:]): found.text(5) for path, found in told if len(path) <= DEPTH}


def from_graph(data: bytes) -> dict[Path, str]:
    """Texts by path in ``saved_model.pb``."""
    made = ((path, told) for path, node in SavedGraph(data).walk() for told in node.messages(4))
    return {path: told.text(3) for path, told in made if told.text(1).startswith(KERAS) and told.text(3)}
