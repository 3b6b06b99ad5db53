"""The Summary: a map of the network with links, where the file comes from, and where every weight stands."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from weightlens.call_order import layers_with_paths, path_of_call, tensors_into
from weightlens.formats.weights.order import untrained_weights
from weightlens.model import Layer, Ref
from weightlens.recording.graph import is_inside
from weightlens.specs.sizes import tuple_text
from weightlens.words.captions import mathematics
from weightlens.words.layer_words import activation_of, layer_call, sentence
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.formulas.cell_arrays import COLUMN, cell_name
from weightlens.workbook.sheets.frame import SCALE_ENDS, VERDICT, link, link_to_layer, tall_legend
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.xlsx.blocks import Text
from weightlens.workbook.xlsx.book import Sheet

HINT = "Every number is computed by live formulas from the weights in the file. Follow the links from top to bottom, as the numbers do."
COUNTING = "from 0, as in Python: unit 1 is the second unit, sample 1 the second sample"
MAP = ("", "layer", "reads", "what it does", "in Keras", "activation", "output shape", "parameters")
WIDEST = 60.0  # characters of other columns
SENTENCE = 62.0  # characters of the column that says what a layer does
WEIGHTS = ("", "weight", "shape", "path in the file", "name in this workbook", "trained", "element order", "cells")
FACT = 2  # the column of the facts
READS, WORDS, KERAS, ACTIVATION, SHAPE, COUNT = range(2, 8)  # columns of the map


def write_summary(net: NetworkSheets, sheet: Sheet, homes: Mapping[str, Sheet]) -> None:
    """The whole sheet, which is the first one but is known last; ``homes`` are the sheets of the layers."""
    top = _facts(net, sheet, 3) + 1
    row = _map(net, sheet, top, homes) + 1
    row = _weights(net, sheet, row) + 1
    sheet.widths |= {
        (0, 0): 2,
        (1, 1): _wide(sheet, top, 1, 22),
        (READS, READS): _wide(sheet, top, READS, 16),
        (WORDS, WORDS): SENTENCE,
        (KERAS, KERAS): _wide(sheet, top, KERAS, 26),
        (ACTIVATION, ACTIVATION): 12,
        (SHAPE, SHAPE): _wide(sheet, top, SHAPE, 18),
        (COUNT, COUNT): _wide(sheet, top, COUNT, 14),
    }
    tall_legend(sheet, row, net.styles, roles(net))


def roles(net: NetworkSheets) -> set[str]:
    """The roles that cells of this workbook have."""
    if not net.plan.trace.steps:
        return {"weight"}
    sheets = net.plan.sheets
    scales = {kind for s in sheets for _, kind in s.heats}
    off = "relu" in scales or any(name == "dead" for s in sheets for _, name, _ in s.rules)
    extra = ({"off"} if off else set()) | {name for kind in scales for name in SCALE_ENDS.get(kind, ())}
    return {"input", "weight", "step", "helper", "constant", "output", "check"} | extra | ({"answer"} if net.options.blanks else set())


def _wide(sheet: Sheet, top: int, column: int, least: int) -> float:
    """The width, within limits, that the longest text of a column needs in the tables, which begin at row ``top``."""
    longest = max((len(text.text) for (row, place), text in sheet.texts.items() if place == column and row >= top), default=0)
    return min(WIDEST, max(least, float(longest)))


def _facts(net: NetworkSheets, sheet: Sheet, row: int) -> int:
    source = net.model.provenance
    facts = [
        ("file", Path(source.path).name),
        ("format", source.format),
        ("Keras version", source.keras_version),
        ("backend", source.backend),
        ("saved", source.date),
        ("parameters", parameters(net)),
        ("counting", COUNTING if net.plan.trace.steps else ""),
    ]
    for name, value in facts:
        if value:
            sheet.write(row, 1, name, net.styles["label left"])
            sheet.write(row, FACT, str(value), net.styles["plain"])
            row += 1
    if net.options.blanks:
        sheet.write(row, 1, "answers", net.styles["label left"])
        sheet.write(row, FACT, "on hidden sheets: right-click the tab of a sheet and unhide them", net.styles["plain"])
        row += 1
    elif "check_verdict" in net.plan.names:
        sheet.write(row, 1, "live check", net.styles["label left"])
        sheet.texts[(row, FACT)] = Text(style=net.styles["live"], formula=VERDICT, value="OK")
        sheet.links[(row, FACT)] = "#'Check'!A1"
        sheet.rule(f"{COLUMN[FACT]}{row + 1}", "wrong", f'{COLUMN[FACT]}{row + 1}<>"OK"')
        row += 1
    return row


def parameters(net: NetworkSheets) -> str:
    """How many parameters there are, and how many of them training changes, where that is known."""
    whole, still = net.model.size, sum(weight.size for weight in untrained_weights(net.model))
    if not whole or not net.plan.trace.steps:
        return f"{whole:,}"
    return f"{whole:,}: {whole - still:,} trained (trainable), {still:,} not trained (non-trainable)"


def _map(net: NetworkSheets, sheet: Sheet, row: int, homes: Mapping[str, Sheet]) -> int:
    """The network in order, the layers of a layer under it; what each reads and does; every layer links to its sheet."""
    styles, trace = net.styles, net.plan.trace
    sheet.across(row, 0, MAP, styles, "head")
    computed = {step.layer: mathematics(step) for step in net.plan.steps if step.made.op is not None}  # the last step of each
    for path, layer in layers_with_paths(net.model, wrapped=False):
        row += 1
        home = homes.get(path) or next((s for known, s in homes.items() if is_inside(known, path)), None)
        if home is None and layer.is_input and layer.name in trace.input_names:
            home = net.home
        sheet.write(row, 1, path, styles["name" if home is not None else "plain"])
        if home is not None:
            sheet.links[(row, 1)] = link_to_layer(net.plan, home, path)
        inside = path.removesuffix(layer.name)
        calls = [" and ".join(inside + name for name in names) for names in sources(layer) if names]
        sheet.write(row, READS, "; ".join(calls), styles["text"])
        words = " ".join(
            filter(None, [sentence(layer) or (computed.get(path, "") if layer.is_operation else ""), used(path, layer.size, calls)])
        )
        sheet.write(row, WORDS, words, styles["text"])
        lines = math.ceil(len(words) / (1.1 * SENTENCE))
        if lines > 1:
            sheet.heights[row] = 13.0 * lines + 2
        sheet.write(row, KERAS, layer_call(layer), styles["plain"])
        sheet.write(row, ACTIVATION, activation_of(layer), styles["plain"])
        shapes = [x.shape for x in trace.layer_outputs.get(path, []) if x is not None] or [x.shape for x in trace.inputs if x.name == path]
        sheet.write(row, SHAPE, "; ".join(tuple_text(shape) for shape in shapes), styles["plain"])
        sheet.texts[(row, COUNT)] = Text(f"({layer.size:,})", styles["size"]) if inside else Text(style=styles["size"], value=layer.size)
    return row + 1


def sources(layer: Layer) -> list[list[str]]:
    """The boxes of the sheet Network that each call of a layer reads: ``encoder #2`` is the second call of a layer."""
    return [list(dict.fromkeys(read(ref, times) for ref, times in Counter(tensors_into(call)).items())) for call in layer.calls]


