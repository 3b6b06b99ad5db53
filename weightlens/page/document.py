"""The one HTML file: our style sheet and modules inline, the data as base64, and a policy that allows nothing else.

The modules in ``static`` are plain ES modules. In one file nothing can be imported, so they stand one after the other in the order
of ``MODULES``, each after what it imports, without their ``import`` lines and the word ``export``.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from html import escape
from importlib.resources import files

MODULES = (
    "functions", "formula", "compile", "machine", "data", "network", "words", "grid", "dom", "colours", "state", "api",
    "explain", "graph", "sheet", "panel", "outputs", "maps", "middle", "stepper", "save", "main",
)  # fmt: skip
IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
EXPORT = re.compile(r"^export (?=(async |)(function|class|const|let))", re.MULTILINE)


def page(title: str, data: str) -> str:
    """The whole file; ``title`` is a text from a model, ``data`` what ``pack`` made."""
    style, script = static("style.css"), joined()
    policy = (
        f"default-src 'none'; script-src {digest(script)}; style-src {digest(style)}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {"title": escape(title), "policy": policy, "style": style, "data": data, "script": script}
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], static("page.html"))


def digest(text: str) -> str:
    """What a Content-Security-Policy calls an inline script or style sheet."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def static(name: str) -> str:
    """A file of the package."""
    return files("weightlens.page").joinpath("static", name).read_text("utf-8")


@cache
def joined() -> str:
    """All modules as one."""
    return "\n".join(EXPORT.sub("", IMPORT.sub("", static(f"{name}.js"))) for name in MODULES)
