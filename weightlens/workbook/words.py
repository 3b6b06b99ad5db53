"""Layers in words: what each one does in a sentence, and how it is called in the framework (``Dense(2), softmax``)."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from weightlens.layers import function_of
from weightlens.model import Layer, Model
from weightlens.recording import Recorded
from weightlens.specs.sentences import SENTENCES
from weightlens.specs.table import spec_of

AFTER = {
    "relu": "negative sums become 0", "sigmoid": "squeezed between 0 and 1", "tanh": "squeezed between -1 and 1",
    "softmax": "then turned into shares that add up to 1",
}  # fmt: skip


def find(model: Model, path: str) -> Layer | None:
    """The layer that a step's path names: ``inner/dense #2``."""
    try:
        return model[path.split(" #")[0]]
    except KeyError:
        return next((layer for layer in model.layers if path.split(" #")[0].startswith(layer.name + "/")), None)


def activation_of(layer: Layer) -> str:
    """The name of the activation function, where the layer has one."""
    named = layer.config.get("activation")
    if isinstance(named, dict):
        named = named.get("config") if isinstance(named.get("config"), str) else named.get("class_name", "")
    return str(named) if named and named != "linear" else ""


def call_words(layer: Layer) -> str:
    """``Dense(2), activation softmax``."""
    setting = next((layer.config[key] for key in ("units", "filters") if isinstance(layer.config.get(key), int)), "")
    activation = activation_of(layer)
    if layer.class_name == "Activation":
        return f"Activation({activation or 'linear'})"
    name = f"{layer.class_name}({setting})" if setting != "" else layer.class_name
    return f"{name}, activation {activation}" if activation else name


def in_framework_words(model: Model, path: str) -> str:
    """``hidden: Dense(16), activation relu``."""
    layer = find(model, path)
    return path if layer is None else f"{path}: {call_words(layer)}"


def sentence(layer: Layer) -> str:
    """What the layer does, for somebody who has not heard of it; the first line of its own docstring where we have no better."""
    template = spec_of(layer).sentence or SENTENCES.get(layer.class_name, "")
    if not template:
        return documented(layer)
    text = in_singular(template.format_map(Settings(layer.config)))
    after = AFTER.get(activation_of(layer), "")
    if layer.class_name == "Activation":
        return f"{after.removeprefix('then ').capitalize()}." if after else text
    return f"{text[:-1]}; {after}." if after else text


def in_singular(text: str) -> str:
    """One unit, not 1 units; nothing is said of adding 0."""
    text = re.sub(r" and adds 0(\.0)?\.$", ".", text.replace("Each of its 1 units adds", "Its one unit adds"))
    if "Slides 1 small patterns" in text:
        text = text.replace("1 small patterns", "one small pattern").replace("each fits", "it fits")
    return re.sub(r"\b1 (number|way|channel)s\b", r"one \1", text)


def documented(layer: Layer) -> str:
    """The first line of the docstring of the function that computes the layer."""
    function = function_of(layer.class_name)
    text = ((function.__doc__ if function is not None else "") or "").strip().split("\n")[0]
    return text.replace("``", "")


def model_line(model: Model) -> str:
    """The network in one line: ``Dense(2), activation softmax; 6 parameters; Keras 2.15.0``."""
    calls = [call_words(layer) for layer in model.layers if layer.class_name != "InputLayer"]
    shown = calls if len(calls) <= 4 else [*calls[:2], "\u2026", calls[-1]]
    version = f"Keras {model.provenance.keras_version}" if model.provenance.keras_version else ""
    parts = [" \u2192 ".join(shown), f"{model.size:,} parameters", version]
    return "   \u00b7   ".join(part for part in parts if part)


class Settings(dict[str, Any]):
    """A layer's settings for a sentence; a missing one is left out."""

    def __missing__(self, key: str) -> str:
        return "some"


def shares(x: Recorded) -> bool:
    """Whether each row is made of shares that add up to 1: a softmax, masked or not."""
    made = x.args[1] if x.op is np.where and isinstance(x.args[1], Recorded) else x
    return made.function[0] == "softmax" and x.ndim == 2 and x.shape[1] > 1 and made.args[1].shape == (len(x.value), 1)
