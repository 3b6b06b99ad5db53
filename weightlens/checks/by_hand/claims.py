"""What a person calculated, as typed text or as a table: numbers with the digits they were written with, and the steps they belong to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from weightlens.errors import BadInput
from weightlens.tables import Table, open_table
from weightlens.tables.cells import seems_titled
from weightlens.tables.table import Row, has_index_title

WRITTEN = re.compile(r"[-+]?(?:\d+\.?(?P<decimals>\d*)|\.(?P<bare>\d+))(?:[eE](?P<exponent>[-+]?\d+))?")
MANY = 6  # numbers that cannot all end in a zero by chance
NOISE = 1e-6  # float32 rounding from another order of sums, relative to numbers of size 1 or more
COLUMNS = {
    "layer": ("layer",), "step": ("step", "what", "quantity", "name"), "sample": ("sample", "row", "case"),
    "value": ("value", "number", "result"),
    "unit": ("unit", "element", "index", "neuron", "column", "channel"), "time": ("time", "time step", "timestep", "t", "occurrence"),
}  # fmt: skip
UNNAMED = {3: ("layer", "step", "value"), 4: ("layer", "step", "unit", "value"), 5: ("layer", "step", "sample", "unit", "value")}


@dataclass(frozen=True)
class WrittenNumber:
    """One number as written: ``0.80`` has two decimals and, like ``0.8``, one significant digit."""

    value: float
    decimals: int
    digits: int

    @property
    def exponent(self) -> int:
        """The power of ten of the first digit."""
        return int(np.floor(np.log10(abs(self.value)))) if self.value else 0


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
    """All numbers of one calculation."""

    source: str
    items: list[Claim]


@dataclass(frozen=True)
class OutputRows:
    """A calculation of which only the final outputs were written down, as rows of a table without names of steps.

    A row without numbers stands before others or between them.
    """

    source: str
    rows: list[list[WrittenNumber]]
    has_index: bool = False  # whether the first column has the title that pandas gives to row numbers
    joined: list[list[WrittenNumber]] = field(default_factory=list)  # one number a row, where all commas may be decimal ones


def parse_number(text: str) -> WrittenNumber | None:
    """The number in a text (``0.83``, ``0,83``, ``83 %``, ``1.2e-3``, ``-.5``, ``~0.8``); ``None`` if there is none."""
    clean = re.sub(r"\s", "", text).replace("\u2212", "-").lstrip("=~\u2248")
    clean = re.sub(r"^([-+]?\d*),(\d+%?)$", r"\1.\2", clean)  # a decimal comma
    percent = clean.endswith("%")
    match = WRITTEN.fullmatch(clean.rstrip("%"))
    if match is None:
        return None
    decimals = len(match["decimals"] or match["bare"] or "") - int(match["exponent"] or 0) + 2 * percent
    value = float(match[0]) / (100 if percent else 1)
    mantissa = re.sub(r"[eE].*", "", match[0]).lstrip("+-")
    return WrittenNumber(value, decimals, len(mantissa.replace(".", "").lstrip("0")))


def number_of_cell(value: float) -> WrittenNumber:
    """The number in a cell: 15 significant digits; a spreadsheet does not keep trailing zeros."""
    number = parse_number(repr(float(f"{value:.15g}")).removesuffix(".0"))
    if number is None:
        raise BadInput(f"{value} is not a finite number")
    return number


def usual_decimals(decimals: list[int]) -> int | None:
    """How many decimals two thirds of the numbers have, if others have more; ``None`` if no number says so, or too few numbers do."""
    count = Counter(decimals).most_common(1)
    usual, times = count[0] if count else (0, 0)
    return usual if 0 < usual < max(decimals, default=0) and times >= MANY and times * 3 >= len(decimals) * 2 else None


def rounding_allowances(numbers: Sequence[WrittenNumber]) -> np.ndarray:
    """The largest rounding error of each number: half a unit of its last place, all rounded by one rule.

    Trailing zeros are often not written, so the rule is found for all numbers together: as many decimals
    as most have, or as many significant digits. If both are possible, the more generous one is taken. Where far more numbers have
    the same fewer decimals than zeros at the end explain, only small numbers were written with more.
    """
    usual = usual_decimals([n.decimals for n in numbers if n.value])
    if usual is not None:
        return np.array([0.5 * 10.0 ** -max(n.decimals, usual) for n in numbers])
    most_decimals, most_digits = max((n.decimals for n in numbers), default=0), max((n.digits for n in numbers), default=1)
    by_decimals = sum(n.decimals == most_decimals for n in numbers)
    by_digits = sum(n.digits == most_digits for n in numbers if n.value)
    last_places = []
    for n in numbers:
        shown = min(most_decimals, most_digits - n.exponent - 1) if n.value else most_decimals
        last_places.append(most_decimals if by_decimals > by_digits else max(n.decimals, shown))
    return np.array([0.5 * 10.0**-place for place in last_places])


def read_csv(given: str) -> Claims | OutputRows:
    """A table ``layer,step,sample,unit,value`` (any of the first four may be missing), or bare rows of outputs; ``-``: typed in."""
    table = open_table(given, loose=True)
    source, names = "what was typed in" if given == "-" else table.name, [cell.strip().lower() for cell in table.first]
    head = {key: names.index(word) for key, words in COLUMNS.items() for word in reversed(words) if word in names}
    is_list = "value" in head
    if not is_list:  # a list without a heading has two columns of words, then numbers
        is_word = [parse_number(cell) is None and bool(cell) for cell in table.first]
        usual = UNNAMED.get(len(is_word), ()) if is_word[:2] == [True, True] and not is_word[-1] else ()
        head = {name: i for i, name in enumerate(usual)}
    table.begin(is_list or (not head and seems_titled(table, parse_number)))
    return claims_from_list(table.rows(), head, source) if head else output_rows(table, source)


def claims_from_list(rows: list[Row], head: dict[str, int], source: str) -> Claims:
    """The claims of a table with one number per line."""
    claims = []
    for line, row in rows:
        cells = {key: row[i].strip() for key, i in head.items() if i < len(row)}
        if not cells.get("value"):
            continue
        place = f"{source}, line {line}"
        number = number_in(cells["value"], place)
        unit, samples, times = ([int(n) for n in re.findall(r"\d+", cells.get(key, ""))] for key in ("unit", "sample", "time"))
        sample, time = (numbers[0] if numbers else None for numbers in (samples, times))
        claims.append(Claim(number, cells.get("layer", ""), cells.get("step", ""), sample, tuple(unit) or None, time, place))
    return Claims(source, claims)


def output_rows(table: Table, source: str) -> OutputRows:
    """Rows of final outputs. Columns of words are labels: under a heading all of them, else the first."""
    rows = [cells for _, cells in table.rows()]
    width = max(map(len, rows), default=0)
    words = [all(i >= len(row) or parse_number(row[i]) is None for row in rows) for i in range(width)]
    labels = {i for i in range(width) if words[i] and (table.titles or i == 0)} if not all(words) else set()
    numbers = [[number_in(cell, source) for i, cell in enumerate(row) if cell.strip() and i not in labels] for row in rows]
    if not any(numbers):
        raise BadInput(f"{source}: holds no numbers")
    while not numbers[-1]:
        numbers.pop()
    joined = [parse_number(",".join(row)) if len(row) == 2 and any(row) else None for row in rows[: len(numbers)]]
    may_be_commas = table.separator == "," and len(joined) - joined.count(None) == sum(map(bool, numbers))
    by_commas = [[number] if number else [] for number in joined] if may_be_commas else []
    return OutputRows(source, numbers, has_index_title(table.titles) and 0 not in labels, by_commas)


def number_in(cell: str, place: str) -> WrittenNumber:
    """The number in a cell; refuses anything else."""
    number = parse_number(cell)
    if number is None:
        raise BadInput(f"{place}: {cell.strip()!r} is not a number")
    return number
