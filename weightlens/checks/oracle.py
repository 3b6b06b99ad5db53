"""A saved file as a Keras network: as it is, and as a twin in which every layer computes in float64.

Files of Keras 1 and 2 are opened by ``tf_keras`` (Keras 2) where it is installed, because Keras 3 gives some of their
layers another meaning. The twin is the same file with another precision written in its configuration: Keras itself
places the weights, vocabularies and statistics in it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import shlex
import shutil
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from weightlens.call_order import every_layer
from weightlens.errors import WeightlensError, first_line
from weightlens.files import scratch_folder
from weightlens.formats.architecture.dialect import is_before_keras_3
from weightlens.formats.beside import read_architecture
from weightlens.formats.detect import shard_names
from weightlens.formats.remote import is_url
from weightlens.formats.savedmodel.container import saved_model_files
from weightlens.model import Model, Provenance

LOW_PRECISION = {"float16", "bfloat16", "float32", "mixed_float16", "mixed_bfloat16"}
Change = Callable[[Any], Any]  # of a configuration
Network = Any  # a network, layer, node or tensor of Keras: their classes differ between its versions
CONFIG = "config.json"  # in an archive of Keras 3
VARIABLES = "variables/variables"  # the beginning of the names of all files with numbers
STDERR = 2


@contextlib.contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """TensorFlow with no graphics card, no output of errors or warnings, and the same order of sums on every machine."""
    for name, value in {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "CUDA_VISIBLE_DEVICES": "-1"}.items():
        os.environ.setdefault(name, value)
    sys.stderr.flush()
    nowhere, saved = os.open(os.devnull, os.O_WRONLY), os.dup(STDERR)
    try:
        os.dup2(nowhere, STDERR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, STDERR)
        os.close(saved)
        os.close(nowhere)


def load_oracle(model: Model) -> tuple[ModuleType, Network]:
    """The Keras module that can open the file, and the network it reads. Python code in the file is never run."""
    if is_url(model.provenance.path):
        raise WeightlensError(f"{model.provenance.path}: Keras opens files of this machine: download it first")
    first = "tf_keras" if is_before_keras_3(model.provenance.keras_version) and model.provenance.kind != "tfjs" else "keras"
    file, reasons, way = str(model.provenance.path or model.name), [], ""
    for name in sorted({"keras", "tf_keras"}, key=lambda name: name != first):
        if importlib.util.find_spec(name) is None:
            reasons.append(f"{name} is not installed")
            continue
        way = f": weightlens convert {shlex.quote(file)} -o new.keras writes it anew, and that can be checked"
        try:
            keras = importlib.import_module(name)
            return keras, open_in_keras(keras, model)
        except Exception as trouble:  # Keras raises anything here
            reasons.append(f"{name}: {first_line(trouble)}")
    raise WeightlensError(f"Keras could not open {file!r} to check it ({'; '.join(reasons)}){way}")


def load_twin(keras: ModuleType, model: Model) -> Network:
    """The network in Keras once more, with every layer computing in float64."""
    with floatx(keras, "float64"):
        return open_in_keras(keras, model, with_float64_dtypes)


def open_in_keras(keras: ModuleType, model: Model, change: Change | None = None) -> Network:
    """The network as Keras reads it: from one file, from an architecture and weights, or as the assumed stack.

    ``change`` is applied to the configuration.
    """
    provenance = model.provenance
    if provenance.assumed:
        return build_dense_stack(keras, model, change)
    if provenance.kind == "savedmodel":
        return open_saved_model(keras, model, change)
    with private_copy(provenance) as path:
        if not provenance.architecture:
            if change is not None:
                rewrite_config(path, change)
            return keras.models.load_model(str(path), compile=False, safe_mode=True)
        config = read_architecture(Path(provenance.architecture))
        network = network_of(keras, config if change is None else change(config), model)
        network.load_weights(str(path))
        return network


def build_dense_stack(keras: ModuleType, model: Model, change: Change | None) -> Network:
    """The assumed stack of Dense layers, with the weights that we read."""
    given, *layers = model.layers
    made = [
        getattr(keras.layers, layer.class_name).from_config(layer.config if change is None else change(layer.config)) for layer in layers
    ]
    network = keras.Sequential([keras.Input(given.config["batch_shape"][1:], dtype=keras.backend.floatx()), *made])
    for theirs, layer in zip(made, layers, strict=True):
        theirs.set_weights([weight.value for weight in layer.own_weights.values()])
    return network


@contextlib.contextmanager
def private_copy(provenance: Provenance) -> Iterator[Path]:
    """A copy of the file for Keras, because HDF5 refuses to open a file twice with different locking.

    Keras decides by the suffix, so the copy gets the suffix of its contents' format. A TensorFlow.js model is converted.
    """
    path = Path(provenance.path)
    with scratch_folder() as scratch:
        if provenance.kind == "live":
            provenance.live.save(scratch / "live.keras")
            yield scratch / "live.keras"
            return
        if provenance.kind == "tfjs":
            from weightlens.writers import convert

            yield convert(path, scratch / "model.keras")
            return
        copy = scratch / (path.name if path.suffix in (".keras", ".h5", ".hdf5", ".json") else path.name + ".h5")
        if provenance.architecture and path.suffix != ".json":
            copy = copy.with_name("model.weights.h5" if provenance.kind == "weights" else "model.h5")
        shutil.copytree(path, copy, symlinks=True) if path.is_dir() else shutil.copyfile(path, copy)
        for shard in shard_names(json.loads(path.read_bytes())) if path.suffix == ".json" else ():
            shutil.copyfile(path.with_name(shard), copy.with_name(shard))
        yield copy


def rewrite_config(path: Path, change: Change) -> None:
    """Apply a change to the configuration inside a file; a file without one is left for Keras to refuse."""
    if zipfile.is_zipfile(path):
        old = path.rename(path.with_name("before.zip"))
        with zipfile.ZipFile(old) as archive, zipfile.ZipFile(path, "w") as new:
            for name in (item.filename for item in archive.infolist() if not item.is_dir()):
                with archive.open(name) as source, new.open(name, "w", force_zip64=True) as target:
                    if name == CONFIG:
                        target.write(json.dumps(change(json.load(source))).encode())
                    else:
                        shutil.copyfileobj(source, target)
        old.unlink()
    elif path.is_file():
        import h5py

        with h5py.File(path, "r+") as file:
            if "model_config" in file.attrs:
                file.attrs["model_config"] = json.dumps(change(json.loads(file.attrs["model_config"])))
    else:
        (path / CONFIG).write_text(json.dumps(change(json.loads((path / CONFIG).read_text()))))


def restore_normalization(network: Network) -> list[str]:
    """Set the stored mean and variance of every Normalization: Keras loses those in nested models of a ``.h5``."""
    forgotten = []
    for layer in network._flatten_layers():
        if type(layer).__name__ == "Normalization" and getattr(layer, "mean", None) is not None:
            before = np.asarray(layer.mean)
            layer.finalize_state()
            if not np.array_equal(before, np.asarray(layer.mean)):
                forgotten.append(f"{layer.name}: Keras reads its mean and variance but does not use them; they were set for this check")
    return forgotten


def release_memory() -> None:
    """Return freed memory to the system: Keras leaves reference cycles, and glibc keeps small freed blocks."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def floatx(keras: ModuleType, dtype: str) -> Iterator[None]:
    """Set Keras's default dtype for the length of a block."""
    before = keras.backend.floatx()
    if hasattr(keras, "config"):
        keras.config.dtype_policy()
    try:
        keras.backend.set_floatx(dtype)
        yield
    finally:
        keras.backend.set_floatx(before)


