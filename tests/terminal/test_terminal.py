"""What is printed, letter by letter, on a screen of 80 columns."""

from __future__ import annotations

import io
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import weightlens
from tests.conftest import SAMPLES
from tests.tiny import write_tiny
from weightlens.axes.factors import plain
from weightlens.errors import BadInput
from weightlens.inputs.indices import parse_slice
from weightlens.model import Layer, Model, Weight
from weightlens.statistics import statistics
from weightlens.terminal import Screen, clean
from weightlens.terminal.describe import layers_called, output_shapes
from weightlens.terminal.escape import width_of
from weightlens.terminal.matrices import Labels, array_weight, view_of_weight, weight_labels
from weightlens.terminal.matrix_lines import matrix_lines
from weightlens.terminal.print_trace import Looks, print_trace
from weightlens.terminal.show import Selection, histogram_bars, show

SHOWN = """\
tiny.h5 · Keras 3 HDF5 · Keras 3.5.0, tensorflow
Sequential tiny · 2 layers · 6 parameters

layer  class       activation  output  parameters
x      InputLayer              2                0
dense  Dense       softmax     2                6

dense · Dense · softmax · 6 parameters
  kernel (2, 2) float32 · model_weights/dense/dense/kernel
         unit 0   unit 1
    x0   1.5000  -2.0000
    x1   0.2500   1.0000
  bias (2) float32 · model_weights/dense/dense/bias
       unit 0   unit 1
       0.5000  -1.2500
"""

TRACED = """\
x · input (1, 2)
              x0  x1
    sample 0   0   1

dense · Dense
  dot product = input . kernel                                            (1, 2)
    unit 0  0*1.5 + 1*0.25 = 0.25
    unit 1  0*(-2) + 1*1 = 1
  pre-activation = dot product + bias                                     (1, 2)
    unit 0  0.25 + 0.5 = 0.75
    unit 1  1 + (-1.25) = -0.25
  max = max of pre-activation over units                                  (1, 1)
    max(0.75, -0.25) = 0.75
  exponentials = e^(pre-activation - max)                                 (1, 2)
    unit 0  e^(0.75 - 0.75) = 1
    unit 1  e^(-0.25 - 0.75) = 0.3679
  sum = sum of exponentials over units                                    (1, 1)
    1 + 0.3679 = 1.368
  activation = exponentials / sum                                         (1, 2)
    unit 0  1 / 1.36788 = 0.7311
    unit 1  0.3679 / 1.368 = 0.2689

output (1, 2)
              unit 0  unit 1
    sample 0  0.7311  0.2689
"""


EXPLAINED = """
softmax · Activation
  Turns scores into shares between 0 and 1 that add up to 1: the larger the
    score, the larger its share.
  max = max of dense over units                                           (1, 1)
    The largest score over units. It is subtracted before e^ so that no number
      becomes too large; the result stays the same.
    max(-3.154, 3.176) = 3.176
  exponentials = e^(dense - max)                                          (1, 2)
    e to the power of the score: always positive, and the larger the score the
      (much) larger the result.
    unit 0  e^(-3.1544 - 3.1763) = 0.001781
    unit 1  e^(3.176 - 3.176) = 1
  sum = sum of exponentials over units                                    (1, 1)
    The exponentials added up over units: what the shares are shares of.
    0.001781 + 1 = 1.002
  activation = exponentials / sum                                         (1, 2)
    unit 0  0.0017808 / 1.0018 = 0.001778
    unit 1  1 / 1.0018 = 0.9982
"""


def printed(write: object, colour: bool = False) -> str:
    file = io.StringIO()
    write(Screen(file, 80, colour))  # type: ignore[operator]
    return file.getvalue()


def weight(values: np.ndarray, owner: str = "Dense", name: str = "kernel") -> Weight:
    return Weight(name, values.shape, str(values.dtype), "", lambda: values, lambda key: values[key], owner=(owner, {}))


def matrix(values: np.ndarray, cut: str | None = None, full: bool = False) -> list[str]:
    w = weight(values)
    return list(matrix_lines(view_of_weight(w, cut, full), Screen(io.StringIO(), 80, False)))


def test_show_prints_the_model(tmp_path: Path) -> None:
    model = weightlens.load(write_tiny(tmp_path / "tiny.h5"))
    text = printed(lambda screen: show(model, screen, Selection()))
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("sha256")]
    assert "".join(lines) == SHOWN


