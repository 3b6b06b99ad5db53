"""Tables: the steps of a layer side by side, the weights under the columns that they make; bands of them where one would be too wide."""

from __future__ import annotations

from weightlens.recording import Step
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.layout.labels import row_labels
from weightlens.workbook.layout.plan import Placed
from weightlens.workbook.sheets.frame import GAP, HEAD, SQUARE_HEIGHT, TITLES, TOP, column_after, widen
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.sheets.parts.lookups import chosen_by
from weightlens.workbook.sheets.parts.room import columns, room_for
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.pages import rows_of

FEW_ROWS = 60  # under a table of up to so many rows stand the weights that make its columns
WIDEST_BAND = 60  # columns; what is wider goes on under it
MOST_NAMED = 5000  # rows

Key = tuple[str, str, tuple[int, ...]]
SMALL, LETTER = 0.65, 1.25  # characters of a column that a letter of small print takes, and one of a name


def tables(net: NetworkSheets, sheet: Sheet, steps: list[Step], own: list[Placed]) -> None:
    """Vectors and sequences: weights under the columns that they make, or on the right of steps of many rows."""
    rows = max(extent_down(net.plan.placed[id(step.made)]) for step in steps)
    turned = any(net.plan.placed[id(step.made)].block.arrangement.column_axes == (0,) for step in steps)
    under_each_other = bands(net, steps) if rows <= FEW_ROWS and not turned else []
    head = HEAD
    for band in under_each_other:
        _, head = put_steps(net, sheet, band, 1, head)
    if not under_each_other:
        column, _ = put_steps(net, sheet, steps, 1, weights_below=False)
        if own:
            widen(sheet, column, 9)
            put_weights(net, sheet, own, column + 1)
    far_below = under_each_other and own and rows_of(sheet) > sheet.one_page  # a kernel, whose captions are others
    net.finish(sheet, TITLES if len(under_each_other) > 1 or far_below else TOP)


def bands(net: NetworkSheets, steps: list[Step]) -> list[list[Step]]:
    """The steps of each band, those of one name together."""
    groups: dict[Key, list[Step]] = {}
    for step in steps:
        groups.setdefault(key_of(step), []).append(step)
    widths = [width_of_group(net, group) for group in groups.values()]
    found, used, left = [list[Step]()], 0, sum(widths)
    shown = bare = dict[int, str]()
    for group, width in zip(groups.values(), widths, strict=True):
        placed = net.plan.placed[id(group[0].made)]
        texts = rows_in_words(net, placed)
        turns = shown and texts not in (shown, bare) and used > WIDEST_BAND // 4  # other rows: a place to begin anew
        if used and (used + width > WIDEST_BAND or (turns and used + left > WIDEST_BAND)):
            found.append([])
            used = 0
        found[-1] += group
        used, left, shown, bare = used + width, left - width, texts, rows_in_words(net, placed, told_apart=False)
    return found


def width_of_group(net: NetworkSheets, steps: list[Step]) -> int:
    """How many columns steps of one name take with their weights."""
    weights = [placed for step in steps for placed in net.plan.weights_of[id(step.made)]]
    return 1 + max(placed.block.arrangement.width for placed in (net.plan.placed[id(steps[0].made)], *weights))


def key_of(step: Step) -> Key:
    """What the occurrences of a step have in common, which stand under each other."""
    return step.layer, step.name, step.made.shape


def extent_down(placed: Placed) -> int:
    """How many rows a step takes, all its occurrences counted."""
    a = placed.block.arrangement
    return a.height + placed.of - 1 if a.stretch > 1 or placed.of == 1 else (a.height + (a.height > 1)) * placed.of


def put_steps(
    net: NetworkSheets, sheet: Sheet, steps: list[Step], column: int, head: int = HEAD, weights_below: bool = True
) -> tuple[int, int]:
    """The steps from left to right, the weights that make them below; returns the column after them, and the row of the next captions."""
    placed = {key_of(step): net.plan.placed[id(step.made)] for step in reversed(steps)}
    below = head + TOP - HEAD + max([0, *map(extent_down, placed.values())]) + 2
    raised = any(net.column_heads(own)[0] for own in placed.values())
    bottom, shown, bare, begun = below, dict[int, str](), dict[int, str](), set[Key]()
    left: list[Placed] = []  # weights of steps that stand under one of the same name
    starts: dict[Key, int] = {}
    named_in = column - 1
    for step in steps:
        key = key_of(step)
        own = net.plan.weights_of[id(step.made)] if weights_below else []
        if key in begun:
            net.put_step(sheet, step, starts[key], head)
            left += own
            continue
        begun.add(key)
        texts = rows_in_words(net, placed[key])
        labelled = bool(texts) and texts not in (shown, bare)
        if labelled:
            named_in = column - 1
            name_rows(net, sheet, texts, column, head)
        placed[key].block.named_in = named_in
        widen(sheet, column - 1, 9 if labelled else GAP)
        column = numbers_beside(net, sheet, step, column, head)
        if texts not in (shown, bare):
            shown, bare = texts, rows_in_words(net, placed[key], told_apart=False)
        starts[key] = column
        width = net.put_step(sheet, step, column, head, raised, mover(step, steps))
        bottom = max(bottom, put_weights(net, sheet, own, column, below))
        column += max([width, *(p.block.arrangement.width for p in own)]) + 1
    bottom = max(bottom, put_weights(net, sheet, left, column, below))
    return column + max((p.block.arrangement.width + 1 for p in left), default=0), bottom + 1


