"""The shapes of all layers, by a forward pass of no samples."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from weightlens.call_order import refs, tensors_into
from weightlens.engine.arguments import Values
from weightlens.engine.run import Run, Scope, as_list
from weightlens.engine.wanted import wanted_inputs, with_length
from weightlens.errors import BadInput, UnsupportedLayer, WeightlensError
from weightlens.model import Call, Layer, Model, Weight
from weightlens.recording import Role, each
from weightlens.recording.arrays import NO_ROLE
from weightlens.specs.sizes import Shape

MOST_NUMBERS = 1 << 29  # 4 GB of them
LONGEST = 1 << 17  # a sequence that is tried
MOST_PLACES, MOST_ROWS = 1 << 14, 1 << 10  # the same where only shapes are shown; of pictures
OPEN_LENGTHS, OPEN_SIDES = (509, 1021), (67, 131)  # what depends on an open length differs between the two; of pictures, their sides
MOST_ZEROS = 1 << 24  # numbers of the one sample of zeros that a layer is given


def symbolic_shapes(model: Model) -> dict[str, list[Shape | None]]:
    """The output shapes (without batch) of each layer, ``None`` where one depends on an open length; empty for a model that cannot run."""
    try:
        wanted = wanted_inputs(model)
        asked: list[Shape] = [(None,) if w.shape is None else w.shape for w in wanted]
        by_length = [layer_shapes(model, with_lengths(asked, length)) for length in open_lengths(model, asked)]
    except (WeightlensError, ArithmeticError, ValueError, TypeError, IndexError, KeyError, AttributeError, MemoryError):
        return {}  # shapes are a courtesy: a model that cannot run is listed without them
    shapes: dict[str, list[Shape | None]] = {w.name: [w.shape] for w in wanted}
    for path, outputs in by_length[0].items():
        pairs = zip(outputs, by_length[-1].get(path, outputs), strict=False)
        shapes[path] = [tuple(n if n == m else None for n, m in zip(a, b, strict=False)) for a, b in pairs]
    return shapes


def open_lengths(model: Model, asked: list[Shape]) -> list[int]:
    """Lengths for the open dimensions, two if there are any, so long that no layer cuts off all there is."""
    if not any(None in shape for shape in asked):
        return [0]
    pictures = any(shape.count(None) > 1 for shape in asked)
    lengths, longest = (OPEN_SIDES, MOST_ROWS) if pictures else (OPEN_LENGTHS, MOST_PLACES)
    more = needed_length(model, asked, with_lengths(asked, lengths[0]), longest) or 0
    return [length + more for length in lengths]


def with_lengths(asked: list[Shape], length: int) -> list[tuple[int, ...]]:
    """Shapes with this length for every open dimension."""
    return [tuple(length if n is None else n for n in shape) for shape in asked]


def layer_shapes(model: Model, shapes: list[tuple[int, ...]]) -> dict[str, list[tuple[int, ...]]]:
    """The output shapes (without batch) of each layer for samples of ``shapes``.

    No weight is read and no product computed. Stops at a layer that cannot be computed.
    """
    run = ShapesOnly()
    with np.errstate(all="ignore"), contextlib.suppress(UnsupportedLayer):
        run.network(model, zeros(model, shapes, 0))
    return run.shapes


def largest_value(model: Model, shapes: list[tuple[int, ...]]) -> int:
    """How many numbers of one sample of ``shapes`` the largest value has that a layer names or hands on: attention scores, for example."""
    run = passed(model, shapes)
    return max(run.largest, *(math.prod(shape) for outputs in run.shapes.values() for shape in outputs), 1)


def numbers_of_weights(model: Model, shapes: list[tuple[int, ...]]) -> int:
    """How many numbers the weights have of the layers that a sample of ``shapes`` comes through. None of them is read."""
    return passed(model, shapes).of_weights


def passed(model: Model, shapes: list[tuple[int, ...]]) -> ShapesOnly:
    """The network with a batch of no samples of ``shapes`` passed through it, as far as it can be computed."""
    run = ShapesOnly()
    with np.errstate(all="ignore"), contextlib.suppress(WeightlensError):
        run.network(model, zeros(model, shapes, 0))
    return run


def zeros(model: Model, shapes: list[tuple[int, ...]], samples: int) -> list[np.ndarray]:
    """So many samples of zeros, or of empty texts, for each input."""
    kinds = [str if model[ref.layer].config.get("dtype") == "string" else np.float64 for ref in refs(model.inputs)]
    return [np.zeros((samples, *shape), kind) for shape, kind in zip(shapes, kinds, strict=True)]


def computes_one_sample(model: Model, shapes: list[tuple[int, ...]]) -> bool:
    """Whether one sample in gives one sample out: an operator may contain the size of a batch. No weight is read."""
    refuse_explosion(model, shapes)
    try:
        with np.errstate(all="ignore"):
            outputs = ShapesOnly().network(model, zeros(model, shapes, 1))
    except UnsupportedLayer:  # so far it does
        return True
    except WeightlensError:
        return False
    return all(np.shape(y)[:1] == (1,) for y in outputs)


def refuse_too_short(model: Model, shapes: list[tuple[int, ...]]) -> None:
    """Refuse samples so short that a layer's output is empty, and state the length needed."""
    asked = [w.shape for w in wanted_inputs(model)]
    if [None if want is None else len(want) for want in asked] == [len(shape) for shape in shapes]:
        length = needed_length(model, asked, shapes)
        if length is not None:
            raise BadInput(
                f"the samples are too short: the output of some layer is empty; the network needs a length of {length:,} or more"
            )


