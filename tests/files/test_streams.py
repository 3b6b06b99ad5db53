"""Streams and disks that are full, closed or gone: one line on stderr and exit code 2, never 1 (a difference)."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import weightlens
from tests.formats.build import archive, dense, given, numbered, numbers, sequential
from tests.tiny import write_tiny
from weightlens.cli.main import main

pytestmark = pytest.mark.slow

LEAST = 4096  # bytes that a file may have where the disk is "full"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "tiny.h5")


def shell(line: str, folder: Path, **environment: str) -> tuple[int, str, str]:
    """A line for the shell in which ``weightlens`` is the command: exit code, standard output, standard error."""
    known = {**os.environ, "PYTHONPATH": str(Path(weightlens.__file__).parent.parent), **environment}
    command = f'weightlens() {{ "{sys.executable}" -m weightlens "$@"; }}; {line}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=folder, env=known)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("line", [
    "weightlens show tiny.h5 >&-", "weightlens show tiny.h5 >/dev/full", "weightlens --help >&-", "weightlens --version >/dev/full",
    "weightlens show tiny.h5 --format json >&-", "weightlens show tiny.h5 --format csv >/dev/full", "weightlens diff tiny.h5 tiny.h5 >&-",
    "weightlens trace tiny.h5 >/dev/full", "weightlens predict tiny.h5 -i - <&-", "weightlens predict tiny.h5 -i 0,1 >/dev/full",
    "weightlens check tiny.h5 --by-hand - <&-", "weightlens nonsense >&-", "weightlens show nowhere.h5 >&-",
    "weightlens export tiny.h5 >&-",
])  # fmt: skip
@pytest.mark.parametrize("buffered", ["1", ""])
def test_a_stream_that_is_closed_or_full(line: str, buffered: str, tiny: Path) -> None:
    code, out, err = shell(line, tiny.parent, PYTHONUNBUFFERED=buffered)
    assert (code, out) == (2, "") and err.startswith("Error: ") and err.count("\n") == 1, err


@pytest.mark.parametrize("closed", ["2>/dev/full", "2>&-", ">&- 2>&-", ">&- 2>&- <&-"])
def test_where_nothing_can_be_said_the_exit_code_stays(closed: str, tiny: Path) -> None:
    code, out, err = shell(f"weightlens show nowhere.h5 {closed}", tiny.parent)
    assert (code, out, err) == (2, "", "")
    assert shell(f"weightlens diff tiny.h5 tiny.h5 -o same.txt {closed}", tiny.parent) == (0, "", "")
    assert "same" in tiny.with_name("same.txt").read_text()


def test_what_needs_no_stream_does_not_miss_it(tiny: Path) -> None:
    """And no file gets the number of a closed one: native code would print into it."""
    assert shell("weightlens show tiny.h5 --format json -o all.json >&- <&-", tiny.parent) == (0, "", "")
    assert tiny.with_name("all.json").read_text().endswith("}\n")


def test_nobody_reads_on(tiny: Path) -> None:
    code, _, err = shell("set -o pipefail; weightlens show tiny.h5 --full --format json | true", tiny.parent)
    assert (code, err) == (0, "")


@pytest.mark.parametrize("command", [
    "export tiny.h5 -o new.xlsx", "train-sheet tiny.h5 -i data.csv --target a,b -o new.xlsx", "predict tiny.h5 -i rows.csv -o new.csv",
    "fit tiny.h5 -i data.csv --target a,b -o new.h5", "fit m.keras -i data.csv --target a,b -o new.keras",
    "show m.keras --format json -o new.json", "show m.keras --format npy -o new.npz", "show m.keras --full -o new.txt",
])  # fmt: skip
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_full_disk(
    command: str, force: list[str], tiny: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Files may not grow beyond a limit, which ends in the same way as a full disk."""
    monkeypatch.chdir(tiny.parent)
    layers = sequential(given("x", 2, key="batch_shape"), dense("a", 700), dense("b", 2))
    weights = numbered("layers/dense", numbers(2, 700), numbers(700)) | numbered("layers/dense_1", numbers(700, 2), numbers(2))
    archive(Path("m.keras"), layers, weights, compress=False)
    Path("data.csv").write_text("u,v,a,b\n0,1,0,1\n")
    Path("rows.csv").write_text("0,1\n" * 1000)
    new = Path(command.split()[-1])
    if force:
        new.write_text("old")
    before = sorted(Path().iterdir())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LEAST, limits[1]))
    try:
        code = main([*command.split(), *force])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    out, err = capfd.readouterr()
    assert code == 2 and not out and err.count("\n") == 1, err
    assert err.startswith((f"Error: {new}: cannot be written (", "Error: temporary files cannot be written in "))
    assert sorted(Path().iterdir()) == before and (not force or new.read_text() == "old")


def test_no_room_for_temporary_files(tiny: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = archive(tiny.with_name("m.keras"), sequential(given("x", 2, key="batch_shape"), dense("a", 900)),
                   numbered("layers/dense", numbers(2, 900), numbers(900)), compress=True)  # fmt: skip
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LEAST, limits[1]))
    try:
        code = main(["show", str(path)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    err = capfd.readouterr().err
    assert code == 2 and "cannot be unpacked in" in err and "TMPDIR" in err and "damaged" not in err


def test_a_folder_for_temporary_files_that_is_not_there(tiny: Path) -> None:
    archive(tiny.with_name("m.keras"), sequential(given("x", 3, key="batch_shape"), dense("a", 2)),
            numbered("layers/dense", numbers(3, 2), numbers(2)), compress=True)  # fmt: skip
    assert shell("weightlens show m.keras", tiny.parent, TMPDIR="/nowhere")[0] == 0
