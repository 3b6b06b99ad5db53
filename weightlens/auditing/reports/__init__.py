"""An audit as a table at the terminal, JSON, CSV, SARIF, a page, a workbook, or Parquet.

Comes in: an ``Audit`` that is done. Goes out: bytes. Names and messages come from untrusted files: each format escapes them in its own way.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import BinaryIO

from weightlens.auditing import Audit
from weightlens.auditing.finding import Finding
from weightlens.terminal.machine import to_json

FORMATS = ("table", "json", "csv", "parquet", "sarif", "xlsx", "html")
COLUMNS = ("file", "layer", "weight", "rule", "level", "message", "evidence")


def cells_of(one: Finding, columns: Sequence[str] = COLUMNS) -> list[str]:
    """A finding as texts, in the order of the columns, of which the last is the evidence, as JSON."""
    return [*(getattr(one, name) for name in columns[:-1]), to_json(one.evidence).decode()]


def write(audit: Audit, output_format: str, file: BinaryIO) -> None:
    """Write the report in any format but ``table``."""
    module = {"xlsx": "findings_book", "html": "findings_page"}.get(output_format, "plain_reports")
    getattr(importlib.import_module(f"weightlens.auditing.reports.{module}"), f"write_{output_format}")(audit, file)
