"""What a person typed: a file of rows and columns, as programs and people write it, read as claims."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

from weightlens.checks.claims import Claim, Claims, written
from weightlens.errors import BadInput

COLUMNS = {
    "layer": ("layer",), "step": ("step", "what", "quantity", "name"), "sample": ("sample", "row", "case"),
    "value": ("value", "number", "result"),
    "unit": ("unit", "element", "index", "neuron", "column", "channel"), "time": ("time", "time step", "timestep", "t", "occurrence"),
}  # fmt: skip
UNNAMED = {3: ("layer", "step", "value"), 4: ("layer", "step", "unit", "value"), 5: ("layer", "step", "sample", "unit", "value")}
BETWEEN_NUMBERS = re.compile(r"[\d.%]\s+[-+.\d\u2212]")


def read_csv(given: str) -> Claims:
    """A table ``layer,step,sample,unit,value`` (any of the first four may be missing), or bare rows of outputs; ``-``: typed in."""
    if given == "-":
        text, source = sys.stdin.read(), "what was typed in"
    else:
        source = Path(given).name
        text = decoded(given)
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise BadInput(f"{source}: holds no numbers")
    table = cells_of(lines)
    if "value" in (head := header(table[0])):
        return from_table(table[1:], head, source)
    if head := unnamed(table[0]):
        return from_table(table, head, source, 1)
    return from_rows(table, source)


def decoded(given: str) -> str:
    """The text of a file; spreadsheets write UTF-8, UTF-16 (as "Unicode text") or Windows's own alphabet."""
    try:
        raw = Path(given).read_bytes()
    except OSError as error:
        raise BadInput(f"{given}: {error.strerror or 'cannot be read'}") from None
    for encoding in ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise BadInput(f"{given}: is not a text file of rows and columns")


def cells_of(lines: list[str]) -> list[list[str]]:
    """Rows of cells. Semicolons and tabs part cells wherever they are, commas may be decimal ones."""
    sample = lines[:5]
    separator = next((mark for mark in ";\t" if any(mark in line for line in sample)), ",")
    if separator == "," and all(BETWEEN_NUMBERS.search(line) for line in sample[-1:]) and ", " not in sample[-1]:
        return [line.split() for line in lines]
    return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator, skipinitialspace=True)]


def header(cells: list[str]) -> dict[str, int]:
    """Which column holds what."""
    names = [cell.strip().lower() for cell in cells]
    return {key: names.index(word) for key, words in COLUMNS.items() for word in reversed(words) if word in names}


def unnamed(cells: list[str]) -> dict[str, int]:
    """The columns of a table without a heading: two words, and numbers after them."""
    names = UNNAMED.get(len(cells), ())
    words = [written(cell) is None and bool(cell) for cell in cells]
    return {name: i for i, name in enumerate(names)} if words[:2] == [True, True] and not words[-1] else {}


def from_table(table: list[list[str]], head: dict[str, int], source: str, first: int = 2) -> Claims:
    """One number a line."""
    claims = Claims(source)
    for line, row in enumerate(table, first):
        cells = {key: row[i].strip() for key, i in head.items() if i < len(row)}
        if not any(cells.values()) or not cells.get("value"):
            continue
        number = written(cells["value"])
        if number is None:
            raise BadInput(f"{source}, line {line}: {cells['value']!r} is not a number")
        index = tuple(map(int, re.findall(r"\d+", cells.get("unit", "")))) or None
        sample, time = (int(found[0]) if (found := re.search(r"\d+", cells.get(key, ""))) else None for key in ("sample", "time"))
        claims.items.append(Claim(number, cells.get("layer", ""), cells.get("step", ""), sample, index, time, f"line {line}"))
    return claims


def from_rows(table: list[list[str]], source: str) -> Claims:
    """Final outputs, a row per sample. A first line of words is a heading; columns of words beside the numbers are labels."""
    headed = not any(written(cell) for cell in table[0])
    rows = table[headed:]
    width = max(map(len, rows), default=0)
    words = [all(i >= len(row) or written(row[i]) is None for row in rows) for i in range(width)]
    labels = {i for i in range(width) if words[i] and (headed or i == 0)} if not all(words) else set()
    claims = Claims(source, rows=True)
    for sample, row in enumerate(rows):
        numbers = [cell for i, cell in enumerate(row) if cell.strip() and i not in labels]
        for unit, cell in enumerate(numbers):
            number = written(cell)
            if number is None:
                raise BadInput(f"{source}: {cell.strip()!r} is not a number")
            claims.items.append(Claim(number, sample=sample, unit=(unit,), place=f"row {sample + 1}"))
    if not claims.items:
        raise BadInput(f"{source}: holds no numbers")
    return claims
