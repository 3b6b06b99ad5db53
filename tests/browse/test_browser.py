"""What the keys of ``weightlens browse`` do, and what it refuses."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import weightlens
from tests.browse.conftest import HOSTILE, browser, changed, typed
from tests.conftest import SAMPLES
from tests.tiny import write_tiny
from weightlens.browse.browser import Browser
from weightlens.browse.drawing import Drawer
from weightlens.browse.listing import compared, difference_items, recorded_item, step_items, weight_items
from weightlens.cli.browse import browser_of
from weightlens.cli.main import main
from weightlens.errors import UnreadableModel
from weightlens.terminal.matrices import Labels


def looked(app: Browser, look: Callable[[Browser], Awaitable[None] | None], *keys: str, size: tuple[int, int] = (80, 24)) -> None:
    """Run the application, press keys, and look."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.press(*keys)
            await pilot.pause()
            look(app)

    asyncio.run(run())


def bottom(app: Browser) -> str:
    return str(app.query_one("#bottom").render())


def test_arrows_move_and_copy_gives_the_exact_number(folder: Path) -> None:
    app = browser("or")
    kernel = weightlens.load(SAMPLES / "or.h5")["dense"].kernel

    def look(app: Browser) -> None:
        assert app.matrix.index == (1, 0) and app.clipboard == str(kernel[1, 0]) and np.float32(app.clipboard) == kernel[1, 0]
        assert bottom(app) == f"copied: {kernel[1, 0]!s}"

    looked(app, look, "enter", "down", "down", "right", "left", "y")


def test_a_slice_is_copied_as_a_table(folder: Path) -> None:
    kernel = weightlens.load(SAMPLES / "digits_cnn.keras")["conv"].kernel

    def look(app: Browser) -> None:
        assert [[np.float32(cell) for cell in row.split("\t")] for row in app.clipboard.split("\n")] == kernel[:, :, 0, 2].tolist()

    looked(browser("digits_cnn"), look, "right_square_bracket", "right_square_bracket", "Y")


def test_a_slice_that_is_too_large_is_not_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weightlens.browse.browser.COPIED", 3)

    def look(app: Browser) -> None:
        assert not app.clipboard and "2 x 2 numbers are not copied" in bottom(app)

    looked(browser("or"), look, "Y")


def test_the_filter_leaves_what_has_it_in_its_name(folder: Path) -> None:
    app = browser("digits_cnn")
    looked(app, lambda app: None, *typed("/bias"), "enter")
    assert [item.name for item in app.shown] == ["conv/bias", "digit/bias"] and app.matrix.item is app.shown[0]
    app = browser("digits_cnn")
    looked(app, lambda app: None, *typed("/xxx"), "enter")
    assert not app.shown and app.matrix.item is None
    looked(
        browser("digits_cnn"),
        lambda app: None,
        "slash",
        "x",
        "x",
        "x",
        "enter",
        "y",
        "Y",
        "colon",
        "1",
        "enter",
        "right_square_bracket",
        "tab",
        "down",
    )


def test_an_index_is_jumped_to(folder: Path) -> None:
    app = browser("digits_cnn")
    looked(app, lambda app: None, *typed(":2,0,0,-1"), "enter", "left")
    assert app.matrix.index == (2, 0, 0, 5)  # in the first column already

    def look(app: Browser) -> None:
        assert bottom(app) == "9: there is no index 9 in a matrix of shape (3, 3, 1, 6)" and app.matrix.index == (0, 0, 0, 0)

    looked(browser("digits_cnn"), look, *typed(":9"), "enter")


def test_steps_are_those_of_trace(folder: Path) -> None:
    app = browser("or")
    looked(app, lambda app: None, *typed("t0,1"), "enter")
    trace = weightlens.load("or.h5").trace([[0, 1]])
    assert [item.name for item in app.items] == ["inputs/input_layer", *(f"{step.layer}/{step.name}" for step in trace)]
    assert all(np.array_equal(item.weight.value, step.value) for item, step in zip(app.items[1:], trace, strict=True))
    looked(app := browser("or"), lambda app: None, *typed("t0,1"), "enter", "t")
    assert app.mode == "weights" and [item.name for item in app.items] == ["dense/kernel", "dense/bias"]


