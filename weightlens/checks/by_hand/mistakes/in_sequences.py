"""Mistakes with sequences: the mask ignored, word numbers off by one, attention scores not scaled."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from weightlens.checks.by_hand.mistakes.mistake import Mistake, multiply_by
from weightlens.checks.by_hand.mistakes.rerun import can_run_again, recorded_in, rerun_layer
from weightlens.checks.by_hand.replay import change_by, compute_from
from weightlens.checks.by_hand.scene import Scene
from weightlens.recording import LayerRun, Recorded

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
