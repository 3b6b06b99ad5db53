"""What the tests share: Keras, the models of the layer cases built once, and their workbooks recalculated in one go."""

from __future__ import annotations

import functools
import gc
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.cases import TURN, Case
from tests.marks import chunk, group, hide, marked, programs, rank
from weightlens.checks.layer_outputs import flatten
from weightlens.checks.oracle import quiet_tensorflow
from weightlens.errors import WeightlensError
from weightlens.spreadsheet.cell_values import Book, read_book
from weightlens.spreadsheet.recalculate import recalculate_all

SAMPLES = Path(__file__).resolve().parent.parent / "sample_models"
INPUTS = {path: path.with_suffix(suffix) for path in sorted(SAMPLES.iterdir()) for suffix in (".csv", ".npy")
          if path.suffix in (".h5", ".keras") and path.with_suffix(suffix).exists()}  # fmt: skip


def sample_input(model: Path) -> np.ndarray:
    """The input that stands beside a sample model."""
    file = INPUTS[model]
    if file.suffix == ".npy":
        return np.load(file)
    columns = [i for i, name in enumerate(file.read_text().splitlines()[0].split(",")) if name != "label"]
    return np.loadtxt(file, delimiter=",", skiprows=1, ndmin=2, usecols=columns)


def pytest_report_header() -> str:
    """What has to be set to take the same cases again."""
    return f"WEIGHTLENS_TURN={TURN}"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Before tests are left out by their marks."""
    marked(item)


def stays() -> None:
    """What there is now is not looked through for garbage; nor counted, as each export would, which takes as long as a small workbook."""
    gc.freeze()
    gc.get_freeze_count = lambda: 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is collected stays: looking for garbage in it takes half the time of collecting, and a part of that of every test."""
    gc.disable()
    yield
    stays()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs longest comes first."""
    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What shares models, workbooks and programs runs in one process."""
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False  # or the file with most tests would begin, however fast they are

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return Groups(config, log)


@pytest.fixture(autouse=True)
def nothing_but_what_is_asked_for(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that needs Keras or an office program says so; for every other one they are not installed."""
    hide(monkeypatch, request.node.get_closest_marker("keras") is not None, programs(request.node))


def imported(library: str) -> Any:
    """A library, imported without its chatter. What it made stays: looking for garbage in it takes a fifth of Keras's time."""
    with quiet_tensorflow():
        module = importlib.import_module(library)
    stays()
    return module


@pytest.fixture(scope="session")
def keras() -> Any:
    """Keras 3."""
    return imported("keras")


@pytest.fixture(scope="session")
def tf_keras() -> Any:
    """Keras 2."""
    return imported("tf_keras")


@pytest.fixture(scope="module")
def keras64(keras: Any) -> Iterator[Any]:
    """Keras in double precision."""
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # Keras remembers the first policy it was asked for, whatever floatx says later
    yield keras
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


def start_names_again() -> None:
    """Count the layers from one, as after ``clear_session``, which forgets much else: then each model takes a third longer to build."""
    from keras.src.backend.common import global_state

    counts: dict[str, int] | None = global_state.get_global_attribute("object_name_uids")
    if counts:
        counts.clear()


@dataclass
class Built:
    """A layer case as a saved file, its inputs, and what Keras says to them."""

    path: Path
    inputs: list[np.ndarray]
    expected: list[np.ndarray]
    live: list[np.ndarray]  # what we say, given the network in memory

    @functools.cached_property
    def model(self) -> weightlens.Model:
        """The file, read once."""
        return weightlens.load(self.path)

    @functools.cached_property
    def predicted(self) -> list[np.ndarray]:
        """What we say, given the file."""
        return self.model.predict(self.inputs)


@pytest.fixture(scope="session")
def built(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], Built]:
    """Build, save and run a case's Keras model; every case once."""
    folder = tmp_path_factory.mktemp("cases")
    done: dict[str, Built] = {}

    def build(case: Case) -> Built:
        if case.name not in done:
            start_names_again()
            with quiet_tensorflow():
                model, inputs = case.model(keras), case.inputs()
                path = folder / f"{len(done)}.keras"
                model.save(path)
                outputs = flatten(model(inputs if len(inputs) > 1 else inputs[0], training=False))
                live = weightlens.load(model).predict(inputs)
            done[case.name] = Built(path, inputs, [np.asarray(y) for y in outputs], live)
        return done[case.name]

    return build


@dataclass
class Recalculated:
    """A workbook as it was written, and as a spreadsheet program computed it from nothing; or why there is none."""

    stored: Book | None
    computed: Book | None
    refusal: Exception | None = None


@pytest.fixture(scope="session")
def workbook(
    request: pytest.FixtureRequest, built: Callable[[Case], Built], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Case, str], Recalculated]:
    """A case's workbook in one engine. The workbooks of a share of the cases are recalculated in one start."""
    folder = tmp_path_factory.mktemp("books")
    written: dict[str, Path | Exception] = {}
    computed: dict[tuple[str, int], dict[str, Book | WeightlensError]] = {}

    def write(case: Case) -> Path | Exception:
        if case.name not in written:
            path = folder / f"{len(written)}.xlsx"
            try:
                weightlens.export(built(case).path, path, inputs=built(case).inputs)
                written[case.name] = path
            except Exception as refusal:  # the test of this case says so
                written[case.name] = refusal
        return written[case.name]

    def wanted(engine: str, share: int) -> Iterator[Case]:
        """The cases of a share that the tests of this run ask this engine for."""
        for item in request.session.items:
            parameters = getattr(getattr(item, "callspec", None), "params", {})
            if parameters.get("engine") == engine and "case" in parameters and chunk(parameters["case"]) == share:
                yield parameters["case"]

    def recalculated(case: Case, engine: str) -> Recalculated:
        key = engine, chunk(case)
        if key not in computed:
            books = {c.name: path for c in wanted(*key) if isinstance(path := write(c), Path)}
            computed[key] = dict(zip(books, recalculate_all(list(books.values()), engine), strict=True)) if books else {}
        book = write(case)
        if isinstance(book, Exception):
            return Recalculated(None, None, book)
        done = computed[key][case.name]
        return Recalculated(None, None, done) if isinstance(done, WeightlensError) else Recalculated(read_book(book), done)

    return recalculated
