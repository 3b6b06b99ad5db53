"""weightlens: see the arithmetic inside a trained Keras model."""

from __future__ import annotations

from weightlens.errors import BadInput, NoFormula, UnreadableModel, UnsupportedLayer, WeightlensError, WorkbookTooLarge

TYPE_CHECKING = False  # as in ``typing``, which takes its time: until the command listens to Ctrl-C, as little as can be is imported
if TYPE_CHECKING:
    from os import PathLike
    from typing import Any

    from weightlens.importing import import_workbook
    from weightlens.layers import register
    from weightlens.model import Layer, Model, Weight
    from weightlens.page.changes import import_changes
    from weightlens.specs.layer import LayerSpec
    from weightlens.writers import convert

__version__ = "0.1.0"
__all__ = [
    "BadInput", "Layer", "LayerSpec", "Model", "NoFormula", "UnreadableModel", "UnsupportedLayer", "Weight", "WeightlensError",
    "WorkbookTooLarge", "check", "convert", "export", "import_changes", "import_workbook", "load", "register",
]  # fmt: skip


def load(path: str | PathLike[str] | object, config: str | PathLike[str] | None = None) -> Model:
    """Read a saved Keras model; weights are read when touched. ``config``: the architecture file of a weights-only file."""
    from weightlens.formats import load as read

    return read(path, config)


def export(model: Model | str | PathLike[str], path: str | PathLike[str], inputs: Any = None, **options: Any) -> None:
    """Write the workbook, or the page where the path ends in .html; see ``weightlens.workbook.export`` and ``weightlens.page.export``."""
    from weightlens import page, workbook
    from weightlens.model import Model

    write = page.export if str(path).lower().endswith(page.PAGE) else workbook.export
    write(model if isinstance(model, Model) else load(model), path, inputs=inputs, **options)


def check(model: Model | str | PathLike[str], inputs: Any = None, **options: Any) -> Any:
    """Hold the engine against Keras, layer by layer: a ``Report``; see ``weightlens.checks``.

    ``workbook=FILE`` recalculates a workbook instead; ``by_hand=FILE`` (with ``ranges`` and ``steps``) compares a
    calculation by hand, and explains the first step that differs.
    """
    from weightlens import checks
    from weightlens.model import Model

    loaded = model if isinstance(model, Model) else load(model)
    if "by_hand" in options:
        return checks.check_by_hand(loaded, inputs, options.pop("by_hand"), **options)
    if "workbook" in options:
        return checks.check_workbook(options.pop("workbook"), loaded, **options)
    return checks.check(loaded, inputs, **options)


HOMES = {
    "convert": "writers",
    "import_changes": "page.changes",
    "import_workbook": "importing",
    "register": "layers",
    "Layer": "model",
    "LayerSpec": "specs.layer",
    "Model": "model",
    "Weight": "model",
}


def __getattr__(name: str) -> Any:
    """What is imported when it is asked for."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"weightlens.{HOMES[name]}"), name)
