"""How much of the arithmetic gets cells of its own: every step, one block per layer, or only the matrices."""

from __future__ import annotations

from collections import Counter

from weightlens.recording import Trace

MOST_STEPS = 3_000_000  # cells; with more, ``auto`` fuses the steps of each layer


def chosen_detail(detail: str, recorded: Trace) -> str:
    """The level that ``auto`` stands for: all steps, unless there are very many."""
    if detail != "auto":
        return detail
    return "steps" if sum(step.made.size for step in recorded.steps) <= MOST_STEPS else "layers"


def fuse(trace: Trace) -> tuple[Trace, dict[int, int]]:
    """The trace without the names of all steps but each layer's outputs: what has no name is written inside the formula that uses it.

    Also, for each step that is left (by the id of its value in the given trace), how many of its name in its layer came before it.
    """
    recorded = trace.copy()
    kept = {id(x) for outputs in recorded.layer_outputs.values() for x in outputs if x is not None} | {id(x) for x in recorded.results}
    seen: Counter[tuple[str, str, tuple[int, ...]]] = Counter()
    occurrences = {}
    for step in recorded.steps:
        key = (step.layer, step.name, step.made.shape)
        if id(step.made) in kept or step.made.op is None:
            occurrences[id(recorded.originals[id(step.made)])] = seen[key]
        else:
            step.made.kind = ""
        seen[key] += 1
    recorded.steps = [step for step in recorded.steps if step.made.kind]
    return recorded, occurrences
