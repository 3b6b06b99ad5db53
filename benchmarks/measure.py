"""Taking the time: every run is a fresh process, peers take turns, medians are compared.

CPU seconds are counted where the work is one thread's, because they hardly depend on what else the machine does.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

Job = Callable[[], "Sample"]


@dataclass(frozen=True)
class Sample:
    """One run: CPU and wall seconds, peak memory in MB, and whatever else the work reports."""

    cpu: float
    wall: float
    peak: float = 0.0
    more: Mapping[str, float] = field(default_factory=dict)


def worker(function: str, **arguments: Any) -> Job:
    """A run of ``module:function`` in a process of its own: the function prepares, what it returns is timed."""

    def run() -> Sample:
        command = [sys.executable, "-m", "benchmarks.worker", f"benchmarks.{function}", json.dumps(arguments)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return Sample(**json.loads(done.stdout.splitlines()[-1]))

    return run


def command(*words: str, **environment: str) -> Job:
    """A run of a whole program, its start included."""

    def run() -> Sample:
        started = time.perf_counter()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}")
        return Sample(usage.ru_utime + usage.ru_stime, time.perf_counter() - started)

    return run


def alternate(jobs: Mapping[str, Job], rounds: int) -> dict[str, list[Sample]]:
    """All jobs take turns, so that what disturbs the machine disturbs all of them."""
    samples: dict[str, list[Sample]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            samples[name].append(job())
    return samples


def middle(samples: Sequence[Sample], what: str = "cpu") -> float:
    """The median of one figure."""
    return median(figure(sample, what) for sample in samples)


def ratio(samples: Sequence[Sample], others: Sequence[Sample], what: str = "cpu") -> float:
    """The median of the ratios of runs that followed each other."""
    return median(figure(a, what) / max(figure(b, what), 1e-9) for a, b in zip(samples, others, strict=True))


def figure(sample: Sample, what: str) -> float:
    """A figure of one run, by name."""
    return float(getattr(sample, what)) if what in ("cpu", "wall", "peak") else sample.more[what]


def installed(*modules: str) -> bool:
    """Whether a peer's modules can be imported."""
    return all(importlib.util.find_spec(module) for module in modules)


def on_path(*programs: str) -> list[str]:
    """Those of the programs that are installed."""
    return [program for program in programs if shutil.which(program)]


def peak_memory() -> float:
    """The most memory that this process ever had, in MB (``ru_maxrss`` would count the parent's as well)."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
