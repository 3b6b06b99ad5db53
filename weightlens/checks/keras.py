"""Keras as the oracle: run the saved file layer by layer and compare with our forward pass.

The only module of the package that imports Keras, and only when a check is asked for. Files of Keras 1 and 2 are
opened by ``tf_keras`` (Keras 2) where it is installed, because Keras 3 gives some of their layers another meaning.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from weightlens.checks.quiet import STDERR, quiet
from weightlens.checks.report import Report, Row, compare
from weightlens.errors import WeightlensError
from weightlens.files import scratch_folder
from weightlens.formats.beside import read_architecture
from weightlens.formats.detect import shard_names
from weightlens.forward import bind, trace
from weightlens.model import Model, Provenance

TOLERANCE_64 = 1e-9  # float64 sums in another order; TensorFlow's kernels are not all exact to the last bits
MANY_LAYERS, DEEP_RECURSION, DEEP_STACK = 100, 100_000, 512 << 20
STAGES = ("our own forward pass", "Keras opens the file", "Keras computes in float32", "Keras computes in float64")
Found = TypeVar("Found")
LOW_PRECISION = {"float16", "bfloat16", "float32", "mixed_float16", "mixed_bfloat16"}


def check_with_keras(
    model: Model, inputs: Any = None, tolerance: float = 1e-5, float64: bool = True, stage: Callable[[str], None] = lambda title: None
) -> Report:
    """Compare every layer's output with Keras in float32 and, on a rebuilt twin of the model, in float64."""
    if inputs is None:
        from weightlens.inputs import default_inputs

        inputs = default_inputs(model)
    if too_deep(model):
        return with_room(lambda: check_with_keras(model, inputs, tolerance, float64, stage))
    report = Report(Path(model.provenance.path).name or model.name)
    arrays = bind(model, inputs)
    stage(STAGES[0])
    ours = {path: [x.value for x in outputs] for path, outputs in trace(model, inputs).layer_outputs.items()}  # lets go of the weights
    classes = {layer.name: layer.class_name for layer in model.layers}
    stage(STAGES[1])
    with calm():
        keras, oracle = load_oracle(model)
        give_back()
        stage(STAGES[2])
        version = f"Keras {keras.__version__}"
        report.notes += lost_axes(model, oracle)
        try:
            theirs = layer_outputs(keras, oracle, arrays)
        except Exception as trouble:  # Keras raises anything here
            raise WeightlensError(f"{version} opens {report.subject} but cannot run it: {first_line(trouble)}") from None
        report.rows += compare_layers(ours, theirs, classes, f"{version} float32", tolerance)
        report.notes += [f"{path}: Keras computes it, we do not" for path in theirs if path not in ours]
        if float64:
            stage(STAGES[3])
            try:
                with tempfile.TemporaryFile() as store:
                    kind, config, shape = put_aside(oracle, store)
                    del oracle  # its weights and those in float64 are not in memory together
                    give_back()
                    twin = in_float64_again(keras, kind, config, shape, store)
                theirs = layer_outputs(keras, twin, arrays)
            except Exception as trouble:  # some of TensorFlow's kernels know float32 only
                report.notes.append(f"not compared in float64: {first_line(trouble)}")
            else:
                rows = compare_layers(ours, theirs, classes, f"{version} float64", TOLERANCE_64)
                report.rows += [in_doubt(row, tolerance, report) for row in rows]
    return report


def lost_axes(model: Model, oracle: Any) -> list[str]:
    """Layers over several axes, which Keras 3 drops when it reads a whole ``.h5``: then it is Keras that is wrong."""
    found = []
    for theirs in oracle.layers:
        layer = next((layer for layer in model.layers if layer.name == theirs.name), None)
        axis = None if layer is None else layer.config.get("axis")
        if isinstance(axis, list) and len(axis) > 1 and getattr(theirs, "axis", axis) in (-1, [-1]):
            found.append(f"{theirs.name}: the file says axis {axis}; Keras lost that in reading it, and is wrong here (docs/formats.md)")
    return found


def with_room(compute: Callable[[], Found]) -> Found:
    """Run something with a stack for deep recursion: Keras walks a network layer by layer inside itself."""
    found: list[Found] = []
    troubles: list[BaseException] = []

    def run() -> None:
        try:
            found.append(compute())
        except BaseException as trouble:  # handed on to whoever waits
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
    return found[0]


def too_deep(model: Model) -> bool:
    """Whether Keras needs more room for this model than the main thread has."""
    return len(model.layers) > MANY_LAYERS and threading.current_thread() is threading.main_thread()


