"""A planted store: every rule finds its defects, and says nothing of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.auditing.plants import PLANTS
from tests.auditing.store import planted_store, score
from tests.cases import turn
from weightlens.auditing.rule_levels import rules

NEEDS_DATA_OR_STORE = {"saturated", "same-file", "same-weights", "same-architecture"}


def test_every_rule_has_a_plant() -> None:
    assert set(PLANTS) == set(rules()) - NEEDS_DATA_OR_STORE


@pytest.mark.parametrize("seed", turn([11, 12], 2))
def test_what_is_planted_is_found_and_nothing_else(tmp_path: Path, seed: int) -> None:
    result = score(tmp_path, *planted_store(tmp_path, 150, seed))
    assert not result.mistakes
    assert sum(result.found.values()) > 80
