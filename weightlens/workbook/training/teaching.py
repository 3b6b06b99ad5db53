"""The notes on a training sheet: each kind of step explained for beginners."""

from __future__ import annotations

import numpy as np

from weightlens.recording import Step
from weightlens.recording.calls import operation
from weightlens.training.epoch import Epoch
from weightlens.words.captions import note

EXPLAINED = {
    "losses": "How wrong each answer is: 0 where it equals its target, the larger the further it is away.",
    "loss": "The average of all of them. This one number is what training makes small.",
    "right": "1 where the answer is on the right side (the class that it favours is the target), 0 where it is not.",
    "accuracy": "The share of samples whose answer is right.",
    "delta": "How much the loss would grow if this sum z grew by a little: negative where z should be larger, 0 where it does not matter. "
    "It is the slope that came from behind, times the slope of the activation.",
    "step size": "Adam's learning rate of this step: larger in the first steps, because its averages start at zero.",
}
GRADIENT_OF_WEIGHT = (
    "How much the loss would grow if this weight grew by a little, all samples together: what came in through the weight, "
    "times the delta of the unit that it leads to. Large where a change helps most."
)
GRADIENT = (
    "How much the loss would grow if this number grew by a little: the deltas behind it, "
    "each times the weight through which it reached them."
)
NEW = {
    "velocity": "The step that is taken: most of the last step, and a new push against the gradient.",
    "mean gradient": "A running average of the gradients: the direction of the step.",
    "mean square": "A running average of the squared gradients: where they are large, the step is made smaller.",
    "sum of squares": "All squared gradients so far: a weight that moved much moves less and less.",
}
NEW_WEIGHT = "The weight of the next epoch: this one, moved a little against its gradient, so that the loss becomes smaller."
DEAD = "All zero: this relu lets no sample through, so no gradient comes back, and nothing before it learns."
FLAT = "All zero: the loss does not change with these numbers, so nothing is learned here."


def explanation_for(step: Step) -> str:
    """For a beginner: the step's purpose, and how it is computed."""
    role = step.made.role
    if role.kind == "new":
        sentence = NEW.get(role.of, NEW_WEIGHT)
    elif role.kind == "gradient":
        sentence = GRADIENT_OF_WEIGHT if role.of == "weight" else GRADIENT
    else:
        sentence = EXPLAINED.get(step.name, "")
    return f"{sentence}\nIn words: {step.words}" if sentence else note(step)


def in_plain_words(step: Step) -> str:
    """Words to show instead of a step's formula, if the formula is long and says less."""
    if step.made.role.kind != "hit":
        return ""
    if step.made.ndim == 2:  # a column: one unit
        return "1 if on the target's side of 0.5, else 0"
    return "1 if the largest answer is where the largest target is, else 0"


CLOSE = 0.2  # a loss that falls by less than this share of itself has hardly moved
TRAINED_ALREADY = (
    "The loss hardly moves: this starts from the file's weights, which are trained already (or the learning rate is small). "
    "With --init N it starts from random ones."
)


def hardly_moves(epoch: Epoch) -> str:
    """The note for a training that starts from the file's weights and hardly reduces the loss; else empty."""
    if epoch.random or epoch.seen is None:
        return ""
    before, after = epoch.seen
    return TRAINED_ALREADY if before >= after >= (1 - CLOSE) * before else ""


def hardly_moves_formula(before: str, after: str) -> str:
    """The note of ``hardly_moves`` as a formula; ``before`` and ``after`` are cells."""
    return f'IF(AND({after}<={before},{after}>={1 - CLOSE}*{before}),"{TRAINED_ALREADY}","")'


def dead_words(step: Step) -> str:
    """The meaning of a delta that is all zero."""
    return DEAD if step.made.op is not None and operation(step.made) is np.where else FLAT
