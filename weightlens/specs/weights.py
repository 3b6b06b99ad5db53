"""Names and shapes of a layer's weights checked against its configuration, before anything is computed."""

from __future__ import annotations

from collections.abc import Container, Iterator

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


def lacking(class_name: str, config: Config, stored: Container[str]) -> list[str]:
    """The weights that a layer needs to compute and the file has not."""
    names = variable_names(class_name, {**config, "quantization_mode": ""})
    return [name for name in names or () if name not in stored and name not in UNUSED]


def mismatches(class_name: str, config: Config, stored: dict[str, tuple[int, ...]], x: Incoming = None) -> Iterator[tuple[str, str]]:
    """The stored arrays that a layer's configuration excludes, and those of another shape than it demands: name, and one line.

    ``x`` is the shape of what comes in, batch first, where it is known. A class without a spec has none.
    """
    names = variable_names(class_name, {**config, "quantization_mode": ""})
    if names is None:
        return
    if not config.get("quantization_mode") and not spec(class_name).stored_twice:
        more = [name for name in stored if name not in names and not name.startswith("seed") and not name.endswith(BESIDE)]
        yield from ((name, _not_asked_for(name, config)) for name in more if name != "lora_kernel")
    shapes = expected_shapes(class_name, config, x)
    for name in names:
        if name not in stored or name not in shapes or fits(stored[name], shapes[name]):
            continue
        packed = class_name == "EinsumDense" and name == "kernel" and bool(config.get("quantization_mode"))
        if not packed or len(stored[name]) != 2:  # a quantised one may be stored as a matrix whatever its equation says
            yield name, explained(class_name, name, stored[name], shapes[name], config)


def fits(stored: tuple[int, ...], asked: Shape) -> bool:
    """Whether a shape is the one asked for, as far as that is known."""
    return len(stored) == len(asked) and all(want is None or want == have for want, have in zip(asked, stored, strict=True))


def _not_asked_for(name: str, config: Config) -> str:
    flag = {"bias": "use_bias", "beta": "center", "gamma": "scale"}.get(name.rpartition("/")[2], "")
    setting = f"{flag} is {found_text(config[flag])}" if flag in config else "its settings ask for none"
    return f"{setting}, but the file has a {name} for it"


def explained(class_name: str, name: str, stored: tuple[int, ...], asked: Shape, config: Config) -> str:
    """In words: ``units 1, but the kernel has 2 columns``."""
    line = next((v.shape for v in variables_of(class_name) if v.name == name), "")
    if line and len(stored) == len(asked) and ",*" not in f",{line}":
        axis = next(i for i, (want, have) in enumerate(zip(asked, stored, strict=True)) if want is not None and want != have)
        counted, word = _counted(stored[axis], axis, len(stored)), line.split(",")[axis]
        if word in config:
            return f"{word} {config[word]}, but the {name} has {counted}"
        if word == "in":
            return f"{asked[axis]} numbers come in, but the {name} has {counted}"
    words = dict.fromkeys(line.replace("*", " ").replace(",", " ").replace("/", " ").split())
    reasons = ", ".join(f"{key} {found_text(config[key])}" for key in words if key in config)
    return f"{reasons or 'its settings'}: a {name} of {shape_words(asked)} is asked for, but the file's has {shape_words(stored)}"


def _counted(number: int, axis: int, rank: int) -> str:
    unit = ("row", "column")[axis] if rank == 2 else "number" if rank == 1 else f"place along axis {axis}"
    return f"{number} {unit}{'s' * (number != 1) if rank < 3 else ''}"
