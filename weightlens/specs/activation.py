"""What is known of each activation function without running it; ``layers.activations`` has the function itself, under the first name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

DIP = -0.4
LARGEST_EXPONENT = 700.0  # that e^ is given: EXP of more is an error in a spreadsheet


class ActivationSpec(NamedTuple):
    """One activation function."""

    names: str  # its own, then the others that files have for it, those of layers that do the same among them
    does: str  # what happens to a number, as the end of a sentence; "{alpha}" is a setting
    more: str = ""  # what there is to add where the function itself is the subject
    defaults: Mapping[str, float] = MappingProxyType({})  # of the settings that ``does`` names
    formula: str = ""  # of the pre-activation z
    slope: Callable[[Any], Any] | None = None  # its derivative as a function of its result, where that is how books write it
    # How its result follows the number: it "rises" (or stays), "dips" once on its way up but never below ``DIP``, "cuts" all from 0 down
    # and rises from there, or "couples" all numbers. Otherwise nothing is told.
    way: str = ""
    shares: bool = False  # its results lie between 0 and 1, and the only one of a single number is 1
    positive: bool = False  # its results are never below 0, and that it cuts or shares does not say so already
    corner: bool = False  # the curve has one at 0: another slope on each side
    old_names: str = ""  # of its names those that Keras 3 does not know; of a function with a name ``Package>name`` it knows none
    logits: bool = False  # a crossentropy in a graph looks through it at the numbers before it

    @property
    def never_negative(self) -> bool:
        """Whether no result is below 0."""
        return self.positive or self.shares or self.way == "cuts"

    @property
    def function(self) -> str:
        """Its own name."""
        return self.names.split()[0]


ALL = (
    ActivationSpec("linear", "passes every number on unchanged", way="rises"),
    ActivationSpec("relu ReLU", "{relu}", way="cuts", corner=True),
    ActivationSpec("relu6", "keeps numbers from 0 to 6, turns negative ones into 0 and larger ones into 6", way="cuts", corner=True),
    ActivationSpec(
        "leaky_relu LeakyReLU", "keeps positive numbers and multiplies negative ones by {negative_slope}",
        defaults={"negative_slope": 0.2}, way="rises", corner=True
    ),
    ActivationSpec(
        "elu ELU", "keeps positive numbers and bends negative ones smoothly towards {limit}", defaults={"alpha": 1.0},
        way="rises"
    ),
    ActivationSpec("celu", "keeps positive numbers and bends negative ones smoothly towards {limit}", defaults={"alpha": 1.0}, way="rises"),
    ActivationSpec(
        "selu", "multiplies positive numbers by 1.0507 and bends negative ones smoothly towards -1.7581", way="rises", corner=True
    ),
    ActivationSpec(
        "exponential", "raises e (about 2.718) to the power of each number", more="the result is always above 0 and grows very fast",
        way="rises", positive=True
    ),
    ActivationSpec(
        "sigmoid", "squeezes each number to between 0 and 1",
        more="large ones come close to 1, very negative ones close to 0, and 0 becomes one half", formula="1 / (1 + e^-z)", logits=True,
        slope=lambda y: y * (1.0 - y), way="rises", positive=True
    ),
    ActivationSpec(
        "hard_sigmoid", "turns -3 and less into 0, 3 and more into 1; in between, the result rises evenly",
        way="rises", positive=True
    ),
    ActivationSpec(
        "hard_sigmoid_keras2", "turns -2.5 and less into 0, 2.5 and more into 1; in between, the result rises evenly",
        way="rises", positive=True, old_names="hard_sigmoid_keras2"
    ),
    ActivationSpec(
        "tanh", "squeezes each number to between -1 and 1",
        more="large ones come close to 1, very negative ones close to -1, and 0 stays 0", way="rises"
    ),
    ActivationSpec("hard_tanh", "keeps numbers from -1 to 1, turns smaller ones into -1 and larger ones into 1", way="rises"),
    ActivationSpec(
        "tanh_shrink", "subtracts from each number its tanh", more="those near 0 almost vanish, large ones move by about 1 towards 0"
    ),
    ActivationSpec(
        "hard_shrink", "turns numbers from -{threshold} to {threshold} into 0 and keeps the others", defaults={"threshold": 0.5}
    ),
    ActivationSpec(
        "soft_shrink", "moves each number by {threshold} towards 0; those from -{threshold} to {threshold} become 0",
        defaults={"threshold": 0.5}
    ),
    ActivationSpec("threshold", "keeps numbers above a threshold and replaces the others by a fixed number"),
    ActivationSpec(
        "thresholded_relu ThresholdedReLU", "keeps numbers above {theta} and turns the others into 0", defaults={"theta": 1.0},
        old_names="thresholded_relu"
    ),
    ActivationSpec(
        "softplus", "bends numbers so that all are above 0", more="large ones hardly change, very negative ones come close to 0",
        way="rises", positive=True
    ),
    ActivationSpec(
        "log_sigmoid", "takes the logarithm of each number's sigmoid",
        more="large ones come close to 0 from below, very negative ones hardly change", way="rises"
    ),
    ActivationSpec("softsign", "divides each number by 1 plus its size, which squeezes it to between -1 and 1", way="rises"),
    ActivationSpec(
        "silu swish", "multiplies each number by its own sigmoid", more="large ones hardly change, very negative ones come close to 0",
        way="dips"
    ),
    ActivationSpec("hard_silu hard_swish", "multiplies each number by a share that rises evenly from 0 at -3 to 1 at 3", way="dips"),
    ActivationSpec(
        "gelu", "multiplies each number by the part of a bell curve that lies below it",
        more="large ones hardly change, very negative ones come close to 0", way="dips"
    ),
    ActivationSpec(
        "mish", "multiplies each number by the tanh of its softplus",
        more="large ones hardly change, very negative ones come close to 0", way="dips"
    ),
    ActivationSpec(
        "squareplus", "bends numbers with a square root so that all are above 0",
        more="large ones hardly change, very negative ones come close to 0", way="rises", positive=True
    ),
    ActivationSpec(
        "sparse_plus", "turns numbers up to -1 into 0, keeps those from 1 on, and bends those in between smoothly",
        way="rises", positive=True
    ),
    ActivationSpec(
        "sparse_sigmoid", "turns -1 and less into 0, 1 and more into 1; in between, the result rises evenly",
        way="rises", positive=True
    ),
    ActivationSpec("glu", "splits the numbers into two halves and multiplies the first half by the sigmoid of the second", way="couples"),
    ActivationSpec(
        "softmax Softmax softmax_v2", "turns scores into shares between 0 and 1 that add up to 1",
        more="the larger the score, the larger its share", formula="e^z / sum of e^z", logits=True, way="couples", shares=True,
        old_names="softmax_v2"
    ),
    ActivationSpec(
        "log_softmax log_softmax_v2", "takes the logarithm of the shares that softmax makes",
        more="all are 0 or less, the largest score keeps the largest number", way="couples", old_names="log_softmax_v2"
    ),
    ActivationSpec(
        "sparsemax", "subtracts from all scores a threshold worked out from them, and turns what is negative into 0",
        more="few scores remain", way="couples", shares=True
    ),
)  # fmt: skip
ACTIVATIONS: dict[str, ActivationSpec] = {name: known for known in ALL for name in known.names.split()}


def named_function(named: Any) -> tuple[str, dict[str, Any]]:
    """The name and the settings of the function in a configuration: of ``"relu"``, ``None``, or ``{"class_name", "config"}``."""
    if not isinstance(named, dict):
        return str(named or "linear"), {}
    inner = named.get("config")
    name = inner if isinstance(inner, str) else named.get("class_name") or named.get("name")
    return str(name or "linear"), inner if isinstance(inner, dict) else {}
