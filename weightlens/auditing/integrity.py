"""Rules about files that are broken, or whose parts do not fit each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from weightlens.auditing.finding import Hit, Rule
from weightlens.auditing.numbers.weight_facts import WeightFacts
from weightlens.auditing.old_keras import why_old_keras
from weightlens.auditing.raw_file import RawFile
from weightlens.call_order import calls_in_order, layers_with_paths, refs
from weightlens.engine.output_shapes import OPEN_LENGTHS, ShapesOnly
from weightlens.engine.wanted import Wanted, wanted_inputs
from weightlens.errors import WeightlensError
from weightlens.model import Layer, Model
from weightlens.specs.weights import lacking, mismatches
from weightlens.specs.words.number_words import counted

RULES = (
    Rule(
        "unreadable",
        "error",
        "the file cannot be read as a Keras model",
        "the reader refuses it, or fails",
        "weightlens/formats",
    ),
    Rule(
        "truncated",
        "error",
        "the file is cut short",
        "fewer bytes than the superblock, the zip directory, the index or the manifest states",
        "HDF5 file format specification, superblock; APPNOTE.TXT (zip)",
    ),
    Rule(
        "nan-or-infinity",
        "error",
        "a weight holds NaN or infinite numbers",
        "number of elements that are not finite > 0",
        "IEEE 754",
    ),
    Rule(
        "weights-contradict-architecture",
        "error",
        "a weight's shape is not the one that its layer asks for",
        "shape of the array != shape that the configuration, and what comes in, demand; or a weight that the settings exclude",
        "Keras: build() of the layer's class",
    ),
    Rule(
        "weight-without-layer",
        "warning",
        "the file holds weights that belong to no layer",
        "arrays left over once every layer has its own",
        "Keras: load_weights()",
    ),
    Rule(
        "layer-without-weight",
        "error",
        "a layer lacks a weight",
        "a variable of the class (specs) that is not in the file",
        "Keras: build() of the layer's class",
    ),
    Rule(
        "unknown-option",
        "error",
        "an option of a layer is none that Keras knows, or has a wrong value",
        "an option of the configuration that no constructor of the class has had",
        "Keras 1 to 3: constructors of the layers",
    ),
    Rule(
        "needs-old-keras",
        "warning",
        "Keras 3 does not open the file, or computes something else",
        "the table in docs/formats.md",
        "docs/formats.md, measured with Keras 3",
    ),
)
NO_SHAPES = (WeightlensError, ArithmeticError, ValueError, TypeError, IndexError, KeyError, AttributeError, MemoryError)


def integrity(model: Model, raw: RawFile) -> Iterator[Hit]:
    """What the rules of this group say of a model, but for its numbers; ``raw`` is its file as it is."""
    incoming = shapes_in(model)
    for name, layer in layers_with_paths(model):
        yield from layer_hits(name, layer, incoming.get(id(layer)), bool(model.class_name))
    if model.class_name and model.layers:
        left = [weight for weight in model.unplaced if weight.shape and not weight.is_state]
        if left:
            names = ", ".join(weight.path for weight in left[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
            yield Hit("weight-without-layer", f"the architecture has no layer for {names}", evidence={"weights": [w.path for w in left]})
    for part, why in raw.left_out.items():
        yield Hit("unreadable", f"{part} cannot be looked at ({why})", evidence={"part": part}, level="warning")
    if reasons := list(dict.fromkeys(why_old_keras(model, [config for _, config in raw.configs]))):
        yield Hit("needs-old-keras", f"today's Keras {reasons[0]}", evidence={"reasons": reasons, "keras": model.provenance.keras_version})


def layer_hits(name: str, layer: Layer, x: Any, has_architecture: bool) -> Iterator[Hit]:
    """What is wrong with one layer as the file has it."""
    for fault in layer.faults:
        yield Hit("unknown-option", f"{layer.class_name}: {fault}", name)
    if layer.is_operation or layer.model is not None or not has_architecture:
        return
    stored = {key: weight.shape for key, weight in layer.own_weights.items()}
    for key in lacking(layer.class_name, layer.config, stored) if not layer.faults else ():
        yield Hit("layer-without-weight", f"{layer.class_name}: the file lacks {key!r} for it", name, key)
    if stored:
        for key, line in mismatches(layer.class_name, layer.config, stored, x):
            yield Hit("weights-contradict-architecture", f"{layer.class_name}: {line}", name, key, {"shape": list(stored[key])})


def number_hits(name: str, key: str, facts: WeightFacts) -> Iterator[Hit]:
    """The finding of a weight with numbers that are not finite."""
    if facts.nan or facts.infinite:
        words = " and ".join(f"{count:,} {kind}" for count, kind in ((facts.nan, "NaN"), (facts.infinite, "infinite")) if count)
        evidence = {"nan": facts.nan, "infinite": facts.infinite, "size": facts.size}
        yield Hit("nan-or-infinity", f"{words} of {counted(facts.size, 'number')}", name, key, evidence)


def shapes_in(model: Model) -> dict[int, tuple[int | None, ...]]:
    """The shape of what comes into each layer, batch first, as far as the network can be followed; by the layer's identity.

    An axis that depends on an open length is ``None``.
    """
    with suppress(*NO_SHAPES):
        wanted = wanted_inputs(model)
        is_open = any(w.shape is None or None in w.shape for w in wanted)
        runs = [shapes_for(model, wanted, length) for length in (OPEN_LENGTHS if is_open else OPEN_LENGTHS[:1])]
        found: dict[int, tuple[int | None, ...]] = {}
        for layer, _, call in calls_in_order(model):
            given = next(refs((call.args, call.kwargs)), None)
            outputs = [run.get(given.layer, []) for run in runs] if given is not None and not given.call else [[]]
            if given is not None and all(given.index < len(shapes) for shapes in outputs):
                first, last = outputs[0][given.index], outputs[-1][given.index]
                found[id(layer)] = (None, *(n if n == m else None for n, m in zip(first, last, strict=False)))
        return found
    return {}


def shapes_for(model: Model, wanted: list[Wanted], length: int) -> dict[str, list[tuple[int, ...]]]:
    """The shapes of the outputs of the layers as far as they can be computed, open lengths replaced by this one."""
    run = ShapesOnly()
    with suppress(*NO_SHAPES), np.errstate(all="ignore"):
        shapes = [tuple(length if n is None else n for n in w.shape or (None,)) for w in wanted]
        arrays = [np.zeros((0, *shape), str if w.text else np.float64) for w, shape in zip(wanted, shapes, strict=True)]
        run.network(model, arrays)
    return run.shapes
