"""The tests of weightlens.

They may keep compiled code even where the machine says not to (``PYTHONDONTWRITEBYTECODE``): compiling the tests takes longer than
collecting them, and each command that a test starts would compile weightlens again.
"""

import os
import sys

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what a test starts inherits this, and so do the other processes of a run
sys.dont_write_bytecode = False
