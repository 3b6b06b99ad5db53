"""Keras as the oracle: run the saved file layer by layer and compare with our forward pass.

Only this module and those that open Keras for it import Keras, and only when a check is asked for.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from weightlens.checks.handed import EPSILON, LayerOutput, batch_slices, dtype_name, flatten, layer_outputs
from weightlens.checks.oracle import is_tfjs, load_oracle, load_twin, quiet_tensorflow, release_memory, restore_normalization
from weightlens.checks.report import Report, Row, compare
from weightlens.engine.forward import bind, trace
from weightlens.engine.state import batch_size, is_stateful
from weightlens.errors import WeightlensError, first_line
from weightlens.model import Model

TOLERANCE_64 = 1e-9  # float64 sums in another order; TensorFlow's kernels are not all exact to the last bits
ROUNDING_SHRINKS = 1e-4  # what is only rounding is 2^29 times smaller in float64; less, once float32 has lost every digit
LOW_PRECISION_STEPS = 16  # roundings to float16 or bfloat16 that may add up
MANY_LAYERS, DEEP_RECURSION, DEEP_STACK = 100, 100_000, 512 << 20
STAGES = ("our own forward pass", "Keras opens the file", "Keras computes in float32", "Keras computes in float64")
Found = TypeVar("Found")


def check_with_keras(
    model: Model, inputs: Any = None, tolerance: float = 1e-5, float64: bool = True, stage: Callable[[str], None] = lambda title: None
) -> Report:
    """Compare every layer's output with Keras in the file's precision and, on a twin of the network, in float64."""
    if inputs is None:
        from weightlens.inputs.defaults import default_inputs

        inputs = default_inputs(model)
    if needs_large_stack(model):
        return with_large_stack(lambda: check_with_keras(model, inputs, tolerance, float64, stage))
    report = Report(Path(model.provenance.path).name or model.name)
    arrays, batch = bind(model, inputs), batch_size(model) if is_stateful(model) else None
    stage(STAGES[0])
    ours = {path: [x.value for x in outputs] for path, outputs in trace(model, inputs).layer_outputs.items()}  # frees the weights
    classes = {layer.name: layer.class_name for layer in model.layers}
    stage(STAGES[1])
    with quiet_tensorflow():
        keras, oracle = load_oracle(model)
        release_memory()
        stage(STAGES[2])
        version = f"Keras {keras.__version__}"
        report.notes += lost_axes_note(model, oracle) + restore_normalization(oracle)
        if is_tfjs(model.provenance):
            report.notes.append("Keras was given the TensorFlow.js model as weightlens converts it")
        if model.provenance.assumed:
            report.notes.append(f"Keras was given the stack {model.provenance.assumed} with the weights as weightlens read them")
        try:
            theirs = layer_outputs(keras, oracle, arrays, batch)
        except Exception as trouble:  # Keras raises anything here
            raise WeightlensError(f"{version} opens {report.subject} but cannot run it: {first_line(trouble)}") from None
        report.rows += compare_layers(ours, theirs, classes, version, tolerance)
        report.notes += [f"{handed.path}: Keras computes it, we do not" for handed in theirs if handed.path not in ours]
        report.notes += low_precision_note(theirs)
        if float64:
            stage(STAGES[3])
            del oracle, theirs  # its weights and those in float64 are not in memory together
            release_memory()
            try:
                twin = load_twin(keras, model)
                restore_normalization(twin)
                theirs = layer_outputs(keras, twin, arrays, batch)
            except Exception as trouble:  # some of TensorFlow's kernels know float32 only
                report.notes.append(f"not compared in float64: {first_line(trouble)}")
            else:
                exact = [replace(handed, precision="float64") for handed in theirs]
                rows = compare_layers(ours, exact, classes, version, TOLERANCE_64)
                judged = [rounding_explains(row, rows, report) for row in report.rows]
                report.rows = judged + [keras_contradicts_itself(row, report.rows, tolerance, report) for row in rows]
    return report


def lost_axes_note(model: Model, oracle: Any) -> list[str]:
    """Notes on layers over several axes, which Keras 3 loses when it reads a whole ``.h5``: there Keras is wrong."""
    notes = []
    for theirs in oracle.layers:
        layer = next((layer for layer in model.layers if layer.name == theirs.name), None)
        axis = None if layer is None else layer.config.get("axis")
        if isinstance(axis, list) and len(axis) > 1 and getattr(theirs, "axis", axis) in (-1, [-1]):
            notes.append(f"{theirs.name}: the file says axis {axis}; Keras lost that in reading it, and is wrong here (docs/formats.md)")
    return notes


def with_large_stack(compute: Callable[[], Found]) -> Found:
    """Run a function in a thread with a large stack: Keras walks a deep network by recursion."""
    results: list[Found] = []
    troubles: list[BaseException] = []

    def run() -> None:
        try:
            results.append(compute())
        except BaseException as trouble:  # raised again in the calling thread
            troubles.append(trouble)

    before, size = sys.getrecursionlimit(), threading.stack_size(DEEP_STACK)
    try:
        sys.setrecursionlimit(DEEP_RECURSION)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(before)
        threading.stack_size(size)
    if troubles:
        raise troubles[0]
    return results[0]


def needs_large_stack(model: Model) -> bool:
    """Whether Keras needs a larger stack for this model than the main thread has."""
    return len(model.layers) > MANY_LAYERS and threading.current_thread() is threading.main_thread()


def compare_layers(
    ours: dict[str, list[Any]], theirs: list[LayerOutput], classes: dict[str, str], version: str, tolerance: float
) -> list[Row]:
    """One row for each output of each layer computed by both."""
    rows = []
    for handed in [handed for handed in theirs if handed.path in ours]:
        allowed = max(tolerance, LOW_PRECISION_STEPS * EPSILON.get(handed.precision, 0.0))
        name = classes.get(handed.path.split(" #")[0], handed.class_name)
        for number, (mine, y) in enumerate(zip(ours[handed.path], handed.outputs, strict=True)):
            path = handed.path if len(handed.outputs) == 1 else f"{handed.path} [{number}]"
            rows.append(compare(path, name, mine, y, f"{version} {handed.precision}", allowed))
    return rows


def low_precision_note(theirs: list[LayerOutput]) -> list[str]:
    """Notes on layers that Keras computes in a dtype with fewer digits than float32."""
    paths_by_dtype: dict[str, list[str]] = {}
    for handed in theirs:
        if handed.precision in EPSILON:
            paths_by_dtype.setdefault(handed.precision, []).append(handed.path)
    notes = []
    for precision, paths in paths_by_dtype.items():
        layers = paths[0] + (f" and {len(paths) - 1} more layers" if len(paths) > 1 else "")
        allowed = f"{LOW_PRECISION_STEPS * EPSILON[precision]:.1e}"
        notes.append(f"Keras computes {layers} in {precision} (or from inputs in {precision}): compared with a tolerance of {allowed}")
    return notes


def rounding_explains(row: Row, exact: list[Row], report: Report) -> Row:
    """The row, excused if the layer agrees in float64, or all but agrees: the difference is rounding that Keras accumulates."""
    twin = next((twin for twin in exact if twin.layer == row.layer), None)
    if row.ok or twin is None or not np.isfinite(row.worst_relative):
        return row
    if not twin.ok and not twin.worst_relative <= ROUNDING_SHRINKS * row.worst_relative:
        return row
    off = f"off by {row.worst_relative:.1e} in {row.witness}, by {twin.worst_relative:.1e} in float64"
    report.notes.append(f"{row.layer}: {off}: only rounding")
    return replace(row, excused=True)


def keras_contradicts_itself(row: Row, in_float32: list[Row], tolerance: float, report: Report) -> Row:
    """The row, excused if the layer agrees in float32: then Keras's float64 contradicts its own float32.

    Some layers (Resizing, attention) compute in float32 inside, even when asked for float64; others add -1e9 to what is masked.
    """
    if row.ok:
        return row
    if row.worst_relative <= tolerance:
        report.notes.append(f"{row.layer}: agrees with {row.witness} to float32 precision only: Keras may compute this layer in float32")
        return replace(row, tolerance=tolerance)
    twin = next((twin for twin in in_float32 if twin.layer == row.layer and twin.witness.endswith("float32")), None)
    if twin is None or not twin.ok or twin.excused or row.worst_relative < 2 * tolerance:
        return row
    off = f"{row.worst_relative:.1e} from the float32 of the file, with which we agree to {twin.worst_relative:.1e}"
    report.notes.append(f"{row.layer}: Keras in float64 is {off}")
    return replace(row, excused=True)


def keras_outputs(model: Model, arrays: list[np.ndarray]) -> tuple[list[np.ndarray], str]:
    """The outputs of Keras in float32, one array per output of the model; and Keras's name and version."""
    if needs_large_stack(model):
        return with_large_stack(lambda: keras_outputs(model, arrays))
    with quiet_tensorflow():
        keras, oracle = load_oracle(model)
        wanted = [dtype_name(t.dtype) for t in flatten(oracle.inputs)]
        given = [x.astype(dtype) if dtype != "string" else x for x, dtype in zip(arrays, wanted, strict=True)]
        parts = batch_slices(len(given[0]), batch_size(model) if is_stateful(model) else None)
        runs = [flatten(oracle([x[part] for x in given] if len(given) > 1 else given[0][part], training=False)) for part in parts]
        return [np.concatenate([np.asarray(y) for y in ys]) for ys in zip(*runs, strict=True)], f"Keras {keras.__version__} (float32)"
