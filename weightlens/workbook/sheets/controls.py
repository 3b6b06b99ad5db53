"""Cells to turn: a name, a value to choose (with a drop-down), and what it means; and the switch between original and mine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from weightlens.workbook.formulas.cell_arrays import Expression, absolute, cell_name, combine, refer
from weightlens.workbook.sheets.frame import column_after
from weightlens.workbook.sheets.parts.lookups import to_choose
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.pages import width_of

if TYPE_CHECKING:
    from weightlens.workbook.layout.plan import Placed
    from weightlens.workbook.sheets.network import NetworkSheets
    from weightlens.workbook.xlsx.book import Sheet

CONTROLS = 2  # the row of controls, between the hint and the first captions
CONTROL_HEIGHT = 21.0
ROOM = 8.0  # characters of a control's cell
ORIGINAL, MINE = "original", "mine"
ANY_NUMBER = "-1E+300", "1E+300"
MOST_LISTED, LONGEST_LIST = 60, 255  # whole numbers to choose from; characters of a list without cells: Excel opens no longer one


class Control(NamedTuple):
    """Where a control's value stands: its absolute name, row and column; and the next free column."""

    place: str
    row: int
    column: int
    after: int


def control(net: NetworkSheets, sheet: Sheet, column: int, name: str, value: float | str, words: str = "") -> Control:
    """A value to change, with its name before and what it means behind."""
    return labelled_cell(net, sheet, column, name, Text.showing(value, net.styles["switch"]), words)


def labelled_cell(net: NetworkSheets, sheet: Sheet, column: int, name: str, text: Text, words: str = "", row: int = CONTROLS) -> Control:
    """One cell with its name before and what it means behind."""
    sheet.heights[row] = CONTROL_HEIGHT
    column = max(column_after(sheet, column, len(name) + 1), column + 1)
    sheet.write(row, column - 1, name, net.styles["label right"])
    sheet.texts[(row, column)] = text
    last, room = column, width_of(sheet, column)
    while room < ROOM:  # narrow columns: several make one cell
        last += 1
        room += width_of(sheet, last)
        sheet.texts[(row, last)] = Text(style=text.style)
    sheet.merge(row, column, last)
    sheet.write(row, last + 1, " " + words if words else "", net.styles["label left"])
    return Control(absolute(cell_name((row << 14) + column)), row, column, column_after(sheet, last + 1, len(words) + 2))


class Choice(NamedTuple):
    """A sample to look at: what the control is called, its cell, what it means, and the numbers to choose from (none: it is shown only)."""

    name: str
    text: Text
    words: str
    numbers: range | None


def sample_to_show(net: NetworkSheets, first: int) -> Choice:
    """Which of the samples on the network's own sheets; of many samples these are rows that begin with the picked one, or it alone."""
    inputs, text = net.plan.trace.inputs, Text.showing(float(first), net.styles["switch"])
    samples = int(inputs[0].shape[0]) if inputs and inputs[0].ndim else 1
    if not net.many_samples:
        return Choice("sample", text, f"of 0 to {samples - 1}" if samples > 1 else "", range(samples))
    if samples > 1:
        return Choice("row", text, f"of 0 to {samples - 1} on the sheet {net.home.title}, where samples are picked", range(samples))
    picked, switch = (f"'{net.home.title}'!{net.plan.names[name][1]}" for name in ("picked", "read"))
    text = Text(style=net.styles["fetched"], formula=f'IF({switch}="{MINE}","{MINE}",{picked})', value=0.0)
    return Choice("sample", text, f"picked on the sheet {net.home.title}", None)


def drop_down(place: str, choices: str | range) -> Callable[[Any], None]:
    """A list to choose from at a cell: ``"a,b"`` in quotes, the name of a range, or whole numbers, of which very many are typed."""
    if isinstance(choices, range):
        if len(choices) > MOST_LISTED:
            first, last = str(choices[0]), str(choices[-1])
            return only_between(place, "whole", (first, last), f"Please type a whole number from {first} to {last}.")
        choices = in_quotes([str(number) for number in choices])
    return validated(place, "Please choose one from the list.", type="list", formula1=choices, allow_blank=False)


