"""``show --textconv``: text that changes where the model does, and never fails; and git with it, in a real repository."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.conftest import INPUTS
from tests.tiny import write_tiny
from weightlens.cli.main import main
from weightlens.formats import load
from weightlens.terminal.textconv import text_of_file
from weightlens.writers.patching import patch_model

ROOT = Path(__file__).resolve().parent.parent.parent
OR = next(path for path in INPUTS if path.stem == "or")


def lines_of(path: Path) -> Iterator[str]:
    return text_of_file(path, lambda: load(path))


def changed_lines(a: Path, b: Path) -> list[tuple[str, str]]:
    return [pair for pair in zip(lines_of(a), lines_of(b), strict=True) if pair[0] != pair[1]]


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_the_text_depends_on_the_model_only(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / f"other_name{path.suffix}"
    shutil.copy(path, copy)
    os.utime(copy, (0, 0))
    text = list(lines_of(path))
    assert text == list(lines_of(copy)) and len(text) > 20
    assert not any(path.name in line for line in text)


def test_one_number_is_one_line(tmp_path: Path) -> None:
    patch_model(OR, ["dense/kernel[0,1]=0.5"], tmp_path / "new.h5")
    assert changed_lines(OR, tmp_path / "new.h5") == [("    [0, 0] -5.358563 5.397981", "    [0, 0] -5.358563 0.5")]


def test_every_number_has_all_its_digits(tmp_path: Path) -> None:
    first = write_tiny(tmp_path / "a.h5", bias=[np.float32(1 / 3), 1])
    second = write_tiny(tmp_path / "b.h5", bias=[np.nextafter(np.float32(1 / 3), np.float32(1)), 1])
    assert len(changed_lines(first, second)) == 1


def test_a_large_matrix_is_one_line_that_changes_with_any_number(tmp_path: Path) -> None:
    kernel = np.random.default_rng(0).normal(size=(2, 3000)).astype("float32")
    first = write_tiny(tmp_path / "a.h5", kernel=kernel, bias=np.zeros(3000))
    kernel[1, 2999] = np.nextafter(kernel[1, 2999], np.float32(9))
    second = write_tiny(tmp_path / "b.h5", kernel=kernel, bias=np.zeros(3000))
    [(before, after)] = changed_lines(first, second)
    assert "sha256" in before and before.split("sha256")[0] == after.split("sha256")[0]


def test_a_large_matrix_with_nan_has_no_range(tmp_path: Path) -> None:
    bias = np.append(np.zeros(2999), np.nan)
    lines = list(lines_of(write_tiny(tmp_path / "a.h5", kernel=np.zeros((2, 3000)), bias=bias)))
    assert "from nan to nan, mean nan" in lines[-1] and "from 0 to 0, mean 0," in lines[-3]


def test_a_large_matrix_of_integers_keeps_its_last_bit(tmp_path: Path) -> None:
    """2^53 and 2^53 + 1 are one number as a float."""
    texts = []
    for last in (2**53, 2**53 + 1):
        with h5py.File(tmp_path / "m.h5", "w") as file:
            file["numbers"] = np.append(np.zeros(2000, "int64"), last)
        texts.append(list(lines_of(tmp_path / "m.h5")))
    assert texts[0] != texts[1]


def test_broken_files_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = OR.read_bytes()
    damaged = [b"", b"PK", b"text", b"version https://git-lfs.github.com/spec/v1\n", *(source[:n] for n in range(0, len(source), 997))]
    generator = random.Random(0)
    for _ in range(40):
        copy = bytearray(source)
        for _ in range(30):
            copy[generator.randrange(len(copy))] = generator.randrange(256)
        damaged.append(bytes(copy))
    refused = 0
    for content in damaged:
        (tmp_path / "m.h5").write_bytes(content)
        assert main(["show", "--textconv", str(tmp_path / "m.h5")]) == 0
        out, err = capsys.readouterr()
        assert out and not err and str(tmp_path) not in out
        refused += out.count("\n") == 1
    assert refused >= 10
    assert main(["show", "--textconv", str(tmp_path / "nowhere.h5")]) == 0


def test_weights_alone_are_read_with_what_is_said_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = tmp_path / "w.h5"
    with h5py.File(alone, "w") as file:
        file["w/0"], file["w/1"] = np.eye(2), np.zeros(2)
    for options, says in ((["--assume", "dense:relu"], 'activation: "relu"'), (["--config", str(OR)], 'activation: "softmax"')):
        assert main(["show", "--textconv", str(alone), *options]) == 0
        assert says in capsys.readouterr().out
        assert main(["show", "--tree", str(alone), *options]) == 2
        assert "goes without --config and --assume" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--layer", "dense"], "--textconv is about the whole model"),
        (["--heat"], "--textconv is about the whole model"),
        (["--summary"], "--textconv and --summary: ask for one of them"),
        (["--tree"], "--textconv and --tree: ask for one of them"),
        (["--format", "json"], "--format json: it is one of table"),
    ],
)
def test_what_it_has_not_is_refused(options: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--textconv", str(OR), *options]) == 2
    shown = capsys.readouterr()
    assert says in shown.err and not shown.out


def test_text_of_the_file_is_harmless(tmp_path: Path) -> None:
    file = write_tiny(tmp_path / "m.h5", name="a\x1b[31m\u202eb")
    with h5py.File(file, "a") as opened:
        opened.attrs["keras_version"] = "3\n+++ b/evil"
    assert all(line.isprintable() for line in lines_of(file))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_goes_on_after_a_broken_file(tmp_path: Path) -> None:
    """Two versions of two models, one of them broken: both are in the diff, and git's exit code is 0."""

    def git(*arguments: str) -> str:
        who = {f"GIT_{role}_{what}": "x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environment = os.environ | who | {"HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(["git", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    git("init", "--quiet")
    git("config", "diff.keras.textconv", f"{sys.executable} -m weightlens show --textconv")
    (tmp_path / ".gitattributes").write_text("*.h5 diff=keras\n")
    broken, model = tmp_path / "a.h5", write_tiny(tmp_path / "b.h5")
    broken.write_bytes(OR.read_bytes())
    git("add", ".")
    git("commit", "--quiet", "-m", "one")
    broken.write_bytes(OR.read_bytes()[:3000])
    write_tiny(model, bias=[9, 9])
    said = git("diff")
    assert "+not a model that can be read: a.h5: " in said and "-    [0] 0.5 -1.25\n+    [0] 9.0 9.0" in said
