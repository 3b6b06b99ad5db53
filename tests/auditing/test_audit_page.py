"""The page ``docs/audit.md``: its table is that of the rules, and what it shows runs."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from weightlens.auditing.reports import FORMATS
from weightlens.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "audit.md"


def test_the_table_of_rules_is_that_of_the_rules() -> None:
    spec = importlib.util.spec_from_file_location("make_audit", ROOT / "docs" / "make_audit.py")
    assert spec is not None and spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    text = PAGE.read_text()
    assert maker.replaced(text, "rules", maker.rule_table()) == text, "run: python docs/make_audit.py"


def test_what_the_page_shows_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    text = PAGE.read_text()
    for command in re.findall(r"^\$ weightlens (.*)$", text, re.MULTILINE):
        assert main(shlex.split(command)) == 0
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(code, PAGE.name, "exec"), {})
    assert "optimizer-state-left" in capsys.readouterr().out
    assert all(f"`{name}`" in text for name in FORMATS)
