"""The pages of docs/ are true: their Python runs, their commands run, their links lead somewhere."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from weightlens.cli.main import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("[A-Z]*.md"))]
STORY = ROOT / "docs" / "how-it-works.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the sample models in it."""
    shutil.copytree(ROOT / "sample_models", tmp_path / "sample_models")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_of_how_it_works(folder: Path, keras: Any) -> None:
    blocks = re.findall(r"```python\n(.*?)```", STORY.read_text(), re.DOTALL)
    assert len(blocks) == 6
    exec(compile("\n".join(blocks), STORY.name, "exec"), {})
    assert (folder / "or.xlsx").stat().st_size > 0


def test_the_commands_of_how_it_works(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = re.findall(r"^\$ weightlens (.*)$", STORY.read_text(), re.MULTILINE)
    assert commands
    for command in commands:
        assert main(shlex.split(command)) == 0
    assert "0.9982" in capsys.readouterr().out  # the number of the page


def test_the_lines_quoted_from_the_code_stand_in_it() -> None:
    [quoted] = re.findall(r"```\n(z = step.*?)```", STORY.read_text(), re.DOTALL)
    code = (ROOT / "weightlens" / "layers" / "core.py").read_text()
    for line in quoted.splitlines():
        assert f"    {line}\n" in code, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()):
        assert re.match("https?:", target) or (page.parent / target).exists(), target
