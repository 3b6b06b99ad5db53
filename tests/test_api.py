"""The functions at the top of the package: what is public, what a type checker says of a user's script, and that files are closed."""

from __future__ import annotations

import csv
import doctest
import importlib
import importlib.util
import inspect
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

import weightlens
from tests.cases import turn
from tests.conftest import SAMPLES
from tests.tiny import write_tiny
from weightlens.api.model_summary import Summary, SummaryRow
from weightlens.workbook.export_options import ExportOptions, Options

ROOT = SAMPLES.parent
OR, DIGITS = SAMPLES / "or.h5", SAMPLES / "digits_mlp.keras"
SCRIPT = """
import numpy as np
import weightlens

def look(network: weightlens.LiveModel, path: str) -> float:
    with weightlens.load(network) as model:
        trace = model.trace([[0.0, 1.0]])
        for step in trace["dense"]:
            print(step.name, step.words, step.value.shape)
        dense = model["dense"]
        kernel = dense.weights["kernel"].value
        print(model, dense, dense.weights, trace, kernel.sum(), model.summary().rows[0].output_shapes)
    output = weightlens.export(network, path, [[0.0, 1.0]], labels=["no", "yes"], detail="steps", force=True)
    report = weightlens.check(path, [[0.0, 1.0]], tolerance=1e-5)
    difference = weightlens.diff(network, path, tolerance=1e-6)
    hand = weightlens.check(path, workbook=output)
    changed = [change.name for change in difference.weights if not change.same]
    print(report.summary, hand.ok, changed, difference.architecture)
    fitted = weightlens.fit(path, np.zeros((4, 2)), np.zeros((4, 1)), epochs=10, loss="mse", rate=0.1)
    imported = weightlens.import_workbook(output, path, "new.h5")
    print([change.new for change in imported.changes], fitted.loss_after, fitted.weights["dense/kernel"])
    recorded = weightlens.trace(network, {"x": [[0.0, 1.0]]})
    print(recorded.outputs[0].shape, model.summary().text("json"))
    recorder = weightlens.callback("history_{epoch:02d}.xlsx", [[0.0, 1.0]], weights=["dense/kernel"], batches=10)
    losses = [moment.logs["loss"] for moment in recorder.history.moments] if recorder.history else []
    print(recorder.write(), losses)
    print(recorded.to_frame().shape)
    return float(weightlens.predict(network, [[0.0, 1.0]])[0][0, 0])
"""
WRONG = "import weightlens\nweightlens.export('or.h5', 'or.xlsx', detial='steps')\nweightlens.load(3)\n"


def test_what_is_public() -> None:
    assert dir(weightlens) == sorted([*weightlens.__all__, "__version__"])
    assert all(inspect.getdoc(getattr(weightlens, name)) for name in weightlens.__all__)
    with pytest.raises(AttributeError, match="'weightlens' has no attribute 'lode'"):
        weightlens.lode  # type: ignore[attr-defined]  # noqa: B018


def test_the_options_have_one_list_of_names() -> None:
    assert [*ExportOptions.__annotations__] == [field.name for field in fields(Options)]


def modules_with_examples() -> list[str]:
    files = (path for path in Path(weightlens.__file__).parent.rglob("*.py") if ">>> " in path.read_text())
    return sorted(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files)


