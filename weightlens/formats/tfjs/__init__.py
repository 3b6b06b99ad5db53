"""TensorFlow.js models: a ``model.json`` with the architecture and a list of the weights, and the weights in ``.bin`` files beside it.

Comes in: that file, its folder, or a zip of it. Goes out: a ``Model`` like that of any other format. The architecture is Keras 2's.
"""
