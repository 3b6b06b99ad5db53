"""The command that looks for the whole-number twin of a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weightlens.cli.common import Config, Force, Format, ModelFile, ModelOptions, Scale, samples_of
from weightlens.cli.destination import Destination
from weightlens.cli.messages import note, report_done, said
from weightlens.errors import first_few

if TYPE_CHECKING:
    from weightlens.twin import Twin

SHOWN = 10  # samples that are named
WORTH_A_BAR = 1_000_000  # samples, each computed once for every number


def simplify(
    model: ModelFile,
    given: Annotated[
        str, typer.Option("--input", "-i", metavar="DATA", help="The samples whose classes are kept: as for export, a file or typed rows.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="TWIN", help="A file of the model's kind, or of another as for convert.")
    ],
    largest: Annotated[int, typer.Option("--max", metavar="N", help="No number is larger, or less than -N: 1 to 99.")] = 9,
    halves: Annotated[bool, typer.Option("--halves", help="Halves too: 0.5, 1, 1.5...")] = False,
    scale: Scale = None,
    force: Force = False,
    output_format: Format = "table",
    config: Config = None,
) -> None:
    """Write the same network with small whole numbers, for calculating by hand. Exit code 1 where a sample changes its class.

    Its answers are other numbers, but on the samples of DATA they are the same classes: the largest output of a softmax, or above
    0.5 of a sigmoid. Up to 300 numbers, the smallest ones that do are taken. The file is written in any case, and a line
    says how many samples keep their class.

    \b
    weightlens simplify or.h5 -i or.csv -o or_whole.h5
    weightlens simplify digits.keras -i digits.csv --max 15 --halves -o digits_whole.keras
    weightlens export or_whole.h5 --exercise -o exercise.xlsx
    """
    from weightlens.terminal.progress import progress
    from weightlens.twin import effort
    from weightlens.twin import simplify as find_twin

    if output.suffix:
        Destination(output, force, "model", ("model",)).check(model, input=given, config=config)
    loaded = ModelOptions(model, config).load()
    samples = samples_of(given, loaded, scale)
    total = effort(loaded)
    with progress("searching", total, 0 if total * len(samples.arrays[0]) > WORTH_A_BAR else total + 1) as advance:
        twin = find_twin(loaded, samples.arrays, output, limit=largest, halves=halves, force=force, advance=advance)
    report_done(
        f"{said(output)} written: {numbers_words(twin, halves)}; {twin.kept:,} of {twin.samples:,} samples keep their class.",
        output_format=output_format,
        command="simplify",
        file=str(output),
        parameters=twin.model.size,
        largest=twin.largest,
        samples=twin.samples,
        kept=twin.kept,
        changed=twin.changed,
    )
    if not twin.ok:
        note(f"another class: {changed_words(twin)}. A larger --max, or --halves, may keep more")
        raise typer.Exit(1)


def numbers_words(twin: Twin, halves: bool) -> str:
    """Which numbers a twin is made of."""
    return f"{twin.model.size:,} {'halves and whole numbers' if halves else 'whole numbers'} from {-twin.largest:g} to {twin.largest:g}"


def changed_words(twin: Twin) -> str:
    """Which samples have another class than before."""
    return f"sample{'s' * (len(twin.changed) > 1)} {first_few([f'{number:,}' for number in twin.changed], SHOWN)}"
