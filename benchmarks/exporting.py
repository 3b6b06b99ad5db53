"""Whole exports: what the time goes into, how much memory they take, and how both grow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.measure import alternate, middle, worker
from benchmarks.report import Section

Work = Callable[[], dict[str, float]]


def export(path: str, samples: int, out: str) -> Work:
    """A whole export; how many cells it wrote, and the CPU time that making formulas took of it."""
    import time

    import numpy as np

    import weightlens
    from weightlens.workbook.layout.plan import Plan
    from weightlens.workbook.xlsx import grid

    model = weightlens.load(path)
    shape = next(iter(model.layers)).config["batch_shape"][1:]
    x = np.random.default_rng(0).random((samples, *shape))
    counted = {"cells": 0.0, "formulas": 0.0, "making": 0.0}
    make, rows_of_block = Plan.formula, grid.block_rows

    def timed(*arguments: Any) -> Any:
        started = time.process_time()
        made = make(*arguments)
        counted["making"] += time.process_time() - started
        return made

    def counting(block: Any, *arguments: Any) -> Any:
        cells = block.arrangement.rows.size * block.arrangement.columns.size
        counted["cells"] += cells
        counted["formulas"] += cells * (block.make is not None)
        return rows_of_block(block, *arguments)

    def work() -> dict[str, float]:
        Plan.formula, grid.block_rows = timed, counting  # type: ignore[method-assign, assignment]
        weightlens.export(model, out, x)
        return counted | {"megabytes": Path(out).stat().st_size / 1e6}

    return work


def networks(scratch: Path, tiny: bool) -> dict[str, tuple[str, int]]:
    """Files, and how many samples to export them with."""
    if tiny:
        return {
            "dense 8-4-2": (models.dense(scratch / "a.h5", 8, 4, 2), 2),
            "convolutions 8 x 8": (models.convolution(scratch / "b.h5", 8, filters=2), 1),
        }
    return {
        "dense 784-128-10, 1 sample": (models.dense(scratch / "a.h5", 784, 128, 10), 1),
        "dense 784-128-10, 100 samples": (models.dense(scratch / "a.h5", 784, 128, 10), 100),
        "convolutions 28 x 28, 16 and 32 filters": (models.convolution(scratch / "b.h5", 28), 1),
        "convolutions 64 x 64, 16 and 32 filters": (models.convolution(scratch / "c.h5", 64), 1),
        "dense 2236-2236-10: 5 million cells": (models.dense(scratch / "d.h5", 2236, 2236, 10), 1),
    }


def run(scratch: Path, tiny: bool) -> Section:
    """Networks from a hundred thousand to five million cells."""
    header = ("network", "cells", "formulas", "CPU s", "of it, making formulas", "peak MB", "file MB")
    section = Section(
        "Exporting", "From the loaded model to the file on disk; making formulas is finding patterns, not printing cells.", header
    )
    out = str(scratch / "exported.xlsx")
    for name, (path, samples) in networks(scratch, tiny).items():
        found = alternate({name: worker("exporting:export", path=path, samples=samples, out=out)}, 1)[name]
        cpu, making, cells, formulas, size = (middle(found, what) for what in ("cpu", "making", "cells", "formulas", "megabytes"))
        section.row(name, f"{cells:,.0f}", f"{formulas:,.0f}", cpu, f"{making / cpu:.0%}", middle(found, "peak"), size)
        section.findings.append(f"{name}: {cpu / cells * 1e6:.1f} microseconds of CPU a cell.")
    return section
