"""The forward pass in float32, beside Keras: many samples, and one."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import models
from benchmarks.measure import installed, worker
from benchmarks.report import Section

SAMPLES = 1000


def side_by_side(path: str, shape: list[int], rounds: int, with_keras: bool) -> Callable[[], dict[str, float]]:
    """All of them in one process, in turns, after a first call that builds what they keep: wall seconds."""
    import numpy as np

    import weightlens
    from weightlens.engine.forward import predict

    model = weightlens.load(path)
    x = np.random.default_rng(0).random(shape, dtype=np.float32)
    calls: dict[str, Callable[[], Any]] = {
        "ours": lambda: predict(model, x, np.float32),
        "ours in float64": lambda: predict(model, x),
    }
    if with_keras:
        import keras

        other = keras.saving.load_model(path, compile=False)
        calls["predict"] = lambda: other.predict(x, batch_size=SAMPLES, verbose=0)
        calls["model(x)"] = lambda: np.asarray(other(x))

    def work() -> dict[str, float]:
        taken: dict[str, list[float]] = {name: [] for name in calls}
        for turn in range(rounds + 1):
            for name, call in calls.items():
                started = time.perf_counter()
                call()
                if turn:
                    taken[name].append(time.perf_counter() - started)
        ratios = {f"to {n}": median(a / b for a, b in zip(taken["ours"], t, strict=True)) for n, t in taken.items()}
        return {name: median(times) for name, times in taken.items()} | ratios

    return work


def run(scratch: Path, tiny: bool) -> Section:
    """Dense, convolution, depthwise, LSTM, GRU, attention."""
    with_keras = installed("keras", "tensorflow") and not tiny
    header = ("network", "samples", "ours, ms", "in float64", "`predict`", "`model(x)`", "ours / `predict`", "ours / `model(x)`")
    section = Section("Forward pass", "float32 (and float64), after a first call; wall milliseconds, all in turns in one process.", header)
    cases = {
        "dense 784-512-512-10": (models.dense(scratch / "d.h5", 784, 512, 512, 10), [784]),
        "convolutions, 28 x 28, 16 and 32 filters": (models.convolution(scratch / "c.h5", 28), [28, 28, 1]),
        "separable convolutions, 28 x 28 x 8, 16 and 32 filters": (models.depthwise(scratch / "s.h5", 28, 8, 16), [28, 28, 8]),
        "LSTM, 50 steps of 32, 64 units": (models.recurrent(scratch / "l.h5", 50, 32, 64), [50, 32]),
        "GRU, 50 steps of 32, 64 units": (models.recurrent(scratch / "g.h5", 50, 32, 64, "GRU"), [50, 32]),
        "attention, 32 tokens of 64, 4 heads": (models.attention(scratch / "a.h5", 32, 64, 4, 16), [32, 64]),
    }
    for name, (path, shape) in cases.items():
        for samples in (2, 1) if tiny else (SAMPLES, 1):
            rounds = 1 if tiny else 7 if samples > 1 else 25
            more = worker("forward:side_by_side", path=path, shape=[samples, *shape], rounds=rounds, with_keras=with_keras)().more
            times = [more[key] * 1e3 if key in more else "-" for key in ("ours", "ours in float64", "predict", "model(x)")]
            ratios = [f"{more[key]:.2f} x" if key in more else "-" for key in ("to predict", "to model(x)")]
            section.row(name, f"{samples:,}", *times, *ratios)
            if "to predict" in more:
                section.findings.append(
                    f"{name}, {samples:,} sample{'s' * (samples > 1)}: {more['to predict']:.2f} times the time of `predict`."
                )
    section.skip(*([] if with_keras else ["Keras"]))
    return section
