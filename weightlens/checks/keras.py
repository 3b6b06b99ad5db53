"""Keras as the oracle: run the saved file layer by layer and compare with our forward pass.

Only this module and those that open Keras for it import Keras, and only when a check is asked for.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import numpy as np

from weightlens.call_order import every_layer
from weightlens.checks.layer_outputs import EPSILON, LayerOutput, as_given, batch_slices, flatten, layer_outputs
from weightlens.checks.oracle import Network, load_oracle, load_twin, quiet_tensorflow, release_memory, restore_normalization
from weightlens.engine.binding import bind
from weightlens.engine.forward import trace
from weightlens.engine.wanted import batch_size, is_stateful
from weightlens.errors import WeightlensError, first_line
from weightlens.model import Model
from weightlens.report import Report, Row, compare

TOLERANCE_64 = 1e-9  # float64 sums in another order; TensorFlow's kernels are not all exact to the last bits
ROUNDING_SHRINKS = 1e-6  # what is only rounding is 2^29 times smaller in float64; less, once float32 has lost every digit
NO_DIGIT = 0.1  # off by more, not one digit is right: float32 may have gone beyond its range inside of the layer
LOW_PRECISION_STEPS = 16  # roundings to float16 or bfloat16 that may add up
MANY_LAYERS, DEEP_RECURSION, DEEP_STACK = 100, 100_000, 512 << 20
STAGES = ("our own forward pass", "Keras opens the file", "Keras computes in float32", "Keras computes in float64")
T = TypeVar("T")
Judged = tuple[Row, str]  # a row, and a note if its difference is excused


@dataclass(frozen=True)
class OurPass:
    """Our forward pass: the output arrays and the class of each layer by its path, and the inputs that Keras is given too."""

    outputs: dict[str, list[np.ndarray]]
    classes: dict[str, str]
    arrays: list[np.ndarray]
    batch: int | None  # samples that Keras computes at a time


def check(
    model: Model, inputs: object = None, tolerance: float = 1e-5, float64: bool = True, stage: Callable[[str], None] = lambda title: None
) -> Report:
    """Run the saved file in Keras, in its own precision and as a twin in float64, and compare every layer's output with ours.

    ``stage`` is called with the name of each of the ``STAGES``, for a progress bar.
    """
    if needs_large_stack(model):
        return with_large_stack(lambda: check(model, inputs, tolerance, float64, stage))
    subject = Path(model.provenance.path).name or model.name
    stage(STAGES[0])
    ours = our_pass(model, inputs)
    stage(STAGES[1])
    with quiet_tensorflow():
        keras, oracle = load_oracle(model)
        release_memory()
        stage(STAGES[2])
        version = f"Keras {keras.__version__}"
        notes = lost_axes_note(model, oracle) + restore_normalization(oracle)
        if model.provenance.kind == "tfjs":
            notes.append("Keras was given the TensorFlow.js model as weightlens converts it")
        if model.provenance.assumed:
            notes.append(f"Keras was given the stack {model.provenance.assumed} with the weights as weightlens read them")
        try:
            theirs = layer_outputs(keras, oracle, ours.arrays, ours.batch)
        except Exception as trouble:  # Keras raises anything here
            raise WeightlensError(f"{version} opens {subject} but cannot run it: {first_line(trouble)}") from None
        rows = compare_layers(ours, theirs, version, tolerance)
        notes += [f"{output.path}: Keras computes it, we do not" for output in theirs if output.path not in ours.outputs]
        notes += low_precision_note(theirs) + ([] if all(row.ok for row in rows) else old_ways_notes(model))
        if float64:
            stage(STAGES[3])
            del oracle, theirs  # its weights and those in float64 are not in memory together
            release_memory()
            rows, more = with_float64(keras, model, ours, rows, tolerance)
            notes += more
    return Report(subject, rows, notes)


def our_pass(model: Model, inputs: object) -> OurPass:
    """Our outputs of every layer. The trace is dropped, and the weights with it."""
    if inputs is None:
        from weightlens.inputs.defaults import default_inputs

        inputs = default_inputs(model)
    recorded = trace(model, inputs)
    outputs = {path: [x.value for x in made] for path, made in recorded.layer_outputs.items()}
    classes = {path: layer.class_name for path, layer in recorded.layers.items()}
    return OurPass(outputs, classes, bind(model, inputs), batch_size(model) if is_stateful(model) else None)


def with_float64(keras: ModuleType, model: Model, ours: OurPass, rows: list[Row], tolerance: float) -> tuple[list[Row], list[str]]:
    """The rows judged again with those of a twin in float64, which are added; and notes on the differences that are excused."""
    try:
        twin = load_twin(keras, model)
        restore_normalization(twin)
        theirs = layer_outputs(keras, twin, ours.arrays, ours.batch)
    except Exception as trouble:  # some of TensorFlow's kernels know float32 only
        return rows, [f"not compared in float64: {first_line(trouble)}"]
    exact = [replace(output, precision="float64") for output in theirs]
    rows_64 = compare_layers(ours, exact, f"Keras {keras.__version__}", TOLERANCE_64)
    judged = [rounding_explains(row, rows_64) for row in rows]
    in_float32 = [row for row, _ in judged]
    judged += [keras_contradicts_itself(row, in_float32, tolerance) for row in rows_64]
    return [row for row, _ in judged], [note for _, note in judged if note]


def old_ways_notes(model: Model) -> list[str]:
    """What the Keras that wrote the file computed otherwise than the one that is asked, which may be why they differ."""
    old = {way for layer in every_layer(model) if not layer.quirks.before_keras_3 for way in layer.quirks.old}
    return [f"in Keras {model.provenance.keras_version}, which wrote the file, {way}: computed as there" for way in sorted(old)]


def lost_axes_note(model: Model, oracle: Network) -> list[str]:
    """Notes on layers over several axes, which Keras 3 loses when it reads a whole ``.h5``: there Keras is wrong."""
    notes = []
    for theirs in oracle.layers:
        layer = next((layer for layer in model.layers if layer.name == theirs.name), None)
        axis = None if layer is None else layer.config.get("axis")
        if isinstance(axis, list) and len(axis) > 1 and getattr(theirs, "axis", axis) in (-1, [-1]):
            notes.append(f"{theirs.name}: the file says axis {axis}; Keras lost that in reading it, and is wrong here (docs/formats.md)")
    return notes


def with_large_stack(compute: Callable[[], T]) -> T:
    """Run a function in a thread with a large stack: Keras walks a deep network by recursion."""
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(compute())
        except BaseException as trouble:  # raised again in the calling thread
            result.set_exception(trouble)

    before, size = sys.getrecursionlimit(), threading.stack_size(DEEP_STACK)
    try:
        sys.setrecursionlimit(DEEP_RECURSION)
        threading.Thread(target=run, daemon=True).start()
        return result.result()
    finally:
        sys.setrecursionlimit(before)
        threading.stack_size(size)


def needs_large_stack(model: Model) -> bool:
    """Whether Keras needs a larger stack for this model than the main thread has."""
    return len(model.layers) > MANY_LAYERS and threading.current_thread() is threading.main_thread()


def compare_layers(ours: OurPass, theirs: list[LayerOutput], version: str, tolerance: float) -> list[Row]:
    """One row for each output of each layer computed by both."""
    rows = []
    for output in (output for output in theirs if output.path in ours.outputs):
        allowed = max(tolerance, LOW_PRECISION_STEPS * EPSILON.get(output.precision, 0.0))
        name = ours.classes.get(output.path, output.class_name)
        for number, (mine, y) in enumerate(zip(ours.outputs[output.path], output.arrays, strict=True)):
            path = output.path if len(output.arrays) == 1 else f"{output.path} [{number}]"
            row = compare(path, name, mine, y, f"{version} {output.precision}", allowed)
            rows.append(replace(row, precision=output.precision))
    return rows


def low_precision_note(theirs: list[LayerOutput]) -> list[str]:
    """Notes on layers that Keras computes in a dtype with fewer digits than float32."""
    paths_by_dtype: dict[str, list[str]] = {}
    for output in theirs:
        if output.precision in EPSILON:
            paths_by_dtype.setdefault(output.precision, []).append(output.path)
    notes = []
    for precision, paths in paths_by_dtype.items():
        layers = paths[0] + (f" and {len(paths) - 1} more layers" if len(paths) > 1 else "")
        allowed = f"{LOW_PRECISION_STEPS * EPSILON[precision]:.1e}"
        notes.append(f"Keras computes {layers} in {precision} (or from inputs in {precision}): compared with a tolerance of {allowed}")
    return notes


def rounding_explains(row: Row, exact: list[Row]) -> Judged:
    """The row, excused if the layer agrees in float64, or all but agrees: the difference is what float32 cannot do."""
    twin = next((twin for twin in exact if twin.layer == row.layer), None)
    if row.ok or twin is None or not np.isfinite(row.worst_relative):
        return row, ""
    if not twin.ok and not twin.worst_relative <= ROUNDING_SHRINKS * row.worst_relative:
        return row, ""
    off = f"off by {row.worst_relative:.1e} in {row.witness}, by {twin.worst_relative:.1e} in float64"
    why = "only rounding" if row.worst_relative < NO_DIGIT else "float32 has no right digit here, from rounding or beyond its range (3e38)"
    return replace(row, excused=True), f"{row.layer}: {off}: {why}"


def keras_contradicts_itself(row: Row, in_float32: list[Row], tolerance: float) -> Judged:
    """The row, excused if the layer agrees in float32: then Keras's float64 contradicts its own float32.

    Some layers (Resizing, attention) compute in float32 inside, even when asked for float64; others add -1e9 to what is masked.
    """
    if row.ok:
        return row, ""
    if row.worst_relative <= tolerance:
        note = f"{row.layer}: agrees with {row.witness} to float32 precision only: Keras may compute this layer in float32"
        return replace(row, tolerance=tolerance), note
    twin = next((twin for twin in in_float32 if twin.layer == row.layer and twin.precision == "float32"), None)
    if twin is None or not twin.ok or twin.excused or row.worst_relative < 2 * tolerance:
        return row, ""
    off = f"{row.worst_relative:.1e} from the float32 of the file, with which we agree to {twin.worst_relative:.1e}"
    return replace(row, excused=True), f"{row.layer}: Keras in float64 is {off}"


def keras_outputs(model: Model, arrays: list[np.ndarray]) -> tuple[list[np.ndarray], str]:
    """The outputs of Keras in float32, one array per output of the model; and Keras's name and version."""
    if needs_large_stack(model):
        return with_large_stack(lambda: keras_outputs(model, arrays))
    with quiet_tensorflow():
        keras, oracle = load_oracle(model)
        given = as_given(oracle, arrays)
        parts = batch_slices(len(given[0]), batch_size(model) if is_stateful(model) else None)
        runs = [flatten(oracle([x[part] for x in given] if len(given) > 1 else given[0][part], training=False)) for part in parts]
        return [np.concatenate([np.asarray(y) for y in ys]) for ys in zip(*runs, strict=True)], f"Keras {keras.__version__} (float32)"
