"""Files by a pattern of the command line, such as ``models/**/*.h5``."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator

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


def folders_below(folder: str, above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[str]:
    """A folder and those in it at any depth, but for hidden ones; the empty name is the folder where we are."""
    try:
        facts, names = os.stat(folder or "."), sorted(os.listdir(folder or "."))  # noqa: PTH116, PTH208 - a name, which may be empty
    except OSError:
        return
    here = (facts.st_dev, facts.st_ino)
    if here in above:
        return
    yield folder
    for name in names:
        if not name.startswith("."):
            yield from folders_below(os.path.join(folder, name), above | {here})  # noqa: PTH118 - as it is typed
