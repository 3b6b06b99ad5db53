"""Stateful networks: whether samples continue from the state of those before, and how many are computed together."""

from __future__ import annotations

from weightlens.call_order import every_layer, refs
from weightlens.model import Model


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
