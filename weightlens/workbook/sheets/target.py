"""How often the network is right: the true answers beside its own, the share of hits, and the confusion table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from weightlens.errors import BadInput
from weightlens.specs.words.number_words import counted
from weightlens.workbook.formulas.cell_arrays import COLUMN
from weightlens.workbook.sheets.frame import GAP, HEAD, LABEL, TOP, widen
from weightlens.workbook.sheets.network import NetworkSheets, Winner
from weightlens.workbook.xlsx.blocks import Text
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.styles import Styles

THRESHOLD = 0.5  # from here on a single output says yes


def as_answers(target: Any, names: list[str], samples: int) -> list[str | float]:
    """The true answers: names of classes (given as names, numbers of classes, or one-hot rows), or numbers."""
    array = np.asarray(target)
    if array.ndim == 2 and array.shape[1] == len(names) > 1:
        array = array.argmax(axis=1)
    array = array.reshape(-1)
    if len(array) != samples:
        raise BadInput(f"{counted(len(array), 'target')} given for {counted(samples, 'sample')}")
    if array.dtype.kind in "USO":
        words = [str(value) for value in array.tolist()]
        if not names or set(words) <= set(names):
            return list(words)
        if not all(word.strip().lstrip("-").isdigit() for word in words):
            raise BadInput(
                f"target {next(w for w in words if w not in names)!r} is not one of the classes {', '.join(names)}; name them with --labels"
            )
        array = np.array([int(word) for word in words])
    whole = bool(names) and bool((array == np.floor(array)).all() and (array >= 0).all() and (array < len(names)).all())
    return [names[int(value)] for value in array] if whole else [float(value) for value in array]


def true_answers(net: NetworkSheets, sheet: Sheet, column: int, samples: int, winner: Winner | None) -> tuple[str, int]:
    """Right of the winner, live: the true answer and whether it was met; returns the area of the true answers and the next column."""
    answers = as_answers(net.options.target, winner.classes if winner is not None else [], samples)
    widen(sheet, column, 10)
    sheet.write(HEAD, column, "target", net.styles["caption"])
    area = f"'{sheet.title}'!{text_column(sheet, column, 'true', answers, net.styles)}"
    if winner is None or not isinstance(answers[0], str):
        return area, column + 2
    true = [str(answer) for answer in answers]
    letters = COLUMN[column], COLUMN[winner.column]
    sheet.write(HEAD, column + 1, "hit", net.styles["caption"])
    sheet.write(LABEL, column + 1, "1 = right", net.styles["label"])
    for i, (a, b) in enumerate(zip(winner.found, true, strict=True)):
        row = TOP + i
        formula = f"IF({letters[1]}{row + 1}={letters[0]}{row + 1},1,0)"
        sheet.texts[(row, column + 1)] = Text(style=net.styles["mark"], formula=formula, value=float(a == b))
    place = f"{COLUMN[column + 1]}{TOP + 1}:{COLUMN[column + 1]}{TOP + samples}"
    sheet.rule(place, "wrong", f"{COLUMN[column + 1]}{TOP + 1}=0")
    confusion(net, sheet, column + 3, winner.classes, Pairs(true, winner.found, *letters))
    return area, column + 5 + len(winner.classes) + 2


def stored(net: NetworkSheets, sheet: Sheet, outputs: np.ndarray, winner: Winner | None) -> str:
    """On the Data sheet: the predictions as exported, beside them the true answers, and how they compare.

    Returns the area of the true answers; empty where there are none.
    """
    column = 1 + max(block.column + block.arrangement.width for block in sheet.blocks)
    names = winner.classes if winner is not None else []
    flat = outputs.reshape(len(outputs), -1)
    predicted: list[str | float] = [float(v) for v in flat[:, 0]]
    if names:
        chosen = flat.argmax(axis=1) if flat.shape[1] > 1 else (flat[:, 0] >= THRESHOLD).astype(int)
        predicted = [names[int(i)] for i in chosen]
    text_column(sheet, column, "predicted", predicted, net.styles)
    widen(sheet, column, 11)
    sheet.write(HEAD, column, "as exported; stays", net.styles["caption"])
    if net.options.target is None:
        return ""
    answers = as_answers(net.options.target, names, len(outputs))
    area = text_column(sheet, column + 1, "target", answers, net.styles)
    widen(sheet, column + 1, 11)
    if names and isinstance(answers[0], str):
        pairs = Pairs([str(a) for a in answers], [str(p) for p in predicted], COLUMN[column + 1], COLUMN[column])
        confusion(net, sheet, column + 3, names, pairs)
    return f"'{sheet.title}'!{area}"


@dataclass(frozen=True)
class Pairs:
    """The true class of each sample and what it was taken for; the letters of the columns where both stand."""

    true: list[str]
    found: list[str]
    true_column: str
    found_column: str

    def count(self, true: str, found: str) -> int:
        """How many samples of the class ``true`` were taken for ``found``."""
        return sum(1 for pair in zip(self.true, self.found, strict=True) if pair == (true, found))

    @property
    def hits(self) -> float:
        """The share of samples that were taken for what they are."""
        return sum(t == f for t, f in zip(self.true, self.found, strict=True)) / max(1, len(self.true))


def confusion(net: NetworkSheets, sheet: Sheet, column: int, names: list[str], pairs: Pairs) -> None:
    """Counts of each true class and what it was taken for, and the share of hits.

    A column of numbers, ``1000 * true class + found class``, is what is counted: COUNTIF would take the words True, 1 or
    >50K for something else. In an exercise nothing is found at first.
    """
    row, n, styles = TOP, len(names), net.styles
    left = column + 2  # of the table
    numbered = pair_numbers(net, sheet, column, names, pairs, f"${COLUMN[left]}${row + 1}:${COLUMN[left]}${row + n}")
    sheet.write(HEAD, left, "confusion table", styles["caption left"])
    sheet.write(LABEL - 1, left, "true class down, predicted across", styles["math left"])
    widen(sheet, left, 11)
    for j, name in enumerate(names):
        sheet.write(row - 1, left + 1 + j, name, styles["label"])
        sheet.write(row + j, left, name, styles["label right"])
        for k, other in enumerate(names):
            formula = f"COUNTIF({numbered},{1000 * (j + 1) + k + 1})"
            style = styles["tally" if j != k else "hits"]
            sheet.texts[(row + j, left + 1 + k)] = Text(style=style, formula=formula, value=float(pairs.count(name, other)))
    sheet.write(row + n + 1, left, "accuracy", styles["caption left"])
    diagonal = "+".join(f"{COLUMN[left + 1 + k]}{row + 1 + k}" for k in range(n))
    everything = f"{COLUMN[left + 1]}{row + 1}:{COLUMN[left + n]}{row + n}"
    share = zero_while_empty(net, f"SUM({everything})=0", f"({diagonal})/SUM({everything})")
    sheet.texts[(row + n + 1, left + 1)] = Text(style=styles["share"], formula=share, value=pairs.hits)
    net.plan.names["accuracy"] = (sheet.number, f"${COLUMN[left + 1]}${row + n + 2}")


def pair_numbers(net: NetworkSheets, sheet: Sheet, column: int, names: list[str], pairs: Pairs, classes: str) -> str:
    """The column of pairs as numbers; ``classes`` is the area that numbers the classes. Returns the column's area."""
    widen(sheet, column - 1, GAP)
    sheet.write(HEAD, column, "pair", net.styles["caption"])
    sheet.write(LABEL, column, "true, found", net.styles["label"])
    widen(sheet, column, 11)
    for i, (t, f) in enumerate(zip(pairs.true, pairs.found, strict=True)):
        true, found = f"{pairs.true_column}{TOP + i + 1}", f"{pairs.found_column}{TOP + i + 1}"
        formula = zero_while_empty(net, f"LEN({found})=0", f"1000*MATCH({true},{classes},0)+MATCH({found},{classes},0)")
        value = 1000.0 * (names.index(t) + 1) + names.index(f) + 1 if f else 0.0
        sheet.texts[(TOP + i, column)] = Text(style=net.styles["label"], formula=formula, value=value)
    widen(sheet, column + 1, GAP)
    return f"${COLUMN[column]}${TOP + 1}:${COLUMN[column]}${TOP + len(pairs.true)}"


def zero_while_empty(net: NetworkSheets, empty: str, formula: str) -> str:
    """In an exercise, 0 as long as nothing is filled in."""
    return f"IF({empty},0,{formula})" if net.options.blanks else formula


def text_column(sheet: Sheet, column: int, head: str, values: list[str | float], styles: Styles) -> str:
    """A column of words or numbers beside the data; returns its absolute area."""
    style = styles["constant"]
    sheet.write(LABEL, column, head, styles["label"])
    for i, value in enumerate(values):
        sheet.texts[(TOP + i, column)] = Text.showing(value, style)
    return f"${COLUMN[column]}${TOP + 1}:${COLUMN[column]}${TOP + len(values)}"
