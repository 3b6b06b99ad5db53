"""The Summary: a map of the network with links, where the file comes from, and where every weight stands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from weightlens.call_order import path_of_call, tensors_into
from weightlens.recording.graph import is_inside
from weightlens.specs.sizes import tuple_text
from weightlens.words.layer_words import activation_of, layer_call, sentence
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.formulas.cell_arrays import cell_name
from weightlens.workbook.sheets.frame import SCALE_ENDS, VERDICT, link, tall_legend
from weightlens.workbook.xlsx.blocks import Text

if TYPE_CHECKING:
    from weightlens.model import Layer
    from weightlens.workbook.sheets.network import NetworkSheets
    from weightlens.workbook.xlsx.book import Sheet

HINT = "Every number is computed by live formulas from the weights in the file. Follow the links from top to bottom, as the numbers do."
COUNTING = "from 0, as in Python: unit 1 is the second unit, sample 1 the second sample"
MAP = ("", "layer", "what it does", "in Keras", "activation", "output shape", "parameters")
WIDEST = 60.0  # characters of other columns
SENTENCE = 62.0  # characters of the column that says what a layer does
WEIGHTS = ("", "weight", "path in the file", "name in this workbook", "shape", "element order", "cells")


def write_summary(net: NetworkSheets, sheet: Sheet, homes: Mapping[str, Sheet]) -> None:
    """The whole sheet, which is the first one but is known last; ``homes`` are the sheets of the layers."""
    row = _facts(net, sheet, 3) + 1
    row = _map(net, sheet, row, homes) + 1
    row = _weights(net, sheet, row) + 1
    tall_legend(sheet, row, 1, net.styles, roles(net))
    sheet.widths |= {
        (0, 0): 4,
        (1, 1): _wide(sheet, 1, 26),
        (2, 2): SENTENCE,
        (3, 3): _wide(sheet, 3, 30),
        (4, 4): 14,
        (5, 5): _wide(sheet, 5, 34),
        (6, 6): 22,
    }


def roles(net: NetworkSheets) -> set[str]:
    """The roles that cells of this workbook have."""
    if not net.plan.trace.steps:
        return {"weight"}
    sheets = net.plan.sheets
    scales = {kind for s in sheets for _, kind in s.heats}
    off = "relu" in scales or any(name == "dead" for s in sheets for _, name, _ in s.rules)
    extra = ({"off"} if off else set()) | {name for kind in scales for name in SCALE_ENDS.get(kind, ())}
    return {"input", "weight", "step", "helper", "constant", "output", "check"} | extra | ({"answer"} if net.options.blanks else set())


def _wide(sheet: Sheet, column: int, least: int) -> float:
    """As wide as the longest text of a column needs, within limits."""
    longest = max(len(text.text) for (_, place), text in sheet.texts.items() if place == column)
    return min(WIDEST, max(least, float(longest)))


def _facts(net: NetworkSheets, sheet: Sheet, row: int) -> int:
    source = net.model.provenance
    facts = [
        ("file", Path(source.path).name),
        ("format", source.format),
        ("Keras version", source.keras_version),
        ("backend", source.backend),
        ("saved", source.date),
        ("parameters", f"{net.model.size:,}"),
        ("counting", COUNTING if net.plan.trace.steps else ""),
    ]
    for name, value in facts:
        if value:
            sheet.write(row, 1, name, net.styles["label left"])
            sheet.write(row, 2, str(value), net.styles["plain"])
            row += 1
    if net.options.blanks:
        sheet.write(row, 1, "answers", net.styles["label left"])
        sheet.write(row, 2, "on hidden sheets: right-click the tab of a sheet and unhide them", net.styles["plain"])
        row += 1
    elif "check_verdict" in net.plan.names:
        sheet.write(row, 1, "live check", net.styles["label left"])
        sheet.texts[(row, 2)] = Text(style=net.styles["live"], formula=VERDICT, value="OK")
        sheet.links[(row, 2)] = "#'Check'!A1"
        sheet.rule(f"C{row + 1}", "wrong", f'C{row + 1}<>"OK"')
        row += 1
    return row


def _map(net: NetworkSheets, sheet: Sheet, row: int, homes: Mapping[str, Sheet]) -> int:
    """The network in order; an arrow where a layer reads the one above and nothing else; every layer links to its sheet."""
    styles, outputs = net.styles, net.plan.trace.layer_outputs
    for column, head in enumerate(MAP):
        sheet.write(row, column, head, styles["head"])
    for i, layer in enumerate(net.model.layers):
        row += 1
        home = homes.get(layer.name) or next((s for path, s in homes.items() if is_inside(path, layer.name)), None)
        if home is None and layer.is_input and layer.name in net.plan.trace.input_names:
            home = net.home
        straight = i > 0 and sources(layer) == [[net.model.layers[i - 1].name]]
        sheet.write(row, 0, "\u2193" if straight else "", styles["label"])
        sheet.write(row, 1, layer.name, styles["link" if home is not None else "plain"])
        if home is not None:
            sheet.links[(row, 1)] = link(home)
        words = " ".join(filter(None, [sentence(layer), "" if straight else reads(layer)]))
        sheet.write(row, 2, words, styles["text"])
        lines = math.ceil(len(words) / (1.1 * SENTENCE))
        if lines > 1:
            sheet.heights[row] = 13.0 * lines + 2
        sheet.write(row, 3, layer_call(layer), styles["plain"])
        sheet.write(row, 4, activation_of(layer), styles["plain"])
        shapes = [x.shape for x in outputs.get(layer.name, []) if x is not None] or [
            x.shape for x in net.plan.trace.inputs if x.name == layer.name
        ]
        sheet.write(row, 5, "; ".join(tuple_text(shape) for shape in shapes), styles["plain"])
        sheet.texts[(row, 6)] = Text(style=styles["count"], value=layer.size)
    return row + 1


def sources(layer: Layer) -> list[list[str]]:
    """The boxes of the sheet Network that each call of a layer reads: ``encoder #2`` is the second call of a layer."""
    return [list(dict.fromkeys(path_of_call(ref.layer, ref.call) for ref in tensors_into(call))) for call in layer.calls]


