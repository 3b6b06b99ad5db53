"""Operator nodes of functional models (``x + y``, ``ops.relu(x)``, ``tf.nn.relu``): a NumPy function for each name.

Comes in: the name of a node's class. Goes out: its function.
"""
