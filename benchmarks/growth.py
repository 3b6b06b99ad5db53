"""Growth: what a cell costs in networks that are large in one respect, beside networks of a tenth of that."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from benchmarks import models
from benchmarks.measure import Job, alternate, middle, worker
from benchmarks.report import Section

MOST = 1.3  # times what a cell costs in the smaller network


class Network(NamedTuple):
    """One network: how it is made, and how many samples it is exported with."""

    size: int
    make: str  # a function of ``models``
    arguments: tuple[int, ...]
    samples: int = 1

    def job(self, scratch: Path) -> Job:
        """Its export."""
        path = scratch / f"{self.make}_{'_'.join(map(str, self.arguments[:3]))}_{len(self.arguments)}.h5"
        getattr(models, self.make)(path, *self.arguments)
        return worker("exporting:export", path=str(path), samples=self.samples, out=str(path.with_suffix(".xlsx")))


def networks(tiny: bool) -> dict[str, list[Network]]:
    """By what grows: the smaller and the larger network."""
    scale = 50 if tiny else 1
    sizes = {"time steps of an LSTM": 1000, "layers of 8 units": 500, "samples": 10_000, "units": 3000, "inputs": 1000, "inner models": 100}
    made: dict[str, list[Network]] = {}
    for what, largest in sizes.items():
        for n in (max(1, largest // 10 // scale), largest // scale):
            made.setdefault(what, []).append(network(what, n))
    return made


def network(what: str, n: int) -> Network:
    """A network that is ``n`` large in one respect."""
    match what:
        case "time steps of an LSTM":
            return Network(n, "recurrent", (n, 4, 8))
        case "layers of 8 units":
            return Network(n, "dense", (8,) * (n + 1))
        case "samples":
            return Network(n, "dense", (16, 32, 10), n)
        case "units":
            return Network(n, "dense", (20, n, 10))
        case "inputs":
            return Network(n, "dense", (n, 1000, 10))
        case _:
            return Network(n, "nested", (n,))


def run(scratch: Path, tiny: bool) -> Section:
    """Each pair in turns."""
    header = ("size", "cells", "CPU s", "microseconds a cell", "peak MB", "a cell, times that of the smaller")
    section = Section("Growth", "Whole exports of networks that are large in one respect, and of others of a tenth of that.", header)
    for what, pair in networks(tiny).items():
        found = alternate({f"{network.size:,} {what}": network.job(scratch) for network in pair}, 1 if tiny else 3)
        costs = [middle(samples) / middle(samples, "cells") for samples in found.values()]
        for (name, samples), cost in zip(found.items(), costs, strict=True):
            times = "" if cost is costs[0] else f"{cost / costs[0]:.2f} x"
            section.row(name, f"{middle(samples, 'cells'):,.0f}", middle(samples), cost * 1e6, middle(samples, "peak"), times)
        if costs[1] > MOST * costs[0]:
            section.findings.append(f"{what}: a cell costs {costs[1] / costs[0]:.2f} times as much in the larger network.")
    section.findings = section.findings or [f"Nowhere does a cell cost more than {MOST} times what it costs in the smaller network."]
    return section
