"""Many samples on a sheet of their own, and a cell that picks the one that the network is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from weightlens.engine.forward import predict
from weightlens.errors import WorkbookTooLarge
from weightlens.model import Model
from weightlens.workbook.formulas.cell_arrays import MAX_COLUMNS, MAX_ROWS, Area, Cells, Expression, Piece, combine, refer
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.sheets import target
from weightlens.workbook.sheets.controls import control, drop_down, labelled_cell
from weightlens.workbook.sheets.frame import HEAD, LABEL, SECTION, TOP, squares
from weightlens.workbook.sheets.layer_sheet import number_sides, picture_side
from weightlens.workbook.sheets.network import Drawn, NetworkSheets
from weightlens.workbook.sheets.parts.room import columns
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Sheet

MOST_NAMES = 3000  # columns of the data that are named
DATA, MINE = "data", "mine"
SMALL, NARROW, WINDOW = 2000, 64, 20  # parameters and inputs of a network that may show a row per sample; and how many rows
MANY_ROWS, MANY_SAMPLES = 200, 24  # from more samples on they stand on a Data sheet: networks on one sheet, and others


def samples_shown(model: Model, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The samples that the network's own sheets show: all, or of very many only one (of a small dense network some)."""
    samples = len(arrays[0]) if arrays and all(x.ndim and len(x) == len(arrays[0]) for x in arrays) else 1
    small = model.size <= SMALL and all(x.ndim == 2 and x.shape[1] <= NARROW for x in arrays)
    if samples <= (MANY_ROWS if small else MANY_SAMPLES):
        return arrays
    return [x[: WINDOW if small else 1] for x in arrays]


def pick_from(net: NetworkSheets, drawn: Drawn) -> Drawn:
    """Turn the network's inputs into formulas that fetch the picked sample, or the numbers typed in beside."""
    home, arrays, plan = net.home, net.arrays, net.plan
    typed = [next(b for b in home.blocks if b.values is x.value and b.make is None) for x in plan.trace.inputs]
    sheet = plan.sheet("Data", about=f"{len(arrays[0]):,} samples", hint="The samples to pick from. Type over them, or paste others.")
    blocks = data_blocks(net, sheet, arrays)
    outputs = predict(net.model, arrays)
    if len(outputs) == 1 and len(outputs[0]) == len(arrays[0]):
        drawn = replace(drawn, targets=target.stored(net, sheet, outputs[0], drawn.winner) or drawn.targets)
    mine = own_inputs(net, home)
    plan.names["samples"] = (sheet.number, f"$A${TOP + 1}:$A${TOP + len(arrays[0])}")
    pick = control(net, home, 1, "picked sample", 0.0, f"of 0 to {len(arrays[0]) - 1:,}; choose another one")
    home.finishing.append(drop_down(pick.place, "samples"))
    switch = control(net, home, pick.after, "read", DATA, "data = the picked row, mine = the cells under mine")
    home.finishing.append(drop_down(switch.place, f'"{DATA},{MINE}"'))
    if not plan.one_sheet:
        show_answer(net, drawn, pick.place)
    plan.names["picked"], plan.names["read"] = (home.number, pick.place), (home.number, switch.place)
    count_from(net, pick.place, switch.place)
    for x, block, own, cells in zip(plan.trace.inputs, blocks, mine, typed, strict=True):
        cells.make = fetched(f"'{home.title}'!{pick.place}", f"'{home.title}'!{switch.place}", own, block, x.shape)
        cells.style = net.styles.numbers("fetched", x.value, squares(home))
        home.notes[(cells.row, cells.column)] = (
            "Fetched from the sheet Data: the picked sample. For your own numbers choose mine above, and type them under mine."
        )
    return drawn


def show_answer(net: NetworkSheets, drawn: Drawn, pick: str) -> None:
    """What the network answers to the picked sample, and what is true, where the sample is picked."""
    winner = drawn.winner
    if winner is None:
        return
    text = Text(style=net.styles["winner"], formula=winner.cell, value=winner.found[0])
    shown = labelled_cell(net, net.home, 1, "answer", text, row=SECTION)
    if drawn.targets:
        true = target.as_answers(net.options.target, winner.classes, len(net.arrays[0]))[0]
        text = Text(style=net.styles["constant"], formula=f"INDEX({drawn.targets},{pick}+1,1)", value=true)
        labelled_cell(net, net.home, shown.after, "true", text, row=SECTION)


