"""Mistakes with recurrent layers: the reset gate, a bias of the GRU, the update gate, the two directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from weightlens.checks.by_hand.mistakes.in_normalization import values_of_layer
from weightlens.checks.by_hand.mistakes.mistake import Mistake, weight_mistake
from weightlens.checks.by_hand.mistakes.rerun import can_run_again, rerun_layer
from weightlens.checks.by_hand.replay import Edit, Now, compute_from
from weightlens.checks.by_hand.scene import Scene
from weightlens.recording import LayerRun, Recorded

GRUS = ("GRU", "GRUCell", "CuDNNGRU")


def reset_gate(scene: Scene) -> Iterator[Mistake]:
    """The reset gate of a GRU applied before instead of after the product with the recurrent kernel, or vice versa."""
    for run in scene.runs_of(*GRUS):
        after = bool(run.config.get("reset_after", True))
        words = f"the reset gate of {run.layer} was applied {'before' if after else 'after'} the product with the recurrent kernel"
        instead = f"{words}, not {'after' if after else 'before'} it"
        for how, bias in (biases_added, biases_apart)[: 2 if after else 1] if run.config.get("use_bias", True) else (("", None),):
            edits = rerun_layer(scene, run, {"reset_after": not after}, weights=partial(other_bias, bias=bias if after else with_zero_bias))
            yield Mistake("reset gate", f"{instead}{how if after else ''}", edits, run.steps[-1])


def other_bias(weights: dict[str, Any], x: Any, bias: Callable[[Any], Any] | None) -> dict[str, Any]:
    """The weights with a bias of the shape that the other formula needs."""
    return weights | ({"bias": bias(weights["bias"])} if bias is not None and "bias" in weights else {})


def with_zero_bias(bias: Any) -> Any:
    """One bias as two rows, the second of zeros."""
    return np.stack([bias, np.zeros_like(bias)])


biases_added: tuple[str, Callable[[Any], Any]] = ("", lambda bias: np.sum(bias, axis=0))
biases_apart: tuple[str, Callable[[Any], Any]] = (", with the first bias only", lambda bias: bias[0])


def one_bias_forgotten(scene: Scene) -> Iterator[Mistake]:
    """One of the two biases of a GRU (input and recurrent) left out."""
    for run in scene.runs_of(*GRUS):
        bias = run.weights.get("bias")
        if isinstance(bias, Recorded) and bias.ndim == 2:
            for row, words in ((1, "second bias (the recurrent one)"), (0, "first bias (the input's)")):
                array = bias.value.copy()
                array[row] = 0.0
                yield weight_mistake(scene, "one bias of the GRU", f"the {words} of {run.layer} was left out", bias, array)


def update_gate(scene: Scene) -> Iterator[Mistake]:
    """The old state and the candidate swapped in ``z * h + (1 - z) * candidate``: papers differ."""
    for run in scene.runs_of(*GRUS):
        edits = {id(node): edit for node in values_of_layer(run) if (edit := exchange_update(node)) is not None}
        if edits:
            words = f"the new state of {run.layer} was (1 - z) * old state + z * candidate instead of z * old state + (1 - z) * candidate"
            yield Mistake("update gate", words, edits, run.steps[-1])


def exchange_update(node: Recorded) -> Edit | None:
    """An edit to ``z * b + (1 - z) * a`` for a value computed as ``z * a + (1 - z) * b``; ``None`` for other values."""
    products = [x for x in node.args if isinstance(x, Recorded) and x.op is np.multiply] if node.op is np.add else []
    rest = products[1].args[0] if len(products) == 2 else None
    if not isinstance(rest, Recorded) or rest.op is not np.subtract or rest.args[1] is not products[0].args[0]:
        return None
    (z, a), b = products[0].args, products[1].args[1]

    def edit(now: Now, own: Callable[[], Any]) -> Any:
        return now(z) * now(b) + (1.0 - now(z)) * now(a)

    return edit


def two_directions(scene: Scene) -> Iterator[Mistake]:
    """The halves of a Bidirectional layer swapped, its backward half not reversed again, or not read from the end."""
    for run in scene.runs_of("Bidirectional"):
        for node in values_of_layer(run):
            if node.op is np.concatenate and node.layer == run.layer:
                edits = {id(node): swap_halves(node.args[0], node.kwargs)}
                yield Mistake(
                    "halves exchanged", f"the two halves of {run.layer} were exchanged (backward first)", edits, scene.owner[id(node)]
                )
            if node.op is np.flip and scene.owner[id(node)].layer == run.layer:
                words = f"the outputs of the backward layer of {run.layer} were not reversed back"
                yield Mistake("not turned round", words, {id(node): compute_from(node.args[0], lambda v: v)}, scene.owner[id(node)])
    for run in filter(backwards, scene.trace.runs):
        words = f"{run.layer} read its sequence from the beginning instead of from the end"
        yield Mistake("direction", words, rerun_layer(scene, run, {"go_backwards": False}), run.steps[0])


def backwards(run: LayerRun) -> bool:
    """Whether a layer reads from the end."""
    return bool(run.config.get("go_backwards")) and can_run_again(run)


def swap_halves(parts: Any, kwargs: dict[str, Any]) -> Edit:
    """An edit that concatenates the parts in reverse."""
    return lambda now, own: np.concatenate([now(part) for part in reversed(parts)], **kwargs)
