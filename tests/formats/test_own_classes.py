"""Classes of the program that made a model and that are called like one of Keras's: they are not taken for Keras's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from weightlens.errors import BadInput, UnsupportedLayer
from weightlens.specs.registry import REGISTERED, SPECS


def test_a_class_called_like_one_of_keras_is_refused(keras: Any, tmp_path: Path) -> None:
    class Rescaling(keras.layers.Layer):  # type: ignore[misc, name-defined]
        """Divides where Keras's multiplies; with the same setting."""

        def __init__(self, scale: float, **options: Any) -> None:
            super().__init__(**options)
            self.scale = scale

        def call(self, x: Any) -> Any:
            return x / self.scale

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "scale": self.scale}

    mine = keras.Sequential([keras.Input((2,)), Rescaling(4.0)])
    mine.save(tmp_path / "mine.keras")
    for model in (weightlens.load(tmp_path / "mine.keras"), weightlens.load(mine)):
        assert model.layers[-1].class_name.endswith(">Rescaling")
        with pytest.raises(UnsupportedLayer, match=">Rescaling"):
            model.predict([[1, 1]])
    theirs = keras.Sequential([keras.Input((2,)), keras.layers.Rescaling(4.0)])
    theirs.save(tmp_path / "theirs.keras")
    np.testing.assert_array_equal(weightlens.load(tmp_path / "theirs.keras").predict([[1, 1]])[0], [[4.0, 4.0]])


def test_a_class_that_was_registered_is_found_under_its_own_name(keras: Any, tmp_path: Path) -> None:
    """Keras names its module and says no package, in a ``.keras`` file and in memory; in an ``.h5`` file there is the name alone."""

    class Doubling(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return 2.0 * x

    network = keras.Sequential([keras.Input((2,)), Doubling(name="mine"), keras.layers.Dense(1)])
    weightlens.register("Doubling", lambda x, w, config, step: 2.0 * x)
    try:
        for suffix in (".keras", ".h5"):
            network.save(tmp_path / f"own{suffix}")
        for model in (weightlens.load(network), *(weightlens.load(tmp_path / f"own{suffix}") for suffix in (".keras", ".h5"))):
            assert model["mine"].class_name == "Doubling"
            np.testing.assert_allclose(model.predict([[1, 3]])[0], network.predict(np.array([[1.0, 3.0]]), verbose=0), rtol=1e-6)
    finally:
        del SPECS["Doubling"]
        REGISTERED.discard("Doubling")


def test_layers_of_keras_applications_are_written_where_keras_finds_them(keras: Any, tmp_path: Path) -> None:
    from keras.src.applications.convnext import LayerScale, StochasticDepth

    model = keras.Sequential([keras.Input((3, 4)), LayerScale(0.5, 4), StochasticDepth(0.2)])
    model.layers[0].gamma.assign([1.0, -2.0, 3.0, 0.5])
    model.save(tmp_path / "model.keras")
    loaded = weightlens.load(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    weightlens.convert(loaded, tmp_path / "again.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "again.keras").predict(x, verbose=0), loaded.predict(x)[0], rtol=1e-6)
    with pytest.raises(BadInput, match=r"in a \.keras file only"):
        weightlens.convert(loaded, tmp_path / "again.h5")
    model.save(tmp_path / "old.h5")
    rules = {(Path(hit.file).name, hit.rule) for hit in weightlens.audit(tmp_path / "model.keras", tmp_path / "old.h5")}
    assert ("old.h5", "needs-old-keras") in rules and ("model.keras", "needs-old-keras") not in rules
