"""What a mistake is, and helpers to build one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import Any, NamedTuple

import numpy as np

from weightlens.checks.by_hand.replay import Edit, Edits, Function, Now, Own, replace_by
from weightlens.checks.by_hand.scene import Scene
from weightlens.recording import LayerRun, Recorded, Step, Trace, each
from weightlens.recording.graph import recorded_among

LOOSE = 2.2  # about one unit in the last place: the error of numbers that were also rounded on the way
FEW = 5  # up to this length every order is tried
SEVERAL = 40  # up to this length every swap of two is tried
Settings = dict[str, Any]  # of a layer, or the arguments of its call
Weights = dict[str, Any]  # by name; those of inner layers are dictionaries
StepKey = tuple[str, int]  # the name of a step, and which of the layer's steps of this name it is, from 0


@dataclass(frozen=True)
class Mistake:
    """One possible mistake: its edits, its words, and its prior unlikeliness in bits.

    ``at`` is the step with the mistake, whose correct arithmetic is shown. Rounding is a ``harmless`` mistake.
    """

    kind: str
    words: str
    edits: Edits = field(repr=False)
    at: Step | None = None
    bits: float = 0.0
    harmless: bool = False


Family = Callable[[Scene], Iterator[Mistake]]


class Change(NamedTuple):
    """A mistake with one weight. ``words`` may name its ``{layer}`` and its ``{name}``."""

    kind: str
    words: str
    function: Function
    bits: float = 0.0


def changed_weights(scene: Scene, weights: Iterable[Recorded], *changes: Change) -> Iterator[Mistake]:
    """Each of the changes in each of the weights."""
    for weight in weights:
        for kind, words, function, bits in changes:
            said = words.format(layer=weight.layer, name=weight.name)
            yield weight_mistake(scene, kind, said, weight, function(weight.value), bits)


def weight_mistake(scene: Scene, kind: str, words: str, weight: Recorded, array: np.ndarray, bits: float = 0.0) -> Mistake:
    """A weight replaced by another array."""
    return Mistake(kind, words, {id(weight): replace_by(array)}, scene.readers.get(id(weight)), bits)


def multiply_by(factor: float) -> Function:
    """Multiplication by a number."""
    return lambda array: factor * array


def with_part(array: np.ndarray, index: int | tuple[int, ...], value: float) -> np.ndarray:
    """The array with another number in one place, or in one row."""
    changed = array.copy()
    changed[index] = value
    return changed


def plain_orders(array: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """The last axis rotated by one, rotated back by one, and reversed."""
    return [("moved on by one", np.roll(array, 1, -1)), ("moved back by one", np.roll(array, -1, -1)), ("in reverse", np.flip(array, -1))]


def rarer_orders(array: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Rarer orders of the last axis: every swap of two, and every permutation of a few."""
    n = array.shape[-1]
    orders: list[tuple[str, tuple[int, ...]]] = []
    if n <= SEVERAL:
        for i, j in combinations(range(n), 2):
            orders.append((f"{i} and {j} exchanged", tuple({i: j, j: i}.get(k, k) for k in range(n))))
    if n <= FEW:
        orders += [(f"as {', '.join(map(str, order))}", order) for order in permutations(range(n))]
    known = {np.ascontiguousarray(a).tobytes() for a in (array, *(moved for _, moved in plain_orders(array)))}
    for words, order in orders:
        moved = np.ascontiguousarray(array[..., list(order)])
        if moved.tobytes() not in known:
            known.add(moved.tobytes())
            yield words, moved


def rerun_layer(
    scene: Scene,
    run: LayerRun,
    config: Settings | None = None,
    arguments: Settings | None = None,
    weights: Callable[[Weights, Any], Weights] = lambda weights, x: weights,
    x: Callable[[Any], Any] = lambda x: x,
) -> Edits:
    """Edits that replace a layer's steps by those of a rerun. ``config`` and ``arguments`` override; ``weights`` and ``x`` transform."""
    latest: list[tuple[list[np.ndarray], dict[StepKey, np.ndarray]]] = []  # the values that were read, and the steps made of them
    read = recorded_in([run.x, run.weights, run.arguments])

    def rerun(now: Now) -> dict[StepKey, np.ndarray]:
        values = [now(node) if id(node) in scene.replay.number else node.value for node in read]
        if not latest or any(a is not b for a, b in zip(values, latest[0][0], strict=True)):
            known = dict(zip(map(id, read), values, strict=True))
            entering, own, given = each(lambda thing: known.get(id(thing), thing), (run.x, run.weights, run.arguments))
            entering = x(entering)
            steps = rerun_steps(run, entering, weights(own, entering), run.config | (config or {}), given | (arguments or {}))
            latest[:] = [(values, steps)]
        return latest[0][1]

    def edit(key: StepKey, shape: tuple[int, ...]) -> Edit:
        def made(now: Now, own: Own) -> np.ndarray:
            value = rerun(now).get(key)
            return value if value is not None and np.shape(value) == shape else own()

        return made

    return {id(step.made): edit(key, step.made.shape) for key, step in numbered_steps(run.steps, run.layer)}


def can_run_again(run: LayerRun) -> bool:
    """Whether the layer computes its output itself; a wrapper calls other layers."""
    return "call" not in run.arguments


def recorded_in(things: object) -> list[Recorded]:
    """The distinct recorded arrays in nested lists and dicts."""
    arrays = {id(array): array for array in recorded_among([things])}
    return list(arrays.values())


def numbered_steps(steps: Sequence[Step], layer: str) -> Iterator[tuple[StepKey, Step]]:
    """A layer's own steps, each with its name and its occurrence number, from 0."""
    seen: Counter[str] = Counter()
    for step in steps:
        if step.layer == layer:
            yield (step.name, seen[step.name]), step
            seen[step.name] += 1


def rerun_steps(run: LayerRun, x: Any, weights: Weights, config: Settings, arguments: Settings) -> dict[StepKey, np.ndarray]:
    """The values of a layer's steps."""
    recorder = Trace(layer=run.layer)
    x, weights, arguments = each(  # arrays are the start of a new recording
        lambda thing: Recorded(thing, kind="input") if isinstance(thing, (np.ndarray, np.generic)) else thing, (x, weights, arguments)
    )
    output = run.function(x, weights, config, recorder.step, **arguments)
    outputs = output if isinstance(output, (list, tuple)) else [output]
    for i, y in enumerate(outputs):
        if y is not None:
            recorder.step("output" if len(outputs) == 1 else f"output {i}", y)
    return {key: step.value for key, step in numbered_steps(recorder.steps, run.layer)}
