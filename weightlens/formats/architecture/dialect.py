"""Which version of Keras wrote a file, as far as the file says."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from weightlens.formats.architecture.config_values import every_value

KERAS_1_KEYS = [
    "W_regularizer",
    "border_mode",
    "inner_activation",
    "input_dtype",
    "dim_ordering",
    "nb_filter",
    "custom_name",
    "pool_length",
]
KERAS_3_KEYS = ["batch_shape", "keras_history", "registered_name"]


class Dialect(NamedTuple):
    """The major version of Keras (0 to 3) that wrote a configuration or weights, with its full version and backend as stated."""

    major: int
    version: str = ""
    backend: str = ""
    known: bool = True  # False: the file does not say, the generation is guessed

    def at_least(self, *version: int) -> bool:
        """Whether the stated version is at least this one; False if none is stated."""
        return bool(self.stated) and self.stated >= version

    @property
    def stated(self) -> tuple[int, ...]:
        """The stated version in numbers; empty if none is stated."""
        return tuple(int(number) for number in re.findall(r"\d+", self.version)[:3])


def is_before_keras_3(version: str) -> bool:
    """Whether the stated version is of Keras 1 or 2; False if none is stated."""
    return version.startswith(("1", "2"))


def dialect_of(version: str, backend: str, architecture: Any) -> Dialect:
    """The dialect by the stated version, else by the keys of the configuration."""
    number = re.match(r"\s*v?(\d{1,3})\b", version)
    if number:
        return Dialect(min(int(number[1]), 3), version, backend)
    keys = frozenset(key for item in every_value(architecture) if isinstance(item, dict) for key in item)
    major = 3 if keys.intersection(KERAS_3_KEYS) else 1 if keys.intersection(KERAS_1_KEYS) else 2
    if keys and "class_name" not in keys:
        major = 0
    return Dialect(major, "", backend, known=False)
