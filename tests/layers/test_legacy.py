"""Layers that no Keras of today can build, against numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.layers import function_of


def run(class_name: str, x: Any, weights: dict[str, Any], **config: Any) -> np.ndarray:
    """One layer on bare arrays."""
    arrays = {name: np.asarray(value, float) for name, value in weights.items()}
    function: Any = function_of(class_name)
    result: np.ndarray = function(np.asarray(x, float), arrays, config, lambda name, value: value)
    return result


def test_highway_lets_through_what_its_gate_leaves() -> None:
    weights = {"kernel": [[2.0, 0.0], [0.0, 1.0]], "bias": [0.0, -5.0], "gate_kernel": np.zeros((2, 2)), "gate_bias": [0.0, np.log(3.0)]}
    # gates 1/2 and 3/4; relu(2*1) = 2, relu(1*4 - 5) = 0
    np.testing.assert_allclose(run("Highway", [[1.0, 4.0]], weights, activation="relu"), [[0.5 * 2 + 0.5 * 1, 0.25 * 4]])


def test_highway_without_bias() -> None:
    weights = {"kernel": [[3.0]], "gate_kernel": [[0.0]]}
    np.testing.assert_allclose(run("Highway", [[2.0]], weights, use_bias=False), [[0.5 * 6 + 0.5 * 2]])


def test_maxout_takes_the_largest_piece() -> None:
    weights = {"kernel": [[[1.0, 0.0], [0.0, 1.0]], [[-1.0, 2.0], [0.0, 2.0]]], "bias": [[0.0, 0.0], [0.5, -10.0]]}
    # pieces of (1, 2): (1, 2) and (-0.5, -4); of (-3, 1): (-3, 1) and (3.5, -14)
    np.testing.assert_allclose(run("MaxoutDense", [[1.0, 2.0], [-3.0, 1.0]], weights), [[1.0, 2.0], [3.5, 1.0]])
    np.testing.assert_allclose(run("MaxoutDense", [[-3.0, 1.0]], {"kernel": weights["kernel"]}, use_bias=False), [[3.0, 1.0]])
