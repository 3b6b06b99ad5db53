"""Reading saved Keras models of every version: bytes on disk become a ``Model`` whose weights are read when touched."""

from __future__ import annotations

import os
from pathlib import Path

from weightlens.errors import UnreadableModel, WeightlensError
from weightlens.formats.detect import read
from weightlens.formats.hdf5 import first_line
from weightlens.model import Model

__all__ = ["load"]


def load(path: str | os.PathLike[str], config: str | os.PathLike[str] | None = None) -> Model:
    """The model saved at ``path``. ``config``: the architecture (.json, .yaml) of a file that holds weights only."""
    try:
        model = read(Path(path), None if config is None else Path(config))
    except WeightlensError:
        raise
    except Exception as error:  # a hostile or damaged file can fail in any way; the user gets one line
        raise UnreadableModel(f"{Path(path).name}: not a model that can be read ({type(error).__name__}: {first_line(error)})") from error
    for layer in model.layers:
        layer.own_its_weights()
    return model
