"""A sheet per layer, for networks that do not fit one: weights in yellow, the steps side by side, pictures as pictures."""

from __future__ import annotations

import math
from dataclasses import replace

from weightlens.recording import Recorded, Step
from weightlens.recording.graph import named_operands
from weightlens.words.captions import shape_words
from weightlens.words.layer_words import find, in_framework_words, sentence, shares
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.formulas.cell_arrays import refer
from weightlens.workbook.layout import choices as layout
from weightlens.workbook.layout.labels import column_labels, row_labels
from weightlens.workbook.layout.plan import Placed
from weightlens.workbook.sheets import play
from weightlens.workbook.sheets.frame import GAP, HEAD, LABEL, SQUARE, SQUARE_HEIGHT, TOP, squares, widen
from weightlens.workbook.sheets.network import Drawn, NetworkSheets, room_for
from weightlens.workbook.sheets.time_sheet import time_sheet
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Sheet

SMALLEST_PICTURE = 7
CHANGE = "Change a blue cell, and everything after it follows."
PICK = "Pick another sample, and everything after it follows."
FEW_ROWS = 60  # under a table of up to so many rows stand the weights that make its columns


def inputs_sheet(net: NetworkSheets) -> None:
    """The inputs, to be changed by hand."""
    sheet = net.plan.sheet("Inputs", hint=PICK if net.many_samples else CHANGE + play.made_up(net))
    if any(x.ndim >= 4 for x in net.plan.trace.inputs):
        sheet.default_height = SQUARE_HEIGHT
    column = 1
    for k, x in enumerate(net.plan.trace.inputs):
        placed = net.plan.placed[id(x)]
        row_names(net, sheet, placed, column)
        column += net.put_input(sheet, k, x, HEAD, column)
        column = as_picture(net, sheet, x, column)
        turned = _turned(net, x)
        if turned is not None:
            column += 1
            net.columns(sheet, column, turned.arrangement, False)
            net.caption(sheet, HEAD, column, turned.arrangement.width, "input, turned", "a sample per column, for the products")
            sheet.put(turned, TOP, column, net.styles["helper"])
            placed.block = turned
            column += turned.arrangement.width
        column += 1
    net.finish(sheet)


def name_outputs(net: NetworkSheets) -> None:
    """Name the outputs; where a layer's own arrangement is not C order, collect them once more on a sheet of their own."""
    sheet: Sheet | None = None
    column, named = 1, [net.plan.placed[id(x)].block for x in net.plan.trace.inputs]
    for k, (x, name) in enumerate(zip(net.plan.trace.results, net.plan.trace.output_names, strict=True)):
        placed = net.plan.placed.get(id(x))
        if placed is not None and placed.block.arrangement.is_c_order and placed.block not in named:
            net.plan.define(f"output_{k}", net.plan.sheets[placed.block.sheet], placed.block)
            named.append(placed.block)
            continue
        if sheet is None:
            sheet = net.plan.sheet("Outputs", hint="The network's outputs once more, sample by sample.")
        block = output_again(net, sheet, column, x, name)
        net.plan.define(f"output_{k}", sheet, block)
        column += block.arrangement.width + 1
    if sheet is not None:
        net.finish(sheet)


def output_again(net: NetworkSheets, sheet: Sheet, column: int, x: Recorded, name: str) -> Block:
    """One output in C order, by plain references, with labels."""
    block, axes = net.plan.mirror(x, layout.in_rows(x.shape)), net.plan.trace.axes.named(x)
    a, labels = block.arrangement, net.options.labels
    net.columns(sheet, column, a, False)
    net.caption(sheet, HEAD, column, a.width, name, "")
    net.labels(sheet, LABEL, column, dict(enumerate(labels)) if len(labels) == a.width else column_labels(a, axes))
    for r, text in row_labels(a, axes).items():
        sheet.texts.setdefault((TOP + r, 0), Text(text, net.styles["label right"]))
    return sheet.put(block, TOP, column, net.styles.numbers("output", x.value, share=shares(x)))


