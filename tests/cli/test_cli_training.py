"""``train-sheet`` and ``fit`` at the command line: what is written, exit codes, one line for what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.conftest import SAMPLES
from weightlens.cli.main import main
from weightlens.spreadsheet.cell_values import read_book

OR, OR_DATA = SAMPLES / "or.h5", SAMPLES / "or_data.csv"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command line in an empty folder: exit code, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run


def refusal(result: tuple[int, str, str]) -> str:
    """The one line on stderr of a refused command."""
    code, _, err = result
    assert code == 2 and err.count("\n") == 1 and err.startswith("Error: ") and "Traceback" not in err, err
    return err


def test_train_sheet_writes_the_contract(run: Run) -> None:
    code, out, err = run("train-sheet", OR, "-i", OR_DATA, "--target", "y", "--init", 1, "--epochs", 20, "-o", "or.xlsx")
    assert (code, err) == (0, "") and "or.xlsx written" in out
    book = read_book("or.xlsx")
    assert list(book.sheets) == ["Data", "One step", "Epochs", "Fitted", "Gradient check", "Loss surface", "Passes"]
    losses = book.block("loss_history")
    assert losses.shape == (21,) and losses[-1] < losses[0]
    assert book.block("weights_final").shape == (6,)
    assert book.block("learning_rate") == pytest.approx([0.2]), "the file's own learning rate"


def test_a_sigmoid_in_the_loss_of_a_softmax_is_explained_at_the_terminal_as_on_the_sheet(run: Run) -> None:
    code, out, err = run("train-sheet", OR, "-i", OR_DATA, "--target", "y", "--format", "table")
    assert code == 0 and "delta = (1 / (1 + e^(-pre-activation)) - targets) / 8" in out
    assert "Note: Keras computes this loss from z and not from the softmax above" in err
    neuron = ("train-sheet", SAMPLES / "relu_neuron.h5", "-i", SAMPLES / "relu_neuron_data.csv", "--target", "y", "--format", "table")
    assert run(*neuron)[2] == ""


def test_the_file_name_is_made_and_never_overwritten(run: Run) -> None:
    command = ("train-sheet", OR, "-i", OR_DATA, "--target", "y", "--epochs", 1)
    code, out, _ = run(*command)
    assert code == 0 and Path("or_learns.xlsx").exists() and ": 1 epoch, loss" in out
    assert "after 1 epoch" in read_book("or_learns.xlsx").sheets["Data"].values()
    assert "--force" in refusal(run(*command))
    assert run(*command, "--force")[0] == 0


def test_the_first_step_as_a_table(run: Run) -> None:
    code, out, _ = run("train-sheet", OR, "-i", OR_DATA, "--target", "y", "--format", "table")
    assert code == 0
    for words in ("dot product = input . kernel", "targets", "new kernel = kernel - learning rate * gradient of kernel", "input^T . delta"):
        assert words in out
    assert "of  " not in out and not list(Path().iterdir()), "nothing is written"


def test_the_first_step_calls_the_inputs_as_the_data_do(run: Run) -> None:
    """The gradients of a kernel have a row for each column of the table: under the name that the table gives it."""
    data = SAMPLES / "mazur_data.csv"
    code, out, _ = run("train-sheet", SAMPLES / "mazur.h5", "-i", data, "--target", "o1,o2", "--format", "table")
    lines = [line.split("  ")[2:4] for line in out.splitlines() if ", unit " in line and " from " not in line]
    assert code == 0 and "feature" not in out
    assert [first for first, *_ in lines] == ["i1, unit 0", "i1, unit 1", "i2, unit 0", "i2, unit 1"] * 2


def test_the_first_step_by_hand(run: Run) -> None:
    """Deltas, gradients and new weights of XOR, as one calculates them; the first that is wrong is named, with its calculation."""
    start = ("train-sheet", SAMPLES / "xor_sigmoid.h5", "-i", SAMPLES / "xor_sigmoid_data.csv", "--target", "y", "--loss", "half_mse")
    command = (*start, "--lr", 4, "--init", 275, "--by-hand", "mine.csv", "-q")
    _, text, _ = run(*command[:-3], "--format", "json")
    values = {(step["layer"], step["name"]): np.array(step["values"]) for step in json.loads(text)["steps"]}
    lines = [
        f"{layer},{name},{row},{column},{values[layer, name][row, column]:.6f}"
        for layer, name, row, column in [
            ("xor", "delta", 1, 0), ("hidden", "delta", 3, 2), ("hidden", "gradient of kernel", 2, 4), ("hidden", "new kernel", 1, 1),
        ]
    ]  # fmt: skip
    Path("mine.csv").write_text("\n".join(["layer,step,sample,unit,value", *lines]))
    code, out, err = run(*command)
    assert (code, err) == (0, "") and "mine.csv: right to 6 decimals, all 4 numbers in 4 steps" in out
    Path("mine.csv").write_text("layer,step,sample,unit,value\nxor,delta,1,0,-0.103")
    code, out, _ = run(*command)
    assert code == 1 and "xor/delta, sample 1, unit 0" in out and "(-0.103)*(0.588*(1 - 0.588)) = -0.02495" in out
    assert "train-sheet --by-hand" in refusal(run("check", SAMPLES / "xor_sigmoid.h5", "-q", "--by-hand", "mine.csv"))
    assert "-o does not go with --by-hand" in refusal(run(*command, "-o", "x.xlsx")) and [p.name for p in Path().iterdir()] == ["mine.csv"]


@pytest.mark.parametrize("name", ["or", "xor_sigmoid", "relu_neuron"])
def test_fit_writes_a_model_that_is_better(run: Run, name: str) -> None:
    data = SAMPLES / f"{name}_data.csv"
    code, out, _ = run(
        "fit", SAMPLES / f"{name}.h5", "-i", data, "--target", "y", "--init", 3, "--epochs", 300, "--lr", 0.05, "-o", "new.h5"
    )
    assert code == 0 and "new.h5 written after 300 epochs: loss " in out
    before, after = (float(word) for word in out.split("loss ")[1].split(",")[0].split(" -> "))
    assert after < before
    assert weightlens.load("new.h5").weights.keys() == weightlens.load(SAMPLES / f"{name}.h5").weights.keys()


def test_fit_keeps_the_archive_format(run: Run, keras: Any) -> None:
    dense = keras.layers.Dense
    keras.Sequential([keras.Input((2,)), dense(3, activation="tanh"), dense(1, activation="sigmoid")]).save("old.keras")
    assert run("fit", "old.keras", "-i", OR_DATA, "--target", "y", "--lr", 0.5, "--epochs", 50, "-o", "new.keras")[0] == 0
    table = np.loadtxt(OR_DATA, delimiter=",", skiprows=1)[:, :2]
    [ours] = weightlens.load("new.keras").predict(table)
    assert ours == pytest.approx(keras.models.load_model("new.keras").predict(table, verbose=0), abs=1e-6)
    assert "--force" in refusal(run("fit", "old.keras", "-i", OR_DATA, "--target", "y", "-o", "new.keras"))


HOSTILE = {
    "empty": (b"", "holds no rows"),
    "only a header": (b"x0,x1,y\n", "needs a header and at least one row"),
    "ragged": (b"x0,x1,y\n0,1\n", "row 2 has 2 columns"),
    "a word": (b"x0,x1,y\n0,one,1\n", "'one' is not a number"),
    "infinite": (b"x0,x1,y\n0,inf,1\n", "'inf' is not a number"),
    "not a class": (b"x0,x1,y\n0,1,7\n", "classes 0 to 1"),
    "half a class": (b"x0,x1,y\n0,1,0.5\n", "classes 0 to 1"),
    "a class beyond all bounds": (b"x0,x1,y\n0,1,1e300\n", "classes 0 to 1"),
    "no target": (b"x0,x1\n0,1\n", "no column 'y'"),
    "an input too many": (b"x0,x1,x2,y\n0,1,1,1\n", "takes 2 numbers per sample (input_layer: 2), but a row has 3"),
    "an input too few": (b"x0,y\n0,1\n", "takes 2 numbers per sample (input_layer: 2), but a row has 1"),
    "binary": (bytes(range(256)), "not a text file of rows and columns"),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("command", ["train-sheet", "fit"])
def test_bad_data_is_one_line(run: Run, case: str, command: str) -> None:
    content, words = HOSTILE[case]
    Path("data.csv").write_bytes(content)
    assert words in refusal(run(command, OR, "-i", "data.csv", "--target", "y", "-o", "out.h5" if command == "fit" else "out.xlsx"))
    assert [path.name for path in Path().iterdir()] == ["data.csv"], "nothing is written"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--loss", "nonsense"), "loss 'nonsense' is not one of: mean_squared_error"),
        (("--optimizer", "lion"), "optimizer 'lion' is not one of: sgd"),
        (("--batch", "half"), "--batch 'half': full, or a number of samples"),
        (("--batch", "0"), "--batch '0'"),
        (("--format", "pdf"), "--format pdf: it is one of xlsx, table"),
        (("--target", "x0,y"), "takes 2 numbers per sample (input_layer: 2), but a row has 1"),
        (("--epochs", "2000000"), "epochs"),
    ],
)
def test_bad_options_are_one_line(run: Run, options: tuple[str, ...], words: str) -> None:
    assert words in refusal(run("train-sheet", OR, "-i", OR_DATA, "--target", "y", *options, "-o", "out.xlsx"))
    assert not list(Path().iterdir())


def test_targets_have_to_fit_the_network(run: Run) -> None:
    Path("data.csv").write_text("x0,x1,a,b,c\n0,1,0,1,0\n")
    assert "gives 2 numbers for each sample, but its target (--target) has 3 numbers" in refusal(
        run("train-sheet", OR, "-i", "data.csv", "--target", "a,b,c", "-o", "o.xlsx")
    )


def test_a_network_without_weights_is_not_trained(run: Run, keras: Any) -> None:
    keras.Sequential([keras.Input((2,)), keras.layers.Activation("tanh")]).save("bare.keras")
    frozen = keras.layers.Dense(1)
    frozen.trainable = False
    keras.Sequential([keras.Input((2,)), frozen]).save("frozen.keras")
    Path("data.csv").write_text("x0,x1,y,z\n0,1,0,1\n")
    assert "no weights to train" in refusal(run("train-sheet", "bare.keras", "-i", "data.csv", "--target", "y,z", "-o", "o.xlsx"))
    assert "no weights to train" in refusal(run("fit", "frozen.keras", "-i", OR_DATA, "--target", "y", "-o", "o.keras"))


def test_what_does_not_fit_a_sheet_is_refused_before_it_is_written(run: Run) -> None:
    rows = "\n".join("0,1,1" for _ in range(2000))
    Path("data.csv").write_text(f"x0,x1,y\n{rows}\n")
    assert "columns, and a sheet has 16,384" in refusal(run("train-sheet", OR, "-i", "data.csv", "--target", "y", "-o", "o.xlsx"))
    assert not Path("o.xlsx").exists()


def test_layers_that_act_in_training_only_are_named(run: Run, keras: Any) -> None:
    layers = [keras.layers.Dense(2, name="first"), keras.layers.BatchNormalization(name="norm"), keras.layers.Dropout(0.5, name="drop")]
    keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1, name="last")]).save("m.keras")
    code, _, err = run("fit", "m.keras", "-i", OR_DATA, "--target", "y", "--epochs", 1, "-o", "new.keras")
    assert code == 0 and "Note: computed as in a prediction, without chance and without statistics of the batch: norm, drop\n" in err


@pytest.mark.parametrize(("optimizer", "twice", "noted"), [("adam", True, True), ("adam", False, True), ("sgd", True, False)])
def test_a_token_twice_in_a_batch(run: Run, keras: Any, optimizer: str, twice: bool, noted: bool) -> None:
    """With squared gradients Keras on TensorFlow goes another way where a token occurs twice, and nowhere else; a note says so."""
    layers = [keras.layers.Embedding(9, 2), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((2,), dtype="int32"), *layers])
    model.compile(optimizer, "binary_crossentropy")
    model.save("m.keras")
    Path("data.csv").write_text(f"a,b,y\n1,2,0\n3,{1 if twice else 4},1\n")
    code, _, err = run("fit", "m.keras", "-i", "data.csv", "--target", "y", "--epochs", 3, "-o", "new.keras")
    assert code == 0 and ("Keras 3 on TensorFlow squares" in err) == noted
    model.fit(np.array([[1, 2], [3, 1 if twice else 4]]), np.array([[0.0], [1.0]]), 2, 3, 0, shuffle=False)
    ours = weightlens.load("new.keras").layers[1].own_weights["embeddings"].value
    assert np.allclose(ours, layers[0].embeddings, atol=1e-6) == (not (twice and noted))
