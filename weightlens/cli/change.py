"""The commands ``import``, ``patch``, ``simplify`` and ``convert``: write a model file with some other weights, or of another kind."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weightlens.cli.common import Assume, Config, Force, Format, ModelFile, ModelOptions, Scale, samples_of
from weightlens.cli.destination import Destination
from weightlens.cli.messages import note, printable_path, report_done
from weightlens.errors import first_few
from weightlens.files import refuse_standard_output
from weightlens.specs.words.number_words import counted

if TYPE_CHECKING:
    from weightlens.importing import Imported

NewModel = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The new model, of the same kind.")]
SHOWN = 10  # samples that are named
WORTH_A_BAR = 1_000_000  # samples, each computed once for every number


def import_(
    workbook: Annotated[Path, typer.Argument(metavar="WORKBOOK", help="An edited workbook, or the .json that a page saved.")],
    model: ModelFile,
    output: NewModel,
    force: Force = False,
    output_format: Format = "table",
    config: Config = None,
) -> None:
    """Carry changed weights back into a new model file.

    \b
    weightlens import edited.xlsx or.h5 -o new.h5
    weightlens import changes.json or.h5 -o new.h5
    """
    from weightlens.importing import import_workbook
    from weightlens.page.changes import import_changes

    write = import_changes if workbook.suffix.lower() == ".json" else import_workbook
    report_changes("import", write(workbook, model, output, force, config), output_format)


def patch(
    model: ModelFile,
    wanted: Annotated[
        list[str], typer.Option("--set", metavar="PLACE=NUMBER", help='"dense/kernel[0,1]=0.5" or "dense/bias=0.1,0.2"; may be repeated.')
    ],
    output: NewModel,
    force: Force = False,
    output_format: Format = "table",
    config: Config = None,
) -> None:
    """Set numbers of a model by name, and write a new model file.

    PLACE is a weight as show names it, and an index: one number, or a slice as in NumPy. Without an index
    it is the whole weight. One number is put everywhere; else there are as many as the place has.

    \b
    weightlens patch or.h5 --set "dense/kernel[0,1]=0.5" -o new.h5
    weightlens patch or.h5 --set "dense/bias=0.1,-0.2" --set "dense/kernel[:,0]=0" -o new.h5
    """
    from weightlens.writers.patching import patch_model

    report_changes("patch", patch_model(model, wanted, output, force, config), output_format)


def report_changes(command: str, changed: "Imported", output_format: str) -> None:
    """Print the changed numbers, and the file that has them."""
    size = changed.path.stat().st_size if changed.path.is_file() else None
    report_done(
        *changed.lines,
        f"{printable_path(changed.path)} written" + ("." if size is None else f" ({size:,} bytes)."),
        output_format=output_format,
        command=command,
        file=str(changed.path),
        changes=[vars(change) for change in changed.changes],
        more=changed.more,
    )


def convert(
    model: ModelFile,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="NEW", help=".keras, .h5, .weights.h5, or a folder (TensorFlow.js).")],
    force: Force = False,
    output_format: Format = "table",
    config: Config = None,
    assume: Assume = None,
) -> None:
    """Write the same model as a file that today's Keras opens, or TensorFlow.js.

    \b
    weightlens convert old.h5 -o new.keras
    weightlens convert my_model.zip -o my_model.keras
    weightlens convert model.keras -o web_model
    """
    from weightlens import writers
    from weightlens.formats import files_of

    writers.check_target(output, force, files_of(model))
    loaded = ModelOptions(model, config, assume).load()
    writers.convert(loaded, output, force)
    words = writers.left_out(loaded)
    if words:
        note(f"left out: {words}; the new file predicts, and is compiled again to be trained")
    report_done(
        f"{printable_path(output)} written: {counted(loaded.size, 'parameter')} in {counted(len(loaded.layers), 'layer')}.",
        output_format=output_format,
        command="convert",
        file=str(output),
        parameters=loaded.size,
        layers=len(loaded.layers),
        left_out=words,
    )


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

    refuse_standard_output(output)
    if output.suffix:
        Destination(output, force, "model", ("model",)).check(model, input=given, config=config)
    loaded = ModelOptions(model, config).load()
    samples = samples_of(given, loaded, scale)
    total = effort(loaded)
    with progress("searching", total, 0 if total * len(samples.arrays[0]) > WORTH_A_BAR else total + 1) as advance:
        twin = find_twin(loaded, samples.arrays, output, limit=largest, halves=halves, force=force, advance=advance)
    kind = "halves and whole numbers" if halves else "whole numbers"
    words = f"{twin.model.size:,} {kind} from {-twin.largest:g} to {twin.largest:g}"
    report_done(
        f"{printable_path(output)} written: {words}; {twin.kept:,} of {counted(twin.samples, 'sample')} keep their class.",
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
        changed = first_few([f"{number:,}" for number in twin.changed], SHOWN)
        note(f"another class: sample{'s' * (len(twin.changed) > 1)} {changed}. A larger --max, or --halves, may keep more")
        raise typer.Exit(1)
