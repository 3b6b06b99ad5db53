"""A walk through the network that reads each weight once: bounds of every unit, and which units anything depends on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from weightlens.auditing.numbers import boxes
from weightlens.auditing.numbers.boxes import UNKNOWN, Box
from weightlens.auditing.numbers.weight_facts import WeightFacts, facts_of
from weightlens.call_order import calls_in_order, refs
from weightlens.model import Layer, Model, Ref, Weight
from weightlens.specs.registry import spec_of

CONVOLUTIONS = ("convolution.convolutional.conv", "convolution.convolutional.conv_transpose")
SEPARABLE = "convolution.convolutional.separable_conv"
PRODUCTS = frozenset({"core.dense", *CONVOLUTIONS})  # by the function that a class computes
PASSING = (
    "reshaping.flatten",
    "reshaping.repeat_vector",
    "reshaping.cropping",
    "reshaping.up_sampling",
    "sequence.masking",
)
POOLING = "convolution.pooling."
GLOBAL = (
    "convolution.pooling.global_max_pooling",
    "convolution.pooling.global_average_pooling",
    "convolution.pooling.global_average_pooling_1d",
)
BETWEEN_ONES = ("recurrent.rnn.lstm", "recurrent.rnn.gru", "recurrent.rnn.simple_rnn")
ACTIVATIONS = "activation_layers."
KERNELS = ("kernel", "recurrent_kernel", "embeddings", "pointwise_kernel")
NOT_MATRICES = ("attention.", "einsum.", "convolution.locally_connected.")  # beginnings of functions


@dataclass
class Units:
    """What the walk found: the facts of every weight, and by layer which units are dead or have no effect, which outputs never change."""

    facts: dict[int, WeightFacts] = field(default_factory=dict)
    dead: dict[str, np.ndarray] = field(default_factory=dict)
    effect: dict[str, np.ndarray] = field(default_factory=dict)
    constant: list[tuple[str, list[float]]] = field(default_factory=list)
    box: list[float] = field(default_factory=list)  # the largest size that is taken of each input; empty if any is possible
    refuted: bool = False  # the network has seen other numbers in training than the input box has

    def read(self, layer: Layer, key: str, weight: Weight, bounds: Box | None = None) -> WeightFacts:
        """The facts of a weight of this layer; with ``bounds``, of what it makes of them too."""
        if not weight.is_numeric or (id(weight) in self.facts and bounds is None):
            return self.facts.setdefault(id(weight), WeightFacts(weight.shape, weight.size))
        matrix = key.rpartition("/")[2] in KERNELS and len(weight.shape) > 1 and not computed_by(layer).startswith(NOT_MATRICES)
        swapped = is_transposed(layer) and len(weight.shape) > 2
        sides = None if bounds is None else (bounds.low, bounds.high)
        self.facts[id(weight)] = facts_of(weight, matrix, swapped, sides)
        return self.facts[id(weight)]

    def use(self, given: Box, rows: np.ndarray | None = None) -> None:
        """Note that something depends on these units: on all, or on those whose rows of the next kernel are not 0."""
        if given.parts:
            self.use_parts(given.parts, rows)
        if not given.origin:
            return
        effect = self.effect[given.origin]
        used = np.ones(len(effect), bool)
        if rows is not None and len(given.low) == len(effect):
            used = rows.reshape(-1, len(effect)).max(axis=0) > 0
        if given.alive is not None and len(given.alive) == len(effect):
            used &= given.alive
        effect |= used

    def use_parts(self, parts: tuple[Box, ...], rows: np.ndarray | None) -> None:
        """Note that something depends on the units of joined tensors: each has its own rows of the next kernel, if the numbers fit."""
        ends = np.cumsum([len(one.low) for one in parts])
        table = None if rows is None or rows.shape[-1] != ends[-1] else rows
        for one, end in zip(parts, ends, strict=True):
            self.use(one, None if table is None else table[..., end - len(one.low) : end])

    def cut(self, given: Box) -> None:
        """Note which units never get past a relu."""
        if given.origin and len(given.high) == len(self.effect[given.origin]):
            below = given.high <= 0
            self.dead[given.origin] = below & self.dead.get(given.origin, below)


def computed_by(layer: Layer) -> str:
    """The function that computes a layer, ``core.dense``; empty where it is none of Keras's."""
    function = spec_of(layer).function
    return function if isinstance(function, str) else ""


def is_product(layer: Layer) -> bool:
    """Whether a layer multiplies by one kernel, whose columns are its units: dense and convolutional layers."""
    return computed_by(layer) in PRODUCTS


def multiplies(layer: Layer) -> bool:
    """Whether a layer multiplies what comes in by its kernels as matrices: dense, convolutional, separable and recurrent layers."""
    return computed_by(layer) in (*PRODUCTS, *BETWEEN_ONES, SEPARABLE)


def is_transposed(layer: Layer) -> bool:
    """Whether the units are the last axis but one of its kernel."""
    return computed_by(layer) == CONVOLUTIONS[1]


def walk(model: Model) -> Units:
    """Follow the network from its inputs; where its own statistics tell of other inputs than are assumed, from any inputs."""
    found = walk_from(model, [boxes.input_box(model[ref.layer]) for ref in refs(model.inputs)])
    return walk_from(model, [UNKNOWN for _ in refs(model.inputs)]) if found.refuted else found


def walk_from(model: Model, inputs: list[Box]) -> Units:
    """Follow the network from these inputs to its outputs."""
    found = Units(box=[float(one.high.max()) for one in inputs if one is not UNKNOWN])
    if model.inputs and model.outputs:
        for ref, given in zip(refs(model.outputs), follow(model, inputs, found, ""), strict=True):
            found.use(given)
            if given.is_constant:
                found.constant.append((ref.layer, given.low[:8].tolist()))
    return found


