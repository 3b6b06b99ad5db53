"""What the axes of an input mean: told by the first layer that reads it and takes known axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from weightlens.axes.names import guessed, spaces
from weightlens.recording.graph import walk
from weightlens.specs.registry import spec

if TYPE_CHECKING:
    from weightlens.recording import Recorded, Trace

# What the dots of ``LayerSpec.takes`` stand for, by how many axes they are: at the end the inside of a time step, else places.
INSIDE = {1: ("feature",), 2: ("row", "channel"), 3: ("row", "column", "channel")}
PLACES = {1: ("token",), 2: ("row", "column")}


def input_axes(trace: Trace, x: Recorded) -> Sequence[str]:
    """The axes of an input, by the first layer that tells; what is usual where none does."""
    same, looked = {id(x)}, set[str]()
    for step in trace.steps:
        if not any(id(y) in same for y in walk([step.made])):
            continue
        for path in outside_in(step.layer):
            layer = trace.layers.get(path)
            if layer is not None and path not in looked and (axes := told(layer.class_name, layer.config, x.ndim)):
                return axes
            looked.add(path)
        if step.made.shape == x.shape:
            same.add(id(step.made))
    return guessed(x.shape, set())


def outside_in(path: str) -> list[str]:
    """The layers in which a step is made, a wrapper before what it is wrapped around."""
    parts = path.split("/")
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def told(kind: str, config: dict[str, Any], rank: int) -> tuple[str, ...]:
    """The axes of what a layer takes, where its class says so."""
    known = spec(kind)
    takes = (known.takes or ("sample, *, channel" if known.spatial else "")).replace("*", ", ".join(spaces(kind, known.spatial)))
    axes = takes.split(", ") if takes else []
    if "..." in axes:
        at, n = axes.index("..."), rank - len(axes) + 1
        axes[at : at + 1] = (INSIDE if axes[-1] == "..." else PLACES).get(n, ("place",) * n) if n > 0 else ("...",)
    if "channel" in axes and config.get("data_format") == "channels_first":
        axes.remove("channel")
        axes.insert(len(axes) - known.spatial, "channel")
    return tuple(axes) if len(axes) == rank and "..." not in axes else ()
