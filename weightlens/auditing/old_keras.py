"""Why today's Keras (3.15) does not open a file, or opens it and computes something else: the table in ``docs/formats.md`` as code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from weightlens.auditing.raw_file import entries
from weightlens.call_order import every_layer
from weightlens.formats.architecture.old_names import CUDNN
from weightlens.model import INPUT, Layer, Model
from weightlens.specs.layer import HOME
from weightlens.specs.options import own_options
from weightlens.specs.registry import spec, spec_of
from weightlens.writers.constructors import ENDINGS, taken_in_training

PASSED_OVER = frozenset({"input_length", "sparse", "num_constants"})  # of Keras 2's options, those that the constructors of Keras 3 drop
NORMALIZATION = "normalization.batch_normalization"
CODE_OF_TENSORFLOW = "tf."  # the beginning of the names of functions called on tensors
AXES = ("normalization.unit_normalization", "activation_layers.softmax", "normalization.layer_normalization", "normalization.normalization")


def why_old_keras(model: Model, configs: Iterable[Any] = ()) -> Iterator[str]:
    """The reasons, each as the end of a sentence that begins with "today's Keras"; none for a file that is not Keras's own.

    ``configs`` are the configurations as the file has them.
    """
    source, generation = model.provenance, model.provenance.generation
    archive = source.kind == "archive"
    if not model.class_name or generation is None:
        return
    if source.kind == "savedmodel":
        yield "does not open a SavedModel as a model"
    elif generation < 2:
        yield f"does not open a file of Keras {source.keras_version or generation}"
    elif generation == 2 and archive and model.class_name != "Sequential":
        yield "does not find the modules that a functional .keras of Keras 2 names"
    else:
        for layer in every_layer(model):
            yield from layer_reasons(layer, generation, archive)
            if generation == 2 and source.backend == "theano" and spec_of(layer).turned:
                yield f"computes with the kernel of {layer.name} as Theano stored it, unturned"
        for config in configs if generation == 2 else ():
            yield from entry_reasons(config, archive)


def layer_reasons(layer: Layer, generation: int, archive: bool) -> Iterator[str]:
    """The reasons that one layer gives."""
    known, name = spec(layer.class_name), f"{layer.name} ({layer.class_name})"
    if known.gone or layer.saved_as in CUDNN:
        yield f"has no layer {layer.saved_as or layer.class_name}"
    if known.home != HOME and not archive:
        yield f"does not find the layer {layer.class_name} of keras.applications in an .h5 file"
    if generation == 2:
        if layer.class_name.startswith(CODE_OF_TENSORFLOW):
            yield f"does not know the function {layer.class_name} that {layer.name} calls"
        for option in refused_options(layer):
            yield f"does not take the option {option} of {name}"
        if any(layer.config.get(key) == "hard_sigmoid_keras2" for key in ("activation", "recurrent_activation")):
            yield f"computes the hard_sigmoid of {layer.name} with another slope"
    elif not archive:
        if layer.is_operation:
            yield f"does not know the operator {layer.class_name} of {layer.name} in an .h5 file"
        if known.function in AXES and isinstance(layer.config.get("axis"), list | tuple) and len(layer.config["axis"]) > 1:
            yield f"forgets all axes but the last of {name} in an .h5 file"
        if any(weight.dtype == "bfloat16" for weight in layer.own_weights.values()):
            yield f"does not read the bfloat16 of {layer.name} in an .h5 file"
    if not archive and layer.config.get("score_mode") == "dot":
        yield f"takes the score_mode of {name} for a function in an .h5 file"
    if "/" in layer.name:
        yield f"refuses the slash in the name of {layer.name}"


def refused_options(layer: Layer) -> Iterator[str]:
    """The options in a file of Keras 2 that the layer's constructor in Keras 3 does not take."""
    known, own = spec(layer.class_name), own_options(layer.class_name)
    for key in layer.config:
        only_old = key in own and own[key].version == 2 and key not in PASSED_OVER
        unlearned = bool(known.learned) and key.endswith(ENDINGS) and key not in taken_in_training(layer.class_name)
        if only_old or (unlearned and key != "activity_regularizer") or (key == "noise_shape" and known.drops and known.spatial):
            yield key


def entry_reasons(config: Any, archive: bool) -> Iterator[str]:
    """The reasons that a configuration of Keras 2 gives by its form."""
    for entry in entries(config):
        inside = entry.get("config")
        if entry.get("class_name") == "Sequential" and not archive:
            yield from sequential_reasons(inside)
        if isinstance(inside, dict):
            yield from archive_reasons(str(entry.get("class_name")), inside) if archive else initializer_reasons(inside)


def archive_reasons(class_name: str, config: dict[str, Any]) -> Iterator[str]:
    """The settings of a layer of Keras 2 that Keras 3 refuses in a ``.keras``; in an ``.h5`` it passes over them."""
    given: list[str] = [key for key in ("batch_input_shape", "rng_type") if key in config and class_name != INPUT]
    if isinstance(config.get("axis"), list) and spec(class_name).function == NORMALIZATION:
        given.append("axis, a list")
    yield from (f"does not take the option {key} of {config.get('name')} ({class_name}) in a .keras file" for key in given)


def initializer_reasons(config: dict[str, Any]) -> Iterator[str]:
    """The initializers of a layer that have a dtype, as tf.keras up to 2.2 wrote it."""
    for key, entry in config.items():
        settings = entry.get("config") if key.endswith("_initializer") and isinstance(entry, dict) else None
        if isinstance(settings, dict) and "dtype" in settings:
            yield f"does not take the dtype of the {key} of {config.get('name')}"


def sequential_reasons(config: Any) -> Iterator[str]:
    """The reasons that a Sequential gives: a list of layers without settings, or pictures that go in without an InputLayer."""
    if isinstance(config, list):
        yield "does not read a Sequential whose configuration is a list"
        return
    layers = config.get("layers") if isinstance(config, dict) else None
    first = layers[0] if isinstance(layers, list) and layers and isinstance(layers[0], dict) else {}
    settings = first.get("config")
    if spec(str(first.get("class_name"))).spatial and isinstance(settings, dict) and "batch_input_shape" in settings:
        yield f"gives {settings.get('name')}, the first layer of a Sequential without an InputLayer, one axis too many"
