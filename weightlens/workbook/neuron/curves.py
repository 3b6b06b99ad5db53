"""The activation that follows a weighted sum, as a curve: its recorded formula with other numbers put in for the sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from weightlens.errors import NoFormula
from weightlens.recording import Recorded, each, record
from weightlens.recording.graph import expression, ordered
from weightlens.words.layer_words import activation_of
from weightlens.workbook.formulas.cell_arrays import Area, Cells, Expression
from weightlens.workbook.formulas.translate import Formulas
from weightlens.workbook.neuron.cell_numbers import CellNumbers
from weightlens.workbook.neuron.neurons import Neuron
from weightlens.workbook.sheets.network import NetworkSheets

NO_CURVE, LINEAR, SOFTMAX = "no curve", "no activation", "softmax"
LINEAR_CURVE, SOFTMAX_CURVE = 1, 2  # their numbers; 0 is no curve
NOWHERE = np.iinfo(np.int64).min  # no cell
CLOSE = 1e-9  # a curve goes through the numbers of the network as closely as this


@dataclass(frozen=True, eq=False)
class Curve:
    """A function of one number. ``function`` was recorded: of the value ``argument``; without it the curve is one of the three above."""

    name: str
    function: Recorded | None = None

    @property
    def argument(self) -> Recorded:
        assert self.function is not None
        argument: Recorded = self.function.function[1]
        return argument

    def values_at(self, x: Recorded) -> Recorded | None:
        """The function of other numbers; ``None`` where it is none of one number alone."""
        assert self.function is not None
        return put_in(self.function, self.argument, x)

    def key(self) -> tuple[str, ...]:
        """What tells functions apart: the text of their formula."""
        made = self.formula(np.zeros((1, 1), np.int64)) if self.function is not None else None
        pieces = [piece for option in made.options for piece in option] if made is not None else []
        return (self.name, *("?" if isinstance(piece, Area) else piece for piece in pieces))

    def formula(self, cells: Cells) -> Expression | None:
        """The function as a formula for each of these cells; ``None`` where there is none."""
        points = Recorded(np.zeros(cells.shape), kind="input")
        y = self.values_at(points)
        if y is None or y.shape != cells.shape:
            return None
        try:
            return Formulas(lambda x: cells if x is points else None).step(y)
        except NoFormula:
            return None


def put_in(y: Recorded, argument: Recorded, x: Recorded) -> Recorded | None:
    """The expression of ``y`` with ``x`` in the place of ``argument``; ``None`` where it reads other values, too."""
    new: dict[int, Recorded] = {id(argument): x}

    def swapped(thing: object) -> object:
        return new[id(thing)] if isinstance(thing, Recorded) else thing

    for z in ordered([y], lambda z: z is not argument):
        if z is argument:
            continue
        if z.op is None and (z.kind or z.size != 1):
            return None
        try:
            with np.errstate(all="ignore"):
                new[id(z)] = z if z.op is None else record(z.op, each(swapped, z.args), each(swapped, z.kwargs))
        except (ValueError, IndexError, TypeError):
            return None
    return new[id(y)]


@dataclass(frozen=True, eq=False)
class Activated:
    """What follows the sums of a neuron: for each unit the number of its curve, and the cells of the results (as ``sums``)."""

    curves: list[int]
    outputs: Cells | None


class Activations:
    """Finds what follows weighted sums. ``curves`` are all that were found, each once."""

    def __init__(self, net: NetworkSheets, numbers: CellNumbers) -> None:
        self.net, self.numbers = net, numbers
        self.curves: list[Curve] = [Curve(NO_CURVE), Curve(LINEAR), Curve(SOFTMAX)]
        self.keys: list[tuple[str, ...]] = [curve.key() for curve in self.curves]
        self.numbers_of: dict[int, int] = {}  # by the id of each function
        functions = [x for step in net.plan.steps for x in expression(step.made) if isinstance(x.function[1], Recorded)]
        functions.sort(key=lambda x: not x.kind)  # named ones first: mish is written with softplus, which is not what follows
        read = ((y, net.plan.formulas.cells(y.function[1])) for y in functions)
        self.readers = [(y, cells) for y, cells in read if cells is not None]
        self.noted = {step.layer for step in net.plan.steps if any(x.function[0] for x in expression(step.made))}

    def after_sums(self, neuron: Neuron) -> Activated:
        """What follows the sums of a neuron."""
        units = len(neuron.units)
        if neuron.functions:
            curve = self.shared(neuron.functions)
            return Activated([curve] * units, neuron.outputs)
        if neuron.sums is None:
            return Activated([0] * units, None)
        outputs, which = np.full_like(neuron.sums, NOWHERE), np.full(neuron.sums.shape, -1)
        for i, (y, cells) in enumerate(self.readers):
            own = self.net.plan.formulas.cells(y) if y.shape == y.function[1].shape else None
            found = positions(cells, neuron.sums)
            take = (found >= 0) & (which < 0)
            which[take] = i
            if own is not None:
                outputs[take] = own.reshape(-1)[found[take]]
        curves = [self.of_unit(neuron, outputs, which, unit) for unit in range(units)]
        return Activated(curves, None if (outputs == NOWHERE).any() else outputs)

    def of_unit(self, neuron: Neuron, outputs: Cells, which: np.ndarray, unit: int) -> int:
        """The number of the curve of one unit: the same in all samples and places, and through the network's own numbers."""
        readers = np.unique(which[:, :, unit])
        if (readers < 0).any():
            layer = self.net.plan.trace.layers.get(neuron.layer)  # a user's own activation: nothing was recorded of it
            is_unknown = layer is not None and bool(activation_of(layer)) and neuron.layer not in self.noted
            return LINEAR_CURVE if len(readers) == 1 and not is_unknown else 0
        values = [self.readers[i][0] for i in readers.tolist()]
        assert neuron.sums is not None
        if (outputs[:, :, unit] == NOWHERE).any():
            return 0
        if values[0].function[0] == SOFTMAX:
            return SOFTMAX_CURVE if self.is_softmax(neuron, outputs, unit) else 0
        number = self.shared(values)
        return number if self.goes_through(number, neuron.sums[:, :, unit], outputs[:, :, unit]) else 0

    def shared(self, values: Sequence[Recorded]) -> int:
        """The number of the curve that all these functions are; 0 where they are none, or not one."""
        numbers = {self.number_of(y) for y in values}
        return numbers.pop() if len(numbers) == 1 else 0

    def number_of(self, y: Recorded) -> int:
        """The number of the curve that a function is; 0 where it is none."""
        if id(y) not in self.numbers_of:
            curve = Curve(y.function[0], y)
            key = curve.key()
            if len(key) > 1 and key not in self.keys:
                self.keys.append(key)
                self.curves.append(curve)
            self.numbers_of[id(y)] = self.keys.index(key) if len(key) > 1 else 0
        return self.numbers_of[id(y)]

    def goes_through(self, number: int, sums: Cells, outputs: Cells) -> bool:
        """Whether a curve gives the network's own outputs."""
        y = self.curves[number].values_at(Recorded(self.numbers.at(sums).reshape(-1, 1))) if number > SOFTMAX_CURVE else None
        return y is not None and bool(np.allclose(y.value[:, 0], self.numbers.at(outputs).reshape(-1), rtol=CLOSE, atol=CLOSE))

    def is_softmax(self, neuron: Neuron, outputs: Cells, unit: int) -> bool:
        """Whether the outputs are the softmax over all units, or over those of the same head."""
        assert neuron.sums is not None
        first = unit - unit % neuron.row
        z, unit = self.numbers.at(neuron.sums[:, :, first : first + neuron.row]), unit % neuron.row
        outputs = outputs[:, :, first : first + neuron.row]
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return bool(
            np.allclose((e / e.sum(axis=-1, keepdims=True))[:, :, unit], self.numbers.at(outputs)[:, :, unit], rtol=CLOSE, atol=CLOSE)
        )


def positions(among: Cells, wanted: Cells) -> np.ndarray:
    """Where in the flat array of cells each wanted cell stands; -1 where it does not."""
    flat = among.reshape(-1)
    order = np.argsort(flat, kind="stable")
    at = np.minimum(np.searchsorted(flat[order], wanted), len(flat) - 1)
    return np.where(flat[order][at] == wanted, order[at], -1)
