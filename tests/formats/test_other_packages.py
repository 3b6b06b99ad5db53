"""Layers of packages built on Keras, and a layer function of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.formats.build import dense, given, layer, legacy, numbers, sequential
from weightlens.errors import UnsupportedLayer

X = np.array([[0.5, -1.0, 2.0]])


def pruned(folder: Path, mask: np.ndarray | None) -> Path:
    """A dense layer in a PruneLowMagnitude, as tfmot saves it."""
    arrays = {"p/kernel:0": numbers(3, 2), "p/bias:0": numbers(2), "p/threshold:0": numbers(), "p/pruning_step:0": np.array(7)}
    arrays |= {} if mask is None else {"p/mask:0": mask}
    wrapper = layer("PruneLowMagnitude", "p", pruning_schedule={}, block_size=[1, 1], block_pooling_type="AVG", layer=dense("d", 2))
    return legacy(folder / "m.h5", sequential(given("i", 3), wrapper), {"p": arrays})


def test_a_pruned_layer_is_its_own_with_the_mask(tmp_path: Path) -> None:
    mask = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
    model = weightlens.load(pruned(tmp_path, mask))
    np.testing.assert_allclose(model.predict(X)[0], X @ (numbers(3, 2) * mask) + numbers(2), rtol=1e-6)
    assert set(model["p"].own_weights) == {"threshold", "pruning_step"}


@pytest.mark.parametrize("mask", [None, np.ones((2, 3), np.float32)], ids=["none", "of another shape"])
def test_a_pruned_layer_without_its_mask_is_refused(mask: np.ndarray | None, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedLayer, match="no mask"):
        weightlens.load(pruned(tmp_path, mask)).predict(X)


@pytest.mark.parametrize("name", ["CastToFloat32", "Custom>CastToFloat32"])
def test_a_cast_to_floats_changes_nothing(name: str, tmp_path: Path) -> None:
    model = weightlens.load(legacy(tmp_path / "m.h5", sequential(given("i", 3), layer(name, "c")), {"c": {}}))
    np.testing.assert_array_equal(model.predict(X)[0], X)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("QDense", "a layer of QKeras"),
        ("QActivation", "model_save_quantized_weights"),
        ("QConv2DBatchnorm", "a layer of QKeras"),
        ("QuantizeWrapperV2", "quantize_model"),
        ("ClusterWeights", "strip_clustering"),
    ],
)
def test_what_works_instead_is_said(name: str, words: str, tmp_path: Path) -> None:
    model = weightlens.load(legacy(tmp_path / "m.h5", sequential(given("i", 3), layer(name, "q")), {"q": {}}))
    with pytest.raises(UnsupportedLayer, match=words):
        model.predict(X)


def scaled_sum(x: Any, w: dict[str, Any], config: dict[str, Any], step: Any) -> Any:
    """``factor * sum of x * weights + offset``."""
    products = step("weighted", x * w["weights"])
    return step("sum", config["factor"] * np.sum(products, axis=-1, keepdims=True) + w["offset"])


@pytest.fixture
def registered() -> Any:
    """``ScaledSum`` known to weightlens, and not afterwards."""
    from weightlens.specs.registry import REGISTERED, SPECS

    weightlens.register("Mine>ScaledSum", scaled_sum, ["weights", "offset"])
    yield
    del SPECS["Mine>ScaledSum"]
    REGISTERED.discard("Mine>ScaledSum")


def test_a_layer_of_the_users_own(registered: None, keras: Any, tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable("Mine")
    class ScaledSum(keras.layers.Layer):
        def __init__(self, factor: float, **options: Any) -> None:
            super().__init__(**options)
            self.factor = factor

        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=(shape[-1],), initializer="random_normal", name="scale")
            self.offset = self.add_weight(shape=(1,), initializer="random_normal", name="offset")

        def call(self, x: Any) -> Any:
            return self.factor * keras.ops.sum(x * self.scale, axis=-1, keepdims=True) + self.offset

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="tanh"), ScaledSum(2.5, name="s")])
    for suffix in (".keras", ".h5"):
        path = tmp_path / f"m{suffix}"
        model.save(path)
        loaded = weightlens.load(path)
        assert set(loaded["s"].own_weights) == {"weights", "offset"}
        np.testing.assert_allclose(loaded.predict(X)[0], model.predict(X, verbose=0), atol=1e-6)
        assert [step.name for step in loaded.trace(X).steps if step.layer == "s"] == ["weighted", "sum"]
        assert weightlens.check(loaded, [X]).ok
        weightlens.export(loaded, tmp_path / f"{suffix[1:]}.xlsx", [X], verify=False)
        assert weightlens.check(loaded, workbook=tmp_path / f"{suffix[1:]}.xlsx", engine="ironcalc").ok


def test_a_layer_of_our_own_cannot_be_replaced() -> None:
    with pytest.raises(ValueError, match="computes itself"):
        weightlens.register("Dense", scaled_sum)
    with pytest.raises(TypeError, match="has to be one"):
        weightlens.register("Mine", "a function")  # type: ignore[arg-type]
