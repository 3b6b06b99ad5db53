"""The result of a check: one row per compared array, and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from weightlens.specs.words.number_words import counted


@dataclass(frozen=True)
class Row:
    """One comparison: the largest difference in ``layer``, and its element.

    ``witness`` names who computed the other numbers (``Keras 3.10.0 float32``, ``libreoffice``), ``precision`` the dtype if it was
    Keras. ``worst_relative`` is the worst difference over the largest number of the array (of a workbook: over the cell's number),
    or over 1 where that is smaller.
    """

    layer: str
    class_name: str
    shape: tuple[int, ...]
    witness: str
    worst_absolute: float
    worst_relative: float
    element: str
    tolerance: float
    ours: float = float("nan")
    theirs: float = float("nan")
    excused: bool = False  # beyond the tolerance because of the other program; a note explains it
    precision: str = ""

    @property
    def ok(self) -> bool:
        """True within the tolerance, or if the difference is explained by the other program."""
        return self.worst_relative <= self.tolerance or self.excused

    @property
    def verdict(self) -> str:
        """``exact`` to the last bits of float64, ``OK`` within the tolerance, else ``DIFFERS``."""
        if self.worst_relative <= 1e-12:
            return "exact"
        return "OK" if self.ok else "DIFFERS"


@dataclass(frozen=True)
class Report:
    """All comparisons of one check, in the order of the computation. ``notes`` say what could not be compared, and why."""

    subject: str
    rows: Sequence[Row] = ()
    notes: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        """True if something was compared and nothing differs."""
        return bool(self.rows) and all(row.ok for row in self.rows)

    @property
    def worst(self) -> Row | None:
        """The first row that differs, else the one nearest to its tolerance."""
        differing = [row for row in self.rows if not row.ok]
        return differing[0] if differing else max(self.rows, key=lambda row: row.worst_relative / max(row.tolerance, 1e-300), default=None)

    def __str__(self) -> str:
        return self.summary

    @property
    def summary(self) -> str:
        """The verdict as one line."""
        worst = self.worst
        if worst is None:
            return f"{self.subject}: nothing was compared" + (f" ({self.notes[0]})" if self.notes else "")
        if self.ok:
            largest = max(row.worst_relative for row in self.rows)
            return f"{self.subject}: OK, {counted(len(self.rows), 'comparison')}, worst relative difference {largest:.1e}"
        count = sum(not row.ok for row in self.rows)
        place = f"{worst.layer!r} ({worst.class_name}, {worst.witness}): element {worst.element}"
        numbers = f"is {worst.ours:.9g}, expected {worst.theirs:.9g}"
        return f"{self.subject}: DIFFERS in {count} of {counted(len(self.rows), 'comparison')}, first in {place} {numbers}"

    def _repr_html_(self) -> str:
        """The comparisons as a table, in a notebook."""
        from weightlens.api.notebook import report_html

        return report_html(self)

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data, for ``--format json``."""
        keys = ("layer", "class_name", "witness", "worst_absolute", "worst_relative", "element", "tolerance", "verdict")
        rows = [{key: getattr(row, key) for key in keys} | {"shape": list(row.shape)} for row in self.rows]
        return {"subject": self.subject, "ok": self.ok, "summary": self.summary, "rows": rows, "notes": list(self.notes)}


def compare(layer: str, class_name: str, ours: ArrayLike, theirs: ArrayLike, witness: str, tolerance: float) -> Row:
    """Compare two arrays of numbers or texts. Arrays of different shapes differ infinitely."""
    a, b = np.asarray(ours), np.asarray(theirs)
    if a.shape != b.shape:
        return Row(layer, class_name, a.shape, witness, np.inf, np.inf, f"shape {a.shape}, expected {b.shape}", tolerance)
    if not a.size:
        return Row(layer, class_name, a.shape, witness, 0.0, 0.0, "-", tolerance)
    if a.dtype.kind in "USO" or b.dtype.kind in "USO":  # texts are equal or not
        a, b = np.where(as_texts(a) == as_texts(b), 0.0, np.inf), np.zeros(a.shape)
    a, b = a.astype(np.float64), b.astype(np.float64)
    difference = differences(a, b)
    where = np.unravel_index(int(difference.argmax()), a.shape)
    absolute, finite = float(difference[where]), np.abs(b[np.isfinite(b)])
    relative = absolute / max(1.0, float(finite.max(initial=0.0)))
    element = "[" + ", ".join(map(str, where)) + "]"
    return Row(layer, class_name, a.shape, witness, absolute, relative, element, tolerance, float(a[where]), float(b[where]))


def differences(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How far numbers are apart. Equal infinities agree, and NaN with NaN; any other number is infinitely far from NaN."""
    with np.errstate(invalid="ignore"):
        apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    return np.where(np.isnan(apart), np.inf, apart)


def as_texts(array: np.ndarray) -> np.ndarray:
    """An array of texts; TensorFlow's are bytes."""
    return np.array([x.decode() if isinstance(x, bytes) else str(x) for x in array.ravel().tolist()]).reshape(array.shape)