def test_trace_prints_the_arithmetic(tmp_path: Path) -> None:
    model = weightlens.load(write_tiny(tmp_path / "tiny.h5"))
    assert printed(lambda screen: print_trace(model.trace([[0, 1]]), screen)) == TRACED


def test_trace_says_what_steps_are_for() -> None:
    trace = weightlens.trace(SAMPLES / "or.h5", [[0, 1]])
    told = printed(lambda screen: print_trace(trace, screen, ("softmax",), Looks(explain=True)))
    assert told == EXPLAINED, "a sentence is said once"


def test_large_matrices_are_abbreviated_and_read_at_their_edges_only() -> None:
    values = np.linspace(-1, 1, 200_000, dtype=np.float32).reshape(1000, 200)
    keys: list[object] = []

    def read_part(key: object) -> np.ndarray:
        keys.append(key)
        return values[key]  # type: ignore[index]

    w = Weight("kernel", values.shape, "float32", "", lambda: pytest.fail("read whole"), read_part)
    shown = view_of_weight(w)
    assert shown.values.shape == (6, 6) and shown.indices[0] == [0, 1, 2, 997, 998, 999]
    assert np.array_equal(shown.values, values[np.ix_([0, 1, 2, 997, 998, 999], [0, 1, 2, 197, 198, 199])])
    assert all(values[key].size <= 9 for key in keys)  # type: ignore[index]
    lines = matrix(values)
    assert len(lines) == 8 and max(map(len, lines)) <= 80 and "…" in lines[0] and lines[4].strip() == "…"


def test_wide_small_matrices_are_cut_into_blocks_that_fit() -> None:
    lines = matrix(np.arange(30, dtype=np.float32).reshape(1, 30))
    assert max(map(len, lines)) <= 80
    numbers = [word for line in lines for word in line.split() if "." in word]
    assert numbers == [f"{i:.4f}" for i in range(30)]


@pytest.mark.parametrize("shape", [(256,), (1, 256), (256, 1)])
def test_a_long_vector_is_abbreviated_as_a_matrix_is(shape: tuple[int, ...]) -> None:
    values = np.arange(256, dtype=np.float32).reshape(shape)
    short = "\n".join(matrix(values))
    assert short.count(".") == 6 and "…" in short and len(short.splitlines()) < 9
    for whole in (matrix(values, full=True), matrix(values, "0:256" if len(shape) == 1 else "0:256,0:256")):
        assert "".join(whole).count(".") == 256 and "…" not in "".join(whole), "all of it was asked for"
    assert "".join(matrix(values.reshape(-1)[:64])).count(".") == 64


@pytest.mark.parametrize("shape", [(3, 3, 16, 32), (2, 5, 7), (4000,), (0, 3), (1,), ()])
def test_any_shape_can_be_printed(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    lines = matrix(np.asarray(values))
    assert lines and all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize("values", [[np.nan, np.inf, -np.inf], [1e30, 1.0], [1e-9, 2e-9], [True, False], [1, -200]])
def test_any_number_can_be_printed(values: list[object]) -> None:
    text = "\n".join(matrix(np.array(values)))
    assert all(str(word) in text for word in ("nan", "inf") if np.isnan(np.array(values, float)).any())
    assert len(text.splitlines()) == 2


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert matrix(np.array([-1e-9, 1.0]))[1].split() == ["0.0000", "1.0000"]


@pytest.mark.parametrize("text", ["0,:5", "0", ":", "-1", "::2, 1:3", "...,0", "1:3,-2:", "::-1", "::-2,:1", "[0, 1]", "5:2"])
def test_slices_mean_what_numpy_means(text: str) -> None:
    values = np.arange(20, dtype=np.float32).reshape(4, 5)
    expected = values[eval(f"np.s_[{text.strip('[]')}]")]
    key = parse_slice(text, values.shape)
    assert np.array_equal(values[key], expected)
    assert np.array_equal(view_of_weight(weight(values), text, full=True).values, expected)


@pytest.mark.parametrize("text", ["a", "0,0,0", "1:2:3:4", "::0", "9", "-5", "__import__('os')", "1.5", "0;1"])
def test_bad_slices_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="--slice"):
        parse_slice(text, (4, 5))


