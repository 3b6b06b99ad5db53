"""Reading: every weight of a large file into memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks import models
from benchmarks.measure import alternate, installed, middle, ratio, worker
from benchmarks.report import Section


def ours(path: str) -> Callable[[], None]:
    """All weights, with their names and shapes in Keras 3's terms."""
    import weightlens

    weightlens.load(path)  # what the first file of all needs is imported before the clock starts

    def work() -> None:
        model = weightlens.load(path)
        for layer in model.layers:
            for weight in layer.weights.values():
                weight.read().sum()  # read, not kept: as the bare reader does

    return work


def bare(path: str) -> Callable[[], None]:
    """All data sets, whatever they are."""
    import h5py

    def add_up(_: str, item: h5py.Group | h5py.Dataset) -> None:  # None: go on to the next one
        if isinstance(item, h5py.Dataset):
            item[()].sum()

    def work() -> None:
        with h5py.File(path) as file:
            file.visititems(add_up)

    return work


def keras(path: str) -> Callable[[], None]:
    """The model, built anew."""
    import keras

    def work() -> None:
        for weight in keras.saving.load_model(path, compile=False).get_weights():
            weight.sum()

    return work


def run(scratch: Path, tiny: bool) -> Section:
    """weightlens beside bare h5py and Keras."""
    width, depth = (32, 3) if tiny else (1024, 20)
    path = models.dense(scratch / "large.h5", *[width] * (depth + 1))
    section = Section(
        "Reading",
        f"Read and sum all {depth * width * (width + 1):,} weights of {depth} layers; imports not counted.",
        ("reader", "CPU s", "peak MB", "ours takes"),
    )
    jobs = {"weightlens": worker("reading:ours", path=path), "h5py, bare": worker("reading:bare", path=path)}
    if installed("keras", "tensorflow"):
        jobs["Keras `load_model`"] = worker("reading:keras", path=path)
    found = alternate(jobs, 1 if tiny else 5)
    for name, samples in found.items():
        section.row(name, middle(samples), middle(samples, "peak"), f"{ratio(found['weightlens'], samples):.2f} x")
    section.skip(*([] if installed("keras", "tensorflow") else ["Keras"]))
    section.findings.append(
        f"Knowing what the numbers mean costs {ratio(found['weightlens'], found['h5py, bare']):.2f} times bare reading."
    )
    return section
