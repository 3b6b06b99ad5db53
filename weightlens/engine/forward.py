"""The forward pass: predictions of any number of samples, and the trace of a few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.call_order import refs
from weightlens.engine.binding import bind
from weightlens.engine.run import Run, Weights
from weightlens.errors import UnsupportedLayer
from weightlens.model import Layer, Model
from weightlens.recording import Recorded, Trace
from weightlens.recording.graph import is_inside
from weightlens.specs.registry import spec_of

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

ATTENDING = frozenset({"attention.attention", "attention.additive_attention"})  # along the first axis of a sample, if there are two
AT_ONCE, PICTURES_AT_ONCE = 128, 32  # samples: their values stay in the processor's cache


def predict(
    model: Model, inputs: Any, dtype: DTypeLike = np.float64, first: int = 0, weights: Mapping[int, Weights] | None = None
) -> list[np.ndarray]:
    """Compute the outputs: one array per model output. Nothing is recorded.

    ``inputs``: see ``binding.bind``. ``first`` is the number of the first sample, if these are a part of more. ``weights``: see ``Run``.
    """
    run, arrays = Run(None, dtype, weights), bind(model, inputs, dtype)
    counts = {len(x) if x.ndim else 0 for x in arrays}
    count = counts.pop() if len(counts) == 1 and samples_are_independent(model) else 0
    at_once = PICTURES_AT_ONCE if any(spec_of(layer).spatial for layer in model.layers) else AT_ONCE
    parts = []
    with np.errstate(all="ignore"):
        for start in range(0, count, at_once) if count > at_once else [0]:
            part = [x[start : start + at_once] for x in arrays] if count > at_once else arrays
            parts.append(run.network(model, part, first=first + start))
    return [np.asarray(ys[0]) if len(ys) == 1 else np.concatenate(ys) for ys in zip(*parts, strict=True)]


def samples_are_independent(model: Model, within: bool = False) -> bool:
    """Whether each sample's output depends on that sample alone, so that they may be computed in portions; ``within`` another model."""
    alone = (
        takes_samples_alone(layer) if layer.model is None else samples_are_independent(layer.model, within=True) for layer in model.layers
    )
    return all(alone) and (within or attends_to_places(model))


def attends_to_places(model: Model) -> bool:
    """Whether all attention is between places of one sample; where samples have no places, Keras compares each with all others."""
    from weightlens.engine.output_shapes import symbolic_shapes
    from weightlens.formats.weights.objects import layers_with_paths

    attending = [path for path, layer in layers_with_paths(model) if spec_of(layer).function in ATTENDING]
    shapes = symbolic_shapes(model) if attending else {}
    found = [[outputs[0] for place, outputs in shapes.items() if outputs and is_inside(place, path)] for path in attending]
    return all(outputs and all(shape is not None and len(shape) > 1 for shape in outputs) for outputs in found)


def takes_samples_alone(layer: Layer) -> bool:
    """Whether a layer's output for a sample depends on that sample alone.

    An axis counted from the end may be that of the samples, unless it is the last.
    """
    rule = spec_of(layer).alone
    axes = layer.config.get(rule) if isinstance(rule, str) else None
    along_others = axes is None or all(axis == -1 or axis > 0 for axis in np.atleast_1d(axes))
    return bool(rule) and along_others and not layer.config.get("time_major") and not layer.config.get("stateful")


def trace(model: Model, inputs: Any, dtype: DTypeLike = np.float64, stop_at_unsupported: bool = False) -> Trace:
    """Compute the outputs and record every step. ``inputs``: see ``binding.bind``.

    With ``stop_at_unsupported`` a layer that cannot be computed ends the trace (``Trace.stopped`` says
    why) instead of raising ``UnsupportedLayer``.
    """
    recorder = record(model, inputs, dtype, stop_at_unsupported)
    recorder.complete = True
    return recorder


def record(model: Model, inputs: Any, dtype: DTypeLike = np.float64, stop_at_unsupported: bool = False) -> Trace:
    """The same, but the trace may still be changed."""
    names = [ref.layer for ref in refs(model.inputs)]
    given = [Recorded(x, kind="input", name=name) for x, name in zip(bind(model, inputs, dtype), names, strict=True)]
    for x in given:
        x.layer = x.name
    recorder = Trace(inputs=given, input_names=names, layers={name: model[name] for name in names})
    try:
        with np.errstate(all="ignore"):
            recorder.results = Run(recorder, dtype).network(model, given)
        recorder.output_names, recorder.outputs_named = model.output_names, isinstance(model.outputs, dict)
    except UnsupportedLayer as refusal:
        if not stop_at_unsupported:
            raise
        recorder.stopped = str(refusal)
    return recorder
