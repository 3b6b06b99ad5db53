"""Whether the samples of a network stand alone: then many of them are computed in portions, whose values stay in the processor's cache,
on all cores: NumPy lets other threads go on while it computes.

A layer is believed to take samples alone where its spec says so (``LayerSpec.alone``), an operator where it works place by place.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np

from weightlens.call_order import path_of_call, tensors_into
from weightlens.engine.output_shapes import largest_value, symbolic_shapes
from weightlens.model import Call, Layer, Model, Ref
from weightlens.recording.graph import is_inside
from weightlens.specs.operation import PLACE_BY_PLACE, is_tensorflow
from weightlens.specs.registry import spec_of
from weightlens.specs.sizes import Shape

Shapes = dict[str, list[Shape | None]]

# Samples computed at once, so that their values stay in the processor's cache: more where each of them has few, by the largest array.
AT_ONCE, PICTURES, SEQUENCES = 128, 32, 512
FEW_NUMBERS, MOST_NUMBERS = 1 << 18, 1 << 23
MOST = 8  # threads, each of which holds the values of a portion


def samples_at_once(model: Model, arrays: list[np.ndarray]) -> int:
    """How many of these samples are computed in one portion; 0 where all are, because they are few or do not stand alone."""
    counts = {len(x) if x.ndim else 0 for x in arrays}
    if len(counts) > 1 or max(counts) < 2 or (max(counts) <= PICTURES and sum(x.size for x in arrays) < FEW_NUMBERS):
        return 0
    specs = [spec_of(part) for layer, _, _ in calls_within(model) for part in (layer, *layer.inner.values())]
    at_once = PICTURES if any(spec.spatial for spec in specs) else SEQUENCES if any(spec.states for spec in specs) else AT_ONCE
    at_once = min(at_once, math.ceil(max(counts) / cores()))
    if max(counts) <= at_once or not samples_are_independent(model):
        return 0
    largest = largest_value(model, [x.shape[1:] for x in arrays])
    at_once = min(max(at_once, FEW_NUMBERS // largest), max(1, MOST_NUMBERS // largest))
    return at_once if max(counts) > at_once else 0


def samples_are_independent(model: Model) -> bool:
    """Whether each sample's output depends on that sample alone, so that they may be computed in portions."""
    calls = list(calls_within(model))
    if not all(takes_samples_alone(layer) for layer, _, _ in calls):
        return False
    shapes = symbolic_shapes(model)
    known = [shape for outputs in shapes.values() for shape in outputs if shape is not None]
    return (
        bool(known)
        and all(map(len, known))  # of one axis, that of the samples, the last axis is the first
        and all(meets_sample_by_sample(call, place, shapes) for layer, place, call in calls if layer.is_operation)
        and has_places(calls, shapes)
    )


def calls_within(model: Model, place: str = "") -> Iterator[tuple[Layer, str, Call]]:
    """Every call of a layer, also of nested models: with the path of the model that it is made in."""
    for layer in model.layers:
        for number, call in enumerate(layer.calls or [Call(())]):
            yield layer, place, call
            if layer.model is not None:
                yield from calls_within(layer.model, place + path_of_call(layer.name, number) + "/")


def takes_samples_alone(layer: Layer) -> bool:
    """Whether a layer's output for a sample depends on that sample alone.

    An axis counted from the end may be that of the samples, unless it is the last.
    """
    if layer.model is not None:
        return True  # its layers are looked at
    if layer.is_operation:
        return operator_name(layer) in PLACE_BY_PLACE and not any(isinstance(given, (list, np.ndarray)) for given in layer.config.values())
    rule, config = spec_of(layer).alone, layer.config
    axes = config.get(rule, -1) if isinstance(rule, str) else -1
    along_others = rule != "axis" if axes is None else all(axis == -1 or axis > 0 for axis in np.atleast_1d(axes))  # None: all
    carried = config.get("time_major") or config.get("stateful") or config.get("mode") == 2  # Keras 1: the mean of the batch
    tables = any(np.ndim(config.get(setting, 0)) > 1 for setting in ("scale", "offset"))  # might lie along the samples
    inner = all(takes_samples_alone(part) and part.model is None and not spec_of(part).across for part in layer.inner.values())
    return bool(rule) and along_others and not carried and not tables and inner


def operator_name(layer: Layer) -> str:
    """What Keras 3 calls an operator, whoever named it; nothing for what it has no name for."""
    if not is_tensorflow(layer.class_name):
        return layer.class_name
    from weightlens.operations.tensorflow_names import Rename, entry_of

    entry = entry_of(layer.class_name.removeprefix("tf."))
    return entry.operation if isinstance(entry, Rename) and isinstance(entry.operation, str) else ""


def meets_sample_by_sample(call: Call, place: str, shapes: Shapes) -> bool:
    """Whether an operator is given tensors of one rank, and numbers: with fewer axes, the samples of one would meet another axis."""
    ranks = {rank_of(ref, place, shapes) for ref in tensors_into(call)}
    given = [thing for thing in (*call.args, *call.kwargs.values()) if not isinstance(thing, Ref)]
    return len(ranks) == 1 and None not in ranks and all(is_number(thing) for thing in given)


def is_number(thing: Any) -> bool:
    """Whether an argument of an operator is a single number or word: arrays might lie along the samples."""
    return thing is None or isinstance(thing, (bool, int, float, str)) or (isinstance(thing, np.ndarray) and thing.ndim == 0)


def rank_of(ref: Ref, place: str, shapes: Shapes) -> int | None:
    """How many axes a tensor has beside that of the samples; ``None`` where it is not known."""
    outputs = shapes.get(place + path_of_call(ref.layer, ref.call), [])
    shape = outputs[ref.index] if ref.index < len(outputs) else None
    return None if shape is None else len(shape)


def has_places(calls: list[tuple[Layer, str, Call]], shapes: Shapes) -> bool:
    """Whether what works across the first axis of a sample (attention between its places) is given samples with such an axis, and more."""
    across = [place + layer.name for layer, place, _ in calls if spec_of(layer).across]
    found = [[outputs[0] for path, outputs in shapes.items() if outputs and is_inside(path, name)] for name in across]
    return all(outputs and all(shape is not None and len(shape) > 1 for shape in outputs) for outputs in found)


def side_by_side(compute: Callable[[int], list[Any]], starts: Sequence[int]) -> list[list[Any]]:
    """What is computed from each start, on all cores. The first error in order is raised."""
    threads = min(cores(), len(starts))
    if threads < 2:
        return list(map(compute, starts))
    from concurrent.futures import ThreadPoolExecutor  # few commands predict so much

    with ONE_CORE.each(), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(compute, starts))


def cores() -> int:
    """How many processors compute side by side: those that this program may use, if they are few."""
    return min(MOST, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class OneCore:
    """Matrix products on one core each, as long as somebody asks for it.

    Their own threads beside ours would wait for each other: with large kernels this took ten times as long.
    """

    def __init__(self) -> None:
        self.lock, self.asking = Lock(), 0
        self.limit: Any = None

    @contextmanager
    def each(self) -> Iterator[None]:
        """Inside this context a matrix product uses one core. When the last user leaves it, the libraries have their threads back."""
        with self.lock:
            if not self.asking:
                self.limit = libraries().limit(limits=1, user_api="blas")
            self.asking += 1
        try:
            yield
        finally:
            with self.lock:
                self.asking -= 1
                if not self.asking:
                    self.limit.restore_original_limits()


ONE_CORE = OneCore()


@functools.cache
def libraries() -> Any:
    """The libraries of this process that have threads of their own; looked for once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
