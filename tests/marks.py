"""The marks of the tests, from what they use: ``keras``, ``office``, ``slow``, and which of them run in one process.

A test uses Keras when one of its fixtures does, and an office program when it is given one as its engine; others say it
with ``@pytest.mark.keras`` or ``@pytest.mark.office("libreoffice")``. Both make it slow. A test that says nothing is run as
where neither is installed, so a missing mark is noticed.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import zlib
from collections.abc import Collection

import pytest

from tests.workbook.readers import NODE_MISSING

COMMANDS = {"libreoffice": "soffice", "gnumeric": "ssconvert", "node": "node"}
LIBRARIES = ("keras", "tf_keras")
CHUNKS = 8  # the layer cases: one start of each office program for each chunk


def marked(item: pytest.Item) -> None:
    """Give a test its marks."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if {*LIBRARIES, "keras64"} & {*getattr(item, "fixturenames", ())} or parameters.get("library") in LIBRARIES:
        item.add_marker("keras")
    if parameters.get("engine") in COMMANDS:
        item.add_marker(pytest.mark.office(parameters["engine"]))
    for reason in missing(item):
        item.add_marker(pytest.mark.skip(reason=reason))
    if item.get_closest_marker("keras") or item.get_closest_marker("office"):
        item.add_marker("slow")
    if not item.get_closest_marker("xdist_group"):
        item.add_marker(pytest.mark.xdist_group(group(item, parameters)))


def missing(item: pytest.Item) -> list[str]:
    """What a test needs and is not installed."""
    found = [f"{name} is not installed" for name in programs(item) if name != "node" and shutil.which(COMMANDS[name]) is None]
    if item.get_closest_marker("keras") and not all(importlib.util.find_spec(name) for name in LIBRARIES):
        found.append("Keras is not installed: pip install '.[keras]'")
    return found + ([NODE_MISSING] if NODE_MISSING and "node" in programs(item) else [])


def programs(item: pytest.Item) -> set[str]:
    """The office programs that a test starts."""
    return {name for mark in item.iter_markers("office") for name in mark.args}


def group(item: pytest.Item, parameters: dict[str, object]) -> str:
    """What runs in one process with the test: its file, or its share of the layer cases."""
    if "share" in parameters:
        return f"cases {parameters['share']}"
    if "case" in parameters and {"built", "workbook"} & {*getattr(item, "fixturenames", ())}:
        return f"cases {chunk(parameters['case'])}"
    return item.nodeid.partition("::")[0]


def chunk(case: object) -> int:
    """The share of a layer case."""
    return zlib.crc32(str(getattr(case, "name", case)).encode()) % CHUNKS


def hide(monkeypatch: pytest.MonkeyPatch, keras: bool, shown: Collection[str]) -> None:
    """Let everything that a test did not ask for look as where it is not installed."""
    which, hidden = shutil.which, {command for name, command in COMMANDS.items() if name not in shown}
    monkeypatch.setattr(shutil, "which", lambda command, *rest, **named: None if command in hidden else which(command, *rest, **named))
    if not keras:
        for library in (*LIBRARIES, "tensorflow"):
            monkeypatch.setitem(sys.modules, library, None)
