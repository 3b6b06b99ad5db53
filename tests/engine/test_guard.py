"""A layer function that fails: the message says whether the file, a registered function or weightlens is at fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import weightlens
from weightlens.errors import UnsupportedLayer
from weightlens.model import Call, Layer, Model, Ref
from weightlens.specs.registry import REGISTERED, SPECS


def network(class_name: str, config: dict[str, Any], *arguments: Any) -> Model:
    entry = Layer("x", "InputLayer", {"batch_shape": [None, 2]}, calls=[Call(())])
    layer = Layer("d", class_name, config, calls=[Call(arguments or (Ref("x"),))])
    return Model("network", "Functional", [entry, layer], inputs=[Ref("x")], outputs=[Ref("d")])


def reason(model: Model) -> str:
    with pytest.raises(UnsupportedLayer) as refusal:
        model.predict([[1.0, 2.0]])
    return refusal.value.reason


def fails(*_: Any, **__: Any) -> Any:
    return len(3)  # type: ignore[arg-type]


@pytest.fixture
def broken_flatten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weightlens.engine.run.function_of", lambda class_name: fails)


@pytest.fixture
def registered() -> Iterator[None]:
    weightlens.register("Mine", fails)
    yield
    REGISTERED.discard("Mine")
    SPECS.pop("Mine")


@pytest.mark.usefixtures("broken_flatten")
def test_weightlens_is_at_fault_where_all_settings_were_checked() -> None:
    assert "weightlens fails to compute it (TypeError: " in reason(network("Flatten", {"name": "d", "trainable": True}))


@pytest.mark.usefixtures("registered")
def test_a_registered_function_is_named() -> None:
    assert reason(network("Mine", {"name": "d"})).startswith("the function registered for this class fails (TypeError: ")


def test_the_file_is_at_fault_where_a_layer_is_called_on_something_else() -> None:
    two = network("Softmax", {"name": "d", "axis": -1}, [Ref("x"), Ref("x")])
    assert reason(two).startswith("cannot be computed as the file has it (")
