"""What stands over the blocks and in the notes: the step in short mathematics, and in words for a beginner."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Container

import numpy as np

from weightlens.arithmetic import arithmetic
from weightlens.recording import Recorded, Step
from weightlens.recording.calls import operation
from weightlens.text import Wording

# How a step's name is abbreviated inside the mathematics of another one.
SYMBOLS = {
    "pre-activation": "z",
    "pre-activations": "z",
    "standard deviation": "std",
    "attention weights": "weights",
    "hidden state": "h",
    "cell state": "c",
    "input gate": "i",
    "forget gate": "f",
    "output gate": "o",
    "candidate": "g",
    "update gate": "z",
    "reset gate": "r",
    "initial hidden state": "h0",
    "initial cell state": "c0",
}
GATES = {"input gate", "forget gate", "output gate", "candidate", "update gate", "reset gate"}  # each reads its own columns
MASKED = "masked "  # a state that stands still where its mask says so
HELPERS = {"max", "sum", "x - max"}  # steps on the way to a softmax
LONGEST, LONGEST_OVER_TIME = 60, 90

EXPLAINED = {
    "dot product": "Each number that comes in is multiplied by its weight, and the products are added up: row of inputs times column of weights. A large result means that the input looks like what this unit listens for.",  # noqa: E501
    "pre-activation": "The bias, one learned number per unit, is added. It moves the point from which the unit reacts.",
    "max": "The largest score of this sample. It is subtracted before e^ so that no number becomes too large; the result stays the same.",
    "x - max": "Each score less the largest one: 0 for the winner, negative for the others.",
    "exponentials": "e to the power of the score: always positive, and the larger the score the (much) larger the result.",
    "sum": "The numbers on the left added up: what the shares are shares of.",
    "maximum": "The largest number in each window: the picture becomes smaller, what was found stays.",
    "average": "The mean of each window.",
    "padded": "The same numbers with a border around them, so that windows fit at the edges too.",
    "input product": "The part of the sum that the inputs contribute, for all time steps at once.",
    "recurrent product": "The part of the sum that the previous state contributes.",
    "pre-activations": "Input part, part of the previous hidden state, and bias, added up: one group of columns for each gate.",
    "input gate": "Between 0 and 1: how much of the candidate is let into the memory.",
    "forget gate": "Between 0 and 1: how much of the old memory is kept.",
    "output gate": "Between 0 and 1: how much of the memory is shown to the outside.",
    "candidate": "What could be added to the memory at this time step.",
    "update gate": "Between 0 and 1: how much of the old state is kept.",
    "reset gate": "Between 0 and 1: how much of the old state the candidate sees.",
    "cell state": "The memory: what the forget gate keeps of it, plus what the input gate lets in.",
    "hidden state": "What the cell tells the next time step and the next layer.",
    "normalized": "Less the mean, divided by the standard deviation: numbers of usual size whatever came in.",
    "standard deviation": "The root of the variance; epsilon, a tiny number, keeps it from being 0.",
    "lookup": "A row of the table for each token: its learned description.",
    "scores": "How well each query fits each key.",
    "attention weights": "The scores as shares that add up to 1.",
    "context": "The values, mixed in the proportion of the attention weights.",
}
ACTIVATIONS = {
    "softmax": "e^ divided by the sum of all e^: shares that add up to 1, read as probabilities.",
    "sigmoid": "Squeezed between 0 and 1: large scores towards 1, very negative ones towards 0, a score of 0 gives one half.",
    "relu": "Negative numbers become 0, positive ones stay as they are. A unit at 0 is silent; it is grey here.",
    "tanh": "Squeezed between -1 and 1.",
    "linear": "Handed on as it is.",
}


class Short(Wording):
    """The mathematics of a step with abbreviated names, to fit over a narrow block; what is ``earlier`` is of the time step before."""

    def __init__(self, step: Step, earlier: Container[int] = ()) -> None:
        super().__init__(step)
        self.earlier = earlier

    def name(self, x: Recorded) -> str:
        if x.kind == "input":
            return "x" if self.one_input else x.name
        before = " before" if id(x) in self.earlier else ""
        if x.kind == "step" and x.name in SYMBOLS:
            return SYMBOLS[x.name] + before
        if before:
            plain = x.name.removeprefix(MASKED)
            return x.name[: len(x.name) - len(plain)] + SYMBOLS.get(plain, plain) + before
        return super().name(x)


def mathematics(step: Step, repeated: bool = False, longest: int = LONGEST) -> str:
    """``z = dot product + bias``; ``e^ / sum``: what stands under the name of a step, for all its occurrences if ``repeated``."""
    text = tidy(step, Short(step).result()[0])
    if repeated:  # one caption for all time steps
        text = re.sub(r"time step \d+", "time step t", text).replace("h0", "h before").replace("c0", "c before")
    return cut(text, longest)


def over_time(step: Step, earlier: Container[int]) -> str:
    """The same in a table of time steps, where what is read stands in the same row; ``earlier``: what stands one row up."""
    text = tidy(step, Short(step, earlier).result()[0])
    text = re.sub(r"(time step|column) \d+ of (reversed )?", "", text)
    text = text.replace("row 0 of bias", "bias x").replace("row 1 of bias", "bias h")  # as its rows are called
    return cut(text.replace("h0", "h before").replace("c0", "c before"), LONGEST_OVER_TIME)


def tidy(step: Step, text: str) -> str:
    """Without what is detail, with the step's own symbol in front."""
    text = re.sub(r"min\((-[^(),]*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?), 700\)", r"\1", text)  # what keeps e^ from overflowing
    symbol = SYMBOLS.get(step.name, "")
    text = of_columns(text.replace(" . ", " \u00b7 "), symbol if step.name in GATES else "")
    text = text.replace("e^-dot product", "e^-(dot product)")
    text = re.sub(r" over (units|the last axis|axes? [\d, ]+|rows and columns|time steps)", "", text)
    text = re.sub(r" reshaped to [\dx ]+", "", text).strip()
    return f"{symbol} = {text}" if symbol and len(symbol) < 3 else text


