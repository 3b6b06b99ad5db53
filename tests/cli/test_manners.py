"""The manners of the command line: completion, silence, colours, patterns, what a large model prints, the help."""

from __future__ import annotations

import io
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

import weightlens
from tests.cli.conftest import Run
from tests.formats.build import dense, given, legacy, numbers, sequential
from tests.tiny import write_tiny
from weightlens.cli.commands import GROUPS
from weightlens.cli.main import COMMANDS
from weightlens.terminal import QUIET, Screen
from weightlens.terminal.progress import progress, progress_of_files
from weightlens.terminal.show import MOST_LINES

ROOT = Path(__file__).resolve().parent.parent.parent
Bar = Callable[[], AbstractContextManager[object]]
OR = ROOT / "sample_models" / "or.h5"


def stack(path: Path, names: list[str], units: int = 3) -> Path:
    """A stack of Dense layers with these names."""
    groups = {name: {"kernel:0": numbers(units, units), "bias:0": numbers(units)} for name in names}
    return legacy(path, sequential(given("i", units), *(dense(name, units) for name in names)), groups)


# Completion


def typed(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what bash sets when somebody presses Tab at the end of this line."""
    monkeypatch.setenv("_WEIGHTLENS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - (not line.endswith(" "))))


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("weightlens tra", ["trace", "train-sheet"]),
        ("weightlens show or.h5 --summ", ["--summary"]),
        ("weightlens --install", ["--install-completion"]),
        (f"weightlens show {OR} --layer ", ["input_layer", "dense", "softmax"]),
        (f"weightlens trace {OR} -l so", ["softmax"]),
        ("weightlens show nowhere.h5 --layer ", []),
        (f"weightlens show {OR} --format js", ["json"]),
        (f"weightlens check {OR} --format ", ["table", "json"]),
        ("weightlens audit store --format sa", ["sarif"]),
        (f"weightlens fit {OR} --loss bi", ["binary_crossentropy"]),
        (f"weightlens fit {OR} --optimizer ad", ["adagrad", "adam"]),
        (f"weightlens export {OR} --detail l", ["layers"]),
        (f"weightlens export {OR} --layers de", ["dense"]),
        (f"weightlens export {OR} --layers dense..so", ["dense..softmax"]),
    ],
)
def test_tab(line: str, answers: list[str], run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(line, monkeypatch)
    code, out, err = run()
    assert (code, out.split(), err) == (0, answers, "")


def test_a_shell_is_not_given_names_that_it_could_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = stack(tmp_path / "m.h5", ["good", "$(touch pwned)", "`id`", "a;b"])
    typed(f"weightlens show {model} --layer ", monkeypatch)
    assert run()[1].split() == ["i", "good"]


@pytest.mark.parametrize(
    ("shell", "says"), [("bash", "complete -o default"), ("zsh", "compdef"), ("fish", "complete --command weightlens")]
)
def test_the_script_of_a_shell(shell: str, says: str, run: Run) -> None:
    code, out, err = run("--show-completion", shell)
    assert code == 0 and says in out and "_WEIGHTLENS_COMPLETE" in out and not err


def test_completion_works_in_bash(tmp_path: Path, run: Run) -> None:
    """The script, sourced by bash itself, with a real program of that name on the path."""
    program = tmp_path / "weightlens"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m weightlens "$@"\n')
    program.chmod(0o755)
    script = run("--show-completion", "bash")[1]
    ask = 'COMP_WORDS=(weightlens conv); COMP_CWORD=1; _weightlens_completion weightlens; echo "${COMPREPLY[@]}"'
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "--norc", "-c", script + ask], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["convert"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no terminals of this kind")
@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_first_tab_completes(shell: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed, in a terminal, in the shell itself."""
    if (found := shutil.which(shell)) is None:
        pytest.skip(f"{shell} is not installed")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run("--install-completion", shell)[0] == 0
    (tmp_path / "weightlens").write_text(f'#!/bin/sh\nexec {sys.executable} -m weightlens "$@"\n')
    (tmp_path / "weightlens").chmod(0o755)
    settings = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "TERM": "xterm", "LANG": "C.UTF-8"}
    import pty  # of POSIX only

    process, terminal = pty.fork()
    if not process:
        os.execve(found, [shell, "-i"], os.environ | settings | {"HOME": str(tmp_path)})
    try:
        shown_by(terminal, b"\x1b[?2004h", 60)  # it waits for somebody who types
        os.write(terminal, b"weightlens conv\t")
        assert b"convert" in shown_by(terminal, b"convert", 60)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def shown_by(terminal: int, last: bytes, seconds: float) -> bytes:
    """What a terminal shows until this, or for so long."""
    shown, end = b"", time.monotonic() + seconds
    while last not in shown and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 1 << 16)
    return shown


