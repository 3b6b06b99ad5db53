"""What a model asks for, input by input; and whether its samples go on from the state of those before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from weightlens.call_order import every_layer, keys_of, refs, tensors_into
from weightlens.errors import BadInput
from weightlens.model import Layer, Model
from weightlens.specs.sizes import Shape


class Wanted(NamedTuple):
    """One input of the model: its name, the shape of a sample (``None``: any length), whether it takes text, how many samples if fixed.

    ``key``: what the model calls it, where it takes a dict.
    """

    name: str
    shape: Shape | None
    text: bool = False
    batch: int | None = None
    key: str = ""

    @property
    def size(self) -> int | None:
        """How many numbers a sample has, where that is fixed."""
        if self.shape is None or None in self.shape:
            return None
        return math.prod(n or 0 for n in self.shape)


def wanted_inputs(model: Model) -> list[Wanted]:
    """What the model asks for, input by input."""
    wanted = []
    keys = keys_of(model.inputs)
    for place, ref in enumerate(refs(model.inputs)):
        layer = model[ref.layer]
        shape = layer.config.get("batch_shape") or None
        if shape and not all(n is None or (isinstance(n, int) and n >= 0) for n in shape):
            raise BadInput(f"input {ref.layer!r} has the shape {shape}, which no array has")
        text = layer.config.get("dtype") == "string"
        one = Wanted(ref.layer, tuple(shape[1:]), text, shape[0]) if shape else Wanted(ref.layer, None, text)
        wanted.append(one._replace(key=keys[place]) if keys else one)
    if not wanted:
        raise BadInput(model.why_nothing_runs)
    return wanted


def spellings(wanted: Sequence[Wanted]) -> list[list[str]]:
    """What each input may be called: its key, and its name unless that is the key of another."""
    keys = {w.key for w in wanted}
    return [[*([w.key] if w.key else []), *([w.name] if w.name not in keys else [])] for w in wanted]


def name_list(names: Sequence[str]) -> str:
    """The first few names, and ``...`` if there are more."""
    return ", ".join(names[:8]) + ", ..." * (len(names) > 8)


def first_users(model: Model, name: str, depth: int = 0) -> list[Layer]:
    """The layers that take an input directly, those inside nested models included."""
    users = [layer for layer in model.layers for call in layer.calls if any(ref.layer == name for ref in tensors_into(call))]
    inner = [
        u
        for user in users
        if user.model and depth < 8
        for ref in refs(user.model.inputs)
        for u in first_users(user.model, ref.layer, depth + 1)
    ]
    return [user for user in users if not user.model] + inner


def with_length(asked: Shape | None, shape: tuple[int, ...], length: int) -> tuple[int, ...]:
    """A shape whose open dimensions are at least so long."""
    return tuple(max(n, length) if want is None else n for want, n in zip(asked, shape, strict=True)) if asked else shape


def batch_size(model: Model) -> int | None:
    """The batch size, if the model fixes it."""
    shapes = (model[ref.layer].config.get("batch_shape") for ref in refs(model.inputs))
    return next((shape[0] for shape in shapes if shape and isinstance(shape[0], int) and shape[0] > 0), None)


def is_stateful(model: Model) -> bool:
    """Whether any layer, also wrapped or nested, keeps its state from one batch to the next."""
    return any(layer.config.get("stateful") is True for layer in every_layer(model))


def state_note(model: Model, samples: int) -> str:
    """A note for several samples in a stateful network; else empty."""
    batch = batch_size(model)
    if not is_stateful(model) or samples <= (batch or 1):
        return ""
    if batch is None:
        return "the network is stateful, but the file does not fix the size of a batch: each sample starts from a state of zeros"
    return f"the network is stateful: each batch of {batch} goes on from the state of the one before it, as in predict(batch_size={batch})"
