"""What the commands share: options, opening a model, reading its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

import weightlens
from weightlens.cli import completion
from weightlens.cli.destination import check_choice
from weightlens.cli.messages import note
from weightlens.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

    from weightlens.inputs import Samples
    from weightlens.model import Model

ModelFile = Annotated[str, typer.Argument(metavar="MODEL", help="A Keras model: .h5, .keras, SavedModel, TensorFlow.js, weights alone.")]
Input = Annotated[
    str | None,
    typer.Option("--input", "-i", metavar="INPUT", help='"0,1", "0,0;0,1", -, or a file: .csv, .xlsx, .ods, .json, .npy, .npz, a picture.'),
]
Scale = Annotated[str | None, typer.Option("--scale", metavar="SCALE", help="Values of a picture: 1/255 or -1..1; else 0..255.")]
Heat = Annotated[bool, typer.Option("--heat", help="Matrices as pictures: in colours, or in shades where there are none.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output.")]
Config = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="The architecture of a file of weights: .json, .yaml, .keras, .h5."),
]
Assume = Annotated[
    str | None, typer.Option("--assume", metavar="STACK", help="The architecture of a plain stack, such as dense:relu,softmax.")
]
Part = Annotated[
    str | None,
    typer.Option(
        "--layers", metavar="A..B", help="Only the layers from A to B; the input is then that of A.", autocompletion=completion.layer_range
    ),
]


def table_or_json(value: str) -> str:
    """The format, which is one of two."""
    check_choice(value, "--format", ("table", "json"))
    return value


offered = completion.one_of("table", "json")
Format = Annotated[
    str,
    typer.Option("--format", metavar="FORMAT", callback=table_or_json, help="table, or json for machines.", autocompletion=offered),
]
FormatOfFile = Annotated[
    str | None,
    typer.Option("--format", metavar="FORMAT", help="table, or json for machines; else by the ending of -o.", autocompletion=offered),
]


class ModelOptions(NamedTuple):
    """A model file with the options that say how to open it."""

    path: str
    config: str | None = None
    assume: str | None = None
    layers: str | None = None

    def load(self) -> Model:
        """The model, with its assumed architecture, cut to the layers asked for."""
        model = weightlens.load(self.path, self.config)
        if self.assume:
            from weightlens.formats.weights.bare import assume_dense_stack

            model = assume_dense_stack(model, self.assume)
        if self.layers:
            from weightlens.part import part

            model = part(model, self.layers)
            for text in model.notes[1:]:
                note(text)
        return model


def samples_of(given: str | None, model: Model, scale: str | None = None) -> Samples:
    """The given input, or a default one."""
    if given is not None:
        from weightlens.inputs.given import read_samples

        samples = read_samples(given, model, note, scale)
    elif scale is not None:
        raise BadInput("--scale belongs to -i with a picture")
    else:
        from weightlens.inputs import Samples
        from weightlens.inputs.defaults import default_inputs

        samples = Samples(default_inputs(model))
    refuse_shapes(model, samples.arrays, given is not None)
    return samples


def refuse_shapes(model: Model, arrays: Sequence[np.ndarray], given: bool = True) -> None:
    """Refuse samples whose shape leaves a layer nothing to compute, or too much; a note if the network keeps a state."""
    from weightlens.engine.output_shapes import refuse_explosion, refuse_too_short
    from weightlens.engine.wanted import state_note

    shapes = [x.shape[1:] for x in arrays]
    if given:
        refuse_too_short(model, shapes)
    refuse_explosion(model, shapes)
    if text := state_note(model, len(arrays[0])):
        note(text)


def progress_bar(title: str, total: int) -> Any:
    """A progress bar for long tasks, on a terminal; yields the function that advances it."""
    from weightlens.terminal.progress import progress

    return progress(title, total)
