"""The sheets about the workbook: Summary (a map of the network), Check (stored against live), Cells (where everything stands)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from weightlens.workbook.cells import ROW, SHEET, Area, Cells, Expression, cell_name, combine, refer
from weightlens.workbook.grid import Block, Text, absolute
from weightlens.workbook.layout import Arrangement
from weightlens.workbook.network import NetworkSheets, shape_words
from weightlens.workbook.plan import Placed, Plan, Sheet
from weightlens.workbook.styles import Styles

if TYPE_CHECKING:
    from weightlens.model import Model

MAX_CHECKED = 5000  # output numbers compared one by one
TOLERANCE = 1e-9


def link(sheet: str, cell: str = "A1") -> str:
    """Where a link inside the workbook goes."""
    return f"#'{sheet}'!{cell}"


def write_summary(sheet: Sheet, model: Model, plan: Plan, network: NetworkSheets, styles: Styles) -> None:
    """The map: what the file is, every layer with a link to its sheet, every weight with its name and place."""
    source = model.provenance
    sheet.write(0, 0, model.name or "model", styles["title"])
    sheet.write(1, 0, "Every number here is computed by live formulas from the weights in the file. Start with the inputs; follow the sheets to the right.", styles["hint"])
    facts = [("file", source.path), ("format", source.format), ("Keras version", source.keras_version), ("backend", source.backend), ("saved", source.date), ("numbers in all", f"{model.size:,}")]
    row = 3
    for name, value in facts:
        if value:
            sheet.write(row, 0, name, styles["label left"])
            sheet.write(row, 1, str(value), styles["plain"])
            row += 1
    row = _layers(sheet, model, network, styles, row + 1)
    _weights(sheet, plan, network, styles, row + 1)
    sheet.widths |= {(0, 0): 24, (1, 1): 22, (2, 2): 16, (3, 3): 18, (4, 4): 14, (5, 5): 60}


def _layers(sheet: Sheet, model: Model, network: NetworkSheets, styles: Styles, row: int) -> int:
    for column, head in enumerate(("layer", "class", "activation", "output shape", "parameters", "")):
        sheet.write(row, column, head, styles["head"])
    outputs = network.plan.trace.layer_outputs
    for layer in model.layers:
        row += 1
        sheet.write(row, 0, layer.name, styles["link" if layer.name in network.sheet_of else "plain"])
        if layer.name in network.sheet_of:
            sheet.links[(row, 0)] = link(network.sheet_of[layer.name].title)
        named = layer.config.get("activation")
        sheet.write(row, 1, layer.class_name, styles["plain"])
        sheet.write(row, 2, named if isinstance(named, str) else "", styles["plain"])
        shapes = [x.shape for x in outputs.get(layer.name, []) if x is not None]
        sheet.write(row, 3, "; ".join(shape_words(shape) for shape in shapes), styles["plain"])
        sheet.texts[(row, 4)] = Text(style=styles["count"], value=layer.size)
    return row + 1


def _weights(sheet: Sheet, plan: Plan, network: NetworkSheets, styles: Styles, row: int) -> None:
    for column, head in enumerate(("weight", "name in this workbook", "shape", "element order", "cells", "path in the file")):
        sheet.write(row, column, head, styles["head"])
    for placed in plan.placed.values():
        if placed.kind != "weight":
            continue
        row += 1
        name = network.weight_names.get(id(placed.made), "")
        home = plan.sheets[placed.block.first >> 34].title
        sheet.write(row, 0, f"{placed.layer}/{placed.name}", styles["link"])
        sheet.links[(row, 0)] = link(home, cell_name(placed.block.first))
        sheet.write(row, 1, name, styles["plain"])
        sheet.write(row, 2, shape_words(placed.made.shape), styles["plain"])
        sheet.write(row, 3, order_words(placed.block.arrangement), styles["plain"])
        sheet.write(row, 4, f"'{home}'!{placed.block.area}", styles["plain"])
        sheet.write(row, 5, placed.made.source.path if placed.made.source is not None else "", styles["path"])


def order_words(a: Arrangement) -> str:
    """How the elements of a block lie on the sheet: which axes run down, which across, outermost first."""
    if a.is_c_order:
        return "C order"
    down = f"axes {','.join(map(str, a.row_axes))} down" + (f" (gap {a.row_gap})" if a.row_gap else "")
    across = f"axes {','.join(map(str, a.column_axes))} across" + (f" (gap {a.column_gap})" if a.column_gap else "")
    return f"{down}; {across}"


def write_check(sheet: Sheet, plan: Plan, styles: Styles, expected: Sequence[np.ndarray], witness: str) -> None:
    """Stored outputs against live ones, one verdict, and a checksum of every step so that the first wrong one is named."""
    sheet.write(0, 0, "Check", styles["title"])
    sheet.write(1, 0, f"Expected: computed by {witness} for the inputs and weights as exported. After you change one, differences are what you caused.", styles["hint"])
    sheet.write(3, 0, "verdict", styles["caption left"])
    sheet.write(4, 0, "tolerance", styles["label left"])
    sheet.texts[(4, 1)] = Text(style=styles["input"], value=1e-5 if witness.startswith("Keras") else TOLERANCE)
    sheet.write(5, 0, "worst difference", styles["label left"])
    top = 9
    flat: list[Cells] = []
    wanted: list[np.ndarray] = []
    for x, numbers in zip(plan.trace.results, expected, strict=True):
        cells = plan.cells(x)
        if cells is not None:
            flat.append(cells.reshape(-1))
            wanted.append(np.asarray(numbers, np.float64).reshape(-1))
    live_cells, stored = np.concatenate(flat)[:MAX_CHECKED, None], np.concatenate(wanted)[:MAX_CHECKED, None]
    live = np.concatenate([np.asarray(x.value, np.float64).reshape(-1) for x in plan.trace.results])[:MAX_CHECKED, None]
    for column, head in enumerate(("output", "expected", "live", "difference", "")):
        sheet.write(top - 1, column, head, styles["head"])
    n = len(stored)
    arrangement = Arrangement((n, 1), (0,), (1,))
    numbers_block = Block(arrangement, np.arange(1.0, n + 1)[:, None], styles["plain"])
    sheet.put(numbers_block, top, 0)
    expected_block = sheet.put(Block(arrangement, stored, styles["expected"]), top, 1)
    live_block = sheet.put(Block(arrangement, live, styles["output"], make=lambda: refer(live_cells), sheet_names=plan.titles), top, 2)
    difference = np.abs(stored - live)
    make = _difference(expected_block, live_block)
    block = sheet.put(Block(arrangement, difference, styles["check"], make=lambda: make, sheet_names=plan.titles), top, 3)
    for i in range(n):
        text = "OK" if difference[i, 0] <= TOLERANCE or not np.isfinite(difference[i, 0]) else "DIFFERS"
        sheet.texts[(top + i, 4)] = Text(style=styles["label"], formula=f'IF({cell_name(block.first + i * ROW)}<=$B$5,"OK","DIFFERS")', value=text)
    worst = float(np.nanmax(difference)) if n else 0.0
    sheet.texts[(5, 1)] = Text(style=styles["check"], formula=f"MAX({block.area})", value=worst if np.isfinite(worst) else None)
    verdict = "OK" if worst <= (1e-5 if witness.startswith("Keras") else TOLERANCE) else "DIFFERS"
    sheet.texts[(3, 1)] = Text(style=styles["verdict"], formula='IF(B6<=B5,"OK","DIFFERS")', value=verdict)
    _checksums(sheet, plan, styles, top)
    plan.names["check_verdict"] = (sheet.number, "$B$4")
    sheet.freeze = "A10"
    sheet.widths |= {(0, 0): 16, (1, 4): 14, (5, 5): 3, (6, 7): 22, (8, 11): 14}


def _difference(a: Block, b: Block) -> Expression:
    return combine(["ABS(", refer(a.cells), "-", refer(b.cells), ")"], a.arrangement.shape)


def _checksums(sheet: Sheet, plan: Plan, styles: Styles, top: int) -> None:
    """One row per step: the sum of its cells as exported and as it is now."""
    groups: dict[tuple[str, str, tuple[int, ...]], list[Placed]] = {}
    for placed in plan.placed.values():
        if placed.kind == "step":
            groups.setdefault((placed.layer, placed.name, placed.made.shape), []).append(placed)
    for column, head in enumerate(("layer", "step", "stored sum", "live sum", "difference", "")):
        sheet.write(top - 1, 6 + column, head, styles["head"])
    for i, ((layer, name, _), parts) in enumerate(groups.items()):
        row = top + i
        total = float(sum(np.sum(p.made.value, dtype=np.float64) for p in parts))
        first, last = parts[0].block, parts[-1].block
        end = last.first + (last.arrangement.height - 1) * ROW + last.arrangement.width - 1
        home = plan.sheets[first.first >> 34].title
        sheet.write(row, 6, layer, styles["link"])
        sheet.links[(row, 6)] = link(home, cell_name(first.first))
        sheet.write(row, 7, name, styles["plain"])
        if not np.isfinite(total):
            continue
        size = float(sum(np.sum(np.abs(p.made.value), dtype=np.float64) for p in parts))
        sheet.texts[(row, 8)] = Text(style=styles["expected"], value=total)
        sheet.texts[(row, 9)] = Text(style=styles["step"], formula=f"SUM('{home}'!{absolute(cell_name(first.first))}:{absolute(cell_name(end))})", value=total)
        sheet.texts[(row, 10)] = Text(style=styles["check"], formula=f"ABS(I{row + 1}-J{row + 1})", value=0.0)
        limit = f"{max(size, 1.0) * 1e-9:.15f}".rstrip("0")
        sheet.texts[(row, 11)] = Text(style=styles["label"], formula=f'IF(K{row + 1}<={limit},"OK","DIFFERS")', value="OK")


def write_cells(sheet: Sheet, plan: Plan, network: NetworkSheets, styles: Styles) -> None:
    """The hidden map of cells: one row per block, for programs (checking, reading weights back, printing cells)."""
    heads = ("kind", "layer", "name", "occurrence", "sheet", "first", "shape", "row axes", "column axes", "row gap", "column gap", "stretch", "defined name", "path")
    for column, head in enumerate(heads):
        sheet.write(0, column, head, styles["head"])
    for row, placed in enumerate(plan.placed.values(), 1):
        a, block = placed.block.arrangement, placed.block
        if block.first >> 34 >= len(plan.sheets):
            continue
        path = placed.made.source.path if placed.made.source is not None else ""
        axes = (",".join(map(str, a.row_axes)), ",".join(map(str, a.column_axes)))
        shape = ",".join(map(str, a.shape))
        where = (plan.sheets[block.first >> 34].title, cell_name(block.first))
        values = (placed.kind, placed.layer, placed.name, placed.occurrence, *where, shape, *axes, a.row_gap, a.column_gap, a.stretch, network.weight_names.get(id(placed.made), ""), path)
        for column, value in enumerate(values):
            sheet.write(row, column, str(value), styles["plain"])
    sheet.hidden = True


__all__ = ["SHEET", "Area", "write_cells", "write_check", "write_summary"]
