"""Draw the pictures of ``learning.md``: ``PYTHONPATH=. python docs/make_learning.py``. Needs LibreOffice, poppler and Pillow."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from pictures import draw, printed

DOTS = {"Data": 130, "One step": 220, "Gradient check": 130, "Loss surface": 170}  # per inch; a step is a wide page

DOCS = Path(__file__).resolve().parent
SAMPLES = DOCS.parent / "sample_models"
BOOKS = {
    "xor_learns": ("xor_sigmoid", "--loss half_mse --lr 4 --epochs 1000 --init 275", {"Data": "learn_xor", "One step": "learn_xor_step"}),
    "neuron_dies": ("relu_neuron", "--lr 0.4 --epochs 20 --init 5", {"Data": "learn_neuron_dies"}),
    "neuron_learns": ("relu_neuron", "--lr 0.05 --epochs 200 --init 5", {"Data": "learn_neuron"}),
    "or_learns": ("or", "--epochs 500 --init 10", {"Data": "learn_or", "Loss surface": "learn_or_surface"}),
    "mazur": (
        "mazur",
        "--target o1,o2 --loss mse --lr 0.5 --epochs 1",
        {"One step": "learn_mazur_step", "Gradient check": "learn_mazur_check"},
    ),
}


def main() -> None:
    """Draw every picture of the page."""
    with tempfile.TemporaryDirectory() as scratch:
        for book, (sample, options, pictures) in BOOKS.items():
            path = Path(scratch) / f"{book}.xlsx"
            data = ["-i", str(SAMPLES / f"{sample}_data.csv"), *([] if "--target" in options else ["--target", "y"])]
            model = str(SAMPLES / f"{sample}.h5")
            command = [sys.executable, "-m", "weightlens", "train-sheet", model, *data, *options.split(), "-o", str(path)]
            subprocess.run(command, check=True)
            sheets = printed(path)
            for sheet, name in pictures.items():
                page = next(i for i, words in enumerate(sheets, 1) if sheet in words)
                draw(path.with_suffix(".pdf"), page, DOTS[sheet], DOCS / f"{name}.png")


if __name__ == "__main__":
    main()
