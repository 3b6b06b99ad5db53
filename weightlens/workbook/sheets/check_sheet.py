"""The Check sheet: stored outputs against live ones, one verdict, and checksums that name the first wrong step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from weightlens.workbook.formulas.areas import MAX_ARGUMENTS
from weightlens.workbook.formulas.cell_arrays import ROW, Cells, cell_name, combine, rectangle, refer
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.layout.plan import Placed, Plan
from weightlens.workbook.sheets.frame import link
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.xlsx.blocks import Block, Text, runs
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.printer import MAX_FORMULA
from weightlens.workbook.xlsx.styles import Styles

MAX_CHECKED = 5000  # output numbers compared one by one
TOLERANCE, ROUNDED_TOLERANCE = 1e-9, 1e-5
TOP = 11  # first row of the two tables
STEPS = 6  # first column of the second one
LARGE = 1e6  # from here on sums are shown with powers of ten
OUTPUTS_DIFFER = "The difference of expected and live, divided by the size of what is expected, where that is above 1."
SUMS_DIFFER = "The difference of the two sums, divided by the sum of the sizes of the step's numbers as exported, where that is above 1."


def write_check(net: NetworkSheets, verified: str) -> None:
    """The whole sheet; ``verified`` says which spreadsheet program recalculated the workbook."""
    plan, styles, witness = net.plan, net.styles, net.options.witness
    expected = [np.asarray(numbers) for numbers in net.options.expected or plan.trace.outputs]
    hint = f"Expected: computed by {witness} for the inputs and weights as exported. Once you change one, DIFFERS is what you caused."
    hint += " Left: every output. Right: every step, by the sum of its numbers."
    sheet = plan.sheet("Check", hint=hint)
    rounded = any(numbers.dtype.kind == "f" and numbers.dtype.itemsize < 8 for numbers in expected)  # as Keras computes
    tolerance = ROUNDED_TOLERANCE if rounded else TOLERANCE
    difference = _outputs(sheet, plan, styles, expected, tolerance)
    worst = float(np.nanmax(difference.values, initial=0.0)) if difference.values is not None else 0.0
    steps = _checksums(sheet, plan, styles)
    for row, name in enumerate(("verdict", "tolerance", "worst difference", "first step that differs", "verified with"), 3):
        sheet.write(row, 0, name, styles["caption left" if row == 3 else "label left"])
    verdict = "OK" if worst <= tolerance else "DIFFERS"
    sheet.texts[(3, 1)] = Text(style=styles["verdict"], formula='IF(ISNUMBER(B6),IF(B6<=B5,"OK","DIFFERS"),"ERROR")', value=verdict)
    sheet.texts[(4, 1)] = Text(style=styles["input"], value=tolerance)
    differences = [difference.area, *([f"$K${TOP + 1}:$K${TOP + steps}"] if steps else [])]
    formula = f"MAX({','.join(differences)})"
    sheet.texts[(5, 1)] = Text(style=styles["check"], formula=formula, value=worst if np.isfinite(worst) else None)
    for row, words in ((4, "for every verdict below; yours to change"), (5, "of all outputs and steps below")):
        sheet.write(row, 2, words, styles["label left"])
    if steps:
        marks, names = (f"${c}${TOP + 1}:${c}${TOP + steps}" for c in "LM")
        sheet.texts[(6, 1)] = Text(
            style=styles["verdict"],
            formula=f'IF(COUNTIF({marks},"DIFFERS")=0,"none",INDEX({names},MATCH("DIFFERS",{marks},0),1))',
            value="none",
        )
    sheet.write(7, 1, verified or "no other program yet; weightlens check MODEL --workbook FILE has one recalculate it", styles["plain"])
    columns = [(f"{c}{TOP + 1}", f"{c}{TOP + 1}:{c}{TOP + n}") for c, n in (("E", difference.arrangement.height), ("L", steps)) if n]
    for first, place in (("B4", "B4"), *columns):
        sheet.rule(place, "wrong", f'{first}<>"OK"')
        sheet.rule(place, "right", f'{first}="OK"')
    plan.names["check_verdict"] = (sheet.number, "$B$4")
    sheet.freeze = (TOP, 0)
    widest = max([24, *(len(text.text) * 0.9 + 1 for (_, column), text in sheet.texts.items() if column == 0)])
    sheet.widths |= {(0, 0): widest, (1, 1): 28, (2, 4): 14, (5, 5): 3, (6, 7): 22, (8, 11): 14, (12, 12): 30}


def _outputs(sheet: Sheet, plan: Plan, styles: Styles, expected: Sequence[np.ndarray], tolerance: float) -> Block:
    """Number by number: expected, live, difference; returns the block of differences."""
    flat: list[Cells] = []
    wanted: list[np.ndarray] = []
    shown: list[np.ndarray] = []
    for x, numbers in zip(plan.trace.results, expected, strict=True):
        cells = plan.cells(x)
        if cells is not None:
            flat.append(cells.reshape(-1))
            wanted.append(np.asarray(numbers, np.float64).reshape(-1))
            shown.append(np.asarray(x.value, np.float64).reshape(-1))
    live_cells, stored, live = (np.concatenate(parts)[:MAX_CHECKED, None] if parts else np.zeros((0, 1)) for parts in (flat, wanted, shown))
    sheet.across(TOP - 1, 0, ("output", "expected", "live", "difference", "verdict"), styles, "head")
    sheet.notes[(TOP - 1, 3)] = OUTPUTS_DIFFER
    n = len(stored)
    arrangement = in_rows((n, 1))
    sheet.down(TOP, 0, output_names(plan)[:n], styles, "label left")
    expected_block = sheet.put(Block(arrangement, stored, styles["expected"]), TOP, 1)
    live_block = sheet.put(Block(arrangement, live, styles["expected"], make=lambda: refer(live_cells)), TOP, 2)
    with np.errstate(invalid="ignore"):  # infinite outputs
        difference = np.abs(stored - live) / np.maximum(1.0, np.abs(stored))
    wish = refer(expected_block.cells)
    made = combine(["ABS(", wish, "-", refer(live_block.cells), ")/MAX(1,ABS(", wish, "))"], arrangement.shape)
    block = sheet.put(Block(arrangement, difference, styles["check"], make=lambda: made), TOP, 3)
    for i in range(n):
        text = "OK" if difference[i, 0] <= tolerance else "DIFFERS"
        sheet.texts[(TOP + i, 4)] = Text(style=styles["label"], formula=agrees(cell_name(block.first + i * ROW), "$B$5"), value=text)
    return block


def agrees(difference: str, limit: str) -> str:
    """The verdict on one difference; an error cell differs, too."""
    return f'IF(ISNUMBER({difference}),IF({difference}<={limit},"OK","DIFFERS"),"DIFFERS")'


def output_names(plan: Plan) -> list[str]:
    """What each output number is: ``sample 0, unit 0``; before it the name of the output, where it has one."""
    names: list[str] = []
    for x, name in zip(plan.trace.results, plan.trace.output_names, strict=True):
        if plan.cells(x) is None:
            continue
        named = plan.trace.axes.named(x)
        for index in np.ndindex(x.shape):
            if len(names) > MAX_CHECKED:
                return names
            words = [name if plan.trace.outputs_named else "", named.place(index)]
            names.append(", ".join(word for word in words if word))
    return names


def _checksums(sheet: Sheet, plan: Plan, styles: Styles) -> int:
    """One row per step: the sum of its cells as exported and as it is now; returns the number of rows."""
    groups: dict[tuple[str, str, tuple[int, ...]], list[Placed]] = {}
    for placed in plan.placed.values():
        if placed.kind == "step" and placed.made.dtype.kind != "U" and placed.block.sheet < len(plan.sheets):
            groups.setdefault((placed.layer, placed.name, placed.made.shape), []).append(placed)
    sheet.across(TOP - 1, STEPS, ("layer", "step", "stored sum", "live sum", "difference", "verdict", "step in full"), styles, "head")
    sheet.notes[(TOP - 1, STEPS + 4)] = SUMS_DIFFER
    for row, ((layer, name, _), parts) in enumerate(groups.items(), TOP):
        first = parts[0].block
        home = plan.sheets[first.sheet]
        sheet.write(row, STEPS, layer, styles["link"])
        sheet.links[(row, STEPS)] = link(home, cell_name(first.first))
        sheet.write(row, STEPS + 1, name, styles["plain"])
        sheet.write(row, STEPS + 6, f"{layer}: {name}", styles["label left"])
        values = np.stack([p.made.value for p in parts]) if len(parts) > 1 else parts[0].made.value
        total = float(np.sum(values, dtype=np.float64))
        if not np.isfinite(total):
            continue
        formula = _sum(home, [placed.block for placed in parts])
        if not formula:
            continue
        look = styles["expected large" if abs(total) >= LARGE else "expected"]
        sheet.texts[(row, STEPS + 2)] = Text(style=look, value=total)
        sheet.texts[(row, STEPS + 3)] = Text(style=look, formula=formula, value=total)
        size = float(np.sum(np.abs(values), dtype=np.float64))
        relative = f"ABS(I{row + 1}-J{row + 1})" + (f"/{size:.1f}" if size > 1.0 else "")
        sheet.texts[(row, STEPS + 4)] = Text(style=styles["check"], formula=relative, value=0.0)
        sheet.texts[(row, STEPS + 5)] = Text(style=styles["label"], formula=agrees(f"K{row + 1}", "$B$5"), value="OK")
    return len(groups)


def _sum(home: Sheet, blocks: list[Block]) -> str:
    """The sum of all cells of a step: one area, or one a sample where the rows in between belong to others; nothing if too long."""
    first, last = blocks[0], blocks[-1]
    if first.arrangement.stretch == 1:
        end = last.first + (last.arrangement.height - 1) * ROW + last.arrangement.width - 1
        return f"SUM('{home.title}'!{rectangle(first.first, end)})"
    areas = [f"'{home.title}'!{area}" for area in runs(blocks)]
    sums = [f"SUM({','.join(areas[i : i + MAX_ARGUMENTS])})" for i in range(0, len(areas), MAX_ARGUMENTS)]
    formula = "+".join(sums)
    return formula if len(formula) < MAX_FORMULA else ""
