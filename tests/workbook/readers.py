"""Readers of .xlsx files that run on Node: SheetJS, ExcelJS and Microsoft's Open XML SDK (as ooxml-validator).

Install them once with ``npm install --prefix tests/workbook/node``, or anywhere else with ``WEIGHTLENS_NODE`` naming the
folder; then they have to be there. Without either the tests that ask them are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent / "node"
FOLDER = Path(os.environ.get("WEIGHTLENS_NODE", HERE)).resolve()
NODE_MISSING = (
    ""
    if "WEIGHTLENS_NODE" in os.environ or (shutil.which("node") and (FOLDER / "node_modules" / "exceljs").is_dir())
    else "node or its packages are missing: npm install --prefix tests/workbook/node"
)


def ask(task: str, books: list[Path]) -> dict[Path, Any]:
    """What a reader finds in each workbook; see ``node/read.mjs``."""
    command = ["node", str(HERE / "read.mjs"), str(FOLDER), task, *map(str, books)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=600)
    return {Path(path): found for path, found in json.loads(done.stdout).items()}
