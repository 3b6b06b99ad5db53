"""A calculation as typed text or as a table file, read as claims."""

from __future__ import annotations

import re

from weightlens.checks.by_hand.claims import Claim, Claims, OutputRows, WrittenNumber, parse_number
from weightlens.errors import BadInput
from weightlens.tables import Table, open_table
from weightlens.tables.cells import seems_titled
from weightlens.tables.table import Row, has_index_title

COLUMNS = {
    "layer": ("layer",), "step": ("step", "what", "quantity", "name"), "sample": ("sample", "row", "case"),
    "value": ("value", "number", "result"),
    "unit": ("unit", "element", "index", "neuron", "column", "channel"), "time": ("time", "time step", "timestep", "t", "occurrence"),
}  # fmt: skip
UNNAMED = {3: ("layer", "step", "value"), 4: ("layer", "step", "unit", "value"), 5: ("layer", "step", "sample", "unit", "value")}


def read_csv(given: str) -> Claims | OutputRows:
    """A table ``layer,step,sample,unit,value`` (any of the first four may be missing), or bare rows of outputs; ``-``: typed in."""
    table = open_table(given, loose=True)
    source, head = "what was typed in" if given == "-" else table.name, heading_columns(table.first)
    is_list = "value" in head
    head = head if is_list else columns_without_heading(table.first)
    table.begin(is_list or (not head and seems_titled(table, parse_number)))
    return claims_from_list(table.rows(), head, source) if head else output_rows(table, source)


def heading_columns(cells: list[str]) -> dict[str, int]:
    """Which column holds which part of a claim, by the heading."""
    names = [cell.strip().lower() for cell in cells]
    return {key: names.index(word) for key, words in COLUMNS.items() for word in reversed(words) if word in names}


def columns_without_heading(cells: list[str]) -> dict[str, int]:
    """Which column holds which part of a claim in a table without a heading: two columns of words, then numbers."""
    names = UNNAMED.get(len(cells), ())
    words = [parse_number(cell) is None and bool(cell) for cell in cells]
    return {name: i for i, name in enumerate(names)} if words[:2] == [True, True] and not words[-1] else {}


def claims_from_list(rows: list[Row], head: dict[str, int], source: str) -> Claims:
    """The claims of a table with one number per line."""
    claims = []
    for line, row in rows:
        cells = {key: row[i].strip() for key, i in head.items() if i < len(row)}
        if not cells.get("value"):
            continue
        number = number_in(cells["value"], f"{source}, line {line}")
        unit, samples, times = ([int(n) for n in re.findall(r"\d+", cells.get(key, ""))] for key in ("unit", "sample", "time"))
        sample, time = (numbers[0] if numbers else None for numbers in (samples, times))
        claims.append(Claim(number, cells.get("layer", ""), cells.get("step", ""), sample, tuple(unit) or None, time, f"line {line}"))
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
    return OutputRows(source, [row for row in numbers if row], has_index_title(table.titles) and 0 not in labels)


def number_in(cell: str, place: str) -> WrittenNumber:
    """The number in a cell; refuses anything else."""
    number = parse_number(cell)
    if number is None:
        raise BadInput(f"{place}: {cell.strip()!r} is not a number")
    return number
