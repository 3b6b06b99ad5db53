"""Models as objects: what holds what."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

import weightlens
from tests.conftest import INPUTS, sample_input


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_a_model_that_nobody_holds_lets_its_file_go(path: Path, no_collector: None) -> None:
    """At once: HDF5 does not open a file for writing that is still open for reading."""
    model = weightlens.load(path)
    model.predict(sample_input(path)[:2])
    held = [weakref.ref(layer) for layer in model.layers]
    del model
    assert [layer() for layer in held] == [None] * len(held)
