"""Mistakes with an optimizer: no correction of the start at zero, no look ahead, no epsilon, no root, no running mean."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from weightlens.checks.by_hand.mistakes.in_training import steps_with_role
from weightlens.checks.by_hand.mistakes.mistake import Mistake
from weightlens.checks.by_hand.replay import Edit, Edits, compute_from, replace_by
from weightlens.checks.by_hand.scene import Scene
from weightlens.recording import Recorded, Step
from weightlens.recording.graph import expression

MORE = 1.0  # bits: rarer than the rest


def optimizers(scene: Scene) -> Iterator[Mistake]:
    """What is forgotten in the formula of an optimizer, for all weights."""
    new = steps_with_role(scene, "new", "weight")
    rate = next((node for node in scene.replay.nodes if node.role.kind == "rate"), None)
    if rate is None or not any(step.made.role.kind == "new" and step.made.role.of != "weight" for step in scene.trace.steps):
        return
    words = "the optimizer was left out: w - rate * gradient was computed"
    yield Mistake("plain gradient descent", words, plain_descent(scene, new, rate), None, MORE)
    yield from correction_left_out(scene, rate)
    yield from parts_of_updates(scene, new)
    yield from slots(scene)


def plain_descent(scene: Scene, new: list[Step], rate: Recorded) -> Edits:
    """Edits to ``w - rate * g``."""
    gradients = {id(scene.trace.alike[id(step.made)]): step.made for step in steps_with_role(scene, "gradient", "weight")}
    return {
        id(step.made): less(step.made.args[0], rate, gradient)
        for step in new
        if (gradient := gradients.get(id(scene.trace.alike[id(step.made)]))) is not None
    }


def less(weight: Recorded, rate: Recorded, gradient: Recorded) -> Edit:
    """An edit to one step of plain gradient descent."""
    return lambda now, own: now(weight) - now(rate) * now(gradient)


def correction_left_out(scene: Scene, rate: Recorded) -> Iterator[Mistake]:
    """The step size of Adam, which corrects the start of its means at zero: left out, wholly or in one of the two means."""
    for step in steps_with_role(scene, "step size"):
        first, second = step.made.args[1], step.made.args[0].args[1]  # the step size is rate * second / first
        left_out = "the bias correction of {} was left out (the means begin at 0)"
        yield Mistake("no bias correction", left_out.format("both means"), {id(step.made): compute_from(rate)}, step)
        for words, part in (("the mean gradient", first), ("the mean square", second)):
            yield Mistake("no bias correction", left_out.format(words), {id(part): replace_by(np.ones(part.shape))}, step, MORE)


def parts_of_updates(scene: Scene, new: list[Step]) -> Iterator[Mistake]:
    """The root or the epsilon below the gradient left out; the velocity added without the look ahead."""
    roots = [node for step in new for node in expression(step.made) if node.op is np.sqrt]
    sums = [node for step in new for node in expression(step.made) if node.op is np.add and isinstance(node.args[1], float)]
    if roots:
        words = "the square root was left out in the update"
        yield Mistake("no square root", words, {id(node): compute_from(node.args[0]) for node in roots}, None)
        yield Mistake("another epsilon", "epsilon was left out in the update", {id(node): compute_from(node.args[0]) for node in sums})
    velocities = {id(scene.trace.alike[id(step.made)]): step.made for step in steps_with_role(scene, "new", "velocity")}
    ahead = {id(step.made): plus(step.made.args[0], velocities[id(scene.trace.alike[id(step.made)])]) for step in new if velocities}
    if ahead:
        yield Mistake("no look ahead", "the velocity was added without the look ahead of Nesterov", ahead)


def plus(weight: Recorded, velocity: Recorded) -> Edit:
    """An edit to the sum of two values."""
    return lambda now, own: now(weight) + now(velocity)


def slots(scene: Scene) -> Iterator[Mistake]:
    """The square of this gradient alone for the running mean, or sum, of squares."""
    squares = {step: node for step in scene.trace.steps for node in squared(step)}
    if squares:
        words = "the square of this gradient alone was taken for the running {}"
        for name in {step.made.role.of for step in squares}:
            edits = {id(step.made): compute_from(node) for step, node in squares.items() if step.made.role.of == name}
            yield Mistake("no running mean", words.format(name), edits)


def squared(step: Step) -> list[Recorded]:
    """The square that is added to a slot; none of another step."""
    is_slot = step.made.role.kind == "new" and step.made.role.of != "weight"
    return [node for node in expression(step.made)[:-1] if node.op is np.square] if is_slot else []
