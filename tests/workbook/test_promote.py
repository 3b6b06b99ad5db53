"""Which values get cells of their own for the sake of a formula, and how long a formula may become before it is cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.workbook.probe import probe
from weightlens.recording import Recorded
from weightlens.workbook.formulas.promote import with_operands

X = np.random.default_rng(4).normal(size=(2, 12))
KERNEL = np.random.default_rng(5).normal(size=(12, 3))


def steps(function: Callable[[Any, Any], Any]) -> list[str]:
    """What stands on the sheet of ``function(x, w)``, in order."""
    with probe(lambda x, w, step: function(x, w), X, kernel=KERNEL) as model:
        return [step.name for step in with_operands(model.trace([X])).steps]


def chain(x: Any, calls: int) -> Any:
    """So many calls, one in the other."""
    for _ in range(calls):
        x = np.tanh(x)
    return x


def tree(x: Any, calls: int) -> Any:
    """A sum of so many additions that nest as little as they can."""
    terms = [x] * (calls + 1)
    while len(terms) > 1:
        terms = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)] + ([terms[-1]] if len(terms) % 2 else [])
    return terms[0]


def moves(x: Any, calls: int) -> Any:
    for _ in range(calls):
        x = np.flip(x, axis=1)
    return x


def test_a_formula_has_sixty_calls_at_most() -> None:
    assert steps(lambda x, w: np.negative(tree(x, 60))) == ["output"]
    assert steps(lambda x, w: np.negative(tree(x, 61))) == ["sum", "output"]


def test_calls_nest_24_deep_at_most() -> None:
    assert steps(lambda x, w: chain(x, 24) + 1) == ["output"]
    assert steps(lambda x, w: chain(x, 25) + 1) == ["tanh", "output"]
    assert steps(lambda x, w: chain(x, 49) + 1) == ["tanh", "output"], "what has cells counts no more"
    assert steps(lambda x, w: chain(x, 50) + 1) == ["tanh", "tanh", "output"]


def twice(z: Any) -> Any:
    return z + np.exp(z)


def test_what_is_long_and_used_twice_is_written_once() -> None:
    assert steps(lambda x, w: twice(chain(x, 8))) == ["output"]
    assert steps(lambda x, w: twice(chain(x, 9))) == ["tanh", "output"]
    assert steps(lambda x, w: chain(x, 9) + 1) == ["output"], "used once"
    assert steps(lambda x, w: twice(tree(x, 8))) == ["output"], "cells do not count"
    assert steps(lambda x, w: twice(np.tanh(x @ w["kernel"]))) == ["tanh", "output"], "a product is long"
    assert steps(lambda x, w: np.tanh(x @ w["kernel"]) + 1) == ["output"]


@pytest.mark.parametrize(
    ("constant", "names"),
    [
        (np.arange(12.0) % 8, ["output"]),
        (np.arange(12.0) % 9, ["constant", "output"]),
    ],
    ids=["eight numbers", "nine numbers"],
)
def test_a_few_numbers_stand_in_the_formulas(constant: np.ndarray, names: list[str]) -> None:
    assert steps(lambda x, w: x * constant) == names


def test_the_formula_reads_the_cells_of_a_constant() -> None:
    with probe(lambda x, w, step: x @ np.ones((12, 2)), X) as model:
        constant, output = with_operands(model.trace([X])).steps
    assert output.made.args[1] is constant.made


def test_a_number_needs_no_cell() -> None:
    assert steps(lambda x, w: x * Recorded(np.array([2.0]))) == ["output"]
    assert steps(lambda x, w: x[:, :1] @ np.ones((1, 1))) == ["output"]
    assert steps(lambda x, w: x * Recorded(np.arange(12.0))) == ["constant", "output"]


def test_what_a_call_reads_as_cells_has_cells() -> None:
    assert steps(lambda x, w: x @ np.ones((12, 2))) == ["constant", "output"]
    assert steps(lambda x, w: np.sum(np.exp(x), axis=1)) == ["exponentials", "output"]
    assert steps(lambda x, w: np.sum(x[:, ::2], axis=1)) == ["output"], "moved cells are cells"
    assert steps(lambda x, w: np.sum(np.take(x, np.arange(11), axis=1), axis=1)) == ["output"], "so are those at known places"
    assert steps(lambda x, w: moves(x, 30) + 1) == ["output"], "however often they are moved"
    assert steps(lambda x, w: np.sum(np.take(np.exp(w["kernel"]), np.abs(x).astype(int), axis=0), axis=1)) == [
        "exponentials", "looked up", "output",
    ]  # fmt: skip


def test_a_cast_is_cells_unless_it_changes_the_number() -> None:
    assert steps(lambda x, w: np.sum(x.astype("float32"), axis=1)) == ["output"]
    assert steps(lambda x, w: np.sum(x.astype("int32"), axis=1)) == ["cast", "output"]
    assert steps(lambda x, w: np.sum(x.astype(bool), axis=1)) == ["cast", "output"]
    assert steps(lambda x, w: np.sum(np.exp(x).astype("float32"), axis=1)) == ["cast", "output"]
