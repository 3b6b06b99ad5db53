"""The sheet of a recurrent layer: which cells it takes, and what its formulas read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.cases import turn
from tests.conftest import SAMPLES, sample_input
from weightlens.checks import check_workbook
from weightlens.model import Call, Layer, Model, Ref, Weight
from weightlens.spreadsheet.cell_values import read_book
from weightlens.spreadsheet.recalculate import recalculate
from weightlens.workbook import measure
from weightlens.workbook.layout.time_table import TimeTable
from weightlens.workbook.neuron import neurons

pytestmark = pytest.mark.slow
GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
BIASES = {"GRU": 2}


def small(kind: str, units: int = 2, features: int = 1, **config: Any) -> Model:
    """One recurrent layer with numbers that look like what they are."""
    n = GATES[kind] * units
    shapes = {"kernel": (features, n), "recurrent_kernel": (units, n), "bias": (BIASES[kind], n) if kind in BIASES else (n,)}
    arrays = {name: np.linspace(-1, 1, int(np.prod(shape))).reshape(shape) for name, shape in shapes.items()}
    weights = {name: Weight(name, a.shape, "float32", f"rnn/{name}", lambda a=a: a.astype("float32")) for name, a in arrays.items()}
    layers = [
        Layer("x", "InputLayer", {"batch_shape": [None, None, features]}),
        Layer("rnn", kind, {"units": units} | config, weights, [Call((Ref("x"),))]),
    ]
    return Model("small", "Functional", layers, [Ref("x")], [Ref("rnn")])


def sheet(model: Model, path: Path, x: np.ndarray, name: str = "1 rnn", **options: Any) -> Any:
    """The layer's sheet, after every formula has been recalculated and compared."""
    weightlens.export(model, path, inputs=x, **options)
    assert check_workbook(path, engine="ironcalc").ok
    return openpyxl.load_workbook(path)[name]


def column(page: Any, letter: str, first: int, last: int) -> list[Any]:
    """The cells of one column."""
    return [page[f"{letter}{row}"].value for row in range(first, last + 1)]


def test_every_time_step_reads_its_own_row_and_the_one_above(tmp_path: Path) -> None:
    page = sheet(small("LSTM"), tmp_path / "book.xlsx", np.ones((1, 3, 1)))
    assert page.freeze_panes == "B8", "captions above, time steps on the left"
    assert column(page, "A", 12, 17) == [None, None, "start", "t=0", "t=1", "t=2"] and page["C9"].value == "x0"
    assert [page[f"{c}4"].value for c in "DMP"] == [
        "input product",
        "pre-activations",
        "z = input product + h before \u00b7 recurrent_kernel + bias",
    ]
    assert [page[f"{c}5"].value for c in "DF"] == ["input gate i, x part", "forget gate f, x part"]
    assert [page[f"{c}5"].value for c in "MOQS"] == ["input gate i, z", "forget gate f, z", "candidate g, z", "output gate o, z"]
    for row in (7, 13):  # under the captions, and once more between weights and table
        assert [page[f"{c}{row}"].value for c in "DEFGHIJK"] == [f"x {place}" for place in ("i0", "i1", "f0", "f1", "g0", "g1", "o0", "o1")]
        assert [page[f"{c}{row}"].value for c in ("M", "N", "V", "AH", "AK")] == ["z i0", "z i1", "i0", "c0", "h0"]
    assert column(page, "D", 8, 9) == ["kernel", -1] and column(page, "M", 8, 8) == ["recurrent_kernel"]
    assert column(page, "L", 9, 10) == ["h0", "h1"] and page["M11"].value == "bias"
    assert column(page, "D", 15, 16) == ["=$B15*D$9", "=$B16*D$9"]
    heads = {page[f"{c}5"].value: (c, page[f"{c}6"].value) for c in ("V", "Y", "AB", "AE", "AH", "AK")}
    assert list(heads) == ["input gate i", "forget gate f", "candidate g", "output gate o", "cell state c", "hidden state h"]
    assert heads["input gate i"][1] == "i = 1 / (1 + e^-z)"
    assert heads["cell state c"] == ("AH", "c = f * c before + i * g")
    assert column(page, "AH", 14, 16) == [0, "=Y15*AH14+V15*AB15", "=Y16*AH15+V16*AB16"], "one row up, the first time too"
    assert column(page, "AK", 14, 16) == [0, "=AE15*TANH(AH15)", "=AE16*TANH(AH16)"]
    assert column(page, "M", 15, 16) == ["=D15+$AK14*M$9+$AL14*M$10+M$12", "=D16+$AK15*M$9+$AL15*M$10+M$12"]


def test_each_sample_has_a_row_to_start_from(tmp_path: Path) -> None:
    page = sheet(small("LSTM"), tmp_path / "book.xlsx", np.ones((2, 2, 1)))
    assert column(page, "A", 14, 19) == ["sample 0, start", "t=0", "t=1", "sample 1, start", "t=0", "t=1"]
    assert column(page, "AK", 14, 19) == [0, "=AE15*TANH(AH15)", "=AE16*TANH(AH16)", 0, "=AE18*TANH(AH18)", "=AE19*TANH(AH19)"]
    assert column(page, "M", 17, 18) == [None, "=D18+$AK17*M$9+$AL17*M$10+M$12"]
    assert column(page, "D", 16, 18) == ["=$B16*D$9", None, "=$B18*D$9"]
    check = openpyxl.load_workbook(tmp_path / "book.xlsx")["Check"]
    sums = [row[0].value for row in check["J12:J31"] if row[0].value]
    assert "=SUM('1 rnn'!$AK$14:$AL$14,'1 rnn'!$AK$17:$AL$17)" in sums, "the initial states, without what stands between them"
    assert "=SUM('1 rnn'!$AK$15:$AL$16,'1 rnn'!$AK$18:$AL$19)" in sums