def as_picture(net: NetworkSheets, sheet: Sheet, x: Recorded, column: int) -> int:
    """One sample of 8 x 8 or more numbers in a row once more as a square, should it be a picture; returns the next column."""
    side = picture_side(x.shape)
    cells = net.plan.cells(x)
    if not side or cells is None:
        return column
    block = Block(Arrangement((side, side), (0,), (1,)), x.value.reshape(side, side), net.styles.numbers("step", x.value, small=True))
    block.make = lambda: refer(cells.reshape(side, side))
    for j in range(side):
        widen(sheet, column + 1 + j, SQUARE)
    net.caption(sheet, HEAD, column + 1, side, "as a picture", f"x in rows of {side}")
    sheet.put(block, TOP, column + 1)
    sheet.heats.append((block.area, "ink"))
    return column + 1 + side


def picture_side(shape: tuple[int, ...]) -> int:
    """The side of the square picture that one flat sample may be; 0 where it is none."""
    side = math.isqrt(shape[1]) if len(shape) == 2 and shape[0] == 1 else 0
    return side if side >= SMALLEST_PICTURE and side * side == shape[1] and side <= 128 else 0


def _turned(net: NetworkSheets, x: Recorded) -> Block | None:
    """Many samples of many features: sums of products are much cheaper down columns."""
    if x.ndim != 2 or x.shape[0] == 1 or x.shape[1] <= 64 or x.shape[0] > layout.WIDEST:
        return None
    return net.plan.mirror(x, layout.in_columns((x.shape[0], x.shape[1])))


def layer_sheet(net: NetworkSheets, path: str, drawn: Drawn) -> Drawn:
    """The sheet of one layer; ``drawn`` are those before it."""
    steps = [step for step in net.plan.steps if step.layer == path]
    layer = find(net.model, path)
    hint = " ".join(part for part in (sentence(layer) if layer is not None else "", comes_from(steps)) if part)
    sheet = net.plan.sheet(path, in_framework_words(net.model, path), hint=hint, numbered=True)
    own = [placed for step in steps for placed in net.plan.weights_of[id(step.made)]]
    if path in net.plan.tables:
        rest, column = time_sheet(net, sheet, net.plan.tables[path], steps)
        put_steps(net, sheet, rest, column, TOP + 2 + max([0, *(extent_down(net.plan.placed[id(step.made)]) for step in rest)]))
        net.finish(sheet)
    elif any(step.made.ndim >= 4 for step in steps):
        pictures(net, sheet, steps, own)
    else:
        tables(net, sheet, steps, own)
    return play.layer_winner(net, sheet, path, replace(drawn, homes={**drawn.homes, path: sheet}))


def pictures(net: NetworkSheets, sheet: Sheet, steps: list[Step], own: list[Placed]) -> None:
    """Feature maps: weights on the left, the steps under each other, so that a channel's pictures stand in one column."""
    sheet.default_height = SQUARE_HEIGHT
    column = 1
    if own:
        put_weights(net, sheet, own, column)
        column += max(p.block.arrangement.width for p in own) + 1
    row, rows = HEAD, {}
    for step in steps:
        placed = net.plan.placed[id(step.made)]
        key = (step.name, step.made.shape)
        if key not in rows:
            height = placed.block.arrangement.height
            rows[key], row = row, row + TOP - HEAD + (height + (placed.of > 1)) * placed.of + 1
        row_names(net, sheet, placed, column, rows[key])
        net.put_step(sheet, step, column, rows[key])
    widen(sheet, column - 1, 9 if len(steps) and steps[0].made.shape[:1] != (1,) else GAP)
    net.finish(sheet, 2)


def tables(net: NetworkSheets, sheet: Sheet, steps: list[Step], own: list[Placed]) -> None:
    """Vectors and sequences: the steps side by side, weights under the columns that they make, or on the right."""
    rows = max(extent_down(net.plan.placed[id(step.made)]) for step in steps)
    turned = any(net.plan.placed[id(step.made)].block.arrangement.column_axes == (0,) for step in steps)
    if rows <= FEW_ROWS and not turned:
        put_steps(net, sheet, steps, 1, TOP + rows + 2)
    else:
        column = put_steps(net, sheet, steps, 1, None)
        if own:
            widen(sheet, column, 9)
            put_weights(net, sheet, own, column + 1)
    net.finish(sheet)


