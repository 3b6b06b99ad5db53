"""What changed between two models: layers, settings, connections, shapes, dtypes, weights; whatever their file formats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from weightlens.call_order import tensors_into
from weightlens.errors import WeightlensError
from weightlens.model import Layer, Model, Weight
from weightlens.report import differences
from weightlens.specs.registry import spec
from weightlens.specs.words.number_words import counted
from weightlens.statistics import chunks

# Settings that do not change what a trained layer computes, or that only some versions write.
SILENT = {
    "name", "dtype", "trainable", "build_config", "module", "registered_name", "shared_object_id", "input_shape", "input_dtype",
    "seed", "ragged",
    "sparse", "optional", "stateful", "unroll", "implementation", "time_major", "return_state", "input_length", "noise_shape",
    "unit_forget_bias", "layer", "layers", "cell", "forward_layer", "backward_layer", "quantization_config", "autocast", "synchronized",
    "mask_value_dtype", "build_input_shape", "input_spec", "batch_input_shape", "input_dim_hint", "renorm",
}  # fmt: skip
TRAINING = ("initializer", "regularizer", "constraint")


@dataclass(frozen=True)
class WeightChange:
    """One matrix and its counterpart; ``status``: same, differs, shape, only in A, only in B."""

    name: str
    status: str
    shapes: list[tuple[int, ...]]
    dtypes: list[str]
    largest: float = 0.0  # absolute difference
    beyond: int = 0  # how many numbers differ by more than is allowed
    element: str = ""
    norms: tuple[float, float] = (0.0, 0.0)
    cosine: float = 1.0

    @property
    def same(self) -> bool:
        """Whether the numbers are equal; a dtype that holds them exactly makes no difference."""
        return self.status == "same"

    @property
    def words(self) -> str:
        """What differs, in a line: ``dense/kernel: 3 numbers differ, most of all [0, 1] by 0.5``."""
        if self.status == "shape":
            return f"{self.name}: shape {self.shapes[0]} in A, {self.shapes[1]} in B"
        if self.status == "differs":
            count = counted(self.beyond, "number") + (" differs" if self.beyond == 1 else " differ")
            return f"{self.name}: {count}, most of all {self.element or 'none that can be read'} by {self.largest:.6g}"
        return f"{self.name}: {self.status}"


@dataclass(frozen=True)
class Difference:
    """All differences between two models, and how far their weights may be apart: ``|a - b| <= tolerance + relative * |b|``."""

    names: tuple[str, str]
    architecture: list[str]  # one line for each difference
    weights: list[WeightChange]
    tolerance: float = 0.0
    relative: float = 0.0

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.architecture and all(change.same for change in self.weights)

    def __str__(self) -> str:
        """What differs, a line each."""
        lines = [*self.architecture, *(change.words for change in self.weights if not change.same)]
        return "\n".join([f"A  {self.names[0]}", f"B  {self.names[1]}", *lines, "differs" if lines else "same"])


Pair = tuple[str, Weight | None, Weight | None]  # a name, and the weight of that name in A and in B


def compare(a: Model, b: Model, tolerance: float = 0.0, relative: float = 0.0) -> Difference:
    """Compare two models. Weights without an architecture are placed by the other model's.

    Weights are the same where ``|a - b| <= tolerance + relative * |b|``.
    """
    if a.class_name and not b.class_name:
        b = placed_like(b, a)
    elif b.class_name and not a.class_name:
        a = placed_like(a, b)
    differences = list(compare_layers(a.layers, b.layers, ""))
    architecture = [line for line in differences if isinstance(line, str)]
    if a.class_name and b.class_name:
        names = {first.name: second.name for first, second in matching_layers(a.layers, b.layers) if first and second}
        architecture += [f"{name}: connected differently" for name in changed_connections(a, b, names)]
    first, second = ({w.path.replace("\\", "/"): w for w in model.unplaced} for model in (a, b))
    pairs = [pair for pair in differences if not isinstance(pair, str)] + list(weight_pairs(first, second, ""))
    changes = [compare_weights(*pair, tolerance, relative) for pair in pairs]
    return Difference((a.provenance.path or a.name, b.provenance.path or b.name), architecture, changes, tolerance, relative)


def placed_like(bare: Model, whole: Model) -> Model:
    """Weights placed by another model's architecture; unchanged if they do not fit it."""
    from weightlens.formats import load

    try:
        placed = load(bare.provenance.path, whole.provenance.architecture or whole.provenance.path)
    except WeightlensError:
        return bare
    return bare if len(placed.unplaced) > len(bare.unplaced) or placed.size < bare.size else placed