def test_recurrent_columns_are_named_after_their_gates() -> None:
    label = weight_labels(weight(np.zeros((3, 8)), "LSTM"))
    assert [label.text(1, i) for i in range(8)] == ["i0", "i1", "f0", "f1", "g0", "g1", "o0", "o1"]
    assert weight_labels(weight(np.zeros((2, 6)), "GRU", "recurrent_kernel")).text(1, 5) == "g1"


def test_colours_are_diverging_and_only_on_request() -> None:
    values = np.array([[-1.0, 0.01, 1.0]])
    w = weight(values)
    coloured = "\n".join(matrix_lines(view_of_weight(w), Screen(io.StringIO(), 80, True)))
    assert "\x1b[38;5;16;48;5;208m-1.0000\x1b[0m" in coloured and "\x1b[38;5;16;48;5;33m 1.0000\x1b[0m" in coloured
    assert "\x1b[38;5;16;48;5;0m" not in coloured and "  0.0100" in coloured.replace("\x1b[0m", "")
    assert "\x1b" not in "\n".join(matrix(values))


def test_no_colour_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Screen(Terminal()).colour and not Screen(io.StringIO()).colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Screen(Terminal()).colour


def test_a_terminal_without_unicode_gets_plain_letters() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, "ascii", write_through=True)
    Screen(file, 80, False).line("a · b … ▁█ é")
    assert raw.getvalue() == b"a - b ~ .# \\xe9\n"


