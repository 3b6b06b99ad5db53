"""A store of models looked through at once: which of them open, hold code, are broken, untrained, wasteful, or there twice.

Comes in: paths, patterns, URLs. Goes out: findings, and reports of them. Each file is read as everywhere in this package: nothing in it is
run or followed. What is here: ``places`` (which files), ``one_file`` (the rules about one file, in ``security``, ``integrity`` and
``health``), ``store`` (the rules about all of them), ``journal`` (results kept as they come), ``reports``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from weightlens.auditing.finding import Finding
from weightlens.auditing.kept import Kept
from weightlens.errors import BadInput
from weightlens.specs.words.number_words import counted

if TYPE_CHECKING:
    from pandas import DataFrame

    from weightlens.auditing.one_file import Result
    from weightlens.auditing.places import Place
    from weightlens.auditing.store import Fingerprint, Identity

__all__ = ["Audit", "Finding", "audit"]

Where = str | os.PathLike[str]


@dataclass(repr=False)
class Audit:
    """An audit: iterate over it for the findings as they come (those about the whole store last); afterwards they are in ``findings``.

    ``places`` are the files, ``identities`` what is known of each that is done. ``found`` are the findings as they wait on disk.
    """

    places: list[Place]
    levels: Mapping[str, str]
    run: Callable[[], Iterator[Result]]
    known: frozenset[tuple[str, ...]] = frozenset()
    found: Kept[Finding] = field(default_factory=Kept)
    fingerprints: Kept[Fingerprint] = field(default_factory=Kept)
    identities: dict[str, Identity] = field(default_factory=dict)
    on_file: Callable[[str], object] = lambda name: None

    def __iter__(self) -> Iterator[Finding]:
        from weightlens.auditing.store import store_hits

        self.found, self.fingerprints, self.identities = Kept(), Kept(), {}
        for result in self.run():
            self.fingerprints.append((result.identity.digests, result.identity.prints))
            self.identities[result.file] = replace(result.identity, digests={}, prints={})  # which are its largest part
            yield from self._new((result.file, hit) for hit in result.hits)
            self.on_file(result.file)
        yield from self._new(store_hits(self.identities, self.fingerprints))

    def _new(self, hits: Iterable[tuple[str, Any]]) -> Iterator[Finding]:
        from weightlens.auditing.rule_levels import finding

        for file, hit in hits:
            found = finding(file, hit, self.levels)
            if found is not None and found.key not in self.known:
                self.found.append(found)
                yield found

    def __repr__(self) -> str:
        return f"<Audit: {len(self.identities):,} of {counted(len(self.places), 'file')}, {counted(len(self.found), 'finding')}>"

    @property
    def findings(self) -> list[Finding]:
        """All findings, as they came."""
        return list(self.found)

    def in_order(self, after: Callable[[Finding], float] = lambda one: 0.0) -> Iterator[Finding]:
        """All findings by file, in the order of the places; those of one file by ``after``, from 0 up to 1."""
        order = {place.name: number for number, place in enumerate(self.places)}
        return self.found.in_order(lambda one: order.get(one.file, len(order)) + after(one))

    def finish_with_store(self) -> None:
        """Say what the rules about the whole store say of the files that are done: for an audit that was stopped."""
        from weightlens.auditing.rule_levels import rules
        from weightlens.auditing.store import store_hits

        before, self.found = self.found, Kept()
        for one in before:
            if rules()[one.rule][0] != "store":
                self.found.append(one)
        for _ in self._new(store_hits(self.identities, self.fingerprints)):
            pass

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data: how many files were looked at, and every finding, by file."""
        return {"files": len(self.identities), "findings": [one.as_dict() for one in self.in_order()]}

    def to_frame(self) -> DataFrame:
        """The findings as a pandas frame, a row for each; ``BadInput`` where pandas is not installed."""
        from weightlens.api.frames import frame

        findings = self.findings
        return frame({key: [getattr(one, key) for one in findings] for key in Finding.__dataclass_fields__})


def audit(
    *where: Where,
    rules: Mapping[str, str] | Sequence[str] = (),
    inputs: Where | None = None,
    baseline: Where | None = None,
    resume: Where | None = None,
    workers: int = 1,
    scheduler: str | None = None,
) -> Audit:
    """Audit the models at these paths, folders, patterns and URLs; iterate over what is returned, or call ``list`` on it.

    ``rules`` sets levels (``{"spike": "error", "store": "off"}``), ``inputs`` are data for the rules that need any, ``baseline`` is an
    earlier JSON report whose findings are not told again, ``resume`` a file that keeps results as they come. ``workers`` are processes
    of this machine; ``scheduler`` is the address of a Dask scheduler, or ``local``. Raises ``BadInput``.

    >>> [finding.rule for finding in audit("sample_models/or.h5")]
    []
    """
    from weightlens.auditing.places import places
    from weightlens.auditing.rule_levels import levels_of

    wanted, data = places(where), None if inputs is None else os.fspath(inputs)
    if data is not None and os.path.exists(data):  # noqa: PTH110 - typed rows of numbers may be no possible path
        data = os.path.abspath(data)  # noqa: PTH100 - for workers in another folder
    return Audit(wanted, levels_of(rules), partial(results, wanted, data, resume, workers, scheduler), keys_of(baseline))


def results(wanted: list[Place], inputs: str | None, resume: Where | None, workers: int, scheduler: str | None) -> Iterator[Result]:
    """The result of every file: those that are kept and still hold, then the others as they are done."""
    from weightlens.auditing.journal import Journal
    from weightlens.auditing.one_file import audit_file, died
    from weightlens.workers import do_all

    with nullcontext() if resume is None else Journal(Path(resume), inputs) as journal:
        done = set[str]()
        for result in journal.valid_results(wanted) if journal else ():
            done.add(result.file)
            yield result
        todo = [place for place in wanted if place.name not in done]
        for place, made in do_all(partial(audit_file, inputs=inputs), todo, workers, scheduler):
            result = made or died(place)
            if journal:
                journal.add(result)
            yield result


def keys_of(report: str | os.PathLike[str] | None) -> frozenset[tuple[str, ...]]:
    """What a JSON report has found, by file, layer, weight and rule; nothing if there is none."""
    if report is None:
        return frozenset()
    try:
        found = orjson.loads(Path(report).read_bytes())
        return frozenset((one["file"], one["layer"], one["weight"], one["rule"]) for one in found["findings"])
    except OSError as error:
        raise BadInput(f"--baseline {report}: cannot be read ({error.strerror})") from None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise BadInput(f"--baseline {report}: is no report that weightlens audit --format json has written") from None
