"""The commands ``check`` and ``diff``: compare results, and models."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import weightlens
from weightlens.cli import completion
from weightlens.cli.common import (
    Assume,
    Config,
    Force,
    Format,
    FormatOfFile,
    Input,
    ModelFile,
    ModelOptions,
    Output,
    Part,
    Scale,
    samples_of,
)
from weightlens.cli.destination import Destination
from weightlens.cli.messages import note, note_non_finite_weights
from weightlens.errors import BadInput

if TYPE_CHECKING:
    from weightlens.checks import Report
    from weightlens.model import Model
    from weightlens.terminal import Screen

MANY_WEIGHTS = 5_000_000  # from here on, or with many layers, Keras is slow enough for a progress bar
Workbook = Annotated[Path | None, typer.Option("--workbook", metavar="FILE", help="Recalculate this workbook, compare every step.")]
ByHand = Annotated[
    str | None, typer.Option("--by-hand", metavar="FILE", help="A calculation by hand: a table (.csv, .xlsx, .ods...), or - to type it.")
]
Areas = Annotated[list[str] | None, typer.Option("--range", metavar="AREA", help="Where it stands: Sheet1!G3:H6; may be repeated.")]
Steps = Annotated[list[str] | None, typer.Option("--step", metavar="STEP", help="The step in that range: dense/pre-activation.")]


def check(
    model: ModelFile,
    given: Input = None,
    scale: Scale = None,
    workbook: Workbook = None,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            metavar="NAME",
            help="libreoffice, gnumeric or ironcalc.",
            autocompletion=completion.engines,
        ),
    ] = None,
    by_hand: ByHand = None,
    areas: Areas = None,
    steps: Steps = None,
    tolerance: Annotated[float | None, typer.Option("--tolerance", metavar="X", min=0, help="Relative difference that is allowed.")] = None,
    layers: Part = None,
    output_format: Format = "table",
    config: Config = None,
    assume: Assume = None,
) -> None:
    """Compare with Keras; or a workbook, or a calculation by hand, with us.

    Exit code 1 where they differ. A calculation by hand is a row of outputs for each sample, or a table
    layer,step,sample,unit,value; the first step that differs is explained.

    \b
    weightlens check or.h5
    weightlens check digits.keras -i digits.csv
    weightlens check or.h5 --workbook or.xlsx
    weightlens check or.h5 -i or.csv --by-hand mine.csv
    weightlens check or.h5 -i or.csv --by-hand mine.xlsx --range Sheet1!G3:H6 --step dense/pre-activation
    """
    from weightlens.terminal.print_report import write_report

    out = Destination(asked=output_format)
    asked = CheckOptions(given, scale, workbook, engine, by_hand, tuple(areas or ()), tuple(steps or ()), tolerance, layers)
    asked.refuse_without_effect()
    loaded = ModelOptions(model, config, assume, layers).load()
    report, printed = checked(loaded, asked)
    note_non_finite_weights(loaded)
    out.write(lambda screen: printed(report, screen), json=lambda file: write_report(report, file))
    raise typer.Exit(0 if report.ok else 1)


@dataclass(frozen=True)
class CheckOptions:
    """What to compare with what, as the user asked for it."""

    given: str | None
    scale: str | None
    workbook: Path | None
    engine: str | None
    by_hand: str | None
    areas: tuple[str, ...]
    steps: tuple[str, ...]
    tolerance: float | None
    layers: str | None

    def refuse_without_effect(self) -> None:
        """Refuse options that would have no effect together."""
        if self.by_hand is not None and self.workbook is not None:
            raise BadInput("--by-hand and --workbook are two checks: ask for one at a time")
        book = self.workbook is not None
        sheet = self.by_hand is not None and self.by_hand.lower().endswith((".xlsx", ".xlsm"))
        rules = (
            ("--range", self.areas, sheet, "--by-hand FILE.xlsx"),
            ("--step", self.steps, sheet, "--by-hand FILE.xlsx"),
            ("--engine", self.engine, book, "--workbook"),
            (
                "--tolerance",
                self.tolerance,
                self.by_hand is None,
                "the checks against Keras and of workbooks; a calculation by hand is compared at its digits",
            ),
            ("--layers", self.layers, self.by_hand is not None or book, "--workbook and --by-hand; Keras computes the whole network"),
            ("--scale", self.scale, self.given is not None, "-i with a picture"),
            ("-i", self.given, not book, "the checks against Keras and by hand; a workbook holds its own inputs"),
        )
        for option, value, fits, belongs in rules:
            if value not in (None, ()) and not fits:
                raise BadInput(f"{option} belongs to {belongs}")


def checked(model: "Model", asked: CheckOptions) -> "tuple[Report, Callable[[Any, Screen], None]]":
    """The report of the check that was asked for, and the function that prints it."""
    from weightlens import checks
    from weightlens.terminal.print_report import print_report

    limit: dict[str, Any] = {} if asked.tolerance is None else {"tolerance": asked.tolerance}
    if asked.by_hand is not None:
        from weightlens.terminal.print_report import print_hand_report

        if asked.by_hand == "-" and sys.stdin.isatty():
            note("type a row of outputs for each sample, or lines under a first line layer,step,sample,unit,value; end with Ctrl-D")
        inputs = None if asked.given is None else samples_of(asked.given, model, asked.scale).arrays
        return checks.check_by_hand(model, inputs, asked.by_hand, asked.areas, asked.steps), print_hand_report
    if asked.workbook is not None:
        return checks.check_workbook(asked.workbook, model, asked.engine, **limit), print_report
    from weightlens.checks.keras import MANY_LAYERS, STAGES
    from weightlens.terminal.progress import progress_stages

    with progress_stages(len(STAGES), len(model.layers) > MANY_LAYERS or model.size > MANY_WEIGHTS) as stage:
        return checks.check(model, samples_of(asked.given, model, asked.scale).arrays, stage=stage, **limit), print_report


def diff(
    first: Annotated[str, typer.Argument(metavar="MODEL_A", help="A saved Keras model.")],
    second: Annotated[str, typer.Argument(metavar="MODEL_B", help="Another one, of any version.")],
    tolerance: Annotated[float, typer.Option("--tolerance", metavar="X", min=0, help="Differences up to this are none.")] = 0.0,
    output_format: FormatOfFile = None,
    output: Output = None,
    force: Force = False,
) -> None:
    """What changed between two models. Exit code 1 where they differ.

    \b
    weightlens diff before.h5 after.keras
    weightlens diff a.h5 b.h5 -o changes.json
    """
    from weightlens.difference import compare
    from weightlens.terminal.print_report import print_difference, write_difference

    out = Destination(output, force, output_format)
    out.check(first, second)
    difference = compare(weightlens.load(first), weightlens.load(second), tolerance)
    out.write(lambda screen: print_difference(difference, screen), json=lambda file: write_difference(difference, file))
    raise typer.Exit(0 if difference.same else 1)
