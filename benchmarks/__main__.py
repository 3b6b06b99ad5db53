"""``python -m benchmarks [--tiny] [SUBJECT]...``: measure, print, and write ``docs/performance.md``."""

from __future__ import annotations

import argparse
import importlib
import tempfile
from pathlib import Path

from benchmarks.report import renewed

SUBJECTS = ("startup", "opening", "reading", "reading_back", "writing", "exporting", "growth", "forward", "memory", "recalculation")
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def main() -> None:
    """Every subject renews its section of the page; tiny ones are only printed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="weightlens beside its peers, on the same work.")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument("--tiny", action="store_true", help="everything once, at a size that shows only that it works")
    arguments = parser.parse_args()
    if unknown := set(arguments.subjects) - set(SUBJECTS):
        parser.error(f"no subject is called {', '.join(sorted(unknown))}; there are: {', '.join(SUBJECTS)}")
    for subject in arguments.subjects or SUBJECTS:
        with tempfile.TemporaryDirectory(prefix="weightlens-benchmarks-") as scratch:
            section = importlib.import_module(f"benchmarks.{subject}").run(Path(scratch), arguments.tiny)
        print(section.markdown(), flush=True)
        if not arguments.tiny:
            PAGE.write_text(renewed(PAGE.read_text() if PAGE.exists() else "", section))


if __name__ == "__main__":
    main()
