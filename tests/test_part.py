"""Parts of a model: what comes out of the part before, put into the part after, gives what the whole model gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from weightlens.errors import BadInput
from weightlens.inputs.defaults import default_inputs
from weightlens.model import Call, Layer, Model, Ref, Weight
from weightlens.part import part, shape_from_weights

SAMPLES = sorted(path for path in (Path(__file__).parent.parent / "sample_models").iterdir() if path.suffix in (".h5", ".keras"))


def layer(name: str, class_name: str, *args: Any, weights: dict[str, Any] | None = None, **config: Any) -> Layer:
    arrays = {key: np.asarray(value, np.float32) for key, value in (weights or {}).items()}
    stored = {key: Weight(key, a.shape, "float32", "", lambda a=a: a) for key, a in arrays.items()}
    calls = [] if class_name == "InputLayer" else [Call(args)]
    return Layer(name, class_name, config, stored, calls)


def forked() -> Model:
    """Two inputs; ``a`` and ``b`` on the first, their sum with the second, a last layer."""
    rng = np.random.default_rng(0)
    layers = [
        layer("x", "InputLayer", batch_shape=[None, 3]),
        layer("y", "InputLayer", batch_shape=[None, 2]),
        layer("a", "Dense", Ref("x"), weights={"kernel": rng.normal(size=(3, 2)), "bias": [1, 2]}, units=2),
        layer("b", "Dense", Ref("x"), weights={"kernel": rng.normal(size=(3, 2)), "bias": [0, 0]}, units=2, activation="relu"),
        layer("sum", "Add", [Ref("a"), Ref("b"), Ref("y")]),
        layer("last", "Dense", Ref("sum"), weights={"kernel": rng.normal(size=(2, 4)), "bias": [0] * 4}, units=4, activation="softmax"),
    ]
    return Model("forked", "Functional", layers, [Ref("x"), Ref("y")], [Ref("last"), Ref("a")])


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_cut_anywhere_and_joined_again(path: Path) -> None:
    model = weightlens.load(path)
    x = default_inputs(model)
    whole = model.predict(x)
    for before, after in zip(model.layers[1:], model.layers[2:], strict=False):
        middle = part(model, f"..{before.name}").predict(x)
        rest = part(model, f"{after.name}..")
        assert all(np.array_equal(a, b) for a, b in zip(rest.predict(middle), whole, strict=True))
        shape = rest[rest.inputs[0].layer].config["batch_shape"]
        assert shape is None or tuple(shape[1:]) == middle[0].shape[1:]


def test_what_enters_from_the_side_stays_an_input() -> None:
    model = forked()
    x, y = np.array([[1.0, 2, 3]]), np.array([[5.0, 7]])
    a, b = part(model, "..a").predict(x)[0], part(model, "b").predict(x)[0]
    assert [ref.layer for ref in part(model, "sum..last").inputs] == ["a", "b", "y"]
    assert np.allclose(part(model, "sum").predict([a, b, y])[0], a + b + y)
    assert np.array_equal(part(model, "sum..last").predict([a, b, y])[0], model.predict([x, y])[0])
    later = part(model, "last")
    assert [ref.layer for ref in later.inputs] == ["sum"] and np.array_equal(later.predict(a + b + y)[0], model.predict([x, y])[0])


def test_all_outputs_of_a_layer_and_the_original_model_is_left_alone() -> None:
    model = forked()
    before = [[call.args for call in found.calls] for found in model.layers]
    assert [ref.layer for ref in part(model, "a..").outputs] == ["last", "a"]
    assert [[call.args for call in found.calls] for found in model.layers] == before


def test_after_a_layer_that_cannot_be_computed_the_weights_say_the_shape() -> None:
    model = forked()
    model["sum"].class_name = "Mystery"
    rest = part(model, "last")
    assert rest["sum"].class_name == "InputLayer" and rest["sum"].config["batch_shape"] == [None, 2]
    assert rest.predict([[1.0, 2.0]])[0].shape == (1, 4)


@pytest.mark.parametrize("between", ["nix", "..nix", "last..a", "sum..b", "y..a"])
def test_what_is_no_part_is_refused(between: str) -> None:
    with pytest.raises(BadInput):
        part(forked(), between)


def test_a_mask_that_is_lost_is_mentioned() -> None:
    layers = [
        layer("x", "InputLayer", batch_shape=[None, 4]),
        layer("e", "Embedding", Ref("x"), weights={"embeddings": np.ones((5, 3))}, input_dim=5, output_dim=3, mask_zero=True),
        layer(
            "l", "LSTM", Ref("e"), weights={"kernel": np.ones((3, 8)), "recurrent_kernel": np.ones((2, 8)), "bias": np.zeros(8)}, units=2
        ),
    ]
    model = Model("m", "Functional", layers, [Ref("x")], [Ref("l")])
    assert any("mask" in text for text in part(model, "l").notes) and not any("mask" in text for text in part(model, "e").notes)


KERNELS = {
    "Dense": ((6, 2), {}, (6,)),
    "LSTM": ((6, 8), {}, (None, 6)),
    "Conv2D": ((3, 3, 2, 4), {"groups": 3}, (None, None, 6)),
    "Conv2DTranspose": ((3, 3, 4, 6), {"data_format": "channels_first"}, (6, None, None)),
    "ConvLSTM1D": ((3, 6, 16), {}, (None, None, 6)),
    "MaxoutDense": ((2, 6, 3), {}, (6,)),
    "ConvMine": ((3, 3, 6, 4), {}, None),
}


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_a_kernel_tells_what_comes_in(name: str) -> None:
    shape, config, asked = KERNELS[name]
    weights = {"kernel": Weight("kernel", shape, "float32", "k", lambda: np.zeros(shape))}
    assert shape_from_weights([Layer("first", name, config, weights)]) == asked


def test_a_layer_inside_another_model_is_no_end_of_a_part() -> None:
    inner = forked()
    model = Model("outer", "Functional", [layer("x", "InputLayer", batch_shape=[None, 3]), Layer("inner", "Functional", {}, model=inner)])
    with pytest.raises(BadInput, match=r"layer 'inner/a' is inside of another model; .* of the outermost one: x, inner"):
        part(model, "inner/a..")
