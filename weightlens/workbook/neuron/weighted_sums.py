"""Which recorded values are weighted sums: products of inputs and weights added up, plus a bias.

A dense layer, a convolution, the gates of a recurrent layer and the scores of attention are all of this form. The recorded
calls are followed: products give the terms, additions join them, moves carry them along, and what is no product is added.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from weightlens.recording import Recorded, cast
from weightlens.recording.calls import FOLLOWS, PRODUCTS, einsum_subscripts, factors, moved_by_data, operation
from weightlens.recording.graph import ordered, origins
from weightlens.workbook.formulas.cell_arrays import CONSTANTS, Cells, Unwritable
from weightlens.workbook.formulas.products import batches, summed_length
from weightlens.workbook.formulas.translate import Formulas

MADE_OF_SUMS = frozenset({np.add, np.multiply, cast, *FOLLOWS})
MOST_CELLS = 4_000_000  # cells that the sums of one product read


@dataclass(frozen=True, eq=False)
class Term:
    """The products that one recorded product adds up: which inputs are multiplied by which weights.

    ``inputs`` and ``weights`` are tables of cells, a row of as many cells for each sum; ``input_row`` and ``weight_row`` say for
    every element of the value which rows these are. ``product`` is the recorded call; each product is multiplied by ``scale``.
    """

    inputs: Cells
    weights: Cells
    input_row: np.ndarray
    weight_row: np.ndarray
    product: Recorded
    scale: float = 1.0

    def moved(self, move: Callable[[np.ndarray], np.ndarray]) -> Term:
        """These sums at other places."""
        return replace(self, input_row=move(self.input_row), weight_row=move(self.weight_row))


@dataclass(frozen=True, eq=False)
class WeightedSum:
    """A value as its terms and what is added to them (cells, one for each element); ``parts``: named values that it spells out."""

    terms: list[Term]
    added: list[Cells]
    parts: set[int] = field(default_factory=set)

    def moved(self, move: Callable[[np.ndarray], np.ndarray]) -> WeightedSum:
        """These sums at other places."""
        return WeightedSum([term.moved(move) for term in self.terms], [move(cells) for cells in self.added], self.parts)


class WeightedSums:
    """Finds weighted sums among recorded values; each value is looked at once."""

    def __init__(self, formulas: Formulas) -> None:
        self.formulas = formulas
        self.known: dict[int, WeightedSum | None] = {}

    def find(self, x: Recorded, layer: str) -> WeightedSum | None:
        """The value as a weighted sum of that layer; ``None`` where it is none."""
        for y in ordered([x], lambda y: self.joins(y, layer)):  # the ends of a long chain of sums first
            if id(y) not in self.known and (y is x or self.joins(y, layer)):
                self.known[id(y)] = self.spelled_out(y, layer)
        return self.known[id(x)]

    def joins(self, x: Recorded, layer: str) -> bool:
        """Whether a value that is not known yet may be made of sums of the layer."""
        return id(x) not in self.known and operation(x) in MADE_OF_SUMS and (not x.kind or (x.kind == "step" and x.layer == layer))

    def spelled_out(self, x: Recorded, layer: str) -> WeightedSum | None:
        op = operation(x)
        if op in PRODUCTS:
            return self.of_product(x)
        if op is np.add:
            return self.added(x, layer)
        if op is np.multiply:
            return self.scaled(x, layer)
        if op is cast or (op in FOLLOWS and not moved_by_data(x) and isinstance(x.args[0], Recorded)):
            inner = self.part(x.args[0], layer)
            if inner is None:
                return None
            positions = origins(x)
            return None if (positions < 0).any() else inner.moved(lambda array: array.reshape(-1)[positions])
        return None

    def part(self, arg: object, layer: str) -> WeightedSum | None:
        """An operand: spelled out where it is an expression, or a named sum of products of the same layer; else cells that are added."""
        cells = self.formulas.cells(arg)
        if isinstance(arg, Recorded) and (not arg.kind or (arg.kind == "step" and arg.layer == layer)):
            found = self.find(arg, layer)
            if found is not None and found.terms:
                return replace(found, parts=found.parts | ({id(arg)} if arg.kind else set()))
        return None if cells is None else WeightedSum([], [cells])

    def added(self, x: Recorded, layer: str) -> WeightedSum | None:
        """Two operands added to each other: beside products, what the layer computed before is an input of its own."""
        parts = [part for arg in x.args[:2] if (part := self.part(arg, layer)) is not None]
        if len(parts) < 2:
            return None
        if any(part.terms for part in parts):
            for i, arg in enumerate(x.args[:2]):
                if not parts[i].terms and isinstance(arg, Recorded) and arg.kind == "step" and arg.layer == layer:
                    parts[i] = WeightedSum([as_it_is(arg, parts[i].added[0])], [])
        return joined(parts, x.shape)

    def scaled(self, x: Recorded, layer: str) -> WeightedSum | None:
        """A sum of products times a number."""
        numbers = [arg for arg in x.args if not isinstance(arg, Recorded) and np.ndim(arg) == 0]
        others = [arg for arg in x.args if isinstance(arg, Recorded)]
        inner = self.part(others[0], layer) if len(numbers) == len(others) == 1 else None
        if inner is None or inner.added:
            return None
        return replace(inner, terms=[replace(term, scale=term.scale * float(numbers[0])) for term in inner.terms])

    def of_product(self, x: Recorded) -> WeightedSum | None:
        """A matrix product, or one that is written as such."""
        if len(factors(x)) != 2 or x.size * summed_length(x) > MOST_CELLS:
            return None
        try:
            left, right, order, size = batches(x, self.formulas.cells)
        except Unwritable:
            return None
        groups, rows, k = left.shape
        columns = right.shape[2]
        output, full = einsum_subscripts(x).split("->")[1], tuple(size[c] for c in order)

        def placed(array: np.ndarray) -> np.ndarray:
            whole = np.broadcast_to(array, (groups, rows, columns)).reshape(full)
            return np.transpose(whole, [order.index(c) for c in output]).reshape(x.shape)

        input_row = placed(np.arange(groups * rows).reshape(groups, rows, 1))
        weight_row = placed(np.arange(groups * columns).reshape(groups, 1, columns))
        weights = np.swapaxes(right, 1, 2).reshape(groups * columns, k)
        return WeightedSum([Term(left.reshape(groups * rows, k), weights, input_row, weight_row, x)], [])


def as_it_is(x: Recorded, cells: Cells) -> Term:
    """What a layer computed before and adds to its sums: an input of each, times 1."""
    places = np.arange(cells.size).reshape(cells.shape)
    one = np.full((1, 1), CONSTANTS.code(1.0))
    return Term(cells.reshape(-1, 1), one, places, np.zeros_like(places), x)


def joined(parts: list[WeightedSum], shape: tuple[int, ...]) -> WeightedSum:
    """Sums added to each other, their elements repeated as NumPy does."""
    whole = [part.moved(lambda array: np.broadcast_to(array, shape)) for part in parts]
    return WeightedSum(
        [term for part in whole for term in part.terms],
        [cells for part in whole for cells in part.added],
        set().union(*(part.parts for part in whole)),
    )
