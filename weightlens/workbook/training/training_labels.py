"""The column labels of a training sheet: samples, units, and weights by what they connect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from weightlens.axes import Axis
from weightlens.recording import Recorded
from weightlens.training.epoch import Epoch

PER_SAMPLE, PER_POINT = "per sample", "per point"


class Names:
    """Labels for the weights and values of one epoch; ``inputs`` names the columns of the only input."""

    def __init__(self, epoch: Epoch, inputs: Sequence[str]) -> None:
        self.epoch = epoch
        self.weights = {id(x): t.now for t in epoch.trained for x in (t.now, *t.slots.values())}
        self.inputs = inputs

    def weight_of(self, x: Recorded) -> Recorded | None:
        """The weight that a value belongs to: itself, an optimizer slot, a gradient, or the updated weight."""
        if id(x) in self.weights:
            return self.weights[id(x)]
        return self.epoch.about.get(id(x))

    def rows(self, weight: Recorded, short: bool = False) -> list[str]:
        """What comes in through each row of a matrix: a column of the input (``x0``), a unit before (``unit 0``, in short ``u0``)."""
        if weight.ndim != 2:
            return []
        axis, n = self.epoch.trace.axes.named(weight).axes[0], weight.shape[0]
        names = [factor.name for factor in axis]
        if names == ["feature"]:
            return list(self.inputs) if len(self.inputs) == n else [f"x{i}" for i in range(n)]
        return [f"u{i}" if short and names == ["unit"] else in_words([axis], [i]) for i in range(n)]

    def columns(self, x: Recorded) -> tuple[dict[int, str], list[str]]:
        """Labels for a value in one row: headings over some columns (``sample 2``), and a label for each column.

        ``x0 -> u1`` for a matrix, ``u1`` for a bias, of other weights positions.
        """
        weight = self.weight_of(x)
        if weight is not None:
            if weight.ndim == 2:
                return {}, [f"{row} \u2192 u{j}" for row in self.rows(weight, short=True) for j in range(weight.shape[1])]
            return {}, [f"u{j}" for j in range(weight.size)] if weight.ndim == 1 else _indices(weight.shape)
        if not x.ndim:
            return {}, [""]
        batch = self.epoch.parts.get(id(x), (0, ""))[0]
        first, whole = max(batch - 1, 0) * self.epoch.batch, int(self.epoch.targets.shape[0])
        if x.op is None or x.shape[0] != (min(self.epoch.batch, whole - first) if batch else whole):
            return {}, _indices(x.shape)
        each = x.size // x.shape[0]
        samples = [f"sample {first + i}" for i in range(x.shape[0])]
        if each == 1:
            return {}, samples
        axes = self.epoch.trace.axes.named(x).axes[1:]
        inner = [in_words(axes, index) for index in np.ndindex(x.shape[1:])]
        return {i * each: text for i, text in enumerate(samples)}, inner * x.shape[0]


def is_one_per_sample(x: Recorded) -> bool:
    """Whether a value has one number per sample that combines all units: a softmax's maximum, its sum, a hit."""
    return x.ndim == 1 or (x.ndim == 2 and x.shape[1] == 1 and (x.op in (np.max, np.min, np.sum, np.mean) or x.role.kind == "hit"))


def in_words(axes: Sequence[Axis], index: Sequence[int]) -> str:
    """One place on several axes: ``unit 1``."""
    return ", ".join(f.text(i) for axis, i in zip(axes, index, strict=True) for f in axis) or ",".join(map(str, index))


def _indices(shape: tuple[int, ...]) -> list[str]:
    return [",".join(map(str, index)) for index in np.ndindex(shape)]
