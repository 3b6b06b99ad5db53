"""Operator nodes of functional graphs (``x + y``, ``ops.relu(x)``, ``tf.nn.relu``): one NumPy function each.

``OPERATIONS`` finds the function by the operation's class in Keras 3 (``Add``, ``Softmax``) or, for the function calls
that Keras 2 stored, by ``tf.`` and TensorFlow's path (``tf.math.multiply``). A function takes the tensors of the call
first, then the options under Keras's names; one that names a keyword-only ``step`` shows its intermediate steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weightlens.layers.operations_arrays import OPERATIONS as OF_ARRAYS
from weightlens.layers.operations_image import OPERATIONS as OF_IMAGES
from weightlens.layers.operations_linalg import OPERATIONS as OF_MATRICES
from weightlens.layers.operations_math import OPERATIONS as OF_MATHEMATICS
from weightlens.layers.operations_nn import OPERATIONS as OF_NETWORKS
from weightlens.layers.operations_numpy import OPERATIONS as OF_NUMBERS
from weightlens.layers.operations_raw import OPERATIONS as OF_NODES
from weightlens.layers.operations_sampling import OPERATIONS as OF_SAMPLING
from weightlens.layers.operations_statistics import OPERATIONS as OF_STATISTICS
from weightlens.layers.operations_tensorflow import OPERATIONS as OF_TENSORFLOW
from weightlens.layers.operations_tensorflow_arrays import FUNCTIONS as OF_TENSORFLOW_ARRAYS
from weightlens.layers.operations_tensorflow_images import FUNCTIONS as OF_TENSORFLOW_IMAGES


def by_version(functions: dict[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """TensorFlow's functions under their paths, and under those of TensorFlow 1."""
    return {f"tf.{version}{path}": function for path, function in functions.items() for version in ("", "compat.v1.")}


OPERATIONS: dict[str, Callable[..., Any]] = {
    **OF_NUMBERS,
    **OF_ARRAYS,
    **OF_MATHEMATICS,
    **OF_MATRICES,
    **OF_NETWORKS,
    **OF_IMAGES,
    **OF_SAMPLING,
    **OF_STATISTICS,
    **OF_TENSORFLOW,
    **by_version(OF_TENSORFLOW_ARRAYS),
    **by_version(OF_TENSORFLOW_IMAGES),
    **OF_NODES,
}
