"""The house: how large a room, a file and a function may be, and that no two files have one name."""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

import weightlens
from tests.marks import LONGEST

ROOT = Path(weightlens.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
FILES_IN_A_PACKAGE, LINES_IN_A_FILE, LINES_IN_A_FUNCTION, PARAMETERS = 16, 300, 40, 8


class Function(NamedTuple):
    """A function by its place, and how large it is."""

    place: str
    lines: int
    parameters: int


@functools.cache
def functions() -> list[Function]:
    """Every function of the package but the commands, whose parameters are the options that typer reads. (No tree is kept: all of them
    would be looked through for garbage again and again.)"""
    return [
        Function(f"{path.relative_to(ROOT)}: {node.name}", (node.end_lineno or 0) - node.lineno + 1, parameters(node))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_command(path, node)
    ]


def is_command(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    written = ast.unparse(node.args)
    return "Annotated[" in written or (path.parent.name == "cli" and "model: ModelFile" in written)


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many parameters a caller thinks of; the keyword-only ones of a layer's function are call arguments of Keras, and do not count."""
    named = node.args.posonlyargs + node.args.args
    is_layer_function = [argument.arg for argument in named[:4]] == ["x", "w", "config", "step"]
    return len(named) + (0 if is_layer_function else len(node.args.kwonlyargs))


@pytest.mark.parametrize("package", sorted({path.parent for path in FILES}), ids=lambda path: str(path.relative_to(ROOT.parent)))
def test_a_package_has_few_files(package: Path) -> None:
    assert sum(path.parent == package for path in FILES) <= FILES_IN_A_PACKAGE


def test_no_two_files_have_one_name() -> None:
    names = Counter(path.name for path in FILES if path.name != "__init__.py")
    assert not [name for name, count in names.items() if count > 1]


def test_files_and_functions_are_short() -> None:
    files = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in FILES}
    assert not {name: count for name, count in files.items() if count > LINES_IN_A_FILE}
    assert not [function for function in functions() if function.lines > LINES_IN_A_FUNCTION]


def test_parameter_lists_are_short() -> None:
    assert not [function for function in functions() if function.parameters > PARAMETERS]


@pytest.mark.parametrize("package", sorted({path.parent for path in FILES}), ids=lambda path: str(path.relative_to(ROOT.parent)))
def test_a_package_says_what_it_is(package: Path) -> None:
    assert ast.get_docstring(ast.parse((package / "__init__.py").read_text()))


def test_what_the_type_checker_is_not_to_see_has_a_reason() -> None:
    bare = re.compile(r"# type: ignore(?!\[[\w-]+\]  # \w)")
    lines = [(path.name, line.strip()) for path in FILES for line in path.read_text().splitlines()]
    assert not [(name, line) for name, line in lines if bare.search(line)]


def test_no_hint_installs_another_project() -> None:
    """On PyPI the name weightlens belongs to somebody else: a hint names what is needed, or this folder."""
    texts = [
        *FILES,
        *(path for kind in ("*.md", "docs/*", "benchmarks/*.py", ".ci/*", "Makefile") for path in ROOT.parent.glob(kind) if path.is_file()),
    ]
    hints = [path.name for path in texts if re.search(r"install +(-\S+ +)*['\"]?weightlens\b", path.read_text(errors="replace"))]
    assert not hints


def test_the_longest_test_files_are_there() -> None:
    assert [name for name in LONGEST[1:] if not (ROOT.parent / name).is_file()] == [] and len({*LONGEST}) == len(LONGEST)
