"""A part of a model as a model of its own: for a model with a layer that cannot be computed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from weightlens.call_order import calls_in_order, path_of_call, refs, tensors_into
from weightlens.engine.wanted import batch_size
from weightlens.errors import BadInput, WeightlensError, first_few
from weightlens.model import INPUT, Call, Layer, Model, Ref
from weightlens.recording import each
from weightlens.specs.registry import spec_of
from weightlens.specs.sizes import Shape
from weightlens.specs.variables import variables_of

MASKING = ("masking", "embedding", "reversible_embedding")  # the rules that make a mask (of embeddings where they are asked to)


def part(model: Model, between: str) -> Model:
    """The layers from ``a`` to ``b`` (``"a..b"``, ``"..b"``, ``"a.."``, ``"a"``).

    The inputs of ``a`` become the model's inputs, the outputs of ``b`` its outputs.
    """
    first, dots, last = between.partition("..")
    first, last = first.strip(), (last if dots else first).strip()
    start, end = (outermost(model, name) if name else None for name in (first, last))
    if end is not None and not end.calls and not end.is_input:
        raise BadInput(f"layer {last!r} is not part of the graph")
    outputs = list(refs(model.outputs)) if end is None else tensors_out_of(model, end)
    cut = list(dict.fromkeys(tensors_into(*start.calls))) if start is not None else []
    needed = calls_in_order(replace(model, inputs=[*refs(model.inputs), *cut]), outputs)
    if start is not None and not any(layer is start for layer, _, _ in needed):
        raise BadInput(
            f"there is no path from layer {first!r} to {'the output' if end is None else repr(last)}; name the earlier one first: A..B"
        )
    return assemble_part(model, cut, needed, outputs, between)


def outermost(model: Model, name: str) -> Layer:
    """A layer of the model itself; one of a model inside it is refused."""
    layer = model[name]
    if layer not in model.layers:
        names = first_few([layer.name for layer in model.layers], 12)
        raise BadInput(f"layer {name!r} is inside of another model; a part begins and ends with layers of the outermost one: {names}")
    return layer


def tensors_out_of(model: Model, layer: Layer) -> list[Ref]:
    """Every output tensor of a layer that others or the model use; its first output if none is used."""
    used = [ref for other in model.layers for ref in tensors_into(*other.calls) if ref.layer == layer.name]
    used += [ref for ref in refs(model.outputs) if ref.layer == layer.name]
    return sorted(set(used), key=lambda ref: (ref.call, ref.index)) or [Ref(layer.name)]


def assemble_part(model: Model, cut: list[Ref], needed: list[tuple[Layer, int, Call]], outputs: list[Ref], between: str) -> Model:
    """A model of the needed calls: the given tensors become inputs, renamed if their name is taken."""
    used = [ref for _, _, call in needed for ref in tensors_into(call)] + outputs
    given = [ref for ref in dict.fromkeys([*cut, *refs(model.inputs)]) if ref in used]
    names = {layer.name for layer, _, _ in needed}
    renamed = {ref: Ref(unused_input_name(ref, names)) for ref in given}

    def rename(thing: Any) -> Any:
        return renamed.get(thing, thing) if isinstance(thing, Ref) else thing

    shapes = given_shapes(model, given, needed)
    layers = [input_layer(renamed[ref].layer, shapes[ref], model, ref) for ref in given]
    kept = {id(layer) for layer, _, _ in needed}
    for layer in model.layers:
        if id(layer) in kept:
            calls = [Call(each(rename, call.args), each(rename, call.kwargs)) for call in layer.calls]
            layers.append(replace(layer, calls=calls))
    result = Model(
        model.name, "Functional", layers, [renamed[ref] for ref in given], [rename(ref) for ref in outputs], model.config, model.provenance
    )
    result.faults = model.faults
    result.notes = [f"layers {between} only", *mask_note(model, cut)]
    return result


def unused_input_name(ref: Ref, taken: set[str]) -> str:
    """A name for the input that replaces a tensor: its layer's name, extended if that is taken."""
    name = ref.layer if (ref.call, ref.index) == (0, 0) else f"{ref.layer}_{ref.call}_{ref.index}"
    while name in taken:
        name += "_given"
    taken.add(name)
    return name


def input_layer(name: str, shape: Shape | None, model: Model, ref: Ref) -> Layer:
    """The input layer that replaces a tensor."""
    old = model[ref.layer]
    dtype = old.config.get("dtype", "float32") if old.is_input else "float32"
    return Layer(name, INPUT, {"name": name, "dtype": dtype, "batch_shape": None if shape is None else [batch_size(model), *shape]})


def given_shapes(model: Model, given: list[Ref], needed: list[tuple[Layer, int, Call]]) -> dict[Ref, Shape | None]:
    """The sample shape of each given tensor: stated in the file, computed, or required by the next layer's weights."""
    shapes: dict[Ref, Shape | None] = {}
    for ref in given:
        declared = model[ref.layer].config.get("batch_shape") if model[ref.layer].is_input else None
        users = [layer for layer, _, call in needed if ref in tensors_into(call)]
        shapes[ref] = tuple(declared[1:]) if declared else computed_shape(model, ref) or shape_from_weights(users)
    return shapes


def computed_shape(model: Model, ref: Ref) -> tuple[int, ...] | None:
    """The shape of a tensor for default inputs; ``None`` if a layer before it cannot be computed."""
    from weightlens.engine.output_shapes import layer_shapes
    from weightlens.inputs.defaults import default_inputs

    before = replace(model, outputs=[ref])
    try:
        shapes = layer_shapes(before, [x.shape[1:] for x in default_inputs(before)])
    except (WeightlensError, ArithmeticError, ValueError, TypeError, IndexError, KeyError, AttributeError):
        return None
    outputs = shapes.get(path_of_call(ref.layer, ref.call), [])
    return outputs[ref.index] if ref.index < len(outputs) else None


def shape_from_weights(users: list[Layer]) -> Shape | None:
    """The shape that the first kernel of a layer asks for, with the lengths that it leaves open."""
    from weightlens.axes.names import axes_taken  # seldom needed

    for user in users:
        known, kernel = spec_of(user), user.own_weights.get("kernel")
        written = next((variable.shape.split(",") for variable in variables_of(user.class_name) if variable.name == "kernel"), [])
        place = next((i for i, word in enumerate(written) if word in ("in", "in/groups")), None)
        if kernel is None or place is None:
            continue
        channels = kernel.shape[place - len(written)] * int(user.config.get("groups") or 1)
        rank = 2 + known.spatial + ("time step" in known.takes)
        axes = axes_taken(user.class_name, user.config, rank) or ("sample", "feature")
        return tuple(channels if axis in ("channel", "feature") else None for axis in axes[1:])
    return None


def mask_note(model: Model, cut: list[Ref]) -> list[str]:
    """A warning if the part lacks a mask made before the cut."""
    try:
        before = calls_in_order(model, cut) if cut else []
    except WeightlensError:
        before = []
    makers = [layer for layer, _, _ in before if spec_of(layer).mask in MASKING and layer.config.get("mask_zero", True)]
    return [f"the mask made by {makers[0].name!r} is not handed on to this part"] if makers else []
