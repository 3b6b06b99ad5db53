"""What is common to all workers."""

from typing import TypeVar

T = TypeVar("T")  # what a task takes
R = TypeVar("R")  # what it makes of it
AHEAD = 4  # tasks given to each worker at a time
