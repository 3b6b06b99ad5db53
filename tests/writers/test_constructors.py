"""What the table says of Keras 3's constructors, held against Keras 3."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from weightlens.specs.activation import ACTIVATIONS
from weightlens.specs.layer import HOME
from weightlens.specs.registry import SPECS
from weightlens.writers.constructors import ENDINGS, KINDS, constructor_options, is_activation, is_in_keras_3, taken_in_training
from weightlens.writers.expressible import MODULE_OF, SETTINGS

# Handed on by ``**kwargs`` to what stands above: the layer that runs a cell over time, or a mixin for augmentation and quantisation.
HANDED_ON = {"zero_output_for_mask", "lora_rank", "lora_alpha", "quantization_config"}
# What a constructor takes and a converted file does without.
LEFT_OUT = {"self", "args", "kwargs", "name", "dtype", "trainable", "seed", "weights", "noise_shape", "vocabulary_dtype"}
AUGMENTATION = (
    "Random",
    "RandAugment",
    "AugMix",
    "CutMix",
    "MixUp",
    "Solarization",
    "MaxNum",
    "ContrastLimited",
    "MelSpectrogram",
    "AutoContrast",
    "Equalization",
    "Resizing",
    "CenterCrop",
)


def parameters(layer: Any) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(layer.__init__).parameters)


def test_every_layer_is_there_or_said_to_be_gone(keras: Any) -> None:
    homes = {name: importlib.import_module(known.home) for name, known in SPECS.items()}
    assert {name for name in SPECS if is_in_keras_3(name)} == {name for name, home in homes.items() if hasattr(home, name)}
    assert not [name for name, known in SPECS.items() if known.home != HOME and hasattr(keras.layers, name)]


def test_constructors_take_what_is_said(keras: Any) -> None:
    for name in filter(is_in_keras_3, SPECS):
        found = parameters(getattr(importlib.import_module(SPECS[name].home), name))
        assert taken_in_training(name) == {key for key in found if key.endswith(ENDINGS)}, name
        if not name.startswith(AUGMENTATION) and name != "InputLayer":
            assert constructor_options(name) - HANDED_ON <= set(found), name
        assert name == "InputLayer" or set(found) <= constructor_options(name) | taken_in_training(name) | LEFT_OUT, name
        takes_any = any(parameter.kind == inspect.Parameter.VAR_KEYWORD for parameter in found.values())
        assert takes_any or {"trainable", "dtype"} - set(found) <= set(SPECS[name].not_taken.split()), name


def test_activations_initializers_regularizers_and_constraints_are_there(keras: Any) -> None:
    for name in ACTIVATIONS:
        assert is_activation(name) == hasattr(keras.activations, name), name
    for ending, classes in KINDS.items():
        module = getattr(keras, f"{ending[1:]}s")
        for name, settings in classes.items():
            assert set(settings.split()) <= set(parameters(getattr(module, name))), name


def test_operators_are_in_their_modules(keras: Any) -> None:
    for name, module in MODULE_OF.items():
        operator = getattr(importlib.import_module(module), name)
        assert {*SETTINGS.get(name, ())} <= set(parameters(operator)), name
