"""Write ``docs/layers.md``, the table of everything that weightlens computes: ``python docs/make_layers.py``.

The table is made from ``SPECS`` and ``OPERATIONS`` themselves; a test fails where the file has fallen behind.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from weightlens.layers import function_of
from weightlens.operations.catalogue import OPERATIONS
from weightlens.operations.tensorflow_names import FUNCTIONS, RAW
from weightlens.specs.activation import ACTIVATIONS, ALL
from weightlens.specs.registry import CATEGORIES, SPECS

TARGET = Path(__file__).resolve().parent / "layers.md"
HEAD = """# What weightlens computes

Made by `docs/make_layers.py` from `weightlens/specs` and `weightlens/layers`. A layer that is not listed here (or an option of one) is
refused by name; its matrices can still be shown. So is an option that no version of Keras knows, a value of a kind that it cannot
have, and an array of another shape than the settings ask for: `weightlens/specs` says what each class has.

## A layer of your own

A class of your own is computed by a function of yours, written like those in `weightlens/layers`; nothing is ever loaded from the file.
`x` is what comes in, `w` the weights by name, `config` what `get_config` gave; `step` names a value, which makes it a step of the
trace and a block of cells in the workbook. NumPy's functions become formulas where the docstring of `weightlens/layers/__init__.py`
names them.

```python
import numpy as np
import weightlens


def scaled_sum(x, w, config, step):
    products = step("weighted", x * w["weights"])
    return config["factor"] * np.sum(products, axis=-1, keepdims=True) + w["offset"]


weightlens.register("Mine>ScaledSum", scaled_sum, ["weights", "offset"])  # before the model is loaded
```

The name is the one that `weightlens show` prints. The list names the layer's weights in the order in which it makes them. A
`weightlens.LayerSpec` in the place of the function says more of the class: the shapes of its weights, its options, the mask that it
hands on, what its axes mean; `weightlens/specs/layer.py` has an example. After that `load`, `trace`, `predict`, `export` and `check`
treat the layer like any other (`check` needs the class in Keras too: `keras.saving.register_keras_serializable("Mine")`).
"""

OPERATORS_HEAD = """## Operators of functional models (Keras 3)

The operations of `keras.ops` that models call between their layers, by their class. Others are refused by name, among them inverses,
determinants and decompositions of matrices, quantiles, statistics that leave out NaN, operations on bits, reductions by segment,
Fourier transforms, searches in sorted numbers, and images turned, blurred, compared or in other colours.
"""
FUNCTIONS_HEAD = """## TensorFlow functions inside functional models (Keras 2)

Other names of the operators above, with TensorFlow's names of their arguments. A name without a place is the same in `tf`, `tf.math`,
`tf.nn`, `tf.linalg`, `tf.dtypes`, `tf.keras.activations` and, for `x + y` and its kin, `tf.__operators__`; and below `tf.compat.v1`,
except for images.
"""
NODES_HEAD = """## Graph nodes inside functional models (TensorFlow 2.0 to 2.3)

The same operators once more, as nodes of TensorFlow's own graph.
"""


def summary(function: Callable[..., Any]) -> str:
    """The first sentence of a function's documentation, on one line."""
    while isinstance(function, functools.partial):
        function = function.func
    lines = (inspect.getdoc(function) or "").split("\n\n")[0].split()
    return " ".join(lines).replace("|", "\\|")


def layer_tables() -> str:
    """One table for each category of Keras's documentation: the classes that share a function share a row."""
    parts = []
    for category in CATEGORIES:
        rows: dict[Callable[..., Any], list[str]] = {}
        for name in importlib.import_module(f"weightlens.specs.families.{category}_specs").LAYERS:
            function = function_of(name)
            if function is not None:
                rows.setdefault(function, []).append(name)
        lines = [f"| {', '.join(f'`{name}`' for name in names)} | {summary(function)} |" for function, names in rows.items()]
        parts.append("\n".join([f"## {category.capitalize()}", "", "| layer | what it does |", "| --- | --- |", *lines]))
    return "\n\n".join(parts)


def names_in(table: dict[str, Any]) -> str:
    """The names of a table, sorted, as code."""
    return ", ".join(f"`{name}`" for name in sorted(table, key=str.lower))


def text() -> str:
    """The whole file."""
    counted = {
        "layer classes": [name for name in SPECS if function_of(name) is not None],
        "activation functions": ALL,
        "operators of Keras 3": OPERATIONS,
        "functions of TensorFlow": FUNCTIONS,
        "nodes of its graphs": RAW,
    }
    parts = [HEAD, f"**{', '.join(f'{len(names)} {what}' for what, names in counted.items())}.**", layer_tables()]
    parts += ["## Activation functions", names_in(ACTIVATIONS), OPERATORS_HEAD, names_in(OPERATIONS)]
    parts += [FUNCTIONS_HEAD, names_in(FUNCTIONS), NODES_HEAD, names_in(RAW)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
