"""The options of every layer class, against the constructors of Keras 3 and of tf_keras."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

import weightlens
from tests.formats.build import dense_arrays, given, layer, legacy, sequential
from weightlens.errors import UnsupportedLayer
from weightlens.specs.kinds import KINDS
from weightlens.specs.options import EVERYWHERE, HARMLESS_ENDINGS, options_of, sound
from weightlens.specs.registry import SPECS

INTERNAL = {"rank", "cell", "conv_op", "pool_function", "pool_dimensions", "pool_mode", "partitioner", "weights"}  # of base classes
NO_OPTIONS: set[str] = set()
NOT_COMPUTED = {
    "AbstractRNNCell", "DenseFeatures", "FlaxLayer", "JaxLayer", "Lambda", "Layer", "TFSMLayer", "TorchModuleWrapper", "Wrapper",
    "GroupedQueryAttention", "Functional", "Model", "Sequential",
}  # fmt: skip


def constructors(library: Any) -> dict[str, set[str]]:
    """The options of every layer class of a library, by the names in its constructors."""
    found = {}
    for kind in vars(library.layers).values():
        if not (inspect.isclass(kind) and issubclass(kind, library.layers.Layer)) or kind.__name__ in NOT_COMPUTED:
            continue
        names: set[str] = set()
        for base in kind.__mro__[: kind.__mro__.index(library.layers.Layer)]:
            parameters = inspect.signature(base.__init__).parameters.values() if "__init__" in vars(base) else []
            names |= {p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD or p.kind is p.KEYWORD_ONLY}
        found[kind.__name__] = names - {"self"} - INTERNAL
    return found


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_the_table_knows_every_option_of_every_layer(library: str) -> None:
    found = constructors(importlib.import_module(library))
    assert len(found) > 90
    missing = {
        f"{name}.{option}"
        for name, options in found.items()
        for option in options
        if option not in (options_of(name) or {}) and not option.endswith(HARMLESS_ENDINGS)
    }
    assert not missing


def written(library: Any) -> dict[str, set[str]]:
    """The options that ``get_config`` of every layer class of a library writes: not all of them are its constructor's."""
    found = {}
    for kind in vars(library.layers).values():
        if inspect.isclass(kind) and issubclass(kind, library.layers.Layer) and kind.__name__ not in NOT_COMPUTED:
            bases = [base for base in kind.__mro__[: kind.__mro__.index(library.layers.Layer)] if "get_config" in vars(base)]
            found[kind.__name__] = {name for b in bases for name in re.findall(r'"(\w+)":', inspect.getsource(b.get_config))}
    return found


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_the_table_knows_every_option_that_is_written(library: str) -> None:
    found = written(pytest.importorskip(library))
    assert len(found) > 90
    unknown = {f"{name}.{option}" for name, options in found.items() for option in options if option not in (options_of(name) or {})}
    assert not {name for name in unknown if not name.endswith(HARMLESS_ENDINGS)} - NO_OPTIONS


def test_every_kind_in_the_table_is_one() -> None:
    kinds = {option.kind for name in SPECS for option in (options_of(name) or {}).values()}
    assert kinds <= set(KINDS)
    assert EVERYWHERE


WRONG = [
    ("Dense", {"units": "8"}, 'units is "8", but it has to be a whole number from 1 up'),
    ("Dense", {"units": -3}, "units is -3, but"),
    ("Dense", {"units": 10**400}, "units is a number of many digits, but"),
    ("Dense", {"units": 3, "activation": 3}, "activation is 3, but it has to be the name of a function, a layer, or null"),
    ("Dense", {}, "units is missing"),
    ("Dense", {"units": 2, "temperature": 2.0}, "has the option temperature (2.0), which no version of Keras knows for it"),
    ("Dense", {"units": 2, "actvation": "relu"}, "did you mean activation?"),
    ("Conv2D", {"filters": 2, "kernel_size": [2, 2], "strides": None}, "strides is null, but"),
    ("Conv2D", {"filters": 2, "kernel_size": [2, 2, 2]}, "kernel_size is [2, 2, 2], but"),
    ("Conv2D", {"filters": 2, "kernel_size": 2, "padding": "weird"}, 'padding is "weird", but it has to be one of valid, same'),
    ("Conv2D", {"filters": 2, "kernel_size": 2, "padding": "causal"}, 'padding is "causal", but'),
    ("Conv1D", {"filters": 2, "kernel_size": 2, "causal": True}, "has the option causal (true)"),
    ("Softmax", {"axis": "x"}, 'axis is "x", but'),
    ("LSTM", {"units": 2, "use_bias": "yes"}, "use_bias is"),
    ("BatchNormalization", {"epsilon": "small"}, "epsilon is"),
    ("MultiHeadAttention", {"num_heads": 1, "key_dim": 2, "attention_axes": [-2]}, "versions of Keras take a negative one for different"),
    ("Reshape", {"target_shape": [[1]]}, "target_shape is"),
    ("Dense", {"units": 2, "activation": {"class_name": "LeakyReLU", "config": {"negative_slope": []}}}, "in its activation, LeakyReLU"),
]  # fmt: skip


@pytest.mark.parametrize(("class_name", "config", "words"), WRONG)
def test_a_wrong_option_is_named_and_left_out(class_name: str, config: dict[str, Any], words: str) -> None:
    good, faults = sound(class_name, config, 3)
    assert len(faults) == 1
    assert words in faults[0]
    assert len(good) < len(config) or not config


def test_an_option_of_another_version_is_refused_where_it_changes_something() -> None:
    assert sound("LSTM", {"units": 2, "time_major": True}, 2)[1] == []
    assert "only Keras 2 knows" in sound("LSTM", {"units": 2, "time_major": True}, 3)[1][0]
    assert sound("LSTM", {"units": 2, "time_major": False}, 3)[1] == []
    assert sound("LSTM", {"units": 2, "time_major": True}, 0)[1] == [], "the version is not known"


def test_a_class_of_the_users_own_may_have_any_option() -> None:
    assert sound("Mine", {"temperature": 2}, 3)[1] == []


def test_a_layer_with_a_wrong_option_is_shown_but_not_computed(tmp_path: Path) -> None:
    arrays = dense_arrays("d/", 3, 2)
    config = sequential(given("i", 3), layer("Dense", "d", units=2, temperature=2))
    model = weightlens.load(legacy(tmp_path / "m.h5", config, {"d": arrays}))
    assert model["d"].kernel.shape == (3, 2)
    with pytest.raises(UnsupportedLayer, match=r"layer 'd' \(Dense\): has the option temperature \(2\)"):
        model.predict([[1.0, 2.0, 3.0]])


def test_an_input_layer_with_a_wrong_shape_is_refused(tmp_path: Path) -> None:
    config = sequential(given("i", 3), layer("Dense", "d", units=2))
    config["config"]["layers"][0]["config"]["batch_input_shape"] = ["x", 3]
    model = weightlens.load(legacy(tmp_path / "m.h5", json.dumps(config), {"d": dense_arrays("d/", 3, 2)}))
    with pytest.raises(UnsupportedLayer, match="batch_input_shape is"):
        model.predict([[1.0, 2.0, 3.0]])
