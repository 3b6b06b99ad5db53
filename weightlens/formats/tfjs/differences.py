"""Where TensorFlow.js computes otherwise than Keras, so that no number is sure to be the right one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weightlens.call_order import every_layer, tensors_into
from weightlens.model import Layer, Model
from weightlens.specs.registry import spec, spec_of

MASKS = "TensorFlow.js hands on the mask of an earlier layer here, so it computes otherwise than Keras does"
OTHER_AXIS = "TensorFlow.js normalizes along an axis other than the last in another way on each kind of processor"


def differences(model: Model, major: int) -> Iterator[tuple[Layer, str]]:
    """Each layer that TensorFlow.js computes otherwise than Keras, and what is otherwise. ``major``: the Keras that wrote it."""
    for layer in every_layer(model):
        if words := of_layer(layer.class_name, layer.config, major):
            yield layer, words
    yield from ((layer, MASKS) for layer in misled_by_masks(model))
    yield from ((layer, OTHER_AXIS) for layer in normalized_along_other_axes(model))


def of_layer(class_name: str, config: dict[str, Any], major: int) -> str:
    """What is computed otherwise in a layer, in words; empty if nothing."""
    known = spec(class_name)
    if known.tfjs == "differs":
        return "TensorFlow.js computes this layer otherwise than Keras does"
    if class_name == "UpSampling2D" and config.get("interpolation", "nearest") != "nearest":
        return f"TensorFlow.js interpolates ({str(config['interpolation'])[:20]}) otherwise than Keras does"
    for setting, same in known.tfjs_passes_over.items():
        if (value := config.get(setting)) not in (*same, None):
            return f"TensorFlow.js passes over its {setting} ({str(value)[:40]})"
    if class_name == "Concatenate" and config.get("axis", -1) < -1:
        return f"TensorFlow.js joins along the last axis instead of axis {config['axis']}"
    if major >= 3 and "hard_sigmoid" in (config.get("activation"), config.get("recurrent_activation")):
        return "hard_sigmoid has another slope in TensorFlow.js than in Keras 3, which wrote this architecture"
    return ""


def misled_by_masks(model: Model) -> list[Layer]:
    """The layers that get a mask in TensorFlow.js and none in Keras, or the other way round.

    Once a layer has had a mask, TensorFlow.js gives the same to every later layer; the order is known in a chain only.
    """
    layers = [layer for layer in every_layer(model, wrapped=False) if layer.model is None]
    if not any(makes_mask(layer) for layer in layers):
        return []
    kinds = [spec_of(layer).tfjs for layer in layers]
    if not is_chain(model):
        heeding = [layer for layer, kind in zip(layers, kinds, strict=True) if kind in ("uses", "hides")]
        return heeding if len(heeding) > 1 or "hides" in kinds else []
    found, masked, stale = [], False, False
    for layer, kind in zip(layers, kinds, strict=True):
        if makes_mask(layer):
            masked = True
        elif kind == "uses":
            found += [layer] * stale
            every_step = any(inner.config.get("return_sequences") for inner in (layer, *layer.inner.values()))
            stale = stale or (masked and not every_step)
        elif kind != "keeps":
            found += [layer] * (kind == "hides" and (masked or stale))
            stale = masked or stale
    return found


def makes_mask(layer: Layer) -> bool:
    """Whether a layer makes a mask."""
    return layer.class_name == "Masking" or (layer.class_name == "Embedding" and bool(layer.config.get("mask_zero")))


def is_chain(model: Model) -> bool:
    """Whether each layer, those of nested models too, takes nothing but the output of the one before."""
    for before, layer in zip(model.layers, model.layers[1:], strict=False):
        found = [ref.layer for ref in tensors_into(*layer.calls)]
        if found != [before.name] or len(layer.calls) != 1:
            return False
    return all(is_chain(layer.model) for layer in model.layers if layer.model is not None)


def normalized_along_other_axes(model: Model) -> list[Layer]:
    """The BatchNormalization layers whose axis is not the last, as far as the architecture tells how many axes there are."""
    found = []
    for outer in model.layers:
        for layer, depth in with_inner(outer):
            if layer.model is not None:
                found += normalized_along_other_axes(layer.model)
            axis = layer.config.get("axis", -1)
            if layer.class_name == "BatchNormalization" and axis != -1:
                rank = rank_into(outer, model)
                last = None if rank is None else rank - 1 - depth  # each wrapper takes the time steps one by one
                found += [layer] * (last not in (None, axis))
    return found


def with_inner(layer: Layer, depth: int = 0) -> Iterator[tuple[Layer, int]]:
    """A layer and those that it wraps, with the number of wrappers around each."""
    yield layer, depth
    for inner in layer.inner.values():
        yield from with_inner(inner, depth + 1)


def rank_into(layer: Layer, model: Model) -> int | None:
    """How many axes a layer's input has, with that of the samples; ``None`` if only a calculation would tell."""
    names = {other.name: other for other in model.layers}
    for _ in range(len(names)):
        given = tensors_into(*layer.calls)
        if not given or (layer := names[given[0].layer]).model is not None:
            return None
        config, known = layer.config, spec_of(layer)
        if layer.is_input:
            return len(config["batch_shape"]) if config.get("batch_shape") else None
        if layer.class_name == "Reshape":
            return len(config["target_shape"]) + 1 if config.get("target_shape") else None
        if known.states:
            return 3 if config.get("return_sequences") else 2
        if known.takes or layer.class_name == "Permute" or layer.is_operation:  # other axes go in than come out
            return None
        if layer.class_name in ("Flatten", "RepeatVector") or layer.class_name.startswith("Global"):
            return 3 if layer.class_name == "RepeatVector" else 2
        if known.spatial:
            return known.spatial + 2
    return None
