"""Layers around layers: Bidirectional and TimeDistributed (``keras.layers``, "Recurrent layers")."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.layers.recurrent.rnn import flat
from weightlens.layers.signature import Array, Call, Config, States, Step, Weights


def bidirectional(
    x: Array, w: Weights, config: Config, step: Step, *, mask: Array | None = None, initial_state: States = None, call: Call
) -> Any:
    """A sequence read from both ends by two layers, their outputs merged (Schuster, Paliwal 1997). ``keras.layers.Bidirectional``.

    Sequences of the backward layer are turned round again, so that equal time steps meet. The first half of the
    initial states is the forward layer's. Masked time steps of sequences are zero.
    """
    inner = config["forward_layer"]["config"]
    sequences, states = bool(inner.get("return_sequences")), flat(initial_state)
    half = len(states) // 2
    options = {"mask": mask, "zero_masked": sequences}
    forward = call("forward_layer", x, initial_state=states[:half] or None, **options)
    backward = call("backward_layer", x, initial_state=states[half:] or None, **options)
    y, *after = forward if isinstance(forward, list) else [forward]
    z, *after_backward = backward if isinstance(backward, list) else [backward]
    if sequences:
        z = np.flip(z, axis=0 if inner.get("time_major") else 1)
    merged = merge(y, z, config.get("merge_mode", "concat"), step)
    return [*merged, *after, *after_backward] if len(merged) > 1 or after else merged[0]


def merge(y: Array, z: Array, mode: str | None, step: Step) -> list[Any]:
    """The two directions as one output, or as two where there is no merge mode."""
    if mode is None:
        return [y, z]
    if mode not in MERGE_MODES:
        raise NotImplementedError(f"merge_mode {mode!r}")
    return [step("output", MERGE_MODES[mode](y, z))]


MERGE_MODES: dict[str, Any] = {
    "concat": lambda y, z: np.concatenate([y, z], axis=-1),
    "sum": np.add,
    "mul": np.multiply,
    "ave": lambda y, z: (y + z) / 2.0,
}


def pruned(x: Array, w: Weights, config: Config, step: Step, *, mask: Array | None = None, call: Call) -> Any:
    """The wrapped layer, whose kernel is multiplied by its mask when it is read. ``tfmot.sparsity.keras.PruneLowMagnitude``."""
    return call("layer", x, mask=mask)


def time_distributed(x: Array, w: Weights, config: Config, step: Step, *, mask: Array | None = None, call: Call) -> Any:
    """The same layer or model for each time step: ``(batch, time, ...) -> (batch, time, ...)``. ``keras.layers.TimeDistributed``.

    Every time step of every sample becomes a sample of its own for the wrapped layer.
    """
    lead = x.shape[:2]
    inner_mask = mask.reshape((-1, *mask.shape[2:])) if mask is not None and mask.ndim > 2 else None
    out = call("layer", x.reshape((-1, *x.shape[2:])), mask=inner_mask)
    if isinstance(out, list):
        return [y.reshape(lead + y.shape[1:]) for y in out]
    return out.reshape(lead + out.shape[1:])
