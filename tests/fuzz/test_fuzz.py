"""A short run of every class of damaged and hostile files, by turns; ``python -m tests.fuzz`` makes the long one."""

from __future__ import annotations

import time

import pytest

from tests.cases import EVERYTHING, TURN
from tests.fuzz.run import CLASSES, case, watched

pytestmark = pytest.mark.slow

OF_THE_DAY = range(30) if EVERYTHING else range(TURN % 3 * 10, TURN % 3 * 10 + 10)


@pytest.mark.parametrize("kind", CLASSES)
def test_an_answer_or_one_clear_line(kind: str) -> None:
    faults = {found["number"]: found["fault"] for found in watched(kind, OF_THE_DAY) if found["fault"]}
    assert not faults, {number: (words, case(kind, number).command) for number, words in faults.items()}


@pytest.mark.parametrize("kind", CLASSES)
def test_a_case_is_always_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = range(20)  # in which every kind of archive is met
    before = [case(kind, number) for number in numbers]
    monkeypatch.setattr(time, "time", lambda: 2e9)  # the time of day that archives record
    assert [case(kind, number) for number in numbers] == before
