"""Operator nodes of functional graphs (``x + y``, ``ops.relu(x)``, ``tf.nn.relu``): one NumPy function each.

``OPERATIONS`` finds the function by the operation's class in Keras 3 (``Add``, ``Softmax``) or, for the function calls
that Keras 2 stored, by ``tf.`` and TensorFlow's path (``tf.math.multiply``). A function takes the tensors of the call
first, then the options under Keras's names; one that names a keyword-only ``step`` shows its intermediate steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weightlens.layers import operations_arrays, operations_image, operations_math, operations_nn, operations_numpy, operations_tensorflow

OPERATIONS: dict[str, Callable[..., Any]] = {
    **operations_numpy.OPERATIONS,
    **operations_arrays.OPERATIONS,
    **operations_math.OPERATIONS,
    **operations_nn.OPERATIONS,
    **operations_image.OPERATIONS,
    **operations_tensorflow.OPERATIONS,
}
