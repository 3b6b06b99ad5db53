"""Findings for machines: as JSON, as rows of CSV or Parquet, and as SARIF 2.1.0 (OASIS), which code hosts and editors show."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from weightlens.auditing import Audit
from weightlens.auditing.reports import COLUMNS, cells_of
from weightlens.auditing.rule_levels import rules
from weightlens.tables.arrow import pyarrow
from weightlens.terminal.machine import csv_line, json_ready, to_json, write_list
from weightlens.version import __version__

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
AT_ONCE = 10_000  # rows of a group of Parquet


def write_sarif(audit: Audit, file: BinaryIO) -> None:
    """One run: every rule, and a result for each finding, in which the layer and weight are a logical location."""
    numbers = {name: number for number, name in enumerate(rules())}
    driver = {
        "name": "weightlens",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [description(name, group, audit.levels.get(name, rule.level)) for name, (group, rule) in rules().items()],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints"}
    file.write(to_json({"$schema": SCHEMA, "version": "2.1.0"})[:-1] + b',"runs":[' + to_json(run)[:-1] + b',"results":')
    write_list(file, (result(one.as_dict(), numbers) for one in audit.in_order()))
    file.write(b"}]}\n")


def description(name: str, group: str, level: str) -> dict[str, Any]:
    """A rule."""
    rule = rules()[name][1]
    return {
        "id": name,
        "shortDescription": {"text": rule.says},
        "fullDescription": {"text": f"{rule.says}: {rule.formula}"},
        "help": {"text": f"{rule.formula}. Source: {rule.source}"},
        "defaultConfiguration": {"enabled": level != "off", "level": "none" if level == "off" else level},
        "properties": {"tags": [group]},
    }


def result(one: dict[str, Any], numbers: dict[str, int]) -> dict[str, Any]:
    """A finding."""
    place: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": uri(one["file"])}}}
    if one["layer"] or one["weight"]:
        path = "/".join(part for part in (one["layer"], one["weight"]) if part)
        place["logicalLocations"] = [{"name": one["weight"] or one["layer"], "fullyQualifiedName": path, "kind": "member"}]
    return {
        "ruleId": one["rule"],
        "ruleIndex": numbers[one["rule"]],
        "level": one["level"],
        "message": {"text": one["message"]},
        "locations": [place],
        "partialFingerprints": {"place/v1": "\n".join(one[key] for key in ("file", "layer", "weight", "rule"))},
        "properties": {"evidence": one["evidence"]},
    }


def uri(name: str) -> str:
    """A path as a reference; a URL as it is, but for what no URL may hold."""
    if "://" in name:
        return quote(name, safe="/:@!$&'()*+,;=?#%~-._")
    path = Path(name)
    return ("file://" if path.is_absolute() else "") + quote(os.fsencode(path.as_posix()))


def write_json(audit: Audit, file: BinaryIO) -> None:
    """``{"files": N, "findings": [{"file", "layer", "weight", "rule", "level", "message", "evidence"}, ...]}``."""
    file.write(b'{"files":%d,"findings":' % len(audit.identities))
    write_list(file, (one.as_dict() for one in audit.in_order()))
    file.write(b"}\n")


def write_csv(audit: Audit, file: BinaryIO) -> None:
    """A row for each finding; the evidence as JSON."""
    file.write(csv_line(COLUMNS).encode())
    for one in audit.in_order():
        file.write(csv_line(cells_of(one)).encode())


def write_parquet(audit: Audit, file: BinaryIO) -> None:
    """The findings as Parquet; ``BadInput`` without pyarrow."""
    pa = pyarrow()
    from pyarrow import parquet

    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    findings = (json_ready(cells_of(one)) for one in audit.in_order())
    with parquet.ParquetWriter(file, schema) as writer:
        while rows := list(islice(findings, AT_ONCE)):
            writer.write_table(pa.table([pa.array(column, pa.string()) for column in zip(*rows, strict=True)], schema))
