"""What a person calculated, as typed text or as a table: numbers with the digits they were written with, and the steps they belong to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from weightlens.checks.by_hand.numbers import WrittenNumber, parse_number, refuse_unclear_marks
from weightlens.errors import BadInput, first_few
from weightlens.tables import Table, open_table
from weightlens.tables.cells import number_fault, seems_titled
from weightlens.tables.table import Row, has_index_title

NOISE = 1e-6  # float32 rounding from another order of sums, relative to numbers of size 1 or more
COLUMNS = {
    "layer": ("layer", "schicht", "couche", "capa"),
    "step": ("step", "what", "quantity", "name", "schritt", "\u00e9tape", "etape", "paso"),
    "sample": ("sample", "row", "case", "example", "beispiel", "exemple", "ejemplo"),
    "value": ("value", "number", "result", "answer", "my value", "by hand", "wert", "valeur", "valor"),
    "unit": ("unit", "element", "index", "neuron", "column", "channel", "einheit", "unit\u00e9", "neurone", "neurona", "unidad"),
    "time": ("time", "time step", "timestep", "t", "occurrence"),
}
SAID_ONCE = ("layer", "step", "sample")  # columns in which an empty cell means the one above: cells are often merged
UNNAMED = {3: ("layer", "step", "value"), 4: ("layer", "step", "unit", "value"), 5: ("layer", "step", "sample", "unit", "value")}
ABOVE = 20  # rows above a heading, with the title of a sheet or a name
RULE, STROKE = re.compile(r"[-+:=|\s]+"), re.compile(r"[-=:]{2}")  # a cell of the line below a heading in Markdown, and what it has
LISTED = "a list of steps has the titles layer, step, sample, unit, value: one number in a line"
INDEX = re.compile(r"(?:(?<![\w)])-)?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Claim:
    """One number of the calculation by hand: the step, sample and unit it is said to belong to, and the file and line it is written in."""

    written: WrittenNumber
    layer: str = ""
    step: str = ""
    sample: int | None = None
    unit: tuple[int, ...] | None = None
    time: int | None = None
    place: str = ""


@dataclass(frozen=True)
class Claims:
    """All numbers of one calculation. ``notes``: what of the file was not read."""

    source: str
    items: list[Claim]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutputRows:
    """A calculation of which only the final outputs were written down, as rows of a table without names of steps.

    A row without numbers stands before others or between them.
    """

    source: str
    rows: list[list[WrittenNumber]]
    has_index: bool = False  # whether the first column has the title that pandas gives to row numbers
    joined: list[list[WrittenNumber]] = field(default_factory=list)  # one number a row, where all commas may be decimal ones
    titles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()  # the words beside the numbers


def read_csv(given: str) -> Claims | OutputRows:
    """A table ``layer,step,sample,unit,value`` (any of the first four may be missing), or bare rows of outputs; ``-``: typed in."""
    table = open_table(given, loose=True, number=parse_number)
    return claims_of_table(table, "what was typed in" if given == "-" else table.name)


def claims_of_table(table: Table, source: str, notes: tuple[str, ...] = ()) -> Claims | OutputRows:
    """What the rows of a table say. A title above them, and the line below a heading in Markdown, are passed over."""
    table.begin(False)
    rows = [row for row in table.rows() if not is_rule(row[1])]
    if not rows:
        raise BadInput(f"{source}: holds no numbers")
    at = next((i for i, (_, cells) in enumerate(rows[:ABOVE]) if is_heading(cells)), None)
    start = first_of_table(rows) if at is None else at
    own = Table(table.name, iter(rows[start:]), table.titled, table.separator, loose=True)
    head = usual_columns(own.first) if at is None else columns_of(own.first)
    own.begin(at is not None or (not head and seems_titled(own, parse_number)))
    return claims_from_list(own.rows(), head, source, notes) if head else output_rows(own, source, notes)


def usual_columns(cells: Sequence[str]) -> dict[str, int]:
    """Which column of a list without a heading holds what: two of words, then those of numbers; none, if it is no such list."""
    is_word = [parse_number(cell) is None and bool(cell) for cell in cells]
    usual = UNNAMED.get(len(cells), ()) if is_word[:2] == [True, True] and not is_word[-1] else ()
    return {name: i for i, name in enumerate(usual)} if all(are_counted(numbers_named(cell)) for cell in cells[2:-1]) else {}


def columns_of(cells: Sequence[str]) -> dict[str, int]:
    """Which column holds what, by the words of a heading."""
    names = [" ".join(cell.lower().split()) for cell in cells]
    return {key: names.index(word) for key, words in COLUMNS.items() for word in reversed(words) if word in names}


def is_heading(cells: Sequence[str]) -> bool:
    """Whether a row is the heading of a list: it names the value and something else, or the value alone."""
    head = columns_of(cells)
    return "value" in head and (len(head) > 1 or sum(map(bool, cells)) == 1)


def is_rule(cells: Sequence[str]) -> bool:
    """Whether a row is a line that was drawn: ``| --- | :-: |``."""
    return any(cells) and all(RULE.fullmatch(cell) and STROKE.search(cell) for cell in cells if cell)


def first_of_table(rows: list[Row]) -> int:
    """The first row with several cells, if there is nothing but a few words above it; else the first row that is not empty."""
    filled = [i for i, (_, cells) in enumerate(rows) if any(cells)]
    if not filled:
        return 0
    several = next((i for i in filled if sum(map(bool, rows[i][1])) > 1), filled[0])
    words_above = all(parse_number(cell) is None for i in filled if i < several for cell in rows[i][1] if cell)
    return several if words_above else filled[0]


def claims_from_list(rows: list[Row], head: dict[str, int], source: str, notes: tuple[str, ...] = ()) -> Claims:
    """The claims of a table with one number per line."""
    claims, above, without = [], dict[str, str](), []
    for line, row in rows:
        cells = {key: row[i].strip() for key, i in head.items() if i < len(row)}
        if any(cells.values()):
            above |= {key: cell for key in SAID_ONCE if (cell := cells.get(key))}
        if not cells.get("value"):
            without += [str(line)] if any(cells.values()) else []
            continue
        place = f"{source}, line {line}"
        named = above if "/" not in cells.get("step", "") else above | {"layer": cells.get("layer", "")}
        indices = {key: place_numbers(cells.get(key) or named.get(key, ""), key, place) for key in ("sample", "unit", "time")}
        sample, time = (indices[key][0] if indices[key] else None for key in ("sample", "time"))
        number = number_in(cells["value"], place)
        claims.append(Claim(number, named.get("layer", ""), named.get("step", ""), sample, indices["unit"] or None, time, place))
    refuse_unclear_marks([(claim.written, claim.place) for claim in claims])
    blank = f"without a number: line{'s' * (len(without) > 1)} {first_few(without, 8)}" if without else ""
    return Claims(source, claims, (*notes, blank) if blank else notes)


def place_numbers(cell: str, what: str, place: str) -> tuple[int, ...]:
    """The numbers in a cell that says which sample or unit is meant: ``2``, ``2.0``, ``neuron 2``; of a unit also ``(0, 1)``."""
    numbers = numbers_named(cell)
    if cell and (not are_counted(numbers) or (what != "unit" and len(numbers) > 1)):
        raise BadInput(f"{place}: {what} {cell[:40]!r} is not a number counted from 0")
    return tuple(map(int, numbers))


def numbers_named(cell: str) -> list[float]:
    """The numbers in a cell that says which sample or unit is meant."""
    return [float(text) for text in INDEX.findall(cell)]


def are_counted(numbers: Sequence[float]) -> bool:
    """Whether these are whole numbers, one at least, and none below 0."""
    return bool(numbers) and all(n >= 0 and n % 1 == 0 for n in numbers)


def output_rows(table: Table, source: str, notes: tuple[str, ...]) -> OutputRows:
    """Rows of final outputs. Columns of words are labels: under a heading all of them, else the first."""
    below = table.rows()
    rows = [cells for _, cells in below]
    labels = columns_of_labels(rows, bool(table.titles))
    placed = [
        [(number_in(cell, place, f"; {LISTED}"), place) for i, cell in enumerate(row) if cell and i not in labels]
        for row, place in ((row, f"{source}, line {line}") for line, row in below)
    ]
    if not any(placed):
        raise BadInput(f"{source}: holds no numbers")
    refuse_unclear_marks([number for row in placed for number in row])
    numbers = [[number for number, _ in row] for row in placed]
    while not numbers[-1]:
        numbers.pop()
    joined = [parse_number(",".join(row)) if len(row) <= 2 and any(row) else None for row in rows[: len(numbers)]]
    may_be_commas = table.separator == "," and len(joined) - joined.count(None) == sum(map(bool, numbers))
    by_commas = [[number] if number else [] for number in joined] if may_be_commas else []
    has_index = has_index_title(table.titles) and 0 not in labels
    said = tuple(row[i] for row in rows for i in labels if i < len(row) and row[i])
    return OutputRows(source, numbers, has_index, by_commas, tuple(table.titles or ()), notes, said)


def columns_of_labels(rows: list[list[str]], titled: bool) -> set[int]:
    """The columns of words beside others of numbers: under a heading all of them, else the first that is not empty and those before it."""
    width = max(map(len, rows), default=0)
    words = [all(i >= len(row) or parse_number(row[i]) is None for row in rows) for i in range(width)]
    first = next((i for i in range(width) if any(i < len(row) and row[i] for row in rows)), 0)
    return {i for i in range(width) if words[i] and (titled or i <= first)} if not all(words) else set()


def number_in(cell: str, place: str, of_words: str = "") -> WrittenNumber:
    """The number in a cell; refuses anything else. ``of_words``: what is said in addition of a cell without a digit."""
    number = parse_number(cell)
    if number is None:
        alone = [word for word in cell.split() if parse_number(word) is not None]
        more = f"; write the number alone: {alone[0]}" if len(alone) == 1 else "" if re.search(r"\d", cell) else of_words
        raise BadInput(f"{place}: {number_fault(cell.strip())}{more}")
    return number
