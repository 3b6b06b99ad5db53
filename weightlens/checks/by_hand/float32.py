"""How far a float32 calculation may be from the exact one, in any order of its sums: measured, on calculations that round otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from weightlens.checks.by_hand.replay import Replay, replace_by
from weightlens.recording import Recorded

TRIES = 4  # calculations
TIMES = 20.0  # what may be off, in units of the farthest of them
SMALL = 1e-5  # the most, in units of the largest number of a value
ONE_STEP = 2.0**-23  # from a float32 number to the next, in units of the number


def float32_noise(replay: Replay, nodes: Sequence[Recorded]) -> list[np.ndarray]:
    """For each element of each of these values how far it may be off.

    Weights and inputs are a step larger or smaller at random, as sums are whose terms are rounded on the way.
    """
    rng = np.random.default_rng(0)
    given = [x for x in replay.nodes if x.op is None and x.value.dtype.kind == "f"]
    exact = [np.asarray(value, np.float64) for value in replay.run(nodes, {})]
    off = [np.zeros(value.shape) for value in exact]
    with np.errstate(all="ignore"):
        for _ in range(TRIES):
            nudged = {id(x): replace_by((x.value * (1 + rng.choice([-ONE_STEP, ONE_STEP], x.shape))).astype(np.float32)) for x in given}
            rounded = replay.run(nodes, nudged)
            off = [np.fmax(worst, np.abs(y - true)) for worst, y, true in zip(off, rounded, exact, strict=True)]
        return [np.minimum(np.nan_to_num(TIMES * worst, posinf=0.0), SMALL * largest(true)) for worst, true in zip(off, exact, strict=True)]


def largest(value: np.ndarray) -> float:
    """The size of the largest finite number; at least 1."""
    return float(np.nan_to_num(np.abs(value), nan=0.0, posinf=0.0).max(initial=1.0))
