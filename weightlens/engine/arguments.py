"""The arguments of a layer's call: tensors looked up, names given to positions, masks found."""

from __future__ import annotations

import functools
import inspect
from typing import Any, NamedTuple

from weightlens.call_order import refs, tensors_into
from weightlens.errors import UnsupportedLayer, WeightlensError
from weightlens.layers import LayerFunction, function_of
from weightlens.layers.masking import blind_to_masks
from weightlens.model import Call, Layer, Ref
from weightlens.recording import each
from weightlens.specs.quirks import HANDS_ON_OWN_MASK
from weightlens.specs.registry import spec_of

Values = dict[Ref, Any]  # arrays, or masks, by the tensor that they belong to


class Given(NamedTuple):
    """What one call gives a layer: its first argument ``x``, further ones by name, and the mask of ``x``."""

    x: Any
    named: dict[str, Any]
    mask: Any


def given_to(layer: Layer, call: Call, values: Values, masks: Values) -> Given:
    """The arguments of a call by Keras's names. ``NAME_mask`` is added for each argument that has a mask."""
    names = spec_of(layer).arguments
    first, stored = names[0], dict(zip(names, call.args, strict=False)) | call.kwargs
    if first not in stored and "inputs" in stored:
        stored[first] = stored.pop("inputs")
    if first not in stored:
        raise UnsupportedLayer(layer.name, layer.class_name, "is called without an input")
    arguments = {name: tensors(layer, thing, values) for name, thing in stored.items()}
    mask_of = {name: each(lambda t: masks.get(t) if isinstance(t, Ref) else None, thing) for name, thing in stored.items()}
    x, own = arguments.pop(first), mask_of[first]
    named = {name: value for name, value in arguments.items() if value is not None}
    implied = {f"{name}_mask": mask for name, mask in mask_of.items() if mask is not None}
    implied["mask"] = None if blind_to_masks(named, layer.quirks) else own
    return Given(x, implied | named, own if HANDS_ON_OWN_MASK in layer.quirks.old else named.get("mask", own))


def tensors(layer: Layer, thing: object, values: Values) -> Any:
    """Nested arguments with the value of each tensor in place of its reference."""

    def look_up(leaf: object) -> Any:
        if isinstance(leaf, Ref) and leaf not in values:
            raise WeightlensError(f"layer {layer.name!r} uses output {leaf.index} of layer {leaf.layer!r}, which it does not have")
        return values[leaf] if isinstance(leaf, Ref) else leaf

    return each(look_up, thing)


@functools.cache
def accepted(function: LayerFunction) -> frozenset[str]:
    """Names of the optional arguments that a layer function takes (``mask``, ``call``, ``initial_state``...)."""
    return frozenset(name for name, p in inspect.signature(function).parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY)


def accepted_arguments(layer: Layer, function: LayerFunction, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that a layer function takes; another one is refused unless it has no effect on the prediction."""
    names = accepted(function)
    for name, value in arguments.items():
        without_effect = value is None or value is False or name in ("training", "mask") or name.endswith("_mask")
        if name not in names and not without_effect:
            raise UnsupportedLayer(layer.name, layer.class_name, f"is called with {name}, which weightlens does not know")
    quirks = {"quirks": layer.quirks} if "quirks" in names else {}
    return {name: value for name, value in arguments.items() if name in names} | quirks


def settings(layer: Layer) -> dict[str, Any]:
    """The configuration of a layer, with those of the layers it wraps as Keras writes them."""
    return layer.config | {name: {"class_name": inner.class_name, "config": settings(inner)} for name, inner in layer.inner.items()}


def masks_wanted(order: list[tuple[Layer, int, Call]], outputs: object) -> set[tuple[str, int]]:
    """The calls whose mask is used: by a layer that takes masks, or by one that hands them on to such a layer."""
    wanted = {(ref.layer, ref.call) for ref in refs(outputs)}
    for layer, number, call in reversed(order):
        function = None if layer.is_operation or layer.model is not None else function_of(layer.class_name)
        takes = function is not None and any(name.endswith("mask") for name in accepted(function)) and call.kwargs.get("mask") is None
        if takes or layer.model is not None or ((layer.name, number) in wanted and not layer.is_operation):
            wanted |= {(ref.layer, ref.call) for ref in tensors_into(call)}
    return wanted
