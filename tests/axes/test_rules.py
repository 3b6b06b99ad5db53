"""The rules of axes on networks that need no Keras: what a value's axes are called, layer by layer."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.test_forward import weight
from weightlens.axes.factors import Axis, Factor
from weightlens.axes.rules import Axes, regrouped
from weightlens.model import Call, Layer, Model, Ref
from weightlens.recording import Recorded, Trace
from weightlens.recording.graph import walk

IMAGE = np.random.default_rng(2).normal(size=(2, 4, 4, 2))


def layers() -> list[Layer]:
    """Filters in two groups, then layers for which they are channels."""
    entry = Layer("x", "InputLayer", {"batch_shape": [None, 4, 4, 2]}, calls=[Call(())])
    config = {"filters": 4, "kernel_size": [3, 3], "groups": 2, "use_bias": False, "activation": "linear"}
    kernel = weight("kernel", np.arange(36.0).reshape(3, 3, 1, 4))
    conv = Layer("conv", "Conv2D", config, {"kernel": kernel}, [Call((Ref("x"),))])
    relu = Layer("relu", "ReLU", {}, calls=[Call((Ref("conv"),))])
    norm = Layer("norm", "LayerNormalization", {"axis": [-1], "epsilon": 1e-3, "center": False, "scale": False}, {}, [Call((Ref("relu"),))])
    return [entry, conv, relu, norm]


@pytest.fixture(scope="module")
def run() -> Trace:
    return Model("network", "Functional", layers(), inputs=[Ref("x")], outputs=[Ref("norm")]).trace(IMAGE)


def test_filters_are_channels_for_the_layers_after(run: Trace) -> None:
    axes = {f"{step.layer}/{step.name}": step.axes for step in run}
    assert axes["conv/dot product"] == ("sample", "row", "column", "filter")
    assert axes["relu/activation"] == axes["norm/centered"] == axes["norm/normalized"] == ("sample", "row", "column", "channel")


def test_a_mean_has_the_axes_that_are_left(run: Trace) -> None:
    [mean] = [step for step in run if step.name == "mean"]
    assert mean.axes[:3] == ("sample", "row", "column") and mean.place((1, 0, 1, 0)) == "sample 1, row 0, column 1"


def test_a_weight_that_is_asked_for_first_knows_what_it_met(run: Trace) -> None:
    [kernel] = {id(x): x for step in run for x in walk([step.made]) if x.kind == "weight"}.values()
    assert [[factor.name for factor in axis] for axis in Axes(run).named(kernel).axes] == [
        ["kernel row"], ["kernel column"], ["channel"], ["filter"],
    ]  # fmt: skip


def test_windows_along_named_axes() -> None:
    x = Recorded(IMAGE, kind="input", name="x")
    trace = Trace(inputs=[x])
    for windows in (
        np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(1, 2)),  # type: ignore[call-overload]  # recorded
        np.lib.stride_tricks.sliding_window_view(x, (2, 2), (1, 2)),  # type: ignore[call-overload]  # recorded
    ):
        first, *rest = (axis[0].name for axis in Axes(trace).named(windows).axes if axis)
        assert [*rest][-2:] != [first] and windows.shape == (2, 3, 3, 2, 2, 2)
        named = [axis[0].name for axis in Axes(trace).named(windows).axes]
        assert named[4:] == [f"kernel {name}" for name in named[1:3]]


def test_a_kernel_learns_what_its_inputs_are_from_the_layer_before() -> None:
    kernel = weight("kernel", np.arange(8.0).reshape(4, 2))
    dense = Layer("dense", "Dense", {"units": 2, "use_bias": False, "activation": "linear"}, {"kernel": kernel}, [Call((Ref("norm"),))])
    longer = Model("network", "Functional", [*layers(), dense], inputs=[Ref("x")], outputs=[Ref("dense")]).trace(IMAGE)
    [found] = {id(x): x for step in longer for x in walk([step.made]) if x.kind == "weight" and x.layer == "dense"}.values()
    assert [[(factor.name, factor.guess) for factor in axis] for axis in Axes(longer).named(found).axes] == [
        [("channel", False)], [("unit", False)],
    ]  # fmt: skip


def test_calls_keep_what_is_known_and_guess_nothing() -> None:
    x = Recorded(IMAGE, kind="input", name="x")
    axes = Axes(Trace(inputs=[x]))

    def names(y: Recorded) -> list[str]:
        assert not any(factor.guess for axis in axes.named(y).axes for factor in axis)
        return [" x ".join(factor.name for factor in axis) for axis in axes.named(y).axes]

    kept, gone, turned = np.mean(x, axis=-1, keepdims=True), np.mean(x, axis=(1, 2)), x + np.swapaxes(x, 1, 2)
    padded = np.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)))
    padded.kind, padded.layer, padded.name = "step", "pad", "padded"
    assert names(kept) == ["sample", "row", "column", ""] and names(gone) == ["sample", "channel"]
    shifted = x + Recorded(np.zeros(2), kind="weight", name="bias")
    assert names(shifted) == ["sample", "row", "column", "channel"], "a bias has fewer axes"
    assert names(turned) == ["sample", "row", "column", "channel"], "the first operand names"
    assert names(padded) == ["sample", "row", "column", "channel"]
    assert axes.named(padded).axes[1][0].at.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("widths", [(1, 1), (1, 0), (0, 1)])
def test_the_places_of_a_step_are_told_apart(widths: tuple[int, int]) -> None:
    x = Recorded(IMAGE, kind="input", name="x")
    trace = Trace(inputs=[x])
    padded = trace.step("padded", np.pad(x, ((0, 0), widths, (0, 0), (0, 0))))
    repeated = trace.step("repeated", np.repeat(x, 2, axis=2))
    assert trace.axes.named(padded).axes[1][0].at.tolist() == list(range(4 + sum(widths)))
    assert trace.axes.named(repeated).axes[2][0].at.tolist() == list(range(8))


def test_groups_side_by_side_are_one_axis() -> None:
    def pair(outer: str, inner: str, cut_from: str = "") -> Axis:
        return Factor(outer, np.arange(6) // 3, cut_from=cut_from), Factor(inner, np.arange(6) % 3)

    for axis in (pair("channel group", "channel", "channel"), pair("channel group", "filter", "channel"), pair("row", "filter")):
        [whole] = regrouped(axis, 6)
        assert (whole.name, whole.at.tolist()) == (axis[-1].name, list(range(6)))
    for axis in (pair("gate", "filter"), pair("gate", "unit"), pair("row", "column"), (*pair("row", "column"), *pair("x", "filter")[1:])):
        assert regrouped(axis, 6) is axis


def states(n: int) -> tuple[Trace, Recorded]:
    """A recurrent layer by hand: its states at ``n`` time steps, and all of them stacked."""
    x, kernel = Recorded(np.zeros((2, n, 3)), kind="input", name="x"), Recorded(np.zeros((3, 3)), kind="weight", name="kernel")
    trace, state, made = Trace(inputs=[x], layer="rnn/cell"), np.zeros((2, 3)), []
    for t in range(n):
        state = trace.step("hidden state", np.tanh(x[:, t] @ kernel + state))
        made.append(state)
    trace.layer = "rnn"
    return trace, trace.step("output", np.stack(made, axis=1))


def test_time_steps_after_the_first_are_known_without_being_derived(monkeypatch: pytest.MonkeyPatch) -> None:
    derived, made = [], Axes.axes_of_result
    monkeypatch.setattr(Axes, "axes_of_result", lambda self, y, path: derived.append(y) or made(self, y, path))  # type: ignore[func-returns-value]  # None
    counts = []
    for n in (6, 30):
        trace, output = states(n)
        time = trace.axes.named(output).axes[1][0]
        assert (time.name, time.at.tolist(), time.guess) == ("time step", list(range(n)), False)
        counts.append(len(derived))
        derived.clear()
    assert counts[0] == counts[1]


def test_of_several_places_that_were_picked_the_first_operands_is_told() -> None:
    x = Recorded(np.zeros((2, 4, 3)), kind="input", name="x")
    axes = Axes(Trace(inputs=[x]))
    assert [axes.named(y).fixed["time step"].at.tolist() for y in (x[:, 3] + x[:, 1], x[:, 1] * x[:, 3])] == [[3], [1]]


def test_a_lookup_has_the_axes_of_its_places() -> None:
    ids, line = Recorded(np.zeros((2, 5), int), kind="input", name="ids"), Recorded(np.zeros(7), kind="weight", name="line")
    table = Recorded(np.zeros((7, 3)), kind="weight", name="table")
    axes, made = Axes(Trace(inputs=[ids])), [np.take(line, ids), np.take(table, ids, axis=0), np.take(table, ids, axis=-1)]
    found = [[[f.name for f in axis] for axis in axes.named(y).axes] for y in made]
    assert found == [[["sample"], ["feature"]], [["sample"], ["feature"], ["column"]], [["row"], ["sample"], ["feature"]]]


def test_what_no_rule_follows_is_guessed() -> None:
    trace = Trace()
    step = trace.step("line", np.convolve(Recorded(np.ones(5), kind="input", name="x"), np.ones(3)))
    [[factor]] = trace.axes.named(step).axes
    assert (factor.name, factor.guess, factor.at.tolist()) == ("sample", True, list(range(7)))
