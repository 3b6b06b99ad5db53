"""The training commands: ``train-sheet`` writes training as a workbook, ``fit`` trains and writes the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from weightlens.cli import completion
from weightlens.cli.common import Config, Force, Format, ModelFile, ModelOptions, Output, progress_bar
from weightlens.cli.destination import Destination
from weightlens.cli.messages import note, printable_path, report_done
from weightlens.errors import BadInput
from weightlens.files import refuse_standard_output
from weightlens.specs.words.number_words import counted

if TYPE_CHECKING:
    from weightlens.model import Model
    from weightlens.training import Epoch
    from weightlens.training.data import Data

DataFile = Annotated[
    str, typer.Option("--input", "-i", metavar="DATA", help="The samples: a table with a header (.csv, .xlsx, .ods, .json).")
]
Target = Annotated[str, typer.Option("--target", metavar="COLUMNS", help="Its target columns: y, or y0,y1.")]
LossName = Annotated[
    str | None,
    typer.Option(
        "--loss",
        metavar="NAME",
        help="mse, half_mse, binary_crossentropy, categorical_crossentropy...; else the file's.",
        autocompletion=completion.losses,
    ),
]
OptimizerName = Annotated[
    str | None,
    typer.Option(
        "--optimizer",
        metavar="NAME",
        help="sgd, momentum, nesterov, rmsprop, adagrad or adam; else the file's.",
        autocompletion=completion.optimizers,
    ),
]
Rate = Annotated[float | None, typer.Option("--lr", metavar="RATE", help="Learning rate; else the file's.")]
Batch = Annotated[str, typer.Option("--batch", metavar="full|K", help="Samples an update, in the order of the file.")]
ByHand = Annotated[
    str | None, typer.Option("--by-hand", metavar="FILE", help="Check this calculation of the first step, and write no workbook.")
]
FORMATS = ("xlsx", "table", "json")
Seed = Annotated[int | None, typer.Option("--init", metavar="SEED", help="Start from random weights instead of the file's.")]


@dataclass(frozen=True)
class Training:
    """How to train, as the user asked for it; ``None`` where the file decides."""

    data: str
    target: str
    loss: str | None
    optimizer: str | None
    rate: float | None
    batch: str
    seed: int | None

    def record(self, model: Model) -> tuple[Epoch, Data]:
        """The recorded epoch, and its data."""
        from weightlens.training import prepare, units_of
        from weightlens.training.data import read_data
        from weightlens.training.recipe import as_in_prediction, squared_apart

        if self.batch != "full" and not (self.batch.isdigit() and int(self.batch) > 0):
            raise BadInput(f"--batch {self.batch!r}: full, or a number of samples")
        if layers := as_in_prediction(model):
            note(f"computed as in a prediction, without chance and without statistics of the batch: {', '.join(layers[:4])}")
        if tables := squared_apart(model, self.optimizer_of(model)):
            words = "a token that occurs twice in a batch gets one gradient; Keras 3 on TensorFlow squares that of each occurrence apart"
            note(f"{', '.join(tables[:4])}: {words}")
        read = read_data(self.data, self.target, model, units_of(model), note)
        options: dict[str, Any] = {"loss": self.loss, "optimizer": self.optimizer, "rate": self.rate, "seed": self.seed}
        return prepare(model, read.inputs, read.targets, batch=None if self.batch == "full" else int(self.batch), **options), read

    def optimizer_of(self, model: Model) -> str:
        """The name of the optimizer."""
        from weightlens.training import recipe_of

        return (self.optimizer or recipe_of(model).optimizer or "sgd").lower()

    def words(self, epoch: Epoch, model: Model) -> str:
        """The settings in one line, for the Data sheet."""
        from weightlens.training import recipe_of

        stated = recipe_of(model)
        samples = "all samples at once" if epoch.updates == 1 else f"{epoch.updates} batches an epoch"
        return f"loss {self.loss or stated.loss or 'mse'}, optimizer {self.optimizer_of(model)}, {samples}"


def train_sheet(
    model: ModelFile,
    data: DataFile,
    target: Target,
    loss: LossName = None,
    optimizer: OptimizerName = None,
    rate: Rate = None,
    epochs: Annotated[int, typer.Option("--epochs", metavar="N", min=0, help="Rows of the history.")] = 100,
    batch: Batch = "full",
    init: Seed = None,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="xlsx; table or json for the first step; else by the ending of -o.",
            autocompletion=completion.one_of(*FORMATS),
        ),
    ] = None,
    by_hand: ByHand = None,
    output: Output = None,
    force: Force = False,
    config: Config = None,
) -> None:
    """Write a workbook in which the network learns: every weight of every epoch is a live formula.

    \b
    weightlens train-sheet or.h5 -i or_data.csv --target y -o or_learns.xlsx
    weightlens train-sheet xor.h5 -i xor_data.csv --target y --loss half_mse --lr 1 --epochs 5000 --init 1
    weightlens train-sheet or.h5 -i or_data.csv --target y --format table
    weightlens train-sheet or.h5 -i or_data.csv --target y --by-hand mine.csv
    """
    asked = Training(data, target, loss, optimizer, rate, batch, init)
    if by_hand is not None:
        if output is not None:
            raise BadInput("-o does not go with --by-hand, which writes no workbook")
        check_step(ModelOptions(model, config).load(), asked, by_hand, output_format)
    out = Destination(output, force, output_format, FORMATS)
    if out.format == "xlsx":
        refuse_standard_output(output)
        out = replace(out, file=output or Path(Path(model).stem + "_learns.xlsx"))
    out.check(model, input=data, config=config)
    opened = ModelOptions(model, config).load()
    epoch, read = asked.record(opened)
    if out.format != "xlsx":
        from weightlens.terminal.print_trace import print_trace, write_json

        if epoch.remark:
            note(epoch.remark)
        first, titles = epoch.trace, [list(read.input_labels)] if len(read.inputs) == 1 else []
        json = partial(write_json, first, layers=(), command="train-sheet")
        out.write(lambda screen: print_trace(first, screen, titles=titles), json=lambda file: json(file=file))
        return
    write_sheet(opened, asked, epoch, read, epochs, out)


def check_step(model: Model, asked: Training, by_hand: str, output_format: str | None) -> NoReturn:
    """Compare a calculation of the first step by hand; exit with 1 where it differs."""
    from weightlens.checks.by_hand.compare import check_training_by_hand
    from weightlens.terminal.print_report import print_hand_report, write_report

    out = Destination(asked=None if output_format == "xlsx" else output_format)
    report = check_training_by_hand(asked.record(model)[0].trace, by_hand)
    out.write(lambda screen: print_hand_report(report, screen), json=lambda file: write_report(report, file))
    raise typer.Exit(0 if report.ok else 1)


def write_sheet(model: Model, asked: Training, epoch: Epoch, read: Data, epochs: int, out: Destination) -> None:
    """Write the workbook of the recorded epoch."""
    from weightlens.workbook.training.training_book import write_training_book

    assert out.file is not None
    with progress_bar("epochs", epochs + 1) as advance:
        write_training_book(
            epoch,
            epochs,
            out.file,
            model=model,
            title=model.name,
            recipe=asked.words(epoch, model),
            input_labels=read.input_labels,
            target_labels=read.target_labels,
            force=out.force,
            progress=lambda done, of: advance(1),
        )
    report_done(
        f"{out.file} written ({out.file.stat().st_size:,} bytes): {counted(epochs, 'epoch')}, {loss_words(epoch)}. "
        "Change the learning rate on its Data sheet.",
        *(advice(epoch) if epochs else []),
    )


def fit(
    model: ModelFile,
    data: DataFile,
    target: Target,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="NEW_MODEL", help="Where the trained model goes.")],
    loss: LossName = None,
    optimizer: OptimizerName = None,
    rate: Rate = None,
    epochs: Annotated[int, typer.Option("--epochs", metavar="N", min=1, help="How often to go through the data.")] = 100,
    batch: Batch = "full",
    init: Seed = None,
    force: Force = False,
    output_format: Format = "table",
    config: Config = None,
) -> None:
    """Train with the arithmetic of the training sheet, and write the trained model.

    \b
    weightlens fit or.h5 -i or_data.csv --target y --epochs 1000 -o or_trained.h5
    """
    from weightlens.formats.write_back import check_new_model, write_back

    Destination(output, force, "model", ("model",)).check(model, input=data, config=config)
    opened = ModelOptions(model, config).load()
    check_new_model(Path(model), output, force)
    epoch, _ = Training(data, target, loss, optimizer, rate, batch, init).record(opened)
    with progress_bar("epochs", epochs + 1) as advance:
        changed, accuracy = epoch.train(epochs, advance)
    write_back(Path(model), output, changed, force)
    hits = "" if accuracy is None else f", accuracy {accuracy:.1%}"
    before, after = epoch.seen or (None, None)
    words = advice(epoch)
    report_done(
        f"{printable_path(output)} written after {counted(epochs, 'epoch')}: {loss_words(epoch)}{hits}",
        *words,
        output_format=output_format,
        command="fit",
        file=str(output),
        epochs=epochs,
        loss_before=before,
        loss_after=after,
        accuracy=accuracy,
        advice=words,
    )


def advice(epoch: Epoch) -> list[str]:
    """What to change where the training hardly moved; nothing where it did."""
    from weightlens.workbook.training.teaching import hardly_moves

    words = hardly_moves(epoch)
    return [words] if words else []


def loss_words(epoch: Epoch) -> str:
    """``loss 0.43 -> 0.23``, after the epochs were replayed."""
    return "" if epoch.seen is None else "loss {:.6g} -> {:.6g}".format(*epoch.seen)
