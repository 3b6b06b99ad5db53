"""The numbers that go into a model: typed, from files, made up; and what is refused."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiny import arrays_of, chunks_of
from weightlens.engine.output_shapes import refuse_too_short
from weightlens.errors import BadInput, UnsupportedLayer
from weightlens.inputs.defaults import default_inputs
from weightlens.inputs.given import read_samples
from weightlens.model import Call, Layer, Model, Ref, Weight


def model(*shapes: tuple[int | None, ...] | None, user: str = "Dense", dtype: str = "float32", **config: Any) -> Model:
    """Inputs ``a``, ``b``, ... of the given shapes, each with one layer on it."""
    layers = []
    for name, shape in zip("abc", shapes, strict=False):
        layers.append(Layer(name, "InputLayer", {"batch_shape": None if shape is None else [None, *shape], "dtype": dtype}))
        layers.append(Layer(f"on_{name}", user, config, calls=[Call((Ref(name),))]))
    names = "abc"[: len(shapes)]
    return Model("m", "Functional", layers, [Ref(name) for name in names], [Ref(f"on_{name}") for name in names])


def test_typed_rows() -> None:
    assert np.array_equal(arrays_of("0,1", model((2,)))[0], [[0, 1]])
    assert np.array_equal(arrays_of("0,0; 0,1;1,0 ;1,1", model((2,)))[0], [[0, 0], [0, 1], [1, 0], [1, 1]])
    assert np.array_equal(arrays_of("-1.5e-3", model((1,)))[0], [[-0.0015]])
    assert arrays_of("1,2,3,4,5,6", model((3, 2)))[0].tolist() == [[[1, 2], [3, 4], [5, 6]]]
    assert arrays_of("1,2,3,4,5,6", model((None, 2)))[0].shape == (1, 3, 2)
    assert arrays_of("1,2,3", model((None,)))[0].tolist() == [[1, 2, 3]]


def test_a_row_is_shared_out_over_several_inputs() -> None:
    a, b = arrays_of("1,2,3;4,5,6", model((2,), (1,)))
    assert a.tolist() == [[1, 2], [4, 5]] and b.tolist() == [[3], [6]]


def test_a_column_for_each_input_by_name(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("y,b,a\n9,2,1\n")
    a, b = arrays_of(str(file), model((1,), (1,)))
    assert (a.item(), b.item()) == (1, 2)


@pytest.mark.parametrize(
    "text",
    [
        "0,1\n1,0\n",
        "x0,x1\n0,1\n1,0\n",
        "\ufeffx0;x1\r\n0;1\r\n\r\n1;0\r\n",
        "0\t1\n1\t0",
        "0 1\n1 0\n",
        '"0","1"\n"1","0"\n',
        "x0,x1,y0,label\n0,1,5,6\n1,0,7,8\n",
    ],
)
def test_csv(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.csv"
    file.write_text(text, newline="")
    assert arrays_of(str(file), model((2,)))[0].tolist() == [[0, 1], [1, 0]]


def test_csv_in_chunks_equals_csv_at_once(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    numbers = np.random.default_rng(0).normal(size=(1001, 3))
    file.write_text("a,b,c\n" + "\n".join(",".join(map(repr, row)) for row in numbers.tolist()))
    pieces = list(chunks_of(str(file), model((3,)), 100))
    assert [len(arrays[0]) for arrays in pieces] == [100] * 10 + [1]
    assert np.array_equal(np.concatenate([arrays[0] for arrays in pieces]), numbers)
    assert np.array_equal(arrays_of(str(file), model((3,)))[0], numbers)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("0,1\n1,1\n"))
    assert arrays_of("-", model((2,)))[0].tolist() == [[0, 1], [1, 1]]


def test_numpy_files(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((5, 2)))
    np.savez(tmp_path / "two.npz", input_0=np.ones((3, 2)), input_1=np.zeros((3, 1)))
    np.savez(tmp_path / "one.npz", anything=np.ones((4, 2)))
    assert arrays_of(str(tmp_path / "x.npy"), model((2,)))[0].shape == (5, 2)
    assert [x.shape for x in chunks_of(str(tmp_path / "x.npy"), model((2,)), 2).__next__()] == [(2, 2)]
    assert [x.shape for x in arrays_of(str(tmp_path / "two.npz"), model((2,), (1,)))] == [(3, 2), (3, 1)]
    assert arrays_of(str(tmp_path / "one.npz"), model((2,)))[0].shape == (4, 2)
    np.save(tmp_path / "sample.npy", np.ones((2,)))
    assert arrays_of(str(tmp_path / "sample.npy"), model((2,)))[0].shape == (1, 2)


def test_images(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    image.fromarray(pixels).save(tmp_path / "x.png")
    notes: list[str] = []
    assert np.array_equal(arrays_of(str(tmp_path / "x.png"), model((4, 6, 3)), notes.append)[0][0], pixels)
    assert notes[0] == "x.png: 6 x 4 pixels, 3 channels (RGB), values 0..255"
    notes.clear()
    assert arrays_of(str(tmp_path / "x.png"), model((2, 3, 1)), notes.append)[0].shape == (1, 2, 3, 1)
    assert "6 x 4 pixels, resized to 3 x 2" in notes[0]
    assert arrays_of(str(tmp_path / "x.png"), model((None, None, 3)))[0].shape == (1, 4, 6, 3)
    with pytest.raises(BadInput, match="does not take one image"):
        arrays_of(str(tmp_path / "x.png"), model((5,)))


REFUSED: list[tuple[str, str]] = [
    ("0,1\n1,x\n", r"x\.csv: row 2, column 2: 'x' is not a number"),
    ("u,v\n0,1\n1,\n", r"x\.csv: row 3, column 2 \(v\): the cell is empty"),
    ("0,1\n1\n", r"row 2 has 1 column, the first row has 2"),
    ("0,nan\n", "row 1, column 2: 'nan' is not a number"),
    ("0,1e999\n1e999,0\n", "row 1, column 2"),
    ("0,1,2\n", "takes 2 numbers per sample .* but a row has 3"),
    ("", "holds no rows"),
    ("x0,x1\n", "holds no rows"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_bad_csv_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "x.csv"
    file.write_text(text)
    with pytest.raises(BadInput, match=message):
        arrays_of(str(file), model((2,)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("0,a", "'a' is not a number"),
        ("nowhere.csv", "no such file"),
        ("x", "no such file"),
        ("1,2,3", "takes 2 numbers"),
        (",", "is not a number"),
        ("0,", "the cell is empty"),
        ("1" * 300 + ".csv", "no such file"),
        ("\0", "no such file"),
    ],
)
def test_bad_text_is_refused(given: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        arrays_of(given, model((2,)))


def test_bad_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY garbage")
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 garbage")
    (tmp_path / "x.png").write_bytes(b"\x89PNG garbage")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00\x01")
    (tmp_path / "x.pdf").write_bytes(b"%PDF")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "other.npz", c=np.ones(2), d=np.ones(2))
    for name in ("x.npy", "x.npz", "x.png", "x.csv", "x.pdf", "objects.npy", "other.npz", "."):
        with pytest.raises(BadInput):
            arrays_of(str(tmp_path / name), model((4, 4, 3)) if name.endswith("png") else model((2,)))
    for name, values in (("words", np.array([["1", "2"]])), ("complex", np.ones((1, 2), complex))):
        np.save(tmp_path / f"{name}.npy", values)
        with pytest.raises(BadInput, match=f"{name}.npy: holds {values.dtype}, not numbers"):
            arrays_of(str(tmp_path / f"{name}.npy"), model((2,)))


def test_a_model_without_architecture_takes_no_input() -> None:
    with pytest.raises(BadInput, match="no architecture"):
        arrays_of("0,1", Model("w", "", []))
    with pytest.raises(BadInput, match="no architecture"):
        default_inputs(Model("w", "", []))


def test_default_inputs_are_what_the_first_layer_can_use() -> None:
    assert default_inputs(model((2,)))[0].tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert len(default_inputs(model((4,)))[0]) == 16
    assert default_inputs(model((1,)))[0].shape[1] == 1
    tokens = default_inputs(model((7,), user="Embedding", input_dim=5))[0]
    assert tokens.shape == (3, 7) and set(tokens.ravel()) <= set(range(5))
    grey = default_inputs(model((28, 28, 1), user="Conv2D"))[0]
    assert grey.shape == (1, 28, 28, 1) and grey.min() >= 0 and grey.max() <= 1
    bytes_ = default_inputs(model((8, 8, 3), user="Rescaling", scale=1 / 255))[0]
    assert bytes_.max() > 100 and np.array_equal(bytes_, np.round(bytes_))
    assert default_inputs(model((None, 3), user="LSTM"))[0].shape == (3, 5, 3)
    assert default_inputs(model(None))[0].ndim == 2
    assert default_inputs(model((2,), dtype="string"))[0].dtype.kind == "U"


def test_default_inputs_follow_the_statistics_of_a_normalization_layer() -> None:
    m = model((3,), user="Normalization")
    mean, variance = np.array([100.0, -5.0, 0.0]), np.array([4.0, 1.0, 0.01])
    for name, values in (("mean", mean), ("variance", variance)):
        m["on_a"].own_weights[name] = Weight(name, (3,), "float32", "", lambda values=values: values)
    x = default_inputs(m)[0]
    assert (np.abs(x - mean) < 6 * np.sqrt(variance) + 0.01).all()


def test_default_inputs_are_the_same_every_time_and_look_into_nested_models() -> None:
    inner = model((6,), user="Embedding", input_dim=9)
    outer = Model(
        "outer", "Functional",
        [Layer("x", "InputLayer", {"batch_shape": [None, 6]}), Layer("inner", "Functional", {}, calls=[Call((Ref("x"),))], model=inner)],
        [Ref("x")], [Ref("inner")],
    )  # fmt: skip
    first, second = default_inputs(outer), default_inputs(outer)
    assert np.array_equal(first[0], second[0]) and first[0].max() < 9 and np.array_equal(first[0], np.round(first[0]))


@pytest.mark.parametrize("given", ["0 1", "0  1;1 1", "0\t1"])
def test_numbers_with_spaces_between_are_a_row(given: str) -> None:
    assert arrays_of(given, model((2,)))[0][0].tolist() == [0, 1]


@pytest.mark.parametrize("given", ["", " ", ";", "0 1,2", "0 1 2"])
def test_nothing_is_never_computed_in_silence(given: str) -> None:
    with pytest.raises(BadInput):
        list(chunks_of(given, model((2,)), 10))


def test_files_without_a_sample_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((0, 2)))
    np.savez(tmp_path / "x.npz", a=np.zeros((0, 2)))
    (tmp_path / "x.csv").write_text("a,b\n\n")
    for name in ("x.npy", "x.npz", "x.csv"):
        with pytest.raises(BadInput, match="holds no rows of numbers"):
            list(chunks_of(str(tmp_path / name), model((2,)), 10))


@pytest.mark.parametrize(
    ("scale", "right", "said"),
    [(None, [0, 51, 255], "0..255"), ("1/255", [0, 0.2, 1], "0..1"), ("-1..1", [-1, -0.6, 1], "-1..1"), ("0..1", [0, 0.2, 1], "0..1")],
)
def test_pictures_in_the_range_that_is_asked_for(tmp_path: Path, scale: str | None, right: list[float], said: str) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.array([[0, 51, 255]], np.uint8)).save(tmp_path / "x.png")
    notes: list[str] = []
    samples = read_samples(str(tmp_path / "x.png"), model((1, 3, 1), user="Conv2D"), notes.append, scale)
    assert samples.arrays[0].ravel() == pytest.approx(right)
    assert notes[0] == f"x.png: 3 x 1 pixels, 1 channel (grey), values {said}"
    assert [("does not scale them" in words) for words in notes[1:]] == [True] * (scale is None)


def test_of_a_picture_of_zeros_and_ones_no_scale_is_missing(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.array([[0, 1, 1]], np.uint8)).save(tmp_path / "x.png")
    notes: list[str] = []
    read_samples(str(tmp_path / "x.png"), model((1, 3, 1), user="Conv2D"), notes.append)
    assert notes == ["x.png: 3 x 1 pixels, 1 channel (grey), values 0..255"]


def test_a_network_that_scales_by_itself_is_not_scaled_in_silence(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.array([[0, 51, 255]], np.uint8)).save(tmp_path / "x.png")
    for scale, words in ((None, []), ("1/255", ["scales the values too, after --scale"])):
        notes: list[str] = []
        read_samples(str(tmp_path / "x.png"), model((1, 3, 1), user="Rescaling", scale=1 / 255), notes.append, scale)
        assert [word in note for word, note in zip(words, notes[1:], strict=True)] == [True] * len(words)


@pytest.mark.parametrize("scale", ["abc", "1/0", "0", "1..1", "", "1/255/2", "nan"])
def test_a_scale_that_is_none_is_refused(tmp_path: Path, scale: str) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.zeros((1, 3), np.uint8)).save(tmp_path / "x.png")
    with pytest.raises(BadInput, match="--scale"):
        read_samples(str(tmp_path / "x.png"), model((1, 3, 1)), None, scale)


def test_numbers_are_not_scaled() -> None:
    with pytest.raises(BadInput, match="--scale is for pictures"):
        read_samples("0,1", model((2,)), None, "1/255")


def stack(*layers: Layer, shape: tuple[int | None, ...], batch: int | None = None) -> Model:
    """Layers one after another."""
    chain = [Layer("in", "InputLayer", {"batch_shape": [batch, *shape], "dtype": "float32"}), *layers]
    for before, layer in itertools.pairwise(chain):
        layer.calls = [Call((Ref(before.name),))]
    return Model("m", "Functional", chain, [Ref("in")], [Ref(chain[-1].name)])


def test_default_inputs_are_long_enough_for_every_layer() -> None:
    crop = stack(Layer("crop", "Cropping1D", {"cropping": [40, 35]}), shape=(None, 4))
    assert default_inputs(crop)[0].shape == (3, 76, 4)
    pool = {"pool_size": [4], "strides": [4], "padding": "valid", "data_format": "channels_last"}
    twice = stack(Layer("one", "MaxPooling1D", pool), Layer("two", "MaxPooling1D", pool), shape=(None, 2))
    assert default_inputs(twice)[0].shape[1] == 16
    assert default_inputs(stack(Layer("flip", "Permute", {"dims": [2, 1]}), shape=(None, 2)))[0].shape[1] == 5, "not longer than need be"


def test_samples_that_are_too_short_are_told_the_length() -> None:
    crop = stack(Layer("crop", "Cropping1D", {"cropping": [40, 35]}), shape=(None, 4))
    with pytest.raises(BadInput, match="needs a length of 76 or more"):
        refuse_too_short(crop, [(75, 4)])
    refuse_too_short(crop, [(76, 4)])
    with pytest.raises(UnsupportedLayer, match="cuts off all there is"):  # what is left of 29 is not counted from its end
        stack(Layer("crop", "Cropping1D", {"cropping": [20, 30]}), shape=(None, 4)).predict(np.ones((1, 29, 4)))


def test_one_sample_where_the_batch_is_fixed_and_all_where_they_have_states() -> None:
    assert default_inputs(stack(Layer("d", "Activation", {"activation": "relu"}), shape=(6,), batch=32))[0].shape == (1, 6)
    assert default_inputs(stack(Layer("d", "LSTM", {"stateful": True}), shape=(3, 2), batch=4))[0].shape == (4, 3, 2)


@pytest.mark.parametrize(
    ("operator", "arguments", "samples"),
    [
        ("Softmax", {"axis": -1}, 1),
        ("Reshape", {"newshape": (-1, 2, 3)}, 1),
        ("Reshape", {"newshape": (1, 3, 2)}, 1),  # 6 is a multiple of these: nothing is concluded from that
        ("Reshape", {"newshape": (12, 6)}, 12),
        ("Reshape", {"newshape": (-1, 3)}, 12),  # twice as many rows as samples
        ("Add", {"x2": np.ones((12, 6))}, 12),
        ("Add", {"x2": np.ones(6)}, 1),
        ("Svd", {}, 1),  # which is not computed
    ],
)
def test_of_a_fixed_batch_one_sample_unless_an_operator_contains_it(operator: str, arguments: dict[str, Any], samples: int) -> None:
    network = stack(Layer("op", operator, {}, is_operation=True), shape=(6,), batch=12)
    network.layers[1].calls[0].kwargs.update(arguments)
    assert default_inputs(network)[0].shape == (samples, 6)


def test_spaces_belong_to_typed_words() -> None:
    assert arrays_of("0 1;a b", model((1,), dtype="string"))[0].tolist() == [["0 1"], ["a b"]]


@pytest.mark.parametrize(("text", "said"), [("0,1,2\n5,6,7\n", True), ("0,1,3\n5,6,7\n", False), ("a,b,c\n0,1,2\n", False)])
def test_a_first_row_that_may_be_titles_is_mentioned(tmp_path: Path, text: str, said: bool) -> None:
    notes: list[str] = []
    (tmp_path / "x.csv").write_text(text)
    arrays_of(str(tmp_path / "x.csv"), model((3,)), notes.append)
    assert ["taken for numbers, not for titles" in words for words in notes] == [True] * said


def words_and_numbers(*words: bool) -> Model:
    """Inputs ``a``, ``b``, ..., each of one word or of two numbers."""
    made = model(*((1,) if word else (2,) for word in words))
    for word, layer in zip(words, made.layers[::2], strict=True):
        layer.config["dtype"] = "string" if word else "float32"
    return made


@pytest.mark.parametrize("titles", ["b_0,a,b_1", "b[1],A,b[2]", "big,a,bold"])
def test_a_first_row_without_numbers_is_no_sample_where_numbers_are_taken(tmp_path: Path, titles: str) -> None:
    (tmp_path / "x.csv").write_text(titles + "\n1,red,2\n")
    if "big" in titles:
        with pytest.raises(BadInput, match="in another order"):
            arrays_of(str(tmp_path / "x.csv"), words_and_numbers(True, False))
    else:
        a, b = arrays_of(str(tmp_path / "x.csv"), words_and_numbers(True, False))
        assert a.tolist() == [["red"]] and b.tolist() == [[1, 2]]


@pytest.mark.parametrize(("text", "rows"), [("a,other\nred,blue\n", 1), ("B,a\nred,blue\n", 1), ("green,other\nred,blue\n", 2)])
def test_of_words_alone_the_name_of_an_input_tells_titles(tmp_path: Path, text: str, rows: int) -> None:
    (tmp_path / "x.csv").write_text(text)
    assert len(arrays_of(str(tmp_path / "x.csv"), words_and_numbers(True, True))[0]) == rows


def test_words_and_numbers_are_typed() -> None:
    a, b = arrays_of("red,.5,1;blue,2,3.5", words_and_numbers(True, False))
    assert a.tolist() == [["red"], ["blue"]] and b.tolist() == [[0.5, 1], [2, 3.5]]
    assert arrays_of("It was 3.5 stars.", words_and_numbers(True))[0].tolist() == [["It was 3.5 stars."]]
    with pytest.raises(BadInput, match="no such file"):
        arrays_of("words.csv", words_and_numbers(True))
