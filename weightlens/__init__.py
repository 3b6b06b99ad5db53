"""weightlens: see the arithmetic inside a trained Keras model."""

from __future__ import annotations

from weightlens.errors import BadInput, NoFormula, UnreadableModel, UnsupportedLayer, WeightlensError, WorkbookTooLarge
from weightlens.version import __version__ as __version__

TYPE_CHECKING = False  # as in ``typing``, which takes its time: until the command listens to Ctrl-C, as little as can be is imported
if TYPE_CHECKING:
    from weightlens.api import FilePath, Fitted, LiveModel, ModelLike, callback, check, diff, export, fit, predict, trace
    from weightlens.api.recorder import Recorder
    from weightlens.auditing import Audit, Finding, audit
    from weightlens.difference import Difference
    from weightlens.importing import Imported, import_workbook
    from weightlens.layers import register
    from weightlens.model import Layer, Model, Weight
    from weightlens.page.changes import import_changes
    from weightlens.recording import Step, Trace
    from weightlens.report import Report
    from weightlens.specs.layer import LayerSpec
    from weightlens.twin import Twin, simplify
    from weightlens.writers import convert

__all__ = [
    "Audit", "BadInput", "Difference", "Finding", "Fitted", "Imported", "Layer", "LayerSpec", "LiveModel", "Model", "NoFormula",
    "Recorder", "Report", "Step", "Trace", "Twin", "UnreadableModel", "UnsupportedLayer", "Weight", "WeightlensError", "WorkbookTooLarge",
    "audit", "callback", "check", "convert", "diff", "export", "fit", "import_changes", "import_workbook", "load", "predict", "register",
    "simplify", "trace",
]  # fmt: skip


def load(model: ModelLike, config: FilePath | None = None) -> Model:
    """The model in a file, in bytes or in memory; weights are read when touched. ``config``: the architecture of a weights-only file.

    As a context manager it closes its file:

    >>> with load("sample_models/or.h5") as model:
    ...     model["dense"].kernel.shape
    (2, 2)

    Raises ``UnreadableModel``, or ``BadInput`` where the argument is nothing that holds a model.
    """
    from weightlens.formats import load as read

    return read(model, config)


_HOMES = {
    "api": ("Fitted", "LiveModel", "callback", "check", "diff", "export", "fit", "predict", "trace"),
    "api.recorder": ("Recorder",),
    "auditing": ("Audit", "Finding", "audit"),
    "difference": ("Difference",),
    "importing": ("Imported", "import_workbook"),
    "layers": ("register",),
    "model": ("Layer", "Model", "Weight"),
    "page.changes": ("import_changes",),
    "recording": ("Step", "Trace"),
    "report": ("Report",),
    "specs.layer": ("LayerSpec",),
    "twin": ("Twin", "simplify"),
    "writers": ("convert",),
}


def __getattr__(name: str) -> object:
    """What is imported when it is asked for."""
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"weightlens.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
