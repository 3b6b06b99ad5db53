"""A layer's configuration checked against its spec: unknown options, missing ones, values of the wrong kind."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from weightlens.specs.kinds import KINDS, found_text
from weightlens.specs.registry import spec

# Options of every layer: they name it, or act only while it is built or trained.
EVERYWHERE = (
    "name:any trainable:any dtype batch_shape batch_input_shape input_shape:any input_dim:any input_length:any batch_size:any "
    "weights:any dynamic:any autocast:any seed:any build_config:any rng_type:any force_generator:any implementation:any noise_shape:any "
    "cache_enabled:any W_learning_rate_multiplier:any b_learning_rate_multiplier:any input_dtype:any registered_name:any module:any "
    "shared_object_id:any"
)
HARMLESS_ENDINGS = ("_initializer", "_regularizer", "_constraint", "_init")
KIND_OF: dict[str, str] = {
    "axes": "axes_of_two", "units": "count", "filters": "count", "kernel_size": "sizes", "strides": "sizes", "dilation_rate": "sizes",
    "padding": "border",
    "groups": "count", "depth_multiplier": "count", "output_padding": "naturals?", "data_format": "format", "activation": "activation",
    "recurrent_activation": "activation", "rate": "number", "dropout": "number", "recurrent_dropout": "number", "epsilon": "positive",
    "momentum": "number", "axis": "axis", "alpha": "number", "negative_slope": "number", "max_value": "number?", "threshold": "number",
    "theta": "number", "stddev": "number", "l1": "number", "l2": "number", "scale": "flag", "input_dim": "count", "output_dim": "count",
    "n": "count", "dims": "order", "target_shape": "target", "size": "sizes", "height": "count", "width": "count", "dtype": "dtype",
    "interpolation": "interpolation", "layer": "layer", "cell": "any", "backward_layer": "layer?", "equation": "text",
    "bias_axes": "text?", "output_shape": "shape?", "lora_rank": "count?", "lora_alpha": "number?", "quantization_config": "any",
    "pool_size": "sizes", "merge_mode": "merge", "batch_shape": "batch", "batch_input_shape": "batch", "fill_value": "number",
    "fill_mode": "text",
}  # fmt: skip
FLAGS = frozenset({  # options that are true or false
    "use_bias", "center", "return_sequences", "return_state", "go_backwards", "stateful", "unroll", "reset_after", "time_major",
    "zero_output_for_mask", "unit_forget_bias", "mask_zero", "keepdims", "normalize", "use_scale", "renorm", "synchronized", "fused",
    "rms_scaling", "invert", "sparse", "ragged", "optional", "tie_weights", "use_gate", "flash_attention", "antialias",
    "crop_to_aspect_ratio", "pad_to_aspect_ratio", "pad_to_max_tokens", "has_input_vocabulary", "power_to_db", "periodic", "expand_dims",
    "softmax_robust_masking", "robust_masking",
})  # fmt: skip
MOST = 20  # faults listed for one layer


class Option(NamedTuple):
    """One option of a layer class: the kind of its value, whether it is required, the only version of Keras that has it (0: all)."""

    kind: str
    needed: bool = False
    version: int = 0


def options_of(class_name: str) -> dict[str, Option] | None:
    """The options of a layer class by name; ``None`` for a class whose options are not checked."""
    own = spec(class_name).options
    return None if own is None else _parsed(EVERYWHERE) | _parsed(own)


def own_options(class_name: str) -> dict[str, Option]:
    """The options of a layer class that not every layer has."""
    return _parsed(spec(class_name).options or "")


def of_every_layer() -> dict[str, Option]:
    """The options that every layer may have."""
    return _parsed(EVERYWHERE)


@functools.cache
def _parsed(line: str) -> dict[str, Option]:
    options: dict[str, Option] = {}
    version = 0
    for word in line.split():
        if word.startswith("|"):
            version = int(word[1:])
            continue
        word, _, kind = word.partition(":")
        name = word.removesuffix("!")
        kind = kind or ("flag" if name in FLAGS and name not in KIND_OF else KIND_OF[name])
        known = options.get(name)
        options[name] = Option(kind, word.endswith("!"), version if known is None or known.version == version else 0)
    return options


def sound(class_name: str, config: dict[str, Any], version: int) -> tuple[dict[str, Any], list[str]]:
    """The configuration without its wrong options, and one line for each of these.

    ``version`` is the generation of Keras that wrote it, 0 or 1 to 3. A class without a spec is not checked.
    """
    known = options_of(class_name)
    if known is None:
        return config, []
    faults = [f"{name} is missing" for name, option in known.items() if option.needed and name not in config]
    rank, good = spec(class_name).spatial, {}
    for name, value in config.items():
        fault = "more" if len(faults) > MOST and name not in known else _fault(name, value, known, rank, version)
        if not fault:
            good[name] = value
        elif len(faults) <= MOST:
            faults.append(fault)
    return good if len(good) < len(config) else config, faults


def _fault(name: str, value: Any, known: dict[str, Option], rank: int, version: int) -> str:
    option = known.get(name)
    if option is None:
        if value is None or name.endswith(HARMLESS_ENDINGS):
            return ""
        import difflib  # seldom needed

        close = difflib.get_close_matches(name, known, 1, 0.8) if len(name) < 40 else []
        hint = f"; did you mean {close[0]}?" if close else ""
        return f"has the option {name} ({found_text(value)}), which no version of Keras knows for it{hint}"
    if option.version > 1 and version > 1 and option.version != version and (value is True or value not in (None, False, 1)):
        return f"has the option {name} ({found_text(value)}), which only Keras {option.version} knows, and this is Keras {version}'s"
    fits, allowed = KINDS[option.kind]
    if not fits(value, rank):
        return f"{name} is {found_text(value)}, but it has to be {allowed}"
    if option.kind == "activation" and isinstance(value, dict):
        return _inside(name, value, version)
    return ""


def _inside(name: str, function: dict[str, Any], version: int) -> str:
    """The first fault of an activation that is a layer with settings of its own."""
    settings, class_name = function.get("config"), function.get("class_name")
    if not isinstance(settings, dict) or not isinstance(class_name, str):
        return "" if isinstance(settings, str) else f"{name} is {found_text(function)}, but it has to be the name of a function or a layer"
    faults = sound(class_name, settings, version)[1]
    return f"in its {name}, {class_name} {faults[0]}" if faults else ""
