"""A SavedModel as a network of Keras 2: built from its architecture, and filled by TensorFlow; its functions are not run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from weightlens.call_order import every_layer
from weightlens.errors import WeightlensError
from weightlens.files import scratch_folder
from weightlens.formats.beside import read_architecture
from weightlens.formats.savedmodel.container import saved_model_files
from weightlens.model import Model

VARIABLES = "variables/variables"  # the beginning of the names of all files with numbers


def open_saved_model(keras: ModuleType, model: Model, change: Callable[[Any], Any] | None = None) -> Any:
    """The network; ``change`` is applied to its configuration, and TensorFlow fills the unchanged network first.

    A vocabulary that is not in the configuration is the one that we read.
    """
    path = Path(model.provenance.path)
    if keras.__version__ >= "3":
        raise WeightlensError("it does not open a SavedModel")
    config = read_architecture(path)
    network = network_of(keras, config, model)
    with scratch_folder() as scratch:
        write_variables(path, scratch)
        network.load_weights(str(scratch / VARIABLES)).assert_existing_objects_matched().expect_partial()
    if change is None:
        return network
    changed = network_of(keras, change(config), model)
    changed.set_weights(network.get_weights())
    return changed


def network_of(keras: ModuleType, config: object, model: Model) -> Any:
    """The network of an architecture, with our vocabularies where it has none. Python code in it is never run."""
    text = json.dumps(config)
    if '"Lambda"' in text or "__lambda__" in text:
        raise WeightlensError("the architecture holds program code, which is never run")
    network = keras.models.model_from_json(text)
    words = {layer.name: layer.config["vocabulary"] for layer in every_layer(model, wrapped=False) if layer.config.get("vocabulary")}
    for layer in network._flatten_layers():
        if layer.name in words and getattr(getattr(layer, "_lookup_layer", layer), "input_vocabulary", words) is None:
            layer.set_vocabulary(words[layer.name])
    return network


def write_variables(path: Path, folder: Path) -> None:
    """Copy the files with the variables of a SavedModel."""
    files = saved_model_files(path)
    (folder / VARIABLES).parent.mkdir()
    for name in files.names():
        if name.startswith(VARIABLES) and name.count("/") == 1:
            source = files.open(name)
            with source.open("rb") if isinstance(source, Path) else source as old, (folder / name).open("wb") as new:
                old.seek(0)
                shutil.copyfileobj(old, new)