def test_completion_is_installed_where_the_shell_looks(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    code, out, _ = run("--install-completion", "bash")
    [script] = tmp_path.rglob("weightlens.sh")
    assert code == 0 and str(script) in out and "complete_bash" in script.read_text()
    assert str(script) in (tmp_path / ".bashrc").read_text()


@pytest.mark.parametrize(("shell", "start"), [("bash", ".bashrc"), ("zsh", ".zshrc")])
def test_nothing_of_the_file_of_a_shell_is_lost(shell: str, start: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither letters of another encoding, nor the link that it is, and twice is once; where it cannot be written it stays."""
    monkeypatch.setenv("HOME", str(tmp_path))
    mine = b"alias caf\xe9=ls  # no newline at its end"
    (tmp_path / "dotfiles").write_bytes(mine)
    (tmp_path / start).symlink_to("dotfiles")
    assert [run("--install-completion", shell)[0] for _ in range(2)] == [0, 0]
    before, *added = (tmp_path / "dotfiles").read_bytes().splitlines()
    assert before == mine and len(added) == 1 and (tmp_path / start).is_symlink()
    (tmp_path / "dotfiles").unlink()
    code, out, err = run("--install-completion", shell)
    assert code == 2 and not out and "is a link to dotfiles, where there is no file" in err
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    code, out, err = run("--install-completion", shell)
    assert code == 2 and not out and "no such home folder" in err and not (tmp_path / "nowhere").exists()


def test_bash_reads_the_line_of_a_home_folder_with_a_blank_in_its_name(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "a 'b'"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    assert run("--install-completion", "bash")[0] == 0
    asked = ["bash", "--rcfile", str(home / ".bashrc"), "-i", "-c", "complete -p weightlens"]
    assert "_weightlens_completion" in subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def test_powershell_that_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    code, out, err = run("--install-completion", "pwsh")
    assert code == 2 and not out and "pwsh is not installed here" in err


def test_a_shell_that_does_not_say_what_is_typed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is printed into the line that somebody types; and an empty variable asks for nothing."""
    for typed_so_far in ({}, {"COMP_WORDS": "weightlens sho", "COMP_CWORD": "x"}):
        monkeypatch.setenv("_WEIGHTLENS_COMPLETE", "complete_bash")
        for name, value in typed_so_far.items():
            monkeypatch.setenv(name, value)
        _, out, err = run()
        assert not out.strip() and not err
    monkeypatch.setenv("_WEIGHTLENS_COMPLETE", "")
    code, out, err = run("show", OR, "--summary")
    assert code == 0 and "dense" in out and not err


def test_a_shell_that_we_do_not_know(run: Run) -> None:
    code, out, err = run("--install-completion", "tcsh")
    assert code == 2 and not out and "it is one of bash, zsh, fish" in err
    assert run("--show-completion", "bash", "zsh")[0] == 2


def test_completion_costs_nothing_at_the_start() -> None:
    """Where a command is named, the options of the program itself are not built."""
    from typer.main import get_command

    from weightlens.cli.commands import application

    assert get_command(application(["show", "or.h5"])).params == []
    assert {option.name for option in get_command(application(["--help"])).params} == {"version", "install", "shown"}


# Silence


def test_quiet(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(OR, tmp_path)
    monkeypatch.chdir(tmp_path)
    for number, place in enumerate([("--quiet", "export"), ("export", "-q"), ("-q", "export")]):
        assert run(*place, "or.h5", "-o", f"{number}.xlsx") == (0, "", "")
        assert Path(f"{number}.xlsx").stat().st_size
    assert run("-q", "convert", "or.h5", "-o", "new.keras") == (0, "", "")
    assert "written" in run("convert", "or.h5", "-o", "newer.keras")[1], "the next command is not quiet"
    assert run("import", "0.xlsx", "or.h5", "-o", "same.h5", "--quiet") == (0, "", "")


def test_quiet_alone_is_help(run: Run) -> None:
    for word in ("-q", "--quiet"):
        code, out, err = run(word)
        assert code == 0 and out.startswith("Usage: weightlens") and not err


@pytest.mark.parametrize("command", [
    ("patch", OR, "--set", "dense/bias=0"), ("convert", OR), ("export", OR), ("simplify", OR, "-i", "0,1"), ("import", "x.xlsx", OR),
    ("fit", OR, "-i", "x.csv", "--target", "y"), ("trace", OR), ("check", OR), ("diff", OR, OR),
])  # fmt: skip
def test_a_format_is_one_of_two(command: tuple[object, ...], run: Run, tmp_path: Path) -> None:
    output = () if command[0] == "check" else ("-o", tmp_path / "new.h5")
    code, out, err = run(*command, *output, "--format", "csv")
    assert (code, out, err) == (2, "", "Error: --format csv: it is one of table, json\n") and not list(tmp_path.iterdir())


def test_pictures_are_for_people(run: Run) -> None:
    for command in (("show", OR, "--format", "csv"), ("trace", OR, "--format", "json")):
        code, out, err = run(*command, "--heat")
        assert code == 2 and not out and "--heat draws matrices for people" in err


def test_quiet_keeps_results_and_errors(run: Run, tmp_path: Path) -> None:
    odd = write_tiny(tmp_path / "odd.h5", bias=[float("nan"), 1])
    code, out, err = run("predict", odd, "-i", "0,1")
    assert code == 0 and err.startswith("Note: NaN")
    assert run("predict", odd, "-i", "0,1", "-q") == (code, out, "")
    code, out, err = run("predict", odd, "-i", "0,1,2", "-q")
    assert code == 2 and not out and err.startswith("Error: ")
    assert run("convert", OR, "-o", tmp_path / "x.keras", "--format", "json", "-q")[1].startswith('{"command":"convert"')


@pytest.mark.parametrize("bar", [lambda: progress("epochs", 10, 10), lambda: progress_of_files(30)])
def test_a_quiet_command_has_no_bar(bar: Bar, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    for quiet in (False, True):
        QUIET.set(quiet)
        with bar():
            pass
        assert bool(capsys.readouterr().err) is not quiet
    QUIET.set(False)


def test_every_command_has_quiet(run: Run) -> None:
    for name in COMMANDS:
        assert "--quiet" in run(name, "--help")[1]


# Colours


@pytest.mark.parametrize(
    ("variables", "colour"),
    [
        ({}, False),  # no terminal
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"NO_COLOR": "", "FORCE_COLOR": "1"}, True),  # empty is not set, says no-color.org
    ],
)
def test_colours(variables: dict[str, str], colour: bool, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Screen().colour is colour
    for command in (["show", OR], ["trace", OR], ["diff", OR, OR], ["show", OR, "--tree"]):
        assert ("\x1b" in run(*command)[1]) is colour


# Patterns


def headings(out: str) -> list[str]:
    return [line.split(" · ")[0] for line in out.splitlines() if " · Dense" in line]


def test_layers_by_pattern(run: Run, tmp_path: Path) -> None:
    model = stack(tmp_path / "m.h5", ["conv1", "conv2", "top", "x*", "xy", "[a]", "a"])
    assert headings(run("show", model, "--layer", "conv*")[1]) == ["conv1", "conv2"]
    assert headings(run("show", model, "--layer", "conv?", "--layer", "t[no]p")[1]) == ["conv1", "conv2", "top"]
    assert headings(run("show", model, "--layer", "*")[1]) == ["conv1", "conv2", "top", "x*", "xy", "[a]", "a"]
    assert headings(run("trace", model, "--layer", "conv*")[1]) == ["conv1", "conv2"]
    found = json.loads(run("show", model, "--layer", "c*2", "--format", "json")[1])
    assert [layer["name"] for layer in found["layers"]] == ["conv2"]


def test_a_layer_whose_name_has_such_signs_is_found_by_its_name(run: Run, tmp_path: Path) -> None:
    model = stack(tmp_path / "m.h5", ["x*", "xy", "[a]", "a"])
    assert headings(run("show", model, "--layer", "x*")[1]) == ["x*"]
    assert headings(run("trace", model, "--layer", "[a]")[1]) == ["[a]"]


@pytest.mark.parametrize("command", ["show", "trace"])
def test_a_pattern_that_fits_no_layer(command: str, run: Run) -> None:
    code, out, err = run(command, OR, "--layer", "conv*")
    assert code == 2 and not out and "there is no layer 'conv*'" in err


# Large models


@pytest.fixture
def large(tmp_path: Path) -> Path:
    names = [f"layer_{i}" for i in range(60)]
    return stack(tmp_path / "large.h5", names, 8)


def test_a_large_model_prints_its_summary_and_how_to_see_the_matrices(run: Run, large: Path) -> None:
    code, out, _ = run("show", large)
    lines = out.splitlines()
    assert code == 0 and len(lines) < 80 and "layer_59" in out and "--layer" in lines[-2] + lines[-1] and "kernel (8, 8)" not in out
    everything = run("show", large, "--layer", "*")[1]
    assert len(everything.splitlines()) > MOST_LINES and everything.count("kernel (8, 8)") == 60
    assert run("show", large, "--full")[1].count("kernel (8, 8)") == 60
    assert run("show", large, "--grep", "kernel")[1].count("kernel (8, 8)") == 60


def test_a_small_model_prints_everything(run: Run, tmp_path: Path) -> None:
    out = run("show", stack(tmp_path / "small.h5", [f"layer_{i}" for i in range(20)], 8))[1]
    assert out.count("kernel (8, 8)") == 20 and "--layer" not in out


def test_summary(run: Run, large: Path, tmp_path: Path) -> None:
    code, out, _ = run("show", OR, "--summary")
    assert code == 0 and out.startswith("or.h5 · Keras") and "Layer (type)" in out and "Trainable params: 6" in out and "kernel" not in out
    out = run("show", OR.parent / "sine_lstm.keras", "--summary")[1]
    assert "101 parameters" in out and "counted without 12 arrays of the optimizer" in out and "Total params: 305" in out
    assert json.loads(run("show", large, "--summary", "--format", "json")[1])["summary"]["parameters"] == 60 * 72
    assert run("show", OR, "--summary", "--format", "csv")[1].splitlines()[1].startswith("dense,Dense,")
    assert run("show", OR, "--summary", "--format", "markdown", "-o", tmp_path / "or.md")[0] == 0
    assert (tmp_path / "or.md").read_text().startswith("| Layer (type) |")


def test_a_summary_is_as_wide_as_the_terminal(tmp_path: Path) -> None:
    screen = Screen(io.StringIO(), width=60)
    screen.terminal = True
    table = weightlens.load(stack(tmp_path / "m.h5", [f"a_long_name_of_a_layer_that_somebody_made_up_{i}" for i in range(2)])).summary()
    assert max(map(len, table.lines(screen))) <= 60 < max(map(len, str(table).splitlines())), "in a file nothing is shortened"


@pytest.mark.parametrize("more", [["--layer", "dense"], ["--stats"], ["--grep", "x"], ["--format", "npy"]])
def test_what_a_summary_does_not_have(more: list[str], run: Run) -> None:
    code, out, err = run("show", OR, "--summary", *more)
    assert code == 2 and not out and err.count("\n") == 1


# Help


def test_the_help_is_grouped_and_not_cut_off(run: Run) -> None:
    out = run("--help")[1]
    places = [out.index(f"\n{title}:\n") for title in GROUPS]
    assert places == sorted(places) and "Commands:" not in out and "..." not in out[places[0] :]
    assert {name for commands in GROUPS.values() for name in commands} == {*COMMANDS}
    assert max(map(len, out.splitlines())) <= 80 and out.startswith("Usage: weightlens ")


def test_numbers_of_a_large_model_are_not_read(large: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """Only as many matrices are read as are printed before it is clear that there are too many."""
    read: list[str] = []
    from weightlens.model import Weight

    before = Weight.value.fget
    assert before is not None

    def value(self: Weight) -> np.ndarray:
        read.append(self.path)
        return before(self)

    monkeypatch.setattr(Weight, "value", property(value))
    assert run("show", large)[0] == 0
    assert 0 < len({*read}) < 80


# Files


@pytest.mark.parametrize("command", [
    ("trace", OR, "-i", OR.with_suffix(".csv")), ("predict", OR, "-i", OR.with_suffix(".csv")),
    ("check", OR, "-i", OR.with_suffix(".csv"), "--by-hand", OR.with_name("or_by_hand.csv")), ("show", OR), ("diff", OR, OR), ("audit", OR),
], ids=lambda command: command[0])  # fmt: skip
def test_what_is_opened_is_closed(command: tuple[object, ...]) -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-m", "weightlens", *map(str, command)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr
