"""Mistakes with weights: left out, swapped, transposed, read in another order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np

from weightlens.checks.by_hand.mistakes.mistake import Mistake, is_bias, is_kernel, plain_orders, rarer_orders, weight_mistake
from weightlens.checks.by_hand.replay import replace_by
from weightlens.checks.by_hand.scene import Scene


def no_bias(scene: Scene) -> Iterator[Mistake]:
    """The bias left out: of one layer, of all, of one unit."""
    biases = [w for w in scene.weights if is_bias(w)]
    for b in biases:
        yield weight_mistake(scene, "no bias", f"the bias of {b.layer} was left out", b, np.zeros(b.shape))
    if len(biases) > 1:
        first = scene.readers.get(id(biases[0]))
        yield Mistake("no bias", "the biases were left out in every layer", {id(b): replace_by(np.zeros(b.shape)) for b in biases}, first)


def bias_of_one_unit_left_out(scene: Scene) -> Iterator[Mistake]:
    """The bias left out in a single unit."""
    for b in (w for w in scene.weights if is_bias(w) and w.size > 1):
        for i in range(b.size):
            array = b.value.copy()
            array.reshape(-1)[i] = 0.0
            yield weight_mistake(scene, "no bias", f"the bias of unit {i} of {b.layer} was left out", b, array)


def bias_of_another_unit(scene: Scene) -> Iterator[Mistake]:
    """Biases rotated by one, or reversed."""
    for b in (w for w in scene.weights if is_bias(w) and w.ndim and w.shape[-1] > 1):
        for words, array in plain_orders(b.value):
            yield weight_mistake(scene, "bias of another unit", f"the biases of {b.layer} went to other units ({words})", b, array)


def biases_exchanged(scene: Scene) -> Iterator[Mistake]:
    """Two biases swapped, or one of them used for all units."""
    for b in (w for w in scene.weights if is_bias(w) and w.ndim and w.shape[-1] > 1):
        for words, array in rarer_orders(b.value):
            yield weight_mistake(scene, "bias of another unit", f"the biases of {b.layer} went to other units ({words})", b, array)
        for i in range(b.shape[-1]):
            array = np.broadcast_to(b.value[..., i : i + 1], b.shape)
            yield weight_mistake(scene, "bias of another unit", f"the bias of unit {i} of {b.layer} was added to every unit", b, array)


def bias_added_wrongly(scene: Scene) -> Iterator[Mistake]:
    """The bias subtracted, or added twice."""
    for b in (w for w in scene.weights if is_bias(w)):
        yield weight_mistake(scene, "bias subtracted", f"the bias of {b.layer} was subtracted", b, -b.value)
        yield weight_mistake(scene, "bias added twice", f"the bias of {b.layer} was added twice", b, 2 * b.value)


def kernel_transposed(scene: Scene) -> Iterator[Mistake]:
    """A kernel transposed; if it is not square, its numbers read in column order."""
    for w in filter(is_kernel, scene.weights):
        words = f"the {w.name} of {w.layer} was transposed"
        for order in orders_of_axes(w.ndim):
            turned = np.transpose(w.value, order)
            how = "" if turned.shape == w.shape else " (its numbers were read column by column)"
            bits = 0.0 if order == tuple(reversed(range(w.ndim))) or order[2:] == tuple(range(w.ndim))[2:] else 3.0
            yield weight_mistake(scene, "kernel transposed", words + how, w, turned.reshape(w.shape), bits)
        if w.ndim == 2:
            yield weight_mistake(
                scene, "kernel transposed", words + " (its columns were filled row by row)", w, w.value.reshape(w.shape[::-1]).T
            )


def orders_of_axes(rank: int) -> list[tuple[int, ...]]:
    """Every other order of a few axes; of many, the reverse and every two exchanged."""
    own = tuple(range(rank))
    if rank <= 4:
        return list(permutations(own))[1:]
    exchanged = [tuple({i: j, j: i}.get(axis, axis) for axis in own) for i, j in combinations(own, 2)]
    return [own[::-1], *exchanged]


def kernel_reversed(scene: Scene) -> Iterator[Mistake]:
    """Kernels flipped (true convolution), rows or columns reversed, units swapped, a recurrent kernel left out."""
    for w in filter(is_kernel, scene.weights):
        if w.ndim > 2:
            flipped = np.flip(w.value, tuple(range(w.ndim - 2)))
            yield weight_mistake(scene, "kernel flipped", f"the {w.name} of {w.layer} was flipped", w, flipped)
        for axis, words in ((-2, "inputs"), (-1, "units")):
            reverse = np.flip(w.value, axis)
            yield weight_mistake(
                scene, "kernel in another order", f"the {words} of the {w.name} of {w.layer} were taken in reverse", w, reverse, 1.0
            )
        if w.name.endswith("recurrent_kernel"):
            yield weight_mistake(scene, "no recurrence", f"the hidden state was left out in {w.layer}", w, np.zeros(w.shape))


def gates_in_another_order(scene: Scene) -> Iterator[Mistake]:
    """The gates of a recurrent layer read in another order than Keras keeps them (i, f, c, o; z, r, h)."""
    for w in (w for w in scene.weights if w.name.endswith("recurrent_kernel") and w.ndim == 2 and w.shape[1] > w.shape[0]):
        count = w.shape[1] // w.shape[0]
        together = [x for x in scene.weights if x.layer == w.layer and x.ndim and x.shape[-1] == w.shape[1]]
        for order in list(permutations(range(count)))[1:] if count <= 4 else []:
            edits = {id(x): replace_by(np.concatenate([np.split(x.value, count, -1)[i] for i in order], -1)) for x in together}
            yield Mistake("gates in another order", f"the gates of {w.layer} were read in another order", edits, scene.readers.get(id(w)))
