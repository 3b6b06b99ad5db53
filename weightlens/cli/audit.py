"""``weightlens audit``: a store of models looked through at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weightlens.cli import completion
from weightlens.cli.common import Force, Output
from weightlens.cli.destination import Destination, check_choice
from weightlens.cli.messages import note, report_done
from weightlens.specs.words.number_words import counted

if TYPE_CHECKING:
    from weightlens.auditing import Audit

FAIL_ON = ("error", "warning", "never")


def audit(
    where: Annotated[list[str], typer.Argument(metavar="PATHS...", help="Files, folders, patterns or URLs of models.")],
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="table, json, csv, parquet, sarif, xlsx or html; else by the ending of -o.",
            autocompletion=completion.reports,
        ),
    ] = None,
    output: Output = None,
    force: Force = False,
    rule: Annotated[
        list[str] | None,
        typer.Option("--rule", metavar="NAME=LEVEL", help="error, warning, note or off, for a rule or group; may be repeated."),
    ] = None,
    fail_on: Annotated[
        str, typer.Option("--fail-on", metavar="LEVEL", help="Exit with 1 at this level or worse: error, warning or never.")
    ] = "error",
    inputs: Annotated[
        str | None, typer.Option("--inputs", metavar="DATA", help="Inputs for the rules that need any; as -i of predict.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="FILE", help="A JSON report: what it has found is not told again.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="FILE", help="Keep results here as they come, and go on from there.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Processes of this machine.")] = 1,
    scheduler: Annotated[str | None, typer.Option("--scheduler", metavar="ADDRESS", help="A Dask scheduler, or local.")] = None,
) -> None:
    """Look through a store of models: code, damage, untrained layers, dead units, duplicates.

    \b
    weightlens audit models/
    weightlens audit "models/**/*.h5" -o models.sarif
    weightlens audit models/ --rule untrained=error --rule store=off --fail-on warning
    weightlens audit s3://bucket/models/ --workers 4 --resume audit.jsonl
    """
    from weightlens.auditing import audit as begin
    from weightlens.auditing.finding import LEVELS
    from weightlens.auditing.reports import FORMATS

    out = Destination(output, force, output_format, FORMATS)
    check_choice(fail_on, "--fail-on", FAIL_ON)
    fails = len(LEVELS) if fail_on == "never" else LEVELS.index(fail_on)
    asked = begin(*where, rules=rule or (), inputs=inputs, baseline=baseline, resume=resume, workers=workers, scheduler=scheduler)
    check_outputs(out, asked, inputs, baseline, resume)
    stopped = run(asked)
    write(asked, out)
    if stopped:
        more = f"--resume {resume}" if resume else "--resume FILE, given from the start,"
        note(f"stopped after {len(asked.identities):,} of {counted(len(asked.places), 'file')}; {more} goes on from there")
        raise typer.Exit(stopped)
    raise typer.Exit(int(any(LEVELS.index(one.level) >= fails for one in asked.found)))


def check_outputs(out: Destination, asked: Audit, inputs: str | None, baseline: str | None, resume: str | None) -> None:
    """Refuse outputs that cannot be written, or are files that are read, before anything is done."""
    from weightlens.files import check_output
    from weightlens.formats import files_of

    models = [place.name for place in asked.places if not place.is_remote]
    out.check(*models, inputs=inputs, baseline=baseline, resume=resume)
    if resume is not None:
        check_output(Path(resume), True, [file for model in models for file in files_of(model)])


def run(asked: Audit) -> int:
    """Go through all files; returns the exit code of a signal that ended it before, else 0."""
    from weightlens.stopping import CleanupPending, Stopped
    from weightlens.terminal.progress import progress_of_files

    try:
        with CleanupPending(), progress_of_files(len(asked.places)) as asked.on_file:
            for _ in asked:
                pass
    except Stopped as stopped:
        asked.finish_with_store()
        return stopped.code
    return 0


def write(asked: Audit, out: Destination) -> None:
    """Write the report."""
    from weightlens.auditing.reports import write as write_report
    from weightlens.auditing.reports.findings_table import print_findings, summary

    if out.format == "table":
        out.write(lambda screen: print_findings(asked, screen))
    else:
        with out.opened() as file:
            write_report(asked, out.format, file)
    if out.file is not None:
        report_done(f"{out.file} written. {summary(asked)[0]}.")
