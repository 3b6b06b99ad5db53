"""Cases of ``weightlens.layers.normalization``."""

import numpy as np

from tests.cases import case, of_applications

CASES = [
    case("batch normalization", lambda k: k.layers.BatchNormalization(), (4,)),
    case("batch normalization, channels first, large epsilon", lambda k: k.layers.BatchNormalization(axis=1, epsilon=0.1), (3, 4, 2)),
    case("batch normalization, no gamma", lambda k: k.layers.BatchNormalization(scale=False), (4, 2)),
    case("batch normalization, no beta, axis 2", lambda k: k.layers.BatchNormalization(axis=2, center=False), (4, 3, 2)),
    case("batch normalization, neither", lambda k: k.layers.BatchNormalization(scale=False, center=False), (5,)),
    case("layer normalization", lambda k: k.layers.LayerNormalization(), (4, 3)),
    case("layer normalization, two axes", lambda k: k.layers.LayerNormalization(axis=(1, 2), epsilon=0.01), (4, 3, 2)),
    case("layer normalization, middle axis, no beta", lambda k: k.layers.LayerNormalization(axis=1, center=False), (4, 3)),
    case("layer normalization, axes 1 and -1", lambda k: k.layers.LayerNormalization(axis=(-1, 1), scale=False), (4, 3, 2)),
    case("layer normalization, rms scaling", lambda k: k.layers.LayerNormalization(rms_scaling=True), (4, 3)),
    case("group normalization", lambda k: k.layers.GroupNormalization(groups=2), (4, 6)),
    case("group normalization, channels first", lambda k: k.layers.GroupNormalization(groups=3, axis=1), (6, 2, 2)),
    case("group normalization, axis -2, no gamma", lambda k: k.layers.GroupNormalization(groups=2, axis=-2, scale=False), (3, 4, 2)),
    case("instance normalization", lambda k: k.layers.GroupNormalization(groups=-1), (3, 3, 2)),
    case("group normalization, one group", lambda k: k.layers.GroupNormalization(groups=1, epsilon=0.01), (3, 3, 2)),
    case("rms normalization", lambda k: k.layers.RMSNormalization(), (4, 3)),
    case("rms normalization, two axes", lambda k: k.layers.RMSNormalization(axis=(1, 2), epsilon=0.1), (4, 3)),
    case("unit normalization", lambda k: k.layers.UnitNormalization(), (4, 3)),
    case("unit normalization, two axes", lambda k: k.layers.UnitNormalization(axis=(1, 2)), (4, 3, 2)),
    case("unit normalization, all zero", lambda k: k.layers.UnitNormalization(axis=1), (4, 3), data=lambda rng, shape: np.zeros(shape)),
    case("spectral normalization", lambda k: k.layers.SpectralNormalization(k.layers.Dense(3, activation="tanh")), (4,)),
    case("normalization, adapted", lambda k: k.layers.Normalization(), (4, 3)),
    case("normalization, two axes", lambda k: k.layers.Normalization(axis=(1, 3)), (4, 3, 2)),
    case("normalization, given, one number", lambda k: k.layers.Normalization(axis=None, mean=2.0, variance=4.0), (4,)),
    case(
        "normalization, given, inverted",
        lambda k: k.layers.Normalization(mean=[1.0, -2.0, 0.5], variance=[4.0, 0.25, 0.0], invert=True),
        (2, 3),
    ),
    case("normalization, given on fewer axes", lambda k: k.layers.Normalization(axis=(1, 2), mean=[1.0, 2.0], variance=[2.0, 3.0]), (3, 2)),
    case("rescaling", lambda k: k.layers.Rescaling(1 / 127.5, offset=-1), (3, 3)),
    case("rescaling, by channel", lambda k: k.layers.Rescaling([0.5, 2.0, -1.0], offset=[1.0, 0.0, -1.0]), (2, 3)),
    case("layer scale", lambda k: of_applications(k, "convnext", "LayerScale")(1e-6, 4), (3, 3, 4)),
]