def read(ref: Ref, times: int) -> str:
    """The box that a tensor comes from, and that it is read twice."""
    return path_of_call(ref.layer, ref.call) + {1: "", 2: " (twice)"}.get(times, f" ({times} times)")


def used(path: str, size: int, calls: list[str]) -> str:
    """What is said of a layer that is used several times: on what, and what its other uses are called."""
    if len(calls) < 2:
        return ""
    weights = ", with the same weights" if size else ""
    others = [f"on {names} (called {path_of_call(path, i)})" for i, names in enumerate(calls[1:], start=1)]
    return f"It is used {len(calls)} times{weights}: {', '.join([f'on {calls[0]}', *others])}."


def _weights(net: NetworkSheets, sheet: Sheet, row: int) -> int:
    styles, plan, still = net.styles, net.plan, {id(weight) for weight in untrained_weights(net.model)}
    sheet.across(row, 0, WEIGHTS, styles, "head")
    for placed in plan.placed.values():
        if placed.kind != "weight":
            continue
        row += 1
        home = plan.sheets[placed.block.sheet]
        sheet.write(row, 1, f"{placed.layer}/{placed.name}", styles["name"])
        sheet.links[(row, 1)] = link(home, cell_name(placed.block.first))
        source = placed.made.source
        trained = "" if not plan.trace.steps else "no" if id(source) in still else "yes"
        sheet.write(row, READS, tuple_text(placed.made.shape), styles["plain"])
        sheet.write(row, WORDS, source.path if source is not None else "", styles["path"])
        sheet.write(row, KERAS, placed.defined_name, styles["whole"])
        sheet.write(row, ACTIVATION, trained, styles["plain"])
        sheet.write(row, SHAPE, order_words(placed.block.arrangement), styles["plain"])
        sheet.write(row, COUNT, f"'{home.title}'!{placed.block.area}", styles["plain"])
    return row + 1


def order_words(a: Arrangement) -> str:
    """How the elements of a block lie on the sheet: which axes run down, which across, outermost first."""
    if a.is_c_order:
        return "row by row"
    down = f"axes {','.join(map(str, a.row_axes))} down" + (f" (gap {a.row_gap})" if a.row_gap else "")
    across = f"axes {','.join(map(str, a.column_axes))} across" + (f" (gap {a.column_gap})" if a.column_gap else "")
    return f"{down}; {across}"
