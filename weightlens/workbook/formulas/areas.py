"""Products and reductions: many cells in one formula, written as few rectangles as possible.

Structure repeats: the operands of neighbouring elements lie in the same pattern, only shifted. So the
patterns are found once (``patterns``), cut into rectangles once (``rectangles``, ``pairs``), and each
element's formula is its pattern's with other first cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from weightlens.workbook.formulas.cell_arrays import (
    ADD,
    ATOM,
    CONSTANTS,
    MULTIPLY,
    ROW,
    Area,
    Cells,
    Expression,
    Piece,
    Unwritable,
    compress,
    number,
    numbered,
)

FEW = 4  # up to so many single products are written out: B6*D$13+C6*D$14 can be read without help
MAX_ARGUMENTS = 255
IN_BUNDLES = {"SUM", "MAX", "MIN", "PRODUCT"}  # functions of whose results over parts they make the result over all
AT_ONCE = 1 << 18  # addresses that are compared at once
SHEET_SALT = 0x9E3779B97F4A7C1  # odd, and large: sheets change a hash as much as offsets do


@dataclass
class Patterns:
    """Rows of addresses taken apart: ``row = base + pattern[kind]``; constants stay as negative codes."""

    base: np.ndarray  # (n,)
    kind: np.ndarray  # (n,)
    shapes: np.ndarray  # (kinds, k): offsets, or codes of constants


def patterns(rows: Cells) -> Patterns:
    """Find the distinct patterns among rows of addresses ``(n, k)``."""
    real = rows >= 0
    first = np.argmax(real, axis=1)
    base = np.where(real.any(axis=1), rows[np.arange(len(rows)), first], 0)
    if len(rows) == 1:
        return Patterns(base, np.zeros(1, np.int64), relative(rows, base))
    with np.errstate(over="ignore"):
        hashes = (base >> 34) * SHEET_SALT  # a formula names its sheets
        for part in parts(rows):
            hashes[part] += (relative(rows[part], base[part]) * hash_weights(rows.shape[1])).sum(axis=1)
    _, representative, kind = np.unique(hashes, return_index=True, return_inverse=True)
    kind = kind.reshape(-1)
    shapes = relative(rows[representative], base[representative])
    if not all(np.array_equal(shapes[kind[part]], relative(rows[part], base[part])) for part in parts(rows)):
        # two patterns with one hash: practically impossible, but never wrong
        shapes, kind = np.unique(np.column_stack([relative(rows, base), base >> 34]), axis=0, return_inverse=True)
        shapes = shapes[:, :-1]
    return Patterns(base, kind.reshape(-1), shapes)


@lru_cache(maxsize=4)
def hash_weights(k: int) -> np.ndarray:
    """Odd numbers by which the places of a pattern are multiplied."""
    return np.random.default_rng(1).integers(1, 1 << 62, k, dtype=np.int64) | 1


def parts(rows: Cells) -> list[slice]:
    """Rows taken some at a time, so that what is computed of them stays small."""
    height = max(1, AT_ONCE // max(1, rows.shape[1]))
    return [slice(start, start + height) for start in range(0, len(rows), height)]


def relative(rows: Cells, base: np.ndarray) -> np.ndarray:
    """Offsets from each row's base; they may be negative, so a shift far beyond any address tells them from codes of constants."""
    return np.where(rows >= 0, rows - base[:, None] + (1 << 60), rows)


def joint(a: np.ndarray, b: np.ndarray | None) -> list[tuple[int, int, int, int, str]]:
    """Cut sorted cells ``a`` and their partners ``b`` into rectangles: ``(first a, first b, height, width, how b lies)``.

    Repeated cells get rectangles of their own.
    ``same``: b is a rectangle of the same shape. ``across``: a runs along a row while b runs down a column
    (or the other way round), one cell wide.
    """
    if not len(a):
        return []
    step_a = np.diff(a)
    step_b = step_a if b is None else np.diff(b)
    partner = a if b is None else b
    runs: list[tuple[int, int, int, int, str]] = []
    kinds = np.select([(step_a == 1) & (step_b == 1), (step_a == 1) & (step_b == ROW), (step_a == ROW) & (step_b == 1)], [1, 2, 3], 0)
    if b is None:
        kinds = np.where(step_a == 1, 1, 0)
    start, n = 0, len(a)
    while start < n:
        kind = int(kinds[start]) if start < n - 1 else 0
        end = start + 1
        while kind and end < n and kinds[end - 1] == kind:
            end += 1
        length = end - start
        how = "same" if kind < 2 else "across" if kind == 2 else "down"
        runs.append((int(a[start]), int(partner[start]), 1, length, how))
        start = end
    return stack(runs)


def stack(runs: list[tuple[int, int, int, int, str]]) -> list[tuple[int, int, int, int, str]]:
    """Join runs of equal width that stand under each other, in both operands, to rectangles."""
    done: list[tuple[int, int, int, int, str]] = []
    open_at: dict[tuple[int, int, int], int] = {}  # (next a, next b, width) -> index in done
    for a, b, _, width, how in runs:
        index = open_at.pop((a, b, width), None) if how == "same" else None
        if index is None:
            done.append((a, b, 1, width, how))
            index = len(done) - 1
        else:
            first_a, first_b, height, _, _ = done[index]
            done[index] = (first_a, first_b, height + 1, width, how)
        if how == "same":
            open_at[(a + ROW, b + ROW, width)] = index
    return done


