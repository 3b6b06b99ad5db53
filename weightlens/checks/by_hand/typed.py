"""A calculation as typed text or as a table file, read as claims."""

from __future__ import annotations

import re

from weightlens.checks.by_hand.claims import Claim, Claims, parse_number
from weightlens.errors import BadInput
from weightlens.tables import open_table
from weightlens.tables.table import Row

COLUMNS = {
    "layer": ("layer",), "step": ("step", "what", "quantity", "name"), "sample": ("sample", "row", "case"),
    "value": ("value", "number", "result"),
    "unit": ("unit", "element", "index", "neuron", "column", "channel"), "time": ("time", "time step", "timestep", "t", "occurrence"),
}  # fmt: skip
UNNAMED = {3: ("layer", "step", "value"), 4: ("layer", "step", "unit", "value"), 5: ("layer", "step", "sample", "unit", "value")}


def read_csv(given: str) -> Claims:
    """A table ``layer,step,sample,unit,value`` (any of the first four may be missing), or bare rows of outputs; ``-``: typed in."""
    table = open_table(given, loose=True)
    source, rows = "what was typed in" if given == "-" else table.name, table.rows()
    if "value" in (head := heading_columns(table.first)):
        return claims_from_table(rows[1:], head, source)
    if head := columns_without_heading(table.first):
        return claims_from_table(rows, head, source)
    return claims_from_rows([cells for _, cells in rows], source)


def heading_columns(cells: list[str]) -> dict[str, int]:
    """Which column holds which part of a claim, by the heading."""
    names = [cell.strip().lower() for cell in cells]
    return {key: names.index(word) for key, words in COLUMNS.items() for word in reversed(words) if word in names}


def columns_without_heading(cells: list[str]) -> dict[str, int]:
    """Which column holds which part of a claim in a table without a heading: two columns of words, then numbers."""
    names = UNNAMED.get(len(cells), ())
    words = [parse_number(cell) is None and bool(cell) for cell in cells]
    return {name: i for i, name in enumerate(names)} if words[:2] == [True, True] and not words[-1] else {}


def claims_from_table(table: list[Row], head: dict[str, int], source: str) -> Claims:
    """The claims of a table with one number per line."""
    claims = Claims(source)
    for line, row in table:
        cells = {key: row[i].strip() for key, i in head.items() if i < len(row)}
        if not any(cells.values()) or not cells.get("value"):
            continue
        number = parse_number(cells["value"])
        if number is None:
            raise BadInput(f"{source}, line {line}: {cells['value']!r} is not a number")
        index = tuple(map(int, re.findall(r"\d+", cells.get("unit", "")))) or None
        sample, time = (int(found[0]) if (found := re.search(r"\d+", cells.get(key, ""))) else None for key in ("sample", "time"))
        claims.items.append(Claim(number, cells.get("layer", ""), cells.get("step", ""), sample, index, time, f"line {line}"))
    return claims


def claims_from_rows(table: list[list[str]], source: str) -> Claims:
    """Final outputs, one row per sample. A first line of words is a heading; columns of words are labels."""
    headed = not any(parse_number(cell) for cell in table[0])
    rows = table[headed:]
    width = max(map(len, rows), default=0)
    words = [all(i >= len(row) or parse_number(row[i]) is None for row in rows) for i in range(width)]
    labels = {i for i in range(width) if words[i] and (headed or i == 0)} if not all(words) else set()
    claims = Claims(source, rows=True)
    for sample, row in enumerate(rows):
        numbers = [cell for i, cell in enumerate(row) if cell.strip() and i not in labels]
        for unit, cell in enumerate(numbers):
            number = parse_number(cell)
            if number is None:
                raise BadInput(f"{source}: {cell.strip()!r} is not a number")
            claims.items.append(Claim(number, sample=sample, unit=(unit,), place=f"row {sample + 1}"))
    if not claims.items:
        raise BadInput(f"{source}: holds no numbers")
    return claims
