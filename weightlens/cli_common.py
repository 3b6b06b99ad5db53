"""What the commands of the command line share: their options, how they open a model, where their output goes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import weightlens
from weightlens.errors import BadInput

if TYPE_CHECKING:
    from weightlens.model import Model
    from weightlens.terminal import Screen

ModelFile = Annotated[
    str, typer.Argument(metavar="MODEL", help="A saved Keras model: .h5, .hdf5, .keras, weights with or without architecture.")
]
Input = Annotated[
    str | None, typer.Option("--input", "-i", metavar="INPUT", help='"0,1", "0,0;0,1", -, a .csv, .npy or .npz file, or an image.')
]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output.")]
Config = Annotated[
    str | None, typer.Option("--config", metavar="FILE", help="The architecture (.json, .yaml) of a file that holds weights only.")
]
Assume = Annotated[
    str | None, typer.Option("--assume", metavar="STACK", help="The architecture of a plain stack, such as dense:relu,softmax.")
]
Part = Annotated[str | None, typer.Option("--layers", metavar="A..B", help="Only the layers from A to B; the input is then that of A.")]
Format = Annotated[str, typer.Option("--format", metavar="FORMAT", help="table, or json for machines.")]


def opened(path: str, config: str | None, assume: str | None, layers: str | None = None) -> Model:
    """The model, with the architecture it is assumed to have, cut to the layers asked for."""
    loaded = weightlens.load(path, config)
    if assume:
        from weightlens.formats.bare import assume as assumed

        loaded = assumed(loaded, assume)
    if layers:
        from weightlens.part import part

        loaded = part(loaded, layers)
        for text in loaded.notes[1:]:
            note(text)
    return loaded


def inputs_of(given: str | None, model: Model) -> list[Any]:
    """The input that was given, or a sensible one."""
    from weightlens.shapes import refuse_explosion

    if given is None:
        from weightlens.inputs import default_inputs

        found = default_inputs(model)
    else:
        from weightlens.input_files import read_inputs

        found = read_inputs(given, model, note)
    refuse_explosion(model, [x.shape[1:] for x in found])
    return found


def say_what_is_not_finite(model: Model) -> None:
    """A note for each weight that was computed with though some of its numbers are none."""
    odd = [f"{name} ({w.not_finite:,} of {w.size:,})" for name, w in model.weights.items() if w.not_finite]
    if odd:
        more = f" and {len(odd) - 4} more" if len(odd) > 4 else ""
        note(f"NaN or infinite numbers are in the weights {', '.join(odd[:4])}{more}")


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

    with replacing(output, force) as file:
        text = io.TextIOWrapper(file, "utf-8")
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


def unexpected(error: Exception) -> int:
    """Whatever else comes up: click's own refusals, and our mistakes, which are said to be ours."""
    import os

    if hasattr(error, "format_message"):  # a wrong option, a missing argument; empty where help was printed instead
        return refused(f"{error.format_message()} (--help lists what there is)") if error.format_message() else 2
    if type(error).__name__ == "Abort":
        return 130
    if os.environ.get("WEIGHTLENS_DEBUG"):
        raise error
    return refused(f"a mistake in weightlens itself, please report it: {type(error).__name__}: {error} (WEIGHTLENS_DEBUG=1 shows where)")
