"""The shapes that a layer's configuration demands of its weights; ``None`` for an axis whose length it does not tell.

A rule, which ``LayerSpec.shapes`` names, takes the configuration and the shape of what comes in (``None`` where it is not known
yet: axes that depend on it are open) and gives the shapes by the name of the weight; one that it does not name may have any.
"""

from __future__ import annotations

from typing import Any

from weightlens.specs.sizes import Config, Incoming, Shape, Size, channels, dimension, spread, times
from weightlens.specs.variables import ATTENTION_PARTS


def lengths_of(axes: Any, x: Incoming) -> Shape | None:
    """The lengths of some axes of what comes in, as they are listed; ``None`` where it is not known or has no such axis."""
    listed = axes if isinstance(axes, (list, tuple)) else [axes]
    return None if x is None or not all(-len(x) <= a < len(x) for a in listed) else tuple(x[a] for a in listed)


def same(names: str, shape: Shape | None) -> dict[str, Shape]:
    """One shape for several weights."""
    return {} if shape is None else dict.fromkeys(names.split(), shape)


def gru(config: Config, x: Incoming) -> dict[str, Shape]:
    """Two rows of biases where the reset gate acts after the product."""
    columns = times(3, dimension("units", config, x))
    return {"bias": (2, columns) if config.get("reset_after", True) else (columns,)}


def batch_normalization(config: Config, x: Incoming) -> dict[str, Shape]:
    """A number for each channel; over several axes Keras 2 keeps the others with a length of one."""
    axis = config.get("axis", -1)
    names = "gamma beta moving_mean moving_variance moving_stddev renorm_mean renorm_stddev"
    if isinstance(axis, (list, tuple)) and len(axis) > 1:
        if x is None:
            return {}
        kept = {a % len(x) for a in axis}
        return same(names, tuple(n if i in kept else 1 for i, n in enumerate(x)))
    return same(names, lengths_of(axis, x) or (None,))


def layer_normalization(config: Config, x: Incoming) -> dict[str, Shape]:
    """A number for each place along the axes that are normalised."""
    return same("gamma beta scale", lengths_of(config.get("axis", -1), x))


def group_normalization(config: Config, x: Incoming) -> dict[str, Shape]:
    """A number for each channel."""
    return same("gamma beta", lengths_of(config.get("axis", -1), x) or (None,))


def normalization(config: Config, x: Incoming) -> dict[str, Shape]:
    """A mean and a variance for each place along the axes that are kept apart."""
    axis = config.get("axis", -1)
    if isinstance(axis, (list, tuple)) and x is not None:
        axis = sorted(a % len(x) for a in axis)
    return same("mean variance", () if axis is None else lengths_of(axis, x)) | {"count": ()}


def prelu(config: Config, x: Incoming) -> dict[str, Shape]:
    """A slope for each number of a sample, one for all along the shared axes."""
    if x is None:
        return {}
    shared = config.get("shared_axes") or []
    shared = {axis % len(x) for axis in (shared if isinstance(shared, (list, tuple)) else [shared])}
    return same("alpha beta t_left a_left t_right a_right", tuple(1 if i in shared else n for i, n in enumerate(x) if i))


def attention(config: Config, x: Incoming) -> dict[str, Shape]:
    """The projections of the heads; those of the query may be more than those of key and value."""
    grouped = "head_dim" in config
    heads = config.get("num_query_heads" if grouped else "num_heads")
    own = config.get("num_key_value_heads") if grouped else heads
    size = config.get("head_dim" if grouped else "key_dim")
    values = size if grouped else config.get("value_dim") or size
    out = config.get("output_shape")
    ends = (channels({}, x),) if out is None else spread(out, 1)
    sizes = {"query": (heads, size), "key": (own, size), "gate": (heads, values), "value": (own, values)}
    shapes: dict[str, Shape] = {f"{part}/bias": sizes[part] for part in ATTENTION_PARTS[:4]} | {"attention_output/bias": ends}
    shapes |= {f"{part}/kernel": (channels({}, x) if part in ("query", "gate") else None, *sizes[part]) for part in ATTENTION_PARTS[:4]}
    return shapes | {"attention_output/kernel": (heads, values, *ends)}


def einsum_dense(config: Config, x: Incoming) -> dict[str, Shape]:
    """The letters of the equation: sizes of the output's are settings, those of the input's come in."""
    inputs, _, rest = str(config.get("equation", "")).replace(" ", "").partition(",")
    kernel, _, output = rest.partition("->")
    last = output.endswith("...")  # the axes without letters come last, else they come first
    inputs, output = inputs.replace("...", ""), output.replace("...", "")
    given = spread(config.get("output_shape") or (), 1)
    sizes = lettered(output[1:] if last else output, given, last) | ({} if x is None else lettered(inputs, x, last))
    shapes: dict[str, Shape] = {"kernel": tuple(sizes.get(letter) for letter in kernel)}
    axes = config.get("bias_axes")
    if axes and set(axes) <= set(output) and (x is not None or not last):
        biased = output[min(map(output.index, axes)) :]
        ones = (1,) * (len(x) - len(inputs)) if x is not None and last else ()
        shapes["bias"] = (*(sizes.get(letter) if letter in axes else 1 for letter in biased), *ones)
    return shapes


def lettered(letters: str, sizes: Shape, from_left: bool) -> dict[str, Size]:
    """The size of each letter, counted from the left or from the right."""
    if not from_left:
        letters, sizes = letters[::-1], sizes[::-1]
    return {letter: size for letter, size in zip(letters, sizes, strict=False) if size is not None}


def locally_connected(config: Config, x: Incoming) -> dict[str, Shape]:
    """A kernel for each place, its field in one row (the first of the three layouts that Keras 2 has)."""
    rank = len(spread(config.get("kernel_size"), 1))
    filters = config.get("filters")
    if config.get("implementation", 1) != 1:
        return {}
    field = times(*spread(config.get("kernel_size"), rank), channels(config, x))
    return {"kernel": (None, field, filters), "bias": (*((None,) * rank), filters)}


def spectrogram(config: Config, x: Incoming) -> dict[str, Shape]:
    """A wave for each frequency that a frame can hold, where not told otherwise one of the next power of two."""
    frame = config.get("frame_length", 256)
    return same("real_kernel imag_kernel", (frame, 1, (config.get("fft_length") or 1 << (frame - 1).bit_length()) // 2 + 1))