def compare_layers(a: list[Layer], b: list[Layer], prefix: str) -> Iterator[str | Pair]:
    """A line for each difference between the layers of two graphs, nested models included, and all pairs of weights.

    In a weights-only file layers without weights are unknown.
    """
    bare = not all(any(layer.class_name for layer in layers) for layers in (a, b))
    for first, second in matching_layers(a, b):
        if first is not None and second is not None:
            if first.name != second.name and not first.is_input and not bare:
                yield f"{prefix}{first.name}: called {second.name} in B"
            yield from compare_layer(first, second, prefix + first.name)
        elif (alone := first or second) is not None and not alone.is_input and (alone.weights or not bare):
            yield f"{prefix}{alone.name}: {alone.class_name or 'a layer'}, only in {'A' if first else 'B'}"
            yield from weight_pairs(first.weights if first else {}, second.weights if second else {}, f"{prefix}{alone.name}/")


def compare_layer(first: Layer, second: Layer, name: str) -> Iterator[str | Pair]:
    """What differs between a layer and its counterpart: class, settings, weights, inner layers."""
    if first.class_name and second.class_name:
        if first.class_name != second.class_name:
            yield f"{name}: {first.class_name} in A, {second.class_name} in B"
        else:
            yield from (f"{name}: {text}" for text in changed_settings(first.config, second.config))
    twice = spec(first.class_name).stored_twice
    for pair in weight_pairs(first.own_weights, second.own_weights, f"{name}/"):
        if pair[0] != f"{name}/{twice}" or None not in pair:
            yield pair
    for key in dict.fromkeys([*first.inner, *second.inner]):
        if key in first.inner and key in second.inner:
            yield from compare_layer(first.inner[key], second.inner[key], f"{name}/{key}")
        else:
            yield f"{name}/{key}: only in {'A' if key in first.inner else 'B'}"
    if first.model is not None and second.model is not None:
        yield from compare_layers(first.model.layers, second.model.layers, f"{name}/")


def matching_layers(a: list[Layer], b: list[Layer]) -> list[tuple[Layer | None, Layer | None]]:
    """Layers paired by name, then by class and shapes in order; ``None`` stands for a missing counterpart."""
    by_name = {layer.name: layer for layer in b}
    pairs = {layer.name: by_name[layer.name] for layer in a if layer.name in by_name and same_class(layer, by_name[layer.name])}
    taken = {id(layer) for layer in pairs.values()}
    rest = [layer for layer in b if id(layer) not in taken]
    for layer in a:
        shapes = [w.shape for w in layer.weights.values()]
        alike = (other for other in rest if same_class(layer, other) and shapes == [w.shape for w in other.weights.values()])
        if layer.name not in pairs and (twin := next(alike, None)) is not None:
            pairs[layer.name] = twin
            rest.remove(twin)
    for layer in a:  # the same name, though something else
        if layer.name not in pairs and by_name.get(layer.name) in rest:
            pairs[layer.name] = by_name[layer.name]
            rest.remove(by_name[layer.name])
    return [(layer, pairs.get(layer.name)) for layer in a] + [(None, layer) for layer in rest]


def same_class(a: Layer, b: Layer) -> bool:
    """Whether two layers have the same class, if both state it."""
    return a.class_name == b.class_name or not a.class_name or not b.class_name


