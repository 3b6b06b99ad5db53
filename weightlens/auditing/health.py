"""Rules about networks that open and run, and yet are not what somebody wanted: untrained, dead, exploded, wasteful."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping

import numpy as np

from weightlens.auditing.finding import LISTED, Hit, Rule, units_hit
from weightlens.auditing.integrity import number_hits
from weightlens.auditing.numbers.initial import fans, untrained_hits
from weightlens.auditing.numbers.spectra import effective_rank, power_law, stable_rank
from weightlens.auditing.numbers.units import BETWEEN_ONES, KERNELS, Units, computed_by, is_product, multiplies, walk
from weightlens.auditing.numbers.weight_facts import WeightFacts
from weightlens.call_order import layers_with_paths
from weightlens.errors import WeightlensError
from weightlens.model import Layer, Model
from weightlens.specs.words.number_words import counted

RULES = (
    Rule(
        "untrained",
        "warning",
        "the layer has the values that it was made with",
        "Kolmogorov-Smirnov test of the kernel against its own initializer, p > 0.0001, biases as initialised, moving statistics 0 and 1",
        "keras.initializers; Stephens 1970, doi:10.1111/j.2517-6161.1970.tb00821.x",
    ),
    Rule(
        "dead-unit",
        "warning",
        "units whose relu is 0 whatever comes in",
        "upper bound of the pre-activation <= 0 over the input box (pixels +-255, else +-10; any where the "
        "statistics of a normalization tell of more); with --inputs: never above 0 over the data",
        "Gowal et al. 2018, arXiv:1810.12715 (interval bounds)",
    ),
    Rule(
        "no-effect-unit",
        "warning",
        "units on which nothing depends",
        "all outgoing weights = 0",
        "Mozer, Smolensky 1989 (relevance)",
    ),
    Rule(
        "duplicate-units",
        "warning",
        "units with the same incoming weights and bias",
        "|w_i - w_j| <= 1e-6 max|w| and b_i = b_j",
        "symmetry of units: Goodfellow, Bengio, Courville 2016, 8.4",
    ),
    Rule(
        "constant-output",
        "error",
        "the output is the same whatever comes in",
        "lower bound = upper bound of the output; with --inputs: the same for all samples",
        "Gowal et al. 2018",
    ),
    Rule(
        "saturated",
        "warning",
        "units that are at the end of their sigmoid or tanh for nearly all samples",
        "share of samples within 1 % of the end > 95 % (with --inputs)",
        "Glorot, Bengio 2010",
    ),
    Rule(
        "spike",
        "warning",
        "one weight far larger than all others",
        "max|w| / 99th percentile of the other |w| > 20",
        "outliers: Dettmers et al. 2022, arXiv:2208.07339",
    ),
    Rule(
        "vanishing-or-exploding",
        "warning",
        "the layer shrinks or blows up what goes through it",
        "spectral norm / that of a fresh Glorot kernel of its shape: < 0.02 or > 50",
        "Glorot, Bengio 2010; Yoshida, Miyato 2017, arXiv:1705.10941",
    ),
    Rule(
        "low-rank",
        "note",
        "the kernel has far fewer directions than rows and columns",
        "exp(entropy of the normalised singular values) <= 0.25 min(rows, columns), or rank <= half of it; from 8 on",
        "Roy, Vetterli 2007 (effective rank); stable rank: Rudelson, Vershynin 2007",
    ),
    Rule(
        "spectral-tail",
        "note",
        "the eigenvalues have a tail so heavy that few directions say everything",
        "power-law exponent alpha < 2 by a standard error, largest >= 10 x mean, from 50 eigenvalues on (fewer: too small to say)",
        "Martin, Peng, Mahoney 2021, doi:10.1038/s41467-021-24025-8",
    ),
    Rule(
        "not-compressed",
        "note",
        "the numbers would take half the room or less if they were compressed",
        "deflated size / stored size <= 0.5, from 4 KB on",
        "RFC 1951",
    ),
    Rule(
        "int8-loss",
        "note",
        "rounded to int8 the kernel loses much",
        "signal / quantisation noise < 33 dB, one scale for each unit; with --inputs: share of predictions that change > 1 %",
        "Jacob et al. 2018, arXiv:1712.05877; keras.quantizers.AbsMaxQuantizer",
    ),
    Rule(
        "optimizer-state-left",
        "note",
        "the state of the optimizer is still in the file",
        "arrays of the optimizer of more than one number",
        "Keras: Model.save(include_optimizer)",
    ),
)
SPIKE, FEWEST_FOR_SPIKE = 20.0, 16
NORMS = (0.02, 50.0)
RANK_SHARE, FEWEST_FOR_RANK, ROUNDED = 0.25, 8, 1e-6
ALPHA, HEAVY = 2.0, 10.0  # the exponent, by a standard error; the largest eigenvalue over their mean
NOISE = 33.0  # decibels
MATRICES = ("kernel", "recurrent_kernel", "pointwise_kernel")
COMPRESSED, WORTH_IT = 0.5, 1 << 12
EQUAL, ROUNDING = 1e-6, 1e-12


class Checked:
    """A model whose weights have been read: its hits, and the facts of its weights by layer and name."""

    def __init__(self, model: Model, size: int) -> None:
        self.model, self.size = model, size
        try:
            self.units = walk(model)
        except (WeightlensError, ArithmeticError, ValueError, TypeError, IndexError, KeyError, AttributeError):
            self.units = Units()  # a network that cannot be followed: its weights are looked at one by one
        self.layers = [
            (name, layer, {key: self.units.facts.get(id(w)) or self.units.read(layer, key, w) for key, w in layer.own_weights.items()})
            for name, layer in layers_with_paths(model)
        ]

    def hits(self) -> Iterator[Hit]:
        """What the rules of this group say; and of the numbers, whether they are finite."""
        for name, layer, facts in self.layers:
            for key, of_weight in facts.items():
                yield from number_hits(name, key, of_weight)
                yield from kernel_hits(name, layer, key, of_weight)
            yield from duplicate_hits(name, layer, facts)
        yield from untrained_hits(self.layers)
        yield from unit_hits(self.units)
        yield from room_hits(self.layers, self.model, self.size)


def kernel_hits(name: str, layer: Layer, key: str, facts: WeightFacts) -> Iterator[Hit]:
    """What the numbers and the spectrum of one kernel say."""
    if key.rpartition("/")[2] not in (*KERNELS, "depthwise_kernel") or not facts.finite or facts.nan or facts.infinite or facts.is_constant:
        return
    if (ratio := spike(facts)) > SPIKE:
        words = f"the largest number is {ratio:.3g} times the 99th percentile"
        yield Hit("spike", words, name, key, {"largest": facts.largest, "ratio": ratio})
    if facts.columns and key in MATRICES and multiplies(layer):
        yield from norm_hits(name, key, facts)
        if facts.singular is not None:
            yield from spectrum_hits(name, key, facts, facts.singular)
    if is_product(layer) and facts.columns and facts.rows >= FEWEST_FOR_SPIKE and (noise := decibels(facts)) < NOISE:
        yield Hit("int8-loss", f"as int8 the signal is {noise:.1f} dB above the rounding", name, key, {"decibels": noise})


def spike(facts: WeightFacts) -> float:
    """How many times the largest number is the 99th percentile of the other numbers that are not 0."""
    size = np.abs(facts.sample[facts.sample != 0])
    others = np.sort(size)[: -1 if len(size) and size.max() == facts.largest else None]
    return facts.largest / float(np.quantile(others, 0.99)) if len(others) >= FEWEST_FOR_SPIKE - 1 else 0.0


def norm_hits(name: str, key: str, facts: WeightFacts) -> Iterator[Hit]:
    """Whether the layer shrinks or blows up what goes through it; of a large kernel as far as its sum of squares tells."""
    usual = math.sqrt(2.0 / sum(fans(facts.shape))) * (math.sqrt(facts.rows) + math.sqrt(facts.columns))  # of a fresh Glorot kernel
    most = math.sqrt(facts.squares) if facts.singular is None else float(facts.singular[0])
    least = most / math.sqrt(min(facts.rows, facts.columns)) if facts.singular is None else most
    if 0 < most < NORMS[0] * usual or least > NORMS[1] * usual:
        what = "vanishing" if most < usual else "exploding"
        words = f"{what}: the spectral norm is {most:.3g}, that of a fresh kernel {usual:.3g}"
        yield Hit("vanishing-or-exploding", words, name, key, {"spectral_norm": most, "fresh": usual})


def spectrum_hits(name: str, key: str, facts: WeightFacts, singular: np.ndarray) -> Iterator[Hit]:
    """What the singular values of a kernel say."""
    full = min(facts.rows, facts.columns)
    rank = effective_rank(singular)
    directions = int((singular > ROUNDED * singular[0]).sum())
    if full >= FEWEST_FOR_RANK and (rank <= RANK_SHARE * full or directions <= full / 2):
        words = f"the effective rank is {rank:.1f} of {full}" if rank <= RANK_SHARE * full else f"the rank is {directions} of {full}"
        yield Hit("low-rank", words, name, key, {"effective_rank": rank, "stable_rank": stable_rank(singular), "full": full})
    law = power_law(singular**2)
    if law is not None and law.alpha + law.error < ALPHA and singular[0] ** 2 >= HEAVY * float((singular**2).mean()):
        yield Hit("spectral-tail", f"alpha is {law.alpha:.2f}", name, key, law._asdict() | {"error": law.error})


def decibels(facts: WeightFacts) -> float:
    """Signal over noise of rounding to int8 with one scale for each unit: the noise of a step is step^2 / 12, or the number itself."""
    step = facts.column_most / 127.0
    noise = np.minimum(facts.rows * step**2 / 12.0, np.maximum(facts.column_squares - facts.column_most**2, 0.0)).sum()
    return math.inf if noise <= 0 else 10.0 * math.log10(facts.column_squares.sum() / noise)


def duplicate_hits(name: str, layer: Layer, facts: Mapping[str, WeightFacts]) -> Iterator[Hit]:
    """Units of a layer with the same incoming weights and bias; those whose weights are all 0 are another rule's."""
    kernel, table = facts.get("kernel"), incoming(layer, facts)
    if kernel is None or table is None or len(table) < 2 or not np.isfinite(table).all():
        return
    most = kernel.column_most.reshape(-1, len(table)).max(axis=0)
    exact = kernel.rows < 4  # so few numbers come close to each other by chance
    groups = equal_rows(table, (0.0 if exact else EQUAL) * most)
    groups = [group for group in groups if most[group[0]] > 0]
    if groups:
        units = [unit for group in groups for unit in group]
        words = f"{len(units)} units are copies: {'; '.join(' = '.join(map(str, group[:5])) for group in groups[:4])}"
        yield Hit("duplicate-units", words, name, "kernel", {"groups": [group[:LISTED] for group in groups[:LISTED]], "units": len(units)})


