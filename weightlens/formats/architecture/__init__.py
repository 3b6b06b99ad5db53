"""From a saved configuration of any version of Keras to a ``Model`` without weights.

Comes in: JSON as plain Python. Goes out: layers with Keras 3's keys, and the graph that connects them.
Opens no files.
"""
