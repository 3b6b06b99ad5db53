"""The search for small whole numbers that keep classes: every array is enlarged and rounded, then single numbers are mended.

It is coordinate descent: the size of one array, or one number, is changed while all others stay; what answers better is kept.
Nothing in it is random, so the same model and samples give the same numbers. The class, and how clearly a network answers with it, is
told by the numbers before its last softmax or sigmoid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from weightlens.call_order import every_layer, refs
from weightlens.engine.forward import predict
from weightlens.engine.logits import is_activated
from weightlens.engine.run import Weights
from weightlens.errors import BadInput
from weightlens.model import Layer, Model, Ref, Weight
from weightlens.specs.registry import spec_of
from weightlens.training import recipe_of

CLEAR = 1e-5  # a class is clear where it leads by this share of what is usual: more than float32 rounds away
FINER = 2.0**0.25  # from one size of an array that is tried to the next
SIZES = 20  # that are tried of each array
ROUNDS = 2  # of sizes, through all arrays
SWEEPS = 6  # of steps, through all numbers


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
    if last is not None and one_of and np.ravel(last.config.get("axis", -1)).tolist() not in ([-1], [scores.ndim - 1]):
        raise BadInput(f"layer {last.name!r} at the end is a softmax along another axis than the last, along which a twin keeps classes")
    if not np.isfinite(scores).all():
        raise BadInput(f"{model.name} answers some samples with NaN or infinity, which is no class")
    wanted = np.arange(scores.shape[-1]) == scores.argmax(axis=-1)[..., None] if one_of else scores > 0
    return Answers(before, inputs, one_of, wanted)


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


@dataclass(frozen=True, eq=False)
class Place:
    """An array that may change: its weight, and where its numbers are now: under ``name`` in the arrays of its layer."""

    weight: Weight
    arrays: Weights
    name: str

    @property
    def value(self) -> np.ndarray:
        """Its numbers now."""
        array: np.ndarray = self.arrays[self.name]
        return array

    def put(self, value: np.ndarray) -> None:
        """Change its numbers."""
        self.arrays[self.name] = value


@dataclass(frozen=True, eq=False)
class Score:
    """How well a network answers: how many samples keep their class, and how far the ``wrong`` ones are ``off`` (0, or negative).

    Both are told in multiples of the ``usual`` lead of a class.
    """

    kept: int
    off: float
    usual: float
    wrong: np.ndarray

    def __gt__(self, other: Score) -> bool:
        return (self.kept, self.off) > (other.kept, other.off)


class Search:
    """The numbers of a network on their way to multiples of ``step`` (1, or 1/2) that keep the classes of all samples.

    ``advance`` is called after each array that was rounded and each number that was tried.
    """

    def __init__(self, answers: Answers, step: float, advance: Callable[[int], None]) -> None:
        self.answers, self.step, self.advance = answers, step, advance
        self.weights: dict[int, Weights] = {}
        self.places: list[Place] = []
        for layer in every_layer(answers.model):
            arrays: Weights = {name: np.asarray(weight.value) for name, weight in layer.own_weights.items()}
            self.weights[id(layer)] = arrays
            self.places += [Place(weight, arrays, name) for name, weight in layer.own_weights.items() if is_searched(weight)]

    def score(self) -> Score:
        """How well the network answers now."""
        leads = self.answers.leads(self.weights)
        finite = np.abs(leads[np.isfinite(leads)])
        usual = float(finite.sum()) / max(finite.size, 1) or 1.0
        leads = leads / usual - CLEAR
        right = leads > 0
        return Score(int(right.sum()), float(np.minimum(leads, 0).sum()), usual, np.flatnonzero(~right))

    def may_help(self, best: Score) -> bool:
        """Whether the samples that have lost their class come nearer to it now; the others are not looked at."""
        leads = self.answers.leads(self.weights, best.wrong) / best.usual - CLEAR
        return float(np.minimum(leads, 0).sum()) > best.off

    def round(self, limit: float) -> Score:
        """Round every array, each in the size at which most samples keep their class."""
        for place in self.places:
            place.put(self.rounded(place, limit / largest(place), limit))
        best = self.score()
        for place in self.places * ROUNDS:
            now = place.value
            for size in limit / largest(place) * FINER ** np.arange(SIZES // 4, -SIZES * 3 // 4, -1):
                place.put(self.rounded(place, size, limit))
                score = self.score()
                best, now = (score, place.value) if score > best else (best, now)
            place.put(now)
            self.advance(1)
        return best

    def rounded(self, place: Place, size: float, limit: float) -> np.ndarray:
        """The numbers of the file, ``size`` times as large, rounded; none beyond the limit."""
        return np.clip(np.rint(np.asarray(place.weight.value, np.float64) * size / self.step) * self.step, -limit, limit) + 0.0

    def mend(self, limit: float, best: Score) -> Score:
        """Change single numbers by one step where that helps, until all samples keep their class or nothing helps any more."""
        for _ in range(SWEEPS):
            before = best
            for place in self.places:
                for index in np.ndindex(place.value.shape):
                    if not best.wrong.size:
                        return best
                    best = self.try_steps(place, index, limit, best)
                    self.advance(1)
            if not best > before:
                break
        return best

    def try_steps(self, place: Place, index: tuple[int, ...], limit: float, best: Score) -> Score:
        """One number a step up or down, if that is better."""
        numbers, now = place.value, float(place.value[index])
        for step in (self.step, -self.step):
            if abs(now + step) <= limit:
                numbers[index] = now + step
                if self.may_help(best) and (score := self.score()) > best:
                    return score
        numbers[index] = now
        return best


def is_searched(weight: Weight) -> bool:
    """Whether the numbers of a weight are searched for: those that are floating-point numbers."""
    return weight.is_floating and weight.size > 0


def largest(place: Place) -> float:
    """The size of the largest number of an array in the file."""
    return float(np.abs(place.weight.value).max()) or 1.0