def incoming(layer: Layer, facts: Mapping[str, WeightFacts]) -> np.ndarray | None:
    """A row of numbers for each unit, the same for units with the same incoming weights and biases, of all gates if it has any."""
    kernels = [facts[key] for key in ("kernel", "recurrent_kernel") if key in facts]
    recurrent = computed_by(layer) in BETWEEN_ONES
    if len(kernels) != 1 + recurrent or not (recurrent or is_product(layer)) or any(one.nan or one.infinite for one in kernels):
        return None
    units, bias = kernels[-1].rows if recurrent else kernels[0].columns, layer.own_weights.get("bias")
    columns = [one.probes.T for one in kernels] + ([] if bias is None else [np.asarray(bias.value, np.float64)])
    if not units or any(part.size % units or part.shape[-1] != kernels[0].columns for part in columns):
        return None
    return np.concatenate([part.reshape(-1, units) for part in columns]).T


def equal_rows(table: np.ndarray, off: np.ndarray) -> list[list[int]]:
    """The groups of rows that are the same to within a distance (and rounding), of neighbours in the order of the first column."""
    order = np.argsort(table[:, 0], kind="stable")
    near = np.abs(np.diff(table[order], axis=0)).max(axis=1) <= off[order[:-1]] + ROUNDING * np.abs(table[order[:-1]]).max(axis=1)
    groups: list[list[int]] = []
    for place in np.flatnonzero(near):
        if groups and groups[-1][-1] == order[place]:
            groups[-1].append(int(order[place + 1]))
        else:
            groups.append([int(order[place]), int(order[place + 1])])
    return [sorted(group) for group in groups]


