"""The training workbook: data, one step in full, all epochs, and charts, as live formulas.

Comes in: the recorded steps of ``weightlens.training``. Goes out: a ``Book``.
"""
