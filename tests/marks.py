"""The marks of the tests, from what they use: ``keras``, ``office``, ``slow``; and which of them run in one process.

A test uses Keras when one of its fixtures does, and an office program when it is given one as its engine; others say it
with ``@pytest.mark.keras`` or ``@pytest.mark.office("libreoffice")``. Both make it slow; a few files are slow by themselves. A test
that says nothing is run as where neither is installed, so a missing mark is noticed.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import shutil
import sys
import zlib
from collections.abc import Collection

import pytest

from tests.workbook.readers import NODE_MISSING

COMMANDS = {"libreoffice": "soffice", "gnumeric": "ssconvert", "node": "node", "chromium": "chromium"}
LIBRARIES = ("keras", "tf_keras")
CHUNKS = 2  # the layer cases: one start of each office program for each chunk

# What runs longest begins first, so that all processes end together: at least six seconds of a processor each.
LONGEST = (
    "cases", "tests/test_limits.py", "tests/training/test_training.py", "tests/auditing/test_remote.py", "tests/training/test_sheets.py",
    "tests/workbook/test_neuron.py", "tests/formats/savedmodel/test_witness.py", "tests/training/test_callback.py",
    "tests/workbook/test_witnesses.py", "tests/training/test_combinations.py", "tests/workbook/test_samples.py", "tests/page/test_page.py",
    "tests/checks/test_byhand.py", "tests/test_import.py", "tests/workbook/test_exercises.py", "tests/workbook/test_formulas.py",
    "tests/workbook/test_saved_again.py", "tests/workbook/test_play.py", "tests/formats/test_live.py", "tests/browse/test_screens.py",
    "tests/test_docs.py", "tests/twin/test_twin.py", "tests/workbook/test_drawing.py", "tests/workbook/test_sheets.py",
    "tests/cli/test_cli_parts.py", "tests/checks/test_byhand_networks.py", "tests/test_api.py", "tests/files/test_signals.py",
    "tests/files/test_streams.py", "tests/workbook/test_time_table.py", "tests/workbook/test_workbook.py", "tests/fuzz/test_fuzz.py",
    "tests/checks/test_keras.py", "tests/layers/test_masks_keras2.py", "tests/engine/test_state.py", "tests/writers/test_convert.py",
    "tests/checks/test_check.py", "tests/test_import_random.py", "tests/browse/test_browser.py",
)  # fmt: skip

# Left out of the quick run, too: each takes about four seconds of a processor or more without Keras and without an office program.
SLOW = frozenset({
    "tests/auditing/test_audit.py", "tests/auditing/test_store.py", "tests/browse/test_browser.py", "tests/checks/test_byhand_files.py",
    "tests/cli/test_cli_parts.py", "tests/cli/test_json.py", "tests/cli/test_manners.py", "tests/spreadsheet/test_sheet_rows.py",
    "tests/test_api.py", "tests/test_import.py", "tests/twin/test_twin.py", "tests/workbook/test_file_size.py",
    "tests/workbook/test_formulas.py", "tests/workbook/test_saved_again.py", "tests/workbook/test_workbook.py",
    "tests/writers/test_convert.py",
})  # fmt: skip


def marked(item: pytest.Item) -> None:
    """Give a test its marks."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if {*LIBRARIES, "keras64"} & {*getattr(item, "fixturenames", ())} or parameters.get("library") in LIBRARIES:
        item.add_marker("keras")
    if parameters.get("engine") in COMMANDS:
        item.add_marker(pytest.mark.office(parameters["engine"]))
    for reason in missing(item):
        item.add_marker(pytest.mark.skip(reason=reason))
    if item.get_closest_marker("keras") or item.get_closest_marker("office") or item.nodeid.partition("::")[0] in SLOW:
        item.add_marker("slow")


def missing(item: pytest.Item) -> list[str]:
    """What a test needs and is not installed."""
    needed = programs(item)
    absent = [f"{name} is not installed" for name in needed if name != "node" and not has_command(name)]
    if item.get_closest_marker("keras") and not has_keras():
        absent.append("Keras is not installed: pip install '.[keras]'")
    if "chromium" in needed and importlib.util.find_spec("playwright") is None:
        absent.append("Playwright is not installed: pip install '.[test]'")
    return absent + ([NODE_MISSING] if NODE_MISSING and "node" in needed else [])


@functools.cache
def has_command(program: str) -> bool:
    return shutil.which(COMMANDS[program]) is not None


@functools.cache
def has_keras() -> bool:
    return all(importlib.util.find_spec(name) for name in LIBRARIES)


def programs(item: pytest.Item) -> set[str]:
    """The office programs that a test starts."""
    return {name for mark in item.iter_markers("office") for name in mark.args}


def group(nodeid: str) -> str:
    """What runs in one process with a test: its file, or its share of the layer cases."""
    file, identifier = nodeid.partition("::")[0], nodeid.removesuffix("]").partition("[")[2]
    if file in ("tests/layers/test_layers.py", "tests/page/test_cases.py"):
        return f"cases {share(re.sub(r'-(ironcalc|libreoffice|gnumeric)$', '', identifier))}"
    return f"cases {identifier.removeprefix('share ')}" if identifier.startswith("share ") else file


def rank(item: pytest.Item) -> int:
    """When a test's turn is: the place of its group among the longest ones, or after them."""
    name = group(item.nodeid).partition(" ")[0]
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


def chunk(case: object) -> int:
    """The share of a layer case."""
    return share(str(getattr(case, "name", case)))


def share(name: str) -> int:
    """The same by name."""
    return zlib.crc32(name.encode()) % CHUNKS


def hide(monkeypatch: pytest.MonkeyPatch, keras: bool, shown: Collection[str]) -> None:
    """Let everything that a test did not ask for look as where it is not installed."""
    which, hidden = shutil.which, {command for name, command in COMMANDS.items() if name not in shown}
    monkeypatch.setattr(shutil, "which", lambda command, *rest, **named: None if command in hidden else which(command, *rest, **named))
    if not keras:
        for library in (*LIBRARIES, "tensorflow"):
            monkeypatch.setitem(sys.modules, library, None)
