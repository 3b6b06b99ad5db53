"""Reading saved Keras models of every version: the bytes of a file become a ``Model``; weights are read when accessed."""

from __future__ import annotations

import os
from pathlib import Path

from weightlens.call_order import every_layer
from weightlens.errors import BadInput, UnreadableModel, WeightlensError, first_line
from weightlens.formats.beside import find_architecture
from weightlens.formats.containers.contents import is_saved_model, model_json
from weightlens.formats.detect import read_model, shard_files
from weightlens.model import Model

__all__ = ["files_of", "load"]


def load(path: str | os.PathLike[str] | object, config: str | os.PathLike[str] | None = None) -> Model:
    """The model saved at ``path``, or the one in memory: a Keras model, bytes, or an open binary file.

    ``config``: the architecture (.json, .yaml) of a file that holds weights only. A ``Model`` is returned as it is.
    """
    if isinstance(path, Model):
        if config is not None:
            raise BadInput("a model that was loaded already has its architecture; give config with the file of weights")
        return path
    given = Path(path).name if isinstance(path, str | os.PathLike) else type(path).__name__
    try:
        if isinstance(path, str | os.PathLike):
            model = read_model(path_of(path), None if config is None else path_of(config))
        else:
            model = read_object(path)
    except WeightlensError:
        raise
    except Exception as error:  # a hostile or damaged file can fail in any way; the user gets one line
        raise UnreadableModel(f"{given}: not a model that can be read ({type(error).__name__}: {first_line(error)})") from error
    for layer in every_layer(model):  # each weight knows its kind of layer; not the layer itself, which would keep the file open
        for weight in layer.own_weights.values():
            weight.owner = layer.class_name, layer.config
    return model


def path_of(given: str | os.PathLike[str]) -> Path:
    """A path, or what behaves like one in place of a URL."""
    if isinstance(given, str) and "://" in given:
        if given.startswith("file://") and "::" not in given:
            return Path(given.removeprefix("file://"))
        from weightlens.formats.remote import RemotePath

        remote: Path = RemotePath(given)
        return remote
    return Path(given)


def read_object(given: object) -> Model:
    """The model in memory: a network of Keras, the bytes of a file, or an open binary file."""
    from weightlens.formats.live import is_live, read_live

    if is_live(given):
        return read_live(given)
    data = given.read() if hasattr(given, "read") else given
    if not isinstance(data, bytes | bytearray | memoryview):
        raise BadInput(f"a model is a path, an open binary file, bytes or a Keras model, not {type(given).__name__}")
    import shutil
    import tempfile
    import weakref

    folder = Path(tempfile.mkdtemp(prefix="weightlens-"))  # lasts as long as the model, which reads its weights from it
    path = folder / (Path(str(getattr(given, "name", ""))).name or "model")
    try:
        path.write_bytes(data)
        model = read_model(path, None)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    model.provenance.closers.insert(0, weakref.finalize(model, shutil.rmtree, folder, ignore_errors=True))
    return model


def is_part(place: Path) -> bool:
    """Whether a SavedModel is read from what is at this place in its folder."""
    return place.suffix == ".pb" or place.parts[0].startswith(("variables", "assets"))


def files_of(model: Model | str | os.PathLike[str]) -> list[tuple[str, Path]]:
    """Every file that a model is or will be read from, with a label: the model, its architecture, its shards, its folder's files."""
    name, known = (model.provenance.path, model.provenance.architecture) if isinstance(model, Model) else (model, "")
    if not name:  # made in memory
        return []
    path = Path(name)
    saved = is_saved_model(path)
    if saved or (path / "config.json").is_file():
        from weightlens.formats.patterns import everything_in

        inside = (part for part in everything_in(path) if not saved or is_part(part.relative_to(path)))
        return [("the model", path), *(("a part of the model", part) for part in inside)]
    path = model_json(path)
    if not path.is_file():  # nothing that can be read
        return []
    beside = Path(known) if known else find_architecture(path)
    files = [("the model", path), *(("a part of the model", part) for part in shard_files(path))]
    return files if beside is None else [*files, ("its architecture", beside)]
