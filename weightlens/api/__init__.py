"""The functions of the package that take a model: as a path, bytes, an open binary file, a live Keras model, or one that was loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from weightlens.errors import BadInput
from weightlens.formats import files_of, load
from weightlens.model import Model
from weightlens.specs.words.number_words import counted

if TYPE_CHECKING:
    from weightlens.api.recorder import Recorder
    from weightlens.checks.by_hand.hand_report import HandReport
    from weightlens.difference import Difference
    from weightlens.recording import Trace
    from weightlens.report import Report
    from weightlens.workbook.export_options import ExportOptions


class LiveModel(Protocol):
    """A model in memory, of Keras 3 on any backend or of tf_keras."""

    @property
    def layers(self) -> Any: ...
    @property
    def weights(self) -> Any: ...
    def get_config(self) -> Any: ...
    def to_json(self) -> Any: ...


FilePath = str | PathLike[str]
ModelLike = Model | FilePath | bytes | bytearray | memoryview | BinaryIO | LiveModel
Inputs = ArrayLike | Mapping[str, ArrayLike]  # an array, one for each input, or a dictionary of them by the input's name


def trace(model: ModelLike, inputs: Inputs, dtype: DTypeLike = np.float64) -> Trace:
    """The recorded forward pass: every step by layer, and the outputs.

    >>> trace("sample_models/or.h5", [[0, 1]])
    <Trace: 6 steps of 2 layers, output (1, 2)>

    Raises ``BadInput`` for inputs that do not fit, ``UnsupportedLayer`` for a layer that cannot be computed.
    """
    return load(model).trace(inputs, dtype)


def predict(model: ModelLike, inputs: Inputs, dtype: DTypeLike = np.float64) -> list[np.ndarray]:
    """One array for each output of the model, computed without Keras and without recording.

    >>> predict("sample_models/or.h5", [[0, 1]])[0].round(3).tolist()
    [[0.002, 0.998]]

    Raises the errors of ``trace``.
    """
    return load(model).predict(inputs, dtype)


def export(model: ModelLike, path: FilePath, inputs: Inputs | None = None, **options: Unpack[ExportOptions]) -> Path:
    """Write the workbook, or the page where the path ends in .html; returns the path.

    Without ``inputs`` examples are taken. The options are those of ``weightlens.workbook.export_options.Options``; a page takes
    ``labels``, ``input_labels``, ``detail`` and ``force``. Raises ``UnsupportedLayer``, ``NoFormula``, ``WorkbookTooLarge`` or
    ``BadInput``; nothing is written then.
    """
    from weightlens import page, workbook

    write: Callable[..., Path] = page.export if str(path).lower().endswith(page.PAGE) else workbook.export
    return write(load(model), path, inputs=inputs, **options)


@overload
def check(
    model: ModelLike, inputs: Inputs | None = None, *, tolerance: float = 1e-5, float64: bool = True, stage: Callable[[str], None] = ...
) -> Report: ...
@overload
def check(
    model: ModelLike, inputs: Inputs | None = None, *, workbook: FilePath, engine: str | None = None, tolerance: float = 1e-12
) -> Report: ...
@overload
def check(
    model: ModelLike, inputs: Inputs | None = None, *, by_hand: FilePath, ranges: Sequence[str] = (), steps: Sequence[str] = ()
) -> HandReport: ...
def check(model: ModelLike, inputs: Inputs | None = None, **options: Any) -> Report:
    """Compare every layer with Keras, which runs the saved file in its own precision and (``float64``) in that, too.

    ``workbook=FILE`` recalculates a workbook instead, with the spreadsheet program ``engine`` (``libreoffice``, ``gnumeric``,
    ``ironcalc``; without it, the first of these that is installed), and compares every step. ``by_hand=FILE`` compares a calculation
    by hand (in a workbook: the ``steps`` in the ``ranges``) and explains the first difference.

    ``tolerance`` is how large the differences may be, in parts of the largest number of the array (of a workbook: of each cell's own
    number), or of 1 where that is smaller. ``stage`` is called with the name of each part of the work.
    """
    from weightlens import checks

    loaded = load(model)
    if "by_hand" in options:
        return checks.check_by_hand(loaded, inputs, options.pop("by_hand"), **options)
    if "workbook" in options:
        return checks.check_workbook(options.pop("workbook"), loaded, **options)
    return checks.check(loaded, inputs, **options)


def diff(a: ModelLike, b: ModelLike, *, tolerance: float = 0.0, relative: float = 0.0) -> Difference:
    """What differs between two models, in whatever formats; weights are the same where ``|a - b| <= tolerance + relative * |b|``.

    >>> diff("sample_models/or.h5", "sample_models/or.h5").same
    True
    """
    from weightlens.difference import compare

    return compare(load(a), load(b), tolerance, relative)


class FitOptions(TypedDict, total=False):
    """How to train; what is not given is what the file says of its own training, else ``mse``, ``sgd`` and all samples at once."""

    loss: str | None
    optimizer: str | None
    rate: float | None
    batch: int | None
    seed: int | None  # start from random weights


@dataclass(frozen=True)
class Fitted:
    """A training: its ``epochs``, the losses before and after, the last accuracy (where there are classes), and the new weights by name.

    ``path`` is the new model file; ``None`` if none was asked for.
    """

    epochs: int
    loss_before: float
    loss_after: float
    accuracy: float | None
    weights: dict[str, np.ndarray]
    path: Path | None = None

    def __repr__(self) -> str:
        hits = "" if self.accuracy is None else f", accuracy {self.accuracy:.1%}"
        return f"<Fitted: {counted(self.epochs, 'epoch')}, loss {self.loss_before:.6g} -> {self.loss_after:.6g}{hits}>"


def fit(
    model: ModelLike,
    inputs: Inputs,
    targets: ArrayLike,
    path: FilePath | None = None,
    *,
    epochs: int = 100,
    force: bool = False,
    **options: Unpack[FitOptions],
) -> Fitted:
    """Train in NumPy as a training sheet does; write the trained model to ``path``, if one is given (for a model from a file).

    ``targets`` have the shape of the model's output, samples first; classes are rows with a 1 at the class. ``loss`` and ``optimizer`` are
    named as in Keras (``mse``, ``adam``), ``rate`` is the learning rate, ``batch`` how many samples make an update, in their order;
    what is not given is what the file says of its own training, else ``mse``, ``sgd`` and all samples at once. ``seed`` starts from
    random weights. Raises ``BadInput``, ``UnsupportedLayer`` or ``NoGradient``; the model itself is not changed.
    """
    from weightlens.formats.write_back import check_new_model, write_back
    from weightlens.training import prepare

    loaded, target = load(model), None if path is None else Path(path)
    source = Path(loaded.provenance.path)
    if epochs < 1:
        raise BadInput("epochs: at least 1")
    if target is not None:
        if not loaded.provenance.path or not source.exists():
            raise BadInput(f"{loaded.name} is no model from a file, of which a trained copy could be written; leave path out")
        check_new_model(source, target, force, files_of(loaded))
    epoch = prepare(loaded, inputs, np.asarray(targets), **options)
    changed, hits = epoch.train(epochs)
    if target is not None:
        write_back(source, target, changed, force)
    assert epoch.seen is not None
    return Fitted(epochs, *epoch.seen, hits, {name: array for name, (_, array) in changed.items()}, target)


def callback(
    path: FilePath,
    inputs: Inputs | None = None,
    *,
    batches: int | None = None,
    weights: str | Sequence[str] = (),
    epoch: int | None = None,
    along: bool = False,
    labels: Sequence[str] = (),
    force: bool = True,
) -> Recorder:
    """A callback for ``model.fit`` of Keras 3 or tf_keras, which writes the history of the training as a workbook, or a page (.html).

    It keeps weights, losses and metrics of each epoch, and of every so many ``batches``. ``weights`` chooses paths to draw
    (``dense/kernel``, ``conv*/bias``, ``dense/kernel[0,1]``); without it, those that move most. With ``inputs`` it counts the relu units
    that are 0 for all of them, and adds the forward pass after the chosen ``epoch`` (the last one); ``labels`` name the classes there.

    The file is written at the end; with ``along`` after each epoch, so that an interrupted training leaves what is known. A path with
    places (``history_{epoch:02d}.xlsx``, as in ``ModelCheckpoint``) gives a file for each epoch. What cannot be written or computed is
    refused before the training begins (``BadInput``, ``UnsupportedLayer``); what goes wrong later is a warning, and the training goes on.
    """
    from weightlens.api.recorder import Recorder, RecorderOptions

    chosen = [weights] if isinstance(weights, str) else weights
    return Recorder(Path(path), RecorderOptions(inputs, batches, chosen, epoch, along, labels, force))
