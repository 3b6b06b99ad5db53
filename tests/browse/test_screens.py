"""What is on the screen, as pictures: models, sizes, states. ``pytest --snapshot-update`` writes them anew; then look at each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attention_file import write_attention
from tests.browse.conftest import browser, changed, typed

pytestmark = pytest.mark.slow  # a fifth of a second each

Compare = Callable[..., bool]
SIZES = {"80x24": (80, 24), "120x40": (120, 40), "50x16": (50, 16)}
MODELS = ["or", "digits_cnn", "sine_lstm", "attention"]
INPUTS = {"or": "0,1", "digits_cnn": "", "sine_lstm": "", "attention": "1,5,3,0,7"}
WALK = ["enter", "right", "down", "right"]


STATES = {
    "walk": lambda name: WALK,
    "slice": lambda name: [*["down"] * (6 if name == "digits_cnn" else 1), "right_square_bracket", "enter", "end"],
    "steps": lambda name: ["t", *typed(INPUTS[name]), "enter", *["down"] * 3, "enter", "down"],
    "filter": lambda name: ["slash", *typed("bias"), "enter", "down"],
    "far": lambda name: ["colon", *typed("-1"), "enter", "pageup"],
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [*MODELS, "hostile"])
def test_start(name: str, size: str, folder: Path, snap_compare: Compare) -> None:
    assert snap_compare(browser(name), terminal_size=SIZES[size])


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", MODELS)
def test_states(name: str, state: str, folder: Path, snap_compare: Compare) -> None:
    assert snap_compare(browser(name), terminal_size=SIZES["80x24"], press=STATES[state](name))


@pytest.mark.parametrize("state", ["walk", "steps"])
@pytest.mark.parametrize("name", MODELS)
def test_states_on_a_large_screen(name: str, state: str, folder: Path, snap_compare: Compare) -> None:
    assert snap_compare(browser(name), terminal_size=SIZES["120x40"], press=STATES[state](name))


@pytest.mark.parametrize(
    "keys", [["d", *typed("other.h5"), "enter"], ["d", *typed("other.h5"), "enter", "down", "enter", "right"]], ids=["list", "walk"]
)
@pytest.mark.parametrize("name", ["or", "attention"])
def test_difference(name: str, keys: list[str], folder: Path, snap_compare: Compare) -> None:
    app = browser(name)
    changed(folder / f"{name}.h5", folder / "other.h5")
    assert snap_compare(app, terminal_size=SIZES["80x24"], press=keys)


def test_difference_from_another_network(folder: Path, snap_compare: Compare) -> None:
    assert snap_compare(browser("or", str(write_attention(Path("other.h5")))), terminal_size=SIZES["80x24"])


@pytest.mark.parametrize("colours", ["none", "256"])
@pytest.mark.parametrize("name", MODELS)
def test_fewer_colours(name: str, colours: str, folder: Path, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "")
    if colours == "none":
        monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(browser(name), terminal_size=SIZES["80x24"], press=WALK)


@pytest.mark.parametrize(
    "keys",
    [
        ["question_mark"], ["colon"], ["slash", *typed("nothing")], ["t"], ["d"], ["colon", *typed("9,9"), "enter"],
        ["t", *typed("1,2,3"), "enter"],
        ["d", *typed("gone.h5"), "enter"], ["y"], ["enter", "right", "Y"], ["t", "enter", "t"],
    ],
    ids=["help", "jump", "nothing", "trace", "difference", "no index", "wrong input", "no file", "copied", "slice copied", "back"],
)  # fmt: skip
def test_what_is_said(keys: list[str], folder: Path, snap_compare: Compare) -> None:
    assert snap_compare(browser("or"), terminal_size=SIZES["80x24"], press=keys)
