"""``weightlens show``: the layers of a model, then its matrices."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from weightlens.engine.faults import every_fault
from weightlens.errors import BadInput
from weightlens.inputs.indices import parse_slice
from weightlens.limits import AT_ONCE
from weightlens.model import Model, Weight
from weightlens.specs.sizes import tuple_text
from weightlens.specs.words.number_words import counted
from weightlens.statistics import count_not_finite, statistics
from weightlens.terminal import Screen, clean
from weightlens.terminal.describe import (
    UNPLACED,
    Entry,
    activation_of,
    is_under,
    layer_entries,
    layers_called,
    options_of,
    output_shapes,
    sha256_of,
)
from weightlens.terminal.matrices import part_of, view_of_weight
from weightlens.terminal.matrix_lines import matrix_lines

LONGEST = 10_000  # letters of a name with --full
MOST_FAULTS = 8  # lines
MOST_LINES = 400  # of matrices that are printed where nobody chose any
TOO_LONG = (
    f"The matrices take more than {MOST_LINES} lines: --layer NAME shows those of one layer, --layer 'conv*' of several, --layer '*' all; "
    "--stats shows a line of statistics for each, --summary the table that Keras prints."
)
BARS = " ▁▂▃▄▅▆▇█"


class Selection(NamedTuple):
    """Which matrices to show, and how."""

    layers: tuple[str, ...] = ()
    grep: str = ""
    cut: str = ""
    full: bool = False
    precision: int = 4
    stats: bool = False
    optimizer: bool = False
    sha256: bool = False
    heat: bool = False

    @property
    def is_everything(self) -> bool:
        """Whether nothing was chosen: neither some of the matrices nor all of each."""
        return not (self.layers or self.grep or self.cut or self.full or self.optimizer or self.heat)


def select_layers(model: Model, wish: Selection) -> list[tuple[Entry, dict[str, Weight]]]:
    """The layers and matrices selected by ``--layer``, ``--grep`` and ``--slice``. Raises ``BadInput`` if there are none."""
    everything = [(entry, entry.weights) for entry in layer_entries(model)]
    if wish.layers:
        names = layers_called(model, wish.layers)
        everything = [(e, w) for e, w in everything if any(is_under(e.path, name) for name in names)]
    if wish.grep:
        try:
            wanted = re.compile(wish.grep, re.IGNORECASE)
        except re.error as error:
            raise BadInput(f"--grep {wish.grep!r} is not a regular expression: {error}") from None
        everything = [(e, {n: w for n, w in weights.items() if wanted.search(f"{e.path}/{n}")}) for e, weights in everything]
        everything = [(e, weights) for e, weights in everything if weights]
        if not everything and not any(wanted.search(w.path) for w in model.unplaced):
            raise BadInput(f"no matrix has a name that contains {wish.grep!r}")
    return select_sliceable(everything, wish.cut) if wish.cut else everything


def select_sliceable(everything: list[tuple[Entry, dict[str, Weight]]], cut: str) -> list[tuple[Entry, dict[str, Weight]]]:
    """The matrices that have such a slice; ``BadInput`` if none has."""
    refusals: list[BadInput] = []

    def fits(weight: Weight) -> bool:
        try:
            parse_slice(cut, weight.shape)
        except BadInput as refusal:
            refusals.append(refusal)
            return False
        return True

    left = [(entry, {name: weight for name, weight in weights.items() if fits(weight)}) for entry, weights in everything]
    if refusals and not any(weights for _, weights in left):
        raise refusals[0]
    return left


def other_arrays(model: Model, wish: Selection) -> Iterator[tuple[str, list[Weight]]]:
    """The arrays that belong to no layer, under their headings."""
    grep = re.compile(wish.grep, re.IGNORECASE) if wish.grep else None
    if model.unplaced and not wish.layers:
        yield UNPLACED, [w for w in model.unplaced if not grep or grep.search(w.path)]
    if wish.optimizer:
        yield "optimizer", [w for w in model.optimizer if not grep or grep.search(w.path)]


def selected_arrays(model: Model, wish: Selection) -> Iterator[tuple[str, Weight]]:
    """Every selected array, by ``layer/name`` or, if it belongs to no layer, by its path in the file."""
    for entry, weights in select_layers(model, wish):
        yield from ((f"{entry.path}/{name}", weight) for name, weight in weights.items())
    for _, arrays in other_arrays(model, wish):
        yield from ((weight.path, weight) for weight in arrays)


def show(model: Model, screen: Screen, wish: Selection, progress: Callable[[int], None] | None = None) -> None:
    """Print the model: what it is, its layers, then each matrix (or its statistics)."""
    picked = select_layers(model, wish)
    if not wish.layers and not wish.grep:
        screen.lines(heading_lines(model, screen, wish.sha256))
        screen.line()
        screen.lines(layer_table(model, screen))
    if wish.stats:
        screen.line()
        screen.lines(statistics_lines(model, screen, wish, progress))
        return
    lines = all_matrices(model, picked, screen, wish)
    if wish.is_everything:
        first = list(itertools.islice(lines, MOST_LINES + 1))
        lines = iter(first if len(first) <= MOST_LINES else ["", *screen.wrapped(TOO_LONG)])
    screen.lines(lines)


def all_matrices(model: Model, picked: list[tuple[Entry, dict[str, Weight]]], screen: Screen, wish: Selection) -> Iterator[str]:
    """The lines of the layers that were picked with their matrices, and of the arrays that belong to no layer."""
    for entry, weights in picked:
        if not weights and not wish.layers:
            continue
        yield ""
        yield from layer_heading(entry, screen, bool(wish.layers), amount_words(model, entry.layer.size))
        for name, weight in weights.items():
            yield from one_matrix(name, weight, screen, wish)
    for title, arrays in other_arrays(model, wish):
        yield ""
        yield f"{screen.bold(title)} {screen.dim(f'· {amount_words(model, sum(w.size for w in arrays))}')}"
        for weight in arrays:
            yield from one_matrix(weight.path, weight, screen, wish)


def heading_lines(model: Model, screen: Screen, always_hash: bool) -> Iterator[str]:
    """The file's facts in lines: its name, format and versions, and notes."""
    p = model.provenance
    name = re.split(r"[/\\]", p.path)[-1] if p.path else model.name
    version = ", ".join(clean(text) for text in (p.keras_version and f"Keras {p.keras_version}", p.backend, p.date) if text)
    title = clean(name, screen.width)
    first, *more = screen.wrapped(" · ".join(part for part in (title, clean(p.format), version) if part))
    yield from [first.replace(title, screen.bold(title), 1), *more]
    parts = [
        counted(len(model.layers), "group" if model.arrays_only else "layer"),
        amount_words(model, model.size),
    ]
    kind = "arrays, not weights" if model.arrays_only else "weights without an architecture"
    kind = f"{clean(model.class_name)} {clean(model.name)}" if model.class_name else kind
    yield from screen.wrapped(" · ".join([kind, *parts, *training_line(model)]))
    if p.path and (digest := sha256_of(p.path, always_hash)):
        yield screen.dim(f"sha256 {digest}")
    if model.optimizer:
        arrays = counted(len(model.optimizer), "array")
        yield screen.dim(f"counted without {arrays} of the optimizer, which --optimizer shows")
    for note in model.notes:
        yield from map(screen.dim, screen.wrapped(f"Note: {clean(note, 400)}"))
    faults = list(every_fault(model))
    for fault in faults[:MOST_FAULTS]:
        yield from screen.wrapped(f"Cannot be computed: {clean(fault, 400)}")
    if len(faults) > MOST_FAULTS:
        yield f"... and {len(faults) - MOST_FAULTS} more reasons of this kind"


