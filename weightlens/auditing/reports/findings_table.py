"""Findings at the terminal: file by file, with totals at the end."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from weightlens.auditing import Audit
from weightlens.auditing.finding import LEVELS
from weightlens.specs.words.number_words import counted
from weightlens.terminal import Screen, clean

MOST = 200  # letters of a message


def print_findings(audit: Audit, screen: Screen) -> None:
    """Print the findings of each file under its name, the worst level first, and what there is in all."""
    worst_first = {level: number / len(LEVELS) for number, level in enumerate(reversed(LEVELS))}
    for file, found in groupby(audit.in_order(lambda one: worst_first[one.level]), key=lambda one: one.file):
        screen.line(screen.bold(clean(file, 160)))
        for one in found:
            where = " ".join(part for part in (clean(one.layer, 60), clean(one.weight, 40)) if part)
            level = screen.bad(one.level) if one.level == "error" else one.level
            line = f"{level} {screen.bold(one.rule)}{f' [{where}]' if where else ''}: {clean(one.message, MOST)}"
            screen.lines(screen.wrapped(line, "  "))
        screen.line()
    for line in summary(audit):
        screen.lines(screen.wrapped(line))


def summary(audit: Audit) -> list[str]:
    """How many files and findings there are, of which rules; the largest file, the oldest Keras."""
    pairs = Counter((one.level, one.rule) for one in audit.found)
    levels, by_rule = Counter[str](), Counter[str]()
    for (level, rule), count in pairs.items():
        levels[level] += count
        by_rule[rule] += count
    counts = ", ".join(counted(levels[level], level) for level in reversed(LEVELS))
    files = len(audit.identities)
    lines = [f"{counted(files, 'file')}: {counts}"]
    if by_rule:
        lines.append("by rule: " + ", ".join(f"{rule} {count:,}" for rule, count in by_rule.most_common()))
    if files > 1:
        largest = max(audit.identities, key=lambda name: audit.identities[name].size)
        lines.append(f"largest: {clean(largest, 160)} ({audit.identities[largest].size:,} bytes)")
        versions = {name: version(one.keras) for name, one in audit.identities.items() if version(one.keras)}
        if versions:
            oldest = min(versions, key=lambda name: versions[name])
            lines.append(f"oldest Keras: {clean(audit.identities[oldest].keras, 30)} ({clean(oldest, 160)})")
    return lines


def version(text: str) -> tuple[int, ...]:
    """The numbers of a version, for comparison."""
    import re

    return tuple(int(number) for number in re.findall(r"\d{1,6}", text)[:3])