def in_quotes(words: list[str]) -> str:
    """The words as a list to choose from."""
    return f'"{",".join(words)}"'


def only_numbers(net: NetworkSheets) -> None:
    """A word typed into an input or a weight is refused at once, and a number for which a table has no row: all would turn into errors."""
    for placed in net.plan.placed.values():
        if placed.kind not in ("input", "weight") or placed.block.make is not None or placed.made.dtype.kind == "U":
            continue
        area, chosen = placed.block.area, to_choose(net.plan, placed.made) if placed.kind == "input" else None
        rule = only_between(area, "decimal", ANY_NUMBER, "Please type a number.")
        if chosen is not None:
            word, last = chosen
            rule = only_between(area, "whole", ("0", str(last)), f"Please type the number of a {word}: a whole one from 0 to {last}.")
        net.plan.sheets[placed.block.sheet].finishing.append(rule)


def only_between(area: str, kind: Literal["whole", "decimal"], ends: tuple[str, str], words: str) -> Callable[[Any], None]:
    """A number between two, and nothing else, at these cells; ``words`` are said to who types another."""
    return validated(area, words, type=kind, operator="between", formula1=ends[0], formula2=ends[1], allow_blank=True)


def validated(area: str, words: str, **rule: Any) -> Callable[[Any], None]:
    """What may be typed into these cells, by the settings of openpyxl's rule; ``words`` are said to who types anything else."""

    def finish(page: Any) -> None:
        from openpyxl.worksheet.datavalidation import DataValidation

        validation = DataValidation(showErrorMessage=True, errorTitle="weightlens", error=words, **rule)
        page.add_data_validation(validation)
        validation.add(area.replace("$", ""))

    return finish


def add_switch(net: NetworkSheets) -> None:
    """One cell that says ``original`` or ``mine``: which inputs and weights all formulas read.

    The blue and yellow cells stay yours to change; what was exported is kept on the sheet Originals, and what is
    in use stands on the sheet In use.
    """
    plan, styles = net.plan, net.styles
    home = net.home
    place = control(net, home, 1, "calculate with", MINE, "original or mine: with the numbers as exported, or as you changed them").place
    home.finishing.append(drop_down(place, f'"{ORIGINAL},{MINE}"'))
    plan.names["use"] = (home.number, place)
    kept = plan.sheet("Originals", hint="The inputs and weights as exported. Leave them: the switch goes back to them.")
    used = plan.sheet("In use", hint="What the formulas read: the original or your number, as the switch says.")
    row = 4
    for placed in list(plan.placed.values()):
        if placed.kind not in ("input", "weight") or placed.block.make is not None:
            continue
        for sheet in (kept, used):
            sheet.write(row - 1, 1, f"{placed.layer}/{placed.name}" if placed.kind == "weight" else placed.name, styles["caption left"])
        looks = styles.numbers("constant", placed.made.value), styles.numbers("fetched", placed.made.value)
        original = kept.put(Block(placed.block.arrangement, placed.block.values, looks[0]), row, 1)
        block = used.put(Block(placed.block.arrangement, placed.block.values, looks[1]), row, 1)
        block.make = chosen(f"'{home.title}'!{place}", original, placed)
        plan.read_instead(placed.made, block.cells)
        row += placed.block.arrangement.height + 2


def chosen(switch: str, original: Block, placed: Placed) -> Callable[[], Expression]:
    """``IF(switch="original", original, mine)`` for every element."""
    return lambda: combine([f'IF({switch}="{ORIGINAL}",', refer(original.cells), ",", refer(placed.block.cells), ")"], placed.made.shape)
