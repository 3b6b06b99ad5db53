"""A step in words, and one element of it in numbers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view as windows

import weightlens
from tests.conftest import SAMPLES, sample_input
from weightlens.recording import Recorded, Step, Trace
from weightlens.specs.words.number_words import counted
from weightlens.words.wording import LONGEST, words
from weightlens.words.worked import arithmetic

X = np.array([[1.0, -2.0, 3.0], [0.5, 0.0, -1.5]])
W = np.array([[0.5, -1.0], [2.0, 0.25], [1.0, 1.0]])


def made(function: Any, *values: np.ndarray, name: str = "y") -> Step:
    """The step that a function of named arrays makes: ``x`` first, then ``kernel``, then ``b``."""
    trace = Trace(layer="layer")
    kinds = (("input", "x"), ("weight", "kernel"), ("step", "b"))
    arrays = [Recorded(value, kind=kind, name=title) for value, (kind, title) in zip(values, kinds, strict=False)]
    for array in arrays:
        array.layer = "layer"
    trace.step(name, function(*arrays))
    return trace.steps[-1]


WORDS: list[tuple[Any, str]] = [
    (lambda x, w, b: x @ w, "input . kernel"),
    (lambda x, w, b: x @ w + b, "input . kernel + b"),
    (lambda x, w, b: (x + 1) * 2, "(input + 1) * 2"),
    (lambda x, w, b: x - (x - 1), "input - (input - 1)"),
    (lambda x, w, b: x / (x * 2), "input / (input * 2)"),
    (lambda x, w, b: -x, "-input"),
    (lambda x, w, b: np.exp(-x), "e^(-input)"),
    (lambda x, w, b: 1 / (1 + np.exp(np.minimum(-x, 700.0))), "1 / (1 + e^(-input))"),
    (lambda x, w, b: np.maximum(x, 0.0), "max(input, 0)"),
    (lambda x, w, b: np.where(x > 0, x, 0.2 * x), "input if input > 0 else 0.2 * input"),
    (lambda x, w, b: np.log(1 + np.abs(x)), "ln(1 + |input|)"),
    (lambda x, w, b: np.sqrt(x * x + 1e-3), "sqrt(input * input + 0.001)"),
    (lambda x, w, b: np.square(x), "input^2"),
    (lambda x, w, b: (x + 1) ** 2, "(input + 1)^2"),
    (lambda x, w, b: np.max(x, axis=-1, keepdims=True), "max of input over features"),
    (lambda x, w, b: np.sum(x, axis=1) / 3, "(sum of input over features) / 3"),
    (lambda x, w, b: np.mean(x), "mean of input"),
    (lambda x, w, b: np.split(x, 3, axis=-1)[1], "feature 1 of input"),
    (lambda x, w, b: x[:, 1], "feature 1 of input"),
    (lambda x, w, b: x[:, 1:], "features 1:3 of input"),
    (lambda x, w, b: w[0], "row 0 of kernel"),
    (lambda x, w, b: x[:, None, :], "input"),
    (lambda x, w, b: np.pad(x, ((0, 0), (1, 1))), "padded input"),
    (lambda x, w, b: np.flip(x, 1), "reversed input"),
    (lambda x, w, b: np.reshape(x, (2, 3, 1)), "input reshaped to 3 x 1"),
    (lambda x, w, b: np.concatenate([x, x], axis=1), "2 times input joined"),
    (lambda x, w, b: np.concatenate([x, b], axis=1), "input and b joined"),
    (lambda x, w, b: np.take(w, np.array([0, 1]), axis=0), "rows of kernel looked up by constants"),
    (lambda x, w, b: np.einsum("ab,bc->ac", x, w), "input . kernel"),
    (lambda x, w, b: np.cos(x), "cos(input)"),
    (lambda x, w, b: np.arctan2(x, 2.0), "arctan2(input, 2)"),
    (lambda x, w, b: np.zeros((2, 2)), "0"),
]


@pytest.mark.parametrize(("function", "expected"), WORDS)
def test_words(function: Any, expected: str) -> None:
    step = made(function, X, W, np.array([[0.5, -1.0], [1.0, 2.0]]))
    assert words(step) == step.words == f"y = {expected}"


def test_what_another_layer_made_is_called_by_that_layer() -> None:
    trace = Trace(layer="dense")
    x = Recorded(X, kind="input", name="features")
    hidden = trace.step("activation", np.maximum(x, 0.0))
    state = trace.step("hidden state", hidden + 1)
    trace.layer = "next"
    trace.step("sum", hidden + state)
    assert trace.steps[-1].words == "sum = dense + hidden state of dense"


def test_the_same_name_before_is_the_previous_one() -> None:
    trace = Trace(layer="lstm")
    cell = trace.step("cell state", Recorded(X) * 1.0)
    trace.step("cell state", cell * 0.5)
    assert trace.steps[-1].words == "cell state = previous cell state * 0.5"


def test_several_inputs_are_called_by_their_names() -> None:
    trace = Trace(layer="add")
    a, b = Recorded(X, kind="input", name="age"), Recorded(X, kind="input", name="income")
    trace.step("sum", a + b)
    assert trace.steps[-1].words == "sum = age + income"


def test_words_are_bounded_however_deep_and_wide_the_expression() -> None:
    x: Any = Recorded(X, kind="input", name="x")
    for _ in range(300):
        x = np.sqrt(x * x + x)
    trace = Trace()
    trace.step("deep", x)
    assert len(words(trace.steps[0])) <= LONGEST


NUMBERS: list[tuple[Any, tuple[int, ...], str]] = [
    (lambda x, w, b: x @ w, (0, 1), "1*(-1) + (-2)*0.25 + 3*1 = 1.5"),
    (lambda x, w, b: x @ w + 0.5, (1, 0), "0.5*0.5 + 0*2 + (-1.5)*1 + 0.5 = -0.75"),
    (lambda x, w, b: np.maximum(x, 0.0), (0, 1), "max(-2, 0) = 0"),
    (lambda x, w, b: np.exp(x), (1, 1), "e^0 = 1"),
    (lambda x, w, b: x - b, (0, 1), "-2 - (-1) = -1"),
    (lambda x, w, b: np.sum(x, axis=1, keepdims=True), (0, 0), "1 + (-2) + 3 = 2"),
    (lambda x, w, b: np.max(x, axis=1), (0,), "max(1, -2, 3) = 3"),
    (lambda x, w, b: x[:, ::-1], (0, 0), "3"),
    (lambda x, w, b: np.pad(x, ((0, 0), (1, 0))), (0, 0), "0"),
    (lambda x, w, b: np.pad(x, ((0, 0), (1, 0))) + 1, (0, 1), "1 + 1 = 2"),
    (lambda x, w, b: np.pad(x, ((0, 0), (1, 1)), mode="symmetric"), (0, 4), "3"),
    (lambda x, w, b: np.concatenate([x, b], axis=1), (1, 3), "7"),
    (lambda x, w, b: np.stack([x, b], axis=1) * 2, (0, 1, 2), "0.5*2 = 1"),
    (lambda x, w, b: np.reshape(np.transpose(x), (2, 3)) * 2, (1, 0), "0*2 = 0"),
    (lambda x, w, b: np.split(x, 3, axis=1)[2] * 2, (1, 0), "(-1.5)*2 = -3"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "index", "expected"), NUMBERS)
def test_numbers(function: Any, index: tuple[int, ...], expected: str) -> None:
    step = made(function, X, W, np.array([[0.5, -1.0, 0.5], [7.0, 2.0, 3.0]]))
    assert arithmetic(step, index) == expected


def test_long_sums_are_cut_and_say_how_long_they_are() -> None:
    x = np.arange(784.0)[None]
    step = made(lambda x, w: x @ w, x, np.ones((784, 1)))
    assert arithmetic(step, (0, 0), terms=3) == f"0*1 + 1*1 + 2*1 + ... (784 terms) = {x.sum():.4g}"


TAPS = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]])


def slid(x: Any, before: int, after: int) -> Any:
    """Windows of three numbers over a row with zeros before and after it."""
    return windows(np.pad(x, ((0, 0), (before, after))), 3, axis=1)


PRODUCTS: list[tuple[Any, tuple[int, ...], str]] = [
    (lambda x, w: np.einsum("ncs,cs->nc", x[:, :2, None] + np.zeros(3), w), (0, 1), ""),
    (lambda x, w: np.tensordot(slid(x, 1, 1), w, axes=[[2], [1]]), (0, 0, 1), " + 0 (1 term beyond the edge)"),
    (lambda x, w: np.tensordot(slid(x, 1, 1), w, axes=[[2], [1]]), (0, 1, 1), ""),
    (lambda x, w: np.einsum("nsk,ck->nsc", slid(x, 2, 0), w), (1, 0, 0), " + 0 (2 terms beyond the edge)"),
    (lambda x, w: np.inner(x, w), (1, 0), ""),
]  # fmt: skip


@pytest.mark.parametrize(("function", "index", "edge"), PRODUCTS)
def test_every_kind_of_product_is_worked_out(function: Any, index: tuple[int, ...], edge: str) -> None:
    """The numbers, evaluated as they stand, give the result; what lies beyond an edge is counted, not written."""
    step = made(function, X, TAPS)
    left, _, right = arithmetic(step, index).rpartition(" = ")
    assert left.endswith(edge) and "..." not in left and ("edge" in left) == bool(edge)
    assert eval(re.sub(r" \(\d terms?.*", "", left)) == pytest.approx(float(right)) == pytest.approx(step.value[index])


def test_the_numbers_written_give_the_result_that_is_written() -> None:
    """Each line, typed into a calculator as it stands, gives every digit that it claims; the step is made at random."""
    rng = np.random.default_rng(3)
    unary = [np.negative, np.square, lambda x: np.maximum(x, 0.25), lambda x: 1.0 - x, lambda x: x * 0.5, lambda x: x[:, ::-1]]
    binary = [np.add, np.subtract, np.multiply, np.minimum, lambda a, b: a / (2.0 + b * b)]
    for _ in range(200):
        x: Any = Recorded(rng.normal(size=(2, 3)), kind="input", name="x")
        b: Any = Recorded(rng.normal(size=(2, 3)) if rng.random() < 0.5 else x.value * 1.002, kind="step", name="b")  # may cancel
        y = x
        for _ in range(4):
            y = unary[rng.integers(len(unary))](y) if rng.random() < 0.5 else binary[rng.integers(len(binary))](y, b)
        trace = Trace()
        trace.step("y", y + 0.0)
        index = (int(rng.integers(2)), int(rng.integers(3)))
        left, _, right = arithmetic(trace.steps[-1], index).rpartition(" = ")
        value = eval(re.sub(r"\^", "**", left), {"max": max, "min": min})
        assert float(f"{value:.4g}") == float(right)


def test_the_bound_of_an_exponent_is_not_written_where_no_number_comes_near_it() -> None:
    near, far = (made(lambda x: 1 / (1 + np.exp(np.minimum(-x, 700.0))), np.array([[x]])) for x in (0.5, -800.0))
    assert arithmetic(near, (0, 0)) == "1 / (1 + e^(-0.5)) = 0.6225"
    assert "min(-(-800), 700)" in arithmetic(far, (0, 0))
    assert "700" not in near.words + far.words


def test_a_comparison_of_comparisons() -> None:
    step = made(lambda x, y: ((x > 0.5) == (y > 0.5)) * 1.0, np.array([[0.61597966]]), np.array([[0.0]]))
    assert arithmetic(step, (0, 0)) == "((0.616 > 0.5) is (0 > 0.5))*1 = 0"


def test_a_kernel_of_another_layer_is_called_so() -> None:
    kernel: Any = Recorded(np.ones((3, 1)), kind="weight", name="kernel")
    delta: Any = Recorded(np.ones((2, 1)), kind="step", name="delta")
    kernel.layer = delta.layer = "dense_1"
    for layer in ("before", "dense_10"):
        trace = Trace(layer=layer)
        trace.step("gradient", delta @ kernel.T)
        assert trace.steps[-1].words == "gradient = delta of dense_1 . (kernel of dense_1)^T"


def test_no_more_digits_are_written_than_the_result_needs() -> None:
    near, far = (made(lambda x, b: x - b, np.array([[-0.441446]]), np.array([[b]])) for b in (-0.442189, 0.5))
    assert arithmetic(near, (0, 0)) == "-0.441446 - (-0.442189) = 0.000743"
    assert arithmetic(far, (0, 0)) == "-0.4414 - 0.5 = -0.9414"


def test_a_state_of_an_earlier_time_step_is_called_so() -> None:
    path = SAMPLES / "sine_lstm.keras"
    found = [step.words for step in weightlens.load(path).trace(sample_input(path))["lstm"]]
    assert "pre-activations = time step 1 of input product + previous hidden state . recurrent_kernel + bias" in found
    assert found.count("hidden state = output gate * tanh(cell state)") == 12


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((1, "layer"), "1 layer"),
        ((5000, "row"), "5,000 rows"),
        ((1, "matrix", "matrices"), "1 matrix"),
        ((0, "axis", "axes"), "0 axes"),
    ],
)
def test_numbers_agree_with_their_nouns(words: tuple[int, str], text: str) -> None:
    assert counted(*words) == text