def unit_hits(units: Units) -> Iterator[Hit]:
    """Dead units, units without effect, outputs that never change."""
    box = f"for inputs up to {max(units.box):g}" if units.box else "for any input"
    for name, marked in units.dead.items():
        yield from units_hit("dead-unit", name, marked.tolist(), f"never above 0 {box}", box=units.box)
    for name, effect in units.effect.items():
        yield from units_hit("no-effect-unit", name, (~effect).tolist(), "multiplied by 0 only")
    for name, values in units.constant:
        yield Hit("constant-output", f"always {', '.join(f'{value:.4g}' for value in values[:4])}", name, "", {"values": values})


def room_hits(layers: list[tuple[str, Layer, dict[str, WeightFacts]]], model: Model, size: int) -> Iterator[Hit]:
    """Room in the file that nobody needs."""
    stored = [(of_weight, layer.own_weights[key].dtype) for _, layer, facts in layers for key, of_weight in facts.items() if of_weight.size]
    total = sum(of_weight.stored_bytes for of_weight, _ in stored)
    if total >= WORTH_IT and size >= 0.8 * total:
        packed = sum(deflated_share(of_weight, dtype) * of_weight.stored_bytes for of_weight, dtype in stored)
        if packed <= COMPRESSED * total:
            words = f"compressed, {total:,} bytes of numbers would take about {int(packed):,}"
            yield Hit("not-compressed", words, evidence={"bytes": total, "compressed": int(packed)})
    if any(weight.size > 1 for weight in model.optimizer):
        arrays, numbers = len(model.optimizer), sum(weight.size for weight in model.optimizer)
        words = f"{counted(arrays, 'array')} of the optimizer {'hold' if arrays > 1 else 'holds'} {counted(numbers, 'number')}"
        yield Hit("optimizer-state-left", words, evidence={"arrays": arrays, "numbers": numbers})


def deflated_share(facts: WeightFacts, dtype: str) -> float:
    """The size of the numbers when deflated, of their own size, by a sample of them."""
    plain = np.dtype(dtype) if dtype in ("float16", "float64", "int8", "uint8", "int32", "int64") else np.dtype("float32")
    data = facts.sample.astype(plain).tobytes()
    return len(zlib.compress(data, 1)) / len(data) if data else 1.0
