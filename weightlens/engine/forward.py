"""The forward pass: predictions of any number of samples, and the trace of a few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.call_order import refs
from weightlens.engine.binding import bind
from weightlens.engine.portions import samples_are_independent
from weightlens.engine.run import Run, Weights
from weightlens.errors import UnsupportedLayer
from weightlens.model import Model
from weightlens.recording import Recorded, Trace
from weightlens.specs.registry import spec_of

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

AT_ONCE, PICTURES_AT_ONCE = 128, 32  # samples: their values stay in the processor's cache


def predict(
    model: Model, inputs: Any, dtype: DTypeLike = np.float64, first: int = 0, weights: Mapping[int, Weights] | None = None
) -> list[np.ndarray]:
    """Compute the outputs: one array per model output. Nothing is recorded.

    ``inputs``: see ``binding.bind``. ``first`` is the number of the first sample, if these are a part of more. ``weights``: see ``Run``.
    """
    run, arrays = Run(None, dtype, weights), bind(model, inputs, dtype)
    counts = {len(x) if x.ndim else 0 for x in arrays}
    at_once = PICTURES_AT_ONCE if any(spec_of(layer).spatial for layer in model.layers) else AT_ONCE
    count = counts.pop() if len(counts) == 1 and max(counts) > at_once and samples_are_independent(model) else 0
    parts = []
    with np.errstate(all="ignore"):
        for start in range(0, count, at_once) if count > at_once else [0]:
            part = [x[start : start + at_once] for x in arrays] if count > at_once else arrays
            parts.append(run.network(model, part, first=first + start))
    return [np.asarray(ys[0]) if len(ys) == 1 else np.concatenate(ys) for ys in zip(*parts, strict=True)]


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
