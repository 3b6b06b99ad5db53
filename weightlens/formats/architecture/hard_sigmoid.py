"""The ``hard_sigmoid`` of Keras 1 and 2 in terms of Keras 3, whose own has another slope: 0.2 x + 0.5, cut at 0 and 1."""

from __future__ import annotations

from typing import Any

NAME = "hard_sigmoid_keras2"


def hard_sigmoid_keras_2(dtype: str) -> dict[str, Any]:
    """The function as two layers, which compute with this dtype."""

    def layer(class_name: str, **config: Any) -> dict[str, Any]:
        return {"module": "keras.layers", "class_name": class_name, "config": {"dtype": dtype, **config}, "registered_name": None}

    layers = [layer("Rescaling", scale=0.2, offset=0.5), layer("ReLU", max_value=1.0)]
    return {"module": "keras", "class_name": "Sequential", "config": {"name": NAME, "layers": layers}, "registered_name": None}


def is_hard_sigmoid_keras_2(value: dict[str, Any]) -> bool:
    """Whether an activation is that function: as ``weightlens convert`` writes it, and as Keras writes it again."""
    config = value.get("config")
    if value.get("class_name") != "Sequential" or not isinstance(config, dict) or config.get("name") != NAME:
        return False
    layers = config.get("layers")
    found = (
        {layer.get("class_name"): layer.get("config") for layer in layers if isinstance(layer, dict)} if isinstance(layers, list) else {}
    )
    found.pop("InputLayer", None)  # Keras adds it
    scaled, cut = found.get("Rescaling"), found.get("ReLU")
    if list(found) != ["Rescaling", "ReLU"] or not isinstance(scaled, dict) or not isinstance(cut, dict):
        return False
    bent = cut.get("negative_slope") or cut.get("threshold")
    return [scaled.get("scale"), scaled.get("offset"), cut.get("max_value")] == [0.2, 0.5, 1] and not bent
