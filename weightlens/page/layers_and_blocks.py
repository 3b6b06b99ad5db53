"""What the page says of the network: its layers and what they read, and of each block its name, words, axes and looks."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.axes import Factor
from weightlens.page.program import Program, runs
from weightlens.recording import Step, Trace
from weightlens.recording.calls import PRODUCTS, einsum_subscripts, factors, operation
from weightlens.recording.graph import ordered
from weightlens.words.captions import mathematics
from weightlens.words.explained import explained
from weightlens.words.layer_words import call_words, is_yes_or_no, sentence, shares
from weightlens.workbook.layout.plan import Placed

LONGEST_AXIS = 1 << 16  # places with names of their own


def layers(trace: Trace, program: Program, made_up: str) -> list[dict[str, Any]]:
    """The layers in the order in which they are computed, inputs first; ``reads``: the numbers of those that each one reads.

    ``made_up``: what is said besides of the inputs.
    """
    paths = list(dict.fromkeys(placed.layer for placed in program.placed))
    number = {path: i for i, path in enumerate(paths)}
    reads: dict[str, dict[int, None]] = {path: {} for path in paths}
    shapes: dict[str, tuple[int, ...]] = {}
    for placed, read in zip(program.placed, program.reads, strict=True):
        if placed.kind != "weight":
            shapes[placed.layer] = placed.made.shape
        for x in (program.placed[k] for k in read):
            if x.kind != "weight" and x.layer != placed.layer:
                reads[placed.layer][number[x.layer]] = None
    said = dict.fromkeys((x.layer for x in trace.inputs), made_up)
    return [one_layer(trace, path, list(reads[path]), shapes.get(path, ()), said.get(path, "")) for path in paths]


def one_layer(trace: Trace, path: str, reads: list[int], shape: tuple[int, ...], more: str) -> dict[str, Any]:
    """One box of the graph."""
    layer = trace.layers.get(path)
    return {
        "path": path,
        "call": "" if layer is None else call_words(layer),
        "sentence": (("" if layer is None else sentence(layer)) + more).strip(),
        "parameters": 0 if layer is None else layer.size,
        "reads": reads,
        "shape": list(shape),
    }


def input_axes(trace: Trace) -> dict[int, int]:
    """The axis along which the columns of an input stand: of each input that is a table, and of what it is multiplied by; by identity."""
    tables = {id(x): 1 for x in trace.inputs if x.ndim == 2 and [f.name for f in trace.axes.named(x).axes[1]] == ["feature"]}
    found = dict(tables)
    for made in ordered([step.made for step in trace.steps]) if tables else ():
        if operation(made) in PRODUCTS:
            letters = einsum_subscripts(made).partition("->")[0].split(",")
            factor_of = list(zip(factors(made), letters, strict=True))
            summed = {own[1] for x, own in factor_of if id(x) in tables}
            found |= {id(w): own.index(c) for w, own in factor_of for c in summed & set(own) if getattr(w, "kind", "") == "weight"}
    return found


def block(program: Program, k: int, trace: Trace, number: dict[str, int], names: dict[int, str], along: dict[int, int]) -> dict[str, Any]:
    """One block: how it lies, what it is called, and how it is computed. ``along``: see ``input_axes``."""
    placed = program.placed[k]
    a, made = placed.block.arrangement, placed.made
    found: dict[str, Any] = {
        "kind": placed.kind if made.op is not None or placed.kind != "step" else "constant",
        "layer": number[placed.layer],
        "name": placed.name,
        "id": names[k],
        "start": program.starts[k],
        "shape": list(made.shape),
        "rows": list(a.row_axes),
        "columns": list(a.column_axes),
        "axes": [[factor(f) for f in axis] for axis in trace.axes.named(made).titled],
        "reads": program.reads[k],
        "parts": [{"count": p.count, "at": p.at, "pattern": p.pattern, "holes": p.holes} for p in program.parts[k]],
    }
    if placed.of > 1:
        found |= {"occurrence": placed.occurrence, "of": placed.of}
    if program.arguments[k] is not None:
        found["argument"] = program.arguments[k]
    if made.dtype.kind == "U":
        found["text"] = True
    if id(made) in along:
        found["inputAxis"] = along[id(made)]
    if placed.kind == "weight" and made.source is not None:
        found["path"] = made.source.path
    if placed.kind == "step":
        found |= words_of_step(placed, trace)
    return found


def words_of_step(placed: Placed, trace: Trace) -> dict[str, Any]:
    """What a step does, for a beginner, in words and in short mathematics; its role and its activation function."""
    made = placed.made
    step = Step(placed.layer, placed.name, made, trace)
    facts: dict[str, Any] = {
        "explained": explained(step),
        "words": "" if made.op is None else step.words,
        "short": "" if made.op is None else mathematics(step, placed.of > 1),
        "function": made.function[0],
        "role": made.role.kind,
        "shares": shares(made),
        "yesOrNo": is_yes_or_no(made),
    }
    return {key: value for key, value in facts.items() if value}


def factor(f: Factor) -> dict[str, Any]:
    """One factor of an axis: its name, and its coordinates where they are not 0, 1, 2..."""
    found: dict[str, Any] = {"name": f.name}
    if f.words:
        found["words"] = list(f.words[:LONGEST_AXIS])
    if not np.array_equal(f.at, np.arange(len(f.at))) and 0 < len(f.at) <= LONGEST_AXIS:
        packed = runs(np.asarray(f.at, np.int64))
        found["at"] = [int(f.at[0]), packed.levels, packed.rest]
    return found


def unique_names(program: Program) -> dict[int, str]:
    """What scripts call each block: ``dense/kernel``; an input by its own name; of several of one name, ``cell state #2``."""
    found: dict[int, str] = {}
    taken: dict[str, int] = {}
    for k, placed in enumerate(program.placed):
        name = placed.name if placed.kind == "input" else f"{placed.layer}/{placed.name}"
        taken[name] = taken.get(name, 0) + 1
        found[k] = name if taken[name] == 1 else f"{name} #{taken[name]}"
    return found
