"""The forward pass: a ``Model`` and its inputs become a ``Trace``, or only predictions.

Comes in: a model (``model``), arrays by input. Goes out: the recorded steps of every layer, or the outputs.
``wanted`` says what the model asks for, ``binding`` makes arrays of it, ``run`` calls layer after layer (``arguments``,
``operation_nodes``), ``portions`` of many samples on several cores; ``output_shapes`` does so without numbers.
``faults`` says what forbids computing, and whose fault an exception is.
Knows nothing of files, sheets or terminals.
"""
