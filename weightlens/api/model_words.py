"""What a model says of itself when it is asked: why it computes nothing, that it is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from weightlens.errors import BadInput

if TYPE_CHECKING:
    from weightlens.model import Model


def why_nothing_runs(model: Model) -> str:
    """What a model without inputs lacks, and what would help."""
    if model.arrays_only:
        return f"{model.notes[0]}; there is nothing to compute"
    if model.class_name:
        return (
            f"{model.class_name} is a class of somebody's own, whose arithmetic is Python code that no file holds; "
            "its matrices can be shown (weightlens show)"
        )
    return (
        "this file holds weights but no architecture, so there is nothing to compute; "
        "give it with --config FILE (.json, .keras or .h5), or for a plain stack --assume dense:relu,softmax"
    )


def close(model: Model) -> None:
    """Close the files of a model; weights that were not read can no longer be."""
    if not model.provenance.closers:
        return
    for weight in (*model.weights.values(), *model.unplaced, *model.optimizer):

        def refuse(key: Any = (), path: str = weight.path) -> NoReturn:
            raise BadInput(f"{path} was not read before the model was closed; load the model again")

        if weight._value is None:
            weight.read = weight.read_part = refuse
    while model.provenance.closers:
        model.provenance.closers.pop()()
