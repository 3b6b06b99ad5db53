"""Layers that only move numbers have no sheet of their own: they stand on the sheet of the layer that reads them."""

from __future__ import annotations

from collections.abc import Container, Sequence

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
    readers = first_readers(steps, movers) if movers else {}
    found: dict[str, str] = {}
    for path in reversed(own):
        reader = readers.get(path, path)
        found[path] = found.get(reader, path)
    return {path: found[path] for path in own}


def first_readers(steps: Sequence[Step], paths: Container[str]) -> dict[str, str]:
    """Of each of these layers the first other one that reads it."""
    made = {id(step.made): step.layer for step in steps if step.layer in paths}
    found: dict[str, str] = {}
    for step in steps:
        for x in named_operands(step.made):
            if made.get(id(x), step.layer) != step.layer:
                found.setdefault(made[id(x)], step.layer)
    return found


def moves(step: Step) -> bool:
    """Whether a step has the numbers of another one in another shape or order, and nothing else."""
    return operation(step.made) in MOVED and all(operation(x) in MOVED for x in expression(step.made))
