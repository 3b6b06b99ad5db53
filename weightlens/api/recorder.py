"""The callback for ``model.fit``: it remembers a training that Keras runs, and writes it down as a workbook or a page.

Keras is not imported. Its lists of callbacks call methods by name; those that mean nothing here do nothing.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np

from weightlens.engine.binding import bind
from weightlens.errors import BadInput, NoFormula, WeightlensError, WorkbookTooLarge, first_line
from weightlens.files import WORKBOOK, check_output
from weightlens.formats import load
from weightlens.formats.architecture.config_values import every_value
from weightlens.formats.live import forget
from weightlens.inputs.answers import refuse_labels
from weightlens.model import Model
from weightlens.page import PAGE
from weightlens.training.moments import (
    LOSS,
    RATES,
    Arrays,
    Forward,
    Moment,
    TrainingHistory,
    empty_history,
    lengths,
    numbers_of,
    samples_to_watch,
    silent_units,
    steps_between,
    weights_by_layer,
)


@dataclass(frozen=True)
class RecorderOptions:
    """What ``weightlens.callback`` was asked for; its parameters are explained there."""

    inputs: Any = None
    batches: int | None = None
    weights: Sequence[str] = ()
    epoch: int | None = None
    along: bool = False
    labels: Sequence[str] = ()
    force: bool = True


def ignored(*args: object, **kwargs: object) -> None:
    """Nothing: a moment of the training at which there is nothing to do."""


ignored._is_default = True  # type: ignore[attr-defined]  # so Keras 3 marks its own methods that do nothing


class Recorder:
    """A callback for ``model.fit`` of Keras 3 and tf_keras; made by ``weightlens.callback``.

    ``history`` is what was seen; ``write`` writes it, also after a training that was interrupted.
    """

    on_batch_begin = on_batch_end = on_train_batch_begin = ignored
    on_test_begin = on_test_end = on_test_batch_begin = on_test_batch_end = ignored
    on_predict_begin = on_predict_end = on_predict_batch_begin = on_predict_batch_end = ignored

    def __init__(self, path: Path, options: RecorderOptions) -> None:
        self.path, self.options = path, options
        self.model: Any = None
        self.params: dict[str, Any] = {}
        self.history: TrainingHistory | None = None
        self.written: set[Path] = set()
        self.async_safe = options.batches is None  # nothing has to wait for a batch of which we take nothing
        for name, value, least in (("batches", options.batches, 1), ("epoch", options.epoch, 0)):  # epoch 0: before the training
            if value is not None and not (isinstance(value, int | np.integer) and value >= least):
                raise BadInput(f"{name}: a whole number of at least {least}, not {value!r}")
        self.check_path()

    def __repr__(self) -> str:
        seen = len(self.history.moments) if self.history else 0
        return f"<Recorder: {seen} moments of a training, for {self.path}>"

    # -- what Keras calls --------------------------------------------------------------------------------------------------

    def set_model(self, model: Any) -> None:
        """The network that is trained."""
        self.model = model if hasattr(model, "get_config") else getattr(model, "module", model)  # in torch's parallel wrapper

    def set_params(self, params: dict[str, Any]) -> None:
        """What Keras says of the training: its ``epochs``, and the ``steps`` of one."""
        self.params = params or {}

    def _implements_train_batch_hooks(self) -> bool:  # asked by tf_keras
        return self.options.batches is not None

    def _implements_test_batch_hooks(self) -> bool:
        return False

    _implements_predict_batch_hooks = _implements_test_batch_hooks

    def on_train_begin(self, logs: object = None) -> None:
        """Look at everything that could go wrong, before the training goes on."""
        self.check_path()
        refuse_unknown_places(self.path, self.model)
        self.history = None
        if getattr(self.model, "built", True):
            self.begin()

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        """The first time: the network as it is before the training."""
        self.epoch, self.batch, self.taken = epoch, 0, 0
        if self.history and not self.history.moments:
            self.attempt(lambda: self.record(epoch, 0, {}))

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Remember every so many batches."""
        self.batch = batch + 1
        if self.options.batches and self.batch - self.taken >= self.options.batches:
            self.taken = self.batch
            self.attempt(lambda: self.record(self.epoch, batch + 1, logs or {}))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Remember the epoch; write, where it is to be written as it goes."""
        self.attempt(lambda: self.end_of_epoch(epoch, logs or {}))
        if self.options.along or self.has_places:
            self.attempt(self.write)

    def on_train_end(self, logs: object = None) -> None:
        """Write."""
        if not self.has_places:
            self.attempt(self.write)

    def attempt(self, action: Callable[[], object]) -> None:
        """Do something that must not end the training, which may have taken hours: what goes wrong becomes a warning."""
        try:
            action()
        except Exception as error:
            words = str(error) if isinstance(error, WeightlensError) else f"{type(error).__name__}: {first_line(error)}"
            warnings.warn(f"weightlens.callback: {words}; the training is not affected, and .write(path) tries again", stacklevel=2)

    # -- what is remembered ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Read the architecture once, and choose what to follow. Raises what makes the network or the options unfit."""
        self.read: Model = load(self.model)
        self.arrays: Arrays = {}
        self.kept: list[np.ndarray] = []
        self.kept_epoch = 0
        self.inputs: list[np.ndarray] | None = None
        self.history = empty_history(self.read, training_words(self.model, self.read, self.params), self.options.weights)
        self.history.steps = int(self.params.get("steps") or 0)
        if self.options.inputs is not None:
            inputs = bind(self.read, self.options.inputs, np.float32)
            self.watched = samples_to_watch(self.read, inputs)
            self.history.relus = {layer: len(units) for layer, units in silent_units(self.read, self.watched).items()}
            refuse_labels(len(self.options.labels), [y.shape for y in self.read.predict(self.watched, np.float32)])
            self.inputs = inputs

    def seen(self) -> TrainingHistory:
        """The history; begun now, where the network had no weights before its first batch."""
        if self.history is None:
            self.attempt(self.begin)  # without a forward pass where there can be none
        if self.history is None:
            raise BadInput("nothing is known of this network")
        return self.history

    def end_of_epoch(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Remember the network after an epoch; what was remembered after its last batch becomes the same moment."""
        history, merged = self.seen(), None
        moments = history.moments
        if moments and self.batch and (moments[-1].epoch, moments[-1].batch) == (epoch, self.batch):
            merged = moments.pop()
        history.steps = max(history.steps, self.batch)
        self.record(epoch + 1, 0, logs)
        if merged is not None:
            moments[-1] = replace(moments[-1], changes=merged.changes)

    def record(self, epoch: int, batch: int, logs: Mapping[str, Any]) -> None:
        """Remember this moment."""
        history = self.seen()
        if hasattr(self.model, "jax_state_sync"):  # under JAX the variables are not kept up to date while an epoch runs
            self.model.jax_state_sync()
        weights = weights_by_layer(self.read)
        for weight in weights.values():
            forget(weight)
        arrays = {key: np.array(weight.value) for key, weight in weights.items()}
        for key, weight in weights.items():
            weight._value = arrays[key]  # never a view of what Keras goes on changing
        dead = None
        if self.inputs is not None and not batch:
            dead = tuple(int(units.sum()) for units in silent_units(self.read, self.watched).values())
        changes = steps_between(history, self.arrays, arrays) if self.arrays else None
        reported = {str(name): float(np.asarray(value)) for name, value in logs.items() if np.size(value) == 1}
        history.moments.append(Moment(epoch, batch, reported, numbers_of(history, arrays), lengths(history, arrays), changes, dead))
        self.arrays = arrays
        if not batch and (self.options.epoch is None or epoch <= self.options.epoch):
            self.kept, self.kept_epoch = [*arrays.values()], epoch

    # -- what is written ---------------------------------------------------------------------------------------------------

    @property
    def has_places(self) -> bool:
        """Whether the path has places to fill in, such as ``{epoch:02d}``: then there is a file for each epoch."""
        return named(self.path, defaultdict(float, epoch=1)) != self.path

    def check_path(self) -> None:
        """Refuse a path that cannot be written."""
        target = named(self.path, defaultdict(float, epoch=1, batch=1))
        check_output(target, self.options.force or target in self.written, suffixes=(*WORKBOOK, *PAGE))

    def write(self, path: str | Path | None = None) -> Path:
        """Write what is known so far, and return the path; without one, the callback's own."""
        history = self.history
        if history is None or not history.moments:
            raise BadInput("nothing of a training was seen yet: give the callback to model.fit(callbacks=[...])")
        last = history.moments[-1]
        target = named(self.path if path is None else Path(path), {"epoch": last.epoch, "batch": last.batch, **last.logs})
        force = self.options.force or target in self.written
        forward = self.forward()
        if target.suffix.lower() in PAGE:
            from weightlens.page.history_page import write_page as write
        else:
            from weightlens.workbook.training.history_book import write_book as write
        try:
            write(history, target, forward, force)
        except (WorkbookTooLarge, NoFormula) as refusal:
            if forward is None:
                raise
            warnings.warn(f"weightlens.callback: without the forward pass: {refusal}", stacklevel=2)
            write(history, target, None, force)
        self.written.add(target)
        return target

    def forward(self) -> Forward | None:
        """The network and the samples of which the forward pass is shown, with the weights of the chosen epoch."""
        if self.inputs is None or not self.kept:
            return None
        for weight, array in zip(weights_by_layer(self.read).values(), self.kept, strict=True):
            weight._value = array
        return Forward(self.read, self.inputs, self.kept_epoch, tuple(self.options.labels))


def named(path: Path, values: Mapping[str, Any]) -> Path:
    """The path with the epoch, the batch and what Keras reports filled in, as in ``ModelCheckpoint``."""
    try:
        return Path(str(path).format_map(values))
    except KeyError as error:
        raise BadInput(f"{path}: Keras reports no {error} to fill in; there are {', '.join(values)}") from None
    except (ValueError, IndexError, AttributeError, TypeError) as error:
        raise BadInput(f"{path}: {error}; a name is like history_{{epoch:02d}}.xlsx") from None


def refuse_unknown_places(path: Path, network: Any) -> None:
    """Refuse a place in the path for what Keras will not report, as far as its own training step tells what it reports.

    Nothing is refused where a loss or a metric is of a kind that Keras cannot write down: then it does not tell.
    """
    names = [name for _, name, _, _ in Formatter().parse(str(path)) if name and name not in ("epoch", "batch")]
    if not names or not getattr(type(network), "train_step", ignored).__module__.startswith(("keras.", "tf_keras.")):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras's about functions without a name, which are for somebody who saves
            compiled = network.get_compile_config() or {}
    except Exception:  # whatever a class of somebody's own raises
        return
    stated = [value for value in every_value([compiled.get(key) for key in ("metrics", "weighted_metrics")]) if isinstance(value, str)]
    if "__lambda__" in stated:
        return
    endings = (LOSS, *RATES, *stated, *(metric.name for metric in network.metrics))
    for name in names:
        if not name.endswith(endings):
            raise BadInput(f"{path}: Keras will report no {name!r} to fill in; the network is not compiled with a metric of this name")


def training_words(network: Any, model: Model, params: Mapping[str, Any]) -> str:
    """The training in one line: which Keras, optimizer, rate and loss, and how many epochs."""
    optimizer, loss = getattr(network, "optimizer", None), getattr(network, "loss", None)
    source = model.provenance
    facts = [f"Keras {source.keras_version}" + (f" on {source.backend}" if source.backend else "")]
    if optimizer is not None:
        facts.append(type(optimizer).__name__)
        try:
            facts.append(f"learning rate {float(np.asarray(optimizer.learning_rate)):g}")
        except Exception:  # a schedule, or an optimizer of the user's, is whatever it is
            facts.append("a learning rate by schedule")
    if loss is not None:
        facts.append(f"loss {loss if isinstance(loss, str) else getattr(loss, 'name', getattr(loss, '__name__', type(loss).__name__))}")
    return " · ".join([*facts, *([f"{params['epochs']} epochs asked for"] if params.get("epochs") else [])])
