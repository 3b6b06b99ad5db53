"""The pages of docs/ are true: their Python runs, their commands run and print what the page says, their links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from weightlens.cli.main import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("[A-Z]*.md"))]
STORY = ROOT / "docs" / "how-it-works.md"
BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n]*)\n(?P<text>.*?)^(?P=indent)```|^<!-- python\n(?P<hidden>.*?)^-->", re.DOTALL | re.MULTILINE
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the sample models in it."""
    shutil.copytree(ROOT / "sample_models", tmp_path / "sample_models")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shell(folder: Path) -> dict[str, str]:
    """The environment of a shell in which ``weightlens`` is a command, and git knows who works."""
    program = folder / "bin" / "weightlens"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m weightlens "$@"\n')
    program.chmod(0o755)
    who = {f"GIT_{role}_{what}": "reader" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | who | {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "GIT_PAGER": "cat"}


def blocks(page: Path) -> list[tuple[str, str]]:
    """What a reader of a page types, block by block: the language (or the name of the file to be made), and the lines.

    A comment that begins with the word python makes what the reader is told to have already.
    """
    found = []
    for block in BLOCK.finditer(page.read_text()):
        if block["hidden"]:
            found.append(("python", block["hidden"]))
            continue
        title = re.search(r'title="(.+?)"', block["info"])
        found.append((title[1] if title else block["info"].strip(), textwrap.dedent(block["text"])))
    return [(kind, text) for kind, text in found if kind in ("python", "console", "sh") or "." in kind]


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block, and the lines that the page says it prints; a backslash continues a command."""
    for part in re.split(r"^\$ ", text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        command, *lines = part.rstrip().splitlines()
        yield command, lines


def needs_keras(page: Path) -> bool:
    typed = "\n".join(text for _, text in blocks(page))
    return re.search(r"weightlens check (?!.*--(by-hand|workbook))|weightlens\.check\(model|import keras", typed) is not None


RUN = [
    pytest.param(page, id=page.name, marks=[pytest.mark.keras] * needs_keras(page))
    for page in PAGES
    if page.parent != ROOT and page.name != "layers.md" and blocks(page)  # the README and the table of layers have tests of their own
]


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN)
def test_what_a_page_tells_to_type(page: Path, folder: Path, shell: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """All blocks of a page, one after another in one folder, as a reader would type them."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for language, text in blocks(page):
        if language == "python":
            exec(compile(text, page.name, "exec"), names)
        elif "." in language:
            Path(language).write_text(text)
        elif language == "sh" and "pip install" not in text:
            subprocess.run(["bash", "-euc", text], env=shell, check=True, capture_output=True)
        elif language == "console":
            for command, lines in commands(text):
                printed = run(command, shell, capsys)
                pattern = ".*".join(map(re.escape, "\n".join(lines).split("..."))).replace(r"\\\n", "\n")
                assert re.search(pattern, printed, re.DOTALL), f"$ {command}\n{printed}"


def run(command: str, environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command prints: ours in this process, which is quicker, others (and pipes) in a shell."""
    if not command.startswith("weightlens ") or re.search(r" [|>] | && ", command):
        done = subprocess.run(["bash", "-uc", command], env=environment, capture_output=True, text=True)
        assert done.returncode in (0, 1) and "Error" not in done.stderr, f"$ {command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr
    capsys.readouterr()
    code = main(shlex.split(command, comments=True)[1:])
    printed = capsys.readouterr()
    assert code == 0 or (code == 1 and command.split()[1] in ("check", "diff")), f"$ {command}\n{printed.err}"
    return printed.out + printed.err


def test_the_lines_quoted_from_the_code_stand_in_it() -> None:
    [quoted] = re.findall(r"```\n(z = step.*?)```", STORY.read_text(), re.DOTALL)
    code = (ROOT / "weightlens" / "layers" / "core.py").read_text()
    for line in quoted.splitlines():
        assert f"    {line}\n" in code, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()):
        assert re.match("https?:", target) or (page.parent / target).exists(), target


def test_every_picture_is_shown_and_drawn_by_a_script() -> None:
    scripts = "".join((ROOT / "docs" / name).read_text() for name in ("pictures.py", "make_learning.py", "page_pictures.py"))
    texts = "".join(page.read_text() for page in PAGES)
    for picture in (ROOT / "docs").glob("*.png"):
        assert f'"{picture.stem}"' in scripts, f"{picture.name} is drawn by no script"
        assert f"{picture.name})" in texts, f"{picture.name} is on no page"
