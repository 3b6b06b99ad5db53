"""LSTMs whose products are convolutions: ConvLSTM1D, 2D and 3D (``keras.layers``, "Recurrent layers")."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from weightlens.layers.convolution.convolutional import convolve, placing
from weightlens.layers.recurrent.recurrent_cells import initial_states, lstm_gates
from weightlens.layers.recurrent.rnn import Given, flat, in_order, over_time
from weightlens.layers.signature import Array, Config, States, Step, Weights


def conv_lstm_step(product: Array, w: Weights, config: Config, step: Step, states: States = None) -> list[Any]:
    """One time step: the state is convolved at stride 1 with ``same`` padding, whatever the input's convolution does."""
    h, c = states or initial_states(product, config["filters"], 2, step)
    z = product + convolve(h, w["recurrent_kernel"], padding="same")
    return lstm_gates(z + w["bias"] if config.get("use_bias", True) else z, c, config, step)


def conv_lstm(
    x: Array, w: Weights, config: Config, step: Step, *, mask: Array | None = None, initial_state: States = None,
    zero_masked: bool | None = None, batch: int | None = None,
) -> Any:  # fmt: skip
    """LSTM over pictures: ``(batch, time, *space, channels) -> (batch, *positions, filters)``. ``keras.layers.ConvLSTM1D``, ``2D``, ``3D``.

    Shi et al. 2015, without peepholes.
    """
    first = config.get("data_format") == "channels_first"
    states = [np.moveaxis(state, 1, -1) if first else state for state in flat(initial_state)]
    x = in_order(x, config)
    product = step("input product", convolve(np.moveaxis(x, 2, -1) if first else x, w["kernel"], **placing(config)))
    given = Given(mask, states or None, zero_masked, batch)
    out = over_time(partial(conv_lstm_step, w=w, config=config, step=step), product, config, step, given)
    if not first:
        return out
    return [as_channels_first(y, x.ndim) for y in out] if isinstance(out, list) else as_channels_first(out, x.ndim)


def as_channels_first(y: Array, sequence_rank: int) -> Any:
    """``(batch, [time,] *space, filters)`` with the filters before the space."""
    return np.moveaxis(y, -1, 2 if y.ndim == sequence_rank else 1)
