"""Formulas: exact text for the patterns that people read, and recalculation for everything else."""

from __future__ import annotations

import re
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.lib.stride_tricks import sliding_window_view

from tests.cases import EVERYTHING
from tests.workbook.probe import formulas_of, written
from weightlens.checks import check_workbook
from weightlens.errors import NoFormula, WorkbookTooLarge
from weightlens.layers import activations
from weightlens.spreadsheet.cell_values import read_book

pytest.importorskip("ironcalc")
RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 4))
ROWS, KERNEL = RNG.normal(size=(2, 4)), RNG.normal(size=(4, 3))
IMAGE = RNG.normal(size=(1, 6, 5, 3))
LACKING = ("TRUE", "FALSE", "OFFSET", "INDIRECT", "{", "LET(", "1E-", "1e-", "#")  # in one spreadsheet program or another


def window_product(x, w, step):  # type: ignore[no-untyped-def]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.transpose(sliding_window_view(padded, (3, 3), axis=(1, 2)), (0, 1, 2, 4, 5, 3)).reshape(30, 27)
    return (windows @ w["kernel"].reshape(27, 2)).reshape(1, 6, 5, 2)


def windows_max(x, w, step):  # type: ignore[no-untyped-def]
    padded = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=-np.inf)
    return np.max(sliding_window_view(padded, (3, 2), axis=(1, 2))[:, ::2, ::2], axis=(-2, -1))


ELEMENTWISE = {
    "precedence": lambda x, w, step: (x + 1) * (x - 2) / (x * x + 3) - (x - (x - 1)) + 2 / (3 / (x * x + 1)),
    "power and minus": lambda x, w, step: -(x**2) + (-x) ** 2 - np.negative(-x) - 2.0 ** np.abs(x) + np.square(-x),
    "minus of a product": lambda x, w, step: np.square(-((x + x) * (x + x))) - (-(x - 1)) ** 3.0 * -(x * x),
    "exponentials": lambda x, w, step: np.exp(-x) + np.expm1(x) + np.log1p(np.abs(x)) + np.exp2(x),
    "logarithms": lambda x, w, step: np.log2(1 + x * x) + np.log10(2 + x * x),
    "trigonometry": lambda x, w, step: np.sin(x) + np.cos(x) * np.tan(x / 4) + np.arctan(x),
    "hyperbolic": lambda x, w, step: np.sinh(x) - np.cosh(x) + np.arcsinh(x) + np.tanh(x),
    "choices": lambda x, w, step: np.where(x > 0, x, -x) + np.where((x > -1) & (x < 1), 1.0, 0.0) + np.where(np.logical_not(x >= 0), 2, 3),
    "true counts as one": lambda x, w, step: (x > 0) * x + (x < 0.5).astype(float) - np.logical_or(x > 1, x < -1),
    "sums and products of conditions": lambda x, w, step: ((x > -1) + (x < 1)) * 2.0 - ((x > -1) * (x < 1)) * x,
    "whole numbers as conditions": lambda x, w, step: step("whole", np.floor(x * 2).astype(int)).astype(bool) * x,
    "rounding": lambda x, w, step: np.floor(x * 3) + np.ceil(x * 3) + np.trunc(x * 3) + np.rint(x * 3),
    "rounding to even": lambda x, w, step: np.mod(x, 0.7) + np.round(np.floor(x * 4) / 2),
    "cutting": lambda x, w, step: np.clip(x, -0.5, 0.5) + np.minimum(x, 0.2) * np.maximum(x, -0.2) + np.sign(x),
    "constant arrays": lambda x, w, step: x * np.arange(4.0) + np.linspace(-1, 1, 12).reshape(3, 4),
    "known choice": lambda x, w, step: np.where(np.array([True, False, True, False]), x, np.exp(x)),
    "tiny and huge literals": lambda x, w, step: x * 1e-9 + x / 1e9 + 1.5e-7,
}  # fmt: skip
MOVING = {
    "slices and flips": lambda x, w, step: np.flip(x[:, 1:], 1) + x[:, :3] - np.roll(x, 1, axis=1)[:, ::-1][:, 1:],
    "padding": lambda x, w, step: np.pad(x, ((0, 0), (1, 2))) + np.pad(x, ((0, 0), (2, 1)), constant_values=3.0),
    "mirrored padding": lambda x, w, step: np.pad(x, ((0, 0), (2, 2)), mode="reflect") * 2,
    "padding, its kind in third place": lambda x, w, step: np.pad(x, ((0, 0), (2, 2)), "edge") - np.pad(x, ((0, 0), (2, 2)), "constant"),
    "parts put together": lambda x, w, step: np.concatenate([np.split(x, 2, axis=1)[1], x[:, :1], np.exp(x[:, :2])], axis=1),
    "triangles": lambda x, w, step: np.triu(x) * 2 - np.tril(x, -1) * x,
    "an expression turned": lambda x, w, step: np.transpose(np.exp(x)).reshape(2, 6)[:, ::2],
    **({"unstacked": lambda x, w, step: np.unstack(np.exp(x), axis=1)[2] * 2} if hasattr(np, "unstack") else {}),
    "stacked and repeated": lambda x, w, step: np.repeat(np.stack([x, -x], axis=1), 2, axis=2).reshape(3, 16),
}
GATHERING = {
    "sums": lambda x, w, step: (
        np.sum(x, axis=1, keepdims=True)
        + np.mean(x, axis=1, keepdims=True) * np.max(x, axis=0)
        - np.min(x)
        + np.prod(x, axis=1, keepdims=True)
    ),
    "sum of an expression": lambda x, w, step: np.sum(np.exp(x) * x, axis=1) + np.var(x, axis=1) + np.std(x, axis=1),
    "running sums": lambda x, w, step: np.cumsum(x, 1) + np.cumsum(x, axis=0) * np.cumsum(x)[:4],
    "order": lambda x, w, step: np.sort(x, axis=1) + np.argmax(x, axis=1)[:, None] * 10 - np.argmin(x, axis=-1)[:, None],
    "conditions over an axis": lambda x, w, step: np.any(x > 1, axis=1) + 2.0 * np.all(x > -1, axis=1),
    "lookup": lambda x, w, step: np.take(w["kernel"], np.clip(np.floor(np.abs(x)), 0, 3).astype(int), axis=0),
}
PRODUCTS = {
    "matrix": lambda x, w, step: x @ w["kernel"],
    "matrix of an expression": lambda x, w, step: np.exp(x) @ (w["kernel"] * 2) + 1,
    "with itself": lambda x, w, step: x @ x.T @ x,
    "batch": lambda x, w, step: np.matmul(x.reshape(3, 2, 2), np.swapaxes(x.reshape(3, 2, 2), 1, 2)),
    "einsum": lambda x, w, step: np.einsum("...a,ab->b...", x, w["kernel"]) + np.einsum("na,na->n", x, x),
    "tensordot": lambda x, w, step: np.tensordot(x, w["kernel"], axes=([1], [0])),
    "with known numbers": lambda x, w, step: (
        x @ np.linspace(0, 1, 8).reshape(4, 2) + np.pad(x, ((0, 0), (1, 0)), constant_values=1.0) @ np.ones((5, 2))
    ),
    "one column": lambda x, w, step: x[:, :1] @ w["kernel"][:1],
    "vector": lambda x, w, step: np.dot(x, w["kernel"][:, 0]),
    "one term, squared": lambda x, w, step: 2 / np.square(x[:, :1] @ w["kernel"][:1]),
    "outer": lambda x, w, step: np.outer(x[0], w["kernel"][:, 1]),
    "an axis of one operand is summed": lambda x, w, step: np.einsum("ab,bc->c", x, w["kernel"]) - np.einsum("ab,bc->a", x, w["kernel"]),
}


