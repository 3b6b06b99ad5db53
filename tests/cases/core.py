"""Cases of ``weightlens.layers.core``."""

from tests.cases import case

CASES = [
    case("dense", lambda k: k.layers.Dense(3), (4,)),
    case("dense, relu, no bias", lambda k: k.layers.Dense(3, activation="relu", use_bias=False), (4,)),
    case("dense, softmax, over a sequence", lambda k: k.layers.Dense(3, activation="softmax"), (5, 4)),
]