HOSTILE = [
    "\x1b[2J\x1b]0;owned\x07",
    "a\nb\r\nc",
    "\u202egnp.exe",
    "x" * 10_000,
    "\x9b31m",
    "\u2028",
    "\ud800",
    "=cmd|' /C calc'!A0",
    "[bold]x[/bold]",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_written_out_harmlessly(text: str) -> None:
    line = clean(text)
    assert line.isprintable() and len(line) <= 100
    line.encode()
    if text.isprintable() and len(text) < 100:
        assert line == text


def test_hostile_names_in_a_file_are_shown_harmlessly(tmp_path: Path) -> None:
    name = "\x1b[31mred\nline\u202e"
    model = weightlens.load(write_tiny(tmp_path / "tiny.h5", name=name))
    for wish in (Selection(), Selection(stats=True), Selection(layers=(name,))):
        text = printed(lambda screen, wish=wish: show(model, screen, wish))
        assert all(line.isprintable() for line in text.splitlines()) and "\\x1b[31mred\\x0aline" in text
    text = printed(lambda screen: print_trace(model.trace([[0, 1]]), screen))
    assert all(line.isprintable() for line in text.splitlines())


def test_statistics_in_chunks_equal_numpys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weightlens.statistics.CHUNK", 100)
    values = (np.random.default_rng(1).normal(1000, 0.5, (7, 3, 40)) * (np.arange(40) % 5 > 0)).astype(np.float32)
    found = statistics(weight(values))
    wide = values.astype(np.float64)
    assert found.count == values.size and found.zeros == (values == 0).sum() and found.nan == found.infinite == 0
    assert np.allclose(
        [found.smallest, found.largest, found.mean, found.deviation], [wide.min(), wide.max(), wide.mean(), wide.std()], rtol=1e-12
    )
    assert found.histogram == np.histogram(wide, 24)[0].tolist()


def test_statistics_count_what_is_not_a_number() -> None:
    found = statistics(weight(np.array([1.0, np.nan, np.inf, -np.inf, 0.0, 3.0])))
    assert (found.nan, found.infinite, found.zeros, found.smallest, found.largest) == (1, 2, 1, 0.0, 3.0)
    assert sum(found.histogram) == 3
    nothing = statistics(weight(np.array([np.nan])))
    assert nothing.nan == 1 and not nothing.histogram


def test_bins_reach_over_all_numbers_that_there_are() -> None:
    """Whose distance is more than the largest number."""
    found = statistics(weight(np.array([-1.7e308, 0.0, 1.7e308])))
    assert found.histogram == [1, *[0] * 11, 1, *[0] * 10, 1]


def test_bars_show_every_bin_that_is_not_empty() -> None:
    assert histogram_bars([0, 1, 500, 1000]) == " ▁▄█"


def test_columns_fit_the_width() -> None:
    rows = [["name", "n"], ["x" * 50, "1,000"], ["y", "2"]]
    lines = list(Screen(io.StringIO(), 30).table(rows, [1]))
    assert max(map(len, lines)) == 30 and lines[1].endswith("1,000") and "…" in lines[1]


def test_columns_that_say_less_go_before_names_are_cut() -> None:
    rows = [
        ["name", "empty", "norm", "n"],
        ["batch_normalization/moving_mean", "", "1.25", "1"],
        ["batch_normalization/gamma", "", "2.5", "2"],
    ]

    def table(width: int) -> list[str]:
        return list(Screen(io.StringIO(), width).table(rows, (2, 3), spare=(2,)))

    assert table(80)[0].split() == ["name", "norm", "n"]
    assert table(36)[0].split() == ["name", "n"] and table(36)[1].startswith("batch_normalization/moving_mean ")
    assert [line.split()[0] for line in table(18)[1:]] == ["batch_n…ng_mean", "batch_n…n/gamma"]


def test_wide_letters_take_two_places() -> None:
    lines = list(Screen(io.StringIO(), 40).table([["layer", "n"], ["größe_商品", "1"], ["user_dense", "2"]], [1]))
    assert lines == ["layer       n", "größe_商品  1", "user_dense  2"]
    assert width_of("e\u0301") == 1


def test_what_is_left_out_of_blocks_side_by_side_stands_between_them() -> None:
    kernel = view_of_weight(weight(np.ones((3, 3, 8, 16)), "Conv2D"))
    lines = [line.split() for line in matrix_lines(kernel, Screen(io.StringIO(), 80, False))]
    heads = [words for words in lines if words[0] in ("channel", "…")][:4]
    assert heads == [["channel", "0", "channel", "1"], ["…"], ["channel", "6", "channel", "7"], ["…"]]


def test_an_abbreviated_matrix_is_no_wider_than_the_screen() -> None:
    label = Labels([plain("token", 40), plain("feature", 40)])
    lines = list(matrix_lines(view_of_weight(array_weight(np.zeros((40, 40))), label=label), Screen(io.StringIO(), 80, False)))
    assert max(map(len, lines)) <= 80 and "…" in lines[0]


def test_shapes_are_shown_however_large_the_network_is(tmp_path: Path) -> None:
    path = tmp_path / "large.h5"
    conv = {"filters": 8, "kernel_size": [3, 3], "strides": [2, 2], "padding": "same", "activation": "relu", "data_format": "channels_last"}
    layers = [("Conv2D", f"conv_{i}", conv | {"dilation_rate": [1, 1], "use_bias": False}) for i in range(3)]
    inputs = {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, 4096, None, 8], "dtype": "float32"}}
    entries = [inputs, *({"class_name": kind, "config": {"name": name} | config} for kind, name, config in layers)]
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "large", "layers": entries}})
        file.attrs["keras_version"], file.attrs["backend"] = "2.15.0", "tensorflow"
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [name.encode() for _, name, _ in layers]
        for _, name, _ in layers:
            group = weights.create_group(name)
            group.attrs["weight_names"] = [f"{name}/kernel:0".encode()]
            group[f"{name}/kernel:0"] = np.ones((3, 3, 8, 8), np.float32)
    assert output_shapes(weightlens.load(path)) == {
        "x": "4096 x any x 8", "conv_0": "2048 x any x 8", "conv_1": "1024 x any x 8", "conv_2": "512 x any x 8",
    }  # fmt: skip


def test_layers_of_nested_models_by_their_own_names() -> None:
    def nested(name: str, *names: str) -> Layer:
        return Layer(name, "Functional", {}, model=Model(name, "Functional", [Layer(n, "Dense", {}) for n in names]))

    model = Model("m", "Functional", [nested("a", "conv_1", "conv_2"), nested("b", "conv_1", "dense"), Layer("conv", "Dense", {})])
    for names, found in (
        (["a/conv_2"], ("a/conv_2",)), (["conv_1"], ("a/conv_1", "b/conv_1")), (["conv"], ("conv",)), (["a"], ("a",)),
        (["conv*"], ("a/conv_1", "a/conv_2", "b/conv_1", "conv")), (["b/*"], ("b/conv_1", "b/dense")),
    ):  # fmt: skip
        assert layers_called(model, names) == found
    with pytest.raises(BadInput, match="there is no layer 'dens'; did you mean 'b/dense'\\? the layers are: a, a/conv_1"):
        layers_called(model, ["dens"])
