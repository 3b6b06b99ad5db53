"""Mistakes in a step of a training: the sign and size of the update, the derivative, the way back through a kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from weightlens.checks.by_hand.mistakes.mistake import Mistake, multiply_by
from weightlens.checks.by_hand.replay import Edit, change_by, compute_from
from weightlens.checks.by_hand.scene import Scene, is_bias
from weightlens.recording import Recorded, Step
from weightlens.recording.graph import named_operands
from weightlens.specs.activation import ACTIVATIONS

ONE_WEIGHT = 2.0  # bits: made with one weight only
POINT = 2.0  # bits: a point in the wrong place
SLOPES: tuple[tuple[str, str, Callable[[np.ndarray], np.ndarray]], ...] = (  # the function, its derivative in words and of its result
    ("sigmoid", "a (1 - a), that of a sigmoid,", lambda a: a * (1.0 - a)),
    ("tanh", "1 - a^2, that of a tanh,", lambda a: 1.0 - a * a),
    ("relu", "1 or 0, that of a relu,", lambda a: (a > 0).astype(np.float64)),
    ("", "a alone", lambda a: a),
)


def steps_with_role(scene: Scene, kind: str, of: str = "") -> list[Step]:
    """The steps with this role."""
    return [step for step in scene.trace.steps if step.made.role.kind == kind and step.made.role.of == of]


def updates(scene: Scene) -> Iterator[Mistake]:
    """The learning rate left out or used twice, the gradient added, a weight not updated, only the change written down."""
    new = steps_with_role(scene, "new", "weight")
    rates = [float(node.value) for node in scene.replay.nodes if node.role.kind == "rate"]
    if not new or not rates or not rates[0]:
        return
    biases = [step for step in new if is_bias(step.made.args[0])]
    groups = [(new, "", 0.0), (biases, " of the biases", ONE_WEIGHT)] + [
        ([step], f" of {step.layer}/{step.made.args[0].name}", ONE_WEIGHT) for step in new
    ]
    for steps, whose, bits in groups[: len(groups) if len(new) > 1 else 1]:
        for kind, words, factor, odd in (
            ("learning rate left out", f"the learning rate was left out in the update{whose}", 1 / rates[0], 0.0),
            ("gradient added", f"the gradient was added instead of subtracted in the update{whose}", -1.0, 0.0),
            ("not updated", f"the old numbers were kept, without the update{whose}", 0.0, 0.0),
            ("learning rate twice", f"it was multiplied by the learning rate twice in the update{whose}", rates[0], 1.0),
            ("another learning rate", f"the learning rate was {10 * rates[0]:g} in the update{whose}", 10.0, POINT),
            ("another learning rate", f"the learning rate was {rates[0] / 10:g} in the update{whose}", 0.1, POINT),
        ):
            yield Mistake(kind, words, {id(step.made): changed_by(step.made.args[0], factor) for step in steps}, None, bits + odd)
        change = {id(step.made): minus(step.made.args[0]) for step in steps}
        yield Mistake("only the change", f"the change was written down, not the new number, in the update{whose}", change, None, bits)


def changed_by(old: Recorded, factor: float) -> Edit:
    """An edit: the change from the old value is so many times as large."""
    return lambda now, own: now(old) + factor * (own() - now(old))


def minus(old: Recorded) -> Edit:
    """An edit: the change from the old value."""
    return lambda now, own: own() - now(old)


def beginning(scene: Scene) -> Iterator[Mistake]:
    """The gradient of the loss with the wrong sign, or a sum taken for a mean."""
    first = next((step for step in scene.trace.steps if step.made.role.kind in ("delta", "gradient")), None)
    if first is None or not first.made.ndim:
        return
    samples, outputs = first.made.shape[0], first.made.size // first.made.shape[0]
    factors = [("sign of the error", "target - output was taken instead of output - target", -1.0)]
    factors += [("sum for mean", "the gradients of the samples were added up, not averaged", float(samples))] * (samples > 1)
    factors += [("sum for mean", "the losses of the outputs were added up, not averaged", float(outputs))] * (outputs > 1)
    both = "the losses of all samples and outputs were added up, not averaged"
    factors += [("sum for mean", both, float(samples * outputs))] * (samples > 1 < outputs)
    factors += [
        ("factor of the loss", f"the gradient of the loss was {how}: the 2 of a square", f)
        for how, f in (("doubled", 2.0), ("halved", 0.5))
    ]
    for kind, words, factor in factors:
        yield Mistake(kind, words, {id(first.made): change_by(multiply_by(factor))}, first)


def derivatives(scene: Scene) -> Iterator[Mistake]:
    """The derivative of an activation left out, taken from another number, or of another function."""
    for step in steps_with_role(scene, "delta"):
        gradient = next((x for x in step.made.args if isinstance(x, Recorded) and x.role.kind == "gradient"), None)
        if gradient is None:
            continue
        place = f"the delta of {step.layer}"
        left_out = f"the derivative of the activation was left out in {place}"
        yield Mistake("derivative left out", left_out, {id(step.made): compute_from(gradient)}, step)
        for a in named_operands(step.made):
            known, z = ACTIVATIONS.get(a.function[0]), a.function[1]
            if a is gradient or known is None or not isinstance(z, Recorded):
                continue
            if known.slope is not None:
                words = f"the derivative in {place} was computed from the pre-activation, not from the activation"
                yield Mistake("derivative elsewhere", words, {id(step.made): times(gradient, z, known.slope)}, step)
            for function, its_slope, slope in SLOPES:
                if a.function[0] != function:
                    words = f"{its_slope} was taken for the derivative in {place}"
                    yield Mistake("another derivative", words, {id(step.made): times(gradient, a, slope)}, step, 1.0)


def times(gradient: Recorded, x: Recorded, slope: Callable[[np.ndarray], np.ndarray]) -> Edit:
    """An edit: the gradient times a function of another value."""
    return lambda now, own: now(gradient) * slope(now(x))


def way_back(scene: Scene) -> Iterator[Mistake]:
    """What a layer hands back, computed with the new kernel, with one that is not turned, or without the derivative."""
    new = {id(step.made.args[0]): step.made for step in steps_with_role(scene, "new", "weight")}
    for step in steps_with_role(scene, "gradient", "value"):
        delta, turned = step.made.args if step.made.op is np.matmul else (None, None)
        if not isinstance(delta, Recorded) or not isinstance(turned, Recorded) or turned.op is not np.transpose:
            continue
        kernel, place = turned.args[0], f"the {step.name} of {step.layer}"
        if id(kernel) in new:
            words = f"the new {kernel.name} of {kernel.layer} was used in {place}, not the old one"
            yield Mistake("new kernel used", words, {id(step.made): products(delta, new[id(kernel)], True)}, step)
        not_turned = f"the {kernel.name} of {kernel.layer} was not transposed in {place}"
        yield Mistake("kernel not transposed", not_turned, {id(step.made): products(delta, kernel, False)}, step)
        before = next((x for x in delta.args if isinstance(x, Recorded) and x.role.kind == "gradient"), None)
        if before is not None:
            words = f"the derivative of the activation of {delta.layer} was left out in {place}"
            yield Mistake("derivative left out", words, {id(step.made): products(before, kernel, True)}, step)


def products(left: Recorded, right: Recorded, turned: bool) -> Edit:
    """An edit: the product of two other values, the second transposed or not."""
    return lambda now, own: now(left) @ (now(right).T if turned else now(right))


def gradients(scene: Scene) -> Iterator[Mistake]:
    """The gradient of a kernel from what was before the activation, or turned; that of a bias averaged."""
    for step in steps_with_role(scene, "gradient", "weight"):
        place = f"the {step.name} of {step.layer}"
        if step.made.op is np.sum:
            samples = step.made.args[0].shape[0]
            mean = {id(step.made): change_by(multiply_by(1 / samples))}
            yield Mistake("mean for sum", f"{place} was averaged over the samples, not added up", mean, step)
        if step.made.op is not np.matmul or step.made.args[0].op is not np.transpose:
            continue
        read, delta = step.made.args[0].args[0], step.made.args[1]
        yield Mistake("gradient transposed", f"{place} was transposed", {id(step.made): change_by(np.transpose)}, step)
        if isinstance(z := read.function[1], Recorded):
            words = f"the pre-activation of {read.layer} was taken in {place}, not its activation"
            yield Mistake("before the activation", words, {id(step.made): turned_product(z, delta)}, step)


def turned_product(left: Recorded, right: Recorded) -> Edit:
    """An edit: the product of two other values, the first transposed."""
    return lambda now, own: np.asarray(now(left).T @ now(right))
