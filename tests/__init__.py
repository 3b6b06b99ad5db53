"""The tests of weightlens.

Where Python is told to write no compiled code beside the sources, it writes it into pytest's own folder: compiling the tests takes
longer than collecting them, and every command that a test starts would compile weightlens again.
"""

import os
import sys
from pathlib import Path

if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):  # what a test starts, and the other processes of a run, inherit the next line
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(__file__).resolve().parent.parent / ".pytest_cache" / "bytecode")
    sys.pycache_prefix, sys.dont_write_bytecode = os.environ["PYTHONPYCACHEPREFIX"], False
