"""``python -m tests.fuzz [CLASS]... --count N --start N``: figures per class, and every fault with its number."""

from __future__ import annotations

import argparse
from collections import Counter

from tests.fuzz.run import CLASSES, case, watched


def main() -> int:
    """Run them; gives 1 where there was a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("classes", nargs="*", metavar="CLASS", help=", ".join(CLASSES))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0)
    asked = parser.parse_args()
    faults = 0
    for kind in asked.classes or CLASSES:
        codes: Counter[int] = Counter()
        for found in watched(kind, range(asked.start, asked.start + asked.count)):
            codes[found["code"]] += 1
            if found["fault"]:
                faults += 1
                tried = case(kind, found["number"])
                print(f"{kind} {found['number']}: {found['fault'][:300]}  [{' '.join(tried.command)}; {tried.damage[:200]}]", flush=True)
        print(f"{kind}: {codes.total():,} cases, exit codes {dict(sorted(codes.items()))}", flush=True)
    print(f"{faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    raise SystemExit(main())
