"""A workbook of matrices: a sheet for each layer that has weights, and nothing is computed."""

from __future__ import annotations

from weightlens.model import Layer, Weight
from weightlens.recording import Recorded
from weightlens.specs.sizes import tuple_text
from weightlens.words.layer_words import call_words, sentence
from weightlens.workbook.sheets.frame import HEAD
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.sheets.parts.room import columns
from weightlens.workbook.xlsx.book import Sheet


def matrices(net: NetworkSheets) -> dict[str, Sheet]:
    """A sheet for each layer that has weights, with nothing but those; also for layers and files that cannot be computed."""
    groups: list[tuple[str, Layer | None, dict[str, Weight]]] = [
        (layer.name, layer, layer.weights) for layer in net.model.layers if layer.weights
    ]
    if net.model.unplaced:
        groups.append(("unplaced", None, {weight.name or weight.path: weight for weight in net.model.unplaced}))
    return {name: matrix_sheet(net, name, layer, weights) for name, layer, weights in groups}


def matrix_sheet(net: NetworkSheets, name: str, layer: Layer | None, weights: dict[str, Weight]) -> Sheet:
    """The matrices of one layer under each other."""
    heading = f"{name}: {call_words(layer)}" if layer is not None else "Matrices that belong to no known layer"
    sheet = net.plan.sheet(name, heading, hint=sentence(layer) if layer is not None else "", numbered=True)
    row = HEAD
    for key, weight in weights.items():
        value = weight.value
        if value.dtype.kind not in "fiub" or not value.size:
            sheet.write(row, 1, f"{key} {tuple_text(weight.shape)}: {weight.dtype}, not numbers that a sheet can show", net.styles["hint"])
            row += 2
            continue
        x = Recorded(value, kind="weight", name=key)
        x.layer, x.source = name, weight
        placed = net.plan.place_weight(x)
        columns(sheet, 1, placed.block.arrangement, value)
        row = net.put_weight(sheet, placed, row, 1) + 2
    net.finish(sheet, 2)
    return sheet
