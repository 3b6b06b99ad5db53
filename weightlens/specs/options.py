"""A layer's configuration held against the table: what is unknown, missing or of another kind than it has to be."""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

from weightlens.specs.kinds import KINDS, found_text
from weightlens.specs.table import EVERYWHERE, FLAGS, HARMLESS_ENDINGS, KIND_OF, OPTIONS

MOST = 20  # faults that are listed of one layer


class Option(NamedTuple):
    """One option of a layer class: the kind of its value, whether it has to be there, the one version of Keras that has it (0: every)."""

    kind: str
    needed: bool = False
    version: int = 0


@functools.cache
def options_of(class_name: str) -> dict[str, Option] | None:
    """The options of a layer class by name; ``None`` for a class that is not in the table."""
    own = OPTIONS.get(class_name)
    return None if own is None else _parsed(EVERYWHERE) | _parsed(own)


@functools.cache
def _parsed(line: str) -> dict[str, Option]:
    found: dict[str, Option] = {}
    version = 0
    for word in line.split():
        if word.startswith("|"):
            version = int(word[1:])
            continue
        word, _, kind = word.partition(":")
        name = word.removesuffix("!")
        kind = kind or ("flag" if name in FLAGS and name not in KIND_OF else KIND_OF[name])
        known = found.get(name)
        found[name] = Option(kind, word.endswith("!"), version if known is None or known.version == version else 0)
    return found


def spatial_rank(class_name: str) -> int:
    """The number of spatial axes that a class is named after: 2 for ``Conv2D``, 0 where there are none."""
    found = re.search(r"(\d)D(Cell)?$", class_name)
    return int(found[1]) if found else 0


def sound(class_name: str, config: dict[str, Any], version: int) -> tuple[dict[str, Any], list[str]]:
    """The configuration without what is wrong in it, and what that is, a line for each.

    ``version`` is the generation of Keras that wrote it, 0 or 1 to 3. A class that is not in the table is not looked at.
    """
    known = options_of(class_name)
    if known is None:
        return config, []
    faults = [f"{name} is missing" for name, option in known.items() if option.needed and name not in config]
    rank, good = spatial_rank(class_name), {}
    for name, value in config.items():
        fault = "more" if len(faults) > MOST and name not in known else _fault(name, value, known, rank, version)
        if not fault:
            good[name] = value
        elif len(faults) <= MOST:
            faults.append(fault)
    return good if len(good) < len(config) else config, faults


def _fault(name: str, value: Any, known: dict[str, Option], rank: int, version: int) -> str:
    option = known.get(name)
    if option is None:
        if value is None or name.endswith(HARMLESS_ENDINGS):
            return ""
        import difflib  # seldom needed

        close = difflib.get_close_matches(name, known, 1, 0.8) if len(name) < 40 else []
        hint = f"; did you mean {close[0]}?" if close else ""
        return f"has the option {name} ({found_text(value)}), which no version of Keras knows for it{hint}"
    if option.version > 1 and version > 1 and option.version != version and (value is True or value not in (None, False, 1)):
        return f"has the option {name} ({found_text(value)}), which only Keras {option.version} knows, and this is Keras {version}'s"
    fits, allowed = KINDS[option.kind]
    if not fits(value, rank):
        return f"{name} is {found_text(value)}, but it has to be {allowed}"
    if option.kind == "activation" and isinstance(value, dict):
        return _inside(name, value, version)
    return ""


def _inside(name: str, function: dict[str, Any], version: int) -> str:
    """The first thing that is wrong with an activation that is a layer with settings of its own."""
    settings, class_name = function.get("config"), function.get("class_name")
    if not isinstance(settings, dict) or not isinstance(class_name, str):
        return "" if isinstance(settings, str) else f"{name} is {found_text(function)}, but it has to be the name of a function or a layer"
    faults = sound(class_name, settings, version)[1]
    return f"in its {name}, {class_name} {faults[0]}" if faults else ""
