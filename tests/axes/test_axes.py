"""The names of axes: counted over all layer cases, and held against what changes when numbers are changed."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import weightlens
from tests.axes.perturb import samples, weights
from tests.cases import CASES, Case
from tests.conftest import Built
from tests.marks import CHUNKS, chunk
from weightlens.axes import Named
from weightlens.axes.factors import PADDING
from weightlens.recording import Trace
from weightlens.recording.graph import walk

# Keras adds a bias with one long axis along another axis of the same length: its own name is not that of the axis.
MISPLACED = {"heads, as many as places, of size 1", "einsum dense, bias of heads"}
every_share = pytest.mark.parametrize("share", range(CHUNKS), ids="share {}".format)


def of_share(share: int) -> list[Case]:
    """The layer cases whose models are built in the same process."""
    return [case for case in CASES if chunk(case) == share]


Traced = Callable[[Case], tuple[weightlens.Model, list[np.ndarray], Trace]]


@pytest.fixture(scope="module")
def traced(built: Callable[[Case], Built]) -> Traced:
    """The model of a case, its inputs and their trace; every case once."""

    @functools.cache
    def trace(case: Case) -> tuple[weightlens.Model, list[np.ndarray], Trace]:
        model, inputs = built(case).model, [np.asarray(x) for x in case.inputs()]
        return model, inputs, model.trace(inputs)

    return trace


def values(run: Trace) -> Iterator[tuple[str, str, tuple[int, ...], Named]]:
    """Every step and weight with its axes."""
    for step in run.steps:
        yield "step", f"{step.layer}/{step.name}", step.value.shape, step.named
    for x in walk((step.made for step in run.steps), lambda x: True):
        if x.kind == "weight":
            yield "weight", f"{x.layer}/{x.name}", x.shape, run.axes.named(x)


@every_share
def test_nearly_all_axes_are_known(share: int, traced: Traced) -> None:
    count, guessed = Counter[tuple[str, bool]](), []
    for case in of_share(share):
        for kind, title, shape, named in values(traced(case)[2]):
            for axis, name, n in zip(named.axes, named.words, shape, strict=True):
                if axis or n > 1:
                    known = bool(axis) and not any(f.guess or f.name == PADDING for f in axis)
                    count[kind, known] += 1
                    guessed += [] if known else [f"{case.name}: {title} {shape}, {name}"]
    for kind in ("step", "weight"):
        part = count[kind, True] / (count[kind, True] + count[kind, False])
        assert part >= 0.975, "\n".join(guessed)


@every_share
def test_only_what_carries_a_coordinate_changes_with_it(share: int, traced: Traced) -> None:
    checked, wrong = 0, []
    for case in of_share(share):
        model, inputs, run = traced(case)
        for title, right in (*samples(model, inputs, run), *weights(model, inputs, run)):
            checked += 1
            wrong += [] if right else [(case.name, title)]
    misplaced = sorted(MISPLACED & {case.name for case in of_share(share)})
    assert sorted(name for name, _ in wrong) == misplaced, wrong
    assert checked > 6000 / CHUNKS / 2


SCORE = "sample 1, head 1, query token 2, key token 0"
NAMED = [
    ("heads", "query", ("sample", "token", "head", "key dim"), (1, 2, 1, 0), "sample 1, token 2, head 1, key dim 0"),
    ("heads", "scores", ("sample", "head", "query token", "key token"), (1, 1, 2, 0), SCORE),
    ("heads", "output", ("sample", "token", "feature"), (1, 2, 1), "sample 1, token 2, feature 1"),
    ("conv2d", "pre-activation", ("sample", "row", "column", "filter"), (1, 1, 1, 0), "sample 1, row 1, column 1, filter 0"),
    ("looked-up words, none unknown, marks", "output", ("sample", "position"), (1, 2), "sample 1, position 2"),  # place 0 is no word of it
    ("lstm", "pre-activations", ("sample", "gate x unit"), (1, 2), "sample 1, input gate, unit 2"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "name", "axes", "index", "place"), NAMED, ids=[f"{case}, {name}" for case, name, *_ in NAMED])
def test_axes_in_words(traced: Traced, case: str, name: str, axes: tuple[str, ...], index: tuple[int, ...], place: str) -> None:
    run = traced(next(c for c in CASES if c.name == case))[2]
    step = next(step for step in run.steps if step.name == name)
    assert (step.axes, step.place(index)) == (axes, place)


def test_axes_of_weights_in_a_file(built: Callable[[Case], Built]) -> None:
    model = weightlens.load(built(next(c for c in CASES if c.name == "heads")).path)
    found = {name.split("/", 1)[1]: weight.axes for name, weight in model.weights.items()}
    assert found["query/kernel"] == ("in", "head", "key dim") and found["attention_output/kernel"] == ("head", "value dim", "feature")
    assert found["value/bias"] == ("head", "value dim")


def test_a_trace_stays_as_it_is_when_a_workbook_is_made_of_it(traced: Traced) -> None:
    from weightlens.workbook.layout.plan import Plan

    run = traced(next(c for c in CASES if c.name == "activation sparsemax"))[2]
    before = [(step.name, step.words, step.axes) for step in run.steps]
    assert len(Plan(run).steps) > len(run.steps)
    assert [(step.name, step.words, step.axes) for step in run.steps] == before
