"""``weightlens browse``."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import weightlens
from weightlens.cli.common import Assume, Config, ModelFile, ModelOptions, samples_of
from weightlens.errors import BadInput
from weightlens.specs.words.number_words import counted

if TYPE_CHECKING:
    from weightlens.browse.browser import Browser
    from weightlens.model import Model
    from weightlens.recording import Trace


def browse(
    model: ModelFile,
    against: Annotated[str, typer.Option("--against", metavar="FILE", help="Show the difference from this model.")] = "",
    config: Config = None,
    assume: Assume = None,
) -> None:
    """Look around in a model: layers, heat maps and numbers, steps, differences. Needs Textual.

    \b
    weightlens browse digits.keras
    weightlens browse before.h5 --against after.h5
    """
    if importlib.util.find_spec("textual") is None:
        raise BadInput("browse needs Textual, which is not installed: pip install textual")
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):  # Textual draws on stderr
        raise BadInput("browse needs a terminal; show and trace print the same, with --heat as pictures")
    if against:
        weightlens.load(against).close()  # what is wrong with it is said before the screen is cleared
    app = browser_of(ModelOptions(model, config, assume).load(), against)
    app.run()
    raise typer.Exit(2 if app.return_code == 1 else app.return_code or 0)  # 1: Textual has printed what went wrong


def browser_of(model: Model, against: str = "") -> Browser:
    """The browser of a model, in the colours of the terminal."""
    from weightlens.browse.browser import Browser, Doors
    from weightlens.terminal.heat import colours_of_terminal
    from weightlens.terminal.show import amount_words

    def trace_of(given: str) -> Trace:
        from weightlens.engine.forward import trace

        return trace(model, samples_of(given or None, model).arrays, stop_at_unsupported=True)

    colours = "" if os.environ.get("NO_COLOR") else colours_of_terminal()
    p = model.provenance
    facts = [Path(p.path).name or model.name, p.format, counted(len(model.layers), "layer"), amount_words(model, model.size)]
    return Browser(model, Doors(weightlens.load, trace_of), colours, facts, against)
