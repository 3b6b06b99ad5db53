"""A short run of every class of damaged and hostile files; ``python -m tests.fuzz`` makes the long one."""

from __future__ import annotations

import os
import time

import pytest

from tests.fuzz.run import CLASSES, case, watched

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("WEIGHTLENS_FUZZ", "30"))


@pytest.mark.parametrize("kind", CLASSES)
def test_an_answer_or_one_clear_line(kind: str) -> None:
    faults = {found["number"]: found["fault"] for found in watched(kind, range(COUNT)) if found["fault"]}
    assert not faults, {number: (words, case(kind, number).command) for number, words in faults.items()}


@pytest.mark.parametrize("kind", CLASSES)
def test_a_case_is_always_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = range(20)  # in which every kind of archive is met
    before = [case(kind, number) for number in numbers]
    monkeypatch.setattr(time, "time", lambda: 2e9)  # the time of day that archives record
    assert [case(kind, number) for number in numbers] == before
