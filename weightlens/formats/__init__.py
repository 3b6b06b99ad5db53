"""Reading saved Keras models of every version: the bytes of a file become a ``Model``; weights are read when accessed."""

from __future__ import annotations

import os
from pathlib import Path

from weightlens.errors import UnreadableModel, WeightlensError, first_line
from weightlens.formats.beside import find_architecture
from weightlens.formats.contents import is_saved_model, is_tfjs
from weightlens.formats.detect import read_model, shard_files
from weightlens.model import Model

__all__ = ["files_of", "load"]


def load(path: str | os.PathLike[str], config: str | os.PathLike[str] | None = None) -> Model:
    """The model saved at ``path``. ``config``: the architecture (.json, .yaml) of a file that holds weights only."""
    try:
        model = read_model(Path(path), None if config is None else Path(config))
    except WeightlensError:
        raise
    except Exception as error:  # a hostile or damaged file can fail in any way; the user gets one line
        raise UnreadableModel(f"{Path(path).name}: not a model that can be read ({type(error).__name__}: {first_line(error)})") from error
    for layer in model.layers:
        layer.own_its_weights()
    return model


def files_of(model: Model | str | os.PathLike[str]) -> list[tuple[str, Path]]:
    """Every file that a model is or will be read from, with a label: the model, its architecture, its shards, its folder's files."""
    name, known = (model.provenance.path, model.provenance.architecture) if isinstance(model, Model) else (model, "")
    path = Path(name)
    if (path / "config.json").is_file():
        return [("the model", path), *(("a part of the model", part) for part in path.rglob("*"))]
    if is_saved_model(path):
        return [("the model", path), *(("a part of the model", part) for part in (*path.glob("*.pb"), *path.glob("variables/*")))]
    if is_tfjs(path / "model.json"):
        path /= "model.json"
    if not path.is_file():  # made in memory, or nothing that can be read
        return []
    beside = Path(known) if known else find_architecture(path)
    files = [("the model", path), *(("a part of the model", part) for part in shard_files(path))]
    return files if beside is None else [*files, ("its architecture", beside)]
