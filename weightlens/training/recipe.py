"""How a file says that its network is trained: the loss, the optimizer, and what the layers add. What is not computed here is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from weightlens.call_order import layers_with_paths
from weightlens.errors import BadInput
from weightlens.formats.architecture.dialect import is_before_keras_3
from weightlens.formats.architecture.layer_config import plain_dict
from weightlens.model import Model
from weightlens.training.losses import function_name

FUNCTIONS = ("function", "LossFunctionWrapper")  # what a loss is that was given as a function
AS_USUAL: dict[str, tuple[Any, ...]] = {  # settings of losses that change nothing
    "reduction": ("sum_over_batch_size", "auto", "mean"), "label_smoothing": (0, None), "delta": (1,), "ignore_class": (None,),
    "axis": (-1, None),
}  # fmt: skip
WITHOUT_SQUARES = ("sgd", "momentum", "nesterov")  # optimizers in which gradients are only added up
BY_BATCHES = frozenset({"moving_mean", "vector_u"})  # weights that Keras changes with each batch, for what it then computes with
IN_TRAINING = ("rate", "stddev", "dropout", "recurrent_dropout")  # settings of layers that act in training only


@dataclass(frozen=True)
class Stated:
    """What a file says of its training: loss and optimizer by name (``None``: nothing), the options of both, the weight of the loss."""

    loss: str | None
    optimizer: str | None
    options: dict[str, Any]
    loss_options: dict[str, Any] = field(default_factory=dict)
    loss_weight: Any = None


def recipe_of(model: Model) -> Stated:
    """The loss, the optimizer and its options in the file; what has a wrong type is as if it were not stated."""
    config = model.training_config
    stated = config.get("optimizer_config") or config.get("optimizer")
    optimizer = plain_dict({"class_name": stated} if isinstance(stated, str) else stated)
    name = text(optimizer.get("registered_name") or optimizer.get("class_name"))
    if name and is_before_keras_3(model.provenance.keras_version):
        name = name.removeprefix("Custom>")  # so Keras 2 names its own optimizers since 2.11
    loss = single_entry(config.get("loss"))
    options = plain_dict(loss.get("config")) if isinstance(loss, dict) else {}
    return Stated(loss_name(loss), name, dict(plain_dict(optimizer.get("config"))), options, single_entry(config.get("loss_weights")))


def single_entry(value: Any) -> Any:
    """The one entry for the one output of a network, which may stand in a list or under the output's name; ``None`` for several."""
    while isinstance(value, list | tuple) or (isinstance(value, dict) and "class_name" not in value):
        inside = list(value.values()) if isinstance(value, dict) else value
        value = inside[0] if len(inside) == 1 else None
    return value


def loss_name(loss: Any) -> str | None:
    """The name of a loss: that of its class, or of its function."""
    if isinstance(loss, dict):
        inside = loss.get("config")
        own = plain_dict(inside).get("name") or inside if loss.get("class_name") in FUNCTIONS else loss.get("registered_name")
        loss = own or loss.get("class_name")
    named = text(loss) and function_name(loss)
    return "categorical_crossentropy" if named == "sparse_categorical_crossentropy" else named


def text(value: object) -> str | None:
    """The value if it is a text."""
    return value if isinstance(value, str) else None


def refuse_unusual_loss(stated: Stated) -> None:
    """Raise ``BadInput`` where the file's loss is not the usual one of its name."""
    unusual = {key: value for key, value in stated.loss_options.items() if key in AS_USUAL and value not in AS_USUAL[key]}
    if stated.loss_weight not in (None, 1):
        unusual["loss_weights"] = stated.loss_weight
    if stated.loss == "huber" and stated.loss_options and "delta" not in stated.loss_options:
        unusual["delta"] = "that the file does not say"  # Keras 3 leaves it out
    for key, value in unusual.items():
        words = f"{key} {str(value)[:40]}"
        raise BadInput(f"the file's loss {stated.loss!r} with {words} is not one that weightlens trains with; --loss takes the usual one")


def refuse_penalties(model: Model) -> None:
    """Raise ``BadInput`` where a layer adds to the loss, changes its weights after an update, or trains other arrays than its kernel."""
    for path, layer in layers_with_paths(model):
        if apart := [key for key in ("quantization_mode", "lora_rank") if layer.trainable and layer.config.get(key)]:
            words = "Keras trains other arrays than its kernel there, which weightlens does not"
            raise BadInput(f"layer {path!r} has {apart[0]} {layer.config[apart[0]]}: {words}")
        for key, value in layer.config.items():
            penalty = key.endswith("_regularizer") and is_at_work(value) and (layer.trainable or key == "activity_regularizer")
            if penalty or (key.endswith("_constraint") and value is not None and layer.trainable):
                raise BadInput(f"layer {path!r} has {key}, which weightlens does not train with")
        if layer.class_name == "ActivityRegularization" and (layer.config.get("l1") or layer.config.get("l2")):
            raise BadInput(f"layer {path!r} (ActivityRegularization) adds to the loss, which weightlens does not train with")


def is_at_work(regularizer: Any) -> bool:
    """Whether a regularizer adds anything: not where all its factors are 0."""
    values = {**plain_dict(regularizer), **plain_dict(plain_dict(regularizer).get("config"))}.values()
    factors = [value for value in values if isinstance(value, int | float)]
    return regularizer is not None and (not factors or any(factors))


def squared_apart(model: Model, optimizer: str) -> list[str]:
    """The paths of the embeddings whose gradients Keras 3 on TensorFlow squares for each occurrence of a token, not for their sum."""
    if optimizer.lower() in WITHOUT_SQUARES or is_before_keras_3(model.provenance.keras_version):
        return []
    return [path for path, layer in layers_with_paths(model) if layer.trainable and "embeddings" in layer.own_weights]


def as_in_prediction(model: Model) -> list[str]:
    """The paths of layers that Keras computes in another way in training: with random numbers, or those of the batch."""
    found = layers_with_paths(model)
    return [
        path
        for path, layer in found
        if any(layer.config.get(key) for key in IN_TRAINING) or (layer.trainable and not BY_BATCHES.isdisjoint(layer.own_weights))
    ]
