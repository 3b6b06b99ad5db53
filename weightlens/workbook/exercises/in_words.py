"""Help with an exercise: the marks in words, and the sheet Hints, which says what a step is for and works out its first number.

The words say what was probably forgotten, where a wrong number is the one that a usual mistake leads to.

The mistakes are those of a check by hand, made in the recorded forward pass on the exported numbers. Their results stand on a hidden
sheet beside the right ones, so the words are live formulas, too; where an input or weight was changed since, they say nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from weightlens.checks.by_hand.mistakes import known_mistakes
from weightlens.checks.by_hand.replay import Replay
from weightlens.checks.by_hand.scene import Scene
from weightlens.recording import Recorded, Trace
from weightlens.spreadsheet.cells_map import steps_by_entry
from weightlens.words.captions import mathematics
from weightlens.words.explained import explained
from weightlens.words.worked import arithmetic
from weightlens.workbook.formulas.cell_arrays import COLUMN, Cells, Expression, combine, quoted, refer
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.sheets.controls import drop_down
from weightlens.workbook.sheets.exercise import ALLOWED, Blank, marks_of
from weightlens.workbook.sheets.frame import widen
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Sheet

TRIED, KEPT = 80, 5  # mistakes that are made, the likeliest first; those that are kept for a step
LONGEST = 200  # characters of words in a formula
WORDS, SUM, TOP = 3, 4, 5  # rows of the hidden sheet
SAME = 0.000001  # the right number is the exported one
NONE_OF_THEM = "a number is wrong, and not by one of the usual mistakes: the sheet Hints may help"
Key = tuple[str, str]  # the layer and the name of a step
HINT_HEAD, FIRST_HINT = 3, 4  # rows of the hints
WIDTHS = (24, 60, 40, 12, 60)
TEXTS = (*WIDTHS[:3], WIDTHS[4])  # of the columns whose texts are broken
HEADS = ("step", "what it is for", "how it is computed", "show one?", "its first number, worked out (with the numbers as exported)")
HINT = "Stuck? Read from left to right, and only as far as you need. Type yes in a blue cell to see the first number of a step worked out."
LINE = 15.0  # points of a line of text
MOST_WORKED = 250  # characters of a number worked out


class Slip(NamedTuple):
    """A mistake in words, and the numbers that it leads to."""

    words: str
    values: np.ndarray


def by_step(blanks: Sequence[Blank]) -> dict[Key, list[Blank]]:
    """The blank steps by layer and name: all time steps of one together."""
    groups: dict[Key, list[Blank]] = {}
    for blank in blanks:
        groups.setdefault((blank.placed.layer, blank.placed.name), []).append(blank)
    return groups


def add_words(net: NetworkSheets, blanks: list[Blank], recorded: Trace, allowed: str) -> None:
    """Under the marks of each sheet a line for each step, as long as there is something to say."""
    nodes = nodes_of(blanks, recorded)
    slips = usual_slips(recorded, [node for node in nodes.values() if node is not None])
    hidden = net.plan.sheet("Mistakes")
    hidden.hidden = True
    hidden.write(0, 0, "The usual mistakes, and the numbers they lead to", net.styles["title"])
    column = 0
    for key, group in by_step(blanks).items():
        made = [nodes[id(blank)] for blank in group]
        known = together([slips.get(id(node), {}) for node in made]) if all(node is not None for node in made) else []
        column = one_step(net, hidden, column, key, group, known, allowed)


def nodes_of(blanks: Sequence[Blank], recorded: Trace) -> dict[int, Recorded | None]:
    """The recorded value of each blank step, by the blank's id."""
    steps, found = steps_by_entry(recorded), dict[int, Recorded | None]()
    for blank in blanks:
        step = steps.get((blank.placed.layer, blank.placed.name, blank.placed.made.shape, blank.placed.occurrence))
        found[id(blank)] = None if step is None else step.made
    return found


def usual_slips(recorded: Trace, nodes: list[Recorded]) -> dict[int, dict[str, np.ndarray]]:
    """For each value the usual mistakes in words, with what they make of it."""
    replay = Replay(recorded)
    nodes = [node for node in nodes if id(node) in replay.number]
    exact = [np.asarray(value, np.float64) for value in replay.run(nodes, {})]
    slips: dict[int, dict[str, np.ndarray]] = {id(node): {} for node in nodes}
    for mistake in [m for m in known_mistakes(Scene(recorded, replay)) if not m.harmless][:TRIED]:
        try:
            made = replay.run(nodes, mistake.edits)
        except (ValueError, IndexError, TypeError):  # it leads to nothing: a word that the table does not have
            continue
        for node, right, wrong in zip(nodes, exact, made, strict=True):
            if np.shape(wrong) == right.shape and np.isfinite(wrong).all() and len(mistake.words) < LONGEST:
                slips[id(node)][mistake.words] = np.asarray(wrong, np.float64)
    return slips


def together(parts: list[dict[str, np.ndarray]]) -> list[Slip]:
    """The mistakes that are known of every occurrence of a step, the numbers in one line; the likeliest, without doubles."""
    shared = [words for words in parts[0] if all(words in part for part in parts)] if parts else []
    return [Slip(words, np.concatenate([part[words].ravel() for part in parts])) for words in shared]


