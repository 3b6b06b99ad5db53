"""The page's modules: each after what it imports, and every name once, for they share one scope."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import weightlens.page
from weightlens.page.document import BOOT, MODULES, joined
from weightlens.page.program import runs
from weightlens.workbook.xlsx.charts import COLOURS

STATIC = Path(weightlens.page.__file__).parent / "static"


def test_every_module_is_in_the_page_once() -> None:
    assert sorted({*BOOT, *MODULES}) == sorted(path.stem for path in STATIC.glob("*.js"))
    assert len(set(MODULES)) == len(MODULES)


@pytest.mark.parametrize("modules", [BOOT, MODULES])
def test_imports_stand_before(modules: tuple[str, ...]) -> None:
    for place, name in enumerate(modules):
        found = re.findall(r'^import [^;]* from "\./(\w+)\.js";$', (STATIC / f"{name}.js").read_text(), re.MULTILINE)
        assert set(found) <= set(modules[:place]), name
    assert "import " not in re.sub(r"//.*|`[^`]*`|\"[^\"]*\"", "", joined(modules))


def test_classes_have_the_colours_of_a_workbook() -> None:
    source = (STATIC / "colours.js").read_text().partition("CLASSES = [")[2].partition("];")[0]
    colours = ["".join(f"{int(part):02X}" for part in found) for found in re.findall(r"\[(\d+), (\d+), (\d+)\]", source)]
    assert len(colours) > 1 and colours == list(COLOURS[: len(colours)])


def test_names_are_unique() -> None:
    names = Counter(re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", joined(MODULES), re.MULTILINE))
    assert [name for name, count in names.items() if count > 1] == []


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # so does a busy machine look
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(-9, 9)), max_size=4), st.lists(st.integers(0, 50), min_size=1, max_size=4))
def test_runs_are_the_places_again(levels: list[tuple[int, int]], rest: list[int]) -> None:
    places = np.array(rest)
    for length, step in levels:
        places = np.add.outer(places, np.arange(length) * step).reshape(-1)
    found = runs(places)
    again = np.array(found.rest or (0,))
    for length, step in reversed(found.levels):
        again = np.add.outer(again, np.arange(length) * step).reshape(-1)
    np.testing.assert_array_equal(again, places - places[0])