def cut(line: str, longest: int) -> str:
    """The line, cut where it is too long to be read."""
    return line if len(line) <= longest else line[: longest - 2].rstrip() + " \u2026"


def of_columns(text: str, gate: str) -> str:
    """``columns 4:8 of z``, as people say it: ``columns 4 to 7 of z``; of a gate, which reads its own columns only, once for the line."""
    if gate and (parts := re.findall(r"columns (\d+:\d+) of", text)) and len(set(parts)) == 1:
        text = re.sub(r"(^|\()columns \d+:\d+ of \(([^()]*)\)(?= \+ |\)|$)", r"\1\2", text)  # a sum in a sum needs no parentheses
        return re.sub(r"columns \d+:\d+ of ", "", text) + f", columns {gate}"
    return re.sub(r"columns (\d+):(\d+) of", lambda m: f"columns {m[1]} to {int(m[2]) - 1} of", text)


def kind_of_activation(step: Step) -> str:
    """``softmax``, ``sigmoid``, ``relu``, ``tanh``, or nothing: how an activation was computed, seen from its formula."""
    op = operation(step.made) if step.made.op is not None else None
    operands = [x for x in step.made.args if isinstance(x, Recorded)]
    if op is np.divide and [x.name for x in operands] == ["exponentials", "sum"]:
        return "softmax"
    if op is np.divide and len(operands) == 1 and "e^" in mathematics(step):
        return "sigmoid"
    if op is np.maximum and len(operands) == 1:
        return "relu"
    return "tanh" if op is np.tanh else ""


def note(step: Step) -> str:
    """For a beginner: what this kind of step does, its formula in words, and this cell's own numbers."""
    kind = kind_of_activation(step)
    explained = ACTIVATIONS.get(kind, "") if step.name in ("activation", "output") else EXPLAINED.get(step.name, "")
    lines = [explained, f"In words: {step.words}"]
    if step.made.size:
        with contextlib.suppress(TypeError, ValueError, KeyError, IndexError):  # some operations cannot be followed number by number
            lines.append(f"This cell, as exported: {arithmetic(step, (0,) * step.made.ndim)}")
    return "\n".join(line for line in lines if line)[:900]


def shape_words(shape: tuple[int, ...]) -> str:
    """``(2, 3)``."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