def refuse_explosion(model: Model, shapes: list[tuple[int, ...]]) -> None:
    """Refuse a network whose values for one sample exceed the memory limit, before it is computed."""
    try:
        computed = layer_shapes(model, shapes)
    except (WeightlensError, MemoryError, ValueError):  # said when it is computed
        return
    sizes = [(math.prod(shape), layer) for layer, outputs in computed.items() for shape in outputs]
    most, layer = max(sizes, default=(0, ""))
    if most > MOST_NUMBERS:
        raise BadInput(f"layer {layer!r} computes {most:,} numbers for one sample, more than memory allows")


def needed_length(model: Model, asked: Sequence[Shape | None], shapes: list[tuple[int, ...]], longest: int = LONGEST) -> int | None:
    """The length of the open dimensions at which no layer's output is empty.

    ``None`` if ``shapes`` are long enough, or if no length up to ``longest`` helps.
    """
    if not any(None in shape for shape in asked if shape) or leaves_something(model, shapes):
        return None

    def enough(length: int) -> bool:
        return leaves_something(model, [with_length(want, shape, length) for want, shape in zip(asked, shapes, strict=True)])

    low = min(n for want, shape in zip(asked, shapes, strict=True) if want for w, n in zip(want, shape, strict=True) if w is None)
    high = next((low << power for power in range(1, longest.bit_length()) if low << power <= longest and enough(low << power)), None)
    if high is None:
        return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def leaves_something(model: Model, shapes: list[tuple[int, ...]]) -> bool:
    """Whether no layer's output is empty for samples of these shapes."""
    try:
        computed = layer_shapes(model, shapes)
    except (WeightlensError, MemoryError, ArithmeticError, ValueError, TypeError, IndexError):
        return False
    reached = all(ref.layer in computed for ref in refs(model.outputs))
    return reached and not any(0 in shape for outputs in computed.values() for shape in outputs)


class ShapesOnly(Run):
    """A run on no samples, without values of weights; records the shape of every layer's output."""

    def __init__(self) -> None:
        super().__init__(None, np.float64)
        self.shapes: dict[str, list[tuple[int, ...]]] = {}
        self.largest = 0  # numbers of a sample in a named value
        self.of_weights = 0  # numbers of all weights

    def step(self, name: str, x: Any, role: Role = NO_ROLE) -> Any:
        self.largest = max(self.largest, math.prod(np.shape(x)[1:]))
        return x

    def model(self, model: Model, inputs: list[Any], masks: Values, path: str, masks_of: object) -> list[Any]:
        self.shapes |= {path + ref.layer: [np.shape(x)[1:]] for ref, x in zip(refs(model.inputs), inputs, strict=True)}
        return super().model(model, inputs, masks, path, masks_of)

    def read(self, weight: Weight) -> np.ndarray:
        self.of_weights += weight.size
        return np.broadcast_to(np.zeros((), weight.dtype if weight.dtype.startswith(("int", "uint", "bool")) else self.dtype), weight.shape)

    def one_call(self, scope: Scope, layer: Layer, call: Call, path: str, mask_wanted: bool) -> tuple[Any, Any]:
        try:
            out, mask = super().one_call(scope, layer, call, path, mask_wanted)
        except BadInput:  # NumPy cannot always reshape an empty array: this layer gets one sample of zeros
            read = list(tensors_into(call))
            values, masks = ({ref: one_sample(given.get(ref)) for ref in read} for given in (scope.values, scope.masks))
            if sum(np.size(x) for x in values.values()) > MOST_ZEROS:
                raise
            out, mask = super().one_call(scope._replace(values=values, masks=masks), layer, call, path, mask_wanted)
            out, mask = each(lambda y: y[:0] if np.ndim(y) else y, (out, mask))
        self.shapes[path] = [np.shape(y)[1:] for y in as_list(out) if y is not None]
        return out, mask


def one_sample(empty: Any) -> Any:
    """One sample of zeros, like those of which there are none here."""
    return None if empty is None else np.zeros((1, *np.shape(empty)[1:]), empty.dtype)
