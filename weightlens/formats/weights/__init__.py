"""From stored arrays to the weights of layers: which array is which, turned and joined as Keras 3 has them.

Comes in: a file's groups and a ``Model``. Goes out: the same model with its ``Weight`` objects, read on access.
"""
