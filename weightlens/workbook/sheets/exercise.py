"""A workbook to practise with: chosen steps are left blank, each cell turns green or red as it is filled in, and there is a score.

The right formulas stand on the sheet Answers, in the same cells; later steps read those, so that one mistake stays one mistake.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from weightlens.errors import BadInput
from weightlens.words.layer_words import shares
from weightlens.workbook.formulas.cell_arrays import ROW, cell_name, combine, rectangle, refer
from weightlens.workbook.sheets.controls import control
from weightlens.workbook.xlsx.blocks import Block, Text

if TYPE_CHECKING:
    from weightlens.workbook.layout.plan import Placed, Plan, Sheet
    from weightlens.workbook.sheets.network import NetworkSheets

USUAL = ("dot product", "pre-activation", "max", "activation")  # what is left blank where nothing is named
ALLOWED = 0.005  # how far off an answer may be: what one sees on screen
MOST_BLANK = 5000  # cells that a person could fill in
TELLTALE = ("Check", "Curve", "Map", "Map steps")  # sheets that show what is to be found out


@dataclass
class Exercise:
    """Which steps are blank, and what has been laid out so far: the blank blocks and their answers."""

    blank: tuple[str, ...] = USUAL
    blocks: list[tuple[Sheet, Block, Block]] = field(default_factory=list)  # sheet, blank block, its answers
    answers: dict[int, Sheet] = field(default_factory=dict)
    depth: dict[int, int] = field(default_factory=dict)  # sheet -> first row of its marks

    def check(self, plan: Plan) -> None:
        """Refuse names that no step has."""
        names = list(dict.fromkeys(step.name for step in plan.steps if step.made.op is not None))
        for name in self.blank:
            if self.blank is not USUAL and not any(self.matches(name, known) for known in names):
                raise BadInput(f"--blank {name}: no step is called that; the steps are: {', '.join(names[:20])}")

    def matches(self, wish: str, name: str) -> bool:
        """``softmax`` means all its steps' result, ``activation``; else the names have to be equal."""
        return wish.strip().lower() in (name.lower(), {"activation": "softmax", "output": "softmax"}.get(name, name))

    def wants(self, name: str) -> bool:
        """Whether steps of this name are to be filled in."""
        return any(self.matches(wish, name) for wish in self.blank)

    def put(self, net: NetworkSheets, sheet: Sheet, placed: Placed, row: int, column: int) -> None:
        """A blank block where the step would stand, and the step itself in the same cells of its Answers sheet."""
        answers = self.answers.get(sheet.number)
        if answers is None:
            name = "Answers" if net.plan.one_sheet else f"Answers {sheet.title}"
            answers = self.answers[sheet.number] = net.plan.sheet(name, numbered=False)
            answers.hidden = True
            answers.write(0, 0, f"Answers to the sheet {sheet.title}", net.styles["title"])
            answers.write(
                1,
                0,
                "The right formulas, in the same cells. Students do not see this sheet until somebody unhides it.",
                net.styles["hint"],
            )
        answers.put(placed.block, row, column)
        share = id(placed.made) in net.results and shares(placed.made)
        blank = Block(placed.block.arrangement, None, net.styles.numbers("answer", None, share=share))
        sheet.put(blank, row, column)
        self.blocks.append((sheet, blank, placed.block))
        sheet.notes[(row, column)] = "Yours to fill in: " + sheet.notes.get((row, column), "")

    def finish(self, net: NetworkSheets) -> None:
        """Marks, colours and the score, once everything has its place."""
        total = sum(int(np.prod(blank.arrangement.shape)) for _, blank, _ in self.blocks)
        if not total or total > MOST_BLANK:
            raise BadInput(f"an exercise with {total:,} blank cells; name other steps with --blank, or take a smaller network")
        home = net.plan.sheets[net.plan.names["input_0"][0]]
        allowed = control(net, home, 1, "answers may be off by", ALLOWED)
        score = control(net, home, allowed.after, "score", 0.0, f"of {total}")
        marked: dict[int, list[Block]] = {}  # sheet -> its marks
        for sheet, blank, answer in self.blocks:
            marks = self.mark(net, sheet, blank, answer, f"'{home.title}'!{allowed.place}")
            mark, mine = cell_name(marks.first), cell_name(blank.first)
            sheet.rule(blank.area, "right", f"{mark}=1")
            sheet.rule(blank.area, "wrong", f"AND({mark}=0,LEN({mine})>0)")
            marked.setdefault(sheet.number, []).append(marks)
        sums = [f"SUM('{net.plan.titles[number]}'!{around(blocks)})" for number, blocks in marked.items()]
        home.texts[(score.row, score.column)] = Text(style=net.styles["verdict"], formula="+".join(sums), value=0.0)
        net.plan.names["score"] = (home.number, score.place)

    def hide(self, net: NetworkSheets) -> None:
        """Take the sheets out of sight that would give the answers away."""
        for sheet in net.plan.sheets:
            sheet.hidden = sheet.hidden or sheet.title in TELLTALE

    def mark(self, net: NetworkSheets, sheet: Sheet, blank: Block, answer: Block, limit: str) -> Block:
        """1 where the student's number is right, 0 where it is missing or wrong; on the same sheet, below everything."""
        if sheet.number not in self.depth:
            self.depth[sheet.number] = 3 + max(
                max(block.row + block.arrangement.height for block in sheet.blocks), max(row for row, _ in sheet.texts)
            )
            sheet.write(self.depth[sheet.number] - 1, 0, "marks: 1 where your answer is right", net.styles["hint"])
        shape = answer.arrangement.shape
        marks = Block(answer.arrangement, np.zeros(shape), net.styles["mark"])
        given, right = refer(blank.cells), refer(answer.cells)
        marks.make = lambda: combine(["IF(ISNUMBER(", given, "),IF(ABS(", given, "-", right, f")<={limit},1,0),0)"], shape)
        return sheet.put(marks, self.depth[sheet.number] + blank.row - min(b.row for s, b, _ in self.blocks if s is sheet), blank.column)


def around(blocks: list[Block]) -> str:
    """The area that encloses all blocks of marks: nothing else stands there, and the rows of time steps lie between each other."""
    first = min(b.row for b in blocks) * ROW + min(b.column for b in blocks)
    rows, columns = (
        max(ends) for ends in zip(*((b.row + b.arrangement.height, b.column + b.arrangement.width) for b in blocks), strict=True)
    )
    return rectangle(first, (rows - 1) * ROW + columns - 1)
