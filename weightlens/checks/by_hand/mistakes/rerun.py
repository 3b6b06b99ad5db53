"""A layer rerun with a change: another setting, other weights, or no mask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from weightlens.checks.by_hand.replay import Edit, Edits, Now
from weightlens.checks.by_hand.scene import Scene
from weightlens.recording import LayerRun, Recorded, Step, Trace, each

Weights = dict[str, Any]


def rerun_layer(
    scene: Scene,
    run: LayerRun,
    config: dict[str, Any] | None = None,
    arguments: dict[str, Any] | None = None,
    weights: Callable[[Weights, Any], Weights] = lambda w, x: w,
    x: Callable[[Any], Any] = lambda x: x,
) -> Edits:
    """Edits that replace a layer's steps by those of a rerun. ``config`` and ``arguments`` override; ``weights`` and ``x`` transform."""
    kept: dict[tuple[int, ...], tuple[Any, dict[tuple[str, int], Any]]] = {}
    given = recorded_in([run.x, run.weights, run.arguments])

    def results(now: Now) -> dict[tuple[str, int], Any]:
        values = [now(node) if id(node) in scene.replay.number else node.value for node in given]
        key = tuple(map(id, values))
        if key not in kept:
            kept.clear()
            known = dict(zip(map(id, given), values, strict=True))

            def value(thing: Any) -> Any:
                return known[id(thing)] if isinstance(thing, Recorded) else thing

            entering, w = x(each(value, run.x)), each(value, run.weights)
            options = each(value, run.arguments) | (arguments or {})
            kept[key] = values, rerun_steps(run, entering, weights(w, entering), run.config | (config or {}), options)
        return kept[key][1]

    def edit(name: tuple[str, int], shape: tuple[int, ...]) -> Edit:
        def made(now: Now, own: Callable[[], Any]) -> Any:
            rerun = results(now).get(name)
            return rerun if rerun is not None and np.shape(rerun) == shape else own()

        return made

    return {id(step.made): edit(name, step.made.shape) for name, step in numbered_steps(run.steps, run.layer)}


def can_run_again(run: LayerRun) -> bool:
    """Whether the layer computes its output itself; a wrapper calls other layers."""
    return "call" not in run.arguments


def recorded_in(things: Any) -> list[Recorded]:
    """The distinct recorded arrays in nested lists and dicts."""
    arrays: dict[int, Recorded] = {}

    def note(thing: Any) -> Any:
        if isinstance(thing, Recorded):
            arrays[id(thing)] = thing
        return thing

    each(note, things)
    return list(arrays.values())


def numbered_steps(steps: Sequence[Step], layer: str) -> Iterator[tuple[tuple[str, int], Step]]:
    """A layer's own steps, each with its name and its occurrence number, from 0."""
    seen: Counter[str] = Counter()
    for step in steps:
        if step.layer == layer:
            yield (step.name, seen[step.name]), step
            seen[step.name] += 1


def rerun_steps(run: LayerRun, x: Any, weights: Weights, config: dict[str, Any], arguments: dict[str, Any]) -> dict[tuple[str, int], Any]:
    """The values of a layer's steps, by name and occurrence number."""
    recorder = Trace(layer=run.layer)

    def wrapped(thing: Any) -> Any:
        return Recorded(thing, kind="input") if isinstance(thing, (np.ndarray, np.generic)) else thing

    out = run.function(each(wrapped, x), each(wrapped, weights), config, recorder.step, **each(wrapped, arguments))
    outs = out if isinstance(out, (list, tuple)) else [out]
    for i, y in enumerate(outs):
        if y is not None:
            recorder.step("output" if len(outs) == 1 else f"output {i}", y)
    return {name: step.value for name, step in numbered_steps(recorder.steps, run.layer)}