@pytest.mark.parametrize("module", modules_with_examples())
def test_examples_in_docstrings(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testmod(importlib.import_module(module))
    assert tried and not failed


@pytest.mark.slow
@pytest.mark.parametrize("checker", turn(["mypy", "pyright"], 2))
def test_types_of_a_script(checker: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed")
    script = SCRIPT if importlib.util.find_spec("pandas") else SCRIPT.replace("    print(recorded.to_frame().shape)\n", "")
    (tmp_path / "script.py").write_text(script)
    (tmp_path / "wrong.py").write_text(WRONG)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    options = {
        "mypy": ["--strict", "--follow-imports=silent", "--cache-dir", os.devnull],
        "pyright": ["--pythonpath", sys.executable],
    }[checker]
    ran = subprocess.run(
        [sys.executable, "-m", checker, *options, "script.py", "wrong.py"],
        cwd=tmp_path, env={**os.environ, "MYPYPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    complaints = {*re.findall(r"(\w+)\.py:(\d+).*error", ran.stdout)}
    assert ran.returncode == 1 and complaints == {("wrong", "2"), ("wrong", "3")}, ran.stdout + ran.stderr
    assert "detial" in ran.stdout


def test_a_loaded_model_is_loaded_as_it_is() -> None:
    model = weightlens.load(OR)
    assert weightlens.load(model) is model
    with pytest.raises(weightlens.BadInput, match="already has its architecture"):
        weightlens.load(model, OR)


def test_reprs_fit_in_a_line() -> None:
    model = weightlens.load(OR)
    assert repr(model["dense"]) == "<Layer dense: Dense, 6 parameters: kernel (2, 2), bias (2,)>"
    assert repr(model.trace([[0, 1]])) == "<Trace: 6 steps of 2 layers, output (1, 2)>"
    large = weightlens.load(SAMPLES / "digits_cnn.keras")
    things = [large, *large.layers, *large.weights.values(), large.trace(np.load(SAMPLES / "digits_cnn.npy")[:1])]
    assert max(len(repr(thing)) for thing in things) < 200


def packed(source: Path, target: Path) -> Path:
    """The same archive with every member compressed, as a file manager makes it."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return target


def unpacked(source: Path, target: Path) -> Path:
    with zipfile.ZipFile(source) as archive:
        archive.extractall(target)
    return target


FORMS: dict[str, Callable[[Path], object]] = {
    "h5": lambda folder: shutil.copy(OR, folder / "or.h5"),
    "keras": lambda folder: shutil.copy(DIGITS, folder / "digits.keras"),
    "packed": lambda folder: packed(DIGITS, folder / "digits.keras"),
    "folder": lambda folder: unpacked(DIGITS, folder / "digits"),
    "bytes": lambda folder: DIGITS.read_bytes(),
}


def open_files() -> set[str]:
    """The files that this process has open, and the temporary folders that it has made."""
    numbers = Path("/proc/self/fd").iterdir()
    files = {str(number.readlink()) for number in numbers if number.exists()}
    return {file for file in files if file.endswith((".h5", ".keras", "(deleted)")) or "/weightlens-" in file}


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the open files")
@pytest.mark.parametrize("form", FORMS)
def test_a_model_closes_what_it_opened(form: str, tmp_path: Path) -> None:
    given, before = FORMS[form](tmp_path), open_files()
    with weightlens.load(given) as model:  # type: ignore[arg-type]
        read, unread = [*model.weights.values()][:2]
        numbers = read.value
        opened = open_files() - before
        assert opened
    assert not opened & open_files()
    assert read.value is numbers
    with pytest.raises(weightlens.BadInput, match=r"was not read before the model was closed"):
        unread.value  # noqa: B018
    model.close()  # twice does nothing


ENDINGS = ("closed", "dropped", "damaged")
WARNED = """
import gc, json, sys, weightlens
from pathlib import Path
for path, form, ending in json.loads(sys.argv[1]):
    given = Path(path).read_bytes() if form == "bytes" else path
    try: model = weightlens.load(given); [weight.value for weight in model.weights.values()]
    except weightlens.WeightlensError: pass
    else: model = model.close() if ending == "closed" else None
    gc.collect()
    print("next", file=sys.stderr, flush=True)
"""


@pytest.fixture(scope="module")
def warned(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """What Python says of each form that is read, and then closed, dropped, or damaged before; one process for all."""
    todo = []
    for form, ending in itertools.product(FORMS, ENDINGS):
        given = FORMS[form](tmp_path_factory.mktemp("given"))
        if ending == "damaged" and isinstance(given, (Path, str)) and Path(given).is_file():
            data = bytearray(Path(given).read_bytes())
            data[64 : len(data) // 2] = bytes(len(data) // 2 - 64)
            Path(given).write_bytes(data)
        todo.append((str(DIGITS if form == "bytes" else given), form, ending))
    command = [sys.executable, "-W", "error", "-c", WARNED, json.dumps(todo)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    *said, at_the_end = ran.stderr.split("next\n")
    assert (ran.returncode, at_the_end) == (0, ""), ran.stderr
    return {(form, ending): words for (_, form, ending), words in zip(todo, said, strict=True)}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("form", FORMS)
def test_no_resource_warning(form: str, ending: str, warned: dict[tuple[str, str], str]) -> None:
    assert warned[form, ending] == ""


def test_summary() -> None:
    made = weightlens.load(SAMPLES / "digits_cnn.keras").summary()
    assert (made.parameters, made.trainable, made.non_trainable, made.bytes) == (854, 838, 16, 4 * 854)
    norm = next(row for row in made.rows if row.layer == "norm")
    assert (norm.output_shapes, norm.parameters, norm.trainable, norm.connected_to) == (((None, 2, 2, 8),), 32, 16, ("conv2[0][0]",))
    assert "norm (BatchNormalization)  (None, 2, 2, 8)  32       conv2[0][0]" in str(made)
    assert "| norm (BatchNormalization) | (None, 2, 2, 8) | 32 | conv2[0][0] |" in made.markdown()


@pytest.mark.keras
def test_the_summary_is_that_of_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    from keras import Input, Model, layers

    monkeypatch.setenv("COLUMNS", "220")  # else Keras cuts its table

    a, b = Input((None, 4), name="a"), Input((4,), name="b")
    x = layers.Bidirectional(layers.LSTM(3), name="both")(a)
    frozen = layers.Dense(6, name="frozen", trainable=False)
    y = layers.BatchNormalization(name="norm")(frozen(b))
    z = layers.Add(name="add")([x, y, frozen(b)])
    network = Model([a, b], [z, layers.Dense(2, name="end")(z)])
    lines: list[str] = []
    network.compile("adam", "mse")
    network.optimizer.build(network.trainable_variables)
    network.summary(print_fn=lambda text, **_: lines.append(text), line_length=200)
    made = network.layers, weightlens.load(network).summary()
    texts = [line for line in "\n".join(lines).splitlines() if line.startswith("│")]
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in texts]
    theirs = {row[0].split(" (")[0]: row for row in cells if row[0]}
    for layer, row in zip(made[0], made[1].rows, strict=True):
        assert (row.layer, row.parameters) == (layer.name, layer.count_params())
        assert row.trainable == sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)
        assert theirs[layer.name][2] == f"{row.parameters:,}"
        assert theirs[layer.name][1] == ", ".join(map(str, row.output_shapes))
        assert theirs[layer.name][3].split(", ")[0].rstrip(",") in ["-", *row.connected_to]
    totals = [line.strip() for line in "\n".join(lines).splitlines() if " params: " in line]
    assert totals == made[1].totals and len(totals) == 4


@pytest.mark.keras
@pytest.mark.parametrize("kind", ["nested", "two models", "frozen", "half frozen", "statistics", "cells", "wrapped"])
def test_what_layers_share_counts_once(kind: str, tmp_path: Path) -> None:
    """In the totals and for a model, as Keras counts it; the rows of the layers say what each of them uses."""
    from keras import Input, Model, layers

    x, shared = Input((3, 2)), layers.Dense(2, name="shared", trainable=kind != "frozen")
    inner = [Model(entry, shared(entry), name=name) for name in ("one", "two") for entry in [Input((3, 2))]]
    inner[0].trainable = kind != "half frozen"
    norm, cell = layers.BatchNormalization(name="norm"), layers.LSTMCell(2, name="cell")
    entry = Input((3, 2))
    y = {
        "two models": lambda: inner[1](inner[0](x)),
        "statistics": lambda: norm(Model(entry, norm(entry), name="inner")(x)),
        "cells": lambda: layers.RNN(cell)(layers.RNN(cell, return_sequences=True)(x)),
        "wrapped": lambda: layers.TimeDistributed(shared)(shared(x)),
    }.get(kind, lambda: shared(inner[0](x)))()
    network = Model(x, layers.Dense(1)(y))
    network.save(tmp_path / "shared.keras")
    model = weightlens.load(tmp_path / "shared.keras")
    made, trained = model.summary(), sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    count = network.count_params()
    assert (model.size, made.parameters, made.trainable, made.non_trainable) == (count, count, trained, count - trained)
    assert (made.bytes, made.trainable_bytes) == (4 * count, 4 * trained)
    if kind not in ("cells", "wrapped"):  # the file has the weights of what is inside of a layer with one of its layers only
        assert [row.parameters for row in made.rows] == [layer.count_params() for layer in network.layers]


@pytest.mark.keras
@pytest.mark.parametrize("kind", ["cut off", "strides", "walked", "padded"])
def test_an_open_length_stays_open_in_the_summary(kind: str) -> None:
    """However much a layer cuts off, and however many places become one."""
    from keras import Input, Sequential, layers

    inside: dict[str, list[object]] = {
        "cut off": [layers.Conv1D(3, 5, dilation_rate=4), layers.Cropping1D(1000), layers.Conv1D(2, 3), layers.Dense(1)],
        "strides": [layers.Conv1D(3, 3, strides=8, padding="same") for _ in range(3)],
        "walked": [layers.LSTM(3, return_sequences=True), layers.Cropping1D((20, 30)), layers.Dense(2), layers.GRU(2)],
        "padded": [layers.ZeroPadding1D(3), layers.MaxPooling1D(2, padding="same"), layers.GlobalAveragePooling1D()],
    }
    network = Sequential([Input((None, 3)), *inside[kind]])
    rows = weightlens.load(network).summary().rows
    assert [row.output_shapes for row in rows] == [(layer.output.shape,) for layer in network.layers]


@pytest.mark.keras
def test_a_layer_set_trainable_again_inside_a_frozen_one_is_counted_as_keras_counts_it(tmp_path: Path) -> None:
    """Keras 3 counts it as trained whatever is around it; Keras 2 does not where the wrapper is saved as frozen."""
    import keras
    import tf_keras

    for library in (keras, tf_keras):
        inside = library.layers.Dense(3, name="inside")
        around = library.layers.TimeDistributed(inside)
        model = library.Sequential([library.layers.InputLayer((2, 4)), around, library.layers.Dense(1)])
        around.trainable, inside.trainable = False, True
        model.save(tmp_path / "model.keras")
        theirs = sum(int(np.prod(weight.shape)) for weight in library.models.load_model(tmp_path / "model.keras").trainable_weights)
        assert theirs == (19 if library is keras else 4)
        for ours in (weightlens.load(tmp_path / "model.keras").summary(), weightlens.load(model).summary()):
            assert (ours.trainable, ours.trainable + ours.non_trainable) == (theirs, 19)


def test_the_summary_in_other_formats() -> None:
    made = weightlens.load(SAMPLES / "digits_cnn.keras").summary()
    facts = json.loads(made.text("json"))
    assert (facts["total"], facts["optimizer"], facts["layers"][1]["output_shapes"]) == (2532, 1678, [[None, 8, 8, 6]])
    rows = list(csv.DictReader(made.text("csv").splitlines()))
    assert [row["layer"] for row in rows] == [row.layer for row in made.rows] and rows[4]["trainable"] == "16"
    assert made.text("markdown") == made.markdown() and made.text() == f"{made}\n"
    with pytest.raises(weightlens.BadInput, match="json, csv, markdown"):
        made.text("yaml")  # type: ignore[arg-type]


def test_a_name_in_a_summary_is_no_formula() -> None:
    row = SummaryRow("=1+1", "Dense", (), 0, 0, 0, 0, ())
    assert "\n'=1+1,Dense" in Summary("m", (row,), 0, 0, 0, 0).text("csv")


@pytest.mark.parametrize("installed", [True, False])
def test_frames(installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = weightlens.load(OR)
    trace = model.trace([[0, 1]])
    if not installed:
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(weightlens.BadInput, match="pip install pandas"):
            trace.to_frame()
        return
    pytest.importorskip("pandas")
    layers, numbers = model.to_frame(), trace.to_frame()
    assert layers["parameters"].sum() == model.size and [*layers["layer"]] == ["dense", "softmax"]
    assert len(numbers) == sum(step.value.size for step in trace)
    first = numbers.iloc[0]
    assert first["value"] == trace["dense"][0].value[first["index"]]


def test_training_by_a_function(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "tiny.h5")
    targets = [[1, 0], [0, 1], [0, 1], [0, 1]]
    fitted = weightlens.fit(path, [[0, 0], [0, 1], [1, 0], [1, 1]], targets, tmp_path / "new.h5", epochs=50, loss="mse", rate=0.5)
    assert fitted.loss_after < fitted.loss_before and fitted.path == tmp_path / "new.h5"
    assert np.allclose(weightlens.load(fitted.path)["dense"].kernel, fitted.weights["dense/kernel"], atol=1e-6)
    assert not weightlens.diff(path, fitted.path).same
    with pytest.raises(weightlens.BadInput, match="no model from a file"):
        weightlens.fit(weightlens.Model("made", "Sequential", []), [[0, 0]], [[0, 1]], tmp_path / "other.h5")


def test_a_name_that_is_not_there() -> None:
    model = weightlens.load(OR)
    trace = model.trace([[0, 1]])
    asked = (
        (model, "dens", "there is no layer 'dens'; did you mean 'dense'? the layers are: input_layer, dense, softmax"),
        (trace, "dens", "there is no layer 'dens'; did you mean 'dense'? the layers are: dense, softmax"),
        (model["dense"], "kernl", "there is no weight 'kernl'; did you mean 'kernel'? the weights are: kernel, bias"),
    )
    for what, name, words in asked:
        with pytest.raises(KeyError) as caught:
            what[name]
        assert isinstance(caught.value, weightlens.BadInput) and str(caught.value) == words


def test_names_in_a_model() -> None:
    model = weightlens.load(OR)
    assert "dense" in model and model["dense"] in model and "dens" not in model
    inner = weightlens.Model("inner", "Sequential", model.layers)
    outer = weightlens.Model("outer", "Sequential", [replace(model["softmax"], name="inner", model=inner)])
    assert "inner/dense" in outer and outer["inner/dense"] in outer and "inner/dens" not in outer and "dense" not in outer


@pytest.mark.parametrize(("given", "says"), [
    ([["a", "b"]], "takes numbers, but was given text"), ([["0", "1"]], "takes numbers, but was given text"),
    (np.array([[None, 1.0]], object), "takes numbers, but was given text or other objects"), ([[0, 1], [1]], "rows of different lengths"),
])  # fmt: skip
def test_what_are_no_numbers(given: object, says: str) -> None:
    with pytest.raises(weightlens.BadInput, match=f"^input 'input_layer' .*{says}"):
        weightlens.predict(OR, given)  # type: ignore[arg-type]


def test_numbers_among_objects() -> None:
    objects = np.array([[0, True], [np.float32(1), 0.5]], object)
    np.testing.assert_array_equal(weightlens.predict(OR, objects)[0], weightlens.predict(OR, [[0, 1], [1, 0.5]])[0])
