"""Layer cases as pages, some every day: each number against NumPy, as exported and after an edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.cases import Case, some
from tests.conftest import Built
from tests.page.conftest import Open
from weightlens.checks.workbook import relative_distance
from weightlens.errors import UnsupportedLayer
from weightlens.model import Model

pytestmark = pytest.mark.office("chromium")
CLOSE = 1e-12
SHOWN = some(16)


def distance(found: list[Any], expected: np.ndarray) -> float:
    """The worst relative difference of two lists of numbers or words."""
    assert len(found) == expected.size
    return max((relative_distance(a, b) for a, b in zip(found, expected.ravel().tolist(), strict=True)), default=0.0)


def off(numbers: dict[str, list[Any]], model: Model, inputs: list[np.ndarray]) -> dict[str, float]:
    """The steps of the trace which the page computes otherwise."""
    seen: dict[str, int] = {}
    wrong = {}
    for step in model.trace(inputs):
        name = f"{step.layer}/{step.name}"
        seen[name] = seen.get(name, 0) + 1
        key = name if seen[name] == 1 else f"{name} #{seen[name]}"
        worst = distance(numbers[key], np.asarray(step.value, None if step.value.dtype.kind == "U" else float))
        if worst > CLOSE:
            wrong[key] = worst
    return wrong


@pytest.mark.parametrize("case", SHOWN, ids=[case.name for case in SHOWN])
def test_page_equals_numpy(case: Case, built: Callable[[Case], Built], shown: Open) -> None:
    model, inputs = weightlens.load(built(case).path), [*built(case).inputs]
    if not case.workbook:
        with pytest.raises(UnsupportedLayer):
            shown(model, inputs)
        return
    page = shown(model, inputs)
    assert page.run("weightlens.check()") <= CLOSE
    assert off(page.numbers(), model, inputs) == {}
    edit(page, model, inputs)
    assert off(page.numbers(), model, inputs) == {}
    page.run("weightlens.reset()")
    assert page.run("weightlens.check()") <= CLOSE


def edit(page: Any, model: Model, inputs: list[np.ndarray]) -> None:
    """Another first weight and another first input, in the page and in the model."""
    name = next((w["name"] for w in page.run("weightlens.weights()") if model.weights[w["name"]].value.dtype.kind == "f"), None)
    if name is not None:
        value = model.weights[name].value
        value.reshape(-1)[0] += 0.25
        page.run("([name, value]) => weightlens.set(name, 0, value)", [name, float(value.reshape(-1)[0])])
    for k, (said, x) in enumerate(zip(page.run("weightlens.inputs()"), inputs, strict=True)):
        inputs[k] = x = x.copy()
        x.reshape(-1)[0] = x.reshape(-1)[0].swapcase() if x.dtype.kind == "U" else x.reshape(-1)[-1]
        page.run("([name, value]) => weightlens.set(name, 0, value)", [said["name"], x.reshape(-1)[0].item()])
