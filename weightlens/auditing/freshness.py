"""The rule ``untrained``: a layer that still has the values that its initializers gave it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from weightlens.auditing.finding import Hit
from weightlens.auditing.numbers.initial import Fit, fit
from weightlens.auditing.numbers.units import KERNELS
from weightlens.auditing.numbers.weight_facts import WeightFacts
from weightlens.model import Layer

P_LEAST = 1e-4  # a fresh kernel is missed once in ten thousand
FIRST_VALUES: Mapping[str, Any] = {
    "kernel": "glorot_uniform", "recurrent_kernel": "orthogonal", "embeddings": "uniform", "gamma": "ones", "moving_variance": "ones",
    "depthwise_kernel": "glorot_uniform", "pointwise_kernel": "glorot_uniform", "bias": "zeros", "beta": "zeros", "moving_mean": "zeros",
    "alpha": "zeros",
}  # fmt: skip
SETTINGS = {"recurrent_kernel": "recurrent", "depthwise_kernel": "depthwise", "pointwise_kernel": "pointwise"}


def untrained_hits(layers: list[tuple[str, Layer, dict[str, WeightFacts]]]) -> Iterator[Hit]:
    """The layers that are as they were made. One with a drawn kernel alone is believed only where no layer has changed."""
    fits = {name: [(key, weight_fit(layer, key, of_weight)) for key, of_weight in facts.items()] for name, layer, facts in layers if facts}
    fresh = {name: bool(found) and all(one is not None and one.p > P_LEAST for _, one in found) for name, found in fits.items()}
    witnessed = {name: any(one is not None and one.exact for _, one in found) for name, found in fits.items()}
    all_fresh = all(fresh.values()) and any(witnessed.values())
    for name, layer, facts in layers:
        moving = "moving_variance" in facts or any(key.rpartition("/")[2] in KERNELS for key in facts)
        if fresh.get(name) and ((witnessed[name] and moving) or all_fresh):
            drawn = {key: {"initializer": one.initializer, "p": one.p} for key, one in fits[name] if one is not None}
            words = ", ".join(f"{key} as {one.initializer} makes it" for key, one in fits[name][:3] if one is not None)
            yield Hit("untrained", f"{layer.class_name}: {words}", name, "", {"weights": drawn})


def weight_fit(layer: Layer, key: str, facts: WeightFacts) -> Fit | None:
    """How well a weight fits the initializer that its layer's configuration names for it."""
    last = key.rpartition("/")[2]
    setting = f"{SETTINGS.get(last, last)}_initializer"
    initializer = layer.config.get(setting) or FIRST_VALUES.get(last)
    if initializer is None or facts.nan or facts.infinite or not facts.size:
        return None
    if last == "bias" and layer.config.get("unit_forget_bias"):
        gates = facts.sample.reshape(4, -1) if facts.size % 4 == 0 and len(facts.sample) == facts.size else np.ones((4, 1))
        return Fit("unit_forget_bias", float((gates == [[0], [1], [0], [0]]).all()), exact=True)
    found = fit(facts, initializer)
    if found is not None and not found.exact and len(np.unique(facts.sample)) < 0.95 * len(facts.sample):
        return found._replace(p=0.0)  # drawn numbers are hardly ever the same
    return found
