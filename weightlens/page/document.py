"""The one HTML file: our style sheet and modules, the data, and a policy that allows nothing else.

The modules in ``static`` are plain ES modules. In one file nothing can be imported, so they stand one after the other in the order
of ``MODULES``, each after what it imports, without their ``import`` lines and the word ``export``. The first few lines are in the
page as they are and unpack the others, which the policy knows by their digests.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files

import orjson

BOOT = ("inflate", "boot")
MODULES = (
    "inflate", "functions", "formula", "compile", "machine", "data", "network", "words", "grid", "dom", "colours", "state", "api",
    "explain", "graph", "hand", "labels", "sheet", "paper", "curve", "panel", "outputs", "maps", "middle", "stepper", "save", "main",
)  # fmt: skip
IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
EXPORT = re.compile(r"^export (?=(async |)(function|class|const|let))", re.MULTILINE)


def page(title: str, data: str) -> str:
    """The whole file; ``title`` is a text from a model, ``data`` what ``pack`` made."""
    parts = {**shared_parts(), "title": escape(title), "data": data}
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], static("page.html"))


@cache
def shared_parts() -> dict[str, str]:
    """What is the same on every page: our style sheet and modules, and the policy that allows them."""
    style, script, boot = static("style.css"), joined(MODULES), joined(BOOT)
    policy = (
        f"default-src 'none'; script-src {digest(boot)} {digest(script)}; style-src {digest(style)}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    code = base64.b64encode(zlib.compress(orjson.dumps({"style": style, "script": script}), 9)).decode()
    return {"policy": policy, "code": code, "boot": boot}


def digest(text: str) -> str:
    """What a Content-Security-Policy calls an inline script or style sheet."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def static(name: str) -> str:
    """A file of the package."""
    return files("weightlens.page").joinpath("static", name).read_text("utf-8")


def joined(modules: Sequence[str]) -> str:
    """Modules as one script, in a scope of its own."""
    text = "\n".join(EXPORT.sub("", IMPORT.sub("", static(f"{name}.js"))) for name in modules)
    return f'"use strict";\n{{\n{text}}}\n'
