"""A trained network as a workbook whose formulas compute the prediction again.

Comes in: a model, its inputs and ``Options``. Goes out: an ``.xlsx`` file. The way from one to the other:

1. ``engine`` records the forward pass: a ``Trace`` of NumPy calls.
2. ``layout`` gives every value of the trace cells: a ``Plan``.
3. ``sheets`` puts the blocks of the plan on sheets, with captions, notes and charts (``contents`` calls them in turn).
4. ``formulas`` turns the recorded calls into formulas, block by block, while ``xlsx`` writes the rows.

``training`` makes the workbook of a whole training from the same parts.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weightlens.model import Model
    from weightlens.workbook.layout.size import Size


def export(model: Model, path: str | PathLike[str], inputs: Any = None, **options: Any) -> Path:
    """Write a workbook that reproduces the model's prediction with live formulas; returns its path.

    ``inputs`` as for ``Model.trace`` (examples without; many samples go to a Data sheet to pick from); ``options`` are
    those of ``weightlens.workbook.export_options.Options``. Raises ``UnsupportedLayer``, ``NoFormula``,
    ``WorkbookTooLarge`` or ``BadInput``; nothing is written then.
    """
    from weightlens.workbook.export_options import Options
    from weightlens.workbook.exporting import write_workbook

    return write_workbook(model, Path(path), inputs, Options(**options))


def measure(model: Model, inputs: Any = None, detail: str = "auto") -> Size:
    """What the workbook would be: its sheets, cells, formulas, size and time; nothing is written."""
    from weightlens.workbook.export_options import Options
    from weightlens.workbook.exporting import size_of

    return size_of(model, inputs, Options(detail=detail))
