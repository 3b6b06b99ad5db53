"""All rules of the audit by name, and which level of each is asked for."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

from weightlens.auditing.finding import LEVELS, OFF, Finding, Hit, Rule
from weightlens.errors import BadInput

GROUPS = ("security", "integrity", "health", "store")


@functools.cache
def rules() -> dict[str, tuple[str, Rule]]:
    """Every rule by its name, with its group, in the order of the groups."""
    from weightlens.auditing import health, integrity, security, store

    return {
        rule.name: (group, rule) for group, part in zip(GROUPS, (security, integrity, health, store), strict=True) for rule in part.RULES
    }


def levels_of(asked: Mapping[str, str] | Iterable[str]) -> dict[str, str]:
    """The level, or ``off``, of each rule for which one is asked: by the name of the rule or its group, or as ``NAME=LEVEL``.

    A later one wins. Raises ``BadInput`` for a rule or a level that there is not.
    """
    given = asked.items() if isinstance(asked, Mapping) else map(split, asked)
    levels: dict[str, str] = {}
    for name, level in given:
        if level not in (*LEVELS, OFF):
            raise BadInput(f"--rule {name}={level}: the level is one of {', '.join((*reversed(LEVELS), OFF))}")
        named = [rule for rule, (group, _) in rules().items() if name in (rule, group, "all")]
        if not named:
            raise BadInput(f"--rule {name}={level}: there is no rule of this name{nearest(name)}")
        levels |= dict.fromkeys(named, level)
    return levels


def split(text: str) -> tuple[str, str]:
    """``spike=error`` as a pair."""
    name, equals, level = text.partition("=")
    if not equals:
        raise BadInput(f"--rule {text}: write NAME=LEVEL, such as spike=error or spike=off")
    return name.strip(), level.strip()


def nearest(name: str) -> str:
    """The end of a refusal: the rule that was probably meant."""
    import difflib

    close = difflib.get_close_matches(name, [*rules(), *GROUPS], 1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(rules())}"


def finding(file: str, hit: Hit, levels: Mapping[str, str]) -> Finding | None:
    """The finding of a hit at the level that is asked for; ``None`` if its rule is off."""
    level = levels.get(hit.rule) or hit.level or rules()[hit.rule][1].level
    return None if level == OFF else Finding(file, hit.layer, hit.weight, hit.rule, level, hit.message, dict(hit.evidence))
