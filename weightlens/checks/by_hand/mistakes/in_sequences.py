"""Mistakes with sequences: the mask ignored, word numbers off by one, attention scores not scaled, gates and directions exchanged."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from weightlens.checks.by_hand.mistakes.in_normalization import values_of_layer
from weightlens.checks.by_hand.mistakes.mistake import (
    Change,
    Mistake,
    Weights,
    can_run_again,
    changed_weights,
    multiply_by,
    recorded_in,
    rerun_layer,
    with_part,
)
from weightlens.checks.by_hand.replay import Edit, Function, Now, Own, change_by, compute_from
from weightlens.checks.by_hand.scene import Scene
from weightlens.recording import LayerRun, Recorded, Step
from weightlens.specs.layer import LayerSpec

SHIFTS = ((-1, "before", False, ""), (-1, "before", True, ", from the first to the last"), (1, "after", False, ""))


def masks_of(run: LayerRun) -> list[Recorded]:
    """The masks that a layer was given."""
    return recorded_in([value for name, value in run.arguments.items() if name == "mask" or name.endswith("_mask")])


def mask_ignored(scene: Scene) -> Iterator[Mistake]:
    """Padding computed like real time steps, by every layer or by one of several."""
    masked = [run for run in scene.trace.runs if masks_of(run) and run.steps]
    masks = {id(mask): mask for run in masked for mask in masks_of(run)}
    words = "the mask was ignored: padding was computed like real time steps"
    if masks:
        yield Mistake("mask ignored", words, {key: change_by(np.ones_like) for key in masks}, masked[0].steps[0])
    for run in filter(can_run_again, masked if len(masked) > 1 else []):
        without = {name: None for name in run.arguments if name == "mask" or name.endswith("_mask")}
        yield Mistake("mask ignored", f"{words}, in {run.layer}", rerun_layer(scene, run, arguments=without), run.steps[0], 1.0)
    for run in (run for run in scene.trace.runs if run.arguments.get("use_causal_mask") and can_run_again(run)):
        said = f"the causal mask of {run.layer} was ignored: each place looked at those after it"
        yield Mistake("mask ignored", said, rerun_layer(scene, run, arguments={"use_causal_mask": False}), run.steps[0])


def word_numbers(scene: Scene) -> Iterator[Mistake]:
    """Embedding rows looked up one too low or one too high."""
    embeddings = scene.runs_of("Embedding")
    for run in embeddings:
        count = run.weights["embeddings"].shape[0]
        for by, neighbour, ring, how in SHIFTS:
            edits = rerun_layer(scene, run, x=partial(shifted_words, by=by, count=count, ring=ring))
            said = f"each word number looked up the row {neighbour} its own in {run.layer}: one off{how}"
            yield Mistake("word numbers one off", said, edits, run.steps[0])
    for x in (x for x in scene.trace.inputs if any(run.x is x for run in embeddings)):
        for by, words in ((1, "one too high"), (-1, "one too low")):
            edits = {id(x): change_by(partial(np.add, by))}
            yield Mistake("word numbers one off", f"the word numbers were {words}, one off", edits, None, 1.0)


def shifted_words(ids: np.ndarray, by: int, count: int, ring: bool) -> np.ndarray:
    """Word numbers shifted by one; past the table's ends clipped to the last row, or wrapped round."""
    shifted: np.ndarray = np.mod(ids + by, count) if ring else np.clip(ids + by, 0, count - 1)
    return shifted


def scores_not_scaled(scene: Scene) -> Iterator[Mistake]:
    """Attention scores without ``1/sqrt(d)``, divided by d itself, or scaled where the layer does not scale."""
    for run in scene.runs_with(lambda known: known.shapes == "attention"):
        for step in run.steps:
            scores = step.made.args[0] if step.made.op is np.multiply else None
            if isinstance(scores, Recorded) and scores.op is np.matmul and np.ndim(step.made.args[1]) == 0:
                d = scores.args[0].shape[-1]
                said = f"the scores of {run.layer} were not divided by sqrt(d) = sqrt({d}): no 1/sqrt(d)"
                yield Mistake("scores not scaled", said, {id(step.made): compute_from(scores)}, step)
                said = f"the scores of {run.layer} were divided by d = {d} instead of its square root"
                yield Mistake("scores not scaled", said, {id(step.made): compute_from(scores, multiply_by(1 / d))}, step)
    for run in scene.runs_of("Attention"):
        for step in run.steps:
            keys = step.made.args[1] if step.made.op is np.matmul else None
            if isinstance(keys, Recorded) and keys.op is np.swapaxes:
                d = step.made.args[0].shape[-1]
                said = f"the scores of {run.layer} were divided by sqrt({d}): this layer does not scale them"
                yield Mistake("scores scaled", said, {id(step.made): change_by(multiply_by(1 / math.sqrt(d)))}, step)


def is_gru(known: LayerSpec) -> bool:
    """Whether a class is a GRU or its cell."""
    return known.shapes == "gru"


ONE_BIAS = "one bias of the GRU"


NO_SECOND_BIAS = Change(ONE_BIAS, "the second bias (the recurrent one) of {layer} was left out", lambda bias: with_part(bias, 1, 0.0))


