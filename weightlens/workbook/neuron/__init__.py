"""The sheet of one neuron: its inputs, weights and products, the sum that they make, and what the activation does with it.

Comes in: the plan of a network whose sheets are drawn. Goes out: the sheets Neuron and Neuron data. ``weighted_sums`` finds the
sums of products in the recorded calls, ``neurons`` names their parts, ``data_tables`` and ``neuron_sheet`` write the sheets.
"""
