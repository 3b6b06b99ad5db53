"""For the tests of other people's code: models and predictions that have to be equal, with messages that say where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.api import ModelLike
from weightlens.difference import compare
from weightlens.engine.forward import predict
from weightlens.formats import load
from weightlens.specs.words.number_words import counted

__all__ = ["assert_models_equal", "assert_predictions_match"]
MOST = 10  # differences that a message names


def assert_models_equal(a: ModelLike, b: ModelLike, rtol: float = 0, atol: float = 0) -> None:
    """Raise ``AssertionError`` unless two models have the same layers, settings, connections and weights.

    Each may be a path, a Keras model, or what ``weightlens.load`` returned. Weights are the same where
    ``|a - b| <= atol + rtol * |b|``; the message names layer, weight, place and size of the largest differences.
    """
    difference = compare(load(a), load(b), tolerance=atol, relative=rtol)
    if not difference.same:
        weights = sorted((change for change in difference.weights if not change.same), key=lambda change: -change.largest)
        lines = [*difference.architecture, *(change.words for change in weights)]
        more = [f"and {len(lines) - MOST} more"] if len(lines) > MOST else []
        raise AssertionError("\n  ".join(["the models differ:", *lines[:MOST], *more]))


def assert_predictions_match(model: ModelLike, x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-6) -> None:
    """Raise ``AssertionError`` unless the model's predictions for ``x`` are ``y``, an array or one for each output.

    Predictions are computed by weightlens in float64: ``|prediction - y| <= atol + rtol * |y|`` everywhere.
    """
    loaded = load(model)
    outputs = predict(loaded, x)
    expected = list(y.values()) if isinstance(y, dict) else y if isinstance(y, (list, tuple)) and len(outputs) > 1 else [y]
    if len(expected) != len(outputs):
        raise AssertionError(f"the model has {counted(len(outputs), 'output')}, and {len(expected)} were expected")
    for name, ours, theirs in zip(loaded.output_names, outputs, map(np.asarray, expected), strict=True):
        if ours.shape != theirs.shape:
            raise AssertionError(f"{name}: the prediction has the shape {ours.shape}, {theirs.shape} was expected")
        off = np.abs(ours - theirs)
        wrong = ~(off <= atol + rtol * np.abs(theirs))  # NaN is wrong too
        if not wrong.any():
            continue
        place = np.unravel_index(int(np.argmax(np.where(np.isnan(off), np.inf, off))), off.shape)
        at = f"{name}[{', '.join(str(int(i)) for i in place)}]"
        words = f"{at} is {ours[place]:.9g}, expected {theirs[place]:.9g}"
        raise AssertionError(f"{wrong.sum():,} of {wrong.size:,} numbers of the prediction are wrong, most of all: {words}")
