"""``--heat``: what a picture means, in true colour, in 256 colours, and in letters."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest

import weightlens
from tests.attention_file import write_attention
from tests.conftest import SAMPLES
from weightlens.cli.main import main
from weightlens.model import Weight
from weightlens.terminal import Screen
from weightlens.terminal.heat import BLUES, ORANGES, Scale, heat_lines
from weightlens.terminal.matrices import part_of
from weightlens.terminal.print_trace import Looks, print_trace

LETTERS = """\
    input down, unit across
    -1 " .:-=+*#%@" 1
      ==@@
    ::++%%
"""

FILTERS = """\
    kernel row down, kernel column across
    0 " .:-=+*#%@" 7
    filter 0  filter 1
      --      ..==
    ++%%      **@@
"""

SCORES = """\
    query token down, key token across
    -6.41 " .:-=+*#%@" 2.55
    head 0      head 1
    %%******%%  ..==##%%::
    ++##**##++  ==++##%%++
    ##******##  ====##%%==
    ++**##**++  ++==##%%++
    ##******##    ==##@@..
"""


def drawn(values: np.ndarray, owner: str = "Dense", width: int = 80, colour: bool = False, full: bool = False) -> list[str]:
    weight = Weight("kernel", values.shape, str(values.dtype), "", lambda: values, lambda key: values[key], owner=(owner, {}))
    return [line.rstrip() for line in heat_lines(part_of(weight), Screen(io.StringIO(), width, colour), full)]


def plain(lines: list[str]) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines))


def test_a_pipe_gets_letters() -> None:
    lines = drawn(np.array([[-1.0, 0.0, 1.0], [-0.5, 0.2, 0.8]]))
    assert "\n".join(lines) + "\n" == LETTERS


def test_a_kernel_is_a_picture_for_each_filter() -> None:
    assert "\n".join(drawn(np.arange(8.0).reshape(2, 2, 1, 2), "Conv2D")) + "\n" == FILTERS


def test_scores_are_drawn_for_each_head(tmp_path: Path) -> None:
    trace = weightlens.load(write_attention(tmp_path / "attention.h5")).trace([[1, 5, 3, 0, 7]])
    screen = Screen(io.StringIO(), 80, False)
    print_trace(trace, screen, ("attention",), Looks(heat=True))
    assert SCORES in screen.file.getvalue()  # type: ignore[attr-defined]
    scores = next(step for step in trace["attention"] if step.name == "scores").value
    darkest = np.unravel_index(scores.argmax(), scores.shape)
    lines = [re.findall("..", line[4:].ljust(24)) for line in SCORES.splitlines()[3:]]
    assert [(0, i // 6, row, i % 6) for row, line in enumerate(lines) for i, letters in enumerate(line) if letters == "@@"] == [darkest]


@pytest.mark.parametrize("terminal, pattern", [("truecolor", r"38;2;\d+;\d+;\d+"), ("", r"38;5;\d+")])
def test_two_rows_stand_in_a_line_of_half_blocks(terminal: str, pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", terminal)
    lines = drawn(np.linspace(-1, 1, 600).reshape(20, 30), colour=True)
    picture = lines[2:]
    assert plain(picture).splitlines() == ["    " + "▀" * 30] * 10 and all(re.search(pattern, line) for line in picture)
    assert "\x1b[0m" in picture[-1]


def test_a_row_without_partner_leaves_the_terminal_under_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "")
    last = drawn(np.ones((17, 17)), colour=True)[-1]
    assert last == "    \x1b[0;38;5;25m" + "▀" * 17 + "\x1b[0m"


def test_colours_have_one_meaning() -> None:
    scale = Scale(-2.0, 1.0)
    assert scale.colour(0.0) == (247, 247, 247) and scale.colour_of_256(0.0) == 231
    assert scale.colour(-2.0) == (179, 88, 6) and scale.colour_of_256(-2.0) == ORANGES[-1]
    red, green, blue = scale.colour(1.0)
    assert blue > green > red and scale.colour_of_256(1.0) in BLUES[1:-1]  # half as strong: the scale has one unit on both sides
    assert scale.colour(float("nan")) == scale.colour(float("inf")) == (255, 0, 255) and scale.shade(float("nan")) == "?"
    assert Scale(0.0, 0.0).colour(0.0) == (247, 247, 247) and [Scale(3.0, 3.0).shade(3.0), scale.shade(-2.0), scale.shade(1.0)] == [
        "=",
        " ",
        "@",
    ]


def test_what_is_not_a_number_is_marked_and_named() -> None:
    lines = drawn(np.array([[np.nan, 1.0], [2.0, np.inf]]))
    assert lines[1:] == ['    1 " .:-=+*#%@" 2  ? NaN or infinite', "    ??", "    @@??"]
    assert "NaN or infinite" in plain(drawn(np.array([[np.nan, 1.0]]), colour=True))


@pytest.mark.parametrize("shape", [(4000, 3000), (3, 3, 200, 300), (50_000,), (3, 500, 7), (1, 2, 400, 300, 16)])
@pytest.mark.parametrize("colour", [False, True])
def test_a_large_matrix_is_sampled_down_and_says_so(shape: tuple[int, ...], colour: bool) -> None:
    read: list[int] = []
    values = np.broadcast_to(np.float32(1), shape)

    def read_part(key: tuple[int | slice, ...]) -> np.ndarray:
        read.append(values[key].size)
        return values[key]

    weight = Weight("kernel", shape, "float32", "", lambda: pytest.fail("read whole"), read_part, owner=("Conv2D", {}))
    lines = plain(list(heat_lines(part_of(weight), Screen(io.StringIO(), 80, colour)))).splitlines()
    assert any("sampled down, drawn: 1 of" in line for line in lines)
    assert sum(read) <= 70_000 and len(lines) <= 400 and max(map(len, lines)) <= 80


def test_every_number_is_drawn_with_full() -> None:
    lines = drawn(np.arange(20_000.0).reshape(100, 200), full=True)
    assert len(lines) == 102 and max(map(len, lines)) == 404


@pytest.mark.filterwarnings("error")
def test_numbers_of_any_size_are_drawn() -> None:
    for values in (np.array([[-1.7e308, 1.7e308]]), np.array([[1e-300, 0.0]]), np.array([[1 + 2j, 0j]]), np.array([[True, False]])):
        assert drawn(values)[-1] in ("      @@", "    @@") and drawn(values, colour=True)


@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (1, 1), (5,), (2, 3, 4)])
def test_any_shape_can_be_drawn(shape: tuple[int, ...]) -> None:
    for colour in (False, True):
        assert drawn(np.ones(shape), colour=colour)


@pytest.mark.parametrize("shape", [(3, 3, 0, 1), (3, 3, 1, 0), (0, 0, 0, 0), (3, 0, 2)])
@pytest.mark.parametrize("colour", [False, True])
def test_a_kernel_without_numbers_is_empty(shape: tuple[int, ...], colour: bool) -> None:
    assert drawn(np.ones(shape), "Conv2D", colour=colour) == ["    empty"]


@pytest.mark.parametrize("command", [["show"], ["trace"]])
def test_the_commands_draw(command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert main([*command, str(SAMPLES / "digits_cnn.keras"), "--heat", "--layer", "conv"]) == 0
    text = capsys.readouterr().out
    assert '" .:-=+*#%@"' in text and "\x1b" not in text and "filter 0  " in text


def test_a_coloured_terminal_gets_half_blocks(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["show", str(SAMPLES / "or.h5"), "--heat"]) == 0
    assert "▀" in capsys.readouterr().out
