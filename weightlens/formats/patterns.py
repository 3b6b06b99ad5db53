"""Files by a pattern of the command line, such as ``models/**/*.h5``."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

BETWEEN = f"[{re.escape(os.sep + (os.altsep or ''))}]"
ANY_DEPTH = re.compile(f"(?:^|(?<={BETWEEN}))\\*\\*(?:{BETWEEN}|$)")


def matches(pattern: str) -> list[str]:
    """What a pattern names, each once and by name, as Python's ``glob`` finds it; but a link back to a folder above is not followed."""
    deep = ANY_DEPTH.search(pattern)
    if deep is None:
        return sorted(glob.glob(pattern))  # noqa: PTH207 - the pattern may be absolute
    start, rest = pattern[: deep.start()], pattern[deep.end() :]
    roots = matches(start) if start else [""]
    found = set()
    if deep.group() == "**":  # at the end: everything, the folder itself too
        found, rest = {root for root in roots if root}, "*"
    for root in roots:
        for folder in folders_below(root):
            found.update(matches(os.path.join(glob.escape(folder), rest)))  # noqa: PTH118 - as it is typed
    return sorted(found)


def folders_below(folder: str) -> Iterator[str]:
    """A folder and those in it at any depth, but for hidden ones; the empty name is the folder where we are."""
    waiting: list[tuple[str, frozenset[tuple[int, int]]]] = [(folder, frozenset())]
    while waiting:
        here, above = waiting.pop()
        try:
            facts, names = os.stat(here or "."), os.listdir(here or ".")  # noqa: PTH116, PTH208 - a name, which may be empty
        except OSError:
            continue
        if (facts.st_dev, facts.st_ino) not in above:
            yield here
            seen = above | {(facts.st_dev, facts.st_ino)}
            inside = [os.path.join(here, name) for name in sorted(names, reverse=True) if not name.startswith(".")]  # noqa: PTH118
            waiting += [(path, seen) for path in inside]


def everything_in(path: Path) -> Iterator[Path]:
    """What is in a folder and below, by name, but for what is in folders that cannot be read.

    (``Path.rglob`` calls itself for each folder, and a hostile archive may have a thousand of them in one another.)
    """
    waiting = [path]
    while waiting:
        here = waiting.pop()
        try:
            is_folder = here is path or (here.is_dir() and not here.is_symlink())
        except OSError:  # too long for a path
            continue
        if here is not path:
            yield here
        with suppress(OSError):
            waiting += sorted(here.iterdir(), reverse=True) if is_folder else ()
