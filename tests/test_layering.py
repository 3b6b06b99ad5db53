"""The modules of the package build upon each other in one direction, those that are imported late included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import weightlens

ROOT = Path(weightlens.__file__).parent
FILES = {".".join(path.with_suffix("").parts[len(ROOT.parts) - 1 :]).removesuffix(".__init__"): path for path in ROOT.rglob("*.py")}
# Methods of Model that are short for functions of what is built upon it: the only way back that there is.
SHORTHANDS = {
    ("weightlens.model", name) for name in ("weightlens.engine.forward", "weightlens.call_order", "weightlens.notebook", "weightlens.page")
}
# What each part may import, beside itself.
BELOW = {
    "specs": set(),
    "recording": {"words", "axes", "notebook"},  # words and axes of a step, when somebody asks it for them
    "axes": {"specs", "recording"},
    "words": {"specs", "recording", "axes", "layers", "model"},
    "layers": {"specs", "recording", "whole"},
    "formats": {"specs", "errors", "limits", "files", "zips", "whole", "model", "call_order"},
}  # fmt: skip


def imports(node: ast.AST) -> Iterator[str]:
    """The modules of the package that a syntax tree imports, wherever it does, but for the annotations only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(child, ast.ImportFrom) and child.module:
            within = (f"{child.module}.{alias.name}" for alias in child.names)
            yield from (name if name in FILES else child.module for name in within if child.module.split(".")[0] == "weightlens")
        elif isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names if alias.name in FILES)
        yield from imports(child)


GRAPH = {name: set(imports(ast.parse(path.read_text()))) - {name} for name, path in FILES.items()}


def test_no_module_imports_what_imports_it() -> None:
    assert all(there in GRAPH[here] for here, there in SHORTHANDS), "a shorthand that is gone"
    graph = {name: {there for there in found if (name, there) not in SHORTHANDS} for name, found in GRAPH.items()}
    TopologicalSorter(graph).prepare()  # CycleError names the circle


@pytest.mark.parametrize("part", sorted(BELOW))
def test_a_part_imports_what_is_below_it_only(part: str) -> None:
    own = f"weightlens.{part}"
    found = {there.split(".")[1] for name in GRAPH if f"{name}.".startswith(f"{own}.") for there in GRAPH[name] if "." in there}
    assert found - {part} <= BELOW[part]
