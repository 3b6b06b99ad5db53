"""The sheet of one neuron: what is picked in its drop-downs is computed again by spreadsheets, and equals NumPy's sum."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.conftest import SAMPLES, sample_input
from tests.tiny import write_tiny
from weightlens.spreadsheet.cell_values import Book, read_book
from weightlens.spreadsheet.recalculate import recalculate, recalculate_all

pytestmark = pytest.mark.slow
FIRST = 12  # the row of the first product
OFFICE = [pytest.param(name, marks=pytest.mark.office(name)) for name in ("libreoffice", "gnumeric")]
ENGINES = [*OFFICE, "ironcalc"]


class Pick(NamedTuple):
    """What is chosen in the drop-downs."""

    layer: str
    unit: str
    place: str = "the only one"
    sample: int = 0
    order: str = "by size"


def picked(source: Path, folder: Path, picks: list[Pick], engine: str) -> list[Book]:
    """The workbook with each choice typed in, computed from nothing: openpyxl keeps no cached values."""
    paths, book = [], openpyxl.load_workbook(source)
    for i, pick in enumerate(picks):
        for name, value in pick._asdict().items():
            [(sheet, cell)] = book.defined_names[f"neuron_{name}"].destinations
            book[sheet][cell].value = value
        paths.append(folder / f"{i}.xlsx")
        book.save(paths[-1])
    books = recalculate_all(paths, engine)
    assert all(isinstance(book, Book) and not book.errors() for book in books)
    return books  # type: ignore[return-value]


def column(book: Book, letter: str, count: int) -> list[Any]:
    """The cells of a column of the sheet from the first product on; the row after them has to be empty."""
    cells = [book.cell("Neuron", f"{letter}{FIRST + i}") for i in range(count + 1)]
    assert cells.pop() in (None, "")
    return cells


def judge(book: Book, inputs: np.ndarray, weights: np.ndarray, bias: float, output: float, order: str = "by size", shown: str = "") -> None:
    """The rows are the products of these inputs and weights, and the sum is theirs with the bias.

    ``shown``: what stands for a name that the layer does not have; nobody may take it for that.
    """
    products = inputs * weights
    at = np.argsort(-np.abs(products), kind="stable") if order == "by size" else np.arange(len(products))
    for letter, values in (("C", inputs[at]), ("D", weights[at]), ("E", products[at]), ("H", np.cumsum(products[at]))):
        assert np.allclose(np.array(column(book, letter, len(at)), float), values, rtol=1e-12, atol=1e-12), letter
    total = np.abs(products).sum()
    assert np.allclose(np.array(column(book, "I", len(at)), float), np.abs(products[at]) / total if total else 0, atol=1e-12)
    found = [book.cell("Neuron", cell) for cell in ("H4", "H5", "H6", "H7", "I6")]
    if bias == 0.0:
        assert (book.cell("Neuron", "G5"), found[1]) == ("this layer has no bias", "")
        found[1] = 0.0
    assert np.allclose(np.array(found[:4], float), [products.sum(), bias, products.sum() + bias, output], rtol=1e-9, atol=1e-12)
    warned = [book.cell("Neuron", cell) for cell in ("C4", "C5", "C6") if book.cell("Neuron", cell)]
    assert (found[4], warned) == (("", [f"not in this layer! shown: {shown}"]) if shown else ("as on its sheet", []))


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, np.ndarray]:
    path, model = tmp_path_factory.mktemp("dense") / "book.xlsx", weightlens.load(SAMPLES / "digits_mlp.keras")
    x = sample_input(SAMPLES / "digits_mlp.keras")[:3]
    weightlens.export(model, path, inputs=x)
    return path, model, x


@pytest.mark.parametrize("engine", ENGINES)
def test_every_unit_of_a_dense_network_can_be_picked(dense: tuple[Path, Any, np.ndarray], tmp_path: Path, engine: str) -> None:
    path, model, x = dense
    hidden, digit = model["hidden"], model["digit"]
    h = np.maximum(x @ hidden.kernel + hidden.bias, 0.0)
    z = h @ digit.kernel + digit.bias
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    first, second = Pick("hidden", "unit 7", sample=2), Pick("digit", "unit 4", sample=1, order="in order")
    books = picked(path, tmp_path, [first, second, Pick("digit", "unit 31", sample=8)], engine)
    judge(books[0], x[2], hidden.kernel[:, 7], hidden.bias[7], h[2, 7])
    judge(books[1], h[1], digit.kernel[:, 4], digit.bias[4], p[1, 4], "in order")
    assert column(books[1], "B", 32)[:2] == ["unit 0", "unit 1"] and column(books[1], "A", 32) == [*range(32)]
    assert [books[1].cell("Neuron", cell) for cell in ("C11", "D11", "G6")] == ["value", "\u00d7 weight", "z = pre-activation"]
    judge(books[2], h[2], digit.kernel[:, 0], digit.bias[0], p[2, 0], shown="unit 0")  # nor such a sample: the nearest


def test_the_curve_is_the_activation_and_the_neuron_lies_on_it(dense: tuple[Path, Any, np.ndarray], tmp_path: Path) -> None:
    path, model, x = dense
    h = np.maximum(x @ model["hidden"].kernel + model["hidden"].bias, 0.0)
    z = h[0] @ model["digit"].kernel + model["digit"].bias
    page = openpyxl.load_workbook(path)["Neuron"]
    line, point = page._charts[0].series
    for pick, curve in ((Pick("hidden", "unit 0"), lambda t: np.maximum(t, 0)), (Pick("digit", "unit 3"), softmax_of(z, 3))):
        [book] = picked(path, tmp_path, [pick], "ironcalc")
        xs, ys = (book.block(data.numRef.f) for data in (line.xVal, line.yVal))
        assert len(xs) == 41 and np.allclose(ys, curve(xs), atol=1e-12)
        at, height = (float(book.block(data.numRef.f)[0]) for data in (point.xVal, point.yVal))
        assert at == pytest.approx(book.cell("Neuron", "H6"), rel=1e-12) and height == pytest.approx(curve(at), rel=1e-9)


def softmax_of(z: np.ndarray, unit: int) -> Any:
    """What the softmax gives a unit whose sum is another number, the other sums as they are."""
    others = np.exp(np.delete(z, unit)).sum()
    return lambda t: np.exp(t) / (np.exp(t) + others)


def test_the_weights_lie_over_the_pixels(dense: tuple[Path, Any, np.ndarray], tmp_path: Path) -> None:
    path, model, x = dense
    [book] = picked(path, tmp_path, [Pick("hidden", "unit 5", sample=1)], "ironcalc")
    kernel, numbers = model["hidden"].kernel[:, 5], [*range(8)]
    for over, beside in (("K28:R28", "J29:J36"), ("T28:AA28", "S29:S36"), ("AC28:AJ28", "AB29:AB36")):
        assert book.block(f"'Neuron'!{over}").tolist() == book.block(f"'Neuron'!{beside}").tolist() == numbers
    for cells, values in (("K29:R36", kernel), ("T29:AA36", x[1]), ("AC29:AJ36", kernel * x[1])):
        assert np.allclose(book.block(f"'Neuron'!{cells}"), values, rtol=1e-12)


def test_convolutions_show_one_window(tmp_path: Path) -> None:
    model, x = weightlens.load(SAMPLES / "digits_cnn.keras"), sample_input(SAMPLES / "digits_cnn.keras")[:2]
    path, trace = tmp_path / "book.xlsx", model.trace(x)
    weightlens.export(model, path, inputs=x)
    picks = [Pick("conv", "filter 4", "row 0, column 3", 1, "in order"), Pick("conv2", "filter 2", "row 1, column 0", 0)]
    corner, inner = picked(path, tmp_path, picks, "ironcalc")
    padded = np.pad(trace["scaling"][-1].value[1, :, :, 0], 1)
    kernel, sums = model["conv"].kernel[:, :, 0, 4], trace["conv"][1].value
    judge(corner, padded[0:3, 3:6].ravel(), kernel.ravel(), model["conv"].bias[4], max(sums[1, 0, 3, 4], 0), "in order")
    window = trace["pool"][0].value[0, 0:3, 0:3] if model["conv2"].config["padding"] == "same" else trace["pool"][0].value[0, 1:4, 0:3]
    by_channel = np.moveaxis(window, -1, 0).ravel(), np.moveaxis(model["conv2"].kernel[..., 2], -1, 0).ravel()
    judge(inner, *by_channel, 0.0, trace["conv2"][0].value[0, 1, 0, 2])


def test_gates_show_one_time_step(tmp_path: Path) -> None:
    model, x = weightlens.load(SAMPLES / "sine_lstm.keras"), sample_input(SAMPLES / "sine_lstm.keras")[:3]
    path, lstm = tmp_path / "book.xlsx", model["lstm"]
    weightlens.export(model, path, inputs=x)
    states = [step.value for step in model.trace(x)["lstm"] if step.name == "hidden state"]
    [book] = picked(path, tmp_path, [Pick("lstm: forget gate", "unit 2", "time step 5", 2)], "ironcalc")
    at = 4 + 2  # the gates lie side by side: input, forget, candidate, output
    inputs, weights = np.append(x[2, 5], states[4][2]), np.append(lstm.kernel[:, at], lstm.recurrent_kernel[:, at])
    z = inputs @ weights + lstm.bias[at]
    judge(book, inputs, weights, lstm.bias[at], 1 / (1 + np.exp(-z)))


def test_the_candidate_of_a_gru_reads_what_the_reset_gate_lets_through(keras: Any, tmp_path: Path) -> None:
    keras.utils.set_random_seed(4)
    keras.Sequential([keras.Input((4, 3)), keras.layers.GRU(2, bias_initializer="uniform", name="gru")]).save(tmp_path / "m.keras")
    model, x = weightlens.load(tmp_path / "m.keras"), np.random.default_rng(1).normal(size=(2, 4, 3)).round(3)
    weightlens.export(model, tmp_path / "book.xlsx", inputs=x, neuron=True)
    gru, steps = model["gru"], model.trace(x)["gru"]
    reset, candidate = ([step.value for step in steps if step.name == name] for name in ("reset product", "candidate"))
    [book] = picked(tmp_path / "book.xlsx", tmp_path, [Pick("gru: candidate", "unit 1", "time step 2", 1, "in order")], "ironcalc")
    inputs, weights = np.append(x[1, 2], reset[2][1, 1]), np.append(gru.kernel[:, 4 + 1], 1.0)
    assert column(book, "B", 4)[3] == "reset product"
    for letter, values in (("C", inputs), ("D", weights), ("E", inputs * weights)):
        assert np.allclose(np.array(column(book, letter, 4), float), values, rtol=1e-12, atol=1e-12), letter
    assert book.cell("Neuron", "H5") == pytest.approx(gru.bias[0, 4 + 1])
    assert book.cell("Neuron", "H7") == pytest.approx(candidate[2][1, 1], rel=1e-9)


def test_other_kinds_of_layers(keras: Any, tmp_path: Path) -> None:
    """Attention, grouped and transposed convolutions, a layer that walks backwards: the sum is the one of the trace."""
    layers = keras.layers
    keras.utils.set_random_seed(2)
    tokens, picture = keras.Input((4, 6), name="tokens"), keras.Input((5, 5, 2), name="picture")
    attended = layers.MultiHeadAttention(2, 3, name="attention")(tokens, tokens)
    walked = layers.Bidirectional(layers.LSTM(3), name="both")(attended)
    drawn = layers.Conv2DTranspose(4, 3, strides=2, name="up", activation="elu")(picture)
    drawn = layers.Conv2D(4, 2, groups=2, name="grouped", activation="gelu")(drawn)
    drawn = layers.GlobalAveragePooling2D(name="mean")(layers.DepthwiseConv2D(3, name="depthwise")(drawn))
    keras.Model([tokens, picture], layers.Dense(2, name="out")(layers.Concatenate(name="all")([walked, drawn]))).save(tmp_path / "m.keras")
    rng = np.random.default_rng(5)
    inputs = [rng.random((2, 4, 6)).round(3), rng.random((2, 5, 5, 2)).round(3)]
    trace = weightlens.load(tmp_path / "m.keras").trace(inputs)
    weightlens.export(tmp_path / "m.keras", tmp_path / "book.xlsx", inputs=inputs, neuron=True)
    attention = {step.name: step.value for step in trace["attention"]}
    back = [step.value for step in trace.steps if step.layer == "both/backward_layer" and step.name == "pre-activations"]
    wanted = {
        Pick("attention: query", "head 1, key dim 2", "token 3", 1): attention["query"][1, 3].reshape(2, 3)[1, 2],
        Pick("attention: scores", "head 1, key token 2", "query token 3", 1): attention["scores"][1, 1, 3, 2],
        Pick("both/backward_layer: candidate", "unit 1", "token 0", 1): back[-1][1, 6 + 1],
        Pick("up", "filter 3", "row 4, column 7", 1): trace["up"][-2].value[1, 4, 7, 3],
        Pick("grouped", "filter 2", "row 3, column 0", 0): trace["grouped"][1].value[0, 3, 0, 2],
        Pick("depthwise", "channel 3", "row 1, column 2", 1): trace["depthwise"][-1].value[1, 1, 2, 3],
    }
    for (pick, value), book in zip(wanted.items(), picked(tmp_path / "book.xlsx", tmp_path, [*wanted], "ironcalc"), strict=True):
        assert book.cell("Neuron", "H6") == pytest.approx(value, rel=1e-9), pick
        assert book.cell("Neuron", "I6") == "as on its sheet", pick
        if pick.layer.startswith("attention"):
            words = {"scores": ("query", "\u00d7 key \u00d7 0.5774", "z = scores"), "query": ("value", "\u00d7 weight", "z = query")}
            assert tuple(book.cell("Neuron", cell) for cell in ("C11", "D11", "G6")) == words[pick.layer.rpartition(" ")[2]]
        if pick.layer.endswith("scores"):  # the softmax of its head, which is the next step
            assert book.cell("Neuron", "H7") == pytest.approx(attention["attention weights"][1, 1, 3, 2], rel=1e-9)


def test_what_is_shown_at_first_is_what_a_spreadsheet_computes(dense: tuple[Path, Any, np.ndarray]) -> None:
    shown, computed = read_book(dense[0]), recalculate(dense[0], "ironcalc")
    for sheet in ("Neuron", "Neuron data"):
        for cell in shown.formulas[sheet]:
            values = [book.cell(sheet, cell) for book in (shown, computed)]
            if isinstance(values[0], str) or values[0] is None:
                assert (values[0] or "") == (values[1] or ""), f"{sheet} {cell}"
            else:
                assert values[1] == pytest.approx(values[0], rel=1e-9, abs=1e-12), f"{sheet} {cell}"


def test_a_changed_weight_changes_the_neuron(tmp_path: Path) -> None:
    path = tmp_path / "or.xlsx"
    weightlens.export(SAMPLES / "or.h5", path, inputs=[[1.0, 1.0]], switch=True)
    book = read_book(path)
    sheet, area = book.names["w_dense_bias"].replace("'", "").split("!")
    computed = recalculate(path, "ironcalc", {(sheet, area.split(":")[0].replace("$", "")): 5.0})
    assert computed.cell("Neuron", "H5") == 5.0 and computed.cell("Neuron", "I6") == "as on its sheet"


def test_small_networks_have_the_sheet_and_others_where_it_is_asked_for(tmp_path: Path) -> None:
    def sheets(**options: Any) -> list[str]:
        path = weightlens.export(SAMPLES / "or.h5", tmp_path / "book.xlsx", **options)
        return openpyxl.load_workbook(path, read_only=True).sheetnames

    assert "Neuron" in sheets() and "Neuron" in sheets(neuron=True)
    assert "Neuron" not in sheets(neuron=False) and "Neuron" not in sheets(exercise=True), "it would give the answers away"


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_layer_that_is_not_finite_is_left_out(number: float, tmp_path: Path) -> None:
    kernel = [[number, 1.0], [1.0, 1.0]]
    weightlens.export(write_tiny(tmp_path / "m.h5", kernel), tmp_path / "book.xlsx", inputs=[[1.0, 1.0]], neuron=True)
    assert "Neuron" not in openpyxl.load_workbook(tmp_path / "book.xlsx", read_only=True).sheetnames


@pytest.mark.parametrize(
    "name, said", [("mish", "output: mish of z"), ("linear", "output: z itself"), ("glu", "output"), ("log_softmax", "output")]
)
def test_what_follows_the_sum_is_named(name: str, said: str, tmp_path: Path) -> None:
    """Where it is no function of this sum alone, nothing is said of it."""
    path = write_tiny(tmp_path / "m.h5", activation=name)
    weightlens.export(path, tmp_path / "book.xlsx", inputs=[[1.0, 0.5]])
    book = read_book(tmp_path / "book.xlsx")
    assert book.cell("Neuron", "G7") == said
    step = weightlens.load(path).trace([[1.0, 0.5]])["dense"][-1].value
    assert book.cell("Neuron", "H7") == (pytest.approx(step[0, 0], rel=1e-12) if name != "glu" else "")