NO_FIRST_BIAS = Change(ONE_BIAS, "the first bias (the input's) of {layer} was left out", lambda bias: with_part(bias, 0, 0.0))


# A GRU that resets after its product has two rows of biases, one that resets before it has one: what became of the second?
ONE_OF_TWO: dict[str, Function] = {"": lambda bias: np.sum(bias, axis=0), ", with the first bias only": lambda bias: bias[0]}


TWO_OF_ONE: dict[str, Function] = {"": lambda bias: np.stack([bias, np.zeros_like(bias)])}


def reset_gate(scene: Scene) -> Iterator[Mistake]:
    """The reset gate of a GRU applied before instead of after the product with the recurrent kernel, or vice versa."""
    for run in scene.runs_with(is_gru):
        after = bool(run.config.get("reset_after", True))
        wrong, right = ("before", "after")[:: 1 if after else -1]
        words = f"the reset gate of {run.layer} was applied {wrong} the product with the recurrent kernel, not {right} it"
        biases = (ONE_OF_TWO if after else TWO_OF_ONE) if "bias" in run.weights else {"": np.copy}
        for how, bias in biases.items():
            edits = rerun_layer(scene, run, {"reset_after": not after}, weights=partial(with_bias, bias=bias))
            yield Mistake("reset gate", f"{words}{how}", edits, run.steps[-1])


def with_bias(weights: Weights, x: np.ndarray, bias: Function) -> Weights:
    """The weights with a bias of the shape that the other formula needs."""
    return weights | ({"bias": bias(weights["bias"])} if "bias" in weights else {})


def one_bias_forgotten(scene: Scene) -> Iterator[Mistake]:
    """One of the two biases of a GRU (input and recurrent) left out."""
    for run in scene.runs_with(is_gru):
        bias = run.weights.get("bias")
        if isinstance(bias, Recorded) and bias.ndim == 2:
            yield from changed_weights(scene, [bias], NO_SECOND_BIAS, NO_FIRST_BIAS)


def update_gate(scene: Scene) -> Iterator[Mistake]:
    """The old state and the candidate swapped in ``z * h + (1 - z) * candidate``: papers differ."""
    for run in scene.runs_with(is_gru):
        edits = {id(node): edit for node in values_of_layer(run) if (edit := exchange_update(node)) is not None}
        if edits:
            words = f"the new state of {run.layer} was (1 - z) * old state + z * candidate instead of z * old state + (1 - z) * candidate"
            yield Mistake("update gate", words, edits, run.steps[-1])


def exchange_update(node: Recorded) -> Edit | None:
    """An edit to ``z * b + (1 - z) * a`` for a value computed as ``z * a + (1 - z) * b``; ``None`` for other values."""
    products = [x for x in node.args if isinstance(x, Recorded) and x.op is np.multiply] if node.op is np.add else []
    rest = products[1].args[0] if len(products) == 2 else None
    if not isinstance(rest, Recorded) or rest.op is not np.subtract or rest.args[1] is not products[0].args[0]:
        return None
    (z, a), b = products[0].args, products[1].args[1]

    def edit(now: Now, own: Own) -> np.ndarray:
        return now(z) * now(b) + (1.0 - now(z)) * now(a)

    return edit


def two_directions(scene: Scene) -> Iterator[Mistake]:
    """The halves of a Bidirectional layer swapped, its backward half not reversed back, or not read from the end."""
    for run in scene.runs_of("Bidirectional"):
        for node in values_of_layer(run):
            at = scene.owner[id(node)]
            if node.op is np.concatenate and node.layer == run.layer:
                words = f"the two halves of {run.layer} were exchanged (backward first)"
                yield Mistake("halves exchanged", words, {id(node): in_reverse(node)}, at)
            if node.op is np.flip and at.layer == run.layer:
                words = f"the outputs of the backward layer of {run.layer} were not reversed back"
                yield Mistake("not turned round", words, {id(node): compute_from(node.args[0])}, at)
    for run in (run for run in scene.trace.runs if run.config.get("go_backwards") and can_run_again(run)):
        words = f"{run.layer} read its sequence from the beginning instead of from the end"
        yield Mistake("direction", words, rerun_layer(scene, run, {"go_backwards": False}), run.steps[0])


def state_before(scene: Scene) -> Iterator[Mistake]:
    """The state of the time step before the last one handed on: one step too few was computed."""
    states: dict[tuple[str, str], list[Step]] = {}
    for step in scene.trace.steps:
        if step.made.role.kind in ("state", "masked state"):
            states.setdefault((step.layer, step.name), []).append(step)
    for (layer, name), steps in states.items():
        if len(steps) > 1:
            words = f"the {name} of the time step before the last was taken from {layer}"
            yield Mistake("a step too few", words, {id(steps[-1].made): compute_from(steps[-2].made)}, steps[-1])


def in_reverse(joined: Recorded) -> Edit:
    """An edit that concatenates the parts in reverse."""
    return lambda now, own: np.concatenate([now(part) for part in reversed(joined.args[0])], **joined.kwargs)
