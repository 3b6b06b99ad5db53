"""What the commands share: options, opening a model, writing output."""

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
    from weightlens.inputs.samples import Samples
    from weightlens.model import Model
    from weightlens.terminal import Screen

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
    "html": (".html", ".htm"),
    "model": (".h5", ".hdf5", ".hdf", ".keras"),
}


def open_model(path: str, config: str | None, assume: str | None, layers: str | None = None) -> Model:
    """The model, with its assumed architecture, cut to the layers asked for."""
    loaded = weightlens.load(path, config)
    if assume:
        from weightlens.formats.bare import assume_dense_stack as assumed

        loaded = assumed(loaded, assume)
    if layers:
        from weightlens.part import part

        loaded = part(loaded, layers)
        for text in loaded.notes[1:]:
            note(text)
    return loaded


def inputs_of(given: str | None, model: Model, scale: str | None = None) -> list[Any]:
    """The arrays of the given input, or default ones."""
    return samples_of(given, model, scale).arrays


def samples_of(given: str | None, model: Model, scale: str | None = None) -> Samples:
    """The given input, or a default one."""
    from weightlens.engine.output_shapes import refuse_explosion, refuse_too_short
    from weightlens.engine.state import state_note

    if given is None:
        from weightlens.inputs.defaults import default_inputs
        from weightlens.inputs.samples import Samples

        if scale is not None:
            raise BadInput("--scale belongs to -i with a picture")
        samples = Samples(default_inputs(model))
    else:
        from weightlens.inputs.given import read_samples

        samples = read_samples(given, model, note, scale)
        refuse_too_short(model, [x.shape[1:] for x in samples.arrays])
    refuse_explosion(model, [x.shape[1:] for x in samples.arrays])
    if said := state_note(model, len(samples.arrays[0])):
        note(said)
    return samples


def note_non_finite_weights(model: Model) -> None:
    """A note on the weights in use that contain NaN or infinities."""
    odd = [f"{name} ({w.not_finite:,} of {w.size:,})" for name, w in model.weights.items() if w.not_finite]
    if odd:
        more = f" and {len(odd) - 4} more" if len(odd) > 4 else ""
        note(f"NaN or infinite numbers are in the weights {', '.join(odd[:4])}{more}")


def check_choice(value: str, option: str, known: tuple[str, ...]) -> None:
    """Refuse a value that is not one of an option's choices."""
    if value not in known:
        raise BadInput(f"{option} {value}: it is one of {', '.join(known)}")


def check_output_option(
    output: Path | None, force: bool, written: str, *models: str, formats: Sequence[str] = (), **read: str | Path | None
) -> None:
    """Refuse an output that cannot be written, before any computing: a wrong suffix, or a file that is read.

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


def write_lines(output: Path | None, force: bool, write: Callable[[Screen], None]) -> None:
    """Print lines, or write them to a file when complete."""
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


def write_data(output: Path | None, force: bool, write: Callable[[Any], None], binary: bool = False) -> None:
    """Write data to a file when complete, or to standard output."""
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
    """Print a note on stderr."""
    from weightlens.terminal.escape import clean

    print_to_stderr(f"Note: {clean(text, 300)}")


def progress_bar(title: str, total: int) -> Any:
    """A progress bar for long tasks, on a terminal; yields the function that advances it."""
    from weightlens.terminal.progress import progress

    return progress(title, total)


def report_error(message: str) -> int:
    """Print an error in one line on stderr; returns the exit code."""
    from weightlens.terminal.escape import clean

    with contextlib.suppress(OSError):  # full, or nobody reads on
        sys.stdout.flush()
    print_to_stderr(f"Error: {clean(message, 1000)}")
    return 2


def print_to_stderr(line: str) -> None:
    """Print a line on stderr, ignoring errors: there is nowhere to report them."""
    with contextlib.suppress(OSError):
        typer.echo(line, err=True)


def report_done(message: str) -> None:
    """Print one line that says what was written."""
    from weightlens.terminal.escape import clean

    typer.echo(clean(message, 1000))


def system_error(error: OSError) -> int:
    """Report an error of the operating system: no space, no permission, closed. Output files report their own."""
    import os

    if error.errno is None or error.strerror != os.strerror(error.errno):  # HDF5's own
        return unexpected_error(error)
    return report_error(f"{error.filename or 'standard input or output'}: cannot be read or written ({error.strerror})")


def quiet_pipe() -> None:
    """Let Python end quietly after a broken pipe (``| head``)."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def unexpected_error(error: Exception) -> int:
    """Report any other exception: click's own errors, and our bugs, which are called so."""
    import os

    if hasattr(error, "format_message"):  # a wrong option, a missing argument; empty where help was printed instead
        return report_error(f"{error.format_message()} (--help lists what there is)") if error.format_message() else 2
    if type(error).__name__ == "Abort":
        return 130
    if os.environ.get("WEIGHTLENS_DEBUG"):
        raise error
    return report_error(
        f"a mistake in weightlens itself, please report it: {type(error).__name__}: {error} (WEIGHTLENS_DEBUG=1 shows where)"
    )
