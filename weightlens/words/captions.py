"""What stands over the blocks and in the notes: the step in short mathematics, and in words for a beginner."""

from __future__ import annotations

import contextlib
from collections.abc import Container

import numpy as np

from weightlens.axes import Factor, Named
from weightlens.axes.names import LETTERS
from weightlens.recording import Recorded, Step
from weightlens.recording.calls import reduced_axes
from weightlens.words.call_words import ATOM, Words, only_keeps_finite
from weightlens.words.explained import explained
from weightlens.words.wording import Wording, shortened
from weightlens.words.worked import arithmetic

# How a step's name is abbreviated inside the mathematics of another one.
SYMBOLS = {
    "pre-activation": "z",
    "pre-activations": "z",
    "standard deviation": "std",
    "attention weights": "weights",
    "hidden state": "h",
    "cell state": "c",
    **LETTERS,
    "initial hidden state": "h0",
    "initial cell state": "c0",
}
LONGEST = 110


def symbol_of(x: Recorded) -> str:
    """The letter of a step, of a state also where it is masked; empty without one."""
    return SYMBOLS.get(x.role.of or x.name, "")


class Short(Wording):
    """The mathematics of a step with abbreviated names, to fit over a narrow block.

    ``repeated``: one caption for all time steps. ``earlier``: in a table of time steps, the values that stand one row up; there
    nothing needs to be said of the time step, for what is read stands in the same row.
    """

    dot = " \u00b7 "

    def __init__(self, step: Step, repeated: bool = False, earlier: Container[int] | None = None) -> None:
        super().__init__(step)
        self.repeated, self.earlier = repeated or earlier is not None, earlier

    def line(self, longest: int) -> str:
        """``z = dot product + bias``."""
        symbol = SYMBOLS.get(self.made.name, "")
        text = self.result()[0]
        return shortened(f"{symbol} = {text}" if symbol and len(symbol) < 3 else text, longest, " \u2026")

    def call(self, x: Recorded, depth: int) -> Words:
        if only_keeps_finite(x):
            return self.phrase(x.args[0], depth)[0], ATOM
        if x.op is np.flip and self.earlier is not None:
            return self.phrase(x.args[0], depth)
        return super().call(x, depth)

    def reshaped(self, x: Recorded) -> str:
        return ""

    def over_axes(self, x: Recorded) -> str:
        """Only what runs over samples is something to say."""
        first = self.named(x.args[0]).axes[:1]
        return super().over_axes(x) if 0 in reduced_axes(x)[0] and any(f.name == "sample" for axis in first for f in axis) else ""

    def name(self, x: Recorded) -> str:
        if x.kind == "input":
            return "x" if self.one_input else x.name
        if x.role.kind == "start":
            return f"{SYMBOLS[x.role.of]} before" if self.repeated else f"{SYMBOLS[x.role.of]}0"
        if self.earlier is not None and id(x) in self.earlier:
            return f"{'masked ' if x.role.kind == 'masked state' else ''}{symbol_of(x) or x.name} before"
        if x.kind == "step" and x.name in SYMBOLS and (x.layer == self.made.layer or self.earlier is not None):
            return SYMBOLS[x.name]
        return super().name(x)

    def picked(self, x: Recorded, depth: int) -> Words:
        """A gate reads its own columns, a time step its own row: of that nothing is said; the two halves of a bias say it all."""
        whole = x.args[0]
        if not isinstance(whole, Recorded):
            return super().picked(x, depth)
        names = self.named(whole).names - self.named(x).names
        gone = {f.name: f.text(0) for f in self.named(x).fixed.values() if f.name in names}
        if "side" in gone:
            return gone["side"], ATOM
        if gone.get("gate") == self.made.name or (self.earlier is not None and "time step" in gone):
            return self.phrase(whole, depth)
        return super().picked(x, depth)

    def fixed(self, f: Factor, after: Named) -> str:
        return "time step t" if self.repeated and f.name == "time step" else super().fixed(f, after)


def mathematics(step: Step, repeated: bool = False, longest: int = LONGEST) -> str:
    """``z = dot product + bias``; ``e^ / sum``: what stands under the name of a step, for all its occurrences if ``repeated``."""
    return Short(step, repeated).line(longest)


def over_time(step: Step, earlier: Container[int]) -> str:
    """What stands under the name of a step in a table of time steps; ``earlier``: the values that stand one row up."""
    return Short(step, earlier=earlier).line(LONGEST)


def note(step: Step, numbers: bool = True) -> str:
    """For a beginner: what this kind of step does, its formula in words, and this cell's own numbers."""
    lines = [explained(step), f"In words: {step.words}"]
    if step.made.size and numbers:
        with contextlib.suppress(TypeError, ValueError, KeyError, IndexError):  # some operations cannot be followed number by number
            lines.append(f"This cell, as exported: {arithmetic(step, (0,) * step.made.ndim)}")
    return "\n".join(line for line in lines if line)[:900]
