"""Layers in words: a sentence on what each one does, and its call in Keras (``Dense(2), softmax``)."""

from __future__ import annotations

import numpy as np

from weightlens.layers import function_of
from weightlens.model import Layer, Model
from weightlens.recording import Recorded, Trace
from weightlens.recording.calls import operation
from weightlens.recording.graph import expression
from weightlens.specs.activation import ACTIVATIONS, named_function
from weightlens.specs.operation import LIKE_LAYERS
from weightlens.specs.registry import spec_of
from weightlens.specs.words import sentences, setting_words
from weightlens.specs.words.number_words import counted

CORNERS = (np.maximum, np.minimum, np.greater)  # calls with a corner where both operands are equal


def activation_of(layer: Layer) -> str:
    """The name of the activation function, where the layer has one."""
    name, _ = named_function(layer.config.get("activation"))
    return "" if name == "linear" else name


def is_activation(layer: Layer) -> bool:
    """Whether a layer is the function in its setting ``activation``, and nothing else."""
    return spec_of(layer).only_activation and spec_of(layer).ends_in_activation


def call_words(layer: Layer) -> str:
    """``Dense(2), activation softmax``."""
    activation = "" if is_activation(layer) else activation_of(layer)
    return f"{layer_call(layer)}, activation {activation}" if activation else layer_call(layer)


def layer_call(layer: Layer) -> str:
    """``Dense(2)``: the layer as it is called in Keras, its activation left out."""
    size = next((layer.config[key] for key in ("units", "filters") if isinstance(layer.config.get(key), int)), "")
    if is_activation(layer):
        return f"{layer.class_name}({activation_of(layer) or 'linear'})"
    return f"{layer.class_name}({size})" if size != "" else layer.class_name


def in_framework_words(trace: Trace, path: str) -> str:
    """``hidden: Dense(16), activation relu``; of a layer that was there before, that it is the same."""
    layer = trace.layers.get(path)
    if layer is None:
        return path
    first = next(there for there, same in trace.layers.items() if same is layer)
    return f"{path}: {call_words(layer) if first == path else f'{first} again, with the same weights'}"


def sentence(layer: Layer) -> str:
    """What the layer does, for somebody who has not heard of it, and what the layer does that it is wrapped around."""
    if layer.is_operation:
        return sentences.sentence(layer.class_name, {}) if layer.class_name in LIKE_LAYERS else ""
    own = setting_words.fill(spec_of(layer).sentence, layer.config)
    words = own or sentences.sentence("Functional" if layer.model is not None else layer.class_name, layer.config) or documented(layer)
    inner = next((layer.inner[key] for key in ("layer", "forward_layer", "cell") if key in layer.inner), None)
    wrapped = sentence(inner) if inner is not None else ""
    return f"{words} The layer inside ({inner.class_name}): {wrapped}" if inner is not None and wrapped else words


def documented(layer: Layer) -> str:
    """The first line of the docstring of the user's own function that computes the layer."""
    function = function_of(layer.class_name)
    text = ((function.__doc__ if function is not None else "") or "").strip().split("\n")[0]
    return text.replace("``", "")


def model_line(model: Model) -> str:
    """The network in one line: ``Dense(2), activation softmax; 6 parameters; Keras 2.15.0``."""
    calls = [call_words(layer) for layer in model.layers if not layer.is_input]
    shown = calls if len(calls) <= 4 else [*calls[:2], "\u2026", calls[-1]]
    version = f"Keras {model.provenance.keras_version}" if model.provenance.keras_version else ""
    parts = [" \u2192 ".join(shown), f"{counted(model.size, 'parameter')}", version]
    return "   \u00b7   ".join(part for part in parts if part)


def shares(x: Recorded) -> bool:
    """Whether each row is made of shares that add up to 1: a softmax, masked or not."""
    return x.ndim == 2 and x.shape[1] > 1 and shares_out(x)


def shares_out(x: Recorded) -> bool:
    """Whether the numbers along the last axis are shares that add up to 1: a softmax over it, masked or not."""
    made = x.args[1] if x.op is np.where and isinstance(x.args[1], Recorded) else x
    return made.function[0] == "softmax" and made.args[1].shape == (*x.shape[:-1], 1)


def is_yes_or_no(x: Recorded) -> bool:
    """Whether this is one number between 0 and 1 per sample: the output of a single sigmoid unit."""
    return x.ndim == 2 and x.shape[1] == 1 and x.function[0] in ("sigmoid", "hard_sigmoid", "hard_sigmoid_keras2")


def cuts(made: Recorded) -> bool:
    """Whether a step is a relu, whose units can be silent: exactly 0."""
    known = ACTIVATIONS.get(made.function[0])
    return known is not None and known.way == "cuts"


def inputs_of_corners(made: Recorded) -> list[Recorded]:
    """What goes into a step and makes a corner where it is 0, so that there is no derivative: the input of a relu, for example.

    Of a function with options, and of a layer without a named function, the calls tell.
    """
    known = ACTIVATIONS.get(made.function[0])
    if known is not None:
        return [made.function[1]] if known.corner else []
    corners = [x for x in expression(made) if operation(x) in CORNERS and not isinstance(x.args[1], Recorded)]
    return list({id(x.args[0]): x.args[0] for x in corners if np.all(x.args[1] == 0)}.values())


def never_negative(made: Recorded) -> bool:
    """Whether what a step computes is never below 0, whatever its numbers are now."""
    known = ACTIVATIONS.get(made.function[0])
    return operation(made) in (np.exp, np.sqrt) or (known is not None and known.never_negative)
