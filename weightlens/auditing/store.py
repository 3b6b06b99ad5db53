"""Rules about a store of models: the same file twice, the same weights in another file, families of one architecture."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from weightlens.auditing.finding import LISTED, Hit, Rule
from weightlens.auditing.kept import Kept
from weightlens.auditing.numbers.weight_facts import WeightFacts
from weightlens.call_order import refs
from weightlens.difference import SILENT, TRAINING, plain_setting
from weightlens.model import Layer, Model
from weightlens.specs.weights import UNUSED
from weightlens.specs.words.number_words import counted

RULES = (
    Rule(
        "same-file",
        "note",
        "the file is byte for byte another one of the store",
        "equal SHA-256",
        "FIPS 180-4",
    ),
    Rule(
        "same-weights",
        "note",
        "another file has the same weights, in whatever order or dialect",
        "equal sets of hashes of the weights in Keras 3's shape and order",
        "BLAKE2: RFC 7693",
    ),
    Rule(
        "same-architecture",
        "note",
        "the next of a family: same layers, settings and connections, other weights",
        "equal hash of the architecture without names; ordered by date; distance |a - b| / |a| by a few numbers of each weight",
        "weightlens diff",
    ),
)
FEWEST = 4  # numbers in all weights together, below which two models are the same by chance


Fingerprint = tuple[dict[str, str], dict[str, list[float]]]  # of each weight, by its name: a hash, and a few numbers


@dataclass(slots=True)
class Identity:
    """What a store needs to know of a file after it is closed."""

    sha256: str = ""
    size: int = 0
    date: str = ""  # as the file says, else when it was changed last
    keras: str = ""
    format: str = ""
    parameters: int = 0
    architecture: str = ""  # hash; empty where there is none
    weights: str = ""  # hash; empty where there are none to speak of
    digests: dict[str, str] = field(default_factory=dict)  # a hash of each weight, by its name
    prints: dict[str, list[float]] = field(default_factory=dict)  # a few numbers of each


def described(identity: Identity, model: Model, layers: Iterable[tuple[str, Layer, Mapping[str, WeightFacts]]]) -> Identity:
    """The identity with what the model and the facts of its weights say."""
    source, comparable = model.provenance, bool(model.class_name and model.layers and model.inputs)
    facts = [(f"{name}/{key}", one) for name, _, found in layers for key, one in found.items() if key.rpartition("/")[2] not in UNUSED]
    enough = sum(one.size for _, one in facts if not one.is_constant) >= FEWEST
    return replace(
        identity,
        keras=source.keras_version,
        format=source.format,
        date=source.date or identity.date,
        parameters=model.size,
        architecture=short_hash(repr(architecture(model))) if comparable else "",
        weights=short_hash("".join(sorted(one.digest for _, one in facts))) if enough else "",
        digests={name: one.digest for name, one in facts},
        prints={name: one.fingerprint for name, one in facts},
    )


def short_hash(text: str) -> str:
    """The BLAKE2 hash of a text, 16 bytes long."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def architecture(model: Model) -> list[Any]:
    """Layers, settings, shapes and connections, without the names of the layers."""
    number = {layer.name: i for i, layer in enumerate(model.layers)}
    found = []
    for layer in model.layers:
        calls = [[(number.get(ref.layer), ref.call, ref.index) for ref in refs((call.args, call.kwargs))] for call in layer.calls]
        found.append((*description(layer), calls))
    return found


def description(layer: Layer) -> tuple[Any, ...]:
    """One layer without its name: class, settings that change a number, shapes of weights, and what is in it."""
    settings = sorted(
        (key, str(plain_setting(value)))
        for key, value in layer.config.items()
        if key not in SILENT and key != "batch_shape" and not any(word in key for word in TRAINING)
    )
    inside = [description(inner) for inner in layer.inner.values()]
    shapes = sorted(w.shape for w in layer.own_weights.values())
    return layer.class_name, settings, shapes, inside, architecture(layer.model) if layer.model else None


def store_hits(files: Mapping[str, Identity], fingerprints: Kept[Fingerprint]) -> Iterator[tuple[str, Hit]]:
    """What the rules of this group find in all files together, file by file; ``fingerprints`` are in the order of the files."""
    numbers = {name: number for number, name in enumerate(files)}
    ordered = sorted(files, key=lambda name: (files[name].date, name))
    seen: set[str] = set()
    for group in groups(ordered, lambda name: files[name].sha256):
        for name in group[1:]:
            seen.add(name)
            evidence = same_as(group) | {"sha256": files[name].sha256}
            yield name, Hit("same-file", f"the same bytes as {group[0]}", evidence=evidence)
    rest = [name for name in ordered if name not in seen]
    for group in groups(rest, lambda name: files[name].weights):
        for name in group[1:]:
            seen.add(name)
            yield name, Hit("same-weights", f"the same weights as {group[0]}", evidence=same_as(group))
    rest = [name for name in ordered if name not in seen]
    for group in groups(rest, lambda name: files[name].architecture):
        for before, name in itertools.pairwise(group):
            yield name, step_hit(before, fingerprints[numbers[before]], fingerprints[numbers[name]], len(group))


def same_as(group: list[str]) -> dict[str, Any]:
    """What is told of a group of equal files: the first one, the first few, and how many there are."""
    return {"same_as": group[0], "files": group[:LISTED], "count": len(group)}


def groups(names: list[str], key: Any) -> Iterator[list[str]]:
    """The names that share a key, where at least two do."""
    found = defaultdict(list)
    for name in names:
        if key(name):
            found[key(name)].append(name)
    return (group for group in found.values() if len(group) > 1)


def step_hit(before: str, old: Fingerprint, new: Fingerprint, family: int) -> Hit:
    """What changed from one member of a family to the next."""
    pairs = list(zip(old[1].items(), new[1].values(), strict=False))
    digests = zip(old[0].items(), new[0].values(), strict=False)
    changed = {name for (name, first), second in digests if first != second}
    changes = {name: distance(first, second) for (name, first), second in pairs if name in changed}
    total = distance([n for (_, first), _ in pairs for n in first], [n for _, second in pairs for n in second])
    most = sorted(changes, key=lambda name: -changes[name])[:3]
    by = f", by {total:.2g} in all" if total else ""  # none of the few numbers is another
    words = f"of one architecture with {before}: {len(changes)} of {counted(len(old[1]), 'weight')} changed{by}"
    evidence = {"before": before, "distance": total, "changed": {name: changes[name] for name in most}, "family": family}
    return Hit("same-architecture", words, evidence=evidence)


def distance(a: list[float], b: list[float]) -> float:
    """``|a - b| / |a|``, by the numbers that were kept."""
    first, second = np.array(a), np.array(b)
    if first.shape != second.shape:
        return math.inf
    size = float(np.linalg.norm(first))
    return float(np.linalg.norm(first - second)) / size if size else float(np.linalg.norm(second) > 0)
