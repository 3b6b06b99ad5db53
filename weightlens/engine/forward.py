"""The forward pass: predictions of any number of samples, and the trace of a few."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.call_order import refs
from weightlens.engine.binding import bind
from weightlens.engine.portions import samples_at_once
from weightlens.engine.run import Run, Weights
from weightlens.errors import UnsupportedLayer
from weightlens.model import Model
from weightlens.recording import Recorded, Trace

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

MOST_THREADS = 8  # each of which holds the values of a portion


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


def side_by_side(compute: Callable[[int], list[Any]], starts: Sequence[int]) -> list[list[Any]]:
    """What is computed from each start, on all cores: NumPy lets others go on while it computes. The first error in order is raised."""
    threads = min(cores(), len(starts), MOST_THREADS)
    if threads < 2:
        return list(map(compute, starts))
    from concurrent.futures import ThreadPoolExecutor  # few commands predict so much

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(compute, starts))


def cores() -> int:
    """How many processors this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
