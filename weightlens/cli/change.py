"""The commands ``import`` and ``patch``: write a model file in which some weights have other values."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weightlens.cli.common import Config, Force, Format, ModelFile
from weightlens.cli.messages import report_done, said

if TYPE_CHECKING:
    from weightlens.importing import Imported

NewModel = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The new model, of the same kind.")]


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
        f"{said(changed.path)} written" + ("." if size is None else f" ({size:,} bytes)."),
        output_format=output_format,
        command=command,
        file=str(changed.path),
        changes=[vars(change) for change in changed.changes],
        more=changed.more,
    )