def count_from(net: NetworkSheets, pick: str, switch: str) -> None:
    """The numbers of the samples left of the rows: they begin with the picked one; those of one's own begin with 0."""
    last = len(net.arrays[0]) - 1
    for x in net.plan.trace.inputs if net.plan.one_sheet else ():
        for i in range(x.shape[0]):
            number = net.home.texts[(net.plan.placed[id(x)].block.row + i, 0)]
            number.formula = f'IF({switch}="{MINE}",{i},MIN({last},{pick}+{i}))'


def own_inputs(net: NetworkSheets, home: Sheet) -> list[Block]:
    """Blue cells for numbers of one's own: right of the inputs, on the one sheet's workbook on a sheet Mine. Pictures are to be painted."""
    column, mine = 1 + max(block.column + block.arrangement.width for block in home.blocks), []
    if net.plan.one_sheet:
        home, column = net.plan.sheet("Mine", hint="Your own inputs: read where the switch says mine."), 1
    for x in net.plan.trace.inputs:
        side = picture_side(x.shape)
        small = side > 0 or squares(home)
        lying = in_rows((side, side)) if side else net.plan.placed[id(x)].block.arrangement
        columns(home, column, lying, x.value, small=small)
        net.caption(home, HEAD, column, lying.width, "mine", f"your own {x.name}")
        style = net.styles.numbers("input", x.value, small)
        mine.append(home.put(Block(lying, x.value.reshape(lying.shape).copy(), style), TOP, column))
        if side:
            number_sides(net, home, column, side)
        home.heats.append((mine[-1].area, "ink"))
        column += lying.width + 1
    return mine


def data_blocks(net: NetworkSheets, sheet: Sheet, arrays: Sequence[np.ndarray]) -> list[Block]:
    """One row per sample, all its numbers side by side in C order; inputs beside each other."""
    n, column, blocks = len(arrays[0]), 1, []
    width = sum(int(np.prod(x.shape[1:], dtype=np.int64)) + 1 for x in arrays)
    if n + TOP > MAX_ROWS or width + 4 > MAX_COLUMNS:
        raise WorkbookTooLarge(f"{n:,} samples of {width - len(arrays):,} numbers do not fit a sheet; give fewer samples, or one")
    sheet.write(LABEL, 0, "sample", net.styles["label right"])
    numbers = in_rows((n, 1))
    sheet.put(Block(numbers, np.arange(float(n))[:, None], net.styles["label right"]), TOP, 0)
    for x, recorded in zip(arrays, net.plan.trace.inputs, strict=True):
        flat = x.reshape(n, -1)
        sheet.write(HEAD, column, recorded.name, net.styles["caption left"])
        sheet.across(LABEL, column, net.options.input_names(flat.shape[1])[:MOST_NAMES], net.styles, "label")
        blocks.append(sheet.put(Block(in_rows(flat.shape), flat, net.styles["data"]), TOP, column))
        column += flat.shape[1] + 1
    sheet.default_width = 7
    sheet.freeze = (TOP, 1)
    return blocks


def fetched(pick: str, switch: str, mine: Block, data: Block, shape: tuple[int, ...]) -> Callable[[], Expression]:
    """``IF(switch="mine", mine, INDEX(column of the data, picked + sample, 1))`` for every number of the input."""
    n = data.arrangement.shape[0]
    columns: Cells = np.broadcast_to((data.first + np.arange(data.arrangement.shape[1])).reshape(1, *shape[1:]), shape)

    def make() -> Expression:
        rows = [f",MIN({n},{pick}+{i + 1}),1)" for i in range(shape[0])]
        options: list[list[Piece]] = [["INDEX(", Area(columns, n, 1), row] for row in rows]
        which = np.broadcast_to(np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1)), shape)
        picked = Expression(shape, options, which if shape[0] > 1 else None)
        end = ')&""' if data.values is not None and data.values.dtype.kind == "U" else ")"  # an empty cell is no word, not 0
        return combine([f'IF({switch}="{MINE}",', refer(mine.cells.reshape(shape)), ",", picked, end], shape)

    return make
