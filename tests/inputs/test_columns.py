"""Inputs find their place: titles, keys and positions, and what is refused rather than guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.conftest import SAMPLES
from tests.inputs.test_inputs import model
from tests.tiny import arrays_of
from weightlens.engine.binding import bind, input_keys
from weightlens.errors import BadInput
from weightlens.inputs.given import read_samples
from weightlens.model import Layer, Model, Ref


def named(*names: str, size: int = 1) -> Model:
    """Inputs of these names, that are also the outputs."""
    layers = [Layer(name, "InputLayer", {"batch_shape": [None, size], "dtype": "float32"}) for name in names]
    return Model("m", "Functional", layers, [Ref(name) for name in names], [Ref(name) for name in names])


def read(tmp_path: Path, text: str, wanted: Model, notes: list[str] | None = None) -> list[list[float]]:
    (tmp_path / "x.csv").write_text(text)
    arrays = arrays_of(str(tmp_path / "x.csv"), wanted, None if notes is None else notes.append)
    return [array.reshape(-1).tolist() for array in arrays]


ORDERED: list[tuple[str, Model, list[list[float]]]] = [
    ("item,user\n3,1\n", named("user", "item"), [[1], [3]]),
    ("Item, User\n3,1\n", named("user", "item"), [[1], [3]]),
    ("item,other,user\n3,9,1\n", named("user", "item"), [[1], [3]]),
    ("foo,bar\n3,1\n", named("user", "item"), [[3], [1]]),
    ("input_1,input_0\n3,1\n", named("user", "item"), [[1], [3]]),
    ("input_0,input_1\n3,1\n", named("input_1", "input_2"), [[3], [1]]),
    ("input_2,input_1\n3,1\n", named("input_1", "input_2"), [[1], [3]]),
    ("b_1,a_0,b_0,a_1\n1,2,3,4\n", named("a", "b", size=2), [[2, 4], [3, 1]]),
    ("b[1],a[0],b[0],a[1]\n1,2,3,4\n", named("a", "b", size=2), [[2, 4], [3, 1]]),
    ("x1,x0\n0,5\n", named("in", size=2), [[5, 0]]),
    ("x2,x1\n0,5\n", named("in", size=2), [[5, 0]]),
    ("x_1,x_0,y\n0,5,9\n", named("in", size=2), [[5, 0]]),
    ("in 1,in 0\n0,5\n", named("in", size=2), [[5, 0]]),
    ("y,x1,x0\n9,0,5\n", named("in", size=2), [[5, 0]]),
    ("x7,x3\n0,5\n", named("in", size=2), [[0, 5]]),
    ("height,weight\n0,5\n", named("in", size=2), [[0, 5]]),
    ("x" + ",x".join(map(str, reversed(range(12)))) + "\n" + ",".join(map(str, range(12))), named("in", size=12), [[*range(11, -1, -1)]]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted", "right"), ORDERED)
def test_titles_that_name_inputs_decide(tmp_path: Path, text: str, wanted: Model, right: list[list[float]]) -> None:
    assert read(tmp_path, text, wanted) == right


def test_a_sequence_of_any_length_by_its_titles(tmp_path: Path) -> None:
    assert read(tmp_path, "x2,x0,x1\n1,2,3\n", model((None,))) == [[2, 3, 1]]


def test_a_first_column_without_a_title_that_the_model_needs_is_said(tmp_path: Path) -> None:
    notes: list[str] = []
    assert read(tmp_path, ",size\n0,5\n1,7\n", named("in", size=2), notes) == [[0, 5, 1, 7]]
    assert notes == ["x.csv: the first column has no title; it is taken for an input, because the model takes so many columns"]


def test_titles_of_which_some_name_inputs_are_refused_or_said(tmp_path: Path) -> None:
    notes: list[str] = []
    assert read(tmp_path, "user,film\n3,1\n", named("user", "item"), notes) == [[3], [1]]
    assert notes == ["x.csv: not every title is the name of an input; the columns are read in this order: user, film"]
    notes.clear()
    assert read(tmp_path, "x0,x1,y\n1,2,3\n", named("in", size=3), notes) == [[1, 2, 3]]
    assert notes == ["x.csv: not every title is the name of an input; the columns are read in this order: x0, x1, y"]
    notes.clear()
    assert read(tmp_path, "x0,x1,one\n1,2,3\n", named("in", size=3), notes) == [[1, 2, 3]] and not notes
    for text, wanted in (
        ("film,user\n3,1\n", named("user", "item")),
        ("x1,x0,size\n1,2,3\n", named("in", size=3)),
        ("b_0,a_0,a_1,c\n1,2,3,4\n", named("a", "b", size=2)),
    ):
        with pytest.raises(BadInput, match="name some inputs of the model, but not all"):
            read(tmp_path, text, wanted)
    with pytest.raises(BadInput, match="as the positions of the inputs and as their names"):
        read(tmp_path, "input_0,input_1\n1,2\n", named("input_1", "input_0"))


KEYS: list[tuple[list[str], list[str], list[str] | None]] = [
    (["input_0", "input_1"], ["input_1", "input_2"], ["input_0", "input_1"]),
    (["input_2", "input_1"], ["input_1", "input_2"], ["input_1", "input_2"]),
    (["b", "a"], ["a", "b"], ["a", "b"]),
    (["b", "a", "label"], ["a", "b"], ["a", "b"]),
    (["input_1", "input_0"], ["a", "b"], ["input_0", "input_1"]),
    (["a", "input_1"], ["a", "b"], None),
    (["input_1", "input_0"], ["input_0", "input_1"], ["input_0", "input_1"]),
    (["input_0", "input_1"], ["input_1", "input_0"], ["input_0", "input_1"]),
    (["input_1"], ["input_1", "input_2"], None),
]


@pytest.mark.parametrize(("keys", "names", "right"), KEYS)
def test_keys_are_all_names_or_all_places(tmp_path: Path, keys: list[str], names: list[str], right: list[str] | None) -> None:
    arrays = {key: np.full((1, 1), number) for number, key in enumerate(keys)}
    np.savez(tmp_path / "x.npz", **arrays)
    assert input_keys(keys, names) == right
    if right is None:
        for refused in (lambda: arrays_of(str(tmp_path / "x.npz"), named(*names)), lambda: bind(named(*names), arrays)):
            with pytest.raises(BadInput):
                refused()
        return
    wanted = [arrays[key].tolist() for key in right]
    assert [x.tolist() for x in arrays_of(str(tmp_path / "x.npz"), named(*names))] == wanted
    assert [x.tolist() for x in bind(named(*names), arrays)] == wanted


def test_keys_that_can_be_read_in_two_ways_are_refused(tmp_path: Path) -> None:
    wanted = named("input_1", "input_2")
    arrays = {f"input_{i}": np.ones((1, 1)) for i in range(3)}
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(BadInput, match="as the positions of the inputs and as their names"):
        bind(wanted, arrays)
    with pytest.raises(BadInput, match=r"x\.npz: input_0, input_1.* can be read"):
        arrays_of(str(tmp_path / "x.npz"), wanted)


def test_arrays_of_different_lengths_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.ones((2, 1)), b=np.ones((3, 1)))
    with pytest.raises(BadInput, match="2 and 3 samples"):
        arrays_of(str(tmp_path / "x.npz"), named("a", "b"))
    np.savez(tmp_path / "x.npz", a=np.array([1.0, 2]), b=np.array([3.0, 4]))
    assert [x.tolist() for x in arrays_of(str(tmp_path / "x.npz"), named("a", "b"))] == [[[1], [2]], [[3], [4]]]


@pytest.mark.parametrize("empty", [[[]], [], np.zeros((0, 1)), {"a": []}])
def test_no_numbers_at_all_are_refused_from_python_too(empty: Any) -> None:
    with pytest.raises(BadInput, match="no numbers"):
        named("a").predict(empty)


def test_words_and_numbers_together_as_keras_takes_them(tmp_path: Path, keras: Any) -> None:
    import tensorflow as tf

    color, weight = keras.Input((1,), dtype="string", name="color"), keras.Input((1,), name="weight")
    looked = keras.layers.StringLookup(vocabulary=["red", "green"], output_mode="one_hot")(color)
    made = keras.Model([color, weight], keras.layers.Dense(2)(keras.layers.Concatenate()([looked, weight])))
    made.save(tmp_path / "m.keras")
    (tmp_path / "x.csv").write_text("weight;color\n2,5;red\n-1;green\n50%;blue\n")
    loaded = weightlens.load(tmp_path / "m.keras")
    samples = read_samples(str(tmp_path / "x.csv"), loaded)
    theirs = made([tf.constant([["red"], ["green"], ["blue"]]), tf.constant([[2.5], [-1.0], [0.5]])]).numpy()
    assert loaded.predict(samples.arrays)[0] == pytest.approx(theirs, abs=1e-6)
    assert samples.labels == [["color"], ["weight"]]


@pytest.mark.parametrize("table", [path for path in sorted(SAMPLES.glob("*.csv")) if list(SAMPLES.glob(f"{path.stem}.[hk]*"))], ids=str)
def test_inputs_of_the_sample_models_are_read_without_a_note_but_on_their_answers(table: Path) -> None:
    notes: list[str] = []
    read_samples(str(table), weightlens.load(next(SAMPLES.glob(f"{table.stem}.[hk]*"))), notes.append)
    assert all(note.startswith(f"{table.name}: left out: ") for note in notes)
