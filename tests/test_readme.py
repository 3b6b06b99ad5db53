"""The README is true: its commands run, its Python runs, its links lead somewhere, its table of layers is current."""

from __future__ import annotations

import importlib.util
import itertools
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from weightlens.cli.main import main

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line[2:] for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line.startswith("$ ")
]
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample models in it, in which the commands follow each other as a reader would type them."""
    here = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "sample_models", here / "sample_models")
    return here


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 8
    assert len(PYTHON) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch, keras: Any) -> None:
    monkeypatch.chdir(folder)
    name, *arguments = shlex.split(command)
    assert name == "weightlens"
    assert main(arguments) == 0
    for written in [a for before, a in itertools.pairwise(arguments) if before == "-o"]:
        assert (folder / written).stat().st_size > 0


def test_the_python(folder: Path, monkeypatch: pytest.MonkeyPatch, keras: Any, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(folder)
    exec(compile(PYTHON[0], "README.md", "exec"), {})
    assert "dot product = input . kernel" in capsys.readouterr().out
    assert (folder / "or.xlsx").exists()


def test_the_python_of_the_layers() -> None:
    from weightlens.specs.registry import REGISTERED, SPECS

    [example] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "layers.md").read_text(), re.DOTALL)
    exec(compile(example, "layers.md", "exec"), {})
    assert "Mine>ScaledSum" in SPECS
    del SPECS["Mine>ScaledSum"]
    REGISTERED.discard("Mine>ScaledSum")


def test_what_installs_and_tests_is_what_ci_runs() -> None:
    [_, tests] = re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)
    ci = (ROOT / ".ci" / "run").read_text()
    for part in tests.split(" && "):
        assert part.replace("install ", "install --quiet ") in ci or part in ci


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_table_of_layers_is_current() -> None:
    spec = importlib.util.spec_from_file_location("make_layers", ROOT / "docs" / "make_layers.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    assert maker.TARGET.read_text() == maker.text(), "run: python docs/make_layers.py"
