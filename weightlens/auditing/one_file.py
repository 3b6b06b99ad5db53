"""The audit of one file: what the rules about a single file say, and what the store needs to know of it afterwards."""

from __future__ import annotations

import datetime
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from weightlens.auditing.finding import Hit
from weightlens.auditing.health import Checked
from weightlens.auditing.integrity import integrity
from weightlens.auditing.places import Place, files_in
from weightlens.auditing.raw_file import RawFile, raw_file
from weightlens.auditing.security import custom_hits, security
from weightlens.auditing.store import Identity, described
from weightlens.call_order import every_layer
from weightlens.errors import CutShort, WeightlensError, first_line
from weightlens.formats import load

EXPLAINED = frozenset({"external-link", "bomb", "pickle-in-archive", "path-outside"})  # why a file may be refused


@dataclass
class Result:
    """What came of one file; plain data, which other processes and a file of results can hand on."""

    file: str
    changed: float = 0.0
    identity: Identity = field(default_factory=Identity)
    hits: list[Hit] = field(default_factory=list)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        hits = [{key: value for key, value in hit._asdict().items() if value} for hit in self.hits]
        return vars(self) | {"identity": asdict(self.identity), "hits": hits}


def audit_file(place: Place, inputs: str | None = None) -> Result:
    """Audit one file. A file that fails, in whatever way, is a finding; nothing is raised but for Ctrl-C."""
    start = time.perf_counter()
    date = datetime.datetime.fromtimestamp(place.changed, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
    result = Result(place.name, place.changed, Identity(size=place.size, date=date))
    try:
        with at_hand(place) as path:
            raw = raw_file(path)
            result.hits += security(raw)
            result.identity.sha256 = sha256_of(path)
            check_model(path, raw, result, inputs)
    except Exception as error:
        if not any(hit.rule in EXPLAINED for hit in result.hits):
            name = "" if isinstance(error, WeightlensError) else f"{type(error).__name__}: "
            result.hits.append(Hit("truncated" if isinstance(error, CutShort) else "unreadable", name + first_line(error)))
    code = {hit.layer for hit in result.hits if hit.rule == "code-in-file" and hit.layer}
    told = [hit for hit in result.hits if hit.rule != "unknown-option" or hit.layer.rpartition("/")[2] not in code]
    result.hits = list({(hit.rule, hit.layer, hit.weight, hit.message): hit for hit in told}.values())
    result.seconds = time.perf_counter() - start
    return result


def died(place: Place) -> Result:
    """The result of a file at which its process died."""
    hit = Hit("unreadable", "the process that read it died: damaged in a way that no check sees, or too large for this machine")
    return Result(place.name, place.changed, Identity(size=place.size), [hit])


def check_model(path: Path, raw: RawFile, result: Result, inputs: str | None) -> None:
    """What the rules say of the model in a file, once its weights have been read."""
    with load(path) as model:
        result.hits += custom_hits(every_layer(model))
        result.hits += integrity(model, raw)
        checked = Checked(model, result.identity.size)
        result.hits += checked.hits()
        result.identity = described(result.identity, model, checked.layers)
        if inputs is not None:
            from weightlens.auditing.with_inputs import input_hits

            result.hits += input_hits(model, inputs)


@contextmanager
def at_hand(place: Place) -> Iterator[Path]:
    """The file on this machine; a remote one as a copy, for as long as it is needed."""
    if not place.is_remote:
        yield Path(place.name)
        return
    from weightlens.formats.remote import copied

    with copied(place.name) as path:
        yield path


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file; of a folder, of the names and hashes of its files."""
    digest = hashlib.sha256()
    if path.is_dir():
        for member in files_in(path):
            digest.update(os.fsencode(f"{member.relative_to(path).as_posix()}\0{sha256_of(member)}\n"))
    elif path.is_file():
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    return digest.hexdigest()
