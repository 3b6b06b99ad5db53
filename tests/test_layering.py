"""The modules of the package build upon each other in one direction, those that are imported late or for types only included."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import weightlens

ROOT = Path(weightlens.__file__).parent
FILES = {".".join(path.with_suffix("").parts[len(ROOT.parts) - 1 :]).removesuffix(".__init__"): path for path in ROOT.rglob("*.py")}
# Methods of these modules that are short for functions of what is built upon them: the only way back that there is.
METHODS = {
    "model": ("recording", "engine.forward", "call_order", "page", "api.notebook", "axes.names", "api.model_summary", "api.model_words"),
    "recording.trace": ("words.wording", "axes.rules", "api.frames", "api.notebook"),
    "report": ("api.notebook",),
}
SHORTHANDS = {(f"weightlens.{here}", f"weightlens.{there}") for here, others in METHODS.items() for there in others}
# What each part may import, beside itself.
BELOW = {
    "specs": set(),
    "recording": {"errors", "words", "axes", "model", "api"},  # of a step or a trace, when somebody asks it for them
    "axes": {"specs", "recording"},
    "words": {"specs", "recording", "axes", "layers", "model"},
    "layers": {"specs", "recording"},
    "operations": {"specs", "recording", "layers"},
    "formats": {"specs", "errors", "limits", "files", "zips", "model", "call_order"},
    "formats.hdf5": {"errors", "limits", "model"},
    "formats.containers": {"errors", "limits", "zips", "formats.hdf5", "formats.remote"},
    "formats.architecture": {"errors", "limits", "model", "call_order", "specs"},
    "formats.weights": {"errors", "limits", "model", "call_order", "specs", "formats.hdf5", "formats.containers", "formats.architecture"},
    "engine": {"specs", "recording", "layers", "operations", "errors", "limits", "model", "call_order", "statistics"},
    "inputs": {"specs", "engine", "tables", "errors", "limits", "zips", "model", "call_order"},
    "tables": {"specs", "spreadsheet", "workbook.formulas", "errors", "limits", "zips"},
    "spreadsheet": {"specs", "recording", "workbook.formulas", "formats.containers", "errors", "limits", "files", "zips"},
    "workbook.formulas": {"recording", "errors"},
    "workbook.xlsx": {"workbook.formulas", "errors", "zips"},
    "workbook.layout": {"workbook.formulas", "workbook.xlsx", "specs", "recording", "axes", "model", "errors"},
    "workers": {"errors", "stopping"},
}  # fmt: skip


def imports(node: ast.AST) -> Iterator[str]:
    """The modules of the package that a syntax tree imports, wherever it does."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ImportFrom) and child.module:
            within = (f"{child.module}.{alias.name}" for alias in child.names)
            yield from (name if name in FILES else child.module for name in within if child.module.split(".")[0] == "weightlens")
        elif isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names if alias.name in FILES)
        yield from imports(child)


@functools.cache
def graph() -> dict[str, set[str]]:
    """What each module imports."""
    return {name: set(imports(ast.parse(path.read_text()))) - {name} for name, path in FILES.items()}


def test_no_module_imports_what_imports_it() -> None:
    assert all(there in graph()[here] for here, there in SHORTHANDS), "a shorthand that is gone"
    others = {name: {there for there in imported if (name, there) not in SHORTHANDS} for name, imported in graph().items()}
    TopologicalSorter(others).prepare()  # CycleError names the circle


@pytest.mark.parametrize("part", sorted(BELOW))
def test_a_part_imports_what_is_below_it_only(part: str) -> None:
    own, *below = (f"weightlens.{name}." for name in (part, *BELOW[part]))
    found = {there for name in graph() if f"{name}.".startswith(own) for there in graph()[name] if "." in there}
    assert not {there for there in found if not f"{there}.".startswith((own, *below))}


def room(module: str) -> str:
    """The package at the top in which a module is (of the workbook its floor); a module outside of them is a room of its own."""
    parts = module.split(".")
    return ".".join(parts[1:3] if parts[1:2] == ["workbook"] else parts[1:2])


def test_no_room_imports_what_imports_it() -> None:
    """The same of the packages at the top, but for a step, which asks for its words and axes late."""
    rooms: dict[str, set[str]] = {}
    for name, imported in graph().items():
        ways = {there for there in imported if (name, there) not in SHORTHANDS and not name.startswith("weightlens.recording")}
        rooms.setdefault(room(name), set()).update({room(there) for there in ways} - {room(name), ""})
    TopologicalSorter(rooms).prepare()
