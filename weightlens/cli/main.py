"""The command line: parse, call the library, print. No mathematics, and no import before it is needed."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weightlens.cli import completion
from weightlens.cli.commands import COMMANDS, application
from weightlens.cli.common import (
    Assume,
    Config,
    Force,
    FormatOfFile,
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
from weightlens.cli.messages import note, note_non_finite_weights, report_error, unexpected_error
from weightlens.errors import BadInput, WeightlensError
from weightlens.stopping import Stopped
from weightlens.terminal import QUIET

if TYPE_CHECKING:
    from weightlens.model import Model
    from weightlens.terminal.show import Selection

__all__ = ["COMMANDS", "main"]
FORMATS, TREE_FORMATS, SUMMARY_FORMATS = ("table", "csv", "json", "npy", "parquet"), ("table", "json"), ("table", "json", "csv", "markdown")
LayerNames = Annotated[
    list[str] | None,
    typer.Option(
        "--layer",
        "-l",
        metavar="NAME",
        help='Only this layer, or those like "conv*"; may be repeated.',
        autocompletion=completion.layer_names,
    ),
]


def show(
    model: ModelFile,
    layer: LayerNames = None,
    grep: Annotated[
        str, typer.Option("--grep", metavar="TEXT", help="Only matrices whose layer/name matches this regular expression.")
    ] = "",
    cut: Annotated[str, typer.Option("--slice", metavar="INDEX", help='Only this part of each matrix that has it, such as "0,:5".')] = "",
    full: Annotated[bool, typer.Option("--full", help="Do not abbreviate.")] = False,
    precision: Annotated[int, typer.Option("--precision", "-p", metavar="N", min=0, max=17, help="Digits after the point.")] = 4,
    heat: Heat = False,
    stats: Annotated[bool, typer.Option("--stats", help="Smallest, largest, mean, zeros, NaN and a histogram instead of numbers.")] = False,
    summary: Annotated[bool, typer.Option("--summary", help="The table of Keras's summary(): layers, shapes, parameters.")] = False,
    textconv: Annotated[bool, typer.Option("--textconv", help="Stable text for git diff; a broken file is one line.")] = False,
    tree: Annotated[bool, typer.Option("--tree", help="The raw tree of the file, with its attributes.")] = False,
    optimizer: Annotated[bool, typer.Option("--optimizer", help="The arrays of the optimizer too.")] = False,
    sha256: Annotated[bool, typer.Option("--sha256", help="The SHA-256 of the file, however large it is.")] = False,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="table, csv, json, npy, parquet; with --summary markdown; else by the ending of -o.",
            autocompletion=completion.one_of(*FORMATS, "markdown"),
        ),
    ] = None,
    output: Output = None,
    force: Force = False,
    config: Config = None,
    assume: Assume = None,
) -> None:
    """Print the layers of a model and their matrices.

    \b
    weightlens show or.h5
    weightlens show vgg.h5 --summary --format markdown
    weightlens show vgg.h5 --layer "block1_conv*" --stats
    weightlens show vgg.h5 --layer block1_conv1 --slice "0,0,:,:8"
    weightlens show digits.keras --layer conv --heat
    weightlens show vgg.h5 --stats --grep kernel
    weightlens show or.h5 --grep dense/kernel -o kernel.csv
    weightlens show or.h5 --tree
    """
    from weightlens.terminal.show import Selection

    formats = ("table",) if textconv else SUMMARY_FORMATS if summary else TREE_FORMATS if tree else FORMATS
    out = Destination(output, force, output_format, formats)
    out.check(model, config=config)
    selection = Selection(tuple(layer or ()), grep, cut, full, precision, stats, optimizer, sha256, heat)
    refuse_together(selection, {"--textconv": textconv, "--summary": summary, "--tree": tree})
    refuse_heat(heat, out.format)
    opening = ModelOptions(model, config, assume)
    if textconv:
        from weightlens.terminal.textconv import text_of_file

        out.write(lambda screen: screen.lines(text_of_file(Path(model), opening.load)))
        return
    if tree:
        if config or assume:
            raise BadInput("--tree shows the file as it is: it goes without --config and --assume")
        from weightlens.terminal.tree import tree as print_tree
        from weightlens.terminal.tree import write_json

        out.write(lambda screen: print_tree(Path(model), screen, full), json=lambda file: write_json(Path(model), file, full))
        return
    loaded = opening.load()
    if summary:
        show_summary(loaded, out, sha256)
        return
    show_model(loaded, selection, out)


def refuse_together(selection: "Selection", views: dict[str, bool]) -> None:
    """Refuse two views of a model at once, and a view of the whole model with options that choose a part of it."""
    asked = [option for option, wanted in views.items() if wanted]
    if len(asked) > 1:
        raise BadInput(f"{' and '.join(asked)}: ask for one of them")
    if asked and asked != ["--tree"] and selection._replace(full=False, precision=4, sha256=False) != type(selection)():
        raise BadInput(f"{asked[0]} is about the whole model: it goes without options that choose layers or matrices")


def refuse_heat(heat: bool, output_format: str) -> None:
    """Refuse pictures where numbers for other programs are asked for."""
    if heat and output_format != "table":
        raise BadInput(f"--heat draws matrices for people: it goes without --format {output_format}")


def show_summary(model: "Model", out: Destination, always_hash: bool) -> None:
    """Write the summary; on a screen below what the file says of itself."""
    from weightlens.terminal.machine import json_line
    from weightlens.terminal.show import heading_lines

    table = model.summary()
    out.write(
        lambda screen: screen.lines([*heading_lines(model, screen, always_hash), "", *table.lines(screen)]),
        json=lambda file: file.write(json_line("show", summary=table.as_dict())),
        csv=lambda file: file.write(table.csv().encode()),
        markdown=lambda file: file.write(table.markdown().encode()),
    )


def show_model(model: "Model", selection: "Selection", out: Destination) -> None:
    """Write what is selected of a model."""
    if out.format == "table":
        from weightlens.terminal.show import show as print_model

        with progress_bar("reading", model.size * 2 if selection.stats else 0) as advance:
            out.write(lambda screen: print_model(model, screen, selection, advance))
        return
    from weightlens.terminal import machine

    with out.opened() as file:
        if out.format == "npy":
            machine.write_npy(model, file, selection, several=out.file is not None and out.file.suffix == ".npz")
        else:
            getattr(machine, f"write_{out.format}")(model, file, selection)


def trace(
    model: ModelFile,
    given: Input = None,
    layer: LayerNames = None,
    layers: Part = None,
    full: Annotated[bool, typer.Option("--full", help="Do not abbreviate.")] = False,
    precision: Annotated[int, typer.Option("--precision", "-p", metavar="N", min=0, max=17, help="Digits after the point.")] = 4,
    heat: Heat = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say what each layer and each step is for.")] = False,
    scale: Scale = None,
    cells: Annotated[Path | None, typer.Option("--cells", metavar="BOOK", help="Name this workbook's cells beside the numbers.")] = None,
    output_format: FormatOfFile = None,
    output: Output = None,
    force: Force = False,
    config: Config = None,
    assume: Assume = None,
) -> None:
    """Print the arithmetic of a prediction, in words and in numbers.

    \b
    weightlens trace or.h5 -i "0,1"
    weightlens trace or.h5 -i "0,1" --explain
    weightlens trace digits.keras -i digits.csv --layer dense
    weightlens trace digits.keras -i digits.csv --heat
    weightlens trace or.h5 -i or.csv --cells or.xlsx
    weightlens trace custom.h5 -i x.npy --layers conv1..pool3
    """
    from weightlens.engine.forward import trace as run
    from weightlens.inputs.defaults import default_words
    from weightlens.terminal.describe import layers_called
    from weightlens.terminal.print_trace import Looks, print_trace, write_json

    out = Destination(output, force, output_format)
    out.check(model, input=given, cells=cells, config=config)
    refuse_heat(heat, out.format)
    loaded = ModelOptions(model, config, assume, layers).load()
    chosen = layers_called(loaded, layer or ())
    samples = samples_of(given, loaded, scale)
    recorded = run(loaded, samples.arrays, stop_at_unsupported=True)
    places, looks = None, Looks(full, precision, heat, explain)
    if cells is not None:
        from weightlens.spreadsheet.cell_values import read_book
        from weightlens.spreadsheet.cells_map import cells_of

        places = cells_of(read_book(cells), recorded)
    out.write(
        lambda screen: print_trace(recorded, screen, chosen, looks, places, samples.labels),
        json=lambda file: write_json(recorded, file, chosen, places, samples.labels, explain=explain),
    )
    note_non_finite_weights(loaded)
    if recorded.stopped:
        raise WeightlensError(recorded.stopped)
    if given is None:
        note(default_words(loaded))


def run(arguments: list[str]) -> int:
    """Run what the arguments ask for; returns the exit code."""
    QUIET.set(False)
    if os.environ.get(completion.ASKED_BY_SHELL):
        return completion.answer(application([]))
    if arguments[0] in ("--install-completion", "--show-completion"):
        completion.set_up(arguments[0], arguments[1:])
        return 0
    if arguments[0] in ("--quiet", "-q"):  # for every command: it may stand before the command, too
        arguments = [arguments[1], arguments[0], *arguments[2:]] if arguments[1:] else ["--help"]
    code = application(arguments)(arguments, prog_name="weightlens", standalone_mode=False)
    return code if isinstance(code, int) else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code. 0: fine, 1: a difference was found, 2: bad input, explained in one line."""
    try:
        arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
        code = run(arguments)
        sys.stdout.flush()
        return code
    except WeightlensError as error:
        return report_error(str(error))
    except (BrokenPipeError, SystemExit):  # nobody reads on (``| head``): click turns that into SystemExit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python ends quietly
        return 0
    except Stopped as stopped:
        return stopped.code
    except KeyboardInterrupt:
        return 130
    except MemoryError:
        return report_error("there is not enough memory for this; --layer, --slice and --layers ask for less")
    except Exception as error:
        return unexpected_error(error)
