"""What is read of recorded calls: the subscripts of products are held against NumPy's own product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from weightlens.recording import Recorded
from weightlens.recording.calls import einsum_subscripts, factors, moved_by_data, reduced_axes

PRODUCTS: dict[str, tuple[Callable[..., Any], tuple[int, ...], tuple[int, ...]]] = {
    "@, matrices": (lambda a, b: a @ b, (2, 3), (3, 4)),
    "@, a vector from the left": (lambda a, b: a @ b, (3,), (3, 4)),
    "@, a vector from the right": (lambda a, b: a @ b, (2, 3), (3,)),
    "@, vectors": (lambda a, b: a @ b, (3,), (3,)),
    "@, batches": (lambda a, b: a @ b, (5, 2, 3), (5, 3, 4)),
    "@, batches of one side": (lambda a, b: a @ b, (6, 5, 2, 3), (5, 3, 4)),
    "@, a vector and batches": (lambda a, b: a @ b, (3,), (5, 3, 4)),
    "dot, matrices": (np.dot, (2, 3), (3, 4)),
    "dot, a vector from the right": (np.dot, (5, 2, 3), (3,)),
    "dot, many axes": (np.dot, (2, 6, 3), (5, 7, 3, 4)),
    "inner, vectors": (np.inner, (3,), (3,)),
    "inner, many axes": (np.inner, (2, 6, 3), (5, 4, 3)),
    "outer": (np.outer, (3,), (4,)),
    "tensordot": (np.tensordot, (2, 3, 4), (3, 4, 5)),
    "tensordot, one axis": (lambda a, b: np.tensordot(a, b, 1), (2, 3), (3, 4)),
    "tensordot, axes by name": (lambda a, b: np.tensordot(a, b, axes=([0, 2], [1, -3])), (3, 2, 4), (4, 3, 5)),
    "tensordot, one axis of each": (lambda a, b: np.tensordot(a, b, axes=(-1, 0)), (2, 3), (3, 4)),
    "einsum": (lambda a, b: np.einsum("ab,cb->ca", a, b), (2, 3), (4, 3)),
    "einsum, nothing said of the result": (lambda a, b: np.einsum("ba, ac", a, b), (2, 3), (3, 4)),
    "einsum, dots": (lambda a, b: np.einsum("...ab,bc->...ca", a, b), (5, 6, 2, 3), (3, 4)),
    "einsum, dots of two ranks": (lambda a, b: np.einsum("...b,...bc->...c", a, b), (6, 5, 3), (5, 3, 4)),
    "einsum, dots and nothing said": (lambda a, b: np.einsum("...ba,a", a, b), (5, 2, 3), (3,)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_subscripts_say_what_a_product_does(name: str) -> None:
    call, *shapes = PRODUCTS[name]
    a, b = (np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape) for shape in shapes)
    made = call(Recorded(a, kind="input"), Recorded(b, kind="input"))
    read = np.einsum(einsum_subscripts(made), *(factor.value for factor in factors(made)))
    np.testing.assert_array_equal(read, call(a, b))


REDUCED: dict[str, tuple[Callable[[Any], Any], list[int]]] = {
    "all": (np.sum, [0, 1, 2]),
    "one": (lambda a: np.sum(a, axis=1), [1]),
    "one, by its place": (lambda a: np.sum(a, -1), [2]),
    "several": (lambda a: np.max(a, axis=(0, -1)), [0, 2]),
    "of a ufunc": (np.add.reduce, [0]),
    "of a ufunc, told": (lambda a: np.add.reduce(a, axis=2), [2]),
    "of a ufunc, by its place": (lambda a: np.add.reduce(a, 1), [1]),
    "of a ufunc, all": (lambda a: np.add.reduce(a, axis=None), [0, 1, 2]),
    "of a ufunc, all, by its place": (lambda a: np.add.reduce(a, None), [0, 1, 2]),
}


@pytest.mark.parametrize("name", REDUCED)
def test_the_axes_of_a_reduction(name: str) -> None:
    call, over = REDUCED[name]
    made = call(Recorded(np.zeros((2, 3, 4)), kind="input"))
    assert reduced_axes(made) == (over, [a for a in range(3) if a not in over])
    assert made.shape == tuple(n for a, n in enumerate((2, 3, 4)) if a not in over)


def test_what_the_data_move() -> None:
    a, places = Recorded(np.arange(6.0).reshape(2, 3), kind="input"), Recorded(np.array([1, 0]), kind="input")
    by_data = [np.take(a, places, axis=1), np.take(a, indices=places, axis=1), a[:, places], a[places]]
    fixed = [np.take(a, [1, 0], axis=1), a[:, 1:], np.concatenate([a, a, np.ones((2, 1))], axis=1), np.stack([a, a]), np.transpose(a)]
    assert [moved_by_data(x) for x in (*by_data, *fixed)] == [True] * 4 + [False] * 5