def test_a_layer_that_runs_backwards_starts_with_the_last_time_step(tmp_path: Path) -> None:
    model, x = small("SimpleRNN", go_backwards=True, return_sequences=True), np.array([[[1.0], [2.0], [3.0]]])
    page = sheet(model, tmp_path / "book.xlsx", x)
    first = next(row for row in range(8, 20) if page[f"A{row}"].value == "start")
    assert column(page, "A", first, first + 3) == ["start", "t=2", "t=1", "t=0"]
    assert column(page, "B", first + 1, first + 3) == ["='Inputs'!B10", "='Inputs'!B9", "='Inputs'!B8"]
    assert column(page, "D", first + 1, first + 2) == [f"=$B{first + 1}*D$9", f"=$B{first + 2}*D$9"]


SIZES = [(1, 1), (3, 1), (1, 30), (2, 4)]
OF_ANY_SIZE = [(kind, *size, sequences) for size in SIZES for sequences in (False, True) for kind in GATES]


@pytest.mark.parametrize(("kind", "samples", "steps", "sequences"), turn(OF_ANY_SIZE, 4))
def test_any_number_of_samples_and_time_steps(kind: str, samples: int, steps: int, sequences: bool, tmp_path: Path) -> None:
    path, x = tmp_path / "book.xlsx", np.sin(np.arange(samples * steps * 3.0)).reshape(samples, steps, 3)
    model = small(kind, 2, 3, return_sequences=sequences)
    sheet(model, path, x)
    np.testing.assert_array_equal(read_book(path).block("output_0").astype(float), model.predict(x)[0].ravel())
    assert {"w_rnn_kernel", "w_rnn_recurrent_kernel", "w_rnn_bias"} <= set(read_book(path).names)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_many_weights_stand_under_the_table_or_beside_it(kind: str, tmp_path: Path) -> None:
    few = sheet(small(kind, 14), tmp_path / "few.xlsx", np.ones((1, 3, 1)))
    assert few["A8"].value == "start" and "kernel" in column(few, "D", 9, 30)
    many = sheet(small(kind, 14), tmp_path / "many.xlsx", np.ones((1, 70, 1)))
    assert "kernel" in [cell.value for cell in many[5]], "right of all columns"


def test_a_band_without_weights_leaves_no_room_for_them(tmp_path: Path) -> None:
    page = sheet(small("LSTM", 10), tmp_path / "book.xlsx", np.ones((1, 4, 1)))
    starts = [row for row in range(1, page.max_row + 1) if page.cell(row, 1).value == "start"]
    assert len(starts) == 3 and page.cell(starts[-1] - 1, 2).value == "f0" and page.cell(starts[-1] - 3, 2).value == "forget gate f"


def test_wide_input_is_not_shown_twice(tmp_path: Path) -> None:
    page = sheet(small("LSTM", 2, 9), tmp_path / "book.xlsx", np.ones((1, 2, 9)))
    assert page["B4"].value == "input product"


def test_no_slices_in_the_captions(tmp_path: Path) -> None:
    for kind in GATES:
        page = sheet(small(kind), tmp_path / f"{kind}.xlsx", np.ones((1, 2, 1)))
        heads = [str(cell.value) for row in page["A4:BZ6"] for cell in row if cell.value]
        assert not [text for text in heads if re.search(r"\d:\d|\u2026|time step \d", text)], kind


def test_labels_say_sample_where_the_initial_states_are_given() -> None:
    table = TimeTable(2, 1, {}, frozenset({("hidden state", (2, 3))}))
    assert table.labels() == {0: "sample 0", 1: "t=0", 2: "sample 1", 3: "t=0"}
    assert table.row("hidden state", (2, 3), 0) == 1 and table.row("initial hidden state", (2, 3), 0) is None


def test_the_score_of_an_exercise_counts_each_cell_once(tmp_path: Path) -> None:
    path, model = tmp_path / "exercise.xlsx", small("LSTM")
    weightlens.export(model, path, inputs=np.ones((3, 2, 1)), blank=["cell state"])
    book = read_book(path)
    places = [f"{c}{row}" for c in ("AH", "AI") for row in (15, 16, 18, 19, 21, 22)]
    answers = book.sheets["Answers 1 rnn"]
    given = {("1 rnn", place): float(str(answers[place])) for place in places}
    sheet, place = book.names["score"].replace("'", "").split("!")
    assert recalculate(path, "ironcalc", given).sheets[sheet][place.replace("$", "")] == 12


def test_the_switch_and_fused_steps(tmp_path: Path) -> None:
    x = sample_input(SAMPLES / "sine_lstm.keras")
    for name, options in {"switch": {"switch": True}, "fused": {"detail": "layers"}}.items():
        weightlens.export(SAMPLES / "sine_lstm.keras", tmp_path / f"{name}.xlsx", inputs=x, **options)
        assert check_workbook(tmp_path / f"{name}.xlsx", engine="ironcalc").ok


@pytest.mark.parametrize(("samples", "steps", "there"), [(2, 30, True), (2, 900, False), (1, 900, False)])
def test_a_long_sequence_is_not_searched_to_its_end_for_neurons(
    samples: int, steps: int, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at, find = [], neurons.neuron_of
    monkeypatch.setattr(neurons, "neuron_of", lambda *arguments: looked_at.append(find(*arguments)) or looked_at[-1])
    size = measure(small("LSTM", 4, 2), np.ones((samples, steps, 2)))
    assert ("Neuron" in [sheet.title for sheet in size.sheets]) == there
    assert len(looked_at) < 2000, "there are 5 sums in each time step; what does not fit is known after a few hundred of them"
