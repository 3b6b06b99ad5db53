"""``weightlens predict``; for many files at once, each is a part, whose predictions are a file of the same name in a folder."""

import functools
import glob
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from weightlens.cli.common import Assume, Config, Force, ModelFile, ModelOptions, Output, Part, Scale, progress_bar
from weightlens.cli.destination import Destination
from weightlens.cli.messages import non_finite_words, note, note_non_finite_weights, report_done
from weightlens.cli.rows import WRITERS, Rows, predictions
from weightlens.errors import BadInput, WeightlensError
from weightlens.formats import files_of
from weightlens.formats.patterns import matches
from weightlens.formats.remote import copied, is_url, remote_files
from weightlens.model import Model
from weightlens.terminal import QUIET
from weightlens.workers import do_all


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
    output_format: Annotated[
        str | None, typer.Option("--format", metavar="FORMAT", help="csv, json or parquet; else by the ending of -o, or csv.")
    ] = None,
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
        kind = Destination(asked=output_format, formats=tuple(WRITERS)).format  # -o is a folder
        task = Prediction(ModelOptions(model, config, assume, layers), Rows(given, rows, scale), kind, QUIET.get())
        predict_parts(task, output, workers, scheduler, force)
        return
    out = Destination(output, force, output_format, tuple(WRITERS))
    out.check(model, input=given, config=config)
    loaded, asked = ModelOptions(model, config, assume, layers).load(), Rows(given, rows, scale)
    with progress_bar("predicting", asked.count()) as advance, out.opened() as file:
        WRITERS[out.format](loaded, predictions(loaded, asked, advance), file)
    note_non_finite_weights(loaded)


def is_pattern(given: str) -> bool:
    """Whether this names many files."""
    return is_url(given) or (glob.has_magic(given) and not Path(given).exists())


@dataclass(frozen=True)
class Prediction:
    """What is done with a part: the model with its options, and how its rows are read (``given`` is replaced by the part)."""

    model: ModelOptions
    rows: Rows
    format: str = "csv"
    quiet: bool = False  # --quiet, which another process does not know

    def __call__(self, part: str) -> tuple[bytes, str, str]:
        """The predictions of a part as a file, or why there are none; and which weights are not finite."""
        QUIET.set(self.quiet)
        file = io.BytesIO()
        try:
            if is_url(part):
                with copied(part) as path:
                    self.write(replace(self.rows, given=str(path)), file)
            else:
                self.write(replace(self.rows, given=part), file)
        except WeightlensError as error:
            return b"", str(error), ""
        return file.getvalue(), "", non_finite_words(loaded(self.model))

    def write(self, rows: Rows, file: BinaryIO) -> None:
        """Write the predictions for these rows."""
        model = loaded(self.model)
        WRITERS[self.format](model, predictions(model, rows, lambda done: None), file)


@functools.lru_cache(maxsize=1)
def loaded(model: ModelOptions) -> Model:
    """The model, loaded once by each worker."""
    return model.load()


def predict_parts(task: Prediction, folder: Path | None, workers: int, scheduler: str | None, force: bool) -> None:
    """Write the predictions of every part that has none yet into the folder; where one fails, the others are done all the same."""
    if folder is None:
        raise BadInput("-i names many files: name a folder for their predictions with -o DIR")
    parts = parts_of(task.rows.given, folder, task.format)
    model = task.model.load()  # refused once, not once for each part
    refuse_inputs(parts, files_of(model))
    folder.mkdir(exist_ok=True)
    todo = [part for part, target in parts.items() if force or not target.exists()]
    failed, odd = [], ""
    for part, made in do_all(task, todo, workers, scheduler):
        data, trouble, not_finite = made or (b"", "the process that computed it died", "")
        odd = odd or not_finite
        if trouble:
            note(f"{part}: {trouble}")
            failed.append(part)
        else:
            write_part(parts[part], data, force)
    if odd:
        note(odd)
    if failed:
        raise BadInput(f"{len(failed):,} of {len(parts):,} parts failed, the first {failed[0]}; run it again to go on with those")
    words = f", {len(parts) - len(todo):,} of them before" if len(todo) < len(parts) else ""
    report_done(f"{folder}: predictions of {len(parts):,} part{'s' * (len(parts) != 1)}{words}.")


def write_part(target: Path, data: bytes, force: bool) -> None:
    """Write the predictions of a part; they appear when they are complete."""
    from weightlens.files import replacing

    with replacing(target, force) as file:
        file.write(data)


def parts_of(given: str, folder: Path, format: str) -> dict[str, Path]:
    """Every part with the file of its predictions; two of one name are refused."""
    found = [name for _, files in remote_files(given) for name, _, _ in files] if is_url(given) else matches(given)
    if not found:
        raise BadInput(f"{given}: there is no such file")
    targets = {part: folder / f"{Path(part).stem}.{format}" for part in found}  # Dask's parts are called part.0.parquet
    if len(set(targets.values())) < len(targets):
        raise BadInput(f"{given}: two of these files have one name, and so would their predictions")
    return targets


def refuse_inputs(parts: dict[str, Path], model: list[tuple[str, Path]]) -> None:
    """Refuse a folder in which the predictions would go over a part or a file of the model, under whatever name."""
    read = {path.resolve(): path for path in (*map(Path, parts), *(file for _, file in model))}
    for target in parts.values():
        if (name := read.get(target.resolve())) is not None:
            raise BadInput(f"{target.parent}: holds the inputs ({name}); name another folder for their predictions")
