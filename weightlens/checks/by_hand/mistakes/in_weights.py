"""Mistakes with weights: left out, swapped, transposed, read in another order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, permutations

import numpy as np

from weightlens.checks.by_hand.mistakes.mistake import (
    SEVERAL,
    Change,
    Mistake,
    changed_weights,
    plain_orders,
    rarer_orders,
    weight_mistake,
    with_part,
)
from weightlens.checks.by_hand.replay import Edits, replace_by
from weightlens.checks.by_hand.scene import Scene
from weightlens.recording import Recorded

NO_BIAS = Change("no bias", "the bias of {layer} was left out", np.zeros_like)
SUBTRACTED = Change("bias subtracted", "the bias of {layer} was subtracted", np.negative)
ADDED_TWICE = Change("bias added twice", "the bias of {layer} was added twice", lambda bias: 2 * bias)
REVERSED = "the {} of the {{name}} of {{layer}} were taken in reverse"
INPUTS_REVERSED = Change("kernel in another order", REVERSED.format("inputs"), lambda kernel: np.flip(kernel, -2), 1.0)
UNITS_REVERSED = Change("kernel in another order", REVERSED.format("units"), lambda kernel: np.flip(kernel, -1), 1.0)
FLIPPED = Change("kernel flipped", "the {name} of {layer} was flipped", lambda kernel: np.flip(kernel, tuple(range(kernel.ndim - 2))))
NO_RECURRENCE = Change("no recurrence", "the hidden state was left out in {layer}", np.zeros_like)


def no_bias(scene: Scene) -> Iterator[Mistake]:
    """The bias left out: of one layer, or of all."""
    yield from changed_weights(scene, scene.biases, NO_BIAS)
    if len(scene.biases) > 1:
        first = scene.readers.get(id(scene.biases[0]))
        edits = {id(bias): replace_by(np.zeros(bias.shape)) for bias in scene.biases}
        yield Mistake("no bias", "the biases were left out in every layer", edits, first)


def bias_of_one_unit_left_out(scene: Scene) -> Iterator[Mistake]:
    """The bias left out in a single unit."""
    for bias in (bias for bias in scene.biases if bias.size > 1):
        for i in range(bias.size):
            array = with_part(bias.value, tuple(int(n) for n in np.unravel_index(i, bias.shape)), 0.0)
            yield weight_mistake(scene, "no bias", f"the bias of unit {i} of {bias.layer} was left out", bias, array)


def bias_of_another_unit(scene: Scene) -> Iterator[Mistake]:
    """Biases rotated by one, or reversed."""
    yield from biases_moved(scene, plain_orders)


def biases_exchanged(scene: Scene) -> Iterator[Mistake]:
    """Two biases swapped, or one of them used for all units."""
    yield from biases_moved(scene, rarer_orders)
    for bias in (bias for bias in scene.biases if bias.ndim and bias.shape[-1] > 1):
        for i in range(bias.shape[-1]):
            everywhere = np.broadcast_to(bias.value[..., [i]], bias.shape)
            words = f"the bias of unit {i} of {bias.layer} was added to every unit"
            yield weight_mistake(scene, "bias of another unit", words, bias, everywhere)


def biases_moved(scene: Scene, orders: Callable[[np.ndarray], Iterable[tuple[str, np.ndarray]]]) -> Iterator[Mistake]:
    """The biases of each layer in other orders."""
    for bias in (bias for bias in scene.biases if bias.ndim and bias.shape[-1] > 1):
        for order, array in orders(bias.value):
            yield weight_mistake(scene, "bias of another unit", f"the biases of {bias.layer} went to other units ({order})", bias, array)


def bias_added_wrongly(scene: Scene) -> Iterator[Mistake]:
    """The bias subtracted, or added twice."""
    yield from changed_weights(scene, scene.biases, SUBTRACTED, ADDED_TWICE)


def kernels(scene: Scene) -> list[Recorded]:
    """Every kernel in use."""
    return [weight for weight in scene.weights if weight.name.endswith("kernel") and weight.ndim > 1]


def kernel_transposed(scene: Scene) -> Iterator[Mistake]:
    """A kernel transposed; if it is not square, its numbers read in column order."""
    for w in kernels(scene):
        words = f"the {w.name} of {w.layer} was transposed"
        for order in orders_of_axes(w.ndim):
            turned = np.transpose(w.value, order)
            how = "" if turned.shape == w.shape else " (its numbers were read column by column)"
            bits = 0.0 if order == tuple(reversed(range(w.ndim))) or order[2:] == tuple(range(w.ndim))[2:] else 3.0
            yield weight_mistake(scene, "kernel transposed", words + how, w, turned.reshape(w.shape), bits)
        if w.ndim == 2:
            turned = w.value.reshape(w.shape[::-1]).T
            yield weight_mistake(scene, "kernel transposed", words + " (its columns were filled row by row)", w, turned)


def input_left_out(scene: Scene) -> Iterator[Mistake]:
    """One product left out of the sums: the row of a kernel that belongs to one input."""
    for w in (w for w in kernels(scene) if w.ndim == 2 and 1 < w.shape[0] <= SEVERAL):
        for i in range(w.shape[0]):
            yield weight_mistake(
                scene, "product left out", f"the products of input {i} were left out in {w.layer}", w, with_part(w.value, i, 0.0)
            )


def orders_of_axes(rank: int) -> list[tuple[int, ...]]:
    """Every other order of a few axes; of many, the reverse and every two exchanged."""
    own = tuple(range(rank))
    if rank <= 4:
        return list(permutations(own))[1:]
    exchanged = [tuple({i: j, j: i}.get(axis, axis) for axis in own) for i, j in combinations(own, 2)]
    return [own[::-1], *exchanged]


def kernel_reversed(scene: Scene) -> Iterator[Mistake]:
    """Kernels flipped (true convolution), rows or columns reversed, a recurrent kernel left out."""
    for kernel in kernels(scene):
        recurrent = kernel.name.endswith("recurrent_kernel")
        changes = [FLIPPED] * (kernel.ndim > 2) + [INPUTS_REVERSED, UNITS_REVERSED] + [NO_RECURRENCE] * recurrent
        yield from changed_weights(scene, [kernel], *changes)


def gates_in_another_order(scene: Scene) -> Iterator[Mistake]:
    """The gates of recurrent layers read in another order than Keras keeps them (i, f, c, o; z, r, h): in one of them, or in all."""
    everywhere: dict[tuple[int, ...], Edits] = {}
    recurrent = [w for w in kernels(scene) if w.name.endswith("recurrent_kernel") and w.ndim == 2 and w.shape[1] > w.shape[0]]
    for w in recurrent:
        count = w.shape[1] // w.shape[0]
        together = [x for x in scene.weights if x.layer == w.layer and x.ndim and x.shape[-1] == w.shape[1]]
        for order in list(permutations(range(count)))[1:] if count <= 4 else []:
            edits = {id(x): replace_by(np.concatenate([np.split(x.value, count, -1)[i] for i in order], -1)) for x in together}
            everywhere.setdefault(order, {}).update(edits)
            yield Mistake("gates in another order", f"the gates of {w.layer} were read in another order", edits, scene.readers.get(id(w)))
    for edits in everywhere.values() if len(recurrent) > 1 else ():
        words = "the gates were read in another order, in every recurrent layer"
        yield Mistake("gates in another order", words, edits, scene.readers.get(id(recurrent[0])))
