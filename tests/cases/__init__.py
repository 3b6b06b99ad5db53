"""ONE table of layer cases, used by the Keras, the recording and the spreadsheet tests.

A case is a Keras model made of one layer (or a few), its seeded random weights and inputs. The table is
spread over files named as in ``weightlens/layers``; ``CASES`` is all of it.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import numpy as np

Build = Callable[[Any], Any]
Row = TypeVar("Row")


@dataclass(frozen=True)
class Case:
    """One row: ``layer(keras)`` gives what is called on the inputs; ``shapes`` are those of the inputs, without batch.

    ``data(rng, shape)`` makes one input array (normal numbers unless given); ``workbook=False`` marks a layer
    that a spreadsheet cannot compute, ``tolerance`` what float32 allows.
    """

    name: str
    layer: Build
    shapes: tuple[tuple[int | None, ...], ...]
    data: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray] | None = None
    batch: int = 2
    dtype: str | None = None
    workbook: bool = True
    tolerance: float = 1e-5

    def inputs(self) -> list[np.ndarray]:
        """The seeded inputs, batch first."""
        rng = np.random.default_rng(zlib.crc32(repr(self.shapes).encode()))
        make = self.data or (lambda r, shape: r.normal(size=shape))
        dtype = str if self.dtype == "string" else self.dtype or "float32"
        return [np.asarray(make(rng, (self.batch, *(3 if n is None else n for n in shape)))).astype(dtype) for shape in self.shapes]

    def model(self, keras: Any) -> Any:
        """The Keras model, every weight random (biases, gammas and moving statistics too)."""
        tensors = [keras.Input(shape, dtype=self.dtype) for shape in self.shapes]
        layer = self.layer(keras)
        model = keras.Model(tensors, layer(tensors if len(tensors) > 1 else tensors[0]))
        rng = np.random.default_rng(7)
        for variable in model.weights:
            path = getattr(variable, "path", variable.name)  # tf_keras has no paths
            if getattr(variable.dtype, "name", variable.dtype).startswith("float") and "g_idx" not in path:
                positive = "variance" in path
                variable.assign(rng.uniform(0.5, 1.5, variable.shape) if positive else rng.normal(0, 0.5, variable.shape))
        for layer in model.layers:
            getattr(layer, "finalize_state", lambda: None)()  # Normalization keeps a copy of its weights
        return model


def case(name: str, layer: Build, *shapes: tuple[int | None, ...], **options: Any) -> Case:
    """``case("dense, relu", lambda k: k.layers.Dense(3, activation="relu"), (4,))``."""
    return Case(name, layer, shapes, **options)


def of_applications(keras: Any, network: str, name: str) -> Any:
    """A layer class by the network of ``keras.applications`` that it is made for."""
    return getattr(importlib.import_module(f"{keras.__name__}.src.applications.{network}"), name)


EVERYTHING = bool(os.environ.get("WEIGHTLENS_EVERYTHING"))
TURN = int(os.environ.setdefault("WEIGHTLENS_TURN", str(date.today().toordinal())))  # every day another one; workers inherit it


def turn(rows: Sequence[Row], one_in: int, start: int = 0) -> list[Row]:
    """Some of the rows: one in so many, and never none; tomorrow others, so that each is taken once in so many days.

    All of them where ``WEIGHTLENS_EVERYTHING`` is set. Lists that begin their turns elsewhere do not all take their first today.
    """
    one_in = max(1, min(one_in, len(rows)))
    return [row for number, row in enumerate(rows) if EVERYTHING or (number + start + TURN) % one_in == 0]


def some(one_in: int) -> list[Case]:
    """Layer cases for a witness that is slow: by turns, and every day some of each file."""
    mixed = [(part, sorted(cases, key=lambda case: zlib.crc32(case.name.encode()))) for part, cases in FAMILIES.items()]
    return [case for part, cases in mixed for case in turn(cases, one_in, zlib.crc32(part.encode()))]


FAMILIES: dict[str, list[Case]] = {
    part: importlib.import_module(f"tests.cases.{part}").CASES for part in sorted(part.name for part in pkgutil.iter_modules(__path__))
}
CASES: list[Case] = [case for cases in FAMILIES.values() for case in cases]
