"""Draw the pictures of pages, ``docs/page_*.png``, as Chromium shows them: ``python docs/page_pictures.py [FOLDER]``.

Needs Playwright (``pip install '.[test]'``) and Chromium (Debian: ``apt-get install chromium``).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

import weightlens

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "sample_models"
CELL = (58, 24)  # pixels of a cell of numbers

# picture -> model, input, options, layer, block, row and column of the number that is clicked, pixels of a cell
DIGITS = np.loadtxt(SAMPLES / "digits_mlp.csv", delimiter=",", skiprows=1, usecols=range(64))
NAMES = [str(i) for i in range(10)]
PICTURES: dict[str, tuple[str, Any, dict[str, Any], str, str, tuple[int, int], tuple[int, int]]] = {
    "page_xor": ("xor_relu.h5", None, {"labels": ["no", "yes"]}, "hidden", "hidden/activation", (1, 3), CELL),
    "page_digits": ("digits_mlp.keras", DIGITS, {"labels": NAMES}, "digit", "digit/activation", (1, 2), CELL),
    "page_cnn": ("digits_cnn.keras", np.load(SAMPLES / "digits_cnn.npy"), {"labels": NAMES}, "conv", "conv/activation", (3, 3), (24, 24)),
    "page_lstm": ("sine_lstm.keras", np.load(SAMPLES / "sine_lstm.npy")[:1], {}, "lstm", "lstm/cell state", (3, 1), CELL),
}
SCREENS = {"": (1400, 900, "light"), "_dark": (1400, 900, "dark"), "_phone": (360, 780, "light")}


def main() -> None:
    """All pictures at 1400 pixels, in light; with a folder given also in dark, and on a phone."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs"
    screens = SCREENS if len(sys.argv) > 1 else {"": SCREENS[""]}
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as scratch:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (model, inputs, options, *look) in PICTURES.items():
            file = Path(scratch) / f"{name}.html"
            weightlens.export(SAMPLES / model, file, inputs=inputs, **options)
            for ending, (width, height, scheme) in screens.items():
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                page.goto(file.as_uri())
                page.evaluate("weightlens.ready")
                look_at(page, *look)
                page.screenshot(path=folder / f"{name}{ending}.png")
                page.close()


def look_at(page: Page, layer: str, block: str, place: tuple[int, int], cell: tuple[int, int]) -> None:
    """Open a layer and click one of its numbers."""
    page.locator(f'.node[aria-label^="{layer},"]').click()
    view = page.locator(f'[data-block="{block}"] .view')
    view.scroll_into_view_if_needed()
    left = float(page.locator(f'[data-block="{block}"] .room').get_attribute("data-left") or 0)
    view.click(position={"x": left + cell[0] * (place[1] + 0.5), "y": 20 + cell[1] * (place[0] + 0.5)})
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)


if __name__ == "__main__":
    main()
