"""Boxes and lines of a drawn graph: every line leads where the graph says, and lines of different sources can be told apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from weightlens.workbook.drawing.graph_layout import Drawing, Line, laid_out

DIAMOND = [(0, 1), (0, 2), (1, 3), (2, 3)]
CROSSING = [(0, 3), (1, 2), (0, 4), (1, 4), (2, 5), (3, 5), (4, 5)]


def reached(drawing: Drawing) -> set[tuple[int, int]]:
    """The edges that one sees: from each box along its line, and on where the line passes."""
    box = {(rank, slot): node for node, (rank, slot) in enumerate(zip(drawing.ranks, drawing.slots, strict=True))}
    assert len(box) == len(drawing.ranks), "two boxes in one place"
    edges = set()
    for node, (rank, slot) in enumerate(zip(drawing.ranks, drawing.slots, strict=True)):
        at = (rank, slot)
        while at:
            below = drawing.lines[at[0]] if at[0] < len(drawing.lines) else []
            line = next((line for line in below if line.start == at[1]), None)
            if line is None:
                break
            edges |= {(node, box[(at[0] + 1, slot)]) for slot in line.arrows}
            [*further] = {*line.ends} - {*line.arrows}
            assert len(further) <= 1 and all(slot in drawing.passing[at[0] + 1] for slot in further)
            at = (at[0] + 1, further[0]) if further else ()  # type: ignore[assignment]
    return edges


def uprights(line: Line) -> list[tuple[int, float, float]]:
    """The pieces of a line that go down: slot, from where to where; its track is at half a row."""
    across = line.track + 0.5
    return [(line.start, 0.0, across), *((slot, across, 1e9) for slot in line.ends)]


def lie_upon_each_other(a: Line, b: Line) -> bool:
    """Whether a piece of one line hides a piece of the other, but for the last bit to a box that both lead to."""
    for slot, top, bottom in uprights(a):
        for other, start, end in uprights(b):
            together = slot == other and max(top, start) < min(bottom, end)
            if together and not (slot in a.arrows and slot in b.arrows):
                return True
    bent = [line for line in (a, b) if line.ends != (line.start,)]
    return len(bent) == 2 and a.track == b.track


def check(count: int, edges: list[tuple[int, int]]) -> None:
    drawing = laid_out(count, edges)
    assert reached(drawing) == set(edges)
    assert all(drawing.ranks[a] < drawing.ranks[b] for a, b in edges)
    for rank, lines in enumerate(drawing.lines, start=1):
        slots = [slot for r, slot in zip(drawing.ranks, drawing.slots, strict=True) if r == rank] + drawing.passing[rank]
        assert len(set(slots)) == len(slots), "a line through a box"
        assert not any(lie_upon_each_other(a, b) for a, b in combinations(lines, 2))


@pytest.mark.parametrize("edges", [DIAMOND, CROSSING, [(i, i + 1) for i in range(9)], [(0, 9 - i) for i in range(9)]])
def test_known_graphs(edges: list[tuple[int, int]]) -> None:
    check(1 + max(b for _, b in edges), edges)


def test_a_chain_is_one_column() -> None:
    assert laid_out(5, [(i, i + 1) for i in range(4)]).width == 1


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 20))
    edges = {(int(a), b) for b in range(1, count) for a in rng.choice(b, size=min(b, int(rng.integers(0, 4))), replace=False)}
    check(count, sorted(edges))
