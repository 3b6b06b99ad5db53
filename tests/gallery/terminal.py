"""What the terminal prints of a case, 80 columns wide and in colours, as a picture: ``python -m tests.gallery.terminal FOLDER``.

``FOLDER`` keeps models. Needs Keras for models that are not there yet.
"""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.text import Text

from tests.gallery.__main__ import model_of, write_models
from tests.gallery.page import PICTURES, TARGET, name_of, page
from tests.gallery.shown import IN_TERMINAL, SHOWN, Shown

WIDTH, LONGEST = 80, 34  # columns, and lines
COLOURED = {"FORCE_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color", "COLUMNS": str(WIDTH)}
SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {terminal_width} {terminal_height}">
<style>.{unique_id}-matrix {{ font-family: monospace; font-size: {char_height}px; line-height: {line_height}px }}
{styles}</style><rect width="100%" height="100%" fill="#292929"/><defs>{lines}</defs>
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></svg>
"""


def printed(folder: Path, one: Shown) -> list[str]:
    """The lines of the case's last layer."""
    model, inputs = model_of(folder, one), folder / "inputs.npz"
    given = one.case.inputs()
    np.savez(inputs, **{f"input_{i}": x for i, x in enumerate(given if isinstance(given, list) else [given])})
    command = [sys.executable, "-m", "weightlens", "trace", str(model), "-i", str(inputs), "--heat"]
    done = subprocess.run(command, env=os.environ | COLOURED, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def draw(lines: list[str], out: Path) -> None:
    """Lines in ANSI's colours as a picture."""
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True, color_system="truecolor")
    rest = [f"... {len(lines) - LONGEST} more lines"] if len(lines) > LONGEST else []
    for line in lines[:LONGEST] + rest:
        console.print(Text.from_ansi(line), no_wrap=True, overflow="crop")
    text = console.export_svg(code_format=SVG, unique_id="t")
    out.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n")


def main(folder: Path) -> None:
    """Draw the chosen cases, and write the page."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = [one for one in SHOWN if one.title in IN_TERMINAL]
    write_models(folder, shown)
    for one in shown:
        draw(printed(folder, one), PICTURES / f"{name_of(one)}.svg")
    TARGET.write_text(page())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
