"""Which steps of a network an exercise leaves blank."""

from __future__ import annotations

import numpy as np

from weightlens.model import Model
from weightlens.recording import Step, Trace
from weightlens.recording.calls import MOVES, moved_by_data, operation

USUAL = (  # of a layer that has one of them; of others, all steps that a person could compute
    "dot product", "pre-activation", "activation", "query", "key", "value", "scores", "attention weights", "context",
)  # fmt: skip
BESIDE = ("max", "exponentials")  # of a softmax: left blank with them
NEVER = ("mask",)  # is left blank of the others
BY_HAND = 100.0  # times such a step's numbers are whole: a person can add them up


def usual_blanks(model: Model, trace: Trace) -> frozenset[int]:
    """The steps to be filled in where nobody names any, by id of their values; those of every kind of layer.

    Of a network with small whole numbers or halves, only what can be worked out without a calculator.
    """
    chosen: set[int] = set()
    for layer in dict.fromkeys(step.layer for step in trace.steps):
        steps = [step for step in trace.steps if step.layer == layer and is_computed(step)]
        usual = any(step.name in USUAL for step in steps)
        chosen |= {id(s.made) for s in steps if (s.name in (*USUAL, *BESIDE) if usual else s.name not in NEVER)}
    if is_whole(model):
        plain = {id(step.made) for step in trace.steps if np.array_equal(np.rint(step.made.value * BY_HAND), step.made.value * BY_HAND)}
        chosen = chosen & plain or chosen
    return frozenset(chosen or {id(step.made) for step in trace.steps if step.made.op is not None and step.made.dtype.kind in "fiu"})


def is_computed(step: Step) -> bool:
    """Whether a step has numbers that a person could compute: not constants, not what only moves numbers, not yes and no."""
    x = step.made
    helper = x.role.kind == "helper" and step.name not in BESIDE
    return x.op is not None and x.dtype.kind in "fiu" and (operation(x) not in MOVES or moved_by_data(x)) and not helper


def is_whole(model: Model) -> bool:
    """Whether all weights are whole numbers or halves."""
    weights = [weight for weight in model.weights.values() if weight.is_numeric]
    return bool(weights) and all(np.array_equal(np.rint(weight.value * 2.0), weight.value * 2.0) for weight in weights)


def is_called(name: str, wish: str) -> bool:
    """Whether a step has the name that somebody wishes: ``softmax`` is what its last step, ``activation``, is called too."""
    return wish.strip().lower() in (name.lower(), "softmax" if name in ("activation", "output") else "")
