"""What a workbook is to have: the options of ``weightlens.export`` and of the command ``export``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from weightlens.errors import BadInput

DETAILS = ("auto", "steps", "layers", "weights")

Progress = Callable[[str, int, int], None]
Warn = Callable[[str], None]


class ExportOptions(TypedDict, total=False):
    """The options by name, for whoever hands them on; each is explained in ``Options``."""

    labels: Sequence[str]
    input_labels: Sequence[str]
    detail: str
    target: ArrayLike | None
    exercise: bool
    blank: Sequence[str]
    switch: bool
    neuron: bool | None
    verify: bool
    with_keras: bool
    expected: Sequence[np.ndarray] | None
    witness: str
    force: bool
    progress: Progress | None
    warn: Warn | None


@dataclass(frozen=True)
class Options:
    """The options of one workbook; they mean the same on the command line and in the library.

    ``labels`` and ``input_labels`` name the classes and the columns of the input. ``detail``: ``steps``, ``layers`` (a
    block per layer), ``weights`` (matrices only, for any file) or ``auto``. ``target`` holds the true answers.
    ``exercise`` leaves steps to be filled in: those called ``blank``, or the usual ones. ``switch`` adds a cell that goes
    back to the original numbers. ``neuron`` adds the sheet on which one neuron is picked; ``None``: if the network is small.
    ``verify`` has a spreadsheet program recalculate the file and says so in it. ``with_keras`` puts Keras's numbers on the
    Check sheet, ``expected`` with ``witness`` (who computed them) any others. ``force`` overwrites; ``progress`` is told
    (sheet, cells written, of how many), ``warn`` before anything is written that hardly any program will open it.
    Raises ``BadInput`` for an unknown detail.
    """

    labels: Sequence[str] = ()
    input_labels: Sequence[str] = ()
    detail: str = "auto"
    target: Any = None
    exercise: bool = False
    blank: Sequence[str] = ()
    switch: bool = False
    neuron: bool | None = None
    verify: bool = False
    with_keras: bool = False
    expected: Sequence[np.ndarray] | None = None
    witness: str = "weightlens"
    force: bool = True
    progress: Progress | None = None
    warn: Warn | None = None

    def __post_init__(self) -> None:
        if self.detail not in DETAILS:
            raise BadInput(f"detail {self.detail!r}: it is one of {', '.join(DETAILS)}")

    def refuse(self, fields: Sequence[str], why: str) -> None:
        """Refuse the first of these fields that is asked for, by the name of its option on the command line."""
        asked = next((field for field in fields if getattr(self, field)), None)
        if asked is not None:
            raise BadInput(f"--{asked.replace('_', '-')}: {why}")

    def refuse_on_paper(self, path: Path) -> None:
        """Refuse a PDF of what is no exercise, and what a printed exercise does not have."""
        if not self.blanks:
            raise BadInput(f"{path}: a PDF is made of an exercise only (--exercise); print other workbooks from a spreadsheet program")
        why = "a printed exercise has no such thing; it belongs to a workbook (-o FILE.xlsx)"
        self.refuse(("switch", "neuron", "verify", "with_keras"), why)

    @property
    def blanks(self) -> bool:
        """Whether there are steps to be filled in."""
        return bool(self.blank) or self.exercise

    def input_names(self, width: int) -> list[str]:
        """A name for each column of an input: those given if they are as many, else ``x0``, ``x1``..."""
        return list(self.input_labels) if len(self.input_labels) == width else [f"x{j}" for j in range(width)]

    def class_names(self, width: int, shares: bool = True) -> list[str]:
        """A name for each unit of an output: those given if they are as many; else ``class 0``, where they are no shares ``unit 0``."""
        word = "class" if shares else "unit"
        return list(self.labels) if len(self.labels) == width else [f"{word} {j}" for j in range(width)]
