"""``weightlens show``: the layers of a model, then its matrices."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from weightlens.errors import BadInput
from weightlens.faults import every_fault
from weightlens.model import AT_ONCE, Layer, Model, Weight
from weightlens.terminal import Screen, clean, columns
from weightlens.terminal.describe import Entry, activation_of, entries, options_of, output_shapes, sha256_of, weight_text
from weightlens.terminal.matrices import axis_labels, matrix_lines, parse_slice, view

LONGEST = 10_000  # letters of a name with --full
MOST_FAULTS = 8  # lines
BARS = " ▁▂▃▄▅▆▇█"


@dataclass
class Wish:
    """Which matrices to show, and how."""

    layers: tuple[str, ...] = ()
    grep: str = ""
    cut: str = ""
    full: bool = False
    precision: int = 4
    stats: bool = False
    optimizer: bool = False
    sha256: bool = False


def chosen(model: Model, wish: Wish) -> list[tuple[Entry, dict[str, Weight]]]:
    """The layers and matrices that ``--layer``, ``--grep`` and ``--slice`` leave. Raises ``BadInput`` where nothing is left."""
    everything = [(entry, entry.weights) for entry in entries(model)]
    for name in wish.layers:
        if not any(entry.path == name or entry.path.startswith(name + "/") for entry, _ in everything):
            model.layer_named(name)
    if wish.layers:
        everything = [(e, w) for e, w in everything if any(e.path == name or e.path.startswith(name + "/") for name in wish.layers)]
    if wish.grep:
        try:
            wanted = re.compile(wish.grep, re.IGNORECASE)
        except re.error as error:
            raise BadInput(f"--grep {wish.grep!r} is not a regular expression: {error}") from None
        everything = [(e, {n: w for n, w in weights.items() if wanted.search(f"{e.path}/{n}")}) for e, weights in everything]
        everything = [(e, weights) for e, weights in everything if weights]
        if not everything and not any(wanted.search(w.path) for w in model.unplaced):
            raise BadInput(f"no matrix has a name that contains {wish.grep!r}")
    return sliceable(everything, wish.cut) if wish.cut else everything


def sliceable(everything: list[tuple[Entry, dict[str, Weight]]], cut: str) -> list[tuple[Entry, dict[str, Weight]]]:
    """Only the matrices that have such a slice; ``BadInput`` where none has."""
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


def others(model: Model, wish: Wish) -> Iterator[tuple[str, list[Weight]]]:
    """The arrays that belong to no layer, under their headings."""
    grep = re.compile(wish.grep, re.IGNORECASE) if wish.grep else None
    if model.unplaced and not wish.layers:
        yield "not placed in any layer", [w for w in model.unplaced if not grep or grep.search(w.path)]
    if wish.optimizer:
        yield "optimizer", [w for w in model.optimizer if not grep or grep.search(w.path)]


def show(model: Model, screen: Screen, wish: Wish, progress: Callable[[int], None] | None = None) -> None:
    """Print the model: what it is, its layers, then each matrix (or its statistics)."""
    picked = chosen(model, wish)
    if not wish.layers and not wish.grep:
        screen.lines(heading(model, screen, wish.sha256))
        screen.line()
        screen.lines(layer_table(model, screen))
    if wish.stats:
        screen.line()
        screen.lines(statistics_lines(model, picked, screen, wish, progress))
        return
    for entry, weights in picked:
        if not weights and not wish.layers:
            continue
        screen.line()
        screen.lines(layer_heading(entry, screen, bool(wish.layers), amount(model, entry.layer.size)))
        for name, weight in weights.items():
            matrix(entry.layer, name, weight, screen, wish)
    for title, arrays in others(model, wish):
        screen.line()
        screen.line(f"{screen.bold(title)} {screen.dim(f'· {amount(model, sum(w.size for w in arrays))}')}")
        for weight in arrays:
            matrix(None, weight.path, weight, screen, wish)


def heading(model: Model, screen: Screen, always_hash: bool) -> Iterator[str]:
    """Which file it is, what it says of itself, and what is worth knowing about it."""
    p = model.provenance
    name = re.split(r"[/\\]", p.path)[-1] if p.path else model.name
    version = ", ".join(clean(text) for text in (p.keras_version and f"Keras {p.keras_version}", p.backend, p.date) if text)
    title = clean(name, screen.width)
    first, *more = screen.wrapped(" · ".join(part for part in (title, clean(p.format), version) if part))
    yield from [first.replace(title, screen.bold(title), 1), *more]
    parts = [f"{len(model.layers)} {'group' if model.arrays_only else 'layer'}{'s' * (len(model.layers) != 1)}", amount(model, model.size)]
    kind = "arrays, not weights" if model.arrays_only else "weights without an architecture"
    kind = f"{clean(model.class_name)} {clean(model.name)}" if model.class_name else kind
    yield from screen.wrapped(" · ".join([kind, *parts, *training(model)]))
    digest = p.sha256 or (sha256_of(p.path, always_hash) if p.path else "")
    if digest:
        yield screen.dim(f"sha256 {digest}")
    if model.optimizer:
        yield screen.dim(f"{len(model.optimizer)} arrays of the optimizer are not counted; --optimizer shows them")
    for note in model.notes:
        yield from map(screen.dim, screen.wrapped(f"Note: {clean(note, 400)}"))
    faults = list(every_fault(model))
    for fault in faults[:MOST_FAULTS]:
        yield from screen.wrapped(f"Cannot be computed: {clean(fault, 400)}")
    if len(faults) > MOST_FAULTS:
        yield f"... and {len(faults) - MOST_FAULTS} more reasons of this kind"


def training(model: Model) -> list[str]:
    """Loss and optimizer, where the file has them."""
    config = model.training_config
    loss, optimizer = config.get("loss"), config.get("optimizer_config", config.get("optimizer"))
    if isinstance(loss, dict):
        loss = loss.get("class_name") or loss.get("name")
    if isinstance(optimizer, dict):
        optimizer = optimizer.get("class_name")
    return [f"{title} {clean(value, 40)}" for title, value in (("loss", loss), ("optimizer", optimizer)) if isinstance(value, str)]


def count(number: int, what: str = "parameter") -> str:
    """``1,234 parameters``."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def amount(model: Model, number: int) -> str:
    """How many numbers of a model: parameters, unless it is no model but arrays."""
    return count(number, "element" if model.arrays_only else "parameter")


