"""The command ``export``: write a model as a workbook, or as a page where the output ends in .html."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from weightlens.cli import completion
from weightlens.cli.common import Assume, Config, Force, Format, Input, ModelFile, ModelOptions, Output, Part, Scale, samples_of
from weightlens.cli.destination import Destination, check_choice
from weightlens.cli.messages import note, note_non_finite_weights, report_done
from weightlens.errors import BadInput
from weightlens.files import refuse_standard_output

if TYPE_CHECKING:
    import numpy as np

    from weightlens.model import Model
    from weightlens.workbook.export_options import Options

Target = Annotated[str | None, typer.Option("--target", metavar="COLUMN", help="A column of the CSV file: the true answers.")]
Detail = Annotated[
    str,
    typer.Option(
        "--detail",
        metavar="LEVEL",
        help="steps, layers (one block each), weights (matrices only) or auto.",
        autocompletion=completion.details,
    ),
]
NEURON = "A sheet to pick one neuron and see its sum, input by input; small networks (up to 5,000 parameters) have it."
Blank = Annotated[str, typer.Option("--blank", metavar="STEPS", help='The steps to leave blank: "dot product,softmax".')]


def export(
    model: ModelFile,
    given: Input = None,
    scale: Scale = None,
    output: Output = None,
    labels: Annotated[str, typer.Option("--labels", metavar="A,B", help="Names of the classes.")] = "",
    target: Target = None,
    detail: Detail = "auto",
    layers: Part = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only print what would be written.")] = False,
    exercise: Annotated[bool, typer.Option("--exercise", help="Leave steps blank, to be filled in and marked.")] = False,
    blank: Blank = "",
    switch: Annotated[bool, typer.Option("--switch", help="A cell that goes back to the original numbers.")] = False,
    neuron: Annotated[bool | None, typer.Option("--neuron/--no-neuron", help=NEURON)] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Have a spreadsheet program recalculate it, and say so in it.")] = False,
    with_keras: Annotated[bool, typer.Option("--with-keras", help="Expect what Keras computes, not what we do.")] = False,
    force: Force = False,
    output_format: Format = "table",
    config: Config = None,
    assume: Assume = None,
) -> None:
    """Write a workbook of live formulas, one for every number; or the same as one HTML page: -o model.html.

    \b
    weightlens export or.h5
    weightlens export or.h5 -i or.csv -o or.xlsx --labels False,True
    weightlens export or.h5 -o or.html
    weightlens export digits.keras -i digits.csv --target label --plan
    weightlens export or.h5 --blank "dot product,softmax" -o exercise.xlsx
    weightlens export or.h5 --exercise -o exercise.pdf
    weightlens export mobilenet.h5 --neuron
    weightlens export custom.h5 -i x.npy --layers conv1..pool3 -o part.xlsx
    weightlens export vgg16.h5 --detail weights --layers block5_conv1..predictions
    """
    from weightlens.workbook.export_options import DETAILS, Options

    check_choice(detail, "--detail", DETAILS)
    options = Options(
        labels=split_list(labels),
        detail=detail,
        exercise=exercise,
        blank=split_list(blank),
        switch=switch,
        neuron=neuron,
        verify=verify,
        with_keras=with_keras,
        force=force,
    )
    refuse_standard_output(output)
    file = output or Path((Path(model).stem or "model") + ".xlsx")
    wish = Wish(ModelOptions(model, config, assume, layers), file, given, scale, target)
    wish.check(options, plan)
    loaded, inputs, options = wish.prepare(options)
    if plan:
        from weightlens import page, workbook

        size = workbook.measure(loaded, inputs, options.detail)
        print_plan(size, page.measure(size), output_format)
        return
    wish.write(loaded, inputs, options, output_format)


class Wish(NamedTuple):
    """What to export, from what and where to."""

    model: ModelOptions
    file: Path
    given: str | None
    scale: str | None
    target: str | None

    @property
    def is_page(self) -> bool:
        """Whether the file is an HTML page, not a workbook."""
        from weightlens.page import PAGE

        return self.file.suffix.lower() in PAGE

    @property
    def is_pdf(self) -> bool:
        """Whether it is the sheets of an exercise to print."""
        return self.file.suffix.lower() == ".pdf"

    def check(self, options: "Options", plan: bool) -> None:
        """Refuse options that a page does not have, and an output that cannot be written."""
        if self.is_page:
            why = "a page has no such thing; it belongs to a workbook (-o FILE.xlsx)"
            if self.target is not None:
                raise BadInput(f"--target: {why}")
            options.refuse(("exercise", "blank", "switch", "neuron", "verify", "with_keras"), why)
        if not plan:
            if self.is_pdf:
                options.refuse_on_paper(self.file)
            kind = "pdf" if self.is_pdf else "html" if self.is_page else "xlsx"
            Destination(self.file, options.force, kind, (kind,)).check(self.model.path, input=self.given, config=self.model.config)

    def prepare(self, options: "Options") -> "tuple[Model, list[np.ndarray] | None, Options]":
        """The model, its inputs (``None`` if nothing is computed), and the options with what the inputs' table says."""
        model = self.model.load()
        if options.detail == "auto" and self.given is None and not model.inputs:
            note("there is no architecture to compute with, so only the matrices are written")
            options = replace(options, detail="weights")
        if options.detail == "weights":
            return model, None, options
        from weightlens.inputs.answers import true_answers

        samples = samples_of(self.given, model, self.scale)
        names = samples.labels[0] if len(samples.labels) == 1 else []
        answers = None if self.target is None else true_answers(self.given, self.target)
        return model, samples.arrays, replace(options, input_labels=names, target=answers)

    def write(self, model: "Model", inputs: "list[np.ndarray] | None", options: "Options", output_format: str) -> None:
        """Write the page or the workbook, and say what to do with it."""
        inputs = None if self.given is None else inputs
        if self.is_page:
            from weightlens import page

            named = {"labels": options.labels, "input_labels": options.input_labels}
            page.export(model, self.file, inputs, detail=options.detail, force=options.force, **named)
            command, advice = None, "Open it in a browser."
        else:
            from weightlens.workbook.exporting import write_workbook

            with cell_progress() as progress:
                write_workbook(model, self.file, inputs, replace(options, progress=progress, warn=note))
            command = None if self.is_pdf else check_command(self.model, self.file, options.blanks)
            opened = "Open it; once it is filled in:" if options.blanks else "Open it, or:"
            advice = "Print it; the answers are at the end." if self.is_pdf else f"{opened} {command}"
        note_non_finite_weights(model)
        size = self.file.stat().st_size
        report_done(
            f"{self.file} written ({size:,} bytes). {advice}",
            output_format=output_format,
            command="export",
            file=str(self.file),
            bytes=size,
            check=command,
        )


