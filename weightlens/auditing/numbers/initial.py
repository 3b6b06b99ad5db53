"""The distributions from which Keras draws the first values of a weight, how well numbers fit them, and the rule ``untrained``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from weightlens.auditing.finding import Hit
from weightlens.auditing.numbers.units import KERNELS
from weightlens.auditing.numbers.weight_facts import WeightFacts
from weightlens.model import Layer

Cdf = Callable[[np.ndarray], np.ndarray]
TRUNCATED = 0.87962566103423978  # standard deviation of a normal distribution cut at two of its own
SCALES = {  # initializer: scale, mode, distribution, as in keras.initializers
    "glorotuniform": (1.0, "fan_avg", "uniform"), "glorotnormal": (1.0, "fan_avg", "truncated_normal"),
    "heuniform": (2.0, "fan_in", "uniform"), "henormal": (2.0, "fan_in", "truncated_normal"),
    "lecununiform": (1.0, "fan_in", "uniform"), "lecunnormal": (1.0, "fan_in", "truncated_normal"),
}  # fmt: skip
CONSTANTS = {"zeros": 0.0, "zero": 0.0, "ones": 1.0, "one": 1.0}
MOST_OFF = 3e-6  # of the number 1: rounding of float32
P_LEAST = 1e-4  # a fresh kernel is missed once in ten thousand
FIRST_VALUES: Mapping[str, Any] = {
    "kernel": "glorot_uniform", "recurrent_kernel": "orthogonal", "embeddings": "uniform", "gamma": "ones", "moving_variance": "ones",
    "depthwise_kernel": "glorot_uniform", "pointwise_kernel": "glorot_uniform", "bias": "zeros", "beta": "zeros", "moving_mean": "zeros",
    "alpha": "zeros",
}  # fmt: skip
SETTINGS = {"recurrent_kernel": "recurrent", "depthwise_kernel": "depthwise", "pointwise_kernel": "pointwise"}


class Fit(NamedTuple):
    """How well a weight fits its initializer: the name, and the p-value of the test (1 or 0 of an exact comparison)."""

    initializer: str
    p: float
    exact: bool = False


def fit(facts: WeightFacts, initializer: Any) -> Fit | None:
    """How well the numbers fit this initializer of the configuration; ``None`` where that cannot be said."""
    name, config = named(initializer)
    kind = name.lower().replace("_", "")
    if kind in CONSTANTS or kind == "constant":
        value = CONSTANTS.get(kind, config.get("value", 0.0))
        same = isinstance(value, int | float) and facts.is_constant and bool(np.float32(facts.least) == np.float32(value))
        return Fit(name, float(same), exact=True)
    if kind == "orthogonal":
        return orthogonal(facts, name, float(config.get("gain") or 1.0))
    found = distribution(kind, config, facts.shape)
    if found is None or not facts.size:
        return None
    cdf, least, most = found
    slack = MOST_OFF * max(abs(least), abs(most)) if math.isfinite(most) else 0.0
    if facts.least < least - slack or facts.most > most + slack:
        return Fit(name, 0.0)
    return Fit(name, p_value(kolmogorov(facts.sample, cdf), len(facts.sample)))


def named(initializer: Any) -> tuple[str, dict[str, Any]]:
    """The name of an initializer and its settings."""
    if isinstance(initializer, str):
        return initializer, {}
    if isinstance(initializer, dict) and isinstance(initializer.get("class_name"), str):
        config = initializer.get("config")
        return initializer["class_name"], config if isinstance(config, dict) else {}
    return "", {}


def distribution(kind: str, config: dict[str, Any], shape: tuple[int, ...]) -> tuple[Cdf, float, float] | None:
    """The cumulative distribution function, and the least and most that it can give."""
    if kind in SCALES or kind == "variancescaling":
        usual = {"scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal"}
        scale, mode, law = SCALES.get(kind) or [config.get(key, value) for key, value in usual.items()]
        fan_in, fan_out = fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}.get(str(mode), fan_in)
        variance = float(scale) / max(1.0, fan)
        if law == "uniform":
            return uniform(-math.sqrt(3 * variance), math.sqrt(3 * variance))
        return normal(0.0, math.sqrt(variance)) if law == "untruncated_normal" else truncated(0.0, math.sqrt(variance) / TRUNCATED)
    numbers = {key: config.get(key) for key in ("mean", "stddev", "minval", "maxval")}
    if any(value is not None and not isinstance(value, int | float) for value in numbers.values()):
        return None
    mean, deviation = float(numbers["mean"] or 0.0), float(numbers["stddev"] or 0.05)
    if kind in ("randomnormal", "normal"):
        return normal(mean, deviation)
    if kind == "truncatednormal":
        return truncated(mean, deviation)
    if kind in ("randomuniform", "uniform"):
        least, most = numbers["minval"], numbers["maxval"]
        return uniform(-0.05 if least is None else float(least), 0.05 if most is None else float(most))
    return None


def fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """How many inputs and outputs a weight of this shape joins, as Keras counts them."""
    if len(shape) < 2:
        size = float(shape[0]) if shape else 1.0
        return size, size
    field = math.prod(shape[:-2])
    return float(shape[-2] * field), float(shape[-1] * field)


def uniform(least: float, most: float) -> tuple[Cdf, float, float]:
    """The uniform distribution."""
    width = (most - least) or 1.0
    return lambda x: np.clip((x - least) / width, 0.0, 1.0), least, most


def normal(mean: float, deviation: float) -> tuple[Cdf, float, float]:
    """The normal distribution."""
    return lambda x: phi((x - mean) / deviation), -math.inf, math.inf


def truncated(mean: float, deviation: float) -> tuple[Cdf, float, float]:
    """The normal distribution cut at two standard deviations, drawn again where it is beyond."""
    low, span = float(phi(np.array(-2.0))), float(phi(np.array(2.0)) - phi(np.array(-2.0)))
    return lambda x: np.clip((phi((x - mean) / deviation) - low) / span, 0.0, 1.0), mean - 2 * deviation, mean + 2 * deviation


def phi(x: np.ndarray) -> np.ndarray:
    """The standard normal distribution function, to 1e-7 (Abramowitz, Stegun 1964, 26.2.17)."""
    t = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    series = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    tail = np.exp(-x * x / 2.0) / math.sqrt(2.0 * math.pi) * series
    below: np.ndarray = np.where(x >= 0, 1.0 - tail, tail)
    return below


def kolmogorov(sample: np.ndarray, cdf: Cdf) -> float:
    """The largest distance between the distribution of the sample and the one it should have."""
    ordered = np.sort(sample)
    count = len(ordered)
    expected, steps = cdf(ordered), np.arange(count + 1) / count
    return float(max((steps[1:] - expected).max(), (expected - steps[:-1]).max()))


def p_value(statistic: float, count: int) -> float:
    """How probable so large a distance is by chance (Kolmogorov; Stephens 1970 for small samples)."""
    root = math.sqrt(count)
    scaled = (root + 0.12 + 0.11 / root) * statistic
    if scaled < 0.2:
        return 1.0
    return float(np.clip(2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101)), 0.0, 1.0))


def orthogonal(facts: WeightFacts, name: str, gain: float) -> Fit | None:
    """Whether all singular values of the matrix are the gain, which training changes at once."""
    if facts.singular is None or not len(facts.singular):
        return None
    off = float(np.abs(facts.singular - gain).max())
    return Fit(name, float(off < 1e-4 * max(1.0, gain)), exact=True)


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
