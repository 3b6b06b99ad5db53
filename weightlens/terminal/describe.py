"""A model as a flat list of layers, nested ones included, with facts about each."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from weightlens.errors import unknown
from weightlens.model import Layer, Model, Weight
from weightlens.specs.activation import named_function
from weightlens.specs.sizes import shape_words

HASHED = 16 * 2**20  # bytes of a file whose sha256 costs nothing worth mentioning
PLAIN_KEYS = {"name", "dtype", "trainable", "activation", "batch_shape", "batch_input_shape", "layer", "layers", "build_config"}
UNPLACED = "not placed in any layer"  # the heading of such arrays
BORING = ("initializer", "regularizer", "constraint", "_module", "seed", "ragged", "sparse")


class Entry(NamedTuple):
    """One layer in the list: ``path`` is ``inner/dense`` in a nested model; inner layers have entries of their own."""

    path: str
    layer: Layer
    weights: dict[str, Weight]
    depth: int = 0


def layer_entries(model: Model, prefix: str = "", depth: int = 0) -> Iterator[Entry]:
    """Every layer in file order, each nested model followed by its layers."""
    for layer in model.layers:
        own = dict(layer.own_weights)
        for name, inner in layer.inner.items():
            own |= {f"{name}/{key}": weight for key, weight in inner.weights.items()}
        yield Entry(prefix + layer.name, layer, own, depth)
        if layer.model is not None:
            yield from layer_entries(layer.model, f"{prefix}{layer.name}/", depth + 1)


def is_under(path: str, layer: str) -> bool:
    """Whether this is the path of a layer, or of one inside it."""
    return path == layer or path.startswith(layer + "/")


def is_called(entry: Entry, name: str) -> bool:
    """Whether a layer has this name, or a path or name like this pattern."""
    own = entry.layer.name
    return own == name or (any(sign in name for sign in "*?[") and any(fnmatch.fnmatchcase(text, name) for text in (entry.path, own)))


def layers_called(model: Model, names: Iterable[str]) -> tuple[str, ...]:
    """The layers that are called so: by path, by name, or by a pattern of the shell (``conv*``). Raises ``BadInput`` where there is none.

    A layer whose name itself has such signs is found by its name; those in nested models by their own names, too.
    """
    entries = list(layer_entries(model))
    paths = [entry.path for entry in entries]
    found: list[str] = []
    for name in names:
        like = [name] if any(is_under(path, name) for path in paths) else [e.path for e in entries if is_called(e, name)]
        if not like:
            raise unknown("layer", name, paths)
        found += like
    return tuple(dict.fromkeys(found))


def activation_of(layer: Layer) -> str:
    """The activation's name; empty for a layer without one."""
    named = layer.config.get("activation")
    if named is None and layer.inner:
        return next(filter(None, map(activation_of, layer.inner.values())), "")
    return named_function(named)[0] if named else ""


def options_of(layer: Layer) -> str:
    """A layer's configuration in one line: ``units 2, use_bias yes``; options without effect on its output are left out."""
    parts = []
    for key, value in layer.config.items():
        is_plain_list = isinstance(value, list) and 0 < len(value) <= 6 and all(isinstance(item, (int, float, str)) for item in value)
        if key in PLAIN_KEYS or key.endswith(BORING) or value is None or (isinstance(value, (dict, list)) and not is_plain_list):
            continue
        words = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
        parts.append(f"{key} {' x '.join(map(str, value)) if is_plain_list else words}")
    return ", ".join(parts)


def output_shapes(model: Model) -> dict[str, str]:
    """The shape that each layer hands on; ``any`` where it depends on a length that is open."""
    from weightlens.engine.output_shapes import symbolic_shapes

    shapes = symbolic_shapes(model)
    return {path: ", ".join("any" if shape is None else shape_words(shape) for shape in outputs) for path, outputs in shapes.items()}


def sha256_of(path: str, always: bool = False) -> str:
    """The file's SHA-256 if it is small or the hash is ``always`` wanted; else nothing."""
    file = Path(path)
    if not file.is_file() or (not always and file.stat().st_size > HASHED):
        return ""
    import hashlib  # it takes its time to load

    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
