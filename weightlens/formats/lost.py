"""A connection that tf.keras lost: that of a layer which a nested model holds as well.

While it writes a model, tf.keras keeps one configuration for each shared layer, so the connection inside the nested model
is written over the one outside, and points at a tensor that the outer model does not have.
"""

from __future__ import annotations

from weightlens.formats.inbound import map_refs, takes_states
from weightlens.graph import refs
from weightlens.model import Call, Layer, Model, Ref


def reconnect(model: Model) -> None:
    """Connect the one layer that lost its connection with the one tensor that nobody reads. Where there are more, nothing is done."""
    names = {layer.name for layer in model.layers}
    calls = [(layer, call) for layer in model.layers for call in layer.calls]
    lost = [(layer, call) for layer, call in calls if any(ref.layer not in names for ref in references(call))]
    if len(lost) != 1 or len(references(lost[0][1])) != 1 or not inside_as_well(model, *lost[0]):
        return
    layer, call = lost[0]
    read = {(ref.layer, ref.call) for _, other in calls for ref in references(other)} | {(r.layer, r.call) for r in refs(model.outputs)}
    unread = [
        (source, Ref(source.name, i))
        for source in model.layers
        for i in range(max(len(source.calls), source.class_name == "InputLayer"))
        if (source.name, i) not in read and source is not layer
    ]
    if len(unread) == 1 and not takes_states(unread[0][0]) and unread[0][0].model is None:
        call.args, call.kwargs = map_refs((call.args, call.kwargs), lambda ref: unread[0][1])


def references(call: Call) -> list[Ref]:
    """The tensors that a call reads."""
    return list(refs((call.args, call.kwargs)))


def inside_as_well(model: Model, layer: Layer, call: Call) -> bool:
    """Whether a nested model has the layer too, connected in the very same way."""
    nested = [inner for outer in model.layers if outer.model is not None for inner in outer.model.layers]
    return any(inner.name == layer.name and any(references(c) == references(call) for c in inner.calls) for inner in nested)