def extent_down(placed: Placed) -> int:
    """How many rows a step takes, all its occurrences counted."""
    a = placed.block.arrangement
    return a.height + placed.of - 1 if a.stretch > 1 or placed.of == 1 else (a.height + (a.height > 1)) * placed.of


def put_steps(net: NetworkSheets, sheet: Sheet, steps: list[Step], column: int, under: int | None) -> int:
    """The steps from left to right; those of one name under each other; from row ``under`` on the weights that make them.

    Returns the column after them.
    """
    shown: tuple[object, ...] = ()
    starts: dict[tuple[str, tuple[int, ...]], int] = {}
    left: list[Placed] = []  # weights of steps that stand under one of the same name
    for step in steps:
        placed = net.plan.placed[id(step.made)]
        key = (step.name, step.made.shape)
        if key in starts:
            net.put_step(sheet, step, starts[key])
            left += net.plan.weights_of[id(step.made)] if under is not None else []
            continue
        rows = row_key(placed)
        labelled = rows != shown and row_names(net, sheet, placed, column)
        widen(sheet, column - 1, 9 if labelled else GAP)
        shown, starts[key] = rows, column
        width = net.put_step(sheet, step, column)
        own = net.plan.weights_of[id(step.made)] if under is not None else []
        put_weights(net, sheet, own, column, under or 0)
        column += max([width, *(p.block.arrangement.width for p in own)]) + 1
    put_weights(net, sheet, left, column, under or 0)
    return column + max((p.block.arrangement.width + 1 for p in left), default=0)


def put_weights(net: NetworkSheets, sheet: Sheet, weights: list[Placed], column: int, row: int = HEAD) -> None:
    """Weights under each other."""
    for placed in weights:
        net.columns(sheet, column, placed.block.arrangement, squares(sheet))
        row = net.put_weight(sheet, placed, row, column) + 1


def row_key(placed: Placed) -> tuple[object, ...]:
    """What the rows of a block stand for: neighbours with the same rows share their labels."""
    a = placed.block.arrangement
    return (a.row_axes, tuple(a.shape[axis] for axis in a.row_axes), placed.of, a.stretch)


def row_names(net: NetworkSheets, sheet: Sheet, placed: Placed, column: int, head: int = HEAD) -> bool:
    """Labels left of a block's rows, in the column before it; whether there are any."""
    a, of = placed.block.arrangement, placed.of
    if a.height * of <= 1 or a.height * of > 5000 or (a.shape[:1] == (1,) and len(a.shape) >= 4):
        return False
    texts = over_time(a) if a.stretch > 1 else row_labels(a, net.axes(placed))
    if placed.kind == "input" and a.row_axes == (1,):
        texts = dict(enumerate(net.options.input_names(a.height)))
    widen(sheet, column - 1, room_for(texts))
    for row, text in texts.items():
        sheet.write(head + TOP - HEAD + row, column - 1, text, net.styles["label right"])
    return True


def over_time(a: Arrangement) -> dict[int, str]:
    """The rows of samples that stand apart: in between are the other time steps."""
    one, samples = a.shape[:1] == (1,), a.shape[0] if a.shape else 1
    return {n * a.stretch + t: f"t={t}" if one else f"{n + 1}, t={t}" for n in range(samples) for t in range(a.stretch)}


def comes_from(steps: list[Step]) -> str:
    """Which layers this one reads, with the shapes: what to look at for the numbers that come in."""
    path = steps[0].layer
    read: dict[str, Recorded] = {}
    for x in named_operands(*(step.made for step in steps)):
        if x.kind != "weight" and x.layer != path:
            read.setdefault(x.layer, x)
    names = [f"{x.layer if x.kind == 'step' else 'the inputs'} {shape_words(x.shape)}" for x in read.values()]
    return f"It reads {', '.join(names[:4])}." if names else ""
