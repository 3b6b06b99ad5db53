"""Mistakes with normalization: another epsilon, batch statistics, a variance over n - 1, parts left out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from weightlens.checks.by_hand.mistakes.mistake import Change, Mistake, Weights, changed_weights, multiply_by, rerun_layer
from weightlens.checks.by_hand.replay import Edits, change_by, compute_from
from weightlens.checks.by_hand.scene import Scene
from weightlens.layers.normalization import axes_of
from weightlens.recording import LayerRun, Recorded
from weightlens.recording.graph import expression

EPSILONS = (0.0, 1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-4, 1e-2)
NO_GAMMA = Change("gamma left out", "the gamma of {layer} was left out", np.ones_like)
NO_MEAN = Change("mean not subtracted", "the mean was not subtracted in {layer}", np.zeros_like)


def parts_left_out(scene: Scene) -> Iterator[Mistake]:
    """Parts of a normalization left out or swapped."""
    for w in scene.weights:
        part = w.name.split("/")[-1]
        if part == "gamma":
            yield from changed_weights(scene, [w], NO_GAMMA)
            beta = next((x for x in scene.weights if x.layer == w.layer and x.name.endswith("beta")), None)
            if beta is not None:
                edits: Edits = {id(w): compute_from(beta), id(beta): compute_from(w)}
                yield Mistake("gamma and beta exchanged", f"gamma and beta of {w.layer} were exchanged", edits, scene.readers.get(id(w)))
        if part in ("moving_mean", "mean"):
            yield from changed_weights(scene, [w], NO_MEAN)
    for layer, nodes, step in scene.with_operation(np.sqrt):
        edits = {id(x): compute_from(x.args[0]) for x in nodes if isinstance(x.args[0], Recorded)}
        yield Mistake("no square root", f"the square root was left out in {layer}", edits, step)


def normalizations(scene: Scene) -> Iterator[LayerRun]:
    """The runs of layers that normalize."""
    return (run for run in scene.trace.runs if run.class_name.endswith("Normalization"))


def values_of_layer(run: LayerRun) -> Iterator[Recorded]:
    """Every value that a layer computes."""
    for step in run.steps:
        yield from expression(step.made)


def another_epsilon(scene: Scene) -> Iterator[Mistake]:
    """Another epsilon, no epsilon, or epsilon added outside the square root."""
    for run in normalizations(scene):
        for root in (node for node in values_of_layer(run) if node.op is np.sqrt):
            inside = root.args[0]
            if not isinstance(inside, Recorded) or inside.op is not np.add or isinstance(inside.args[1], Recorded):
                continue
            variance, own, at = inside.args[0], float(inside.args[1]), scene.owner[id(root)]
            outside = {id(root): compute_from(variance, partial(root_with_epsilon, added=0.0, after=own))}
            yield Mistake("epsilon outside the root", f"epsilon was added outside the root in {run.layer}", outside, at)
            for epsilon in (e for e in EPSILONS if e != own):
                instead = f"an epsilon of {epsilon:g} was taken in {run.layer} instead of {own:g}"
                words = instead if epsilon else f"epsilon was left out in {run.layer}"
                edits = {id(root): compute_from(variance, partial(root_with_epsilon, added=epsilon))}
                yield Mistake("another epsilon", words, edits, at, bits=1.0 if epsilon in (1e-4, 1e-2) else 0.0)


def root_with_epsilon(variance: np.ndarray, added: float, after: float = 0.0) -> np.ndarray:
    """The square root with an epsilon inside, as in the layer's formula, or outside."""
    root: np.ndarray = np.sqrt(variance + added) + after
    return root


def batch_statistics(scene: Scene) -> Iterator[Mistake]:
    """The mean and variance of the batch used instead of the moving ones."""
    runs = [run for run in scene.runs_of("BatchNormalization", "SyncBatchNormalization") if not run.config.get("mode")]
    instead = "instead of the moving statistics"
    for words, freedom, bits in (("", 0, 0.0), (", with a variance over n - 1", 1, 1.0)):
        together: Edits = {}
        runs = [run for run in runs if not freedom or len(run.x) > 1]
        for run in runs:
            edits = rerun_layer(scene, run, weights=partial(with_batch_statistics, axis=run.config.get("axis", -1), freedom=freedom))
            said = f"{run.layer} took the batch statistics (mean and variance of these samples) {instead}{words}"
            yield Mistake("batch statistics", said, edits, run.steps[0], bits)
            together |= edits
        if len(runs) > 1:
            said = f"batch statistics were taken in every layer {instead}{words}"
            yield Mistake("batch statistics", said, together, runs[0].steps[0], bits)


def with_batch_statistics(weights: Weights, x: np.ndarray, axis: int | list[int], freedom: int) -> Weights:
    """The layer's weights with the mean and variance of the batch."""
    axes = tuple(d for d in range(x.ndim) if d not in axes_of(axis, x.ndim))
    return weights | {"moving_mean": np.mean(x, axis=axes), "moving_variance": np.var(x, axis=axes, ddof=freedom)}


def variance_over_fewer(scene: Scene) -> Iterator[Mistake]:
    """A variance divided by n - 1 (VAR.S in a spreadsheet, ddof=1) instead of n."""
    for run in (run for run in normalizations(scene) if run.class_name != "RMSNormalization"):
        for node in values_of_layer(run):
            square = node.args[0] if node.op is np.mean else None
            if not isinstance(square, Recorded) or square.op is not np.multiply or square.args[0] is not square.args[1]:
                continue
            n = square.size // max(node.size, 1)
            if n > 1:
                edits = {id(node): change_by(multiply_by(n / (n - 1)))}
                words = f"the variance was divided by n - 1 instead of n in {run.layer}"
                yield Mistake("variance over n - 1", words, edits, scene.owner[id(node)])
