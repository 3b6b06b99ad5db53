"""Which column or array feeds which input of the model: by name if the names decide, else by position."""

from __future__ import annotations

import re
from collections.abc import Sequence

from weightlens.engine.wanted import Wanted, name_list, spellings
from weightlens.errors import BadInput
from weightlens.specs.sizes import shape_words
from weightlens.tables.table import has_index_title

ANSWERS = r"(?i)(y|target|label|class|output|expected)s?[ _]?\d*|y_.*"  # columns that hold results, not inputs
NUMBERED = r"(.*?)[ _.]?(?:\[(\d{1,6})\]|(\d{1,6}))"  # x3, x_3, x[3]
Named = dict[tuple[int, int | None], int]  # the input, and which number of its sample: the column


def columns_of_inputs(titles: list[str] | None, width: int, wanted: list[Wanted], source: str) -> tuple[list[list[int]], list[str]]:
    """The columns that feed each input, in its order, and notes on the choice."""
    if titles is None:
        return share_out_columns(list(range(width)), wanted, source), []
    named = inputs_by_title(titles, [[*names, *["x"] * (len(wanted) == 1)] for names in spellings(wanted)], source)
    chosen = complete_columns(titles, named, wanted, source)
    notes = []
    if chosen is None:
        chosen = share_out_columns(likely_inputs(titles, wanted), wanted, source)
        sizes = [len(part) for part in chosen]
        if some := {(k, e): i for (k, e), i in named.items() if (sizes[k] == 1 if e is None else e <= sizes[k])}:
            refuse_other_order(some, chosen, titles, wanted, source)
            order = [titles[i] for columns in chosen for i in columns]
            if len(wanted) > 1 or any(re.fullmatch(ANSWERS, title) for title in order):  # else the columns are where their titles say
                notes.append(f"not every title is the name of an input; the columns are read in this order: {name_list(order)}")
    used = {column for columns in chosen for column in columns}
    if left := [title or "the column without a title" for i, title in enumerate(titles) if i not in used]:
        notes.append(f"left out: {name_list(left)}")
    if has_index_title(titles) and 0 in used:
        notes.append("the first column has no title; it is taken for an input, because the model takes so many columns")
    return chosen, notes


def complete_columns(titles: list[str], named: Named, wanted: list[Wanted], source: str) -> list[list[int]] | None:
    """The columns of each input if titles name all of its numbers, by its name or its position (``input_0``)."""
    places = [f"input_{i}" for i in range(len(wanted))]
    by_name, by_place = (
        columns_if_complete(named, wanted),
        columns_if_complete(inputs_by_title(titles, [[place] for place in places], source), wanted),
    )
    if by_name and by_place and by_name != by_place:
        raise BadInput(f"{source}: {name_list(titles)} can be read as the positions of the inputs and as their names")
    return by_name or by_place


def inputs_by_title(titles: list[str], names: list[list[str]], source: str) -> Named:
    """The input, or the number of an input, that each title names."""
    known = {name.casefold(): k for k, spellings in enumerate(names) for name in spellings}
    inputs: Named = {}
    for column, title in enumerate(titles):
        place: tuple[int, int | None] | None = None
        if title.casefold() in known:
            place = known[title.casefold()], None
        elif (parts := re.fullmatch(NUMBERED, title)) and parts[1].casefold() in known:
            place = known[parts[1].casefold()], int(parts[2] or parts[3])
        if place is not None:
            if place in inputs:
                raise BadInput(f"{source}: two columns are called {title!r}")
            inputs[place] = column
    return inputs


def columns_if_complete(named: Named, wanted: list[Wanted]) -> list[list[int]] | None:
    """The columns of each input in its order, if exactly all of its numbers are named (counted from 0 or 1)."""
    by_input = []
    for k, w in enumerate(wanted):
        columns = {element: column for (which, element), column in named.items() if which == k}
        count = len(columns)
        if not count or w.size not in (None, count):
            return None
        if set(columns) == {None}:
            by_input.append([columns[None]])
        elif set(columns) in (set(range(count)), set(range(1, count + 1))):
            by_input.append([columns[element] for element in sorted(element for element in columns if element is not None)])
        else:
            return None
    return by_input


def refuse_other_order(named: Named, chosen: list[list[int]], titles: list[str], wanted: list[Wanted], source: str) -> None:
    """Refuse columns whose order contradicts the titles that name inputs."""

    def stands(place: tuple[int, int | None], column: int, first: int) -> bool:
        columns, element = chosen[place[0]], place[1]
        if element is None:
            return column in columns
        return 0 <= element - first < len(columns) and columns[element - first] == column

    if not any(all(stands(place, column, first) for place, column in named.items()) for first in (0, 1)):
        names = "; ".join(f"{w.key or w.name}: {shape_words(w.shape)}" for w in wanted)
        raise BadInput(
            f"{source}: the titles {name_list(titles)} name some inputs of the model, but not all, and in another order ({names}); "
            "name every column after its input, or none"
        )


def is_index_left_out(titles: Sequence[str] | None, columns: list[list[int]]) -> bool:
    """Whether the first column is left out as row numbers."""
    return has_index_title(titles) and not any(0 in part for part in columns)


def likely_inputs(titles: list[str], wanted: list[Wanted]) -> list[int]:
    """The columns that are inputs if there are too many: without row numbers, and without answers."""
    rest = list(range(len(titles)))
    fixed = [w.size for w in wanted if w.size is not None]
    if has_index_title(titles) and (len(fixed) < len(wanted) or len(rest) > sum(fixed)):
        rest = rest[1:]
    if len(fixed) == len(wanted) and len(rest) > sum(fixed):
        rest = [i for i in rest if not re.fullmatch(ANSWERS, titles[i])]
    return rest


def share_out_columns(columns: list[int], wanted: list[Wanted], source: str) -> list[list[int]]:
    """The columns divided among the inputs, in order."""
    have, fixed = len(columns), sum(w.size for w in wanted if w.size is not None)
    open_ended = sum(w.size is None for w in wanted)
    if open_ended > 1 or (not open_ended and have != fixed) or (open_ended and have <= fixed):
        shapes = "; ".join(f"{w.key or w.name}: {shape_words(w.shape)}" for w in wanted)
        raise BadInput(f"{source}: the model takes {fixed or 'any number of'} numbers per sample ({shapes}), but a row has {have}")
    shares, start = [], 0
    for w in wanted:
        size = w.size if w.size is not None else have - fixed
        shares.append(columns[start : start + size])
        start += size
    return shares
