"""The same model in what today's Keras has: layers and names that it no longer knows are replaced where others compute the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from weightlens.engine.faults import every_fault
from weightlens.errors import BadInput
from weightlens.formats.architecture.inbound import map_refs
from weightlens.model import Call, Layer, Model, Ref
from weightlens.writers.constructors import is_in_keras_3
from weightlens.writers.operator_entries import as_operator

MODELS = ("Sequential", "Functional")


def expressible(model: Model) -> Model:
    """A copy of the model that can be written for Keras; ``BadInput`` if there is none."""
    if not model.class_name or not model.inputs:
        raise BadInput(f"cannot be converted: {model.why_nothing_runs}")
    if fault := next(iter(every_fault(model)), ""):
        raise BadInput(f"cannot be converted: {fault}")
    return with_names(model)


def with_names(model: Model) -> Model:
    """The model with names that Keras accepts: no slash in them, and no two alike."""
    names = new_names([layer.name for layer in model.layers])

    def renamed(value: Any) -> Any:
        return map_refs(value, lambda ref: Ref(names[ref.layer], ref.call, ref.index))

    layers = []
    for layer in model.layers:
        new = rewritten(layer)
        calls = [Call(renamed(call.args), renamed(call.kwargs)) for call in new.calls]
        layers.append(replace(new, name=names[layer.name], calls=calls))
    class_name = model.class_name if model.class_name in MODELS else "Functional"
    ends = renamed(model.inputs), renamed(model.outputs)
    return replace(model, class_name=class_name, layers=layers, inputs=ends[0], outputs=ends[1], unplaced=[])  # counters of training


def new_names(names: list[str]) -> dict[str, str]:
    """Names without slashes by the old ones."""
    taken, found = {name for name in names if "/" not in name}, {}
    for name in names:
        new = name.replace("/", "_")
        while new != name and new in taken:
            new += "_"
        taken.add(new)
        found[name] = new
    return found


def rewritten(layer: Layer) -> Layer:
    """The layer as Keras 3 has it, and all that is in it: wrapped layers, nested models."""
    inner = {key: rewritten(part) for key, part in layer.inner.items()}
    nested = None if layer.model is None else with_names(layer.model)
    return replace(checked(layer), inner=inner, model=nested)


def checked(layer: Layer) -> Layer:
    """The layer under the class that it has in Keras 3."""
    if layer.is_operation:
        operator = as_operator(layer)
        if operator is None:
            raise cannot(layer, "is an operator that is not known to be the same in Keras 3")
        return operator
    if layer.class_name == "ThresholdedReLU":
        theta = layer.config.get("theta", 1.0)
        settings = {key: value for key, value in layer.config.items() if key != "theta"}
        return replace(layer, class_name="ReLU", config=settings | {"threshold": theta, "max_value": None, "negative_slope": 0.0})
    if layer.config.get("quantization_mode"):
        raise cannot(layer, "is quantised")
    if "lora_rank" in layer.config:  # merged into the kernel when it was read
        layer = replace(layer, config={key: value for key, value in layer.config.items() if not key.startswith("lora_")})
    if layer.model is None and not is_in_keras_3(layer.class_name):
        raise cannot(layer, "is not a layer of Keras 3")
    return layer


def cannot(layer: Layer, why: str) -> BadInput:
    """The refusal of a layer, in one line."""
    return BadInput(f"cannot be converted: layer {layer.name!r} ({layer.class_name}) {why}")