def reads(layer: Layer) -> str:
    """Where the numbers of a layer come from, in words; nothing of an input."""
    calls = [" and ".join(names) for names in sources(layer) if names]
    if len(calls) < 2:
        return f"It reads {calls[0]}." if calls else ""
    weights = ", with the same weights" if layer.size else ""
    return f"It is used {len(calls)} times{weights}: on {', on '.join(calls)}."


def _weights(net: NetworkSheets, sheet: Sheet, row: int) -> int:
    styles, plan = net.styles, net.plan
    for column, head in enumerate(WEIGHTS):
        sheet.write(row, column, head, styles["head"])
    for placed in plan.placed.values():
        if placed.kind != "weight":
            continue
        row += 1
        home = plan.sheets[placed.block.sheet]
        sheet.write(row, 1, f"{placed.layer}/{placed.name}", styles["link"])
        sheet.links[(row, 1)] = link(home, cell_name(placed.block.first))
        sheet.write(row, 2, placed.made.source.path if placed.made.source is not None else "", styles["path"])
        sheet.write(row, 3, placed.defined_name, styles["plain"])
        sheet.write(row, 4, tuple_text(placed.made.shape), styles["plain"])
        sheet.write(row, 5, order_words(placed.block.arrangement), styles["plain"])
        sheet.write(row, 6, f"'{home.title}'!{placed.block.area}", styles["plain"])
    return row + 1


def order_words(a: Arrangement) -> str:
    """How the elements of a block lie on the sheet: which axes run down, which across, outermost first."""
    if a.is_c_order:
        return "C order"
    down = f"axes {','.join(map(str, a.row_axes))} down" + (f" (gap {a.row_gap})" if a.row_gap else "")
    across = f"axes {','.join(map(str, a.column_axes))} across" + (f" (gap {a.column_gap})" if a.column_gap else "")
    return f"{down}; {across}"