def with_float64_dtypes(config: object, key: str = "") -> Any:
    """A configuration with every floating-point dtype and dtype policy set to float64; weights start as zeros."""
    if key.endswith("_initializer"):
        return "zeros"
    if isinstance(config, dict):
        policy = config.get("class_name") in ("DTypePolicy", "Policy")
        return {
            k: with_float64_dtypes(v, "dtype" if policy and k == "config" else "dtype" if key == "dtype" and k == "name" else k)
            for k, v in config.items()
        }
    if isinstance(config, (list, tuple)):
        return type(config)(with_float64_dtypes(item, key) for item in config)
    return "float64" if key == "dtype" and config in LOW_PRECISION else config


def open_saved_model(keras: ModuleType, model: Model, change: Callable[[Any], Any] | None = None) -> Any:
    """The network; ``change`` is applied to its configuration, and TensorFlow fills the unchanged network first.

    A vocabulary that is not in the configuration is the one that we read.
    """
    path = Path(model.provenance.path)
    if keras.__version__ >= "3":
        raise WeightlensError("it does not open a SavedModel")
    config = read_architecture(path)
    network = network_of(keras, config, model)
    with scratch_folder() as scratch:
        write_variables(path, scratch)
        network.load_weights(str(scratch / VARIABLES)).assert_existing_objects_matched().expect_partial()
    if change is None:
        return network
    changed = network_of(keras, change(config), model)
    changed.set_weights(network.get_weights())
    return changed


def network_of(keras: ModuleType, config: object, model: Model) -> Any:
    """The network of an architecture, with our vocabularies where it has none. Python code in it is never run."""
    text = json.dumps(config)
    if '"Lambda"' in text or "__lambda__" in text:
        raise WeightlensError("the architecture holds program code, which is never run")
    network = keras.models.model_from_json(text)
    words = {layer.name: layer.config["vocabulary"] for layer in every_layer(model, wrapped=False) if layer.config.get("vocabulary")}
    for layer in network._flatten_layers():
        if layer.name in words and getattr(getattr(layer, "_lookup_layer", layer), "input_vocabulary", words) is None:
            layer.set_vocabulary(words[layer.name])
    return network


def write_variables(path: Path, folder: Path) -> None:
    """Copy the files with the variables of a SavedModel."""
    files = saved_model_files(path)
    (folder / VARIABLES).parent.mkdir()
    for name in files.names():
        if name.startswith(VARIABLES) and name.count("/") == 1:
            source = files.open(name)
            with source.open("rb") if isinstance(source, Path) else source as old, (folder / name).open("wb") as new:
                old.seek(0)
                shutil.copyfileobj(old, new)
