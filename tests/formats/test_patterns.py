"""Patterns of the command line find what Python's ``glob`` finds, and come to an end where links lead back."""

from __future__ import annotations

import glob
from pathlib import Path

import pytest

from weightlens.formats.patterns import matches

FILES = ("a.h5", "x/b.h5", "x/y/c.h5", "x/y/.d.h5", ".hidden/e.h5", "[1]/f.h5", "x/[*]/g.h5", "x/y/z/h.keras")
PATTERNS = (
    "*.h5",
    "**/*.h5",
    "**",
    "x/**",
    "**/y/**/*.h5",
    "x/**/[ch].*",
    "*/**/*.h5",
    "**/",
    "**.h5",
    "x**/*.h5",
    "none/**/*.h5",
    "[[]1]/*.h5",
    "**/b**",
    "x/**/**",
    "**/**/c*",
    "*/../**/g.h5",
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("pattern", PATTERNS)
def test_as_glob(here: Path, pattern: str) -> None:
    (here / "linked").symlink_to("x/y")
    for typed in (pattern, f"{here}/{pattern}", f"./{pattern}"):
        assert set(map(Path, matches(typed))) == set(map(Path, glob.glob(typed, recursive=True)))  # noqa: PTH207 - the witness


def test_links_that_lead_back(here: Path) -> None:
    for name in ("one", "two", "x/up", "x/y/self"):
        (here / name).symlink_to(here if name != "x/y/self" else "self")
    assert matches("**/*.h5") == ["[1]/f.h5", "a.h5", "x/[*]/g.h5", "x/b.h5", "x/y/c.h5"]
