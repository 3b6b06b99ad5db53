"""A planted store: networks with one defect each, and clean ones; and how well an audit of it does.

``python -m tests.auditing.store 2000`` writes one into a temporary folder and prints precision and recall of every rule.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.auditing.networks import KINDS, Rng, without_accidents
from tests.auditing.plants import PLANTS, Planted, save
from weightlens.auditing import audit

STORE = {"same-file", "same-weights", "same-architecture"}  # clean networks of the same kind may be a family


@dataclass
class Score:
    """By rule: found where it was planted, missed, and said where nothing of the kind was planted."""

    found: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    mistakes: list[str] = field(default_factory=list)

    def precision(self, rule: str) -> float:
        return self.found[rule] / ((self.found[rule] + self.false[rule]) or 1)

    def recall(self, rule: str) -> float:
        return self.found[rule] / ((self.found[rule] + self.missed[rule]) or 1)


def planted_store(folder: Path, count: int, seed: int = 0, clean: float = 0.3) -> tuple[list[Planted], list[Path]]:
    """So many files: those with a defect, and the clean ones."""
    rng, planted, sound = np.random.default_rng(seed), list[Planted](), list[Path]()
    makers = [make for makes in PLANTS.values() for make in makes]
    number = 0
    while len(planted) + len(sound) < count:
        number += 1
        net, here = without_accidents(KINDS[number % len(KINDS)](rng)), folder / f"{number:05d}"
        here.mkdir(parents=True)
        if rng.random() < clean:
            sound.append(save(net, here, rng))
        elif (made := makers[int(rng.integers(len(makers)))](net, here, rng)) is not None:
            planted.append(made)
    return planted, sound


def score(folder: Path, planted: list[Planted], sound: list[Path], workers: int = 1) -> Score:
    """The findings of an audit against what was planted."""
    findings = [one for one in audit(folder, workers=workers) if one.rule not in STORE]
    by_file: dict[str, list[tuple[str, str, str]]] = {}
    for one in findings:
        by_file.setdefault(one.file, []).append((one.rule, one.layer, one.message))
    result = Score()
    for defect in planted:
        said = by_file.pop(str(defect.path), [])
        hit = any(
            (rule == defect.rule and defect.layer in (layer, layer.rpartition("/")[2])) or (rule == defect.rule and not defect.layer)
            for rule, layer, _ in said
        )
        (result.found if hit else result.missed)[defect.rule] += 1
        if not hit:
            result.mistakes.append(f"missed {defect.rule} [{defect.layer}] of {defect.path}: {said}")
        for rule in {rule for rule, _, _ in said} - {defect.rule} - defect.also:
            result.false[rule] += 1
            result.mistakes.append(f"false {rule} at {defect.rule} of {defect.path}: {[one for one in said if one[0] == rule][:2]}")
    for file, said in by_file.items():
        for rule in {rule for rule, _, _ in said}:
            result.false[rule] += 1
            result.mistakes.append(f"false {rule} of the clean {file}: {[one for one in said if one[0] == rule][:2]}")
    return result


def rng_of(seed: int) -> Rng:
    return np.random.default_rng(seed)


def main(count: int, seed: int, workers: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        planted, sound = planted_store(Path(name), count, seed)
        start = time.perf_counter()
        result = score(Path(name), planted, sound, workers)
        seconds = time.perf_counter() - start
    print(f"{len(planted)} planted, {len(sound)} clean: {count / seconds:.1f} files/s on {workers} processes")
    for rule in PLANTS:
        print(f"{rule:32} {result.found[rule]:5} found {result.missed[rule]:4} missed {result.false[rule]:4} false", end="  ")
        print(f"precision {result.precision(rule):.3f} recall {result.recall(rule):.3f}")
    print({rule: n for rule, n in result.false.items() if rule not in PLANTS})
    print("\n".join(line[:300] for line in result.mistakes[:60]))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0, int(sys.argv[3]) if len(sys.argv) > 3 else 1)
