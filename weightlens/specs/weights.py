"""Names and shapes of a layer's weights checked against its configuration, before anything is computed."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from weightlens.specs.kinds import found_text
from weightlens.specs.registry import spec
from weightlens.specs.sizes import Config, Incoming, Shape, Size, dimension, shape_words, spread
from weightlens.specs.variables import variable_names, variables_of

UNUSED = ("count", "vector_u")  # weights that are not needed to compute the output
BESIDE = ("scale", "zero", "g_idx", "history")  # endings of the names of arrays that only quantised layers have


def written(line: str, class_name: str, config: Config, x: Incoming) -> Shape:
    """A shape as the table writes it."""
    axes: list[Size] = []
    rank = spec(class_name).spatial
    for word in line.split(","):
        if word.startswith("*"):
            axes += [1] * rank if word == "*ones" else list(spread(config.get(word[1:]), rank))
        elif word != "()":
            axes.append(dimension(word, config, x))
    return tuple(axes)


def expected_shapes(class_name: str, config: Config, x: Incoming) -> dict[str, Shape]:
    """The shapes that the configuration demands, by the name of the weight."""
    known = spec(class_name)
    if x and known.spatial and "time step" in known.takes:
        x = (x[0], *x[2:])  # each time step by itself
    written_down = {v.name: written(v.shape, class_name, config, x) for v in variables_of(class_name) if v.shape}
    if not known.shapes:
        return written_down
    from weightlens.specs import shapes  # few networks need them

    demanded: dict[str, Shape] = getattr(shapes, known.shapes)(config, x)
    return written_down | demanded


def contradictions(class_name: str, config: Config, stored: dict[str, tuple[int, ...]], x: Incoming = None) -> Iterator[str]:
    """Contradictions between the stored arrays of a layer and its configuration, one line each.

    ``x`` is the shape of what comes in, batch first, where it is known. A class without a spec has none.
    """
    yield from (line for _, line in mismatches(class_name, config, stored, x))
    yield from (f"the file lacks {name!r} for it" for name in lacking(class_name, config, stored))


def lacking(class_name: str, config: Config, stored: Container[str]) -> list[str]:
    """The weights that a layer needs to compute and the file has not."""
    names = variable_names(class_name, {**config, "quantization_mode": ""})
    return [name for name in names or () if name not in stored and name not in UNUSED]


def mismatches(class_name: str, config: Config, stored: dict[str, tuple[int, ...]], x: Incoming = None) -> Iterator[tuple[str, str]]:
    """The stored arrays that a layer's configuration excludes, and those of another shape than it demands: name, and one line."""
    names = variable_names(class_name, {**config, "quantization_mode": ""})
    if names is None:
        return
    if not config.get("quantization_mode") and not spec(class_name).again:
        yield from ((name, _not_asked_for(name, config)) for name in stored if name not in names and not _beside(name))
    shapes = expected_shapes(class_name, config, x)
    for name in names:
        if name not in stored or name not in shapes or fits(stored[name], shapes[name]):
            continue
        if not _packed(class_name, name, stored[name], config):
            yield name, explained(class_name, name, stored[name], shapes[name], config)


def fits(stored: tuple[int, ...], asked: Shape) -> bool:
    """Whether a shape is the one asked for, as far as that is known."""
    return len(stored) == len(asked) and all(want is None or want == have for want, have in zip(asked, stored, strict=True))


def _packed(class_name: str, name: str, stored: tuple[int, ...], config: Config) -> bool:
    """Whether this is the kernel of a quantised EinsumDense, which may be stored as a matrix whatever its equation says."""
    return class_name == "EinsumDense" and name == "kernel" and bool(config.get("quantization_mode")) and len(stored) == 2


def _beside(name: str) -> bool:
    return name == "lora_kernel" or name.endswith(BESIDE) or name.startswith("seed")


def _not_asked_for(name: str, config: Config) -> str:
    flag = {"bias": "use_bias", "beta": "center", "gamma": "scale"}.get(name.rpartition("/")[2], "")
    setting = f"{flag} is {found_text(config[flag])}" if flag in config else "its settings ask for none"
    return f"{setting}, but the file has a {name} for it"


def explained(class_name: str, name: str, stored: tuple[int, ...], asked: Shape, config: Config) -> str:
    """In words: ``units 1, but the kernel has 2 columns``."""
    line = next((v.shape for v in variables_of(class_name) if v.name == name), "")
    if line and len(stored) == len(asked) and ",*" not in f",{line}":
        words = line.split(",")
        axis = next(i for i, (want, have) in enumerate(zip(asked, stored, strict=True)) if want is not None and want != have)
        counted = _counted(stored[axis], axis, len(stored))
        if words[axis] in config:
            return f"{words[axis]} {config[words[axis]]}, but the {name} has {counted}"
        if words[axis] == "in":
            return f"{asked[axis]} numbers come in, but the {name} has {counted}"
    reasons = ", ".join(f"{key} {found_text(config[key])}" for key in _settings_in(line, config))
    return f"{reasons or 'its settings'}: a {name} of {shape_words(asked)} is asked for, but the file's has {shape_words(stored)}"


def _settings_in(line: str, config: dict[str, Any]) -> list[str]:
    words = line.replace("*", " ").replace(",", " ").replace("/", " ").split()
    return [word for word in dict.fromkeys(words) if word in config]


def _counted(number: int, axis: int, rank: int) -> str:
    unit = ("row", "column")[axis] if rank == 2 else "number" if rank == 1 else f"place along axis {axis}"
    return f"{number} {unit}{'s' * (number != 1) if rank < 3 else ''}"
