"""A sheet per layer, for networks that do not fit one: weights in yellow, the steps side by side, pictures as pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from weightlens.axes.factors import picture_axis
from weightlens.recording import Recorded, Step
from weightlens.recording.graph import expression, named_operands, pads_with_a_number
from weightlens.specs.sizes import tuple_text
from weightlens.words.layer_words import in_framework_words, sentence, shares
from weightlens.workbook.formulas.cell_arrays import refer
from weightlens.workbook.layout import choices as layout
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.layout.labels import row_labels, two_rows
from weightlens.workbook.sheets import play
from weightlens.workbook.sheets.frame import HEAD, LABEL, SQUARE, SQUARE_HEIGHT, TITLES, TOP, widen
from weightlens.workbook.sheets.network import Drawn, NetworkSheets
from weightlens.workbook.sheets.parts.bands import name_rows, pictures, put_steps, rows_in_words, tables
from weightlens.workbook.sheets.parts.directions import in_both_directions
from weightlens.workbook.sheets.parts.input_blocks import put_input
from weightlens.workbook.sheets.parts.room import columns, room_for
from weightlens.workbook.sheets.time_sheet import TimeSheet
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Sheet

SMALLEST_PICTURE, MOST_AGAIN = 7, 4096  # its side; numbers of pictures that are shown once more, channel by channel
CHANGE = "Change a cell with a thick frame, and everything after it follows."
MANY_FEATURES = 64  # sums of products over more of them are much cheaper down columns, a sample per column
SIDES = {"row": ("above", "below"), "column": ("on the left", "on the right")}
USUAL_SIDES = ("at the beginning", "at the end")
PICK = "Pick another sample, and everything after it follows."


def inputs_sheet(net: NetworkSheets) -> None:
    """The inputs, to be changed by hand."""
    sheet = net.plan.sheet("Inputs", hint=PICK if net.many_samples else CHANGE + play.made_up(net))
    if any(x.ndim >= 4 for x in net.plan.trace.inputs):
        sheet.default_height = SQUARE_HEIGHT
    column = 1
    for k, x in enumerate(net.plan.trace.inputs):
        placed = net.plan.placed[id(x)]
        rows = row_labels(placed.block.arrangement, net.axes(placed)) if x.ndim > 3 else rows_in_words(net, placed)
        name_rows(net, sheet, rows, column)
        if x.ndim > 3:
            widen(sheet, column - 1, room_for(rows))
        column += put_input(net, sheet, k, x, HEAD, column)
        column = as_picture(net, sheet, x, column)
        if x.ndim == 2 and 1 != x.shape[0] <= layout.WIDEST and x.shape[1] > MANY_FEATURES:
            turned = net.plan.mirror(x, layout.in_columns((x.shape[0], x.shape[1])))
            column += 1
            columns(sheet, column, turned.arrangement, x.value)
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
        block = output_repeated(net, sheet, column, x, name)
        net.plan.define(f"output_{k}", sheet, block)
        column += block.arrangement.width + 1
    if sheet is not None:
        net.finish(sheet)


def output_repeated(net: NetworkSheets, sheet: Sheet, column: int, x: Recorded, name: str) -> Block:
    """One output in C order, by plain references, with labels."""
    block, axes = net.plan.mirror(x, layout.in_rows(x.shape)), net.plan.trace.axes.named(x)
    a, labels = block.arrangement, net.options.labels
    columns(sheet, column, a, x.value)
    net.caption(sheet, HEAD, column, a.width, name, "")
    called = len(labels) == a.width or shares(x)
    shared, single = ({}, dict(enumerate(net.options.class_names(a.width)))) if called else two_rows(a, axes)
    sheet.across(LABEL, column, single, net.styles, "label")
    sheet.across(LABEL - 1, column, shared, net.styles, "label left")
    rows = row_labels(a, axes)
    widen(sheet, 0, room_for(rows))
    for r, text in rows.items():
        sheet.texts.setdefault((TOP + r, 0), Text(text, net.styles["label right"]))
    return sheet.put(block, TOP, column, net.styles.numbers("output", x.value, share=shares(x)))


def as_picture(net: NetworkSheets, sheet: Sheet, x: Recorded, column: int) -> int:
    """One sample of 8 x 8 or more numbers in a row once more as a square, should it be a picture; returns the next column."""
    if x.ndim == 4:
        return channels_apart(net, sheet, x, column)
    side = picture_side(x.shape)
    cells = net.plan.cells(x)
    if not side or cells is None:
        return column
    block = Block(in_rows((side, side)), x.value.reshape(side, side), net.styles.numbers("step", x.value, small=True))
    block.make = lambda: refer(cells.reshape(side, side))
    for j in range(side):
        widen(sheet, column + 1 + j, SQUARE)
    net.caption(sheet, HEAD, column + 1, side, "as a square", f"x in rows of {side}, should it be a picture")
    sheet.put(block, TOP, column + 1)
    number_sides(net, sheet, column + 1, side)
    sheet.heats.append((block.area, "ink"))
    return column + 1 + side


def channels_apart(net: NetworkSheets, sheet: Sheet, x: Recorded, column: int) -> int:
    """Pictures of several channels once more, a picture per channel as on all later sheets; returns the next column."""
    placed = net.plan.placed[id(x)]
    planes = layout.as_planes(x.shape, net.axes(placed)) if x.shape[-1] > 1 and x.size <= MOST_AGAIN else None
    if planes is None:
        return column
    column, again, name = column + 2, replace(placed, block=net.plan.mirror(x, planes)), "once more, channel by channel"
    columns(sheet, column, planes, x.value)
    name_rows(net, sheet, row_labels(planes, net.axes(placed)), column)
    sheet.write(HEAD, column, name, net.styles["caption left"])
    net.beside_name(sheet, HEAD, column, name, net.axes_over(again))
    net.labels_over(sheet, LABEL, column, again, {})
    sheet.put(again.block, TOP, column, net.styles.numbers("step", x.value, small=True))
    net.scale(sheet, again, True)
    return column + planes.width


def number_sides(net: NetworkSheets, sheet: Sheet, column: int, side: int) -> None:
    """The numbers of rows and columns around a square picture whose first column this is."""
    for i in range(side):
        sheet.write(LABEL, column + i, str(i), net.styles["label"])
        sheet.write(TOP + i, column - 1, f"row {i}", net.styles["label right"])
    sheet.write(LABEL, column - 1, "column", net.styles["label right"])


def picture_side(shape: tuple[int, ...]) -> int:
    """The side of the square picture that one flat sample may be; 0 where it is none."""
    side = math.isqrt(shape[1]) if len(shape) == 2 and shape[0] == 1 else 0
    return side if side >= SMALLEST_PICTURE and side * side == shape[1] and side <= 128 else 0


def layer_sheet(net: NetworkSheets, path: str, before: Sequence[str], inner: list[str], drawn: Drawn) -> Drawn:
    """The sheet of one layer, of the two that it is wrapped around, and of those that only move numbers ``before`` it.

    ``drawn`` are the layers before these.
    """
    steps = [step for step in net.plan.steps if step.layer == path]
    moved = [step for step in net.plan.steps if step.layer in before]
    told = [f"{mover}: {sentence(layer)}" for mover in before if (layer := net.plan.trace.layers.get(mover)) is not None]
    layer = net.plan.trace.layers.get(path)
    told += [sentence(layer) if layer is not None else "", zeros_around(net, steps), called_next(net, steps)]
    told.append(comes_from(net.plan.steps, [*before, *inner, path]))
    sheet = net.plan.sheet(path, in_framework_words(net.plan.trace, path), hint=" ".join(filter(None, told)), numbered=True)
    own = [placed for step in steps for placed in net.plan.weights_of[id(step.made)]]
    if inner:
        in_both_directions(net, sheet, inner, [*moved, *steps])
    elif path in net.plan.tables:
        table = TimeSheet(net, sheet, net.plan.tables[path], steps)
        put_steps(net, sheet, [*moved, *table.others], table.draw())
        net.finish(sheet, TOP if len(table.flows) == 1 else TITLES)
    elif path in net.plan.pictures:
        pictures(net, sheet, [*moved, *steps], own)
    else:
        tables(net, sheet, [*moved, *steps], own)
    return play.layer_winner(net, sheet, path, replace(drawn, homes={**drawn.homes, **dict.fromkeys([*before, *inner, path], sheet)}))


def zeros_around(net: NetworkSheets, steps: Sequence[Step]) -> str:
    """Where a layer adds zeros around what it reads, and how many: they have no cells."""
    made = (x for step in steps for x in expression(step.made) if x is not step.made and not x.kind)
    x = next((x for x in made if pads_with_a_number(x) and not x.kwargs.get("constant_values", 0.0)), None)
    if x is None:
        return ""
    words = list[str]()
    for axis, pair in zip(net.plan.trace.axes.named(x).axes, np.broadcast_to(x.args[1], (x.ndim, 2)).tolist(), strict=True):
        word, sides = picture_axis(axis), SIDES.get(picture_axis(axis), USUAL_SIDES)
        words += [f"{n} {word}{'s' if n > 1 else ''} {side}" for n, side in zip(pair, sides, strict=True) if n and word]
    return f"Zeros around its input: {', '.join(words)}." if words else ""


def called_next(net: NetworkSheets, steps: Sequence[Step]) -> str:
    """What the next layer calls what filters make, or which class a unit stands for."""
    last = [axis[-1].name for step in steps[-1:] for axis in net.plan.trace.axes.named(step.made).axes[-1:] if axis]
    result = next((step.made for step in steps if id(step.made) in net.results), None)
    if result is not None:
        names = net.classes(result) if "unit" in last else {}
        return f"Unit 0 stands for {names[0]}." if names else ""
    return "What filter 0 makes is channel 0 for the next layer." if "filter" in last else ""


def comes_from(steps: Sequence[Step], own: Sequence[str]) -> str:
    """Which layers the ``own`` ones of a sheet read, with the shapes: what to look at for the numbers that come in."""
    read: dict[str, Recorded] = {}
    for x in named_operands(*(step.made for step in steps if step.layer in own)):
        if x.kind != "weight" and x.layer not in own:
            read.setdefault(x.layer, x)
    names = [f"{x.layer if x.kind == 'step' else 'the inputs'} {tuple_text(x.shape)}" for x in read.values()]
    return f"It reads {', '.join(names[:4])}." if names else ""
