"""Recurrent layers, their cells, and wrappers (``keras.layers``, "Recurrent layers")."""

from __future__ import annotations

from weightlens.specs.layer import LayerSpec, each_rank

CELL = "kernel[in,{0}units] recurrent_kernel[units,{0}units] bias[{0}units]?use_bias"
WITH_STATE = ("sequences", "initial_state", "mask")
SEQUENCE = "sample, time step, ..."
CELL_OPTIONS = "units! activation use_bias dropout recurrent_dropout"
GATES = f"{CELL_OPTIONS} recurrent_activation"
OVER_TIME = (
    "return_sequences return_state go_backwards stateful unroll zero_output_for_mask |3 use_cudnn:any |2 time_major num_constants:any"
)
OLD = "|1 consume_less:any dropout_W:any dropout_U:any truncate_gradient:any return_sequences"
FOUR = "gate:input gate|forget gate|candidate|output gate*unit"
FILTERS = FOUR.replace("unit", "filter")
THREE = "gate:update gate|reset gate|candidate*unit"
LEARNED = "kernel recurrent bias"

SIMPLE_CELL = LayerSpec(
    function="recurrent.recurrent_cells.simple_rnn_cell", variables=CELL.format(""), options=CELL_OPTIONS, takes=SEQUENCE,
    axes={"kernel": "?, unit", "recurrent_kernel": "?, unit", "bias": "unit"}, states=1, alone=True, learned=LEARNED, tfjs="loses",
)  # fmt: skip
LSTM_CELL = LayerSpec(
    function="recurrent.recurrent_cells.lstm_cell", variables=CELL.format("4*"), options=f"{GATES} unit_forget_bias", takes=SEQUENCE,
    axes={"kernel": f"?, {FOUR}", "recurrent_kernel": f"?, {FOUR}", "bias": FOUR}, states=2, alone=True, learned=LEARNED, tfjs="loses",
)  # fmt: skip
GRU_CELL = LayerSpec(
    function="recurrent.recurrent_cells.gru_cell", variables=CELL.format("3*").replace("bias[3*units]", "bias"),
    shapes="gru", options=f"{GATES} reset_after", takes=SEQUENCE, learned=LEARNED, tfjs="loses",
    axes={"kernel": f"?, {THREE}", "recurrent_kernel": f"?, {THREE}", "bias": THREE, "bias 2": f"side:bias x|bias h, {THREE}"}, states=1,
    alone=True,
)  # fmt: skip
CONV_CELL = LayerSpec(
    function=None, variables="kernel[*kernel_size,in,4*filters] recurrent_kernel[*kernel_size,filters,4*filters] bias[4*filters]?use_bias",
    axes={"kernel": f"*, channel, {FILTERS}", "recurrent_kernel": f"*, filter before, {FILTERS}", "bias": FILTERS},
)  # fmt: skip
CUDNN = LayerSpec(
    function=None, variables="kernel recurrent_kernel bias", options=f"units! unit_forget_bias {OVER_TIME}", gone=True,
    arguments=WITH_STATE,
)  # fmt: skip


def over_time(function: str, cell: LayerSpec, not_taken: str = "") -> LayerSpec:
    """The layer that runs a cell over a sequence."""
    options = f"{cell.options} {OVER_TIME} {OLD}"
    return cell._replace(
        function=function, mask="recurrent", options=options, not_taken=not_taken, arguments=WITH_STATE,
        learned=f"{LEARNED} activity", tfjs="uses",
    )  # fmt: skip


LAYERS = {
    "SimpleRNNCell": SIMPLE_CELL,
    "LSTMCell": LSTM_CELL,
    "GRUCell": GRU_CELL,
    "StackedRNNCells": LayerSpec(
        function="recurrent.recurrent_cells.stacked_rnn_cells", options="cells!:layers reverse_state_order:flag",
        not_taken="reverse_state_order", alone=True, tfjs="loses",
    ),
    "SimpleRNN": over_time("recurrent.rnn.simple_rnn", SIMPLE_CELL, not_taken="use_cudnn"),
    "LSTM": over_time("recurrent.rnn.lstm", LSTM_CELL),
    "GRU": over_time("recurrent.rnn.gru", GRU_CELL),
    "RNN": LayerSpec(
        function="recurrent.rnn.rnn", mask="recurrent", options=f"cell {OVER_TIME}", not_taken="use_cudnn",
        arguments=WITH_STATE, takes=SEQUENCE, alone=True, tfjs="uses",
    ),
    **each_rank("ConvLSTM{}D", (1, 2, 3), CONV_CELL._replace(
        function="recurrent.conv_recurrent.conv_lstm", mask="recurrent",
        options="filters! kernel_size! strides padding data_format dilation_rate activation recurrent_activation use_bias "
        f"unit_forget_bias dropout recurrent_dropout {OVER_TIME} {OLD}",
        arguments=WITH_STATE, takes="sample, time step, *, channel", alone=True, turned=True,
        not_taken="unroll use_cudnn zero_output_for_mask", learned=f"{LEARNED} activity", tfjs="loses",
    ), tfjs=(2,)),
    # Cells that no file has by themselves: their weights are named
    **each_rank("ConvLSTM{}DCell", (2,), CONV_CELL),
    "ConvLSTMCell": CONV_CELL,
    "PeepholeLSTMCell": LayerSpec(
        function=None,
        variables=f"{LSTM_CELL.variables} input_gate_peephole_weights forget_gate_peephole_weights output_gate_peephole_weights",
    ),
    # On a graphics card up to Keras 2: the readers make the layers above of them
    "CuDNNLSTM": CUDNN,
    "CuDNNGRU": CUDNN,
    # wrappers
    "Bidirectional": LayerSpec(
        function="recurrent.wrappers.bidirectional", mask="bidirectional", options="layer! merge_mode backward_layer |2 num_constants:any",
        arguments=WITH_STATE, takes=SEQUENCE, alone=True, tfjs="uses",
    ),
    "TimeDistributed": LayerSpec(
        function="recurrent.wrappers.time_distributed", mask="time_distributed", options="layer!", takes=SEQUENCE, tokens=("input_dim", 0),
        alone=True, across=True, tfjs="keeps",
    ),
}  # fmt: skip