def one_step(net: NetworkSheets, hidden: Sheet, column: int, key: Key, group: list[Blank], slips: list[Slip], allowed: str) -> int:
    """The columns of a step on the hidden sheet, and its words below the marks; returns the next free column."""
    given, right = (
        np.concatenate([block.cells.ravel() for block in blocks]) for blocks in ([b.block for b in group], [b.answers for b in group])
    )
    exact = np.concatenate([np.asarray(blank.answers.values, np.float64).ravel() for blank in group])
    kept: list[Slip] = []
    for slip in slips:
        differs = np.abs(slip.values - exact).max() > 2 * ALLOWED
        if differs and len(kept) < KEPT and all(np.abs(slip.values - other.values).max() > 2 * ALLOWED for other in kept):
            kept.append(slip)
    write = partial(write_column, net, hidden)
    wrong = write(column, np.zeros(len(exact)), marks_of(given, right, allowed, wanted=False), "wrong")
    stored = write(column + 1, exact, None, "as exported")
    parts = [f"IF('{hidden.title}'!{sum_of(column)}=0,\"\","]
    for i, slip in enumerate(kept):
        at = column + 2 + 2 * i
        values = write(at, slip.values, None, slip.words)
        write(at + 1, np.zeros(len(exact)), matches(given, right, wrong, stored, values, allowed), "the same")
        text = quoted(f"{': '.join(key)}: it looks as if {slip.words}")
        parts.append(f"IF('{hidden.title}'!{sum_of(at + 1)}='{hidden.title}'!{sum_of(column)},{text},")
    parts.append(quoted(f"{': '.join(key)}: {NONE_OF_THEM}") + ")" * (1 + len(kept)))
    sheet = group[0].sheet
    row = 1 + max(max(row for row, _ in sheet.texts), max(block.row + block.arrangement.height for block in sheet.blocks))
    sheet.texts[(row, 1)] = Text(style=net.styles["advice"], formula="".join(parts), value="")
    return column + 3 + 2 * len(kept)


def write_column(net: NetworkSheets, hidden: Sheet, column: int, values: np.ndarray, made: Expression | None, words: str) -> Cells:
    """A column of the hidden sheet with its words and its sum; returns its cells."""
    block = Block(in_rows((len(values), 1)), values[:, None], net.styles["helper"])
    if made is not None:
        column_of = made.moved(lambda array: array.reshape(-1, 1), (len(values), 1))
        block.make = lambda: column_of
        hidden.texts[(SUM, column)] = Text(
            style=net.styles["helper"], formula=f"SUM({COLUMN[column]}{TOP + 1}:{COLUMN[column]}{TOP + len(values)})", value=0.0
        )
    hidden.write(WORDS, column, words, net.styles["label left"])
    return hidden.put(block, TOP, column).cells.ravel()


def sum_of(column: int) -> str:
    """The cell with the sum of a column."""
    return f"${COLUMN[column]}${SUM + 1}"


def matches(given: Cells, right: Cells, wrong: Cells, stored: Cells, values: Cells, allowed: str) -> Expression:
    """1 for each wrong number that a mistake leads to, as long as the right one is the exported one."""
    parts: list[str | Expression] = ["IF(", refer(wrong), "=1,IF(ABS(", refer(right), "-", refer(stored), f")<={SAME:.6f},"]
    parts += ["IF(ABS(", refer(given), "-", refer(values), f")<={allowed},1,0),0),0)"]
    return combine(parts, given.shape)


def hints_sheet(net: NetworkSheets, blanks: list[Blank]) -> None:
    """A row for each step."""
    sheet, steps = net.plan.sheet("Hints", hint=HINT), {id(step.made): step for step in net.plan.steps}
    for j, (width, head) in enumerate(zip(WIDTHS, HEADS, strict=True)):
        widen(sheet, j, width)
        sheet.write(HINT_HEAD, j, head, net.styles["head"])
    for row, ((layer, name), group) in enumerate(by_step(blanks).items(), start=FIRST_HINT):
        step, again = steps[id(group[0].placed.made)], len(group) > 1
        purpose, formula, worked = explained(step), mathematics(step, repeated=True) if again else step.words, ""
        with contextlib.suppress(TypeError, ValueError, KeyError, IndexError):  # some operations cannot be followed number by number
            worked = arithmetic(step, (0,) * step.made.ndim)
        sheet.across(row, 0, (f"{layer}: {name}", purpose, formula), net.styles, "text")
        sheet.heights[row] = LINE * (
            1 + max(len(text) // width for text, width in zip((f"{layer}: {name}", purpose, formula, worked), TEXTS, strict=True))
        )
        if not worked:
            continue
        sheet.texts[(row, 3)] = Text("no", net.styles["switch"])
        sheet.finishing.append(drop_down(f"D{row + 1}", '"no,yes"'))
        sheet.texts[(row, 4)] = Text(style=net.styles["text"], formula=f'IF($D{row + 1}="yes",{quoted(worked[:MOST_WORKED])},"")', value="")
    sheet.freeze, sheet.one_page = (FIRST_HINT, 1), 0
    sheet.print_area = f"A1:C{max(row for row, _ in sheet.texts) + 1}"  # on paper nobody types yes
