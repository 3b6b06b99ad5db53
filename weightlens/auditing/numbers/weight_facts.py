"""One pass over the numbers of a weight: everything that the rules want to know of them, in bounded memory."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from weightlens.model import Weight

PIECE = 1 << 20  # numbers read at once
SAMPLE = 1 << 16  # numbers kept of a weight, evenly spaced
WIDEST = 1024  # columns or rows of a matrix, up to which its spectrum is computed
COSTLIEST = 1 << 32  # multiplications for a spectrum
PROBES = 8  # random directions by which equal columns are found
FINGERPRINT = 16  # numbers kept to tell how far two versions of a weight are apart
NOTHING = np.zeros(0)


@dataclass
class WeightFacts:
    """What is known of a weight after the pass. A kernel is taken as a matrix, whose columns are the layer's units."""

    shape: tuple[int, ...]
    size: int
    nan: int = 0
    infinite: int = 0
    zeros: int = 0
    total: float = 0.0
    squares: float = 0.0
    least: float = math.inf
    most: float = -math.inf
    sample: np.ndarray = field(default_factory=lambda: NOTHING)  # evenly spaced finite numbers
    digest: str = ""
    stored_bytes: int = 0
    columns: int = 0
    column_most: np.ndarray = field(default_factory=lambda: NOTHING)  # largest absolute value of each column
    column_squares: np.ndarray = field(default_factory=lambda: NOTHING)
    row_most: np.ndarray = field(default_factory=lambda: NOTHING)  # of each row
    probes: np.ndarray = field(default_factory=lambda: NOTHING)  # random combinations of the rows, one line for each column
    singular: np.ndarray | None = None  # singular values, the largest first; None where that would take too long
    low: np.ndarray = field(default_factory=lambda: NOTHING)  # the least and most that each column can add up to over a box
    high: np.ndarray = field(default_factory=lambda: NOTHING)

    @property
    def finite(self) -> int:
        """How many numbers are finite."""
        return self.size - self.nan - self.infinite

    @property
    def largest(self) -> float:
        """The largest absolute value of the finite numbers."""
        return max(self.most, -self.least, 0.0)

    @property
    def is_constant(self) -> bool:
        """Whether all numbers are the same."""
        return self.least == self.most

    @property
    def rows(self) -> int:
        """The rows of the kernel as a matrix."""
        return self.size // self.columns if self.columns else 0

    @property
    def fingerprint(self) -> list[float]:
        """A few evenly spaced numbers."""
        step = max(1, len(self.sample) // FINGERPRINT)
        return [float(np.float32(number)) for number in self.sample[::step][:FINGERPRINT]]


def pieces(weight: Weight) -> Iterator[np.ndarray]:
    """The numbers in pieces cut along the first axis, each with all its axes."""
    if weight.read_part is None or weight.size <= PIECE or not weight.shape or weight._value is not None:
        yield np.asarray(weight.read() if weight._value is None else weight._value)
        return
    step = max(1, PIECE * weight.shape[0] // weight.size)
    for start in range(0, weight.shape[0], step):
        yield np.asarray(weight.read_part(slice(start, min(start + step, weight.shape[0]))))


def facts_of(weight: Weight, matrix: bool = False, swapped: bool = False, box: tuple[np.ndarray, np.ndarray] | None = None) -> WeightFacts:
    """The facts of a weight.

    ``matrix``: it is a kernel, its last axis the units; ``swapped``: its last axis but one, as in transposed convolutions.
    ``box``: the least and the most that each of its inputs can be, to bound what comes out; a period of the rows will do.
    """
    facts = WeightFacts(weight.shape, weight.size)
    digest = hashlib.blake2b(f"{tuple(n for n in weight.shape if n != 1)}".encode(), digest_size=16)
    taken, spectrum = [], None
    stride, place = max(1, -(-weight.size // SAMPLE)), 0
    with np.errstate(all="ignore"):
        for number, piece in enumerate(pieces(weight)):
            facts.stored_bytes += piece.nbytes
            digest.update(canonical(piece))
            values = piece.astype(np.float64) if piece.dtype.kind != "c" else np.abs(piece).astype(np.float64)
            flat = counted(values.ravel(), facts)
            taken.append(flat[-place % stride :: stride])
            place += flat.size
            if matrix and flat.size:
                rows = flat.reshape(values.shape)
                rows = (np.moveaxis(rows, -1, -2) if swapped else rows).reshape(-1, weight.shape[-2 if swapped else -1])
                spectrum = add_matrix(facts, rows, number, box, spectrum)
    facts.digest, facts.sample = digest.hexdigest(), np.concatenate(taken) if taken else NOTHING
    if spectrum is not None and not facts.nan and not facts.infinite:
        facts.singular = np.sqrt(np.maximum(np.linalg.eigvalsh(spectrum)[::-1], 0.0))
    return facts


def canonical(piece: np.ndarray) -> bytes:
    """The bytes of the numbers, the same whatever floats hold them."""
    if piece.dtype.kind == "f" and piece.dtype.itemsize < 4:
        piece = piece.astype(np.float32)
    if piece.dtype == np.float64 and np.array_equal(small := piece.astype(np.float32), piece, equal_nan=True):
        piece = small
    return np.ascontiguousarray(piece).tobytes()


def counted(flat: np.ndarray, facts: WeightFacts) -> np.ndarray:
    """Add a piece to the counts and sums; returns it with zeros for what is not finite."""
    total = flat.sum()
    if not np.isfinite(total):
        facts.nan += int(np.isnan(flat).sum())
        facts.infinite += int(np.isinf(flat).sum())
        flat = np.where(np.isfinite(flat), flat, 0.0)
    if flat.size:
        facts.zeros += int(flat.size - np.count_nonzero(flat))
        facts.total += float(flat.sum())
        facts.squares += float(flat @ flat)
        facts.least, facts.most = min(facts.least, float(flat.min())), max(facts.most, float(flat.max()))
    return flat


def add_matrix(
    facts: WeightFacts, rows: np.ndarray, number: int, box: tuple[np.ndarray, np.ndarray] | None, spectrum: np.ndarray | None
) -> np.ndarray | None:
    """Add some rows of a kernel to the facts; returns the Gram matrix so far, ``None`` where it would take too long."""
    count, columns = rows.shape
    size = np.abs(rows)
    first = not facts.columns
    before = len(facts.row_most)
    if first:
        facts.columns = columns
        facts.column_most, facts.column_squares = np.zeros(columns), np.zeros(columns)
        facts.probes = np.zeros((columns, PROBES))
        facts.low, facts.high = np.zeros(columns), np.zeros(columns)
    facts.column_most = np.maximum(facts.column_most, size.max(axis=0))
    facts.column_squares += np.einsum("ij,ij->j", rows, rows)
    facts.row_most = np.concatenate([facts.row_most, size.max(axis=1)])
    facts.probes += rows.T @ np.random.default_rng(number).normal(size=(count, PROBES))
    if box is not None:
        low, high = (np.resize(np.roll(side, -before % max(len(side), 1)), count) if len(side) else np.zeros(count) for side in box)
        up, down = np.maximum(rows, 0.0), np.minimum(rows, 0.0)
        facts.high += high @ up + low @ down
        facts.low += low @ up + high @ down
    return gram(facts, rows, first, spectrum)


def gram(facts: WeightFacts, rows: np.ndarray, first: bool, spectrum: np.ndarray | None) -> np.ndarray | None:
    """The products of the columns with each other, or of the rows where these are fewer and all there."""
    total, columns = facts.size // facts.columns, facts.columns
    if min(total, columns) > WIDEST or total * columns * min(total, columns) > COSTLIEST or not (first or spectrum is not None):
        return None
    if columns <= total or len(rows) < total:
        return None if columns > WIDEST else rows.T @ rows + (0.0 if spectrum is None else spectrum)
    made: np.ndarray = rows @ rows.T
    return made