def test_rounds_of_a_step_have_numbers() -> None:
    items = step_items(weightlens.load(SAMPLES / "sine_lstm.keras").trace(np.load(SAMPLES / "sine_lstm.npy")))
    assert [item.title for item in items if item.title.startswith("cell state")] == [f"cell state, round {i}" for i in range(1, 13)]


def test_a_difference_is_the_other_file_minus_this_one(folder: Path) -> None:
    first = write_tiny(folder / "a.h5")
    changed(first, folder / "b.h5")
    items = difference_items(weight_items(weightlens.load(first)), weightlens.load("b.h5"))
    assert [(item.name, item.differs) for item in items] == [("dense/kernel", True), ("dense/bias", False)]
    assert items[0].weight.value.tolist() == [[0.5, 0.0], [0.0, 0.0]] and not items[1].weight.value.any()
    other = write_tiny(folder / "c.h5", [[1.0], [2.0]], [0.0], name="dense")
    assert {item.note for item in difference_items(weight_items(weightlens.load(first)), weightlens.load(other))} == {
        "of shape (2, 1) in the other file", "of shape (1,) in the other file",
    }  # fmt: skip
    third = difference_items(weight_items(weightlens.load(first)), weightlens.load(write_tiny(folder / "d.h5", name="other")))
    assert all(item.differs and item.note == "not in the other file" for item in third)


@pytest.mark.filterwarnings("error")
def test_nan_and_infinity_are_no_difference_from_themselves(folder: Path) -> None:
    first = write_tiny(folder / "a.h5", bias=[np.nan, np.inf])
    items = difference_items(weight_items(weightlens.load(first)), weightlens.load(write_tiny(folder / "b.h5", bias=[np.nan, np.inf])))
    assert [item.differs for item in items] == [False, False] and np.isnan(items[1].weight.value).all()
    items = difference_items(weight_items(weightlens.load(first)), weightlens.load(write_tiny(folder / "c.h5", bias=[np.nan, -np.inf])))
    assert [item.differs for item in items] == [False, True]


def test_a_difference_of_complex_numbers_is_complex() -> None:
    first, second = (recorded_item("a", "x", np.array([1 + 2j, end]), Labels([()])) for end in (1j, 5j))
    difference = compared(first, second.weight).weight
    assert difference.dtype == "complex128" and difference.value.tolist() == [0, 4j]


def test_a_file_that_is_no_model_is_said_in_a_line(folder: Path) -> None:
    (folder / "no.h5").write_text("no")
    app = browser("or", "no.h5")
    looked(app, lambda app: app.say("") if "no.h5" in bottom(app) else pytest.fail(bottom(app)))
    assert app.mode == "weights"


def test_text_of_a_file_is_never_markup(folder: Path) -> None:
    def look(app: Browser) -> None:
        svg = app.export_screenshot().replace("&#160;", " ")
        assert "[red]\\x1b[31mname\\u202e[/red]" in svg and "\x1b" not in svg and "\u202e" not in svg

    model = weightlens.load(write_tiny(folder / "hostile.h5", name=HOSTILE))
    looked(browser_of(model), look, size=(120, 40))
    looked(browser_of(model), look, *typed("t0,1"), "enter", "down", size=(120, 40))
    looked(browser_of(model), look, *typed("/[red]"), "enter", size=(120, 40))
    looked(browser_of(model), lambda app: app.say(HOSTILE), size=(120, 40))


def test_a_file_of_500_mb_is_shown_at_once(folder: Path) -> None:
    write_tiny(folder / "large.h5")
    with h5py.File("large.h5", "r+") as file:
        group = file["model_weights/dense"]
        del group["dense/kernel"], group["dense/bias"]
        group.create_dataset("dense/kernel", (16384, 8192), "f4")
        group["dense/kernel"][-1] = 1.0
        group.create_dataset("dense/bias", (8192,), "f4")
    started = time.process_time()  # a second, on a machine that has something else to do

    def look(app: Browser) -> None:
        assert time.process_time() - started < 2 and "drawn: 1 of" in app.export_screenshot().replace("&#160;", " ")

    looked(browser_of(weightlens.load("large.h5")), look)