@pytest.mark.parametrize(
    "function", [pytest.param(f, id=name) for table in (ELEMENTWISE, MOVING, GATHERING, PRODUCTS) for name, f in table.items()]
)
def test_the_sheet_computes_what_numpy_computes(function, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """And no formula uses what some spreadsheet lacks."""
    written(function, tmp_path / "book.xlsx", X, kernel=KERNEL)
    report = check_workbook(tmp_path / "book.xlsx", engine="ironcalc")
    assert report.ok, str(report)
    formulas = [formula for formulas in read_book(tmp_path / "book.xlsx").formulas.values() for formula in formulas.values()]
    assert formulas and not [formula for formula in formulas if any(word in formula for word in LACKING)]


@pytest.mark.parametrize(
    "image", [IMAGE, IMAGE[..., :1], np.repeat(IMAGE, 8, axis=3)], ids=["planes", "one plane", "channels side by side"]
)
@pytest.mark.parametrize("function", [window_product, windows_max], ids=["convolution", "pooling"])
def test_windows_whatever_the_layout(function, image: np.ndarray, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    kernel = RNG.normal(size=(3, 3, image.shape[3], 2))
    if function is window_product:
        function = lambda x, w, step: window_product_of(x, w)
    written(function, tmp_path / "book.xlsx", image, kernel=kernel)
    report = check_workbook(tmp_path / "book.xlsx", engine="ironcalc")
    assert report.ok, str(report)


def window_product_of(x, w):  # type: ignore[no-untyped-def]
    channels = w["kernel"].shape[2]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.transpose(sliding_window_view(padded, (3, 3), axis=(1, 2)), (0, 1, 2, 4, 5, 3)).reshape(30, 9 * channels)
    return (windows @ w["kernel"].reshape(9 * channels, 2)).reshape(1, 6, 5, 2)


def test_few_products_are_written_out_and_drag(tmp_path: Path) -> None:
    written(lambda x, w, step: step("z", x @ w["kernel"]), tmp_path / "book.xlsx", X[:2, :2], kernel=KERNEL[:2, :2])
    first, second, third, _ = formulas_of(tmp_path / "book.xlsx")
    (sample, kernel), *_ = re.findall(r"\$B(\d+)\*([A-Z])\$\d+", first)
    assert re.fullmatch(rf"=\$B{sample}\*{kernel}\$\d+\+\$C{sample}\*{kernel}\$\d+", first)
    assert second == first.replace(f"{kernel}$", f"{chr(ord(kernel) + 1)}$")  # the next unit: the kernel's next column
    assert third == first.replace(f"B{sample}", f"B{int(sample) + 1}").replace(f"C{sample}", f"C{int(sample) + 1}")  # the next sample


def test_long_products_are_one_call(tmp_path: Path) -> None:
    wide, kernel = RNG.normal(size=(2, 20)), RNG.normal(size=(20, 3))
    written(lambda x, w, step: step("z", x @ w["kernel"]), tmp_path / "book.xlsx", wide, kernel=kernel)
    for formula in formulas_of(tmp_path / "book.xlsx"):
        assert formula.startswith("=SUMPRODUCT(MMULT($B") and formula.count("SUMPRODUCT") == 1


SCATTERED = {  # operands whose cells do not lie as those of the other one
    "every second cell of a row, and a whole row": lambda x, w, step: x[:, ::2] @ w["kernel"][:, :300].T,
    "a column and a row": lambda x, w, step: w["column"].T @ x[:, :20].T,
    "a sum of more cells than a call takes": lambda x, w, step: np.sum(x[:, ::2], axis=1) + np.mean(x[:, ::2], axis=1),
    "their extremes": lambda x, w, step: np.max(x[:, ::2], axis=1) - np.min(x[:, 1::2], axis=1),
}


@pytest.mark.parametrize("name", SCATTERED)
def test_cells_that_lie_apart(name: str, tmp_path: Path) -> None:
    weights = {"kernel": RNG.normal(size=(2, 300))} if "whole" in name else {"column": RNG.normal(size=(20, 3))}
    written(SCATTERED[name], tmp_path / "book.xlsx", RNG.normal(size=(2, 600)), **weights)
    report = check_workbook(tmp_path / "book.xlsx", engine="ironcalc")
    assert report.ok, str(report)


def test_more_than_255_arguments_are_nested(tmp_path: Path) -> None:
    scattered = RNG.normal(size=(1, 1100))
    written(
        lambda x, w, step: np.sum(x[:, ::2], axis=1) + np.mean(x[:, ::3], axis=1) + np.max(x[:, ::3], axis=1),
        tmp_path / "book.xlsx",
        scattered,
    )
    assert check_workbook(tmp_path / "book.xlsx", engine="ironcalc").ok


@pytest.mark.slow
def test_a_product_of_scattered_cells_is_cut_into_partial_products(tmp_path: Path) -> None:
    scattered, kernel = RNG.normal(size=(1, 3000)), RNG.normal(size=(4500, 2))
    written(lambda x, w, step: np.exp(0.01 * (x[:, ::2] @ w["kernel"][::3])), tmp_path / "book.xlsx", scattered, kernel=kernel)
    assert check_workbook(tmp_path / "book.xlsx", engine="ironcalc").ok
    assert max(map(len, formulas_of(tmp_path / "book.xlsx"))) < 8192


def test_what_does_not_fit_a_sheet_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(WorkbookTooLarge, match=r"--layers A\.\.B"):
        written(
            lambda x, w, step: step("z", x[0, :, None, None] * x[0, None, :, None] + x[0, None, None, :]),
            tmp_path / "book.xlsx",
            np.zeros((1, 345)),
        )
    assert not list(tmp_path.iterdir())


def test_one_sample_alone_is_refused_where_samples_are_mixed(tmp_path: Path) -> None:
    mixing = lambda x, w, step: x - np.mean(x, axis=0)
    with pytest.raises(NoFormula, match="across the samples"):
        written(mixing, tmp_path / "book.xlsx", X[:1])
    written(mixing, tmp_path / "book.xlsx", X)
    assert check_workbook(tmp_path / "book.xlsx", engine="ironcalc").ok


def test_a_program_with_a_coarse_erf_is_no_alarm(tmp_path: Path) -> None:
    written(lambda x, w, step: activations.erf(x), tmp_path / "book.xlsx", np.linspace(-3.0, 3.0, 40).reshape(10, 4))
    report = check_workbook(tmp_path / "book.xlsx", engine="ironcalc")
    assert report.ok and max(row.worst_relative for row in report.rows) > 1e-12
    assert "its ERF is not exact to the last digits, so differences up to 1e-09 are allowed" in report.notes[0]


def test_a_long_expression_is_cut_into_steps(tmp_path: Path) -> None:
    written(lambda x, w, step: sum(np.sin(x * i) for i in range(1, 400)), tmp_path / "book.xlsx", X)
    assert check_workbook(tmp_path / "book.xlsx", engine="ironcalc").ok
    assert max(map(len, formulas_of(tmp_path / "book.xlsx"))) < 2000


TEXTS = np.array([["a", "A", "b"], ["b", "c", "a"]])


@pytest.mark.parametrize("compare", [np.equal, np.not_equal])
@pytest.mark.parametrize("choose", [lambda same: same, lambda same: np.where(same, 2.0, 3.0)], ids=["one or nothing", "a choice"])
def test_texts_are_the_same_to_the_letter(choose, compare, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    words = lambda x, w, step: choose(compare(x[:, :, None], step("words", np.array(["a", "b"]))))
    written(words, tmp_path / "book.xlsx", TEXTS)
    assert check_workbook(tmp_path / "book.xlsx", engine="ironcalc").ok


def test_conditions_are_written_as_conditions(tmp_path: Path) -> None:
    written(lambda x, w, step: np.where((x > 0) & (x < 1), x, 2.0), tmp_path / "book.xlsx", X)
    assert re.fullmatch(r"=IF\(AND\((B\d+)>0,\1<1\),\1,2\)", formulas_of(tmp_path / "book.xlsx")[0])
    written(lambda x, w, step: np.where(x == 0, x, 2.0), tmp_path / "numbers.xlsx", X)
    assert re.fullmatch(r"=IF\((B\d+)=0,\1,2\)", formulas_of(tmp_path / "numbers.xlsx")[0])


WITHOUT = {
    "arctan2": lambda x, w, step: np.arctan2(x, 2.0),
    "matmul": lambda x, w, step: (x > 0) @ (w["kernel"] > 0),
    "numbers beyond 2": lambda x, w, step: np.sin(x * 1e17),
    "all but even": lambda x, w, step: np.mod(np.abs(x) * 0.0 + 1.0, 0.1),
    "einsum of other than two arrays": lambda x, w, step: np.einsum("ab,bc,bc->ac", x, w["kernel"], w["kernel"]),
    "left an operand without cells": lambda x, w, step: x.astype("float32") @ w["kernel"],
    "right an operand without cells": lambda x, w, step: x @ w["kernel"].astype("float32"),
    "reduced an operand without cells": lambda x, w, step: np.sum(x.astype("float32"), axis=1),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_what_has_no_formula_is_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(NoFormula, match=re.sub("^(left|right|reduced) ", "", name)):
        written(WITHOUT[name], tmp_path / "book.xlsx", X, kernel=KERNEL)
    assert not list(tmp_path.iterdir())


# Sines only of small numbers: of huge ones they amplify the last digit.
UNARY = (
    "np.exp({0})", "np.tanh({0})", "np.abs({0})", "-({0})", "np.square({0})", "np.sin(np.tanh({0}))", "np.sign({0})", "np.floor({0})",
    "({0} * 0.5)", "(1.0 - {0})", "{0}[:, ::-1]", "np.roll({0}, 1, 1)",
)  # fmt: skip
BINARY = (
    "({0} + {1})", "({0} - {1})", "({0} * {1})", "np.maximum({0}, {1})", "np.minimum({0}, {1})", "({0} / (np.abs({1}) + 1.0))",
    "np.where({0} > {1}, {0}, {1})", "(({0} @ ({1}).T) @ {1})",
)  # fmt: skip


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    """A random function of an array ``x``, made of the calls above."""
    if depth == 0:
        return "x"
    if draw(st.booleans()):
        return draw(st.sampled_from(UNARY)).format(draw(expressions(depth - 1)))
    return draw(st.sampled_from(BINARY)).format(draw(expressions(depth - 1)), draw(expressions(depth - 1)))


@pytest.mark.slow
@settings(max_examples=100 if EVERYTHING else 25, deadline=None)
@given(made=expressions(4), seed=st.integers(0, 99))
def test_any_expression_computes_alike(made: str, seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    function = eval(f"lambda x: {made}", {"np": np})
    x = np.random.default_rng(seed).normal(size=(2, 3)).round(2)
    book = tmp_path_factory.mktemp("any") / "book.xlsx"
    with np.errstate(all="ignore"):
        if not np.isfinite(function(x)).all() or np.abs(function(x)).max() > 1e100:
            return
    written(lambda a, w, step: function(a), book, x)
    report = check_workbook(book, engine="ironcalc", tolerance=1e-9)
    assert report.ok, str(report)