def changed_settings(a: dict[str, Any], b: dict[str, Any]) -> Iterator[str]:
    """The settings stated by both files with different values."""
    for key in a:
        if key not in b or key in SILENT or any(word in key for word in TRAINING):
            continue
        first, second = (plain_setting("linear" if config[key] is None and "activation" in key else config[key]) for config in (a, b))
        if first != second:
            yield f"{key} {first} in A, {second} in B"


def plain_setting(value: Any) -> Any:
    """A setting in normal form: ``None`` for a linear activation, lists for tuples, seven digits."""
    if isinstance(value, dict):
        inner = value.get("config")
        if isinstance(inner, str):
            return plain_setting(inner)
        return {key: plain_setting(v) for key, v in value.items() if key not in SILENT}
    if isinstance(value, (list, tuple)):
        items = [plain_setting(item) for item in value]
        return items[0] if len(items) == 1 else items
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return value


def changed_connections(a: Model, b: Model, pairs: dict[str, str]) -> Iterator[str]:
    """The layers whose inputs come from other layers."""
    layers = {layer.name: layer for layer in b.layers}
    for layer in a.layers:
        twin = layers.get(pairs.get(layer.name, ""))
        if twin is None or layer.is_input:
            continue
        ways = [[(pairs.get(ref.layer), ref.call, ref.index) for ref in tensors_into(*layer.calls)]]
        ways.append([(ref.layer, ref.call, ref.index) for ref in tensors_into(*twin.calls)])
        if ways[0] != ways[1]:
            yield layer.name


def weight_pairs(a: dict[str, Weight], b: dict[str, Weight], prefix: str) -> Iterator[Pair]:
    """The weights of two layers by name."""
    return ((prefix + name, a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b]))


def compare_weights(name: str, a: Weight | None, b: Weight | None, tolerance: float, relative: float) -> WeightChange:
    """Compare two matrices of one name."""
    both = [w for w in (a, b) if w is not None]
    change = WeightChange(name, "same", [w.shape for w in both], [w.dtype for w in both])
    if a is None or b is None:
        return replace(change, status=f"only in {'B' if a is None else 'A'}")
    if a.shape != b.shape:
        return replace(change, status="shape")
    if not (a.is_numeric and b.is_numeric):
        return replace(change, status="same" if a.dtype == b.dtype else "differs")
    return measure_change(a, b, change, tolerance, relative)


@np.errstate(all="ignore")  # infinite numbers are compared too
def measure_change(a: Weight, b: Weight, change: WeightChange, tolerance: float, relative: float) -> WeightChange:
    """The change with the largest difference, the norms and the cosine; in chunks: memory use does not grow with the matrix."""
    start, beyond, largest, largest_at = 0, 0, 0.0, None
    products, squares_a, squares_b = 0.0, 0.0, 0.0
    for x, y in zip(map(as_float64, chunks(a)), map(as_float64, chunks(b)), strict=True):
        off = differences(x, y)
        beyond += int((off > tolerance + relative * np.where(np.isfinite(y), np.abs(y), 0.0)).sum())
        place = int(off.argmax()) if off.size else 0
        if off.size and off[place] > largest:
            largest, largest_at = float(off[place]), start + place
        x, y = np.nan_to_num(x), np.nan_to_num(y)
        products += float(np.vdot(x, y).real)
        squares_a, squares_b = squares_a + float(np.vdot(x, x).real), squares_b + float(np.vdot(y, y).real)
        start += x.size
    index = () if largest_at is None else np.unravel_index(largest_at, a.shape)
    return replace(
        change,
        status="differs" if beyond else "same",
        largest=largest,
        beyond=beyond,
        element="" if largest_at is None else f"[{', '.join(str(int(i)) for i in index)}]",
        norms=(float(np.sqrt(squares_a)), float(np.sqrt(squares_b))),
        cosine=products / float(np.sqrt(squares_a) * np.sqrt(squares_b)) if squares_a and squares_b else float(squares_a == squares_b),
    )


def as_float64(values: np.ndarray) -> np.ndarray:
    """Numbers as float64, or complex128."""
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
