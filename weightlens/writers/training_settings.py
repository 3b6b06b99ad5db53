"""Initializers, regularizers and constraints as Keras 3 takes them.

They change no number of a trained model; one that Keras 3 does not know is left out.
"""

from __future__ import annotations

from typing import Any

SEED = "seed"
INITIALIZERS: dict[str, str] = {
    "Zeros": "", "Ones": "", "Constant": "value", "RandomNormal": f"mean stddev {SEED}", "TruncatedNormal": f"mean stddev {SEED}",
    "RandomUniform": f"minval maxval {SEED}", "VarianceScaling": f"scale mode distribution {SEED}", "Orthogonal": f"gain {SEED}",
    "Identity": "gain", **dict.fromkeys(["GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal"], SEED),
}  # fmt: skip
REGULARIZERS = {"L1": "l1", "L2": "l2", "L1L2": "l1 l2"}
CONSTRAINTS = {"MaxNorm": "max_value axis", "NonNeg": "", "UnitNorm": "axis", "MinMaxNorm": "min_value max_value rate axis"}
KINDS = {"_initializer": INITIALIZERS, "_regularizer": REGULARIZERS, "_constraint": CONSTRAINTS}


def training_setting(key: str, value: Any) -> dict[str, Any] | None:
    """One of them with the settings that it has in Keras 3; ``None`` where there is none, or none that Keras 3 knows."""
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
