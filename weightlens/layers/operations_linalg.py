"""Operations of linear algebra (``keras.ops.linalg``). Most have numbers but no formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.layers.operations_numpy import Axis


def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The length of vectors (``ord`` 2 unless given), or a norm of matrices over two axes."""
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    ord = {"inf": math.inf, "-inf": -math.inf}.get(ord, ord) if isinstance(ord, str) else ord
    if ord in (None, "fro") or (ord == 2 and len(axes) == 1):
        return np.sqrt(np.sum(x * x, axis=axes, keepdims=keepdims))
    if len(axes) > 1:
        return matrix_norm(x, ord, axes, keepdims)
    size = np.abs(x)
    if math.isinf(ord):
        return (np.max if ord > 0 else np.min)(size, axis=axes, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.where(np.equal(x, 0), 0.0, 1.0), axis=axes, keepdims=keepdims)
    return np.power(np.sum(np.power(size, float(ord)), axis=axes, keepdims=keepdims), 1.0 / ord)


def matrix_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The largest (or smallest) sum of absolute values of a column (1) or a row (infinity)."""
    if ord not in (1, -1, math.inf, -math.inf):
        return np.linalg.norm(x, ord=ord, axis=axes, keepdims=keepdims)
    summed, searched = axes if abs(ord) == 1 else axes[::-1]
    y = (np.max if ord > 0 else np.min)(np.sum(np.abs(x), axis=summed, keepdims=True), axis=searched, keepdims=True)
    return y if keepdims else np.squeeze(y, axes)


def solve(a: Any, b: Any) -> Any:
    """``x`` so that ``a . x = b``."""
    return np.squeeze(np.linalg.solve(a, np.expand_dims(b, -1)), -1) if b.ndim == a.ndim - 1 else np.linalg.solve(a, b)


def cholesky(x: Any, upper: bool = False) -> Any:
    """The triangle whose product with its transpose is ``x``."""
    y = np.linalg.cholesky(x)
    return np.swapaxes(y, -1, -2) if upper else y


def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """``x`` so that ``a . x = b``, only one triangle of ``a`` being looked at."""
    return solve(np.tril(a) if lower else np.triu(a), b)


def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """The inverse of the matrix whose Cholesky triangle is ``x``."""
    triangle = np.linalg.inv(np.triu(x) if upper else np.tril(x))
    other = np.swapaxes(triangle, -1, -2)
    return triangle @ other if upper else other @ triangle


def slogdet(x: Any) -> Any:
    """The sign of the determinant, and the logarithm of its size."""
    determinant = np.linalg.det(x)
    return [np.sign(determinant), np.log(np.abs(determinant))]


def band_part(input: Any, num_lower: int, num_upper: int) -> Any:
    """A matrix with zeros away from its diagonal."""
    rows, columns = np.arange(input.shape[-2])[:, None], np.arange(input.shape[-1])
    kept = ((num_lower < 0) | (rows - columns <= num_lower)) & ((num_upper < 0) | (columns - rows <= num_upper))
    return np.where(kept, input, 0.0)


def singular_values(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """The singular values, largest first; the vectors that go with them have no sign of their own."""
    if compute_uv:
        raise NotImplementedError("gives singular vectors, whose signs each program chooses for itself")
    return np.linalg.svd(x, compute_uv=False)


def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """``x`` for which ``a . x`` comes nearest to ``b``."""
    smallest = max(a.shape) * np.finfo(np.float32).eps if rcond is None else np.finfo(np.float32).eps if rcond < 0 else rcond
    return np.linalg.pinv(a, rcond=smallest) @ b


def matrix_rank(x: Any, tol: float | None = None) -> Any:
    """How many rows are no sums of others: singular values above ``tol``."""
    sizes = np.linalg.svd(x, compute_uv=False)
    limit = np.max(sizes, axis=-1, keepdims=True) * (max(x.shape[-2:]) * np.finfo(np.float32).eps) if tol is None else tol
    return np.sum(np.where(np.greater(sizes, limit), 1.0, 0.0), axis=-1)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "Norm": norm, "Det": np.linalg.det, "Inv": np.linalg.inv, "Pinv": lambda x, rcond=None: np.linalg.pinv(x), "Solve": solve,
    "SolveTriangular": solve_triangular, "Cholesky": cholesky, "CholeskyInverse": cholesky_inverse, "Slogdet": slogdet,
    "Logdet": lambda x: np.log(np.abs(np.linalg.det(x))), "SVD": singular_values, "Lstsq": lstsq, "MatrixRank": matrix_rank,
    "Qr": lambda x, mode="reduced": list(np.linalg.qr(x, mode=mode)),
}  # fmt: skip