def compare_layers(
    ours: dict[str, list[Any]], theirs: dict[str, list[np.ndarray]], classes: dict[str, str], witness: str, tolerance: float
) -> list[Row]:
    """One row for every output of every layer that both have computed."""
    rows = []
    for path in [path for path in theirs if path in ours]:
        for number, (mine, y) in enumerate(zip(ours[path], theirs[path], strict=True)):
            name = path if len(theirs[path]) == 1 else f"{path} [{number}]"
            rows.append(compare(name, classes.get(path.split(" #")[0], ""), mine, y, witness, tolerance))
    return rows


def in_doubt(row: Row, tolerance: float, report: Report) -> Row:
    """Some layers (Resizing, attention) compute in float32 inside, even when asked for float64: then float32's tolerance holds."""
    if row.ok or row.worst_relative > tolerance:
        return row
    report.notes.append(f"{row.layer}: agrees with {row.witness} to float32's precision only, in which Keras may have computed it")
    return replace(row, tolerance=tolerance)


def keras_outputs(model: Model, arrays: list[np.ndarray]) -> tuple[list[np.ndarray], str]:
    """What Keras in float32 answers to these inputs: one array per output of the model; and its name and version."""
    if too_deep(model):
        return with_room(lambda: keras_outputs(model, arrays))
    with calm():
        keras, oracle = load_oracle(model)
        wanted = [name_of(t.dtype) for t in flat(oracle.inputs)]
        given = [x.astype(dtype) if dtype != "string" else x for x, dtype in zip(arrays, wanted, strict=True)]
        outputs = flat(oracle(given if len(given) > 1 else given[0], training=False))
        return [np.asarray(y) for y in outputs], f"Keras {keras.__version__} (float32)"


def calm() -> contextlib.AbstractContextManager[None]:
    """TensorFlow without a graphics card, without its chatter, and with the same order of sums on every machine."""
    for name, value in {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "CUDA_VISIBLE_DEVICES": "-1"}.items():
        os.environ.setdefault(name, value)
    return quiet(STDERR)


def load_oracle(model: Model) -> tuple[Any, Any]:
    """Keras (the module that can open the file) and the model that it reads. Python code in the file is never run."""
    first = "tf_keras" if model.provenance.keras_version.startswith(("1", "2")) else "keras"
    reasons = []
    with private_copy(model.provenance) as path:
        for name in sorted({"keras", "tf_keras"}, key=lambda name: name != first):
            if importlib.util.find_spec(name) is None:
                reasons.append(f"{name} is not installed")
                continue
            try:
                keras = importlib.import_module(name)
                return keras, open_in(keras, path, model.provenance)
            except Exception as trouble:  # Keras raises anything here
                reasons.append(f"{name}: {first_line(trouble)}")
    raise WeightlensError(f"Keras could not open {model.provenance.path!r} to check it ({'; '.join(reasons)})")


def open_in(keras: Any, path: Path, provenance: Provenance) -> Any:
    """The model as Keras reads it: whole from one file, or its architecture from one and its weights from another."""
    if not provenance.architecture:
        return keras.models.load_model(str(path), compile=False, safe_mode=True)
    text = json.dumps(read_architecture(Path(provenance.architecture)))
    if '"Lambda"' in text or "__lambda__" in text:
        raise WeightlensError("the architecture holds program code, which is never run")
    oracle = keras.models.model_from_json(text)
    oracle.load_weights(str(path))
    return oracle


@contextlib.contextmanager
def private_copy(provenance: Provenance) -> Iterator[Path]:
    """HDF5 refuses to open a file twice with other locking, and we may still hold it open: Keras gets a copy.

    It goes by the end of a name, so the copy has the one that its contents call for.
    """
    path = Path(provenance.path)
    with scratch_folder() as scratch:
        copy = scratch / (path.name if path.suffix in (".keras", ".h5", ".hdf5", ".json") else path.name + ".h5")
        if provenance.architecture and path.suffix != ".json":
            copy = copy.with_name("model.weights.h5" if ".weights.h5" in provenance.format else "model.h5")
        shutil.copytree(path, copy, symlinks=True) if path.is_dir() else shutil.copyfile(path, copy)
        for shard in shard_names(json.loads(path.read_bytes())) if path.suffix == ".json" else ():
            shutil.copyfile(path.with_name(shard), copy.with_name(shard))
        yield copy


