"""What the singular values of a kernel say of it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

FEWEST = 50  # eigenvalues of which a power law is believed
STARTS = 40  # beginnings of the tail that are tried


class PowerLaw(NamedTuple):
    """The power law that fits the tail of the eigenvalues best: exponent, beginning of the tail, how many are in it, distance."""

    alpha: float
    start: float
    members: int
    distance: float

    @property
    def error(self) -> float:
        """The standard error of the exponent."""
        return (self.alpha - 1.0) / math.sqrt(self.members)


def effective_rank(singular: np.ndarray) -> float:
    """``exp(entropy)`` of the singular values as shares of their sum (Roy, Vetterli 2007)."""
    shares = singular[singular > 0] / singular.sum() if singular.sum() else np.zeros(0)
    return float(np.exp(-(shares * np.log(shares)).sum())) if len(shares) else 0.0


def stable_rank(singular: np.ndarray) -> float:
    """The sum of the squared singular values over the largest of them."""
    return float((singular**2).sum() / singular[0] ** 2) if len(singular) and singular[0] else 0.0


def power_law(eigenvalues: np.ndarray) -> PowerLaw | None:
    """The exponent by maximum likelihood, the tail begun where it fits best (Clauset, Shalizi, Newman 2009).

    ``None`` of too few eigenvalues to say.
    """
    values = np.sort(eigenvalues[eigenvalues > 1e-12 * eigenvalues.max()])
    if len(values) < FEWEST:
        return None
    best: PowerLaw | None = None
    for start in np.unique(np.linspace(0, len(values) - FEWEST // 2, STARTS).astype(int)):
        tail = values[start:]
        logs = np.log(tail / tail[0])
        if not logs.sum():
            continue
        alpha = 1.0 + len(tail) / float(logs.sum())
        expected = 1.0 - np.exp(-(alpha - 1.0) * logs)
        distance = float(np.abs(expected - np.arange(len(tail)) / len(tail)).max())
        if best is None or distance < best.distance:
            best = PowerLaw(alpha, float(tail[0]), len(tail), distance)
    return best
