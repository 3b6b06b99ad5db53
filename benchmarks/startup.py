"""Start-up: a small file looked at, from the command to its last line."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import models
from benchmarks.measure import alternate, command, installed, middle, on_path, ratio
from benchmarks.report import Section

KERAS = "import sys, keras; keras.saving.load_model(sys.argv[1], compile=False).summary()"


def run(scratch: Path, tiny: bool) -> Section:
    """``show`` beside the imports that it cannot do without, the HDF5 tools and Keras."""
    path = models.dense(scratch / "small.h5", 2, 2)
    section = Section(
        "Start-up", "Print the matrices of a network of six numbers.", ("command", "CPU s", "wall s", "ours takes, CPU", "ours takes, wall")
    )
    jobs = {
        "`weightlens show small.h5`": command(sys.executable, "-m", "weightlens", "show", path),
        '`python -c "import h5py, rich.table"`': command(sys.executable, "-c", "import h5py, rich.table"),
    }
    jobs |= {f"`{tool} small.h5`": command(tool, path) for tool in on_path("h5dump", "h5ls")}
    ours, imports = list(jobs)[:2]
    found = alternate(jobs, 1 if tiny else 9)
    if installed("keras", "tensorflow"):
        loading = alternate(
            {ours: jobs[ours], "Keras": command(sys.executable, "-c", KERAS, path, TF_CPP_MIN_LOG_LEVEL="3")}, 1 if tiny else 3
        )
        found["Keras: `load_model(...).summary()`"] = loading["Keras"]
    for name, samples in found.items():
        own = found[ours] if len(samples) == len(found[ours]) else loading[ours]
        section.row(name, middle(samples), middle(samples, "wall"), f"{ratio(own, samples):.2f} x", f"{ratio(own, samples, 'wall'):.2f} x")
    section.skip(*(tool for tool in ("h5dump", "h5ls") if not on_path(tool)), *([] if installed("keras", "tensorflow") else ["Keras"]))
    section.findings.append(f"Showing a file takes {ratio(found[ours], found[imports]):.2f} times what importing h5py and rich takes.")
    if "Keras: `load_model(...).summary()`" in found:
        slower = (ratio(loading["Keras"], loading[ours], what) for what in ("cpu", "wall"))
        section.findings.append("Loading the same file with Keras takes {:.0f} times the CPU time, {:.0f} times as long.".format(*slower))
    return section
