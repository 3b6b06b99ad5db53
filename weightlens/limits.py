"""Resource limits for untrusted files: a few bytes can declare, or unpack to, more than a machine's memory.

A file of less than 1 MB may cost at most 512 MB and 20 seconds; the limits for larger files grow with their size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

SMALL = 64 * 2**20  # bytes that a file of any size may unpack to
RATIO = 64  # further unpacked bytes per byte of the file

DEPTH = 64  # groups inside groups
OBJECTS = 300_000  # groups and arrays in an HDF5 file
ATTRIBUTE = 64 * 2**20  # bytes of an HDF5 attribute
TEXTS = 1_000_000  # in one HDF5 attribute
AXES = 32  # of an array, which any NumPy can count
LARGEST = 2**40  # elements of an array
TREE_LINES = 200_000
CHUNKS = 20_000  # chunks of an HDF5 array, whatever the size of its file; finding each takes memory

JSON = 64 * 2**20  # bytes of a configuration
VALUES = 3_000_000  # in a configuration or a vocabulary: each takes up to a hundred times the memory of its text

MEMBERS = 100_000  # of a zip file
BOOK = 16 * 2**20  # bytes of a workbook's list of its sheets and names
CELLS = 1_000_000  # of a workbook that is small; each takes some 200 bytes
ELEMENTS = 300_000  # of a row of a workbook
BLOCK = 16_000_000  # cells of a block that a workbook says it holds
PICTURE = 256 * 2**20  # bytes that the points of a picture take while it is read
AT_ONCE = 1 << 21  # numbers read in one piece, where an array is converted as it is read


def is_possible(shape: Sequence[int]) -> bool:
    """Whether an array may have this shape. Zeros count as ones: NumPy multiplies the other sizes of an empty array too."""
    return len(shape) <= AXES and math.prod(max(size, 1) for size in shape) <= LARGEST


def allowed_bytes(size: int) -> int:
    """How many bytes of data a file of this size may unpack to."""
    return SMALL + RATIO * size
