"""The command line: parse, call the library, print. No mathematics, and no import before it is needed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import weightlens
from weightlens.errors import BadInput, WeightlensError

if TYPE_CHECKING:
    from weightlens.model import Model
    from weightlens.terminal import Screen

app = typer.Typer(
    name="weightlens", add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip

ModelFile = Annotated[str, typer.Argument(metavar="MODEL", help="A saved Keras model: .h5, .hdf5, .keras, weights with or without architecture.")]
Input = Annotated[str | None, typer.Option("--input", "-i", metavar="INPUT", help='"0,1", "0,0;0,1", -, a .csv, .npy or .npz file, or an image.')]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output.")]
Config = Annotated[str | None, typer.Option("--config", metavar="FILE", help="The architecture (.json, .yaml) of a file that holds weights only.")]
Assume = Annotated[str | None, typer.Option("--assume", metavar="STACK", help="The architecture of a plain stack, such as dense:relu,softmax.")]
Part = Annotated[str | None, typer.Option("--layers", metavar="A..B", help="Only the layers from A to B; the input is then that of A.")]
Format = Annotated[str, typer.Option("--format", metavar="FORMAT", help="table, or json for machines.")]


def version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        typer.echo(f"weightlens {weightlens.__version__}")
        raise typer.Exit


@app.callback()
def weightlens_command(
    version: Annotated[bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """See the arithmetic inside a trained Keras model.

    \b
    weightlens show   or.h5                  every layer and matrix
    weightlens trace  or.h5 -i "0,1"         one prediction, step by step
    weightlens export or.h5 -o or.xlsx       a workbook of live formulas
    weightlens check  or.h5                  is it what Keras computes?
    """


@app.command()
def show(
    model: ModelFile,
    layer: Annotated[list[str] | None, typer.Option("--layer", "-l", metavar="NAME", help="Only this layer; may be repeated.")] = None,
    grep: Annotated[str, typer.Option("--grep", metavar="TEXT", help="Only matrices whose layer/name matches this regular expression.")] = "",
    cut: Annotated[str, typer.Option("--slice", metavar="INDEX", help='Only this part of each matrix, such as "0,:5".')] = "",
    full: Annotated[bool, typer.Option("--full", help="Do not abbreviate.")] = False,
    precision: Annotated[int, typer.Option("--precision", "-p", min=0, max=17, help="Digits after the point.")] = 4,
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
    weightlens show vgg.h5 --stats --grep kernel
    weightlens show or.h5 --grep dense/kernel --format csv -o kernel.csv
    weightlens show or.h5 --tree
    """
    from weightlens.terminal.show import Wish

    one_of(output_format, "--format", ("table", "csv", "json", "npy"))
    wish = Wish(tuple(layer or ()), grep, cut, full, precision, stats, optimizer, sha256)
    ready(output, force)
    if tree:
        from weightlens.terminal.tree import tree as print_tree

        to_screen(output, force, lambda screen: print_tree(Path(model), screen, full))
        return
    loaded = opened(model, config, assume)
    if output_format == "table":
        from weightlens.terminal.show import show as print_model

        with progress_bar("reading", loaded.size * 2 if stats else 0) as advance:
            to_screen(output, force, lambda screen: print_model(loaded, screen, wish, advance))
        return
    from weightlens.terminal import machine

    writers: dict[str, Callable[[Any], None]] = {
        "csv": lambda file: machine.write_csv(loaded, file, wish),
        "json": lambda file: machine.write_json(loaded, file, wish),
        "npy": lambda file: machine.write_npy(loaded, file, wish, output is not None and output.suffix == ".npz"),
    }
    to_bytes(output, force, writers[output_format], binary=output_format == "npy")


