"""The forward pass: a ``Model`` and its inputs become a ``Trace``.

Comes in: a model (``model``), arrays by input. Goes out: the recorded steps of every layer, or only the predictions.
May import the model, ``specs``, ``layers``, ``operations``, ``recording``, ``inputs.wanted`` and the ground;
knows nothing of files, sheets or terminals.
"""
