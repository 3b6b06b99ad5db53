"""Opening: what a file holds, as names, shapes and types; no weight is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from benchmarks import models
from benchmarks.measure import alternate, middle, ratio, worker
from benchmarks.report import Section

REPEATED = 20  # a small file opens in less than the clock's smallest step


def ours(path: str, times: int) -> Callable[[], None]:
    """Every layer with its class and configuration, every weight under its name, with shape, type and place in the file."""
    import weightlens

    weightlens.load(path)  # what the first file of all needs is imported before the clock starts

    def work() -> None:
        for _ in range(times):
            model = weightlens.load(path)
            for layer in model.layers:
                for weight in layer.weights.values():
                    _ = (layer.name, layer.class_name, weight.name, weight.shape, weight.dtype, weight.path)

    return work


def by_hand(path: str, times: int) -> Callable[[], None]:
    """The same with the h5py calls that anyone would write: the attributes that list layers and weights, then each dataset."""
    import h5py

    def once() -> None:
        with h5py.File(path) as file:
            _ = file.attrs["keras_version"], file.attrs["backend"]
            classes = {entry["config"]["name"]: entry["class_name"] for entry in json.loads(file.attrs["model_config"])["config"]["layers"]}
            weights = file["model_weights"]
            names = weights.attrs["layer_names"] if "layer_names" in weights.attrs else weights.attrs["layer_names0"]
            for name in (raw.decode() for raw in names):
                group = weights[name]
                for weight in (raw.decode() for raw in group.attrs["weight_names"]):
                    dataset = group[weight]
                    _ = (name, classes[name], weight, dataset.shape, dataset.dtype, dataset.name)

    once()

    def work() -> None:
        for _ in range(times):
            once()

    return work


def run(scratch: Path, tiny: bool) -> Section:
    """weightlens beside h5py by hand, for ever more layers."""
    section = Section(
        "Opening",
        "Open a file and list its layers and weights; imports not counted.",
        ("layers", "ours, ms", "h5py by hand, ms", "ours takes"),
    )
    for layers in (1, 3) if tiny else (1, 100, 1000):
        path, times = models.dense(scratch / f"{layers}.h5", *[8] * (layers + 1)), max(1, REPEATED * 10 // layers)
        jobs = {job: worker(f"opening:{job}", path=path, times=times) for job in ("ours", "by_hand")}
        found = alternate(jobs, 1 if tiny else 7)
        each = {job: middle(samples) * 1000 / times for job, samples in found.items()}
        section.row(f"{layers:,}", each["ours"], each["by_hand"], f"{ratio(found['ours'], found['by_hand']):.2f} x")
    return section
