"""The command line: parse, call the library, print. No mathematics, and no import before it is needed.

Annotations are evaluated once here (no ``from __future__ import annotations``): typer would evaluate each one again.
"""

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import weightlens
from weightlens.cli.common import (
    Assume,
    Config,
    Force,
    Format,
    Heat,
    Input,
    ModelFile,
    ModelOptions,
    Output,
    Part,
    Scale,
    progress_bar,
    samples_of,
)
from weightlens.cli.destination import Destination
from weightlens.cli.messages import note_non_finite_weights, quiet_pipe, report_error, system_error, unexpected_error
from weightlens.errors import WeightlensError
from weightlens.stopping import Stopped

if TYPE_CHECKING:
    from weightlens.model import Model
    from weightlens.terminal.show import Selection

COMMANDS = {  # where each one is defined; only the one that is called is imported
    "show": ("main", "show"),
    "trace": ("main", "trace"),
    "browse": ("browse", "browse"),
    "export": ("export", "export"),
    "check": ("check", "check"),
    "import": ("check", "import_"),
    "predict": ("main", "predict"),
    "diff": ("main", "diff"),
    "convert": ("convert", "convert"),
    "train-sheet": ("train", "train_sheet"),
    "fit": ("train", "fit"),
}


def application(arguments: list[str]) -> typer.Typer:
    """The app with only the command in the arguments, or with all: typer is slow for each option, used or not."""
    app = typer.Typer(
        name="weightlens",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(weightlens_command)
    for name in arguments[:1] if arguments and arguments[0] in COMMANDS else COMMANDS:
        module, function = COMMANDS[name]
        app.command(name)(getattr(importlib.import_module(f"weightlens.cli.{module}"), function))
    return app


def version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        typer.echo(f"weightlens {weightlens.__version__}")
        raise typer.Exit


def weightlens_command(
    version: Annotated[bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """See the arithmetic inside a trained Keras model.

    \b
    weightlens show   or.h5                  every layer and matrix
    weightlens trace  or.h5 -i "0,1"         one prediction, step by step
    weightlens browse or.h5                  look around in it
    weightlens export or.h5 -o or.xlsx       a workbook of live formulas
    weightlens check  or.h5                  is it what Keras computes?
    """


def show(
    model: ModelFile,
    layer: Annotated[list[str] | None, typer.Option("--layer", "-l", metavar="NAME", help="Only this layer; may be repeated.")] = None,
    grep: Annotated[
        str, typer.Option("--grep", metavar="TEXT", help="Only matrices whose layer/name matches this regular expression.")
    ] = "",
    cut: Annotated[str, typer.Option("--slice", metavar="INDEX", help='Only this part of each matrix that has it, such as "0,:5".')] = "",
    full: Annotated[bool, typer.Option("--full", help="Do not abbreviate.")] = False,
    precision: Annotated[int, typer.Option("--precision", "-p", min=0, max=17, help="Digits after the point.")] = 4,
    heat: Heat = False,
    stats: Annotated[bool, typer.Option("--stats", help="Smallest, largest, mean, zeros, NaN and a histogram instead of numbers.")] = False,
    tree: Annotated[bool, typer.Option("--tree", help="The raw tree of the file, with its attributes.")] = False,
    optimizer: Annotated[bool, typer.Option("--optimizer", help="The arrays of the optimizer too.")] = False,
    sha256: Annotated[bool, typer.Option("--sha256", help="The SHA-256 of the file, however large it is.")] = False,
    output_format: Annotated[str, typer.Option("--format", metavar="FORMAT", help="table, csv, json or npy.")] = "table",
    output: Output = None,
    force: Force = False,
    config: Config = None,
    assume: Assume = None,
) -> None:
    """Print the layers of a model and their matrices.

    \b
    weightlens show or.h5
    weightlens show vgg.h5 --layer block1_conv1 --slice "0,0,:,:8"
    weightlens show digits.keras --layer conv --heat
    weightlens show vgg.h5 --stats --grep kernel
    weightlens show or.h5 --grep dense/kernel --format csv -o kernel.csv
    weightlens show or.h5 --tree
    """
    from weightlens.terminal.show import Selection

    out = Destination(output, force, output_format, ("table", "csv", "json", "npy"))
    out = replace(out, format="table") if tree else out
    out.check(model, config=config)
    if tree:
        from weightlens.terminal.tree import tree as print_tree

        out.write(lambda screen: print_tree(Path(model), screen, full))
        return
    selection = Selection(tuple(layer or ()), grep, cut, full, precision, stats, optimizer, sha256, heat)
    show_model(ModelOptions(model, config, assume).load(), selection, out)


def show_model(model: "Model", selection: "Selection", out: Destination) -> None:
    """Write what is selected of a model."""
    if out.format == "table":
        from weightlens.terminal.show import show as print_model

        with progress_bar("reading", model.size * 2 if selection.stats else 0) as advance:
            out.write(lambda screen: print_model(model, screen, selection, advance))
        return
    from weightlens.terminal import machine

    as_npz = out.file is not None and out.file.suffix == ".npz"
    with out.opened() as file:
        if out.format == "csv":
            machine.write_csv(model, file, selection)
        elif out.format == "json":
            machine.write_json(model, file, selection)
        else:
            machine.write_npy(model, file, selection, as_npz)


def trace(
    model: ModelFile,
    given: Input = None,
    layer: Annotated[list[str] | None, typer.Option("--layer", "-l", metavar="NAME", help="Only this layer; may be repeated.")] = None,
    layers: Part = None,
    full: Annotated[bool, typer.Option("--full", help="Do not abbreviate.")] = False,
    precision: Annotated[int, typer.Option("--precision", "-p", min=0, max=17, help="Digits after the point.")] = 4,
    heat: Heat = False,
    scale: Scale = None,
    cells: Annotated[Path | None, typer.Option("--cells", metavar="BOOK", help="Name this workbook's cells beside the numbers.")] = None,
    output_format: Format = "table",
    output: Output = None,
    force: Force = False,
    config: Config = None,
    assume: Assume = None,
) -> None:
    """Print the arithmetic of a prediction, in words and in numbers.

    \b
    weightlens trace or.h5 -i "0,1"
    weightlens trace digits.keras -i digits.csv --layer dense
    weightlens trace digits.keras -i digits.csv --heat
    weightlens trace or.h5 -i or.csv --cells or.xlsx
    weightlens trace custom.h5 -i x.npy --layers conv1..pool3
    """
    from weightlens.engine.forward import trace as run
    from weightlens.terminal.print_trace import print_trace, write_json

    out = Destination(output, force, output_format)
    out.check(model, input=given, cells=cells, config=config)
    loaded, chosen = ModelOptions(model, config, assume, layers).load(), tuple(layer or ())
    for name in chosen:
        loaded.layer_named(name)
    samples = samples_of(given, loaded, scale)
    recorded = run(loaded, samples.arrays, stop_at_unsupported=True)
    places = None
    if cells is not None:
        from weightlens.spreadsheet.cell_values import read_book
        from weightlens.spreadsheet.cells_map import cells_of

        places = cells_of(read_book(cells), recorded)
    out.write(
        lambda screen: print_trace(recorded, screen, chosen, full, precision, places, samples.labels, heat),
        json=lambda file: write_json(recorded, file, chosen, places, samples.labels),
    )
    note_non_finite_weights(loaded)
    if recorded.stopped:
        raise WeightlensError(recorded.stopped)


def predict(
    model: ModelFile,
    given: Annotated[
        str, typer.Option("--input", "-i", metavar="INPUT", help='Rows: a file (.csv, .xlsx, .json, .npy...), -, or "0,0;0,1".')
    ],
    output: Output = None,
    force: Force = False,
    layers: Part = None,
    scale: Scale = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="Rows computed at a time.")] = 1000,
    config: Config = None,
    assume: Assume = None,
) -> None:
    """Predict for any number of rows, in flat memory.

    \b
    weightlens predict digits.keras -i digits.csv -o predictions.csv
    weightlens predict or.h5 -i "0,0;0,1"
    """
    from weightlens.cli.predict import Rows, write_predictions

    out = Destination(output, force, "csv", ("csv",))
    out.check(model, input=given, config=config)
    loaded, asked = ModelOptions(model, config, assume, layers).load(), Rows(given, rows, scale)
    with progress_bar("predicting", asked.count()) as advance, out.opened() as file:
        write_predictions(loaded, asked, file, advance)
    note_non_finite_weights(loaded)


def diff(
    first: Annotated[str, typer.Argument(metavar="MODEL_A", help="A saved Keras model.")],
    second: Annotated[str, typer.Argument(metavar="MODEL_B", help="Another one, of any version.")],
    tolerance: Annotated[float, typer.Option("--tolerance", min=0, help="Differences up to this are none.")] = 0.0,
    output_format: Format = "table",
    output: Output = None,
    force: Force = False,
) -> None:
    """What changed between two models. Exit code 1 where they differ.

    \b
    weightlens diff before.h5 after.keras
    weightlens diff a.h5 b.h5 --format json
    """
    from weightlens.difference import compare
    from weightlens.terminal.print_report import print_difference, write_difference

    out = Destination(output, force, output_format)
    out.check(first, second)
    difference = compare(weightlens.load(first), weightlens.load(second), tolerance)
    out.write(lambda screen: print_difference(difference, screen), json=lambda file: write_difference(difference, file))
    raise typer.Exit(0 if difference.same else 1)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code. 0: fine, 1: a difference was found, 2: bad input, explained in one line."""
    try:
        arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
        code = application(arguments)(arguments, standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except WeightlensError as error:
        return report_error(str(error))
    except (BrokenPipeError, SystemExit):  # nobody reads on (``| head``): click turns that into SystemExit
        quiet_pipe()
        return 0
    except Stopped as stopped:
        return stopped.code
    except KeyboardInterrupt:
        return 130
    except MemoryError:
        return report_error("there is not enough memory for this; --layer, --slice and --layers ask for less")
    except OSError as error:
        return system_error(error)
    except Exception as error:
        return unexpected_error(error)
