"""Where the boxes and lines of a drawn graph go: ranks from top to bottom, slots from left to right, tracks for lines across.

A box stands one rank below the lowest of those it reads. A line that passes a rank goes through a slot of its own there. Between
two ranks each source has one track, a row for its line across, so that lines of different sources never lie upon each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

Edge = tuple[int, int]
Place = tuple[int, int]  # of a box or a passing line: the node that it is or comes from, and the rank


@dataclass(frozen=True)
class Line:
    """What goes from one source through the space below a rank: from which slot, on which track, to which slots.

    ``track`` is 0 for the topmost; ``arrows`` are those of the slots in which a box is reached.
    """

    start: int
    track: int
    ends: tuple[int, ...]
    arrows: tuple[int, ...]


@dataclass(frozen=True)
class Drawing:
    """The rank and the slot of each node, the slots in which lines pass each rank, and the lines below each rank."""

    ranks: list[int]
    slots: list[int]
    passing: list[list[int]]
    lines: list[list[Line]]

    @property
    def width(self) -> int:
        """How many slots there are."""
        return 1 + max([*self.slots, *(slot for slots in self.passing for slot in slots)])


def laid_out(count: int, edges: Sequence[Edge]) -> Drawing:
    """The drawing of nodes 0, 1... in an order in which each comes after those it reads; an edge goes from the one that is read."""
    read: list[list[int]] = [[a for a, b in edges if b == node] for node in range(count)]
    ranks: list[int] = []
    for node in range(count):
        ranks.append(1 + max([ranks[a] for a in read[node]], default=-1))
    deepest = [max([ranks[b] for a, b in edges if a == node], default=ranks[node]) for node in range(count)]
    slots: dict[Place, int] = {}
    lines: list[list[Line]] = []
    for rank in range(max(ranks) + 1):
        there = [node for node in range(count) if ranks[node] == rank or ranks[node] < rank < deepest[node]]
        wanted = {node: wished_slot(node, rank, ranks, read, slots) for node in there}
        place(there, wanted, rank, slots)
        if rank:
            above = [node for node in range(count) if ranks[node] < rank <= deepest[node]]
            try:
                lines.append(lines_between(above, there, rank, ranks, read, slots))
            except CycleError:  # two lines that change places: the next rank goes into slots of its own
                beside = 1 + max(slots[(node, rank - 1)] for node in above)
                slots |= {(node, rank): beside + i for i, node in enumerate(sorted(there, key=lambda node: slots[(node, rank)]))}
                lines.append(lines_between(above, there, rank, ranks, read, slots))
    passing = [sorted(slot for (node, at), slot in slots.items() if at == rank and ranks[node] < rank) for rank in range(max(ranks) + 1)]
    return Drawing(ranks, [slots[(node, ranks[node])] for node in range(count)], passing, lines)


def wished_slot(node: int, rank: int, ranks: list[int], read: list[list[int]], slots: dict[Place, int]) -> float:
    """The slot that a box would like: under the middle of what it reads; a passing line goes straight on."""
    if ranks[node] < rank:
        return slots[(node, rank - 1)]
    sources = [slots[(a, rank - 1)] for a in read[node]]
    return sum(sources) / len(sources) if sources else 0.0


def place(nodes: list[int], wanted: dict[int, float], rank: int, slots: dict[Place, int]) -> None:
    """Give each the slot that it would like, or the next free one to the right."""
    free = 0
    for node in sorted(nodes, key=lambda node: wanted[node]):
        free = max(free, int(wanted[node]))
        slots[(node, rank)] = free
        free += 1


def lines_between(
    above: list[int], there: list[int], rank: int, ranks: list[int], read: list[list[int]], slots: dict[Place, int]
) -> list[Line]:
    """The lines from the rank before to this one. Raises ``CycleError`` where no order of their tracks keeps them apart."""
    ends: dict[int, list[int]] = {}
    arrows: dict[int, list[int]] = {}
    for a in above:
        boxes = [node for node in there if ranks[node] == rank and a in read[node]]
        goes_on = [a] if a in there and ranks[a] < rank else []
        ends[a] = [slots[(node, rank)] for node in boxes + goes_on]
        arrows[a] = [slots[(node, rank)] for node in boxes]
    starts = {a: slots[(a, rank - 1)] for a in above}
    bent = [a for a in above if ends[a] != [starts[a]]]
    before = {b: {a for a in above if a != b and a in bent and starts[a] in ends[b]} for b in bent}
    order = list(TopologicalSorter(before).static_order())
    tracks = {a: order.index(a) if a in bent else 0 for a in above}
    return [Line(starts[a], tracks[a], tuple(sorted(ends[a])), tuple(sorted(arrows[a]))) for a in above]
