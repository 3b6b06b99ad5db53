"""The commands ``check`` and ``import``: compare results, and carry changes back into a model.

Annotations are evaluated once here (no ``from __future__ import annotations``): typer would evaluate each one again.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from weightlens.cli.common import (
    Assume,
    Config,
    Force,
    Format,
    Input,
    ModelFile,
    Part,
    Scale,
    check_choice,
    inputs_of,
    note,
    note_non_finite_weights,
    open_model,
    report_done,
    write_data,
    write_lines,
)
from weightlens.errors import BadInput

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
    engine: Annotated[str | None, typer.Option("--engine", metavar="NAME", help="libreoffice, gnumeric or ironcalc.")] = None,
    by_hand: ByHand = None,
    areas: Areas = None,
    steps: Steps = None,
    tolerance: Annotated[float | None, typer.Option("--tolerance", min=0, help="Relative difference that is allowed.")] = None,
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
    from weightlens import checks
    from weightlens.terminal.print_report import print_report, write_report

    check_choice(output_format, "--format", ("table", "json"))
    options = {"--range": areas, "--step": steps, "--engine": engine, "--tolerance": tolerance, "-i": given, "--layers": layers}
    check_options(by_hand, workbook, options | {"--scale": scale})
    loaded = open_model(model, config, assume, layers)
    limit: dict[str, Any] = {} if tolerance is None else {"tolerance": tolerance}
    report: checks.Report
    show: Any = print_report
    if by_hand is not None:
        from weightlens.terminal.print_by_hand import print_hand_report

        if by_hand == "-" and sys.stdin.isatty():
            note("type a row of outputs for each sample, or lines under a first line layer,step,sample,unit,value; end with Ctrl-D")
        inputs = None if given is None else inputs_of(given, loaded, scale)
        report, show = checks.check_by_hand(loaded, inputs, by_hand, areas or (), steps or ()), print_hand_report
    elif workbook is not None:
        report = checks.check_workbook(workbook, loaded, engine, **limit)
    else:
        from weightlens.checks.keras import MANY_LAYERS, STAGES
        from weightlens.terminal.progress import progress_stages

        with progress_stages(len(STAGES), len(loaded.layers) > MANY_LAYERS or loaded.size > MANY_WEIGHTS) as stage:
            report = checks.check(loaded, inputs_of(given, loaded, scale), stage=stage, **limit)
    note_non_finite_weights(loaded)
    if output_format == "json":
        write_data(None, False, lambda file: write_report(report, file))
    else:
        write_lines(None, False, lambda screen: show(report, screen))
    raise typer.Exit(0 if report.ok else 1)


def check_options(by_hand: str | None, workbook: Path | None, options: dict[str, Any]) -> None:
    """Refuse options that would have no effect together."""
    if by_hand is not None and workbook is not None:
        raise BadInput("--by-hand and --workbook are two checks: ask for one at a time")
    sheet = by_hand is not None and by_hand.lower().endswith((".xlsx", ".xlsm"))
    needed = {
        "--range": (sheet, "--by-hand FILE.xlsx"),
        "--step": (sheet, "--by-hand FILE.xlsx"),
        "--engine": (workbook is not None, "--workbook"),
        "--tolerance": (by_hand is None, "the checks against Keras and of workbooks; a calculation by hand is compared at its digits"),
        "--layers": (by_hand is not None or workbook is not None, "--workbook and --by-hand; Keras computes the whole network"),
        "--scale": (options["-i"] is not None, "-i with a picture"),
        "-i": (workbook is None, "the checks against Keras and by hand; a workbook holds its own inputs"),
    }
    for option, (fits, belongs) in needed.items():
        if options[option] not in (None, []) and not fits:
            raise BadInput(f"{option} belongs to {belongs}")


def import_(
    workbook: Annotated[Path, typer.Argument(metavar="WORKBOOK", help="An edited workbook, or the .json that a page saved.")],
    model: ModelFile,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The new model, of the same kind.")],
    force: Force = False,
    config: Config = None,
) -> None:
    """Carry changed weights back into a new model file.

    \b
    weightlens import edited.xlsx or.h5 -o new.h5
    weightlens import changes.json or.h5 -o new.h5
    """
    from weightlens.importing import import_changes, import_workbook
    from weightlens.terminal.escape import clean

    write = import_changes if workbook.suffix.lower() == ".json" else import_workbook
    imported = write(workbook, model, output, force, config)
    for line in imported.lines:
        typer.echo(clean(line, 400))
    report_done(f"{output} written ({output.stat().st_size:,} bytes).")
