"""The rules that need data: units that are never on or always at their end, outputs that never change, predictions that int8 changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from weightlens.auditing.finding import Hit, units_hit
from weightlens.auditing.integrity import NO_SHAPES
from weightlens.auditing.numbers import boxes
from weightlens.auditing.numbers.units import computed_by, is_product, is_transposed
from weightlens.call_order import refs
from weightlens.engine.forward import trace
from weightlens.engine.run import Run
from weightlens.errors import BadInput
from weightlens.inputs.given import read_samples
from weightlens.model import Layer, Model
from weightlens.recording import Trace
from weightlens.specs.activation import named_function
from weightlens.specs.words.number_words import counted

MOST = 256  # samples
FEWEST = 8
ENDS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "hard_sigmoid_keras2": (0.0, 1.0)}
NEAR, SATURATED = 0.01, 0.95  # of the way from one end to the other; share of the samples
CHANGED = 0.01  # share of the predictions


def input_hits(model: Model, given: str) -> Iterator[Hit]:
    """What the rules say of a model and these inputs; nothing where it takes other inputs, or where there are few."""
    try:
        arrays = [array[:MOST] for array in read_samples(given, model).arrays]
    except BadInput:
        return
    if len(arrays[0]) < FEWEST:
        return
    with suppress(*NO_SHAPES):
        recorded = trace(model, arrays, stop_at_unsupported=True)
        yield from activation_hits(model, recorded)
        yield from output_hits(model, recorded)
        if not recorded.stopped:
            yield from rounded_hits(model, arrays, recorded)


def activation_hits(model: Model, recorded: Trace) -> Iterator[Hit]:
    """Units that a relu keeps at 0, or that are at the end of their sigmoid or tanh, for (nearly) all samples."""
    last, count = {ref.layer for ref in refs(model.outputs)}, len(recorded.inputs[0].value)
    for layer in model.layers:
        is_relu = computed_by(layer) == "activation_layers.relu"
        named = {"class_name": layer.class_name, "config": layer.config} if is_relu else layer.config.get("activation")
        outputs = recorded.layer_outputs.get(layer.name)
        if named is None or not outputs or layer.model is not None:
            continue
        units = by_unit(np.asarray(outputs[0].value), layer)
        if boxes.cuts(named):
            dead = np.asarray((units <= 0).all(axis=0)).tolist()
            yield from units_hit("dead-unit", layer.name, dead, f"never above 0 for {counted(count, 'sample')}", by="inputs")
        elif (ends := ENDS.get(named_function(named)[0])) is not None and layer.name not in last:
            share = (units - ends[0]) / (ends[1] - ends[0])
            off = ((share < NEAR) | (share > 1.0 - NEAR)).mean(axis=0) > SATURATED
            words = "at the end of the function for nearly all samples"
            yield from units_hit("saturated", layer.name, off.tolist(), words, by="inputs")


def by_unit(values: np.ndarray, layer: Layer) -> np.ndarray:
    """The values as a table with a column for each unit."""
    first = layer.config.get("data_format") == "channels_first" and values.ndim > 2
    values = np.moveaxis(values, 1, -1) if first else values
    return values.reshape(-1, values.shape[-1])


def output_hits(model: Model, recorded: Trace) -> Iterator[Hit]:
    """Outputs that are the same for all samples, though the samples differ."""
    differ = any(np.ptp(x.value, axis=0).any() for x in recorded.inputs)
    for ref, output in zip(refs(model.outputs), recorded.results, strict=False):
        values = np.asarray(output.value)
        if differ and values.size and not np.ptp(values, axis=0).any():
            shown = values[0].ravel()[:8].tolist()
            words = f"always {', '.join(f'{value:.4g}' for value in shown[:4])} for {counted(len(values), 'sample')}"
            yield Hit("constant-output", words, ref.layer, "", {"values": shown, "by": "inputs"})


def rounded_hits(model: Model, arrays: list[np.ndarray], recorded: Trace) -> Iterator[Hit]:
    """How many predictions change where every kernel is rounded to int8."""
    changed = {id(layer): rounded(layer) for layer in model.layers if is_product(layer) and "kernel" in layer.own_weights}
    with np.errstate(all="ignore"):
        outputs = Run(None, np.float64, changed).network(model, list(arrays))
    for ref, before, after in zip(refs(model.outputs), recorded.results, outputs, strict=True):
        first, second = choices(np.asarray(before.value)), choices(np.asarray(after))
        share = 0.0 if first is None or second is None else float((first != second).mean())
        if share > CHANGED:
            words = f"as int8, {share:.1%} of {counted(len(arrays[0]), 'prediction')} change"
            yield Hit("int8-loss", words, ref.layer, "", {"changed": share, "by": "inputs"})


def rounded(layer: Layer) -> dict[str, np.ndarray]:
    """The weights of a layer, its kernel rounded to int8 with one scale for each unit."""
    weights = {name: np.asarray(weight.value, np.float64) for name, weight in layer.own_weights.items()}
    kernel, axis = weights["kernel"], -2 if is_transposed(layer) else -1
    others = tuple(i for i in range(kernel.ndim) if i != kernel.ndim + axis)
    scale = np.abs(kernel).max(axis=others, keepdims=True) / 127.0
    weights["kernel"] = np.round(kernel / np.where(scale == 0, 1.0, scale)) * scale
    return weights


def choices(values: np.ndarray) -> np.ndarray | None:
    """The class of each sample; ``None`` for an output that does not choose among classes."""
    if values.ndim != 2:
        return None
    if values.shape[1] > 1:
        return np.asarray(values.argmax(axis=1))
    is_share = bool(((values >= 0) & (values <= 1)).all())
    return np.asarray(values[:, 0] > 0.5) if is_share else None
