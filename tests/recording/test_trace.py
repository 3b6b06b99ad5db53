"""A trace is complete once it is made: what rewrites it takes a copy, and its steps are worded as before."""

from __future__ import annotations

import numpy as np
import pytest

from tests.recording.test_roles import dense
from weightlens.recording import Trace
from weightlens.spreadsheet.cells_map import steps_by_entry
from weightlens.workbook.formulas.promote import fuse, promoted, with_operands


@pytest.fixture
def run() -> Trace:
    return dense("softmax").trace([[0.25, 0.75]])


def test_a_complete_trace_refuses_changes(run: Trace) -> None:
    with pytest.raises(AttributeError, match="copy"):
        run.steps = []
    with pytest.raises(AttributeError, match="copy"):
        run.step("more", np.zeros(2))
    with pytest.raises(AttributeError, match="copy"):
        promoted(run.steps)
    assert run.axes and len(run.copy().steps) == len(run.steps)


def test_what_rewrites_a_trace_leaves_it_as_it_is(run: Trace) -> None:
    words, kinds = [step.words for step in run], [step.made.kind for step in run]
    assert len(with_operands(run).steps) >= len(run.steps) > len(fuse(run)[0].steps)
    assert [step.words for step in run] == words and [step.made.kind for step in run] == kinds


def test_a_step_read_from_a_workbook_is_worded_as_in_the_trace(run: Trace) -> None:
    own = {id(step): step.words for step in run}
    assert {id(step) for step in steps_by_entry(run).values()} >= set(own)
