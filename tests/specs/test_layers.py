"""One spec a layer class: what it has to say, held against Keras; adding one is all that a new layer needs."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from weightlens.checks import check_workbook
from weightlens.cli.main import main
from weightlens.engine.logits import is_activated
from weightlens.errors import BadInput
from weightlens.layers import function_of, mask_rule
from weightlens.model import Layer
from weightlens.specs import shapes
from weightlens.specs.layer import LayerSpec
from weightlens.specs.registry import REGISTERED, SPECS, UNKNOWN, spec
from weightlens.specs.variables import variables_of

PACKAGE = Path(weightlens.__file__).parent
OPEN = {"SpectralNormalization", "PeepholeLSTMCell", "CuDNNLSTM", "CuDNNGRU", "RandomFourierFeatures"}  # shapes that nobody checks
UNNAMED = {"LocallyConnected1D", "LocallyConnected2D", "STFTSpectrogram", "PeepholeLSTMCell", "CuDNNLSTM", "CuDNNGRU"}  # axes
FILLED_IN = {"mask", "call", "quirks", "batch", "states", "zero_masked"}  # arguments that do not come from the call
X = np.random.default_rng(5).normal(size=(4, 3)).astype("float32")


@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_spec_says_what_its_class_needs(name: str) -> None:
    known, function, variables = SPECS[name], function_of(name), variables_of(name)
    if function is not None:
        taken = {p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY} - FILLED_IN
        assert taken <= set(known.arguments) | {f"{argument}_mask" for argument in known.arguments}, f"{name}: arguments"
        assert known.options is not None or "CastToFloat32" in name, f"{name}: options"
    else:
        assert name == "InputLayer" or variables, f"{name}: function, or variables"
    assert known.mask == "none" or callable(mask_rule(name)), f"{name}: mask"
    assert known.tfjs in ("", "keeps", "uses", "loses", "hides", "differs"), f"{name}: tfjs"
    if any(not variable.shape for variable in variables) and name not in OPEN:
        assert callable(getattr(shapes, known.shapes or "-", None)), f"{name}: shapes"
    if any(variable.name.endswith("kernel") for variable in variables) and name not in UNNAMED:
        assert known.axes, f"{name}: axes"
    if {"kernel_size!", "pool_size"} & set(str(known.options).split()):
        assert known.spatial, f"{name}: spatial"


def hands_on_a_mask(kind: Any, base: Any) -> bool:
    """Whether a class of Keras hands on a mask, by its source."""
    bases = kind.__mro__[: kind.__mro__.index(base)]
    rule = next((inspect.getsource(vars(b)["compute_mask"]) for b in bases if "compute_mask" in vars(b)), None)
    if rule is not None:
        return not re.search(r"return None\s*$", rule) or rule.count("return") > 1
    return any("supports_masking = True" in inspect.getsource(vars(b)["__init__"]) for b in bases if "__init__" in vars(b))


def test_masks_are_handed_on_as_in_keras(keras: Any) -> None:
    kinds = {name: kind for name, kind in vars(keras.layers).items() if inspect.isclass(kind) and spec(name).function is not None}
    assert len(kinds) > 120
    inside = {"ReversibleEmbedding", "SpectralNormalization"}  # their masks are made while they are called
    wrong = [name for name, kind in kinds.items() if hands_on_a_mask(kind, keras.layers.Layer) != (spec(name).mask != "none")]
    assert set(wrong) == inside, "LayerSpec.mask"


# Classes of Keras 1 (``supports_masking`` in keras/layers/advanced_activations.py and core.py of 1.2.2) and of other packages.
HAND_ON = {"SReLU", "ParametricSoftplus"}
HAND_ON_NONE = {"Highway", "MaxoutDense", "PruneLowMagnitude", "CastToFloat32", "Custom>CastToFloat32", "autokeras>CastToFloat32"}
HAND_ON_NONE |= {"LayerScale", "StochasticDepth", "CustomScaleLayer"}  # of keras.applications; they do not say supports_masking


def test_masks_of_classes_that_keras_3_no_longer_has(keras: Any) -> None:
    import tf_keras

    old = vars(tf_keras.layers) | vars(tf_keras.layers.experimental) | {"CuDNNLSTM": None, "CuDNNGRU": None}
    names = {name for name in SPECS if function_of(name) is not None and not hasattr(keras.layers, name)} - REGISTERED
    wrong = {name for name in names & set(old) if hands_on_a_mask(old[name], tf_keras.layers.Layer) != (spec(name).mask != "none")}
    assert not wrong, "LayerSpec.mask"
    assert {name for name in names - set(old) if spec(name).mask != "none"} == HAND_ON
    assert names - set(old) - HAND_ON == HAND_ON_NONE


@pytest.mark.parametrize("name", ["LSTM", "Dense"])
def test_a_class_is_spelled_in_its_spec_and_with_its_old_names_only(name: str) -> None:
    files = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if f'"{name}"' in path.read_text()]
    assert len(files) <= 3, files
    assert [file for file in files if not file.startswith("specs/")] == ["formats/architecture/old_names.py"]


# Rooms in which classes are spelled: readers and writers know files, operators share names with layers, a mistake is one with a class.
SPELLING = ("specs/", "formats/", "writers/", "operations/", "checks/by_hand/mistakes/")
SPELLED = {
    "model.py": {"InputLayer"},
    "checks/by_hand/scene.py": {"Normalization", "Rescaling"},
    "checks/oracle.py": {"Normalization"},
    "engine/faults.py": {"CategoryEncoding"},
    "engine/logits.py": {"Softmax"},  # the operator
    "engine/operation_nodes.py": {"Add"},  # the operator
    "inputs/defaults.py": {"Normalization", "Rescaling", "StringLookup"},
    "training/recipe.py": {"ActivityRegularization"},
}


def test_what_a_layer_is_is_not_told_by_its_class_elsewhere() -> None:
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        texts = {
            node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        if (classes := texts & set(SPECS)) and not name.startswith(SPELLING):
            found[name] = classes
    assert found == SPELLED


@pytest.mark.parametrize("name", ["ConvMine", "Conv2DMine", "DenseMine", "MyPooling2D", "RandomMine", "MyAttention"])
def test_a_class_of_the_users_own_is_not_taken_for_one_of_keras(name: str) -> None:
    layer = Layer("mine", name, {"activation": "softmax"})
    assert not is_activated(layer)
    assert spec(name) is UNKNOWN
    assert function_of(name) is mask_rule(name) is None


def projected(x: Any, w: dict[str, Any], config: dict[str, Any], step: Any) -> Any:
    """``scale * tanh(x . kernel) + bias``."""
    product = step("dot product", x @ w["kernel"])
    return step("scaled", config["scale"] * np.tanh(product) + w["bias"])


@pytest.fixture
def added() -> Iterator[LayerSpec]:
    """A layer of which everything is known, and nothing afterwards."""
    known = weightlens.LayerSpec(
        function=projected,
        mask="keep",
        variables="kernel[in,units] bias[units]",
        options="units! scale:number",
        axes={"kernel": "?, beam", "bias": "beam"},
        sentence="Projects onto {units} beams.",
    )
    weightlens.register("Mine>Projected", known)
    yield known
    del SPECS["Mine>Projected"]
    REGISTERED.discard("Mine>Projected")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_spec_is_all_that_a_new_layer_needs(added: LayerSpec, keras: Any, tmp_path: Path, suffix: str) -> None:
    @keras.saving.register_keras_serializable("Mine")
    class Projected(keras.layers.Layer):
        def __init__(self, units: int, scale: float = 1.0, **options: Any) -> None:
            super().__init__(**options)
            self.units, self.scale = units, scale

        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(shape[-1], self.units), initializer="random_normal", name="kernel")
            self.bias = self.add_weight(shape=(self.units,), initializer="random_normal", name="bias")

        def call(self, x: Any) -> Any:
            return self.scale * keras.ops.tanh(x @ self.kernel) + self.bias

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units, "scale": self.scale}

    model = keras.Sequential([keras.Input((3,)), Projected(4, 2.0, name="p"), keras.layers.Dense(1, activation="sigmoid")])
    path, book, sheet = tmp_path / f"m{suffix}", tmp_path / "m.xlsx", tmp_path / "t.xlsx"
    model.save(path)
    loaded = weightlens.load(path)
    np.testing.assert_allclose(loaded.predict(X)[0], model.predict(X, verbose=0), atol=1e-6)
    assert loaded["p"].weights["kernel"].axes == ("in", "beam")
    assert {step.axes for step in loaded.trace(X).steps if step.layer == "p"} == {("sample", "beam")}
    weightlens.export(loaded, book, [X], verify=False)
    assert weightlens.check(loaded, workbook=book, engine="ironcalc").ok
    with pytest.raises(BadInput, match="is not a layer of Keras 3"):  # it would be looked for in keras.layers
        weightlens.convert(path, tmp_path / "new.keras")
    rows = "\n".join(["a,b,c,y", *(",".join(map(str, [*row.round(2), i % 2])) for i, row in enumerate(X))])
    (tmp_path / "d.csv").write_text(rows)
    given = ["-i", str(tmp_path / "d.csv"), "--target", "y", "--loss", "binary_crossentropy", "--epochs", "2"]
    assert main(["train-sheet", str(path), *given, "-o", str(sheet)]) == 0
    assert check_workbook(sheet, engine="ironcalc").ok


def test_a_wrong_setting_of_a_new_layer_is_found(added: LayerSpec) -> None:
    from weightlens.specs.options import sound

    assert sound("Mine>Projected", {"units": 0, "scael": 2.0}, 3)[1] == [
        "units is 0, but it has to be a whole number from 1 up",
        "has the option scael (2.0), which no version of Keras knows for it; did you mean scale?",
    ]