def test_a_model_without_matrices_can_be_traced(folder: Path) -> None:
    config = {"name": "flat", "layers": [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 2, 2], "dtype": "float32"}},
        {"class_name": "Flatten", "config": {"name": "flatten"}},
    ]}  # fmt: skip
    with h5py.File("flat.h5", "w") as file:
        file.attrs["keras_version"], file.attrs["model_config"] = "3.5.0", json.dumps({"class_name": "Sequential", "config": config})
        file.create_group("model_weights").attrs["layer_names"] = np.array([b"flatten"])
    app = browser_of(weightlens.load("flat.h5"))
    looked(app, lambda app: None, *typed("yY:0"), "enter", "enter", "right_square_bracket")
    assert not app.shown and app.matrix.item is None
    looked(app := browser_of(weightlens.load("flat.h5")), lambda app: None, *typed("t1,2,3,4"), "enter")
    assert app.items[0].weight.value.tolist() == [[[1.0, 2.0], [3.0, 4.0]]]


def test_words_are_shown_as_they_are() -> None:
    item = recorded_item("inputs", "x", np.array([["a\x1b[31m", "b"]]), Labels([(), ()]))
    lines = Drawer("true", {}).frame(item, (0, 0), 60, 10)
    assert not item.weight.is_numeric and lines[-1].plain == "[['a\\x1b[31m', 'b']]"


@pytest.mark.parametrize("error", [UnreadableModel("or.h5: gone"), OSError("gone")])
def test_a_file_that_cannot_be_read_any_more_is_said(error: Exception, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = browser("or")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("weightlens.browse.plane.read_part", fail)
    monkeypatch.setattr("weightlens.browse.drawing.read_part", fail)

    def look(app: Browser) -> None:
        assert app.matrix.render().plain == str(error) == bottom(app)

    looked(app, look, "enter", "y")


def test_a_wrong_file_to_compare_with_ends_with_a_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(getattr(sys, stream), "isatty", lambda: True, raising=False)
    assert main(["browse", str(SAMPLES / "or.h5"), "--against", "gone.h5"]) == 2
    assert capsys.readouterr().err == "Error: gone.h5: there is no such file\n"


def test_without_textual_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["browse", str(SAMPLES / "or.h5")]) == 2
    assert capsys.readouterr().err == "Error: browse needs Textual, which is not installed: pip install textual\n"


def test_it_needs_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["browse", str(SAMPLES / "or.h5")]) == 2
    assert capsys.readouterr().err == "Error: browse needs a terminal; show and trace print the same, with --heat as pictures\n"


def test_nothing_else_imports_textual() -> None:
    modules = "[name for name in sys.modules if 'textual' in name or 'browse' in name or name.endswith('heat')]"
    command = f"import sys; from weightlens.cli.main import main; main(['show', sys.argv[1]]); print({modules})"
    done = subprocess.run([sys.executable, "-c", command, str(SAMPLES / "or.h5")], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "keys, number, code",
    [
        (b"q", None, 0),
        (b"\x03", None, 0),
        (b"", signal.SIGTERM, 143),
        (b"", signal.SIGINT, 130),
        (b"caf\xe9 ", None, 2),
        (b"\x1b[999999999;99999u", None, 2),
    ],
)
def test_the_terminal_is_left_as_it_was(keys: bytes, number: signal.Signals | None, code: int) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "weightlens", "browse", str(SAMPLES / "or.h5")])
    seen = read_until(terminal, b"5.4")
    if number is not None:
        os.kill(pid, number)
    os.write(terminal, keys)
    seen += read_until(terminal, None)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code
    assert b"Traceback" not in seen and (b"Error: the terminal sent" in seen) == (code == 2)
    assert seen.count(b"\x1b[?1049h") == seen.count(b"\x1b[?1049l") == 1


def read_until(terminal: int, mark: bytes | None) -> bytes:
    """What is written to a terminal, up to a mark or (None) until its program has ended; at most for half a minute."""
    seen, end = b"", time.monotonic() + 30
    while (mark is None or mark not in seen) and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                seen += os.read(terminal, 1 << 16)
            except OSError:  # Linux says so when nobody has the other end open any more
                break
    return seen
