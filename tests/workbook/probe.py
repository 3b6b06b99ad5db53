"""A network of one layer made of any NumPy function, to see which formulas it becomes and what they compute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl

from weightlens.model import Call, Layer, Model, Ref, Weight
from weightlens.specs.layer import LayerSpec
from weightlens.specs.registry import SPECS

Function = Callable[..., Any]


@contextmanager
def probe(function: Function, *inputs: np.ndarray, **weights: np.ndarray) -> Iterator[Model]:
    """A model whose only layer computes ``function(x, w, step)``; ``x`` is a list where there are several inputs."""
    SPECS["Probe"] = LayerSpec(function=lambda x, w, config, step: function(x, w, step))
    stored = {
        name: Weight(name, array.shape, str(array.dtype), f"probe/{name}", lambda array=array: array) for name, array in weights.items()
    }
    refs = [Ref(f"input{i}") for i in range(len(inputs))]
    layers = [Layer(ref.layer, "InputLayer", {"batch_shape": [None, *x.shape[1:]]}) for ref, x in zip(refs, inputs, strict=True)]
    layers.append(Layer("probe", "Probe", {}, stored, [Call((refs[0] if len(refs) == 1 else refs,))]))
    try:
        yield Model("probe", "Functional", layers, refs, [Ref("probe")])
    finally:
        del SPECS["Probe"]


def written(function: Function, book: Path, *inputs: np.ndarray, **weights: np.ndarray) -> None:
    """Export the probe."""
    import weightlens

    with probe(function, *inputs, **weights) as model:
        weightlens.export(model, book, list(inputs))


def formulas_of(book: Path, name: str = "output_0") -> list[str]:
    """The formulas behind a defined name, row by row."""
    workbook = openpyxl.load_workbook(book)
    [(sheet, area)] = workbook.defined_names[name].destinations
    block = workbook[sheet][area.replace("$", "")]
    rows = block if isinstance(block, tuple) else ((block,),)
    return [str(cell.value) for row in rows for cell in row]
