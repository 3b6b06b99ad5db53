"""What an audit finds: in which file, layer and weight, by which rule, how bad it is, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

LEVELS = ("note", "warning", "error")  # from the least to the worst
OFF = "off"
LISTED = 50  # units named in the evidence


class Rule(NamedTuple):
    """One rule of the audit: its stable name, its usual level, what it says, by which formula, and where that is from."""

    name: str
    level: str
    says: str
    formula: str
    source: str


class Hit(NamedTuple):
    """What a rule found, before anybody has said which level counts. ``level`` is its own, where it is not the rule's."""

    rule: str
    message: str
    layer: str = ""
    weight: str = ""
    evidence: Mapping[str, Any] = {}
    level: str = ""


def units_hit(rule: str, layer: str, marked: Sequence[bool], words: str, **evidence: Any) -> Iterator[Hit]:
    """The hit of the marked units of a layer, if any are."""
    units = [number for number, is_marked in enumerate(marked) if is_marked]
    if units:
        shown = ", ".join(map(str, units[:8])) + (f" and {len(units) - 8} more" if len(units) > 8 else "")
        counts = {"units": units[:LISTED], "count": len(units), "of": len(marked)}
        yield Hit(rule, f"unit{'s' * (len(units) > 1)} {shown} of {len(marked)}: {words}", layer, "", counts | evidence)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. ``layer`` and ``weight`` are empty where it is about the whole file; ``evidence`` holds what was measured."""

    file: str
    layer: str
    weight: str
    rule: str
    level: str
    message: str
    evidence: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain data, as the JSON report has it."""
        return asdict(self)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes two findings the same one, from one audit to the next: where it is and by which rule."""
        return self.file, self.layer, self.weight, self.rule
