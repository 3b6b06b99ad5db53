"""Large models: a check says how far it is, and our own part of it holds the weights in memory once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import weightlens
from tests.formats.build import dense, given, legacy, numbers, sequential
from weightlens.checks import check
from weightlens.checks.keras import STAGES
from weightlens.engine import run as run_module

PEAK = """
import resource, sys, weightlens, weightlens.engine.forward, weightlens.inputs.defaults
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
model, before = weightlens.load(sys.argv[1]), peak()
weightlens.engine.forward.trace(model, weightlens.inputs.defaults.default_inputs(model))
print((peak() - before) / (4 * model.size))
"""


def two_layers(path: Path, features: int, units: int) -> Path:
    groups = {
        "a": {"kernel:0": numbers(features, units), "bias:0": numbers(units)},
        "b": {"kernel:0": numbers(units, 3), "bias:0": numbers(3)},
    }
    return legacy(path, sequential(given("i", features), dense("a", units, activation="tanh"), dense("b", 3)), groups)


def test_weights_converted_in_pieces_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, x = two_layers(tmp_path / "m.h5", 7, 5), np.ones((2, 7))
    [whole] = weightlens.load(path).predict(x)
    monkeypatch.setattr(run_module, "AT_ONCE", 11)
    model = weightlens.load(path)
    np.testing.assert_array_equal(model.predict(x)[0], whole)
    assert model["a"].own_weights["kernel"]._value is None
    assert run_module.in_precision(model["a"].own_weights["kernel"], np.float64).dtype == np.float64


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measures memory in Linux's units")
def test_our_part_takes_less_than_three_times_the_weights(tmp_path: Path) -> None:
    path = two_layers(tmp_path / "m.h5", 4000, 4000)
    ran = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
    assert float(ran.stdout) < 2.9


def test_the_stages_are_told(tmp_path: Path, keras: object) -> None:
    told: list[str] = []
    assert check(weightlens.load(two_layers(tmp_path / "m.h5", 3, 2)), stage=told.append).ok
    assert told == list(STAGES)


SHOW = "from weightlens.terminal.progress import progress_stages\nwith progress_stages(2, True) as s:\n    s('first'); s('second')"


def test_a_terminal_shows_them_and_a_pipe_does_not() -> None:
    ran = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, check=True)
    assert not ran.stderr
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", SHOW], stderr=theirs, check=True, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"})
    os.close(theirs)
    assert re.search(rb"second.*1/2", os.read(ours, 1 << 16), re.DOTALL)
    os.close(ours)
