"""The whole-number twin of a network: the same architecture with small whole numbers, or halves, that leave the classes unchanged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.engine.binding import bind
from weightlens.errors import BadInput
from weightlens.formats import files_of, load
from weightlens.formats.write_back import check_new_model, stored_values, write_back
from weightlens.model import Layer, Model, Weight
from weightlens.specs.words.number_words import counted
from weightlens.twin.search import ROUNDS, SWEEPS, Score, Search, answers_of, is_searched

if TYPE_CHECKING:
    from weightlens.api import FilePath, Inputs, ModelLike

LARGEST = 99  # the largest number that may be asked for: of two digits
FEW = 300  # numbers: of so small a network the smallest bound that keeps all classes is looked for
MANY = 100_000  # numbers: a larger network is rounded, and not mended number by number, which would take days
IN_PLACE = (".h5", ".hdf5", ".hdf", ".keras")  # files of which a copy is changed where the twin has the same kind


@dataclass(frozen=True, eq=False)
class Twin:
    """A network of small whole numbers, or halves, in memory, and how well it answers.

    ``kept`` of ``samples`` have the class that the network itself gives them; ``changed`` are the numbers of the others, from 0.
    ``largest`` is the size of its largest number, ``path`` the file that it was written to, if it was.
    """

    model: Model
    kept: int
    samples: int
    changed: tuple[int, ...]
    largest: float
    path: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether every sample keeps its class."""
        return self.kept == self.samples

    def __repr__(self) -> str:
        kept = f"{self.kept:,} of {counted(self.samples, 'sample')} keep their class"
        return f"<Twin of {self.model.name}: numbers up to {self.largest:g}, {kept}>"


def simplify(
    model: ModelLike,
    inputs: Inputs,
    path: FilePath | None = None,
    *,
    limit: int = 9,
    halves: bool = False,
    force: bool = False,
    advance: Callable[[int], None] = lambda done: None,
) -> Twin:
    """The twin whose numbers are whole, or halves, of at most ``limit``, and which leaves the class of as many samples as it can unchanged.

    Written to ``path``, if one is given: as a copy of the model's file with other numbers, or, where the name asks for another kind of
    file, as ``convert`` writes it. A class is the largest output of a softmax, or for each sigmoid a yes above 0.5. ``advance`` is
    called as the search goes on. Raises ``BadInput`` where there are no classes or the file cannot be written; nothing is written then.

    >>> simplify("sample_models/or.h5", [[0, 0], [0, 1], [1, 0], [1, 1]])
    <Twin of or: numbers up to 1, 4 of 4 samples keep their class>
    """
    if not (isinstance(limit, int | np.integer) and 1 <= limit <= LARGEST):
        raise BadInput(f"the largest number of a twin (--max) is from 1 to {LARGEST}, not {limit!r}")
    loaded = load(model)
    if path is not None:
        check_twin_file(loaded, Path(path), force)
    arrays = bind(loaded, inputs)
    search = Search(answers_of(loaded, arrays), 0.5 if halves else 1.0, advance)
    refuse_numbers(search)
    best = best_numbers(search, limit)
    changed = {id(place.weight): place.value for place in search.places}
    twin = Twin(
        with_numbers(loaded, changed),
        best.kept,
        len(arrays[0]),
        tuple(best.wrong.tolist()),
        max(float(np.abs(value).max()) for value in changed.values()),
        None if path is None else Path(path),
    )
    if path is not None:
        write_twin(loaded, twin.model, Path(path), force)
    return twin


def refuse_numbers(search: Search) -> None:
    """Refuse a network without numbers to be rounded, or with some that cannot be."""
    if not search.places:
        raise BadInput(f"{search.answers.model.name} has no weights that could be whole numbers")
    odd = next((place.weight for place in search.places if not np.isfinite(place.weight.value).all()), None)
    if odd is not None:
        raise BadInput(f"{odd.path} holds NaN or infinite numbers, which have no whole numbers near them")


def best_numbers(search: Search, limit: int) -> Score:
    """Search within the limit; in a small network within 1, 2, 3... until all classes are kept. A large one is only rounded.

    Where no limit keeps all classes, the places get the numbers that keep most.
    """
    numbers = sum(place.weight.size for place in search.places)
    found: list[tuple[Score, list[np.ndarray]]] = []
    for bound in range(1 if numbers <= FEW else limit, limit + 1):
        score = search.round(bound)
        if numbers <= MANY:
            score = search.mend(bound, score)
        found.append((score, [place.value for place in search.places]))
        if not score.wrong.size:
            break
    best, values = max(found, key=lambda pair: pair[0])
    for place, value in zip(search.places, values, strict=True):
        place.put(value)
    return best


def effort(model: Model) -> int:
    """How often ``advance`` is called at most, in a network that is not small."""
    sizes = [weight.size for weight in model.weights.values() if is_searched(weight)]
    return len(sizes) * ROUNDS + (sum(sizes) * SWEEPS if sum(sizes) <= MANY else 0)


def with_numbers(model: Model, changed: dict[int, np.ndarray]) -> Model:
    """The model with other numbers, by ``id`` of the weight."""

    def weight_with(weight: Weight) -> Weight:
        value = changed[id(weight)].astype(weight.value.dtype)
        return replace(weight, read=lambda: value, read_part=lambda part: value[part], note="", not_finite=0, _value=value)

    def layer_with(layer: Layer) -> Layer:
        own = {name: weight_with(weight) if id(weight) in changed else weight for name, weight in layer.own_weights.items()}
        inner = {name: layer_with(part) for name, part in layer.inner.items()}
        return replace(layer, own_weights=own, inner=inner, model=None if layer.model is None else with_numbers(layer.model, changed))

    return replace(model, layers=[layer_with(layer) for layer in model.layers])


def is_same_kind(model: Model, out: Path) -> bool:
    """Whether the new file is a copy of the model's file in which only numbers differ."""
    source = Path(model.provenance.path)
    return source.is_file() and source.suffix.lower() in IN_PLACE and source.suffix.lower() == out.suffix.lower()


def check_twin_file(model: Model, out: Path, force: bool) -> None:
    """Refuse a file that cannot be written, before the search."""
    if not is_same_kind(model, out):
        from weightlens import writers

        writers.check_target(out, force, files_of(model))
        return
    check_new_model(Path(model.provenance.path), out, force, files_of(model))
    stored_values({name: (weight, weight.value) for name, weight in model.weights.items() if is_searched(weight)})


def write_twin(model: Model, twin: Model, out: Path, force: bool) -> None:
    """Write the twin as the same kind of file as the model, or as another."""
    if not is_same_kind(model, out):
        from weightlens import writers

        writers.convert(twin, out, force)
        return
    values: dict[str, tuple[Weight, Any]] = {name: (weight, twin.weights[name].value) for name, weight in model.weights.items()}
    write_back(Path(model.provenance.path), out, {name: pair for name, pair in values.items() if is_searched(pair[0])}, force)
