"""The command that writes a model as another kind of file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from weightlens.cli.common import Assume, Config, Force, Format, ModelFile, ModelOptions
from weightlens.cli.messages import note, report_done, said


def convert(
    model: ModelFile,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="NEW", help=".keras, .h5, .weights.h5, or a folder (TensorFlow.js).")],
    force: Force = False,
    output_format: Format = "table",
    config: Config = None,
    assume: Assume = None,
) -> None:
    """Write the same model as a file that today's Keras opens, or TensorFlow.js.

    \b
    weightlens convert old.h5 -o new.keras
    weightlens convert my_model.zip -o my_model.keras
    weightlens convert model.keras -o web_model
    """
    from weightlens import writers
    from weightlens.formats import files_of

    writers.check_target(output, force, files_of(model))
    loaded = ModelOptions(model, config, assume).load()
    writers.convert(loaded, output, force)
    words = writers.left_out(loaded)
    if words:
        note(f"left out: {words}; the new file predicts, and is compiled again to be trained")
    report_done(
        f"{said(output)} written: {loaded.size:,} parameters in {len(loaded.layers)} layers.",
        output_format=output_format,
        command="convert",
        file=str(output),
        parameters=loaded.size,
        layers=len(loaded.layers),
        left_out=words,
    )