def training_line(model: Model) -> list[str]:
    """The loss and the optimizer, if the file has them."""
    config = model.training_config
    loss, optimizer = config.get("loss"), config.get("optimizer_config", config.get("optimizer"))
    if isinstance(loss, dict):
        loss = loss.get("class_name") or loss.get("name")
    if isinstance(optimizer, dict):
        optimizer = optimizer.get("class_name")
    return [f"{title} {clean(value, 40)}" for title, value in (("loss", loss), ("optimizer", optimizer)) if isinstance(value, str)]


def amount_words(model: Model, number: int) -> str:
    """``1,234 parameters``; of a file of arrays, elements."""
    return counted(number, "element" if model.arrays_only else "parameter")


def layer_table(model: Model, screen: Screen) -> Iterator[str]:
    """A table with one line per layer, and the notes on layers."""
    shapes = output_shapes(model)
    entries = list(layer_entries(model))
    title = "output" if shapes else "weights"
    heads = ("group", "arrays", "elements") if model.arrays_only else ("layer", title, "parameters")
    rows = [[heads[0], "class", "activation", *heads[1:]]]
    for entry in entries:
        layer = entry.layer
        stored = ", ".join(f"{name} {tuple_text(weight.shape)}" for name, weight in entry.weights.items())
        third = shapes.get(entry.path, "") if shapes else stored
        texts = ("  " * entry.depth + layer.name, layer.class_name, activation_of(layer), third)
        rows.append([*(clean(text, 60) for text in texts), f"{layer.size:,}"])
    yield from screen.table(rows, [4])
    for entry in entries:
        if entry.layer.note:
            yield from map(screen.dim, screen.wrapped(f"{clean(entry.path)}: {clean(entry.layer.note, 300)}", "  "))


