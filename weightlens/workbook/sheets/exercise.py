"""A workbook to practise with: chosen steps are left blank, each cell turns green or red as it is filled in, and there is a score.

The right formulas stand on the sheet Answers, in the same cells; later steps read those, so that one mistake stays one mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from weightlens.errors import BadInput
from weightlens.words.layer_words import shares
from weightlens.workbook.formulas.cell_arrays import ROW, Cells, Expression, cell_name, combine, rectangle, refer
from weightlens.workbook.layout.blanks import is_called
from weightlens.workbook.layout.plan import Placed
from weightlens.workbook.sheets.controls import control
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Sheet

ALLOWED = 0.005  # how far off an answer may be: what one sees on screen
MOST_BLANK = 5000  # cells that a person could fill in
TELLTALE = ("Check", "Curve", "Map", "Map steps", "Hidden units")  # sheets that show what is to be found out


@dataclass(frozen=True)
class Blank:
    """A step to be filled in: what it is, its sheet, the blank cells, and the right ones on a hidden sheet."""

    placed: Placed
    sheet: Sheet
    block: Block
    answers: Block


def check_names(net: NetworkSheets) -> None:
    """Refuse names that no step has."""
    names = list(dict.fromkeys(step.name for step in net.plan.steps if step.made.op is not None))
    for wish in net.options.blank:
        if not any(is_called(name, wish) for name in names):
            raise BadInput(f"--blank {wish}: no step is called that; the steps are: {', '.join(names[:20])}")


def leave_blank(net: NetworkSheets) -> list[Blank]:
    """Move the steps to be filled in to hidden sheets, into the same cells, and leave blank ones where they stood.

    Outputs are named after this: their names belong to the right numbers.
    """
    hidden: dict[int, Sheet] = {}  # the sheet of answers to a sheet
    blanks: list[Blank] = []
    for placed in net.plan.placed.values():
        block = placed.block
        if placed.kind != "step" or not net.is_blank(placed.made) or block.sheet >= len(net.plan.sheets):
            continue
        sheet = net.plan.sheets[block.sheet]
        if sheet.number not in hidden:
            hidden[sheet.number] = answers_sheet(net, sheet)
        share = id(placed.made) in net.results and shares(placed.made)
        empty = Block(block.arrangement, None, net.styles.numbers("answer", None, share=share))
        row, column = block.row, block.column
        sheet.blocks.remove(block)
        sheet.put(empty, row, column)
        hidden[sheet.number].put(block, row, column)
        sheet.notes[(row, column)] = "Yours to fill in: " + sheet.notes.get((row, column), "")
        placed.blank, placed.blank_name = empty, net.plan.define(f"blank_{placed.layer}/{placed.name}", sheet, empty)
        blanks.append(Blank(placed, sheet, empty, block))
    return blanks


def answers_sheet(net: NetworkSheets, sheet: Sheet) -> Sheet:
    """A hidden sheet for the right formulas of another one."""
    answers = net.plan.sheet("Answers" if net.plan.one_sheet else f"Answers {sheet.title}")
    answers.hidden = True
    answers.write(0, 0, f"Answers to the sheet {sheet.title}", net.styles["title"])
    words = "The right formulas, in the same cells. Students do not see this sheet until somebody unhides it."
    answers.write(1, 0, words, net.styles["hint"])
    return answers


def add_score(net: NetworkSheets, blanks: list[Blank]) -> str:
    """Marks, colours and the score, once everything has its place; returns the cell that says how far off an answer may be."""
    total = check_amount(blanks)
    home = net.home
    allowed = control(net, home, 1, "answers may be off by", ALLOWED)
    score = control(net, home, allowed.after, "score", 0.0, f"of {total}")
    by_sheet: dict[int, list[Blank]] = {}
    for blank in blanks:
        by_sheet.setdefault(blank.sheet.number, []).append(blank)
    limit = f"'{home.title}'!{allowed.place}"
    sums = [f"SUM('{net.plan.titles[n]}'!{mark(net, own, limit)})" for n, own in by_sheet.items()]
    home.texts[(score.row, score.column)] = Text(style=net.styles["verdict"], formula="+".join(sums), value=0.0)
    net.plan.names["score"] = (home.number, score.place)
    return limit


def check_amount(blanks: list[Blank]) -> int:
    """The number of blank cells; refused if there are none, or more than a person could fill in."""
    total = sum(int(np.prod(blank.block.arrangement.shape)) for blank in blanks)
    if not total or total > MOST_BLANK:
        raise BadInput(f"an exercise with {total:,} blank cells; name other steps with --blank, or take a smaller network")
    return total


def mark(net: NetworkSheets, blanks: list[Blank], limit: str) -> str:
    """Below everything on a sheet, 1 for each right number, 0 where it is missing or wrong; returns the area of these marks."""
    sheet = blanks[0].sheet
    top = 3 + max(max(block.row + block.arrangement.height for block in sheet.blocks), max(row for row, _ in sheet.texts))
    first, sheet.printed_rows = min(blank.block.row for blank in blanks), top - 2
    sheet.write(top - 1, 0, "marks: 1 where your answer is right", net.styles["hint"])
    marks: list[Block] = []
    for blank in blanks:
        a = blank.answers.arrangement
        block = Block(a, np.zeros(a.shape), net.styles["mark"], make=partial(marks_of, blank.block.cells, blank.answers.cells, limit))
        marks.append(sheet.put(block, top + blank.block.row - first, blank.block.column))
        one, mine = cell_name(block.first), cell_name(blank.block.first)
        sheet.rule(blank.block.area, "right", f"{one}=1")
        sheet.rule(blank.block.area, "wrong", f"AND({one}=0,LEN({mine})>0)")
    return enclosing_area(marks)


def marks_of(given: Cells, right: Cells, allowed: str, wanted: bool = True) -> Expression:
    """1 for each number that is there and right, or wrong if that is ``wanted``; else 0."""
    mine = refer(given)
    return combine(
        ["IF(ISNUMBER(", mine, "),IF(ABS(", mine, "-", refer(right), f")<={allowed},{'1,0' if wanted else '0,1'}),0)"], mine.shape
    )


def enclosing_area(blocks: list[Block]) -> str:
    """The area that encloses all blocks of marks: nothing else stands there, and the rows of time steps lie between each other."""
    top, left = min(b.row for b in blocks), min(b.column for b in blocks)
    bottom, right = max(b.row + b.arrangement.height for b in blocks), max(b.column + b.arrangement.width for b in blocks)
    return rectangle(top * ROW + left, (bottom - 1) * ROW + right - 1)


def hide_answers(net: NetworkSheets) -> None:
    """Take the sheets out of sight that would give the answers away."""
    for sheet in net.plan.sheets:
        sheet.hidden = sheet.hidden or sheet.title in TELLTALE