def layer_table(model: Model, screen: Screen) -> list[str]:
    """One line per layer."""
    shapes = output_shapes(model)
    found = list(entries(model))
    title = "output" if shapes else "weights"
    heads = ("group", "arrays", "elements") if model.arrays_only else ("layer", title, "parameters")
    rows = [[heads[0], "class", "activation", *heads[1:]]]
    for entry in found:
        layer = entry.layer
        third = shapes.get(entry.path, "") if shapes else weight_text(entry.weights)
        texts = ("  " * entry.depth + layer.name, layer.class_name, activation_of(layer), third)
        rows.append([*(clean(text, 60) for text in texts), f"{layer.size:,}"])
    keep = [i for i in range(5) if i in (0, 4) or any(row[i] for row in rows[1:])]
    lines = columns([[row[i] for i in keep] for row in rows], [len(keep) - 1], screen.width)
    notes = [screen.wrapped(f"{clean(e.path)}: {clean(e.layer.note, 300)}", "  ") for e in found if e.layer.note]
    return [screen.dim(lines[0]), *lines[1:], *(screen.dim(line) for note in notes for line in note)]


def layer_heading(entry: Entry, screen: Screen, options: bool, size: str) -> Iterator[str]:
    """A layer's name, class, activation and size; its configuration where the layer was asked for."""
    layer = entry.layer
    facts = [clean(layer.class_name), clean(activation_of(layer)), size, "" if layer.trainable else "frozen"]
    yield f"{screen.bold(clean(entry.path))} {screen.dim('· ' + ' · '.join(fact for fact in facts if fact))}"
    if options and (text := options_of(layer)):
        yield from map(screen.dim, screen.wrapped(clean(text, 600), "  "))
    if layer.note:
        yield from map(screen.dim, screen.wrapped(clean(layer.note, 300), "  "))


