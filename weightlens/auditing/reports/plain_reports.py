"""Findings for machines: one object of JSON, a table of CSV or Parquet with a row for each finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from weightlens.auditing.reports import COLUMNS
from weightlens.tables.arrow import pyarrow
from weightlens.terminal.machine import csv_cell, json_ready, to_json

if TYPE_CHECKING:
    from weightlens.auditing import Audit


def write_json(audit: Audit, file: BinaryIO) -> None:
    """``{"files": N, "findings": [{"file", "layer", "weight", "rule", "level", "message", "evidence"}, ...]}``."""
    file.write(to_json(audit.as_dict()) + b"\n")


def write_csv(audit: Audit, file: BinaryIO) -> None:
    """A row for each finding; the evidence as JSON."""
    file.write((",".join(COLUMNS) + "\n").encode())
    for one in audit.as_dict()["findings"]:
        cells = [one[name] if name != "evidence" else to_json(one[name]).decode() for name in COLUMNS]
        file.write((",".join(csv_cell(cell) for cell in cells) + "\n").encode())


def write_parquet(audit: Audit, file: BinaryIO) -> None:
    """The same as Parquet; ``BadInput`` without pyarrow."""
    pa = pyarrow()
    from pyarrow import parquet

    findings = json_ready(audit.as_dict()["findings"])
    columns = {name: pa.array([one[name] for one in findings], pa.string()) for name in COLUMNS[:-1]}
    evidence = pa.array([to_json(one["evidence"]).decode() for one in findings], pa.string())
    parquet.write_table(pa.table(columns | {"evidence": evidence}), file)
