"""The sample models, end to end: what they learned, Keras's numbers, and workbooks that stay right when a cell is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.cases import turn
from tests.conftest import INPUTS, SAMPLES, sample_input
from tests.workbook.places import area_cells, places_of
from weightlens.checks import check, check_workbook
from weightlens.checks.oracle import quiet_tensorflow
from weightlens.errors import WeightlensError
from weightlens.spreadsheet.cell_values import Book, read_book
from weightlens.spreadsheet.cells_map import read_map
from weightlens.spreadsheet.recalculate import Changes, recalculate_all

NAMES = [
    "or.h5",
    "and.h5",
    "xor_relu.h5",
    "xor_sigmoid.h5",
    "relu_neuron.h5",
    "mazur.h5",
    "digits_mlp.keras",
    "digits_cnn.keras",
    "sine_lstm.keras",
]
ENGINES = ["libreoffice", "gnumeric", "ironcalc"]
HUGE = {"inputs of 1e6": 1e6, "inputs of -1e6": -1e6}
VARIANTS = ["unchanged", *HUGE, "another input", "another weight"]

# One variant of each sample, tomorrow the next.
OF_THE_DAY = [(name, variant) for i, name in enumerate(NAMES) for variant in turn(VARIANTS, len(VARIANTS), i)]
RECALCULATED = [(engine, name, variant) for engine in ENGINES for name, variant in OF_THE_DAY]

every_sample = pytest.mark.parametrize("name", NAMES)
pytestmark = pytest.mark.slow


def test_every_sample_has_an_input_beside_it() -> None:
    assert sorted(path.name for path in INPUTS) == sorted(NAMES)
    assert sorted(path.name for path in SAMPLES.iterdir() if path.suffix in (".h5", ".keras")) == sorted(NAMES)


@pytest.mark.parametrize(
    ("name", "answers"),
    [("or.h5", [0, 1, 1, 1]), ("and.h5", [0, 0, 0, 1]), ("xor_relu.h5", [0, 1, 1, 0]), ("xor_sigmoid.h5", [0, 1, 1, 0])],
)
def test_the_gates_are_right(name: str, answers: list[int]) -> None:
    [output] = weightlens.load(SAMPLES / name).predict(sample_input(SAMPLES / name))
    assert (output.argmax(axis=1) if output.shape[1] == 2 else output[:, 0].round()).tolist() == answers


def test_the_neuron_has_learned_its_function() -> None:
    x = np.linspace(-5, 5, 21)[:, None]
    np.testing.assert_allclose(weightlens.load(SAMPLES / "relu_neuron.h5").predict(x)[0], np.maximum(0, 2 * (x - 1)), atol=0.01)


@every_sample
def test_keras_agrees_on_every_layer(keras: Any, name: str) -> None:
    report = check(weightlens.load(SAMPLES / name), sample_input(SAMPLES / name), tolerance=1e-6)
    assert report.ok, report.summary
    assert not report.notes


@dataclass
class Variant:
    """A workbook with some cells changed, and the model and inputs that it should now agree with."""

    book: Path
    changes: Changes
    inputs: np.ndarray
    weight: tuple[str, str, tuple[int, ...], float] | None = None  # layer, name, index, new number


def variants(path: Path, book: Path) -> dict[str, Variant]:
    """The workbook as it is, with every input huge, with one input changed, with one weight changed."""
    x = sample_input(path)
    inputs = list(area_cells(read_book(book).names["input_0"]))
    found = {"unchanged": Variant(book, {}, x)}
    for label, size in HUGE.items():
        found[label] = Variant(book, dict.fromkeys(inputs, size), np.full_like(x, size, float))
    other = x.astype(float)
    other.flat[1] = 0.75
    found["another input"] = Variant(book, {inputs[1]: 0.75}, other)
    kernel = next(entry for entry in read_map(read_book(book)) if entry.kind == "weight" and entry.name.endswith("kernel"))
    index = (0,) * len(kernel.arrangement.shape)
    found["another weight"] = Variant(book, {places_of(kernel, read_book(book))[0]: 0.5}, x, (kernel.layer, kernel.name, index, 0.5))
    return found


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Variant]]:
    """All samples exported, and what is done to them."""
    folder = tmp_path_factory.mktemp("samples")
    found = {}
    for name in NAMES:
        book = folder / f"{name}.xlsx"
        weightlens.export(SAMPLES / name, book, inputs=sample_input(SAMPLES / name))
        found[name] = variants(SAMPLES / name, book)
    return found


@pytest.fixture(scope="module")
def computed(books: dict[str, dict[str, Variant]]) -> Callable[[str, str, str], Book]:
    """Every variant of every sample as one engine computes it; one start of each engine for all of them."""
    done: dict[str, dict[tuple[str, str], Book | WeightlensError]] = {}

    def look_up(engine: str, name: str, variant: str) -> Book:
        if engine not in done:
            all_of_them = {(n, v): books[n][v] for e, n, v in RECALCULATED if e == engine}
            results = recalculate_all([what.book for what in all_of_them.values()], engine, [what.changes for what in all_of_them.values()])
            done[engine] = dict(zip(all_of_them, results, strict=True))
        book = done[engine][name, variant]
        if isinstance(book, WeightlensError):
            raise book
        return book

    return look_up


@pytest.mark.parametrize(("engine", "name", "variant"), RECALCULATED)
def test_the_workbook_predicts_what_the_engine_predicts(
    name: str, variant: str, engine: str, books: dict[str, dict[str, Variant]], computed: Callable[[str, str, str], Book]
) -> None:
    what, book = books[name][variant], computed(engine, name, variant)
    assert not book.errors()
    model = weightlens.load(SAMPLES / name)
    if what.weight is not None:
        layer, weight, index, number = what.weight
        array = model[layer].own_weights[weight].value.copy()
        array[index] = number
        model[layer].own_weights[weight]._value = array
    [expected] = model.predict(what.inputs)
    np.testing.assert_allclose(book.block("output_0"), expected.ravel(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "variant"), [(name, variant) for name, variant in OF_THE_DAY if variant not in HUGE])
def test_the_workbook_predicts_what_keras_predicts(
    keras: Any, name: str, variant: str, books: dict[str, dict[str, Variant]], computed: Callable[[str, str, str], Book]
) -> None:
    what = books[name][variant]
    with quiet_tensorflow():
        model = keras.models.load_model(SAMPLES / name, compile=False)
        if what.weight is not None:
            layer, weight, index, number = what.weight
            variable = next(v for v in model.get_layer(layer).weights if v.name == weight)
            array = np.array(variable)
            array[index] = number
            variable.assign(array)
        expected = np.asarray(model(what.inputs.astype("float32"), training=False))
    np.testing.assert_allclose(computed("ironcalc", name, variant).block("output_0"), expected.ravel(), rtol=0, atol=2e-6)


# LibreOffice takes seconds to start: once is enough here, the layer cases ask it for everything.
OF_GNUMERIC_OR_IRONCALC = [(name, engine) for i, name in enumerate(NAMES) for engine in turn(ENGINES[1:], 2, i)]


@pytest.mark.parametrize(("name", "engine"), [("or.h5", "libreoffice"), *OF_GNUMERIC_OR_IRONCALC])
def test_every_step_of_the_workbook(name: str, engine: str, books: dict[str, dict[str, Variant]]) -> None:
    report = check_workbook(books[name]["unchanged"].book, weightlens.load(SAMPLES / name), engine)
    assert report.ok, report.summary
    assert {row.layer.split(" / ")[0] for row in report.rows} >= {
        layer.name for layer in weightlens.load(SAMPLES / name).layers if layer.weights
    }
