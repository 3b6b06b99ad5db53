"""Where a command writes: standard output, or a file that is replaced once the output is complete."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from weightlens.errors import BadInput
from weightlens.files import STANDARD_OUTPUT, check_output, check_suffix

if TYPE_CHECKING:
    from weightlens.terminal import Screen

SUFFIXES: dict[str, tuple[str, ...]] = {  # by format: the usual one first
    "table": (".txt", ".text", ".log", ".out", ""),
    "csv": (".csv", ".txt", ""),
    "json": (".json", ".txt", ""),
    "markdown": (".md", ".markdown", ".txt", ""),
    "npy": (".npy", ".npz"),
    "parquet": (".parquet", ".pq"),
    "xlsx": (".xlsx",),
    "html": (".html", ".htm"),
    "pdf": (".pdf",),
    "sarif": (".sarif", ".json"),
    "model": (".h5", ".hdf5", ".hdf", ".keras"),
}


@dataclass(frozen=True, eq=False, repr=False)
class Destination:
    """The output of a command: its file (``None``, or named ``-``: standard output) and its format, one of those that the command has.

    ``asked`` is what ``--format`` says; without it the ending of the file's name decides, and the usual format comes first.
    """

    file: Path | None = None
    force: bool = False
    asked: str | None = None
    formats: tuple[str, ...] = ("table", "json")

    def __post_init__(self) -> None:
        if self.file == STANDARD_OUTPUT:
            object.__setattr__(self, "file", None)
        if self.asked is not None:
            check_choice(self.asked, "--format", self.formats)

    @property
    def format(self) -> str:
        """What is written."""
        return self.asked or self.format_of_file() or self.formats[0]

    def format_of_file(self) -> str | None:
        """The format that the ending of the file's name stands for, as far as the command has it."""
        suffix = self.file.suffix.lower() if self.file is not None else ""
        return next((name for name in self.formats if suffix and suffix in SUFFIXES[name]), None)

    def check(self, *models: str, **read: str | Path | None) -> None:
        """Refuse a file that cannot be written, before any computing: a wrong suffix, or a file that is read.

        ``models`` are the model files of the command; ``read`` are its options that name files.
        """
        if self.file is None:
            if self.format in ("npy", "parquet", "xlsx") and sys.stdout.isatty():
                raise BadInput(f"--format {self.format} is not for a terminal; name a file with -o FILE")
            return
        from weightlens.formats import files_of

        inputs = [file for model in models for file in files_of(model)]
        for option, given in read.items():
            if given is not None:
                inputs += [(f"--{option}", Path(name)) for name in (str(given), str(given).partition("!")[0])]  # file.xlsx!Sheet1
        check_output(self.file, self.force, inputs)
        check_suffix(self.file, SUFFIXES[self.format], self.other_way())

    def other_way(self) -> str:
        """How else a file whose ending does not fit could be written."""
        if (name := self.format_of_file()) is not None:
            return f" (or use --format {name})"
        others = [SUFFIXES[name][0] for name in self.formats if name != self.format]
        return f" (or {', '.join(others)})" if others and self.asked is None else ""

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The output as a binary file, in place once it is complete."""
        if self.file is not None:
            from weightlens.files import replacing

            with replacing(self.file, self.force) as file:
                yield file
        else:
            sys.stdout.flush()
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()

    def write(self, lines: Callable[[Screen], None], **data: Callable[[BinaryIO], object]) -> None:
        """Write what the format asks for: ``data`` has a function for each format but ``table``, which is ``lines``."""
        from weightlens.terminal import Screen

        if self.format in data:
            with self.opened() as file:
                data[self.format](file)
        elif self.file is None:
            lines(Screen())
        else:
            with self.opened() as file:
                text = io.TextIOWrapper(file, "utf-8")
                lines(Screen(text, colour=False))
                text.flush()
                text.detach()


def check_choice(value: str, option: str, known: tuple[str, ...]) -> None:
    """Refuse a value that is not one of an option's choices."""
    if value not in known:
        raise BadInput(f"{option} {value}: it is one of {', '.join(known)}")
