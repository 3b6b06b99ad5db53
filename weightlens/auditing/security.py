"""Rules about files that could harm whoever opens them with another program. Nothing is run, followed or unpacked here."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from weightlens.auditing.finding import Hit, Rule
from weightlens.auditing.raw_file import RawFile, entries
from weightlens.formats.architecture.build import FOREIGN_CODE
from weightlens.formats.architecture.layer_config import OWN_PACKAGES
from weightlens.model import Layer
from weightlens.specs.activation import ACTIVATIONS
from weightlens.specs.registry import spec

RULES = (
    Rule(
        "code-in-file",
        "error",
        "program code is in the file, or has to be found to open it",
        "a Lambda, marshalled code, a function or class by module, or a class that Keras has not, at any depth of the configuration",
        "Keras: Lambda, keras.saving.deserialize_keras_object, safe_mode; CVE-2024-3660, CVE-2025-1550, CVE-2025-9905, CVE-2025-9906",
    ),
    Rule(
        "pickle-in-archive",
        "error",
        "a Python pickle is in the archive: opening it runs code",
        "a member named .pkl, .pickle, .joblib, .dill or model.weights.npz; one that begins as a pickle; an .npy of objects",
        "CWE-502; Python: pickle; NumPy: allow_pickle",
    ),
    Rule(
        "external-link",
        "error",
        "a link leads out of the file",
        "HDF5 soft or external link, external storage, virtual data set; a symbolic link in an archive or folder",
        "CWE-59; HDF5 User Guide, links and external storage; CVE-2026-1669",
    ),
    Rule(
        "path-outside",
        "error",
        "a path leads out of the model's folder",
        "an absolute path, a drive or '..' in the name of a member, a shard, a vocabulary or a model to be loaded",
        "CWE-22; Keras: StringLookup(vocabulary=path); CVE-2025-12058, CVE-2025-12060",
    ),
    Rule(
        "bomb",
        "error",
        "a few bytes unpack to many",
        "unpacked > 64 MB + 64 x packed, members that overlap, or chunks far larger than their array",
        "CWE-409; weightlens/limits.py",
    ),
    Rule(
        "name-with-control-characters",
        "warning",
        "a name holds characters that are not seen",
        "a character of the Unicode categories Cc, Cf, Cs, Co, Zl, Zp in the name of a layer, a weight or a member",
        "CWE-150; Boucher, Anderson 2021 (Trojan Source)",
    ),
)
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
MARSHALLED = re.compile(r"^\s*(4w[A-P]AAA|YwAAAA|YwEAAA)[A-Za-z0-9+/\s]{20}")  # base64 of a code object: 0xe3 (or 0x63), a small number
PICKLED = re.compile(r"^\s*(gAN|gAR|gASV|gAWV|gAJ)[A-Za-z0-9+/\s=]{20}")
PICKLES = (".pkl", ".pickle", ".joblib", ".dill", "model.weights.npz")
OLD_PICKLE = re.compile(rb"\(?c[A-Za-z_][\w.]*\n\w+\n")  # of protocol 0, which begins with what it calls
OBJECTS = re.compile(rb"'descr': *'\|O")
LIBRARIES = OWN_PACKAGES | {"keras_hub", "keras_nlp", "keras_cv", "keras_tuner"}
TOOLS = {"utils", "config", "saving", "backend", "models"}  # modules of Keras whose functions load files or change settings
NO_MODULE = frozenset({"", "None", "builtins", "__main__"})
FILES = ("vocabulary", "filepath", "vocabulary_file", "merges")  # settings that name a file
OPERATIONS = re.compile(rb"\x12[\x06\x08\x09\x0b\x0f](PyFunc|ReadFile|WriteFile|EagerPyFunc|PyFuncStateless)(?![A-Za-z0-9])")
MOST = 200  # hits of one rule in a file


def security(raw: RawFile) -> Iterator[Hit]:
    """What the rules of this group say of a file as it is."""
    yield from raw.hits
    yield from member_hits(raw)
    for where, value in raw.configs:
        yield from config_hits(where, value)
    yield from name_hits(raw)
    for name, data in raw.graphs:
        found = sorted({match.decode() for match in OPERATIONS.findall(data)})
        if found:
            words = f"{name}: its graph calls {', '.join(found)}: it runs Python or touches files"
            yield Hit("code-in-file", words, evidence={"operations": found})


def member_hits(raw: RawFile) -> Iterator[Hit]:
    """Pickles and paths among the members of an archive or folder, and the files that it names."""
    for name, start in raw.members:
        pickle = (start[:1] == b"\x80" and len(start) > 2 and 2 <= start[1] <= 5) or OLD_PICKLE.match(start)
        objects = start.startswith(b"\x93NUMPY") and OBJECTS.search(start)
        if name.lower().endswith(PICKLES) or pickle or objects:
            yield Hit("pickle-in-archive", f"{name} is a pickle: opening it runs code", evidence={"member": name})
    for name in (*(name for name, _ in raw.members), *raw.named):
        if is_outside(name):
            yield Hit("path-outside", f"{name!r} leads out of the model's folder", evidence={"path": name})


def is_outside(name: str) -> bool:
    """Whether a path in an archive leads out of it."""
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or name.startswith(("/", "\\")) or bool(re.match(r"[A-Za-z]:[\\/]", name))


def config_hits(where: str, config: Any) -> Iterator[Hit]:
    """Code and paths anywhere in a configuration."""
    waiting: list[tuple[Any, str, str]] = [(config, "", "")]
    while waiting:
        value, layer, key = waiting.pop()
        if isinstance(value, list):
            waiting.extend((item, layer, key) for item in reversed(value))
        elif isinstance(value, dict):
            layer = name_of(value) or layer
            yield from entry_hits(where, value, layer)
            waiting.extend((item, layer, str(name)) for name, item in reversed(value.items()))
        elif isinstance(value, str):
            yield from text_hits(where, value, layer, key)


def name_of(entry: dict[str, Any]) -> str:
    """The name of the layer that an entry of a configuration describes; empty if it is none."""
    if not any(key in entry for key in ("class_name", "className")):
        return ""
    config = entry.get("config")
    found = entry.get("name") or (config.get("name") if isinstance(config, dict) else "")
    return found if isinstance(found, str) else ""


def entry_hits(where: str, entry: dict[str, Any], layer: str) -> Iterator[Hit]:
    """Code that one entry of a configuration holds or asks for."""
    class_name = str(entry.get("class_name", entry.get("className", "")))
    called = str(entry.get("config")) if class_name == "function" else class_name
    module, _, called = f"{entry.get('module')}.{called}".rpartition(".")  # a part of the module's name may stand before the class's
    class_name, evidence = class_name.rpartition(".")[2], {"in": where, "class_name": class_name}
    if class_name in FOREIGN_CODE:
        yield Hit("code-in-file", f"{class_name} holds program code, which Keras runs when the model is used", layer, evidence=evidence)
    elif class_name == "__lambda__":
        yield Hit("code-in-file", "a lambda function is in the configuration", layer, evidence=evidence)
    if "module" not in entry or not class_name:
        return
    registered, root = str(entry.get("registered_name")), module.split(".")[0]
    evidence |= {"module": module}
    if root in sys.stdlib_module_names - NO_MODULE:
        yield Hit("code-in-file", f"Keras would import {module} and call {class_name}", layer, evidence=evidence)
    elif root in LIBRARIES and called[:1].islower() and TOOLS & set(module.split(".")):
        yield Hit("code-in-file", f"Keras would call {module}.{called}, which is no part of a network", layer, evidence=evidence)
    elif class_name == "function" and root in NO_MODULE:
        words = f"needs the function {entry.get('config')!r}, which is not Keras's"
        yield Hit("code-in-file", words, layer, evidence=evidence, level="warning")
    elif root not in LIBRARIES | NO_MODULE or (root in NO_MODULE and ">" in registered and class_name != "function"):
        yield foreign(class_name if root not in NO_MODULE else registered, layer, evidence)


def foreign(class_name: str, layer: str, evidence: Mapping[str, Any]) -> Hit:
    """The finding about a layer whose class Keras does not have: whoever loads the file has to supply it."""
    return Hit("code-in-file", f"needs the class {class_name}, which is not Keras's", layer, evidence=evidence, level="warning")


def custom_hits(layers: Iterable[Layer]) -> Iterator[Hit]:
    """The layers of a model whose class, or whose activation by its name, is none of Keras's."""
    for layer in layers:
        known = spec(layer.class_name)
        if layer.is_operation or layer.model is not None or not layer.class_name:
            continue
        if known.options is None and known.variables is None and known.function is None and layer.class_name not in FOREIGN_CODE:
            yield foreign(layer.class_name, layer.name, {"class_name": layer.class_name})
        for key in ("activation", "recurrent_activation"):
            named = layer.config.get(key)
            if isinstance(named, str) and named not in ACTIVATIONS:
                words = f"needs the {key} {named!r}, which is not Keras's"
                yield Hit("code-in-file", words, layer.name, evidence={key: named}, level="warning")