def give_back() -> None:
    """Return memory that is free to the system: Keras leaves circles of references, glibc keeps what was used in small pieces."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)


def first_line(trouble: BaseException) -> str:
    """The first line of an error's message, shortened."""
    return (str(trouble).strip().splitlines() or [type(trouble).__name__])[0][:200]


def put_aside(oracle: Any, store: IO[bytes]) -> tuple[type, Any, Any]:
    """A model's class, configuration and input shape; its weights, one after the other, go to a file."""
    for variable in oracle.weights:
        values = np.asarray(variable)
        np.save(store, values.astype("float64") if values.dtype.kind == "f" else values)
    store.seek(0)
    return type(oracle), oracle.get_config(), oracle.input_shape if oracle.built else None


def in_float64_again(keras: Any, kind: Any, config: Any, shape: Any, store: IO[bytes]) -> Any:
    """The model with every layer computing in float64; its weights come from the file."""
    with floatx(keras, "float64"):
        twin = kind.from_config(in_float64(config))
        if not twin.built:
            twin.build(shape)
        for variable in twin.weights:
            variable.assign(np.load(store, allow_pickle=False))
        if store.read(1):
            raise WeightlensError("Keras makes another number of weights of the same configuration")
        return twin


@contextlib.contextmanager
def floatx(keras: Any, dtype: str) -> Iterator[None]:
    """Keras's default precision, for a while. It remembers the first policy it is asked for, so ask before changing anything."""
    before = keras.backend.floatx()
    if hasattr(keras, "config"):
        keras.config.dtype_policy()
    try:
        keras.backend.set_floatx(dtype)
        yield
    finally:
        keras.backend.set_floatx(before)


def in_float64(config: Any, key: str = "") -> Any:
    """A configuration with every floating-point dtype, and every dtype policy, turned into float64; weights are to begin as zeros."""
    if key.endswith("_initializer"):
        return "zeros"
    if isinstance(config, dict):
        policy = config.get("class_name") in ("DTypePolicy", "Policy")
        return {
            k: in_float64(v, "dtype" if policy and k == "config" else "dtype" if key == "dtype" and k == "name" else k)
            for k, v in config.items()
        }
    if isinstance(config, (list, tuple)):
        return type(config)(in_float64(item, key) for item in config)
    return "float64" if key == "dtype" and config in LOW_PRECISION else config


def layer_outputs(keras: Any, network: Any, arrays: list[np.ndarray]) -> dict[str, list[np.ndarray]]:
    """What each layer hands on, by the path that our trace gives it (``dense``, ``dense #2`` for its second call)."""
    graph = getattr(network, "_functional", None) or network
    tensors = {path: flat(outputs) for path, outputs in node_outputs(graph)}
    wanted = [tensor for outputs in tensors.values() for tensor in outputs]
    given = [x.astype(name_of(t.dtype)) if name_of(t.dtype) != "string" else x for x, t in zip(arrays, flat(graph.inputs), strict=True)]
    with floatx(keras, "float64" if any(name_of(t.dtype) == "float64" for t in wanted) else "float32"):
        computed = iter(flat(keras.Model(graph.inputs, wanted)(given, training=False)))
    return {path: [np.asarray(next(computed)) for _ in outputs] for path, outputs in tensors.items()}


def node_outputs(graph: Any) -> Iterator[tuple[str, Any]]:
    """Every call of every layer inside a functional graph, and the symbolic tensors that it makes (Keras 2 and 3)."""
    inside: set[str] = (
        graph._nodes if hasattr(graph, "operations") else graph._network_nodes
    )  # "140231_ib-0" in Keras 3, "dense_ib-0" in Keras 2
    for layer in getattr(graph, "operations", graph.layers):
        calls = [n for i, n in enumerate(layer._inbound_nodes) if f"{id(layer)}_ib-{i}" in inside or f"{layer.name}_ib-{i}" in inside]
        for number, node in enumerate(calls):
            if type(layer).__name__ != "InputLayer":
                yield layer.name + (f" #{number + 1}" if number else ""), node.outputs


def name_of(dtype: Any) -> str:
    """``float32``, whether Keras says it as text or as a TensorFlow dtype."""
    return str(getattr(dtype, "name", dtype))


def flat(thing: Any) -> list[Any]:
    """Nested lists and dictionaries of tensors as one list."""
    if isinstance(thing, dict):
        return [leaf for key in sorted(thing) for leaf in flat(thing[key])]
    if isinstance(thing, (list, tuple)):
        return [leaf for item in thing for leaf in flat(item)]
    return [] if thing is None else [thing]
