"""Settings of a layer in words, filled into the templates of its sentence: "windows of 3 x 3 pixels, moving one step at a time".

``fill`` takes a template. ``{units:unit}`` is a setting with its noun ("16 units", "one unit"),
``{units:Its one unit|Each of its # units}`` what to say of one and of several, ``{alpha}`` the number alone. Other names in braces
are those of ``PARTS``: words worked out of several settings. A setting that is missing, or that is none such as the table of options
allows, is left out: damaged files have sentences too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weightlens.specs.words.number_words import Setting, amount, number, sizes_in_words
from weightlens.specs.words.window_words import (  # fmt: skip
    FRAMES,
    PLACE,
    SPACE,
    Config,
    Part,
    bins,
    blocks,
    pool,
    pool_steps,
    sides,
    spread_windows,
    windows,
)


def fill(template: str, config: Config, rank: int = 0, **words: str) -> str:
    """The template with the settings of a layer of ``rank`` spatial axes; ``words``: further parts."""
    return template.format_map(Filled(config, rank, words))


class Filled(dict[str, Any]):
    """What stands for the names of a template."""

    def __init__(self, config: Config, rank: int, words: Mapping[str, str]) -> None:
        super().__init__(words)
        self.config, self.rank = config, rank

    def __missing__(self, name: str) -> Any:
        part = PARTS.get(name)
        return Setting(self.config.get(name)) if part is None else part(self.config, self.rank)


def shape(config: Config, rank: int) -> str:
    """The shape that numbers are arranged in, where it is known in full."""
    target = config.get("target_shape")
    if not isinstance(target, (list, tuple)) or not target or not all(isinstance(n, int) and n > 0 for n in target):
        return ""
    return f" in a row of {target[0]}" if len(target) == 1 else f" as {sizes_in_words(list(target))}"


def order(config: Config, rank: int) -> str:
    """The order that axes are put in."""
    dims = config.get("dims")
    listed = isinstance(dims, (list, tuple)) and all(isinstance(n, int) for n in dims)
    return f" ({', '.join(map(str, dims))})" if listed and dims else ""


def relu(config: Config, rank: int) -> str:
    """What a rectified linear unit does, with its three options."""
    slope, top, edge = (amount(config.get(name)) for name in ("negative_slope", "max_value", "threshold"))
    most = "" if top is None else f"; nothing becomes larger than {number(top)}"
    if not edge:
        below = f"multiplies negative ones by {number(slope)}" if slope else "turns negative ones into 0"
        return f"keeps positive numbers and {below}{most}"
    below = f"of the others it takes {number(edge)} away and multiplies by {number(slope)}" if slope else "the others become 0"
    return f"keeps numbers above {number(edge)}, and {below}{most}"


def limit(config: Config, rank: int) -> str:
    """What an exponential linear unit makes of very negative numbers."""
    alpha = amount(config.get("alpha"))
    return "a limit" if alpha is None else number(-alpha)


def kept_shape(config: Config, rank: int) -> str:
    """What is done so that a resized picture keeps its proportions."""
    done = "cuts off edges" if config.get("crop_to_aspect_ratio") else "adds a border" if config.get("pad_to_aspect_ratio") else ""
    return f" To keep the proportions, it {done} first." if done else ""


def learned_scale(config: Config, rank: int) -> str:
    """What follows a normalization: the learned factor and the learned number."""
    factor = "multiplies by a learned factor (gamma)" if config.get("scale", True) else ""
    added = "adds a learned number (beta)" if config.get("center", True) else ""
    return f" Then it {' and '.join(part for part in (factor, added) if part)}." if factor or added else ""


def epsilon(config: Config, rank: int) -> str:
    """What epsilon is for."""
    value = amount(config.get("epsilon"))
    return f" Epsilon, {number(value)}, is added under the root: it keeps the layer from dividing by 0." if value else ""


def groups_of_channels(config: Config, rank: int) -> str:
    """What a group normalization treats as one."""
    count = config.get("groups", 32)
    if count == -1:
        return "each channel of a sample"
    return "all channels of a sample together" if count == 1 else f"each of {Setting(count):group} of channels of a sample"


def groups_of_filters(config: Config, rank: int) -> str:
    """Which channels a filter sees, where that is not all."""
    count = config.get("groups")
    return f" The channels are split into {count} groups, and each filter sees one of them." if isinstance(count, int) and count > 1 else ""


def factor(config: Config, rank: int) -> str:
    """What a rescaling multiplies by and adds."""
    scale, offset = amount(config.get("scale")), amount(config.get("offset", 0.0))
    multiplied = "a factor for each channel" if scale is None else number(scale)
    added = " and adds a number for each channel" if offset is None else f" and adds {number(offset)}" if offset else ""
    return multiplied + added


def score(config: Config, rank: int) -> str:
    """How an attention layer measures how well a key fits."""
    if config.get("score_mode", "dot") == "dot":
        return "the dot product of query and key"
    return "the tanh of query plus key, added up"


def ranges(config: Config, rank: int) -> str:
    """How many ranges the boundaries make."""
    boundaries = config.get("bin_boundaries")
    return f"{Setting(len(boundaries) + 1 if isinstance(boundaries, list) else None):range}"


def text_length(config: Config, rank: int) -> str:
    """How many numbers a text becomes, where that is fixed."""
    count = amount(config.get("output_sequence_length"))
    if count is None or config.get("output_mode", "int") != "int":
        return ""
    return f" Each text becomes {Setting(count):number}: longer ones are cut, shorter ones filled up with 0."


def percent(config: Config, rank: int) -> str:
    """A rate as a share."""
    rate = amount(config.get("rate"))
    return "a share" if rate is None else f"about {number(100 * rate)} %"


def by_value(name: str, words: Mapping[Any, str], missing: Any = None, otherwise: str = "") -> Part:
    """The words for each value that a setting may have; ``missing``: the value that it has without being there."""

    def part(config: Config, rank: int) -> str:
        value = config.get(name, missing)
        return words.get(value, otherwise) if value is None or isinstance(value, (str, int)) else otherwise

    return part


def flag(name: str, true: str, false: str = "", missing: bool = False) -> Part:
    """What to say of a setting that is on or off."""
    return lambda config, rank: true if config.get(name, missing) else false


MARKED = " A sample becomes a row with 1 at each such number that occurs, and 0 elsewhere."
RARE = " A sample becomes a row that counts each such number, and rare ones weigh more (TF-IDF)."
MERGED = {"concat": "puts both results side by side", "sum": "adds both results", "mul": "multiplies both results",
          "ave": "takes the mean of both results"}  # fmt: skip
STRENGTHS = {
    "log": "the logarithm of its strength", "magnitude": "its strength", "psd": "its power", "angle": "its phase",
    "real": "the real part of its wave", "imag": "the imaginary part of its wave", "stft": "the real and the imaginary part of its wave",
}  # fmt: skip

# Words that are worked out of the settings of a layer with so many spatial axes.
PARTS: dict[str, Part] = {
    "space": lambda config, rank: SPACE[rank], "place": lambda config, rank: PLACE[rank], "frame": lambda config, rank: FRAMES[rank],
    "windows": windows, "spread_windows": spread_windows, "pool": pool, "pool_steps": pool_steps, "bins": bins, "blocks": blocks,
    "cropped": sides("cropping"), "padded": sides("padding"), "shape": shape, "order": order, "relu": relu,
    "learned_scale": learned_scale, "epsilon_words": epsilon, "groups_of_channels": groups_of_channels,
    "groups_of_filters": groups_of_filters, "factor": factor, "score": score, "percent": percent,
    "limit": limit, "ranges": ranges, "length": text_length, "kept_shape": kept_shape,
    "bias": flag("use_bias", ", plus a bias", missing=True),
    "einsum_bias": flag("bias_axes", ", plus a bias"),
    "no_word": flag("mask_zero", " Number 0 stands for no word, and later layers skip it."),
    "joined_along": lambda config, rank: "the last axis" if config.get("axis", -1) == -1 else f"axis {Setting(config.get('axis'))}",
    "cosine": flag("normalize", " Both are scaled to length 1 first, so that the result is the cosine of the angle between them."),
    "reads": flag("go_backwards", "Reads the sequence backwards step by step", "Reads the sequence step by step"),
    "returns": flag("return_sequences", " It hands on the result of every step.", " It hands on its last result only."),
    "stretches": flag("rms_scaling", "Divides", "Moves and stretches"),
    "to_standard": flag("rms_scaling", " by their standard deviation.", " so that their mean is 0 and their standard deviation about 1."),
    "new_pixels": by_value("interpolation", {"nearest": "copies the nearest old one"}, otherwise="blends old ones nearby"),
    "merged": by_value("merge_mode", MERGED, "concat", otherwise="hands on both results"),
    "marks": by_value("output_mode", {"one_hot": "1 at the place of the category, 0 elsewhere", "count": "how often each category occurs"},
                  otherwise="1 for each category that occurs, 0 for the others"),
    "encoding": by_value("output_mode", {"one_hot": " It writes that number as a row of zeros with a single 1 (one-hot).",
                                     "multi_hot": MARKED, "binary": MARKED, "tf_idf": RARE, "tf-idf": RARE,
                                     "count": " A sample becomes a row that counts how often each such number occurs."}),
    "pieces": by_value("split", {"character": "Cuts each text into characters and replaces each", None: "Replaces each text"}, "whitespace",
                   otherwise="Cuts each text into words and replaces each"),
    "strength": by_value("mode", STRENGTHS, "log", otherwise="its strength"),
    "moments": by_value("mode", {1: "of the sample itself", 2: "of the batch itself"}, otherwise="seen in training"),  # 1, 2: Keras 1's
    "decibels": flag("power_to_db", ", in decibels", missing=True),
}  # fmt: skip
