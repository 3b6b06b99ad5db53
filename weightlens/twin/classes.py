"""The class of every sample, and how clearly a network answers with it: told by the numbers before its last softmax or sigmoid."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from weightlens.call_order import refs
from weightlens.engine.forward import predict
from weightlens.engine.logits import is_activated
from weightlens.engine.run import Weights
from weightlens.errors import BadInput
from weightlens.model import Layer, Model, Ref
from weightlens.specs.registry import spec_of
from weightlens.training import recipe_of


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network has to answer: it gives ``scores``, the numbers before its last activation.

    ``wanted`` holds for each score whether it is to be high: with ``one_of`` the class is the highest score, else every score
    above 0 is a yes.
    """

    model: Model
    inputs: list[np.ndarray]
    one_of: bool
    wanted: np.ndarray

    @np.errstate(invalid="ignore")  # two infinite scores have no difference
    def leads(self, weights: dict[int, Weights], samples: slice | np.ndarray = slice(None)) -> np.ndarray:
        """How far each sample is on the right side, negative on the wrong one; ``weights`` by the ``id`` of their layers."""
        wanted = self.wanted[samples]
        scores = predict(self.model, [x[samples] for x in self.inputs], weights=weights)[0]
        if self.one_of:
            lead = np.where(wanted, scores, np.inf).min(axis=-1) - np.where(wanted, -np.inf, scores).max(axis=-1)
        else:
            lead = np.where(wanted, scores, -scores)
        smallest = np.where(np.isnan(lead), -np.inf, lead).reshape(len(wanted), -1).min(axis=1)
        return np.asarray(smallest)


def answers_of(model: Model, inputs: list[np.ndarray]) -> Answers:
    """What the network answers now. Raises ``BadInput`` where it has no classes."""
    before, last = before_activation(model)
    ending = "" if last is None else str(last.config.get("activation") or last.class_name).lower()
    scores = predict(before, inputs)[0]
    loss = recipe_of(model).loss or ""
    one_of = ending == "softmax" or "categorical" in loss.lower()
    if not (one_of or ending == "sigmoid") or scores.ndim < 2 or (one_of and scores.shape[-1] < 2):
        raise BadInput(f"{model.name} ends in neither softmax nor sigmoid, so no classes are known that its twin could keep")
    if last is not None and one_of and not is_along_last_axis(last, scores.ndim):
        raise BadInput(f"layer {last.name!r} at the end is a softmax along another axis than the last, along which a twin keeps classes")
    if not np.isfinite(scores).all():
        raise BadInput(f"{model.name} answers some samples with NaN or infinity, which is no class")
    wanted = np.arange(scores.shape[-1]) == scores.argmax(axis=-1)[..., None] if one_of else scores > 0
    return Answers(before, inputs, one_of, wanted)


def is_along_last_axis(layer: Layer, rank: int) -> bool:
    """Whether an activation compares the numbers along the last of so many axes."""
    return np.ravel(layer.config.get("axis", -1)).tolist() in ([-1], [rank - 1])


def before_activation(model: Model) -> tuple[Model, Layer | None]:
    """The model without the softmax or sigmoid at its end, and the layer that had it; ``None`` without one."""
    outputs = list(refs(model.outputs))
    if len(outputs) != 1:
        raise BadInput(f"{model.name} has {len(outputs)} outputs; a twin keeps the classes of one")
    layer, call = model[outputs[0].layer], outputs[0].call
    if layer.model is not None:
        inner, last = before_activation(layer.model)
        return with_layer(model, layer, replace(layer, model=inner)), last
    passed_on = next(refs(layer.calls[call].args), None) if layer.calls else None
    if isinstance(passed_on, Ref) and spec_of(layer).hands_on:
        return before_activation(replace(model, outputs=[passed_on]))
    if not is_activated(layer):
        return model, None
    if passed_on is not None and (layer.is_operation or spec_of(layer).only_activation):
        return replace(model, outputs=[passed_on]), layer
    if len(layer.calls) > 1:
        raise BadInput(f"layer {layer.name!r} at the end is called {len(layer.calls)} times; a twin of such a network is not searched for")
    return with_layer(model, layer, replace(layer, config=layer.config | {"activation": "linear"})), layer


def with_layer(model: Model, old: Layer, new: Layer) -> Model:
    """The model with another layer in the place of one."""
    return replace(model, layers=[new if layer is old else layer for layer in model.layers])