def follow(model: Model, inputs: list[Box], found: Units, prefix: str) -> list[Box]:
    """The boxes of a model's outputs."""
    values: dict[Ref, Box] = dict(zip(refs(model.inputs), inputs, strict=False))
    for layer, number, call in calls_in_order(model):
        given = [values.get(ref, UNKNOWN) for ref in refs((call.args, call.kwargs))]
        for index, made in enumerate(step(layer, given, found, prefix + layer.name)):
            values[Ref(layer.name, number, index)] = made
    return [values.get(ref, UNKNOWN) for ref in refs(model.outputs)]


def step(layer: Layer, given: list[Box], found: Units, path: str) -> list[Box]:
    """The boxes of what one layer makes of these."""
    if layer.model is not None:
        return follow(layer.model, given, found, f"{path}/")
    if layer.is_operation or len(given) != 1:
        if len(given) > 1 and computed_by(layer) == "merging.concatenate":
            joined = boxes.joined(given)
            if joined.parts:
                return [joined]
        for one in given:
            found.use(one)
        return [boxes.merged(computed_by(layer), given) if len(given) > 1 else UNKNOWN]
    x = given[0]
    if is_product(layer) and "kernel" in layer.own_weights and not layer.config.get("quantization_mode"):
        return [product(layer, x, found, path)]
    return [passed(layer, x, found, path)]


def product(layer: Layer, x: Box, found: Units, path: str) -> Box:
    """The box after a Dense or convolutional layer, which becomes the origin of its units."""
    weight, is_dense = layer.own_weights["kernel"], computed_by(layer) not in CONVOLUTIONS
    into = weight.shape[-1 if is_transposed(layer) else -2] if len(weight.shape) > 1 else 1
    fits = into % len(x.low) == 0 and not x.first if is_dense else len(x.low) in (1, into)
    plain = fits and (layer.config.get("groups") or 1) == 1
    inside = x if plain else x.narrowed
    if not is_dense:  # zeros at the border, or between the steps of a transposed convolution
        inside = replace(inside, low=np.minimum(inside.low, 0.0), high=np.maximum(inside.high, 0.0))
    facts = found.read(layer, "kernel", weight, inside)
    found.use(x, facts.row_most.reshape(-1, into) if plain and not facts.nan and not facts.infinite else None)
    first = layer.config.get("data_format") == "channels_first"
    bias = layer.own_weights.get("bias")
    shift = np.zeros(facts.columns) if bias is None else np.asarray(bias.value, np.float64)
    if facts.nan or facts.infinite or shift.shape != facts.low.shape or not np.isfinite(shift).all():
        return replace(UNKNOWN, first=first)
    found.effect.setdefault(path, np.zeros(facts.columns, bool))
    return activation(layer.config.get("activation"), Box(facts.low + shift, facts.high + shift, path, first=first), found)


def activation(named: Any, given: Box, found: Units) -> Box:
    """The box after an activation; a relu is where units die."""
    if boxes.cuts(named):
        found.cut(given)
    if boxes.way_of(named) == "couples":  # every number that comes in has a say in every number that goes out, as in a softmax
        found.use(given)
    return boxes.activated(given, named)


def passed(layer: Layer, x: Box, found: Units, path: str) -> Box:
    """The box after a layer that is no product."""
    name, config = computed_by(layer), layer.config
    if name == "core.activation":
        return activation(config.get("activation"), x, found)
    if name.startswith(ACTIVATIONS):
        given = {key: config[key] for key in ("negative_slope", "max_value", "threshold", "alpha", "theta") if key in config}
        return activation({"class_name": layer.class_name, "config": given}, x, found)
    if name == "normalization.batch_normalization" and (ends := boxes.normalisation(layer)) is not None:
        found.refuted = found.refuted or boxes.contradicts(x, layer)
        if len(x.low) not in (1, len(ends[0])):  # the channels of a picture that was flattened
            found.use(x)
        return boxes.scaled(x, *ends)
    if name == "reshaping.reshape" and not x.parts:
        return replace(x, reshaped=True)
    if spec_of(layer).hands_on or name in PASSING or name.startswith(POOLING):
        return replace(x, first=x.first and name not in GLOBAL)
    if name == "reshaping.zero_padding":
        return replace(x, low=np.minimum(x.low, 0.0), high=np.maximum(x.high, 0.0))
    found.use(x)
    return fresh(layer, name, x, found)


def fresh(layer: Layer, name: str, x: Box, found: Units) -> Box:
    """The box after a layer whose channels are no longer the units of the one before."""
    config = layer.config
    if name == "normalization.rescaling":
        scale, offset = boxes.number(config.get("scale")), boxes.number(config.get("offset", 0.0))
        return UNKNOWN if scale is None or offset is None else boxes.scaled(x.narrowed, np.array([scale]), np.array([offset]))
    if name == "normalization.normalization":
        return boxes.box(-boxes.USUAL, boxes.USUAL)
    if name == "sequence.embedding" and "embeddings" in layer.own_weights:
        most = found.read(layer, "embeddings", layer.own_weights["embeddings"]).column_most
        return Box(-most, most) if len(most) else UNKNOWN
    if name in BETWEEN_ONES and config.get("activation") == "tanh" and "sigmoid" in str(config.get("recurrent_activation", "sigmoid")):
        return boxes.box(-1.0, 1.0)
    return UNKNOWN
