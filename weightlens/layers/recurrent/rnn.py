"""Recurrent layers: SimpleRNN, LSTM, GRU and RNN around any cell (``keras.layers``, "Recurrent layers").

Each is a cell run ``over_time``. ``(batch, time, features) -> (batch, units)``, or ``(batch, time, units)`` with
``return_sequences``; with ``return_state`` a list ``[output, *states]``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from weightlens.layers.faster import is_many
from weightlens.layers.recurrent.recurrent_cells import STATE_NAMES, gru_step, initial_states, input_product, lstm_step, simple_rnn_step
from weightlens.layers.signature import Array, Call, Config, Number, States, Step, Weights
from weightlens.recording import Role

Advance = Callable[..., list[Any]]  # (what enters at this time step, states=...) -> [output, *new states]


@dataclass(frozen=True)
class Given:
    """What a recurrent layer is called with beside its sequence.

    ``zero_masked``: the output is zero where the mask is false. ``batch``: how many samples a ``stateful`` layer takes at a time.
    """

    mask: Any = None
    initial_state: Any = None
    zero_masked: bool | None = None
    batch: int | None = None


def recurrent(cell_step: Advance, states: int, documentation: str) -> Callable[..., Any]:
    """The layer that runs a cell with so many states over a sequence; the products with the input are made for all time steps at once."""

    def layer(
        x: Array, w: Weights, config: Config, step: Step, *, mask: Array | None = None, initial_state: States = None,
        zero_masked: bool | None = None, batch: int | None = None,
    ) -> Any:  # fmt: skip
        advance, x = partial(cell_step, w=w, config=config, step=step), in_order(x, config)
        zeros = partial(initial_states, units=config["units"], count=states, step=step)
        given = Given(mask, initial_state, zero_masked, batch)
        if is_many(x):  # the products of one time step stay in the processor's cache
            return over_time(lambda x, states: advance(input_product(x, w, step), states=states), x, config, step, given, zeros)
        return over_time(advance, input_product(x, w, step), config, step, given, zeros)

    layer.__doc__ = documentation
    return layer


simple_rnn = recurrent(simple_rnn_step, 1, "Fully connected recurrence, the output fed back. ``keras.layers.SimpleRNN``.")
lstm = recurrent(lstm_step, 2, "Long short-term memory. ``keras.layers.LSTM``; Keras 2's ``CuDNNLSTM``.")
gru = recurrent(gru_step, 1, "Gated recurrent unit. ``keras.layers.GRU``; Keras 2's ``CuDNNGRU``.")


def rnn(
    x: Array, w: Weights, config: Config, step: Step, *, mask: Array | None = None, initial_state: States = None,
    zero_masked: bool | None = None, batch: int | None = None, call: Call,
) -> Any:  # fmt: skip
    """Any cell, run over a sequence. ``keras.layers.RNN``."""
    return over_time(partial(call, "cell"), in_order(x, config), config, step, Given(mask, initial_state, zero_masked, batch))


def over_time(advance: Advance, x: Array, config: Config, step: Step, given: Given, zeros: Callable[[Any], list[Any]] | None = None) -> Any:
    """Run one time step after the other over axis 1 of ``x`` (see ``in_order``), and collect what the layer is asked to return.

    A masked sample stands still: its states stay, and so does its output (zero before the first real time
    step, or everywhere with ``zero_output_for_mask``). ``go_backwards`` starts at the end and returns the
    outputs in the order in which they were computed. ``time_major`` (Keras 2): time is axis 0. ``zeros`` makes the states
    to start from where none are given; without it the first ``advance`` does. A ``stateful`` layer goes on from one batch
    of samples to the next: the samples of one place in all batches are one long sequence.
    """
    mask, length = in_order(given.mask, config), x.shape[1]
    if given.batch is not None and carries_state(x, config, given.initial_state, given.batch):
        x, mask = one_sequence(x, given.batch), None if mask is None else one_sequence(mask, given.batch)
    zero_masked = config.get("zero_output_for_mask") if given.zero_masked is None else given.zero_masked
    turned = zero_masked and mask is not None and all(config.get(name) for name in ("unroll", "go_backwards", "return_sequences"))
    first, outputs, ends = flat(given.initial_state), list[Any](), list[list[Any]]()
    states = first or (zeros(x[:, 0]) if zeros is not None else [])
    for t in range(x.shape[1]):
        if t == 0 or x.shape[0]:  # without samples, where only shapes are asked for, all time steps are as the first
            output, *new = advance(x[:, t], states=states or None)
            if mask is not None:
                before = None if zero_masked and not turned else outputs[-1] if t % length else 0.0
                output, new = held(mask[:, t], output, new, states, before, bool(first) or t >= length, step)
            states = new
        outputs.append(output)
        if (t + 1) % length == 0:
            ends.append(states)
    if turned:  # Keras zeroes these by the mask as it came, though the outputs stand the other way round
        outputs = [np.where(spread(mask[:, t + length - 1 - 2 * (t % length)], output), output, 0.0) for t, output in enumerate(outputs)]
    return returned(outputs, ends, length, config)


def returned(outputs: list[Array], ends: list[list[Array]], length: int, config: Config) -> Any:
    """The outputs of all time steps or of the last one; with ``return_state`` the states at the end of each sequence too."""
    if config.get("return_sequences"):
        y = np.stack(outputs, axis=0 if config.get("time_major") else 1)
        y = y if len(ends) == 1 else as_samples(y, length)
    else:
        y = all_batches(outputs[length - 1 :: length])
    return [y, *map(all_batches, zip(*ends, strict=True))] if config.get("return_state") else y


def carries_state(x: Array, config: Config, initial_state: States, batch: int) -> bool:
    """Whether the samples go on from the states of others, ``(batch, time, ...)``; refuses samples that are no whole batches."""
    if not config.get("stateful") or len(x) <= batch or initial_state is not None or config.get("time_major"):
        return False
    if len(x) % batch:
        raise ValueError(f"it carries its state from one batch of {batch} samples to the next, and {len(x)} samples are no whole batches")
    return True


def one_sequence(array: Array, batch: int) -> Any:
    """``(batches * batch, time, ...)`` as ``(batch, batches * time, ...)``: the samples of one place one after the other."""
    apart = np.swapaxes(array.reshape((-1, batch, *array.shape[1:])), 0, 1)
    return apart.reshape((batch, -1, *array.shape[2:]))


def as_samples(array: Array, length: int) -> Any:
    """``(batch, batches * time, ...)`` as ``(batches * batch, time, ...)`` again."""
    apart = np.swapaxes(array.reshape((len(array), -1, length, *array.shape[2:])), 0, 1)
    return apart.reshape((-1, length, *array.shape[2:]))


def all_batches(ends: Sequence[Array]) -> Any:
    """What each batch ended with, as one array with a row per sample."""
    return ends[0] if len(ends) == 1 else np.concatenate(ends, axis=0)


def in_order(array: Array | None, config: Config) -> Any:
    """An array ``(batch, time, ...)`` in the order in which its time steps are computed."""
    if array is not None and config.get("time_major"):
        array = np.swapaxes(array, 0, 1)
    return np.flip(array, axis=1) if array is not None and config.get("go_backwards") else array


def flat(states: States) -> list[Any]:
    """States as one list, however they are nested; a single one may come bare."""
    if isinstance(states, (list, tuple)):
        return [leaf for part in states for leaf in flat(part)]
    return [] if states is None else [states]


def spread(mask: Array, like: Array) -> Any:
    """A mask ``(batch, ...)`` with axes of length 1 behind, to fit the rank of ``like``."""
    return mask.reshape(mask.shape + (1,) * (like.ndim - mask.ndim))


def held(
    mask: Array, output: Array, new: list[Array], states: list[Array], before: Number | None, given: bool, step: Step
) -> tuple[Any, list[Any]]:
    """Output and states of a time step, held back where the mask is false: the output at the one ``before``, or 0 without one.

    Output and first state are the same array and stay it, unless the states were ``given``: these are no outputs.
    """
    shared = output is new[0] and not given and before is not None
    new = stand_still(mask, new, states if states else [0.0] * len(new), step)
    return new[0] if shared else step("output", np.where(spread(mask, output), output, 0.0 if before is None else before)), new


def stand_still(mask: Array, new: list[Array], old: Sequence[Number], step: Step) -> list[Any]:
    """The new states where the mask is true, the old ones where it is not."""
    names = STATE_NAMES if len(new) <= len(STATE_NAMES) else [f"state {i}" for i in range(len(new))]
    return [
        step(f"masked {name}", np.where(spread(mask, now), now, before), Role("masked state", name))
        for name, now, before in zip(names, new, old, strict=False)
    ]
