"""Recurrent cells: one time step of SimpleRNN, LSTM and GRU (``keras.layers``, "Recurrent layers").

A cell is ``cell(x, w, config, step, *, states) -> [output, *new states]``; without states it starts from zeros.
The ``*_step`` functions take the time step's input product (``x . kernel``), which a layer computes once for
all time steps.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from weightlens.layers.activations import activate
from weightlens.layers.faster import is_recorded, times
from weightlens.layers.signature import Array, Call, Config, Function, States, Step, Weights
from weightlens.recording import Role
from weightlens.specs.registry import spec

STATE_NAMES = ("hidden state", "cell state")
STATES, GATE = [Role("state", name) for name in STATE_NAMES], Role("gate")


def initial_states(product: Array, units: int, count: int, step: Step) -> list[Any]:
    """Zeros, ``(batch, units)`` each: what a sequence starts from when it is given nothing else."""
    return [
        step(f"initial {name}", np.zeros((*product.shape[:-1], units), product.dtype), Role("start", name)) for name in STATE_NAMES[:count]
    ]


def input_product(x: Array, w: Weights, step: Step) -> Any:
    """``x . kernel`` for every time step at once: ``(..., features) -> (..., gates * units)``."""
    kernel = w["kernel"]
    rows = times(x.reshape((-1, x.shape[-1])), kernel)
    return step("input product", rows.reshape((*x.shape[:-1], kernel.shape[-1])))


def simple_rnn_step(product: Array, w: Weights, config: Config, step: Step, states: States = None) -> list[Any]:
    """``h = activation(x . kernel + h . recurrent_kernel + bias)`` (Elman 1990)."""
    (h,) = states or initial_states(product, config["units"], 1, step)
    z = product + times(h, w["recurrent_kernel"])
    z = step("pre-activation", z + w["bias"] if config.get("use_bias", True) else z)
    h = step("hidden state", activate(z, config.get("activation", "tanh"), step), STATES[0])
    return [h, h]


def lstm_step(product: Array, w: Weights, config: Config, step: Step, states: States = None) -> list[Any]:
    """``c = forget gate * c + input gate * candidate``, ``h = output gate * activation(c)`` (Hochreiter, Schmidhuber 1997).

    The kernels hold the gates side by side in the order input, forget, candidate, output.
    """
    h, c = states or initial_states(product, config["units"], 2, step)
    z = product + times(h, w["recurrent_kernel"])
    return lstm_gates(z + w["bias"] if config.get("use_bias", True) else z, c, config, step)


def gates_of(z: Array, count: int) -> Any:
    """The gates that stand side by side in the last axis. ``np.split`` takes as long as a gate does, so bare arrays are cut by hand."""
    if is_recorded(z):
        return np.split(z, count, axis=-1)
    width = z.shape[-1] // count
    return [z[..., k * width : (k + 1) * width] for k in range(count)]


def lstm_gates(z: Array, c: Array, config: Config, step: Step) -> list[Any]:
    """From the pre-activations of the four gates and the old cell state to ``[h, h, c]``."""
    gate, cell = config.get("recurrent_activation", "sigmoid"), config.get("activation", "tanh")
    i, f, g, o = gates_of(step("pre-activations", z), 4)
    i = step("input gate", activate(i, gate, step), GATE)
    f = step("forget gate", activate(f, gate, step), GATE)
    g = step("candidate", activate(g, cell, step), GATE)
    o = step("output gate", activate(o, gate, step), GATE)
    c = step("cell state", f * c + i * g, STATES[1])
    h = step("hidden state", o * activate(c, cell, step), STATES[0])
    return [h, h, c]


def gru_step(product: Array, w: Weights, config: Config, step: Step, states: States = None) -> list[Any]:
    """``h = update gate * h + (1 - update gate) * candidate`` (Cho et al. 2014).

    The kernels hold the gates in the order update, reset, candidate. ``reset_after``: the reset gate acts on
    ``h . recurrent_kernel`` rather than on ``h``, and there are two biases, ``(2, 3 * units)``.
    """
    units, after, biased = config["units"], config.get("reset_after", True), config.get("use_bias", True)
    (h,) = states or initial_states(product, units, 1, step)
    gate, recurrent_kernel = config.get("recurrent_activation", "sigmoid"), w["recurrent_kernel"]
    recurrent = times(h, recurrent_kernel if after else recurrent_kernel[:, : 2 * units])
    recurrent = step("recurrent product", recurrent + w["bias"][1] if biased and after else recurrent)
    if biased:
        product = product + (w["bias"][0] if after else w["bias"])
    z = step("update gate", activate(product[:, :units] + recurrent[:, :units], gate, step), GATE)
    r = step("reset gate", activate(product[:, units : 2 * units] + recurrent[:, units : 2 * units], gate, step), GATE)
    reset = step("reset product", r * recurrent[:, 2 * units :]) if after else step("reset state", r * h) @ recurrent_kernel[:, 2 * units :]
    candidate = step("candidate", activate(product[:, 2 * units :] + reset, config.get("activation", "tanh"), step), GATE)
    h = step("hidden state", z * h + (1.0 - z) * candidate, STATES[0])
    return [h, h]


def cell(cell_step: Function, documentation: str) -> Function:
    """The layer that computes one time step, starting with the product of its input and the kernel."""

    def layer(x: Array, w: Weights, config: Config, step: Step, *, states: States = None) -> Any:
        return cell_step(input_product(x, w, step), w, config, step, states)

    layer.__doc__ = documentation
    return layer


simple_rnn_cell = cell(
    simple_rnn_step, "One time step of a SimpleRNN: ``(batch, features) -> (batch, units)``. ``keras.layers.SimpleRNNCell``."
)
lstm_cell = cell(lstm_step, "One time step of an LSTM: ``(batch, features) -> (batch, units)``. ``keras.layers.LSTMCell``.")
gru_cell = cell(gru_step, "One time step of a GRU: ``(batch, features) -> (batch, units)``. ``keras.layers.GRUCell``.")


def stacked_rnn_cells(x: Array, w: Weights, config: Config, step: Step, *, states: States = None, call: Call) -> list[Any]:
    """Cells on top of each other, each fed with the output of the one below. ``keras.layers.StackedRNNCells``.

    The states of all cells form one flat list, from the lowest cell up (or down: ``reverse_state_order``, Keras 2).
    """
    cells = [name for name in config if name.startswith("cells/")]
    order = cells[::-1] if config.get("reverse_state_order") else cells
    own: dict[str, Any] = dict.fromkeys(cells)
    if states:
        counts = {name: spec(config[name]["class_name"]).states for name in order}
        if sum(counts.values()) != len(states):
            raise NotImplementedError("is given states that are not those of its cells")
        remaining = iter(states)
        own = {name: list(islice(remaining, count)) for name, count in counts.items()}
    after: dict[str, list[Any]] = {}
    for name in cells:
        x, *after[name] = call(name, x, states=own[name])
    return [x, *(state for name in order for state in after[name])]
