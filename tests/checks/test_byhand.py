"""Calculations by hand: right ones are confirmed, and every known mistake is named, whoever makes it.

The mistakes are made by ``tests/checks/by_hand.py``, plain loops that share nothing with the code that explains them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.cases import CASES, TURN, Case, turn
from tests.checks.by_hand import OR, RIGHT, TRUTH_TABLE, Slip, Steps, calculate, rows, slips, table
from tests.conftest import INPUTS, SAMPLES, Built, sample_input
from weightlens.checks.by_hand.compare import SMALL
from weightlens.checks.by_hand.hand_report import HandReport
from weightlens.errors import BadInput
from weightlens.model import Model

AS_GOOD = {"bias misread": {"weight misread", "bias of another unit", "no bias"}}  # other words for the same slip
EVERY = 16  # of the mistakes in models with many inputs, one in so many, others tomorrow; then with another number of digits


def by_size(path: Path) -> object:
    """A sample model; the quick run takes one."""
    return pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path != OR))


@pytest.mark.parametrize("path", [by_size(path) for path in INPUTS])
@pytest.mark.parametrize("write", [rows, pytest.param(table, marks=pytest.mark.slow)])
def test_every_known_mistake_is_named_first(path: Path, write: Callable[[Steps, int], str], checked: Callable[..., HandReport]) -> None:
    """In at least 95 % of the cases that the digits can tell apart; and what is right is never explained away."""
    model, x = weightlens.load(path), sample_input(path).astype(float)
    x = x[:3] if x[0].size > 3 else x
    x = x if len(x) > 1 else np.concatenate([x, 10 * x[:, ::-1]])  # one sample cannot tell a misread bias from inputs on another scale
    right = calculate(model, x)
    np.testing.assert_allclose(right[list(right)[-1]], model.predict(x)[0], atol=1e-9)
    missed, cases = [], 0
    for digits in (3,) if x[0].size > 3 and write is table else turn((2, 3, 4), 3, len(model.layers) + TURN // EVERY):
        confirmed = checked(model, x, write(right, digits))
        assert confirmed.ok and confirmed.notes == []
        texts = [(slip, write(calculate(model, x, slip), digits)) for slip in slips(model, x)]
        for slip, text in texts if x[0].size <= 3 else turn(texts, EVERY):
            same = {other.kind for other, t in texts if t == text} | ({RIGHT.kind} if text == write(right, digits) else set())
            if same != {slip.kind}:
                continue
            report = checked(model, x, text)
            found = report.explanations[0].kind if report.explanations else "nothing"
            if found == "nothing" and "misread" in slip.kind:
                clear = [write(steps, digits - 1) for steps in (calculate(model, x, slip), right)]
                if lines_that_differ(*clear) < 3:  # one number of a softmax shows it clearly, or two: any weight could have been misread so
                    continue
            cases += 1
            if report.ok or found not in {slip.kind, *AS_GOOD.get(slip.kind, ())}:
                missed.append(f"{digits} digits, {slip}: {found}")
    assert len(missed) <= max(1, 0.05 * cases), f"{len(missed)} of {cases}: {missed}"


def lines_that_differ(text: str, other: str) -> int:
    return sum(one != two for one, two in zip(text.splitlines(), other.splitlines(), strict=True))


def first_explanation(report: HandReport) -> tuple[str, str]:
    assert not report.ok
    assert report.explanations, report.summary
    return report.explanations[0].kind, report.explanations[0].words


def last_layer(steps: Steps, digits: int) -> str:
    """Only what follows the first layer: a mistake before it shows in all of these numbers."""
    first = next(iter(steps))[0]
    return table({key: array for key, array in steps.items() if key[0] != first}, digits)


@pytest.mark.parametrize("name", ["or", "and", "xor_relu", "xor_sigmoid"])
def test_mistakes_before_the_numbers_that_are_given(name: str, checked: Callable[..., HandReport]) -> None:
    """In the first layer, with the steps of the last one only: also e^x of which the maximum was not subtracted."""
    path = SAMPLES / f"{name}.h5"
    model = weightlens.load(path)
    hidden = model.layers[1].name
    right = last_layer(calculate(model, sample_input(path).astype(float)), 4)
    for slip in slips(model, sample_input(path).astype(float)):
        text = last_layer(calculate(model, sample_input(path).astype(float), slip), 4)
        if slip.layer in ("", hidden) and text != right and slip.kind in ("no bias", "bias of another unit", "kernel transposed"):
            assert first_explanation(checked(model, sample_input(path), text))[0] == slip.kind, slip


def test_a_bias_that_wakes_a_dead_unit(checked: Callable[..., HandReport]) -> None:
    """Where a ReLU is 0, its bias has no slope to follow."""
    model = weightlens.load(SAMPLES / "xor_relu.h5")
    hidden = model["hidden"]
    z = TRUTH_TABLE @ hidden.kernel + hidden.bias
    unit = int((z < 0).sum(0).argmax())
    right = np.maximum(z, 0)
    wrong = np.maximum(z + np.eye(16)[unit] * (0.3 - z[:, unit].max()), 0)
    text = table({("hidden", "activation"): np.where(right[:, unit : unit + 1] > 0, right, wrong)}, 4)
    kind, words = first_explanation(checked(model, TRUTH_TABLE, text))
    assert kind == "weight misread"
    assert f"hidden/bias [{unit}]" in words


def test_mistakes_in_some_samples_only(checked: Callable[..., HandReport]) -> None:
    """One row without the bias is named as that; two rows that one misread weight explains are not."""
    model = weightlens.load(SAMPLES / "and.h5")
    dense = model["dense"]
    z = TRUTH_TABLE @ dense.kernel + dense.bias
    once = z.copy()
    once[1] -= dense.bias
    kind, words = first_explanation(checked(model, TRUTH_TABLE, table({("dense", "pre-activation"): once}, 3)))
    assert kind == "no bias"
    assert words.endswith("in sample 1 only")
    kernel = dense.kernel.astype(float)
    kernel[0, 1] *= 10
    z = TRUTH_TABLE @ kernel + dense.bias
    report = checked(model, TRUTH_TABLE, rows({("softmax", "activation"): np.exp(z) / np.exp(z).sum(1, keepdims=True)}, 4))
    assert first_explanation(report)[0] == "weight misread"


def test_rows_in_reverse_and_rounding_of_larger_numbers(checked: Callable[..., HandReport]) -> None:
    model = weightlens.load(OR)
    reverse = rows(calculate(model, TRUTH_TABLE[::-1]), 4)
    assert first_explanation(checked(model, TRUTH_TABLE, reverse))[0] == "another sample"
    x = np.array([[0.2, 0.3], [0.1, 0.4], [0.5, 0.0], [0.35, 0.05], [0.3, 0.1]])
    e = np.round(np.exp(np.round(np.round(x @ model["dense"].kernel, 2) + model["dense"].bias, 2)), 2)
    text = "\n".join(",".join(f"{p:.4f}" for p in row) for row in np.round(e / e.sum(1, keepdims=True), 2))
    kind, words = first_explanation(checked(model, x, text))
    assert (kind, words.partition(" were ")[2]) == ("rounding", "rounded to 2 decimals")
    model = weightlens.load(SAMPLES / "xor_relu.h5")
    hidden = np.round(np.maximum(x @ model["hidden"].kernel + model["hidden"].bias, 0), 1)
    text = table({("xor", "pre-activation"): hidden @ model["xor"].kernel + model["xor"].bias}, 4)
    assert first_explanation(checked(model, x, text)) == ("rounding", "the results of the layers were rounded to 1 decimal")


def tutorial(bias: np.ndarray | None = None) -> str:
    """The calculation of the tutorial: dot products, biases, e^x without subtracting the maximum, sums, probabilities to two digits."""
    dense = weightlens.load(OR)["dense"]
    lines = ["layer,step,sample,unit,value"]
    for sample, x in enumerate(TRUTH_TABLE, 1):
        z = x @ dense.kernel + (dense.bias if bias is None else bias)
        e = np.exp(np.round(z, 4))
        steps = (("pre-activation", z, 4), ("e^x", e, 4), ("sum", [e.sum()], 4), ("softmax", e / e.sum(), 2))
        for name, numbers, digits in steps:
            layer = "dense" if name == "pre-activation" else "softmax"
            lines += [f"{layer},{name},{sample},{unit},{value:.{digits}f}" for unit, value in enumerate(numbers)]
    return "\n".join(lines)


def test_the_tutorial_is_confirmed(checked: Callable[..., HandReport]) -> None:
    report = checked(weightlens.load(OR), TRUTH_TABLE, tutorial())
    assert report.ok, report.summary
    steps = ["pre-activation", "exponentials", "sum", "activation"]
    assert [row.step for row in report.rows] == [row["step"] for row in report.as_dict()["rows"]] == steps


def test_one_wrong_bias_in_the_tutorial_is_found(checked: Callable[..., HandReport]) -> None:
    model = weightlens.load(OR)
    bias = model["dense"].bias.astype(float)
    bias[1] += 0.5
    report = checked(model, TRUTH_TABLE, tutorial(bias))
    assert not report.ok
    assert report.first.startswith("the first step that differs is dense/pre-activation, sample")
    first = report.explanations[0]
    assert first.kind == "weight misread"
    assert "dense/bias [1]" in first.words
    assert float(first.words.split("about ")[1].split()[0]) == pytest.approx(bias[1], abs=1e-3)


def test_rounding_on_the_way_is_no_mistake(checked: Callable[..., HandReport]) -> None:
    """Steps computed from rounded earlier steps are right; an answer from rounded weights is told from a wrong one."""
    model = weightlens.load(OR)
    kernel, bias = (np.round(w.astype(float), 2) for w in (model["dense"].kernel, model["dense"].bias))
    z = np.round(TRUTH_TABLE @ model["dense"].kernel + model["dense"].bias, 1)
    e = np.exp(z)
    lines = ["layer,step,unit,value"]
    lines += [f"dense,pre-activation,{u},{v:.1f}" for row in z for u, v in enumerate(row)]
    lines += [f"softmax,softmax,{u},{v:.4f}" for row in e / e.sum(1, keepdims=True) for u, v in enumerate(row)]
    report = checked(model, TRUTH_TABLE, "\n".join(lines))
    assert report.ok
    assert "rounded" in report.notes[0]
    z = TRUTH_TABLE @ kernel + bias
    e = np.exp(z)
    report = checked(model, TRUTH_TABLE, "\n".join(",".join(f"{v:.6f}" for v in row) for row in e / e.sum(1, keepdims=True)))
    assert not report.ok
    assert (report.explanations[0].kind, report.explanations[0].harmless) == ("rounding", True)


def test_numbers_of_a_step_that_is_not_there(checked: Callable[..., HandReport]) -> None:
    """Refused where the others are right; where they are wrong the first three are told besides."""
    model = weightlens.load(OR)
    lines = tutorial().splitlines()
    odd = [f"dense,step {letter},1,0,0.5" for letter in "abcde"]
    with pytest.raises(BadInput, match="step a"):
        checked(model, TRUTH_TABLE, "\n".join([*lines, *odd]))
    wrong = lines[1].rpartition(",")[0] + ",77.0"
    report = checked(model, TRUTH_TABLE, "\n".join([lines[0], wrong, *lines[2:], *odd]))
    assert not report.ok
    assert [note for note in report.notes if "'step" in note or "step " in note] == report.notes[-3:]
    assert "step c" in report.notes[-1]


PEN = "layer,step,sample,unit,value\nhidden,pre-activation,0,0,0.3775\nhidden,pre-activation,0,1,{}\n"


@pytest.mark.parametrize(("written", "words"), [
    ("-0.3925", "was written with the wrong sign"), ("3.9250", "was written with the point in the wrong place"),
    ("0.3295", "was written with two digits exchanged"), ("0.3775", "is the number of unit 0"), ("0.7168", ""),
])  # fmt: skip
def test_slips_of_the_pen(written: str, words: str, checked: Callable[..., HandReport]) -> None:
    """One number of several is wrong: what happened to it is said, or nothing."""
    report = checked(weightlens.load(SAMPLES / "mazur.h5"), np.array([[0.05, 0.1]]), PEN.format(written))
    found = [(e.kind, e.words) for e in report.explanations if e.kind == "slip of the pen"]
    assert found == ([("slip of the pen", f"hidden/pre-activation, sample 0, unit 1 {words}")] if words else [])
    assert bool(report.explanations) == bool(words)


def test_a_product_left_out_and_an_activation_applied_twice(checked: Callable[..., HandReport]) -> None:
    """And what was rounded to tenths is no other function, though it leads to the same 0 and 1."""
    model, x = weightlens.load(SAMPLES / "mazur.h5"), np.array([[0.05, 0.1]])
    z = x @ model["hidden"].kernel + model["hidden"].bias
    twice = 1 / (1 + np.exp(-1 / (1 + np.exp(-z))))
    assert first_explanation(checked(model, x, table({("hidden", "activation"): twice}, 4)))[1] == "sigmoid was applied twice in hidden"
    one = x[:, 1:] @ model["hidden"].kernel[1:]
    kind, words = first_explanation(checked(model, x, table({("hidden", "dot product"): one}, 4)))
    assert (kind, words) == ("product left out", "the products of input 0 were left out in hidden")
    model = weightlens.load(SAMPLES / "xor_relu.h5")
    rounded = np.round(model.predict(TRUTH_TABLE)[0], 1)
    assert first_explanation(checked(model, TRUTH_TABLE, rows({("xor", "activation"): rounded}, 3)))[0] == "rounding"


def test_numbers_that_differ_late_are_told_apart(checked: Callable[..., HandReport]) -> None:
    report = checked(weightlens.load(OR), TRUTH_TABLE, "layer,step,sample,unit,value\ndense,pre-activation,0,0,2.17478")
    assert report.explanations[0].words == "dense/bias [0] was read as 2.17478, with two digits exchanged, instead of 2.17487"
    assert "not" not in report.explanations[0].correction


def test_a_number_that_anything_may_lead_to_explains_nothing(checked: Callable[..., HandReport]) -> None:
    """1 out of a sigmoid: whatever is large gives it; 1,000 times the input as well."""
    text = "layer,step,sample,unit,value\nhidden,activation,0,0,1\nhidden,activation,0,1,0.5969\n"
    assert not checked(weightlens.load(SAMPLES / "mazur.h5"), np.array([[0.05, 0.1]]), text).explanations


SOFTMAX = np.array([[0.2, -0.4, 0.9], [-0.7, 0.3, 0.1]])  # the kernel of a network with two inputs and three outputs


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, keras: Any) -> Model:
    """A Dense layer with a softmax over three units."""
    path = tmp_path_factory.mktemp("three") / "three.keras"
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, activation="softmax", name="d")])
    model.layers[0].set_weights([SOFTMAX, np.array([0.1, 0.2, -0.3])])
    model.save(path)
    return weightlens.load(path)


def test_digits_that_were_compared_are_said(three: Model, checked: Callable[..., HandReport]) -> None:
    """Whole numbers for probabilities say nothing, and are not right; 0.00 was compared to two digits."""
    x = np.array([[1, 0.5], [0, 2]])
    right = three.predict(x)[0]
    report = checked(three, x, "\n".join(",".join(f"{v:.3f}" for v in row) for row in right))
    assert (report.ok, report.as_dict()["digits"]) == (True, 3)
    assert "right to 3 decimals, all 6 numbers" in report.summary
    report = checked(three, x, "\n".join(",".join(str(int(v == row.max())) for v in row) for row in right))
    assert (report.ok, report.first, report.as_dict()["digits"]) == (False, "", 0)
    assert "no digits were compared in d/activation" in report.summary
    assert report.as_dict()["rows"][0]["verdict"] == "NO DIGITS"
    assert checked(weightlens.load(OR), TRUTH_TABLE, "layer,step,sample,unit,value\nsoftmax,softmax,3,0,0.00").ok
    whole = checked(three, x * 100, "layer,step,sample,unit,value\nd,dot product,0,0,-15\nd,dot product,1,1,60")
    assert "right to 2 digits" in whole.summary


def test_a_whole_number_that_was_learned_is_right(checked: Callable[..., HandReport]) -> None:
    """The neuron answers 3.999999 to 3: who writes 4 has calculated it, and is right; 4 for 4.2 is too coarse to tell."""
    neuron = weightlens.load(SAMPLES / "relu_neuron.h5")
    report = checked(neuron, np.array([[3.0]]), "4")
    assert report.ok and report.summary == "mine.csv: right to 1 digit, 1 number in 1 step"
    coarse = checked(neuron, np.array([[3.1]]), "4")
    assert not coarse.ok and "no digits were compared" in coarse.summary
    by_steps = "layer,step,sample,unit,value\nneuron,dot product,0,0,{}\nneuron,activation,0,0,4"  # 6.00001 and 3.99999 for 3
    assert checked(neuron, np.array([[2.998]]), by_steps.format("6")).summary.endswith("(6 for 5.996)")
    assert checked(neuron, np.array([[2.998]]), by_steps.format("6.00")).ok  # two decimals: the zeros of 4.00 are not written
    assert not checked(neuron, np.array([[2.998]]), by_steps.format("5.996")).ok


def test_one_coarse_number_is_not_explained_by_a_mistake_in_one_sample(checked: Callable[..., HandReport]) -> None:
    x = np.array([[-2.0], [-1], [0], [1], [2], [3], [4]])
    report = checked(weightlens.load(SAMPLES / "relu_neuron.h5"), x, "\n".join("0001246"))
    assert not report.ok and not report.explanations and "7.749e-06" in report.worked
    assert report.summary.endswith("None of the known mistakes gives these numbers.")


@pytest.mark.parametrize("digits", [2, 4])
def test_a_table_turned_round_is_recognised(three: Model, digits: int, checked: Callable[..., HandReport]) -> None:
    for x in (np.array([[1, 0.5], [0, 2]]), np.array([[1, 0.5], [0, 2], [-1, 1]])):
        right = np.round(three.predict(x)[0], digits)
        for numbers, fine in ((right.T, True), (right.T[:, ::-1], False)):
            report = checked(three, x, "\n".join(",".join(f"{v:.{digits}f}" for v in row) for row in numbers))
            assert report.ok == fine
            assert not fine or "transposed" in report.summary
    with pytest.raises(BadInput, match="a row has 4 numbers, but the network has 3 outputs"):
        checked(three, x, "0.1,0.2,0.3,0.4")


def test_outputs_as_pictures_are_recognised(tmp_path: Path, checked: Callable[..., HandReport], keras: Any) -> None:
    """A row of the table is a row of the picture, one picture under the other; also on its side."""
    keras.Sequential([keras.Input((3, 4, 1)), keras.layers.Conv2D(1, 2, padding="same")]).save(tmp_path / "picture.keras")
    model, x = weightlens.load(tmp_path / "picture.keras"), np.random.default_rng(0).normal(size=(2, 3, 4, 1))
    pictures = model.predict(x)[0][..., 0]
    for numbers in (pictures.reshape(6, 4), pictures[0], np.concatenate(pictures, 0).T):
        report = checked(model, x, "\n".join(",".join(f"{v:.3f}" for v in row) for row in numbers))
        assert report.ok, report.summary
        assert "one below the other" in report.notes[0]
    assert checked(model, x, "\n".join(",".join(f"{v:.3f}" for v in row.ravel()) for row in pictures)).notes == []
    assert not checked(model, x, "\n".join(",".join(f"{v:.3f}" for v in row) for row in -pictures.reshape(6, 4))).ok


def test_one_number_does_not_confirm_any_misreading(checked: Callable[..., HandReport]) -> None:
    """A number that no known mistake leads to, given alone, could be reached through any weight: none is named, but a lost sign is."""
    model, x = weightlens.load(SAMPLES / "relu_neuron.h5"), None
    x = sample_input(SAMPLES / "relu_neuron.h5")[:1].astype(float)
    value = float(model.predict(x)[0].ravel()[0])
    report = checked(model, x, f"{value + 0.7193:.4f}")
    assert not report.ok
    assert not any("about" in e.words for e in report.explanations)


def small_case(name: str) -> bool:
    """Layers of every kind, a few of each."""
    return zlib.crc32(name.encode()) % 12 == 0


@pytest.mark.parametrize("case", [case for case in CASES if small_case(case.name)], ids=lambda case: case.name)
def test_layers_of_every_kind(case: Case, built: Callable[[Case], Built], checked: Callable[..., HandReport]) -> None:
    """A model's own predictions are right; those of the same file with a bias set to zero are explained by that."""
    made = built(case)
    model = weightlens.load(made.path)
    right = [np.asarray(y) for y in model.predict(made.inputs)]
    samples = len(right[0])
    numeric = all(a.dtype.kind in "biuf" for a in (*right, *made.inputs))
    if not numeric or any(len(y) != samples or not np.isfinite(y).all() for y in right):
        pytest.skip("not a row of numbers for each sample")

    def text(outputs: list[np.ndarray]) -> str:
        return "\n".join(",".join(f"{v:.4f}" for y in outputs for v in np.asarray(y, float)[i].ravel()) for i in range(samples))

    assert checked(model, made.inputs, text(right)).ok
    for name, weight in model.weights.items():
        if name.split("/")[-1] in ("bias", "beta"):
            other = weightlens.load(made.path)
            other.weights[name]._value = np.zeros_like(weight.value)
            wrong = other.predict(made.inputs)
            if not all(
                np.allclose(a, b, rtol=0, atol=max(1e-4, SMALL * np.abs(b).max())) for a, b in zip(wrong, right, strict=True)
            ):  # large numbers hide a small bias
                assert checked(model, made.inputs, text(wrong)).explanations[0].kind == "no bias", name


def test_the_correction_is_of_a_sample_that_is_wrong(checked: Callable[..., HandReport]) -> None:
    model = weightlens.load(OR)
    right, without = (calculate(model, TRUTH_TABLE, slip)[("softmax", "activation")] for slip in (RIGHT, Slip("no bias", "dense")))
    for sample in (0, 1, 2):  # sample 3 is as sure of its class without a bias
        numbers = right.copy()
        numbers[sample] = without[sample]
        explanation = checked(model, TRUTH_TABLE, "\n".join(",".join(f"{x:.6f}" for x in row) for row in numbers)).explanations[0]
        assert explanation.words == f"the bias of dense was left out, in sample {sample} only"
        assert explanation.correction.startswith(f"dense/pre-activation, sample {sample},")
