"""Models that other programs were tested with, as pages: ``python -m tests.page.conformance FOLDER [--sample N]``.

A case is NAME.npz (input_0, input_1...) with a model of the same name beside it. Every number of its page is held against those at
export, and its outputs against NumPy; whether NumPy is right is said elsewhere. Ends with 1 where a page is wrong.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

import weightlens
from weightlens.errors import WeightlensError

SUFFIXES = (".keras", ".h5", ".hdf5")
ARCHITECTURES = (".arch.json", ".arch.yaml")
CLOSE, SAMPLES = 1e-10, 3


def cases(folder: Path, sample: int) -> list[tuple[Path, Path]]:
    """The models and their arrays; of many every so-manieth."""
    found = [(model, npz) for npz in sorted(folder.rglob("*.npz")) for end in SUFFIXES if (model := npz.with_suffix(end)).exists()]
    return found[:: max(1, len(found) // sample)] if sample else found


def verdict(browser: Any, model: Path, npz: Path, scratch: Path) -> str:
    """``right``, ``wrong`` or ``refused``: what became of one model."""
    arrays = np.load(npz)
    inputs = [arrays[f"input_{k}"][:SAMPLES] for k in range(sum(name.startswith("input_") for name in arrays.files))]
    config = next((path for end in ARCHITECTURES if (path := npz.with_suffix("").with_suffix(end)).exists()), None)
    try:
        loaded = weightlens.load(model, config)
        weightlens.export(loaded, scratch, inputs=inputs)
    except WeightlensError:
        return "refused"
    page = browser.new_page(offline=True)
    try:
        page.goto(scratch.as_uri())
        page.evaluate("weightlens.ready")
        worst = page.evaluate("weightlens.check()")
        found = page.evaluate("weightlens.outputs()")
    finally:
        page.close()
    off = [distance(a, b) for a, b in zip(found, loaded.predict(inputs), strict=True)]
    return "right" if all(difference <= CLOSE for difference in (worst, *off)) else "wrong"


def distance(found: list[float], expected: np.ndarray) -> float:
    """The worst difference relative to the size of each number, or to 1; of a page that shows some of the samples, of those."""
    wanted = expected.ravel()[: len(found)]
    finite = np.isfinite(wanted)
    differences = np.abs(np.array(found)[finite] - wanted[finite]) / np.maximum(1, np.abs(wanted[finite]))
    return float(differences.max(initial=0))


def run(folder: Path, sample: int) -> Iterator[tuple[str, Path]]:
    """The verdict on every model."""
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as scratch:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for model, npz in cases(folder, sample):
            yield verdict(browser, model, npz, Path(scratch) / "page.html"), model


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, default=0)
    given = parser.parse_args()
    count: Counter[str] = Counter()
    for said, model in run(given.folder, given.sample):
        count[said] += 1
        if said == "wrong":
            print(f"wrong: {model}")
    print(", ".join(f"{n} {said}" for said, n in count.items()))
    return 1 if count["wrong"] or not count["right"] else 0


if __name__ == "__main__":
    sys.exit(main())