def product(left: Cells, right: Cells) -> Expression:
    """Sums of products: ``left (g, n, k)`` with ``right (g, k, m)`` gives the formulas of ``(g, n, m)``."""
    groups, n, k = left.shape
    m = right.shape[2]
    a = patterns(np.ascontiguousarray(left).reshape(groups * n, k))
    b = patterns(np.ascontiguousarray(np.swapaxes(right, 1, 2)).reshape(groups * m, k))
    kinds = a.kind.reshape(groups, n, 1) * len(b.shapes) + b.kind.reshape(groups, 1, m)
    base_a, base_b = a.base.reshape(groups, n, 1), b.base.reshape(groups, 1, m)
    present, choice = numbered(kinds)
    options = [terms(a.shapes[kind // len(b.shapes)], b.shapes[kind % len(b.shapes)], base_a, base_b) for kind in present]
    level = min(ADD if "+" in option else MULTIPLY if "*" in option else ATOM for option in options)
    return Expression((groups, n, m), options, choice, level)


def terms(pattern_a: np.ndarray, pattern_b: np.ndarray, base_a: np.ndarray, base_b: np.ndarray) -> list[Piece]:
    """The sum of products of one pair of patterns."""
    real_a, real_b = pattern_a > (1 << 59), pattern_b > (1 << 59)
    both = np.flatnonzero(real_a & real_b)
    a, b = pattern_a[both] - (1 << 60), pattern_b[both] - (1 << 60)
    order = np.lexsort((b, a))
    pieces: list[Piece] = []
    blocks = joint(a[order], b[order])
    few = len(both) <= FEW
    for first_a, first_b, height, width, how in blocks:
        pieces += ["+"] if pieces else []
        at_a, at_b = base_a + first_a, base_b + first_b
        if few or height * width == 1:
            pieces += written_out(at_a, at_b, height, width, how)
        elif how == "same":
            pieces += ["SUMPRODUCT(", Area(at_a, height, width), ",", Area(at_b, height, width), ")"]
        elif how == "across":
            pieces += ["SUMPRODUCT(MMULT(", Area(at_a, 1, width), ",", Area(at_b, width, 1), "))"]
        else:
            pieces += ["SUMPRODUCT(MMULT(", Area(at_b, 1, width), ",", Area(at_a, width, 1), "))"]
    for position in np.flatnonzero(real_a != real_b).tolist():  # a constant times a cell
        code = int(pattern_b[position] if real_a[position] else pattern_a[position])
        if CONSTANTS.value(code):
            at = base_a + (pattern_a[position] - (1 << 60)) if real_a[position] else base_b + (pattern_b[position] - (1 << 60))
            pieces += ["+"] if pieces else []
            pieces += [number(CONSTANTS.value(code)), "*", Area(at)]
    constant = sum(
        CONSTANTS.value(int(p)) * CONSTANTS.value(int(q))
        for p, q in zip(pattern_a[~real_a & ~real_b], pattern_b[~real_a & ~real_b], strict=True)
    )
    if constant or not pieces:
        pieces += ["+", number(constant)] if pieces else [number(constant)]
    return pieces


def written_out(at_a: np.ndarray, at_b: np.ndarray, height: int, width: int, how: str) -> list[Piece]:
    """``A1*B1+A2*B2``: a product of a few cells, term by term."""
    pieces: list[Piece] = []
    for i in range(height):
        for j in range(width):
            step_a, step_b = (i * ROW + j, i * ROW + j) if how == "same" else (j, j * ROW) if how == "across" else (j * ROW, j)
            pieces += ["+"] if pieces else []
            pieces += [Area(at_a + step_a), "*", Area(at_b + step_b)]
    return pieces


def reduction(rows: Cells, function: str, neutral: float | None) -> Expression:
    """``SUM``, ``MAX``... over rows of addresses ``(n, k)``; the constant ``neutral`` (a padded cell) is left out."""
    taken_apart, left_out = patterns(rows), None if neutral is None else CONSTANTS.code(neutral)
    options: list[list[Piece]] = []
    for pattern in taken_apart.shapes:
        at = np.flatnonzero(pattern > (1 << 59))
        offsets = pattern[at] - (1 << 60)
        kept = [number(CONSTANTS.value(code)) for code in np.delete(pattern, at).tolist() if code != left_out]
        arguments: list[Piece] = [Area(taken_apart.base + first, h, w) for first, _, h, w, _ in joint(np.sort(offsets), None)]
        arguments += dict.fromkeys(kept) if function in ("MAX", "MIN") else kept
        nothing: list[Piece] = ["1" if function == "PRODUCT" else "0"]
        options.append(call(function, arguments, len(offsets) + len(kept)) if arguments else nothing)
    choice, options = compress(taken_apart.kind, options)
    return Expression((len(rows),), options, choice, MULTIPLY if function == "AVERAGE" else ATOM)


def call(function: str, arguments: list[Piece], count: int) -> list[Piece]:
    """``FUNCTION(a,b,...)``; more than 255 arguments are taken in bundles, an average of so many is a sum divided."""
    if len(arguments) <= MAX_ARGUMENTS:
        return joined(function, [[argument] for argument in arguments])
    if function == "AVERAGE":
        return [*call("SUM", arguments, count), f"/{count}"]
    if function not in IN_BUNDLES:
        raise Unwritable(f"{function} of cells that lie apart in more than {MAX_ARGUMENTS} places")
    starts = range(0, len(arguments), MAX_ARGUMENTS)
    return joined(function, [call(function, arguments[start : start + MAX_ARGUMENTS], count) for start in starts])


def joined(function: str, arguments: list[list[Piece]]) -> list[Piece]:
    """A function and its arguments, commas between them."""
    pieces: list[Piece] = [function + "("]
    for argument in arguments:
        pieces += [*argument, ","]
    return [*pieces[:-1], ")"]