def numbers_beside(net: NetworkSheets, sheet: Sheet, step: Step, column: int, head: int) -> int:
    """The whole numbers that choose rows of a table, once more before these rows; returns the column after them."""
    a, (x, called) = net.plan.placed[id(step.made)].block.arrangement, chosen_by(net.plan, step)
    if x is None or a.row_axes != tuple(range(x.ndim)) or x.shape != a.shape[:-1] or x.size > MOST_NAMED:
        return column
    block = net.plan.mirror(x, Arrangement(x.shape, a.row_axes, (), a.row_gap))
    columns(sheet, column, block.arrangement, x.value)
    net.caption(sheet, head, column, 1, called, x.layer if x.kind == "step" else "x")
    sheet.put(block, head + TOP - HEAD, column, net.styles["fetched"])
    return column + 1


def mover(step: Step, steps: list[Step]) -> str:
    """The name of a layer that only moves numbers, on the sheet of another one; empty for a step of this one."""
    return "" if step.layer == steps[-1].layer else step.layer


def put_weights(net: NetworkSheets, sheet: Sheet, weights: list[Placed], column: int, row: int = HEAD) -> int:
    """Weights under each other; returns the row after them."""
    for placed in weights:
        columns(sheet, column, placed.block.arrangement, placed.made.value)
        row = net.put_weight(sheet, placed, row, column) + 1
    return row


def rows_in_words(net: NetworkSheets, placed: Placed, told_apart: bool = True) -> dict[int, str]:
    """What the rows of a block are; nothing where there is one, or too many to look at. ``told_apart``: the query's from the key's."""
    a, height = placed.block.arrangement, placed.block.arrangement.height * placed.of
    if height <= 1 or height > MOST_NAMED:
        return {}
    if placed.kind == "input" and a.row_axes == (1,):
        return dict(enumerate(net.options.input_names(a.height)))
    if a.stretch > 1:
        return over_time(a)
    labels = row_labels(a, net.axes(placed) if told_apart else net.axes(placed).untitled)
    return labels if placed.of == 1 else rows_of_steps(labels, a.height + 1, placed.of)


def name_rows(net: NetworkSheets, sheet: Sheet, texts: dict[int, str], column: int, head: int = HEAD) -> None:
    """Labels left of a block's rows, in the column before it."""
    widen(sheet, column - 1, room_for(texts))
    sheet.down(head + TOP - HEAD, column - 1, texts, net.styles, "label right")


def rows_of_steps(labels: dict[int, str], apart: int, times: int) -> dict[int, str]:
    """The rows of blocks under each other, one for each time step."""
    first = min(labels)
    return {t * apart + row: f"t={t}, {text}" if row == first else text for t in range(times) for row, text in labels.items()}


def over_time(a: Arrangement) -> dict[int, str]:
    """The rows of samples that stand apart: in between are the other time steps."""
    samples = a.shape[0] if a.shape else 1
    labels = {n * a.stretch + t: f"t={t}" for n in range(samples) for t in range(a.stretch)}
    return labels | {n * a.stretch: f"sample {n}, t=0" for n in range(samples) if samples > 1}


def pictures(net: NetworkSheets, sheet: Sheet, steps: list[Step], own: list[Placed]) -> None:
    """All steps of a layer of feature maps."""
    sheet.default_height = SQUARE_HEIGHT
    column = 1
    if own:
        put_weights(net, sheet, own, column)
        column = max(column_after_weight(net, sheet, placed, column) for placed in own) + 1
    row, rows, named = HEAD, dict[Key, int](), dict[int, str]()
    for step in steps:
        placed, key = net.plan.placed[id(step.made)], key_of(step)
        if key not in rows:
            height, raised = placed.block.arrangement.height, bool(net.column_heads(placed, True)[0])
            rows[key] = row + raised * bool(rows)
            row = rows[key] + TOP - HEAD + (height + (placed.of > 1)) * placed.of + 1
            texts = row_labels(placed.block.arrangement, net.axes(placed)) if height > 1 else {}  # before the first row which picture it is
            name_rows(net, sheet, texts, column, rows[key])
            named |= texts
        net.put_step(sheet, step, column, rows[key], bool(net.column_heads(placed, True)[0]), mover(step, steps))
    widen(sheet, column - 1, room_for(named) if named else GAP)
    net.finish(sheet, 2)


def column_after_weight(net: NetworkSheets, sheet: Sheet, placed: Placed, column: int) -> int:
    """The column after a weight and what is written over it."""
    behind_name = column_after(sheet, column, len(placed.name) * LETTER + 1)
    text = net.shape_over(placed, True)
    return max(column + placed.block.arrangement.width, column_after(sheet, behind_name, len(text) * SMALL + 1))
