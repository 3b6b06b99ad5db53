"""``weightlens predict``, a chunk of rows at a time; of many files each is a part, whose predictions are a file of its name in a folder."""

import functools
import glob
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, BinaryIO

import numpy as np
import typer

from weightlens.cli import completion
from weightlens.cli.common import Assume, Config, Force, ModelFile, ModelOptions, Output, Part, Scale, progress_bar, refuse_shapes
from weightlens.cli.destination import Destination
from weightlens.cli.messages import non_finite_words, note, note_non_finite_weights, report_done
from weightlens.engine import forward
from weightlens.engine.wanted import is_stateful
from weightlens.errors import BadInput, WeightlensError
from weightlens.files import STANDARD_OUTPUT
from weightlens.formats import files_of
from weightlens.formats.patterns import matches
from weightlens.formats.remote import copied, is_url, remote_files
from weightlens.inputs.answers import labels_of
from weightlens.inputs.given import sample_chunks
from weightlens.model import Model
from weightlens.specs.words.number_words import counted
from weightlens.tables.arrow import pyarrow
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
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="csv, json or parquet; else by the ending of -o, or csv.",
            autocompletion=lambda incomplete: completion.one_of(*WRITERS)(incomplete),
        ),
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
class Rows:
    """The rows to predict for: the INPUT of the command line, how many are computed at a time, the range of a picture's values."""

    given: str
    at_a_time: int = 1000
    scale: str | None = None

    def count(self) -> int:
        """The approximate number of rows in a file, for the progress bar; 0 if unknown."""
        path = Path(self.given)
        if self.given == "-" or path.suffix.lower() not in (".csv", ".tsv", ".txt") or not path.is_file():
            return 0
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


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
    from weightlens.files import replacing

    if folder in (None, STANDARD_OUTPUT):
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
            with replacing(parts[part], force) as file:
                file.write(data)
    if odd:
        note(odd)
    if failed:
        raise BadInput(f"{len(failed):,} of {counted(len(parts), 'part')} failed, the first {failed[0]}; run it again to go on with those")
    words = f", {len(parts) - len(todo):,} of them before" if len(todo) < len(parts) else ""
    report_done(f"{folder}: predictions of {counted(len(parts), 'part')}{words}.")


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


def predictions(model: Model, rows: Rows, advance: Callable[[int], None]) -> Iterator[list[np.ndarray]]:
    """The outputs of the model, for one chunk of rows after another."""
    done = 0
    for samples in sample_chunks(rows.given, model, None if is_stateful(model) else rows.at_a_time, note, rows.scale):
        if not done:
            refuse_shapes(model, samples.arrays)
        outputs = forward.predict(model, samples.arrays, first=done)
        yield outputs
        done += len(outputs[0])
        advance(len(outputs[0]))


def write_csv(model: Model, chunks: Iterable[list[np.ndarray]], file: BinaryIO) -> None:
    """One line of comma-separated numbers per sample, under a header; outputs of several dimensions in C order."""
    from weightlens.terminal.machine import csv_line

    for number, outputs in enumerate(chunks):
        if not number:
            file.write(csv_line(columns(model, outputs)).encode())
        file.write(as_csv(joined(outputs)))


def write_json(model: Model, chunks: Iterable[list[np.ndarray]], file: BinaryIO) -> None:
    """The predictions as JSON: the columns with the shapes of the outputs, then a row per sample."""
    from weightlens.terminal.machine import to_json

    for number, outputs in enumerate(chunks):
        if not number:
            shapes = [{"name": name, "shape": y.shape[1:]} for name, y in zip(model.output_names, outputs, strict=True)]
            head = {"command": "predict", "outputs": shapes, "columns": columns(model, outputs)}
            file.write(to_json(head)[:-1] + b',"rows":[')
        file.write(b"," * (number > 0) + to_json(joined(outputs))[1:-1])
    file.write(b"]}\n")


def write_parquet(model: Model, chunks: Iterable[list[np.ndarray]], file: BinaryIO) -> None:
    """The predictions as Parquet: a column of float64 for each number of a sample; ``BadInput`` without pyarrow."""
    pa = pyarrow()
    from pyarrow import parquet

    with ExitStack() as stack:
        writer = None
        for outputs in chunks:
            arrays = [pa.array(column) for column in joined(outputs).T]
            table = pa.Table.from_arrays(arrays, names=[name.encode("utf-8", "replace").decode() for name in columns(model, outputs)])
            writer = writer or stack.enter_context(parquet.ParquetWriter(file, table.schema))
            writer.write_table(table)


def joined(outputs: list[np.ndarray]) -> np.ndarray:
    """A row of numbers for each sample: all outputs side by side."""
    return np.ascontiguousarray(np.concatenate([y.reshape(len(y), -1) for y in outputs], axis=1))


def columns(model: Model, outputs: list[np.ndarray]) -> list[str]:
    """``y0, y1``; ``output_1_0`` where the model has several outputs, ``score_0`` where they have names; the names of the classes."""
    plain = len(outputs) == 1 and not isinstance(model.outputs, dict)
    starts = ["y"] if plain else [f"{name}_" for name in model.output_names]
    if plain and outputs[0].ndim == 2 and (labels := labels_of(model, outputs[0].shape[1])):
        return list(labels)
    sizes = [int(np.prod(y.shape[1:], dtype=np.int64)) for y in outputs]
    return [f"{start}{i}" for start, size in zip(starts, sizes, strict=True) for i in range(size)]


def as_csv(matrix: np.ndarray) -> bytes:
    """A contiguous matrix as lines of numbers that parse to the same numbers; a JSON encoder formats a whole block at once."""
    import orjson

    if not np.isfinite(matrix).all():  # JSON has no words for these
        return "".join(",".join(map(repr, row)) + "\n" for row in matrix.tolist()).encode()
    block: bytes = orjson.dumps(matrix, option=orjson.OPT_SERIALIZE_NUMPY)
    return block[2:-2].replace(b"],[", b"\n") + b"\n" if matrix.size else b"\n" * len(matrix)


WRITERS = {"csv": write_csv, "json": write_json, "parquet": write_parquet}
