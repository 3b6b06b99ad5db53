"""The forward pass: predictions of any number of samples, and the trace of a few."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.call_order import refs
from weightlens.engine.binding import bind
from weightlens.engine.portions import samples_at_once, side_by_side
from weightlens.engine.run import Run, Weights
from weightlens.errors import UnsupportedLayer
from weightlens.model import Model
from weightlens.recording import Recorded, Trace

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


def predict(
    model: Model, inputs: Any, dtype: DTypeLike = np.float64, first: int = 0, weights: Mapping[int, Weights] | None = None
) -> list[np.ndarray]:
    """Compute the outputs: one array per model output. Nothing is recorded.

    ``inputs``: see ``binding.bind``. ``first`` is the number of the first sample, if these are a part of more. ``weights``: see ``Run``.
    """
    run, arrays = Run(None, dtype, weights), bind(model, inputs, dtype)
    at_once = samples_at_once(model, arrays)
    if not at_once:
        with np.errstate(all="ignore"):
            return [np.asarray(y) for y in run.network(model, arrays, first=first)]

    def portion(start: int) -> list[Any]:
        with np.errstate(all="ignore"):  # of a thread, or a context, each has its own
            return copy.copy(run).network(model, [x[start : start + at_once] for x in arrays], first=first + start)

    return [np.concatenate(ys) for ys in zip(*side_by_side(portion, range(0, len(arrays[0]), at_once)), strict=True)]


def trace(model: Model, inputs: Any, dtype: DTypeLike = np.float64, stop_at_unsupported: bool = False) -> Trace:
    """Compute the outputs and record every step. ``inputs``: see ``binding.bind``.

    With ``stop_at_unsupported`` a layer that cannot be computed ends the trace (``Trace.stopped`` says
    why) instead of raising ``UnsupportedLayer``.
    """
    recorder = record(model, inputs, dtype, stop_at_unsupported)
    recorder.complete = True
    return recorder


def record(model: Model, inputs: Any, dtype: DTypeLike = np.float64, stop_at_unsupported: bool = False) -> Trace:
    """Compute the outputs and record every step, like ``trace``; the trace may still be changed."""
    names = [ref.layer for ref in refs(model.inputs)]
    given = [Recorded.given(x, "input", name, name) for x, name in zip(bind(model, inputs, dtype), names, strict=True)]
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
