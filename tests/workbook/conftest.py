"""One workbook of every kind, written once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Built
from tests.workbook.kinds import COMMANDS, LAYERS, write_case, write_command, write_history


@pytest.fixture(scope="session")
def books(built: Callable[..., Built], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The workbooks by what they hold."""
    folder = tmp_path_factory.mktemp("kinds")
    paths = {name: folder / f"{i}.xlsx" for i, name in enumerate([*COMMANDS, *LAYERS])}
    made = {name: write_command(name, path) if name in COMMANDS else write_case(LAYERS[name], built, path) for name, path in paths.items()}
    return made | {"a training by Keras": write_history(folder / "history.xlsx")}
