"""What the commands of the command line share: their options, how they open a model, where their output goes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import weightlens
from weightlens.errors import BadInput

if TYPE_CHECKING:
    from weightlens.model import Model
    from weightlens.terminal import Screen
    from weightlens.wanted import Samples

ModelFile = Annotated[
    str, typer.Argument(metavar="MODEL", help="A saved Keras model: .h5, .hdf5, .keras, weights with or without architecture.")
]
Input = Annotated[
    str | None,
    typer.Option("--input", "-i", metavar="INPUT", help='"0,1", "0,0;0,1", -, or a file: .csv, .xlsx, .ods, .json, .npy, .npz, a picture.'),
]
Scale = Annotated[str | None, typer.Option("--scale", metavar="SCALE", help="Values of a picture: 1/255 or -1..1; else 0..255.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output.")]
Config = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="The architecture of a file of weights: .json, .yaml, .keras, .h5."),
]
Assume = Annotated[
    str | None, typer.Option("--assume", metavar="STACK", help="The architecture of a plain stack, such as dense:relu,softmax.")
]
Part = Annotated[str | None, typer.Option("--layers", metavar="A..B", help="Only the layers from A to B; the input is then that of A.")]
Format = Annotated[str, typer.Option("--format", metavar="FORMAT", help="table, or json for machines.")]

SUFFIXES: dict[str, tuple[str, ...]] = {  # by format: the usual one first
    "table": (".txt", ".text", ".log", ".out", ""),
    "csv": (".csv", ".txt", ""),
    "json": (".json", ".txt", ""),
    "npy": (".npy", ".npz"),
    "xlsx": (".xlsx",),
    "model": (".h5", ".hdf5", ".hdf", ".keras"),
}


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


def inputs_of(given: str | None, model: Model, scale: str | None = None) -> list[Any]:
    """The arrays of the input that was given, or sensible ones."""
    return samples_of(given, model, scale).arrays


def samples_of(given: str | None, model: Model, scale: str | None = None) -> Samples:
    """The input that was given, or a sensible one."""
    from weightlens.shapes import refuse_explosion, refuse_too_short
    from weightlens.state import state_note

    if given is None:
        from weightlens.inputs import default_inputs
        from weightlens.wanted import Samples

        if scale is not None:
            raise BadInput("--scale belongs to -i with a picture")
        found = Samples(default_inputs(model))
    else:
        from weightlens.input_files import read_samples

        found = read_samples(given, model, note, scale)
        refuse_too_short(model, [x.shape[1:] for x in found.arrays])
    refuse_explosion(model, [x.shape[1:] for x in found.arrays])
    if said := state_note(model, len(found.arrays[0])):
        note(said)
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


def ready(output: Path | None, force: bool, written: str, *models: str, formats: Sequence[str] = (), **read: str | Path | None) -> None:
    """Refuse an output that cannot be written before anything is computed: under a name of another kind, or over what is read.

    ``written`` is the format of the output, ``formats`` the others that ``--format`` has; ``read`` are the options that name files.
    """
    if output is None:
        return
    from weightlens.files import check_output, check_suffix
    from weightlens.formats import files_of

    inputs = [file for model in models for file in files_of(model)]
    for option, given in read.items():
        if given is not None:
            inputs += [(f"--{option}", Path(name)) for name in (str(given), str(given).partition("!")[0])]  # file.xlsx!Sheet1
    check_output(output, force, inputs)
    other = next((f" (or use --format {name})" for name in formats if output.suffix.lower() in SUFFIXES[name]), "")
    check_suffix(output, SUFFIXES[written], other)


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

    beside(f"Note: {clean(text, 300)}")


def progress_bar(title: str, total: int) -> Any:
    """A progress bar on a terminal, for what takes a while; gives the function that moves it on."""
    from weightlens.terminal.progress import progress

    return progress(title, total)


def refused(message: str) -> int:
    """Say in one line on stderr what is wrong; gives the exit code."""
    from weightlens.terminal.escape import clean

    with contextlib.suppress(OSError):  # full, or nobody reads on
        sys.stdout.flush()
    beside(f"Error: {clean(message, 1000)}")
    return 2


def beside(line: str) -> None:
    """One line on stderr; where that cannot be written, there is nobody to be told."""
    with contextlib.suppress(OSError):
        typer.echo(line, err=True)


def done(message: str) -> None:
    """One line that says what was written."""
    from weightlens.terminal.escape import clean

    typer.echo(clean(message, 1000))


def system_error(error: OSError) -> int:
    """Refuse for what the system says: no room, not permitted, closed. Output files say so themselves."""
    import os

    if error.errno is None or error.strerror != os.strerror(error.errno):  # HDF5's own
        return unexpected(error)
    return refused(f"{error.filename or 'standard input or output'}: cannot be read or written ({error.strerror})")


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
