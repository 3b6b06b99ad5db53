"""``weightlens predict``."""

from typing import Annotated

import typer

from weightlens.cli.common import Assume, Config, Force, ModelFile, ModelOptions, Output, Part, Scale, progress_bar
from weightlens.cli.destination import Destination, check_choice
from weightlens.cli.messages import note_non_finite_weights
from weightlens.cli.predicting.parts import Prediction, is_pattern, predict_parts
from weightlens.cli.predicting.rows import WRITERS, Rows, predictions
from weightlens.terminal import QUIET


def predict(
    model: ModelFile,
    given: Annotated[
        str, typer.Option("--input", "-i", metavar="INPUT", help='Rows: a file (.csv, .xlsx, .json, .npy...), -, or "0,0;0,1".')
    ],
    output: Output = None,
    force: Force = False,
    layers: Part = None,
    scale: Scale = None,
    rows: Annotated[int, typer.Option("--rows", metavar="N", min=1, help="Rows computed at a time.")] = 1000,
    output_format: Annotated[str, typer.Option("--format", metavar="FORMAT", help="csv, json or parquet.")] = "csv",
    config: Config = None,
    assume: Assume = None,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Processes, where -i is a pattern of many files.")] = 1,
    scheduler: Annotated[str | None, typer.Option("--scheduler", metavar="ADDRESS", help="A Dask scheduler, or local; likewise.")] = None,
) -> None:
    """Predict for any number of rows, in flat memory; of many files into a folder.

    \b
    weightlens predict digits.keras -i digits.csv -o predictions.csv
    weightlens predict or.h5 -i "0,0;0,1"
    weightlens predict or.h5 -i "s3://bucket/part-*.parquet" -o DIR --workers 4
    """
    if is_pattern(given):
        check_choice(output_format, "--format", tuple(WRITERS))
        task = Prediction(ModelOptions(model, config, assume, layers), Rows(given, rows, scale), output_format, QUIET.get())
        predict_parts(task, output, workers, scheduler, force)
        return
    out = Destination(output, force, output_format, tuple(WRITERS))
    out.check(model, input=given, config=config)
    loaded, asked = ModelOptions(model, config, assume, layers).load(), Rows(given, rows, scale)
    with progress_bar("predicting", asked.count()) as advance, out.opened() as file:
        WRITERS[output_format](loaded, predictions(loaded, asked, advance), file)
    note_non_finite_weights(loaded)