def check_command(opening: ModelOptions, file: Path, exercise: bool) -> str:
    """The command that checks the workbook (or what was filled in) against the model, with the same options."""
    import shlex

    options = {"--config": opening.config, "--assume": opening.assume, "--layers": opening.layers}
    given = [word for option, value in options.items() if value for word in (option, value)]
    return shlex.join(["weightlens", "check", opening.path, *given, "--by-hand" if exercise else "--workbook", str(file)])


def split_list(text: str) -> list[str]:
    """``A,B`` as a list."""
    return [part.strip() for part in text.split(",")] if text else []


def print_plan(size: Any, page: str, output_format: str) -> None:
    """Print the numbers of sheets, cells and formulas, and an estimate of the size; and what a page would be."""
    from weightlens.terminal.escape import clean

    if size.warning:
        note(size.warning)
    if output_format == "json":
        facts = {key: getattr(size, key) for key in ("detail", "cells", "formulas", "bytes", "seconds")}
        report_done(output_format="json", command="export", plan=facts | {"sheets": list(map(vars, size.sheets)), "page": page})
        return
    width = max(len(sheet.title) for sheet in size.sheets)
    typer.echo(f"{'sheet':{width}}  {'cells':>12}  {'formulas':>12}")
    for sheet in size.sheets:
        typer.echo(f"{clean(sheet.title, 40):{width}}  {sheet.cells:>12,}  {sheet.formulas:>12,}")
    typer.echo(size.summary)
    typer.echo(page)


@contextlib.contextmanager
def cell_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on a terminal, for large workbooks; yields the function that is told the sheet, the cells written, and of how many."""
    from weightlens.terminal.progress import progress as progress_bar

    with contextlib.ExitStack() as stack:
        advance: Callable[[int], None] | None = None
        before = 0

        def progress(sheet: str, done: int, total: int) -> None:
            nonlocal before, advance
            if advance is None:
                advance = stack.enter_context(progress_bar("writing", total, WORTH_A_BAR))
            advance(done - before)
            before = done

        yield progress


WORTH_A_BAR = 300_000  # cells
