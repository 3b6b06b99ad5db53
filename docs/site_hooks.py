"""For the documentation site: the help texts of the commands on their page, and pictures that can be enlarged."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

PICTURE = re.compile(r'<img [^>]*src="(?P<file>[^"]+)"[^>]*>')
PLACE = "<!-- the help of every command -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the help texts in their place."""
    return markdown.replace(PLACE, help_texts()) if PLACE in markdown else markdown


def on_page_content(html: str, **_: Any) -> str:
    """Let a click on a picture show it in its full size: sheets are wide."""
    return PICTURE.sub(lambda found: f'<a href="{found["file"]}">{found[0]}</a>', html)


def help_texts() -> str:
    """The help of every command, in the groups in which they are listed."""
    from weightlens.cli.commands import GROUPS

    parts = []
    for title, commands in GROUPS.items():
        parts.append(f"## {title}\n")
        for name in commands:
            command = [sys.executable, "-m", "weightlens", name, "--help"]
            text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            parts.append(f"### {name}\n\n```text\n{text.strip()}\n```\n")
    return "\n".join(parts)
