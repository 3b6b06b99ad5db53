"""A connection lost by tf.keras: that of a layer which a nested model contains as well.

When tf.keras saves a model, it keeps one configuration per shared layer: the connection inside the nested model overwrites
the outer one, and refers to a tensor that the outer model does not have.
"""

from __future__ import annotations

from weightlens.call_order import refs, tensors_into
from weightlens.formats.architecture.inbound import map_refs, takes_states
from weightlens.model import Call, Layer, Model, Ref


def restore_lost_connection(model: Model) -> None:
    """Connect the only layer without a valid input to the only tensor that nothing reads; if there are several, do nothing."""
    names = {layer.name for layer in model.layers}
    calls = [(layer, call) for layer in model.layers for call in layer.calls]
    lost = [(layer, call) for layer, call in calls if any(ref.layer not in names for ref in tensors_into(call))]
    if len(lost) != 1 or len(tensors_into(lost[0][1])) != 1 or not is_also_in_nested_model(model, *lost[0]):
        return
    layer, call = lost[0]
    read = {(ref.layer, ref.call) for _, other in calls for ref in tensors_into(other)} | {(r.layer, r.call) for r in refs(model.outputs)}
    unread = [
        (source, Ref(source.name, i))
        for source in model.layers
        for i in range(max(len(source.calls), source.is_input))
        if (source.name, i) not in read and source is not layer
    ]
    if len(unread) == 1 and not takes_states(unread[0][0]) and unread[0][0].model is None:
        call.args, call.kwargs = map_refs((call.args, call.kwargs), lambda ref: unread[0][1])


def is_also_in_nested_model(model: Model, layer: Layer, call: Call) -> bool:
    """Whether a nested model contains the layer too, with the same connection."""
    nested = [inner for outer in model.layers if outer.model is not None for inner in outer.model.layers]
    return any(inner.name == layer.name and any(tensors_into(c) == tensors_into(call) for c in inner.calls) for inner in nested)
