"""Ctrl-C and being told to end: no traceback, the usual exit code, nothing left behind; also while modules are imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import weightlens
from tests.tiny import write_tiny

pytestmark = pytest.mark.slow

AT_IMPORT = """
import os, runpy, sys
class Hook:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Hook())
sys.argv = ["weightlens", *sys.argv[1:]]
runpy.run_module("weightlens", run_name="__main__", alter_sys=True)
"""
AT_WRITING = """
import os, sys
import weightlens.files
class Output(weightlens.files.OutputFile):
    def write(self, data):
        print(self.name)
        sys.stdout.flush()
        os.kill(os.getpid(), {number})
        return super().write(data)
weightlens.files.OutputFile = Output
sys.argv = ["weightlens", *sys.argv[1:]]
from weightlens.__main__ import run
run()
"""
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


def ended(code: str, *arguments: object, ignored: bool = False) -> subprocess.CompletedProcess[str]:
    """A process that runs the code, and what became of it."""
    environment = {**os.environ, "PYTHONPATH": str(Path(weightlens.__file__).parent.parent)}
    hang_up = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    finally:
        signal.signal(signal.SIGHUP, hang_up)


@pytest.mark.parametrize("module", ["typer", "numpy", "h5py", "weightlens.cli.main", "weightlens.model", "weightlens.formats.hdf5.access"])
def test_while_modules_are_imported(module: str, tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path / "tiny.h5")
    for number, code in SIGNALS[:2]:
        done = ended(AT_IMPORT.format(module=module, number=int(number)), "show", tiny)
        assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("force", [False, True])
def test_while_a_file_is_written(number: int, code: int, force: bool, tmp_path: Path) -> None:
    tiny, target = write_tiny(tmp_path / "tiny.h5"), tmp_path / "x.xlsx"
    if force:
        target.write_text("old")
    done = ended(AT_WRITING.format(number=int(number)), "export", tiny, "-o", target, *["--force"] * force)
    assert ".part" in done.stdout, "the signal came while the file was written"
    assert (done.returncode, done.stderr) == (code, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.h5", *["x.xlsx"] * force]
    assert not force or target.read_text() == "old"


def test_signals_that_are_ignored_stay_so(tmp_path: Path) -> None:
    tiny, target = write_tiny(tmp_path / "tiny.h5"), tmp_path / "x.xlsx"
    assert ended(AT_WRITING.format(number=int(signal.SIGHUP)), "export", tiny, "-o", target, ignored=True).returncode == 0
    assert target.exists()


def test_as_a_library_signals_are_left_alone() -> None:
    before = [signal.getsignal(number) for number, _ in SIGNALS]
    import weightlens.files
    import weightlens.stopping  # noqa: F401

    assert [signal.getsignal(number) for number, _ in SIGNALS] == before


def test_killed_at_random_times() -> None:
    """A short run; the long one is ``python -m tests.files.kill 1000``."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.files.kill", "36"]  # a process of its own, without the threads that would be forked
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=Path(__file__).parents[2])
    assert done.returncode == 0 and "killed" in done.stdout, done.stderr


@pytest.mark.office("libreoffice")
def test_programs_that_were_started_are_stopped(tmp_path: Path) -> None:
    scratch, command = tmp_path / "scratch", [sys.executable, "-m", "weightlens", "export", write_tiny(tmp_path / "tiny.h5"), "--verify"]
    scratch.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(Path(weightlens.__file__).parent.parent), "TMPDIR": str(scratch)}
    with subprocess.Popen([*command, "-o", tmp_path / "x.xlsx"], stderr=subprocess.PIPE, env=environment, text=True) as process:
        while process.poll() is None and not list(scratch.glob("*/profile 0/user/*")):
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None and process.stderr.read() == ""
    assert process.returncode == 143
    assert not list(scratch.glob("weightlens-*")) and [path.name for path in sorted(tmp_path.iterdir())] == ["scratch", "tiny.h5"]
