"""Integer dtypes in Keras 2 models: TensorFlow functions compute in the dtype of their input, which no file states.

The kind goes from the inputs and casts through the graph, and stands in ``Layer.quirks`` of the layers that it enters.
"""

from __future__ import annotations

from typing import Any

from weightlens.call_order import calls_in_order, refs
from weightlens.errors import UnreadableModel
from weightlens.model import Call, Layer, Model
from weightlens.specs.kinds import is_whole
from weightlens.specs.operation import whole_of
from weightlens.specs.registry import spec_of


def settle_integer_dtypes(model: Model) -> None:
    """Record for each layer the integer dtype of its input."""
    kinds: dict[tuple[str, int], str] = {}
    for ref in refs(model.inputs):
        kind = str(model[ref.layer].config.get("dtype"))
        kinds |= {(ref.layer, ref.call): kind} if is_whole(kind) else {}
    try:
        order = calls_in_order(model)
    except UnreadableModel:  # said when the model is run
        return
    for layer, number, call in order:
        entering = next((kinds.get((first.layer, first.call)) for first in refs(arguments_with_result_dtype(layer, call))), None)
        if entering is not None and (layer.is_operation or spec_of(layer).whole in ("wraps", "means", "sums")):
            layer.quirks = layer.quirks._replace(input_dtype=entering)
        leaving = output_dtype(layer, call, entering)
        if leaving is not None:
            kinds[layer.name, number] = leaving


def arguments_with_result_dtype(layer: Layer, call: Call) -> Any:
    """The arguments that have the result's dtype: the first, unless it is a condition or a scalar."""
    first = call.args[0] if call.args else None
    conditional = layer.class_name.rpartition(".")[2] in ("where", "Select", "SelectV2")
    return (call.args[1:], call.kwargs) if conditional or isinstance(first, (bool, int)) else first


def output_dtype(layer: Layer, call: Call, entering: str | None) -> str | None:
    """The integer dtype of a layer's output; ``None`` if it is not an integer."""
    name = layer.class_name.rpartition(".")[2]
    if name in ("cast", "Cast", "saturate_cast"):
        found = call.kwargs.get("dtype", call.kwargs.get("DstT", call.args[1] if len(call.args) > 1 else None))
        given = str(found).removeprefix("tf.")
    elif layer.class_name == "tf.image.resize":
        given = str(entering) if str(call.kwargs.get("method")).lower() == "nearest" else ""
    else:
        keeps = whole_of(layer.class_name) not in ("divides", "other") if layer.is_operation else spec_of(layer).keeps_kind
        given = str(entering) if keeps else ""
    return given if is_whole(given) else None
