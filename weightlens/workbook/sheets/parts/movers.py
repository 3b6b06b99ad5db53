"""Layers that only move numbers have no sheet of their own: they stand on the sheet of the layer that reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from weightlens.recording import Step
from weightlens.recording.calls import operation
from weightlens.recording.graph import expression, named_operands

MOVED = {np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.expand_dims, np.squeeze, np.repeat}


def homes(steps: Sequence[Step], results: frozenset[int]) -> dict[str, str]:
    """The layer on whose sheet each layer stands: its own, or for one that only moves numbers the first that reads them."""
    own: dict[str, list[Step]] = {}
    for step in steps:
        own.setdefault(step.layer, []).append(step)
    movers = {path for path, made in own.items() if all(moves(step) and id(step.made) not in results for step in made)}
    found: dict[str, str] = {}
    for path in reversed(own):
        made = {id(step.made) for step in own[path]}
        readers = (step.layer for step in steps if step.layer != path and any(id(x) in made for x in named_operands(step.made)))
        reader = next(readers, None) if path in movers else None
        found[path] = path if reader is None else found[reader]
    return {path: found[path] for path in own}


def moves(step: Step) -> bool:
    """Whether a step has the numbers of another one in another shape or order, and nothing else."""
    return step.made.op is not None and all(operation(x) in MOVED for x in expression(step.made))
