"""The graph behind recorded arrays: what reads what and in which order, and moves held against NumPy's own on numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from weightlens.layers.activations import erf
from weightlens.recording import Recorded
from weightlens.recording.graph import (
    copies,
    evaluate,
    evaluated,
    expression,
    is_inside,
    named_operands,
    operands,
    ordered,
    origins,
    recorded_among,
    walk,
)
from weightlens.recording.prepared_calls import Program, prepared

NUMBERS = np.arange(1.0, 7.0).reshape(2, 3)
Move = Callable[[Any, Any], Any]


def named(name: str, value: Any = NUMBERS) -> Recorded:
    return Recorded(np.asarray(value), kind="input", name=name)


def same(found: list[Recorded], wanted: list[Recorded]) -> bool:
    return [id(x) for x in found] == [id(x) for x in wanted]


def test_arrays_are_found_wherever_a_call_was_given_them() -> None:
    a, b, c, d, e, f = map(named, "abcdef")
    assert same(recorded_among((1, a, [b, (c, "text")], slice(d, None, e), {"key": f})), [a, b, c, d, e, f])
    made = np.sum(a, axis=0, where=b > 2)
    assert len(operands(made)) == 2 and operands(made)[0] is a
    assert (a.args, a.kwargs, operands(a)) == ((), {}, [])
    assert [repr(x) for x in (a, made)] == ["Recorded(a, shape (2, 3))", "Recorded(sum, shape (3,))"]


@pytest.mark.parametrize(
    ("path", "inside"), [("dense", True), ("dense/cell", True), ("dense #2", True), ("dense_1", False), ("dens", False)]
)
def test_paths_inside_a_layer(path: str, inside: bool) -> None:
    assert is_inside(path, "dense") is inside


def test_values_are_met_from_left_to_right_and_once() -> None:
    a, b, c = map(named, "abc")
    left, right = a * b, b - c
    root = left + right
    assert same(list(walk([root])), [left, a, b, right, c])
    assert same(list(walk([root, left], lambda x: x is right)), [left, right, b, c, a])
    assert same(named_operands(root), [a, b, c])
    assert same(named_operands(right, left), [b, c, a])


def test_only_unnamed_values_belong_to_an_expression() -> None:
    a, b = map(named, "ab")
    inner = a * b
    inner.kind = "step"
    outer = np.exp(inner - a) + b
    assert same(named_operands(outer), [inner, a, b])
    assert [x.kind for x in walk([outer])] == ["", "", "step", "input", "input"]  # the step is met, but not looked into
    assert same(expression(outer)[-1:], [outer]) and len(expression(outer)) == 3
    assert id(inner) not in map(id, expression(outer))


def test_operands_come_before_what_reads_them() -> None:
    a, b, c = map(named, "abc")
    left, right = a * b, b - c
    root = left + right
    assert same(ordered([root]), [a, b, left, c, right, root])
    assert same(ordered([root], last_first=True), [c, b, right, a, left, root])
    assert same(ordered([root], lambda x: x is not left), [left, b, c, right, root])
    assert same(ordered([left, root]), [a, b, left, c, right, root])
    assert same(expression(root), [left, right, root])


def test_what_was_dropped_is_computed_again() -> None:
    a = named("a")
    half = a / 2
    parts = np.split(half, 3, axis=1)
    curve, again = erf(parts[1]), np.sum(parts[2], axis=0, keepdims=True)
    wanted = [curve.value.copy(), again.value.copy(), half.value.copy()]
    for x in (half, *parts, curve, again):
        x.value = None
    assert evaluate(curve).dtype == np.float64
    np.testing.assert_array_equal(curve.value, wanted[0])
    np.testing.assert_array_equal(evaluated(again), wanted[1])
    np.testing.assert_array_equal(half.value, wanted[2])
    assert parts[0].value is None and evaluated("as it is") == "as it is"


def test_a_call_that_returns_several_arrays_is_made_once() -> None:
    a = named("a")
    first, second = np.split(a, 2, axis=0)
    wholes: dict[int, Any] = {}
    again = [prepared(x, {id(a): 0})([NUMBERS * 10], wholes) for x in (first, second)]
    np.testing.assert_array_equal(np.concatenate(again), NUMBERS * 10)
    assert len(wholes) == 1
    assert prepared(a, {})([], {}) is a.value


def test_calls_are_made_again_with_other_numbers_at_the_start() -> None:
    a = named("a")
    joined = np.concatenate([a, a[:, :1], np.ones((2, 1))], axis=1)
    ends = [erf(joined), np.sum(a * 2, axis=0), np.where(a > 0, a, 0.0)]
    run = Program(ends).run({id(a): -NUMBERS})
    again = np.concatenate([-NUMBERS, -NUMBERS[:, :1], np.ones((2, 1))], axis=1)
    np.testing.assert_array_equal(run[id(joined)], again)
    assert run[id(ends[0])].dtype == np.float64 and run[id(ends[0])] == pytest.approx(erf(again).astype(float), rel=1e-15)
    assert run[id(ends[1])].tolist() == [-10, -14, -18] and not run[id(ends[2])].any()
    np.testing.assert_array_equal(a.value, NUMBERS)


MOVES: dict[str, Move] = {
    "transposed": lambda a, b: np.transpose(a),
    "a part": lambda a, b: a[:, 1:],
    "picked": lambda a, b: a[np.array([1, 0, 1])],
    "side by side": lambda a, b: np.concatenate([a, b, a], axis=1),
    "side by side, in another precision": lambda a, b: np.concatenate([a, b], axis=1, dtype="float16"),
    "stacked": lambda a, b: np.stack((a, b), axis=-1),
    "split": lambda a, b: np.split(a, 3, axis=1)[2],
    "turned": lambda a, b: np.flip(a, axis=1),
    "repeated": lambda a, b: np.repeat(a, 2, axis=0),
    "rolled": lambda a, b: np.roll(a, 1, axis=1),
    "padded": lambda a, b: np.pad(a, [(1, 0), (0, 2)]),
    "padded with a number": lambda a, b: np.pad(a, [(1, 1), (0, 0)], constant_values=9.0),
    "padded with what is there": lambda a, b: np.pad(a, [(0, 0), (1, 1)], mode="edge"),
    "mirrored": lambda a, b: np.pad(a, [(0, 0), (1, 1)], "reflect"),
    "upper": lambda a, b: np.triu(a),
    "lower": lambda a, b: np.tril(a, -1),
    "cast": lambda a, b: a.astype("float32"),
}


@pytest.mark.parametrize("name", MOVES)
def test_moves_move_positions_as_numpy_moves_numbers(name: str) -> None:
    a, b = named("a"), named("b", -NUMBERS)
    moved = MOVES[name](a, b)
    np.testing.assert_array_equal(moved.value, MOVES[name](NUMBERS, -NUMBERS))
    places, every = origins(moved), np.concatenate([np.ravel(getattr(x, "value", x)) for x in sources_of(moved)])
    assert places.shape == moved.shape
    np.testing.assert_array_equal(every[places][places >= 0], np.asarray(moved.value)[places >= 0])
    fresh = np.isin(moved.value, [0.0, 9.0])  # no source holds these
    np.testing.assert_array_equal(places == -1, fresh)


def sources_of(moved: Recorded) -> list[Any]:
    return list(moved.args[0]) if isinstance(moved.args[0], (list, tuple)) else [moved.args[0]]


def test_positions_as_if_the_sources_were_larger() -> None:
    np.testing.assert_array_equal(origins(np.transpose(named("a")), [(4, 2)]), np.arange(8).reshape(4, 2).T)


def test_copies_read_copies() -> None:
    a, b = map(named, "ab")
    total = np.sum(np.concatenate([a, b * 2], axis=0), axis=0, where=np.concatenate([a, a]) > 1)
    total.function = "sum", b
    values = ordered([total])
    made = copies(values)
    assert {id(x) for x in ordered([made[id(total)]])} == {id(x) for x in made.values()}
    assert not {id(x) for x in values} & {id(x) for x in made.values()}
    assert made[id(total)].function == ("sum", made[id(b)])
    for x in values:
        made[id(x)].value = None if x.op is not None else x.value * 3
    again = np.concatenate([NUMBERS * 3, NUMBERS * 6])
    np.testing.assert_array_equal(evaluate(made[id(total)]), np.sum(again, axis=0, where=np.concatenate([NUMBERS * 3] * 2) > 1))
    np.testing.assert_array_equal(total.value, [12, 21, 27])
