"""The recorded forward pass: arrays that remember how they were made, the graph they form, and the trace of its named steps.

``arrays`` has ``Recorded``, ``trace`` has ``Step`` and ``Trace``, ``graph`` walks and evaluates what was recorded,
``calls`` knows which NumPy calls move, reduce and multiply. Words, formulas, gradients and replays read all of it here.
"""

from typing import TYPE_CHECKING

from weightlens.recording.arrays import EVERY, FIRST, NEITHER, Array, Part, Recorded, Role, cast, each, noted, record, tied, value_of
from weightlens.recording.graph import operands

if TYPE_CHECKING:
    from weightlens.recording.trace import LayerRun, Step, Trace

__all__ = [
    "EVERY", "FIRST", "NEITHER", "Array", "LayerRun", "Part", "Recorded", "Role", "Step", "Trace", "cast", "each", "noted", "operands",
    "record", "tied", "value_of",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """What is imported when it is asked for: a command that only looks at a file makes no trace."""
    if name not in ("LayerRun", "Step", "Trace"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from weightlens.recording import trace

    return getattr(trace, name)