def matrix(layer: Layer | None, name: str, weight: Weight, screen: Screen, wish: Wish) -> None:
    """One matrix under its name, shape, type, and path in the file."""
    cut = f"[{wish.cut}]" if wish.cut else ""
    title, facts = f"  {clean(name, LONGEST if wish.full else 60)}{cut} ", facts_of(weight)
    room = LONGEST if wish.full else max(24, screen.width - len(title) - len(facts) - 3)
    where = f" · {clean(weight.path, room)}" if weight.path and weight.path != name else ""
    screen.line(title + screen.dim(facts + where))
    if weight.note:
        screen.lines(map(screen.dim, screen.wrapped(clean(weight.note, 200), "    ")))
    if weight.dtype.startswith("not numbers"):
        return
    if weight.size <= AT_ONCE:
        weight.count_not_finite(weight.value)
        if weight.not_finite:
            screen.line(f"    {screen.bad(f'{weight.not_finite:,} of its {weight.size:,} numbers are NaN or infinite')}")
    own = inner_layer(layer, name)
    label = axis_labels(own.class_name if own is not None else "", name, weight.shape, own.config if own is not None else {})
    shown = view(weight, wish.cut or None, wish.full)
    screen.lines(matrix_lines(shown, screen, label, wish.precision, wrap=screen.terminal or not wish.full))


def facts_of(weight: Weight) -> str:
    """``(784, 128) float32``."""
    return f"({', '.join(map(str, weight.shape))}) {weight.dtype}"


def inner_layer(layer: Layer | None, name: str) -> Layer | None:
    """The layer that a weight belongs to, the wrapped one for a wrapper."""
    while layer is not None and (inner := next((found for key, found in layer.inner.items() if name.startswith(key + "/")), None)):
        layer, name = inner, name.split("/", 1)[-1]
    return layer


def statistics_lines(
    model: Model, picked: list[tuple[Entry, dict[str, Weight]]], screen: Screen, wish: Wish, progress: Callable[[int], None] | None
) -> Iterator[str]:
    """A table of statistics with a histogram in bars for each matrix."""
    from weightlens.statistics import statistics

    arrays = [(f"{entry.path}/{name}", weight) for entry, weights in picked for name, weight in weights.items()]
    arrays += [(weight.path, weight) for _, found in others(model, wish) for weight in found]
    for name, weight in arrays:
        yield f"{screen.bold(clean(name, screen.width - 24))} {screen.dim(facts_of(weight))}"
        if weight.dtype.startswith("not numbers"):
            continue
        s = statistics(weight, progress)
        facts = [("min", s.smallest), ("max", s.largest), ("mean", s.mean), ("std", s.deviation)]
        warning = "".join(f"  {screen.bad(f'{n:,} {title}')}" for title, n in (("NaN", s.nan), ("infinite", s.infinite)) if n)
        yield "  " + "  ".join(f"{title} {value:.{wish.precision}g}" for title, value in facts) + f"  zeros {s.zeros:,}{warning}"
        if s.histogram:
            yield f"  {screen.dim(f'{s.smallest:.3g}')} {bars(s.histogram)} {screen.dim(f'{s.largest:.3g}')}"


def bars(histogram: list[int]) -> str:
    """The bins as bars of eight heights; what is not empty is never invisible."""
    tallest = max(histogram) or 1
    return "".join(BARS[-(-number * 8 // tallest)] for number in histogram)
