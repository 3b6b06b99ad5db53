"""The function of an operator node of a functional model, whoever named it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weightlens.operations.catalogue import OPERATIONS
from weightlens.specs.operation import is_tensorflow


def operation(class_name: str) -> Callable[..., Any] | None:
    """The function of an operator node by its class, as Keras 3 or TensorFlow (``tf.math.add``) names it; ``None`` for an unknown one."""
    if not is_tensorflow(class_name):
        return OPERATIONS.get(class_name)
    from weightlens.operations.tensorflow_names import Rename, entry_of

    entry = entry_of(class_name.removeprefix("tf."))
    return entry.function() if isinstance(entry, Rename) else entry
