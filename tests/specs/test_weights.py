"""Stored arrays that contradict the configuration: none of them may be computed with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.cases import CASES, Case
from tests.formats.build import given, layer, legacy, numbers, sequential
from weightlens.engine.faults import every_fault
from weightlens.errors import UnsupportedLayer, WeightlensError
from weightlens.model import Layer, Weight

PARTS = ("dense", "conv", "lstm", "gru", "simple rnn", "batch norm", "layer norm", "group norm", "rms norm", "normalization", "embedding",
         "prelu", "multi head", "grouped", "einsum dense", "separable", "depthwise", "attention")  # fmt: skip
UNUSED = ("vector_u", "count", "history", "_scale", "seed")  # nothing is computed with them, or not by their shape


def damaged(array: np.ndarray) -> Iterator[np.ndarray]:
    """The array with an axis too many, one place more along an axis, and one place alone."""
    yield array[None]
    for axis in range(array.ndim):
        yield np.concatenate([array, array.take([0], axis)], axis)
        if array.shape[axis] > 1:
            yield array.take([0], axis)


def inside(layer: Layer) -> Iterator[Layer]:
    """A layer and those it wraps."""
    yield layer
    for inner in layer.inner.values():
        yield from inside(inner)


@pytest.mark.parametrize("case", [case for case in CASES if case.name.startswith(PARTS)][::3], ids=lambda case: case.name)
def test_no_weight_of_another_shape_is_computed_with(case: Case, built: Any) -> None:
    model = weightlens.load(built(case).path)
    assert not list(every_fault(model))
    for owner in [owner for outer in model.layers for owner in inside(outer)]:
        quantised = owner.config.get("quantization_mode") or owner.class_name == "SpectralNormalization"
        for name, weight in [] if quantised else list(owner.own_weights.items()):
            if name.endswith(UNUSED) or name.startswith(UNUSED):
                continue
            for array in damaged(weight.value):
                owner.own_weights[name] = Weight(name, array.shape, weight.dtype, weight.path, lambda array=array: array)  # type: ignore[misc]
                with pytest.raises(WeightlensError):
                    model.predict(built(case).inputs)
            del owner.own_weights[name]
            with pytest.raises(WeightlensError, match=f"lacks '{name}'"):
                model.predict(built(case).inputs)
            owner.own_weights[name] = weight


CONTRADICTIONS = [
    (layer("Dense", "d", units=1), {"d/kernel:0": (3, 2), "d/bias:0": (1,)}, "units 1, but the kernel has 2 columns"),
    (layer("Dense", "d", units=2), {"d/kernel:0": (3, 2), "d/bias:0": (1,)}, "units 2, but the bias has 1 number"),
    (layer("Dense", "d", units=2, use_bias=False), {"d/kernel:0": (3, 2), "d/bias:0": (2,)}, "use_bias is false, but the file has a bias"),
    (layer("Dense", "d", units=2), {"d/kernel:0": (3, 2)}, "the file lacks 'bias' for it"),
    (layer("Dense", "d", units=2), {"d/kernel:0": (4, 2), "d/bias:0": (2,)}, "3 numbers come in, but the kernel has 4 rows"),
    (layer("BatchNormalization", "d"), {f"d/{name}:0": (1,) for name in ("gamma", "beta", "moving_mean", "moving_variance")},
     "a gamma of 3 is asked for, but the file's has 1"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "shapes", "words"), CONTRADICTIONS)
def test_what_contradicts_what_is_said(entry: dict[str, Any], shapes: dict[str, tuple[int, ...]], words: str, tmp_path: Path) -> None:
    arrays = {name: numbers(*shape) for name, shape in shapes.items()}
    model = weightlens.load(legacy(tmp_path / "m.h5", sequential(given("i", 3), entry), {"d": arrays}))
    assert model["d"].own_weights
    with pytest.raises(UnsupportedLayer, match=words):
        model.predict([[1.0, 2.0, 3.0]])