def layer_heading(entry: Entry, screen: Screen, options: bool, size: str) -> Iterator[str]:
    """A layer's name, class, activation and size in lines; its configuration if it was selected by name."""
    layer = entry.layer
    facts = [clean(layer.class_name), clean(activation_of(layer)), size, "" if layer.trainable else "frozen"]
    yield f"{screen.bold(clean(entry.path))} {screen.dim('· ' + ' · '.join(fact for fact in facts if fact))}"
    if options and (text := options_of(layer)):
        yield from map(screen.dim, screen.wrapped(clean(text, 600), "  "))
    if layer.note:
        yield from map(screen.dim, screen.wrapped(clean(layer.note, 300), "  "))


def one_matrix(name: str, weight: Weight, screen: Screen, wish: Selection) -> Iterator[str]:
    """The lines of one matrix under its name, shape, dtype and path in the file."""
    cut = f"[{wish.cut}]" if wish.cut else ""
    title, facts = f"  {clean(name, LONGEST if wish.full else 60)}{cut} ", shape_and_type(weight)
    room = LONGEST if wish.full else max(24, screen.width - len(title) - len(facts) - 3)
    where = f" · {clean(weight.path, room)}" if weight.path and weight.path != name else ""
    yield title + screen.dim(facts + where)
    if weight.note:
        yield from map(screen.dim, screen.wrapped(clean(weight.note, 200), "    "))
    if not weight.is_numeric:
        return
    if weight.size <= AT_ONCE:
        count_not_finite(weight, weight.value)
        if weight.not_finite:
            yield f"    {screen.bad(f'{weight.not_finite:,} of its {weight.size:,} numbers are NaN or infinite')}"
    if wish.heat:
        from weightlens.terminal.heat import heat_lines

        yield from heat_lines(part_of(weight, wish.cut or None), screen, wish.full)
        return
    shown = view_of_weight(weight, wish.cut or None, wish.full)
    yield from matrix_lines(shown, screen, wish.precision, wrap=screen.terminal or not wish.full)


def shape_and_type(weight: Weight) -> str:
    """A matrix's shape and dtype: ``(784, 128) float32``."""
    return f"{tuple_text(weight.shape)} {weight.dtype}"


def statistics_lines(model: Model, screen: Screen, wish: Selection, progress: Callable[[int], None] | None) -> Iterator[str]:
    """The lines of a table of statistics, with a histogram for each matrix."""
    for name, weight in selected_arrays(model, wish):
        yield f"{screen.bold(clean(name, screen.width - 24))} {screen.dim(shape_and_type(weight))}"
        if not weight.is_numeric:
            continue
        s = statistics(weight, progress)
        facts = [("min", s.smallest), ("max", s.largest), ("mean", s.mean), ("std", s.deviation)]
        warning = "".join(f"  {screen.bad(f'{n:,} {title}')}" for title, n in (("NaN", s.nan), ("infinite", s.infinite)) if n)
        yield "  " + "  ".join(f"{title} {value:.{wish.precision}g}" for title, value in facts) + f"  zeros {s.zeros:,}{warning}"
        if s.histogram:
            yield f"  {screen.dim(f'{s.smallest:.3g}')} {histogram_bars(s.histogram)} {screen.dim(f'{s.largest:.3g}')}"


def histogram_bars(histogram: list[int]) -> str:
    """A histogram as bars of eight heights; a bin that is not empty always has a bar."""
    tallest = max(histogram) or 1
    return "".join(BARS[-(-number * 8 // tallest)] for number in histogram)
