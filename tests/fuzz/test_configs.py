"""A short run of the fuzzer of configurations, long ones are run by hand."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cases import CASES, Case
from tests.conftest import Built
from tests.fuzz.configs import fuzz

FEW = [case for case in CASES if not case.name.startswith("ops")][::12]


@pytest.fixture
def little_memory() -> Iterator[None]:
    """What is not refused for its size may not take the machine's memory either."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture
def archives(built: Callable[[Case], Built]) -> list[Path]:
    return [built(case).path for case in FEW]


def test_a_changed_configuration_is_computed_or_refused_by_name(archives: list[Path], little_memory: None) -> None:
    results = list(fuzz(archives, 300))
    assert {what: result for what, result in results if result.startswith(("fault", "vague"))} == {}
    assert {result for _, result in results} == {"computed", "refused"}


@pytest.mark.parametrize("options", [{"axis": "x"}, {"axis": [[1]]}, {"axis": {"a": 1}}, {"axis": 10**400}])
def test_an_operation_with_options_of_a_wrong_kind_is_one_line(options: dict[str, object], keras: object, tmp_path: object) -> None:
    import json
    import zipfile
    from pathlib import Path
    from typing import Any, cast

    import numpy as np

    import weightlens

    k, folder = cast(Any, keras), cast(Path, tmp_path)
    x = k.Input((3,))
    k.Model(x, k.ops.softmax(x, axis=-1)).save(folder / "m.keras")
    with zipfile.ZipFile(folder / "m.keras") as archive:
        archive.extractall(folder / "m")
    entry = json.loads((folder / "m/config.json").read_text())
    entry["config"]["layers"][-1]["config"].update(options)
    (folder / "m/config.json").write_text(json.dumps(entry))
    with pytest.raises(weightlens.WeightlensError) as refusal:
        weightlens.load(folder / "m").predict(np.ones((1, 3)))
    assert "\n" not in str(refusal.value)
