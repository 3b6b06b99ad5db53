"""Every family of mistakes is named first, and what is right is never called wrong: a short run over networks made for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.checks.by_hand import rows, table
from tests.checks.by_hand_networks import FAMILIES, Network, Person, Steps, calculate, networks
from weightlens.checks import check_by_hand
from weightlens.checks.by_hand.hand_report import HandReport
from weightlens.model import Model


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, keras: Any) -> list[tuple[Network, Model]]:
    folder = tmp_path_factory.mktemp("networks")
    found = [network for seed, outputs in enumerate((1, 2, 10)) for network in networks(keras, folder, outputs, seed, 3)]
    return [(network, weightlens.load(network.path)) for network in found]


def checked(model: Model, x: np.ndarray, text: str, folder: Path) -> HandReport:
    file = folder / "mine.csv"
    file.write_text(text)
    return check_by_hand(model, x, file)


def mistakes(network: Network, model: Model, digits: int, all_steps: bool) -> Iterator[tuple[str, str]]:
    """Each family that the digits can tell from the right numbers and from the other families, with the text of the calculation."""
    write = table if all_steps else rows

    def text(mistake: str) -> str:
        return write(calculate(model, network.x, Person(mistake)), digits)

    texts = {family: text(family) for family in network.families}
    for family, own in texts.items():
        if own != text("") and all(own != other for name, other in texts.items() if name != family):
            yield family, own


def test_each_family_is_named_first(made: list[tuple[Network, Model]], tmp_path: Path) -> None:
    missed, cases, seen = [], 0, set()
    for number, (network, model) in enumerate(made):
        for family, text in mistakes(network, model, 4 + number % 3, bool(number % 2)):
            report = checked(model, network.x, text, tmp_path)
            if report.ok and max(row.units for row in report.rows):
                continue  # so small that float32 rounding may have made it
            found = report.explanations[0].kind if report.explanations else "nothing"
            cases, seen = cases + 1, seen | {family}
            if report.ok or found not in FAMILIES[family]:
                missed.append(f"{network.path.name}, {family}: {found}")
    assert seen == set(FAMILIES)
    assert len(missed) <= 0.05 * cases, f"{len(missed)} of {cases}: {missed}"


def test_what_is_right_is_never_called_wrong(made: list[tuple[Network, Model]], tmp_path: Path) -> None:
    """Rounded to any digits, some steps only; and computed in float32, with sums in any order."""
    rng = np.random.default_rng(0)
    for number, (network, model) in enumerate(made):
        steps = calculate(model, network.x, Person())
        last: Steps = {list(steps)[-1]: steps[list(steps)[-1]]}
        np.testing.assert_allclose(next(iter(last.values())), model.predict(network.x)[0], atol=1e-6)
        digits = 2 + number % 6
        for text in (rows(steps, digits), table(steps, digits, rng.integers(0, 2, 7))):
            report = checked(model, network.x, text, tmp_path)
            assert report.ok, report.summary
            assert max(row.digits for row in report.rows) >= digits
        x = network.x if network.x.dtype.kind == "i" else network.x.astype(np.float32)
        report = checked(model, network.x, table(calculate(model, x, Person(dtype=np.float32, order=rng)), 9), tmp_path)
        assert report.ok, report.summary
        assert "within float32 rounding" in report.summary
