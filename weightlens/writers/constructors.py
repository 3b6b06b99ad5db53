"""What the constructors of Keras 3's layers take, and which layers it no longer has."""

from __future__ import annotations

import functools
from typing import Any

from weightlens.specs import options
from weightlens.specs.activation import ACTIVATIONS
from weightlens.specs.registry import REGISTERED, SPECS, spec

# Options of older versions that change no number, whatever they are.
WITHOUT_EFFECT = frozenset({
    "fused", "implementation", "consume_less", "dropout_W", "dropout_U", "truncate_gradient", "input_length", "has_input_vocabulary",
    "vocabulary_size", "num_constants", "forget_bias_init", "init", "inner_init",
    "vocabulary_dtype", "query_shape", "key_shape", "value_shape", "lora_rank", "lora_alpha", "robust_masking", "softmax_robust_masking",
    "oov_method",  # of words, which are always hashed
})  # fmt: skip
# Settings that came late in Keras 3, and what was done before: with that they are left out, and earlier versions open the file, too.
LATE: dict[str, Any] = {"oov_method": "floormod"}
# What changes no number of a trained model: the settings that Keras 3 knows of each.
INITIALIZERS: dict[str, str] = {
    "Zeros": "", "Ones": "", "Constant": "value", "RandomNormal": "mean stddev seed", "TruncatedNormal": "mean stddev seed",
    "RandomUniform": "minval maxval seed", "VarianceScaling": "scale mode distribution seed", "Orthogonal": "gain seed",
    "Identity": "gain", **dict.fromkeys(["GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal"], "seed"),
}  # fmt: skip
REGULARIZERS = {"L1": "l1", "L2": "l2", "L1L2": "l1 l2"}
CONSTRAINTS = {"MaxNorm": "max_value axis", "NonNeg": "", "UnitNorm": "axis", "MinMaxNorm": "min_value max_value rate axis"}
KINDS = {"_initializer": INITIALIZERS, "_regularizer": REGULARIZERS, "_constraint": CONSTRAINTS}
ENDINGS = tuple(KINDS)


def is_in_keras_3(class_name: str) -> bool:
    """Whether Keras 3 has a layer of this class; one of another package (``Package>Name``) or that a user has registered it has not."""
    own = ">" not in class_name and class_name not in REGISTERED
    return own and not spec(class_name).gone and spec(class_name).options is not None


def is_activation(name: Any) -> bool:
    """Whether Keras 3 has an activation function of this name; one of another package (``Package>name``) it has not."""
    known = ACTIVATIONS.get(name)
    return known is not None and ">" not in known.names and name not in SPECS and name not in known.old_names.split()


@functools.cache
def constructor_options(class_name: str) -> frozenset[str]:
    """The options that the constructor of a class takes, those for training apart."""
    own = options.own_options(class_name)
    return frozenset(name for name, option in own.items() if option.version in (0, 3)) - {*spec(class_name).not_taken.split()}


@functools.cache
def taken_in_training(class_name: str) -> frozenset[str]:
    """Its initializers, regularizers and constraints."""
    found = {part + ending for part in spec(class_name).learned.split() for ending in ENDINGS}
    moving = {name for name in found if name.startswith("moving_") and not name.endswith("_initializer")}
    return frozenset(found - moving - {"activity_initializer", "activity_constraint"})


def training_setting(key: str, value: Any) -> dict[str, Any] | None:
    """An initializer, regularizer or constraint with the settings that Keras 3 knows; ``None`` for one that it does not have."""
    ending = key[key.rindex("_") :]
    name, config = (value.get("class_name"), value.get("config")) if isinstance(value, dict) else (value, {})
    known = {plain(known): known for known in KINDS[ending]}.get(plain(str(name)))
    if known is None or not isinstance(config, dict):
        return None
    wanted = KINDS[ending][known].split()
    kept = {setting: item for setting, item in config.items() if setting in wanted and not isinstance(item, (dict, list))}
    return {"module": f"keras.{ending[1:]}s", "class_name": known, "config": kept, "registered_name": None}


def plain(name: str) -> str:
    """A name however it is spelled: ``glorot_uniform``, ``GlorotUniform``."""
    return name.replace("_", "").lower().removesuffix("v2")
