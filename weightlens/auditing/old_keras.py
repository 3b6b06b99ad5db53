"""Why today's Keras does not open a file, or opens it and computes something else: the table in ``docs/formats.md`` as code."""

from __future__ import annotations

from collections.abc import Iterator

from weightlens.formats.weights.objects import every_layer
from weightlens.model import Layer, Model
from weightlens.specs.options import own_options
from weightlens.specs.registry import spec, spec_of
from weightlens.writers.constructors import ENDINGS, taken_in_training

PASSED_OVER = frozenset({"input_length", "sparse", "num_constants"})  # of Keras 2's options, those that the constructors of Keras 3 drop
CODE_OF_TENSORFLOW = "tf."  # the beginning of the names of functions called on tensors
AXES = ("normalization.unit_normalization", "activation_layers.softmax", "normalization.layer_normalization", "normalization.normalization")


def why_old_keras(model: Model) -> Iterator[str]:
    """The reasons, each as the end of a sentence that begins with "today's Keras"; none for a file that is not Keras's own."""
    kind, version = model.provenance.format, model.provenance.keras_version
    if not model.class_name or not kind.startswith("Keras ") or "architecture" in kind:
        return
    generation = int(kind.split()[1]) if kind.split()[1].isdecimal() else 3
    if "SavedModel" in kind:
        yield "does not open a SavedModel as a model"
        return
    if generation < 2:
        yield f"does not open a file of Keras {version or generation}"
        return
    archive = "archive" in kind or "folder" in kind
    if generation == 2 and archive and model.class_name != "Sequential":
        yield "does not find the modules that a functional .keras of Keras 2 names"
    for layer in every_layer(model):
        yield from layer_reasons(layer, generation, archive)
        if generation == 2 and model.provenance.backend == "theano" and spec_of(layer).turned:
            yield f"computes with the kernel of {layer.name} as Theano stored it, unturned"


def layer_reasons(layer: Layer, generation: int, archive: bool) -> Iterator[str]:
    """The reasons that one layer gives."""
    known = spec(layer.class_name)
    if generation == 2:
        if layer.class_name.startswith(CODE_OF_TENSORFLOW):
            yield f"does not know the function {layer.class_name} that {layer.name} calls"
        elif known.gone or layer.note.startswith("saved as CuDNN"):
            yield f"has no layer {layer.note.split()[2].rstrip(',') if layer.note.startswith('saved as') else layer.class_name}"
        for option in refused_options(layer):
            yield f"does not take the option {option} of {layer.name} ({layer.class_name})"
        if any(layer.config.get(key) == "hard_sigmoid_keras2" for key in ("activation", "recurrent_activation")):
            yield f"computes the hard_sigmoid of {layer.name} with another slope"
    if generation == 3 and not archive:
        if layer.is_operation:
            yield f"does not know the operator {layer.class_name} of {layer.name} in an .h5 file"
        if known.function in AXES and isinstance(layer.config.get("axis"), list | tuple) and len(layer.config["axis"]) > 1:
            yield f"forgets all axes but the last of {layer.name} ({layer.class_name}) in an .h5 file"
        if any(weight.dtype == "bfloat16" for weight in layer.own_weights.values()):
            yield f"does not read the bfloat16 of {layer.name} in an .h5 file"
    if "/" in layer.name:
        yield f"refuses the slash in the name of {layer.name}"


def refused_options(layer: Layer) -> Iterator[str]:
    """The options in a file of Keras 2 that the layer's constructor in Keras 3 does not take."""
    own = own_options(layer.class_name)
    for key in layer.config:
        only_old = key in own and own[key].version == 2 and key not in PASSED_OVER
        if only_old or (spec(layer.class_name).learned and key.endswith(ENDINGS) and key not in taken_in_training(layer.class_name)):
            yield key
