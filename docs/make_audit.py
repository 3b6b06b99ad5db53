"""Write the table of rules in ``docs/audit.md``: ``python docs/make_audit.py``.

The table is made from the rules themselves; a test fails where the page has fallen behind. With the folder of models that are listed
at the end of the page (``python docs/make_audit.py FOLDER``) that list is made again too.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from weightlens.auditing import audit
from weightlens.auditing.rule_levels import GROUPS, rules

TARGET = Path(__file__).resolve().parent / "audit.md"
PART = re.compile(r"(<!-- {0} -->\n).*?(<!-- end of {0} -->)", re.DOTALL)


def rule_table() -> str:
    """Every rule by its group."""
    lines = []
    for group in GROUPS:
        lines += [f"### {group.capitalize()}", "", "| rule | level | says | formula | source |", "| --- | --- | --- | --- | --- |"]
        for name, (of_group, rule) in rules().items():
            if of_group == group:
                cells = (f"`{name}`", rule.level, rule.says, rule.formula, rule.source)
                lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
        lines.append("")
    return "\n".join(lines) + "\n"


def file_table(folder: str) -> str:
    """What an audit says of each file of a folder, rule by rule, with how many findings there are."""
    found = audit(folder)
    by_file: dict[str, Counter[str]] = {}
    for one in found:
        by_file.setdefault(one.file, Counter())[one.rule] += 1
    lines = ["| file | Keras | findings |", "| --- | --- | --- |"]
    for place in found.places:
        counts = by_file.get(place.name, Counter())
        words = ", ".join(f"`{rule}`{f' ({count})' if count > 1 else ''}" for rule, count in counts.items()) or "none"
        lines.append(f"| {Path(place.name).name} | {found.identities[place.name].keras or '-'} | {words} |")
    return "\n".join(lines) + "\n"


def replaced(page: str, name: str, text: str) -> str:
    """The page with another part of this name."""
    return re.sub(PART.pattern.replace("{0}", name), lambda found: found[1] + text + found[2], page, flags=re.DOTALL)


def main() -> None:
    """Write the page again."""
    page = replaced(TARGET.read_text(), "rules", rule_table())
    if len(sys.argv) > 1:
        page = replaced(page, "files", file_table(sys.argv[1]))
    TARGET.write_text(page)


if __name__ == "__main__":
    main()
