"""How often the network is right: the true answers beside its own, the share of hits, and the confusion table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.errors import BadInput
from weightlens.workbook.formulas.cell_arrays import COLUMN
from weightlens.workbook.sheets.frame import GAP, HEAD, LABEL, TOP, widen
from weightlens.workbook.xlsx.blocks import Text

if TYPE_CHECKING:
    from weightlens.workbook.layout.plan import Sheet
    from weightlens.workbook.sheets.network import NetworkSheets


THRESHOLD = 0.5  # from here on a single output says yes


def as_answers(target: Any, names: list[str], samples: int) -> list[str | float]:
    """The true answers: names of classes (given as names, numbers of classes, or one-hot rows), or numbers."""
    array = np.asarray(target)
    if array.ndim == 2 and array.shape[1] == len(names) > 1:
        array = array.argmax(axis=1)
    array = array.reshape(-1)
    if len(array) != samples:
        raise BadInput(f"{len(array):,} targets were given for {samples:,} samples")
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


def beside(net: NetworkSheets, sheet: Sheet, column: int, target: Any, samples: int) -> int:
    """On the one sheet, live: the true answer and whether it was met, right of the winner; returns the next column."""
    names = net.winner[2] if net.winner is not None else []
    answers = as_answers(target, names, samples)
    net.target_shown = True
    widen(sheet, column, 10)
    sheet.write(HEAD, column, "target", net.styles["caption"])
    area = text_column(sheet, column, "true", answers, net.styles["constant"], net.styles["label"])
    net.target_area = f"'{sheet.title}'!{area}"
    if net.winner is None or not isinstance(answers[0], str):
        return column + 2
    found = [sheet.texts[(TOP + i, net.winner[1])].value for i in range(samples)]
    hits = [float(a == b) for a, b in zip(found, answers, strict=True)]
    sheet.write(HEAD, column + 1, "hit", net.styles["caption"])
    sheet.write(LABEL, column + 1, "1 = right", net.styles["label"])
    letters = COLUMN[net.winner[1]], COLUMN[column]
    for i, hit in enumerate(hits):
        row = TOP + i + 1
        sheet.texts[(TOP + i, column + 1)] = Text(
            style=net.styles["mark"], formula=f"IF({letters[0]}{row}={letters[1]}{row},1,0)", value=hit
        )
    place = f"{COLUMN[column + 1]}{TOP + 1}:{COLUMN[column + 1]}{TOP + samples}"
    sheet.rule(place, "wrong", f"{COLUMN[column + 1]}{TOP + 1}=0")
    confusion(net, sheet, column + 3, names, [str(a) for a in answers], [str(f) for f in found], (letters[1], letters[0]))
    return column + 5 + len(names) + 2


def stored(net: NetworkSheets, sheet: Sheet, target: Any, outputs: np.ndarray) -> None:
    """On the Data sheet: the true answers beside the predictions as exported, and how they compare."""
    column = 1 + max(block.column + block.arrangement.width for block in sheet.blocks)
    names = net.winner[2] if net.winner is not None else []
    flat = outputs.reshape(len(outputs), -1)
    predicted: list[str | float] = [float(v) for v in flat[:, 0]]
    if names:
        chosen = flat.argmax(axis=1) if flat.shape[1] > 1 else (flat[:, 0] >= THRESHOLD).astype(int)
        predicted = [names[int(i)] for i in chosen]
    text_column(sheet, column, "predicted", predicted, net.styles["constant"], net.styles["label"])
    widen(sheet, column, 11)
    sheet.write(HEAD, column, "as exported; stays", net.styles["caption"])
    if target is None:
        return
    answers = as_answers(target, names, len(outputs))
    net.target_shown = True
    area = text_column(sheet, column + 1, "target", answers, net.styles["constant"], net.styles["label"])
    net.target_area = f"'{sheet.title}'!{area}"
    widen(sheet, column + 1, 11)
    if names and isinstance(answers[0], str):
        confusion(
            net, sheet, column + 3, names, [str(a) for a in answers], [str(p) for p in predicted], (COLUMN[column + 1], COLUMN[column])
        )


def confusion(
    net: NetworkSheets, sheet: Sheet, column: int, names: list[str], true: list[str], found: list[str], letters: tuple[str, str]
) -> None:
    """Counts of each true class and what it was taken for, and the share of hits.

    ``letters`` are the columns of true and found names. A column of pairs, ``1000 * true class + found class``, is what is
    counted: COUNTIF would take the words True, 1 or >50K for something else. In an exercise nothing is found at first.
    """
    unless = (lambda empty, formula: f"IF({empty},0,{formula})") if net.options.exercise else (lambda empty, formula: formula)
    row, n, styles = TOP, len(names), net.styles
    widen(sheet, column - 1, GAP)
    sheet.write(HEAD, column, "pair", styles["caption"])
    sheet.write(LABEL, column, "true, found", styles["label"])
    widen(sheet, column, 11)
    classes = f"${COLUMN[column + 2]}${row + 1}:${COLUMN[column + 2]}${row + n}"
    for i, (t, f) in enumerate(zip(true, found, strict=True)):
        formula = "+".join(f"{size}MATCH({letter}{TOP + i + 1},{classes},0)" for size, letter in zip(("1000*", ""), letters, strict=True))
        value = 1000.0 * (names.index(t) + 1) + names.index(f) + 1 if f else 0.0
        sheet.texts[(TOP + i, column)] = Text(
            style=styles["label"], formula=unless(f"LEN({letters[1]}{TOP + i + 1})=0", formula), value=value
        )
    pairs = f"${COLUMN[column]}${TOP + 1}:${COLUMN[column]}${TOP + len(true)}"
    widen(sheet, column + 1, GAP)
    column += 2
    sheet.write(HEAD, column, "confusion table", styles["caption left"])
    sheet.write(LABEL - 1, column, "true class down, predicted across", styles["math left"])
    widen(sheet, column, 11)
    for j, name in enumerate(names):
        sheet.write(row - 1, column + 1 + j, name, styles["label"])
        sheet.write(row + j, column, name, styles["label right"])
        for k, other in enumerate(names):
            count = sum(1 for t, f in zip(true, found, strict=True) if (t, f) == (name, other))
            formula = f"COUNTIF({pairs},{1000 * (j + 1) + k + 1})"
            sheet.texts[(row + j, column + 1 + k)] = Text(style=styles["tally" if j != k else "hits"], formula=formula, value=float(count))
    sheet.write(row + n + 1, column, "accuracy", styles["caption left"])
    diagonal = "+".join(f"{COLUMN[column + 1 + k]}{row + 1 + k}" for k in range(n))
    everything = f"{COLUMN[column + 1]}{row + 1}:{COLUMN[column + n]}{row + n}"
    hits = sum(t == f for t, f in zip(true, found, strict=True)) / max(1, len(true))
    share = unless(f"SUM({everything})=0", f"({diagonal})/SUM({everything})")
    sheet.texts[(row + n + 1, column + 1)] = Text(style=styles["share"], formula=share, value=hits)
    net.plan.names["accuracy"] = (sheet.number, f"${COLUMN[column + 1]}${row + n + 2}")


def text_column(sheet: Sheet, column: int, head: str, values: list[str | float], style: int, head_style: int) -> str:
    """A column of words or numbers beside the data; returns its absolute area."""
    sheet.write(LABEL, column, head, head_style)
    for i, value in enumerate(values):
        sheet.texts[(TOP + i, column)] = Text(value, style) if isinstance(value, str) else Text(style=style, value=value)
    return f"${COLUMN[column]}${TOP + 1}:${COLUMN[column]}${TOP + len(values)}"