def text_hits(where: str, text: str, layer: str, key: str) -> Iterator[Hit]:
    """Code, or the path of a file, in one text of a configuration."""
    if MARSHALLED.match(text) or PICKLED.match(text):
        kind = "marshalled code" if MARSHALLED.match(text) else "a pickle"
        yield Hit("code-in-file", f"{kind} ({len(text):,} letters) is in the configuration", layer, evidence={"in": where, "setting": key})
    elif text.lstrip()[:1] in ("{", "["):  # a configuration as text, as a SavedModel has it
        from weightlens.errors import UnreadableModel
        from weightlens.formats.architecture.config_values import parse_json

        try:
            inside = parse_json(text, where)
        except UnreadableModel:
            return
        yield from config_hits(where, inside) if isinstance(inside, dict | list) else ()
    elif key in FILES and (is_outside(text) or "://" in text):
        yield Hit("path-outside", f"{key} names the file {text!r}, which Keras would read", layer, evidence={"path": text})


def name_hits(raw: RawFile) -> Iterator[Hit]:
    """Names with characters that are not seen."""
    every_entry = [entry for _, config in raw.configs for entry in entries(config)]
    of_layers = {entry[key] for entry in every_entry for key in ("name", "class_name") if isinstance(entry.get(key), str)}
    names = [*raw.paths, *(name for name, _ in raw.members), *sorted(of_layers)]
    odd = [name for name in dict.fromkeys(names) if not name.isprintable() and any(unicodedata.category(c) in HIDDEN for c in name)]
    for name in odd[:MOST]:
        marks = sorted({f"U+{ord(c):04X}" for c in name if unicodedata.category(c) in HIDDEN})
        words, layer = f"the name {name!a} holds {', '.join(marks)}", name if name in of_layers else ""
        yield Hit("name-with-control-characters", words, layer, evidence={"name": ascii(name), "characters": marks})
