"""Findings for machines: one object of JSON, a table of CSV or Parquet with a row for each finding."""

from __future__ import annotations

from itertools import islice
from typing import BinaryIO

from weightlens.auditing import Audit
from weightlens.auditing.reports import COLUMNS, cells_of
from weightlens.tables.arrow import pyarrow
from weightlens.terminal.machine import csv_cell, json_ready, write_list

AT_ONCE = 10_000  # rows of a group of Parquet


def write_json(audit: Audit, file: BinaryIO) -> None:
    """``{"files": N, "findings": [{"file", "layer", "weight", "rule", "level", "message", "evidence"}, ...]}``."""
    file.write(b'{"files":%d,"findings":' % len(audit.identities))
    write_list(file, (one.as_dict() for one in audit.in_order()))
    file.write(b"}\n")


def write_csv(audit: Audit, file: BinaryIO) -> None:
    """A row for each finding; the evidence as JSON."""
    file.write((",".join(COLUMNS) + "\n").encode())
    for one in audit.in_order():
        file.write((",".join(map(csv_cell, cells_of(one))) + "\n").encode())


def write_parquet(audit: Audit, file: BinaryIO) -> None:
    """The same as Parquet; ``BadInput`` without pyarrow."""
    pa = pyarrow()
    from pyarrow import parquet

    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    findings = (json_ready(cells_of(one)) for one in audit.in_order())
    with parquet.ParquetWriter(file, schema) as writer:
        while rows := list(islice(findings, AT_ONCE)):
            writer.write_table(pa.table([pa.array(column, pa.string()) for column in zip(*rows, strict=True)], schema))