@app.command()
def trace(
    model: ModelFile,
    given: Input = None,
    layer: Annotated[list[str] | None, typer.Option("--layer", "-l", metavar="NAME", help="Only this layer; may be repeated.")] = None,
    layers: Part = None,
    full: Annotated[bool, typer.Option("--full", help="Do not abbreviate.")] = False,
    precision: Annotated[int, typer.Option("--precision", "-p", min=0, max=17, help="Digits after the point.")] = 4,
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
    weightlens trace custom.h5 -i x.npy --layers conv1..pool3
    """
    from weightlens.forward import trace as run
    from weightlens.terminal.trace import print_trace, write_json

    one_of(output_format, "--format", ("table", "json"))
    ready(output, force)
    loaded = opened(model, config, assume, layers)
    for name in layer or ():
        loaded.layer_named(name)
    found = run(loaded, inputs_of(given, loaded), stop_at_unsupported=True)
    if output_format == "json":
        to_bytes(output, force, lambda file: write_json(found, file, layer or ()))
    else:
        to_screen(output, force, lambda screen: print_trace(loaded, found, screen, tuple(layer or ()), full, precision))
    if found.stopped:
        raise WeightlensError(found.stopped)


@app.command()
def predict(
    model: ModelFile,
    given: Annotated[str, typer.Option("--input", "-i", metavar="INPUT", help="Rows: a .csv or .npy file, -, or \"0,0;0,1\".")],
    output: Output = None,
    force: Force = False,
    layers: Part = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="Rows computed at a time.")] = 1000,
    config: Config = None,
    assume: Assume = None,
) -> None:
    """Predict for any number of rows, in flat memory.

    \b
    weightlens predict digits.keras -i digits.csv -o predictions.csv
    weightlens predict or.h5 -i "0,0;0,1"
    """
    from weightlens.predictions import count_rows, write_predictions

    ready(output, force)
    loaded = opened(model, config, assume, layers)
    with progress_bar("predicting", count_rows(given)) as advance:
        to_bytes(output, force, lambda file: write_predictions(loaded, given, file, rows, advance, note))


@app.command()
def diff(
    first: Annotated[str, typer.Argument(metavar="MODEL_A", help="A saved Keras model.")],
    second: Annotated[str, typer.Argument(metavar="MODEL_B", help="Another one, of any version.")],
    tolerance: Annotated[float, typer.Option("--tolerance", min=0, help="Differences up to this are none.")] = 0.0,
    output_format: Format = "table",
    output: Output = None,
    force: Force = False,
) -> None:
    """What changed between two models: layers, shapes, types, weights. Exit code 1 where they differ.

    \b
    weightlens diff before.h5 after.keras
    weightlens diff a.h5 b.h5 --format json
    """
    from weightlens.diff import compare
    from weightlens.terminal.report import print_difference, write_difference

    one_of(output_format, "--format", ("table", "json"))
    ready(output, force)
    found = compare(weightlens.load(first), weightlens.load(second), tolerance)
    if output_format == "json":
        to_bytes(output, force, lambda file: write_difference(found, file))
    else:
        to_screen(output, force, lambda screen: print_difference(found, screen))
    raise typer.Exit(0 if found.same else 1)


# What the commands share ---------------------------------------------------------------------------------------


def opened(path: str, config: str | None, assume: str | None, layers: str | None = None) -> Model:
    """The model, with the architecture it is assumed to have, cut to the layers asked for."""
    loaded = weightlens.load(path, config)
    if assume:
        from weightlens.formats import assume as assumed

        loaded = assumed(loaded, assume)
    if layers:
        from weightlens.part import part

        loaded = part(loaded, layers)
    return loaded


def inputs_of(given: str | None, model: Model) -> list[Any]:
    """The input that was given, or a sensible one."""
    if given is None:
        from weightlens.inputs import default_inputs

        return default_inputs(model)
    from weightlens.input_files import read_inputs

    return read_inputs(given, model, note)


def one_of(value: str, option: str, known: tuple[str, ...]) -> None:
    """Refuse a value that an option does not have."""
    if value not in known:
        raise BadInput(f"{option} {value}: it is one of {', '.join(known)}")


def ready(output: Path | None, force: bool) -> None:
    """Refuse an output that cannot be written before anything is computed."""
    if output is not None:
        from weightlens.files import check_output

        check_output(output, force)


def to_screen(output: Path | None, force: bool, write: Callable[[Screen], None]) -> None:
    """Print lines, or write them to a file all at once."""
    from weightlens.terminal import Screen

    if output is None:
        write(Screen())
        return
    import io

    from weightlens.files import replacing

    with replacing(output, force) as file, io.TextIOWrapper(file, "utf-8", write_through=False) as text:
        write(Screen(text, colour=False))
        text.flush()
        text.detach()


def to_bytes(output: Path | None, force: bool, write: Callable[[Any], None], binary: bool = False) -> None:
    """Write data to a file all at once, or to standard output."""
    if output is not None:
        from weightlens.files import replacing

        with replacing(output, force) as file:
            write(file)
    elif binary and sys.stdout.isatty():
        raise BadInput("this format is not for a terminal; name a file with -o FILE")
    else:
        sys.stdout.flush()
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()


def note(text: str) -> None:
    """One line beside the output."""
    from weightlens.terminal.escape import clean

    typer.echo(f"Note: {clean(text, 300)}", err=True)


def progress_bar(title: str, total: int) -> Any:
    """A progress bar on a terminal, for what takes a while; gives the function that moves it on."""
    from weightlens.terminal.progress import progress

    return progress(title, total)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; gives the exit code. 0: fine, 1: a difference was found, 2: bad input, one line said why."""
    try:
        code = app(arguments, standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except WeightlensError as error:
        return refused(str(error))
    except BrokenPipeError:
        quiet_pipe()
        return 0
    except KeyboardInterrupt:
        return 130
    except MemoryError:
        return refused("there is not enough memory for this; --layer, --slice and --layers ask for less")
    except Exception as error:
        if hasattr(error, "format_message"):  # click's own: a wrong option, a missing argument
            return refused(f"{error.format_message()} (weightlens --help lists what there is)" if str(error) else "") if error.format_message() else 2
        if type(error).__name__ == "Abort":
            return 130
        raise


def refused(message: str) -> int:
    """Say in one line on stderr what is wrong; gives the exit code."""
    from weightlens.terminal.escape import clean

    sys.stdout.flush()
    typer.echo(f"Error: {clean(message, 1000)}", err=True)
    return 2


def quiet_pipe() -> None:
    """Nobody reads on (``| head``): let Python end without complaining."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
