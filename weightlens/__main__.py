"""``python -m weightlens``."""

import sys

from weightlens.cli import main

sys.exit(main())
