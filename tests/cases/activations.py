"""Cases of ``weightlens.layers.activations`` and ``activation_layers``: every activation function of Keras."""

from tests.cases import case

NAMES = (
    "linear", "relu", "relu6",
    "leaky_relu", "elu", "selu", "celu", "exponential", "sigmoid", "hard_sigmoid", "tanh", "hard_tanh", "tanh_shrink",
    "hard_shrink", "soft_shrink", "softplus", "log_sigmoid", "softsign", "silu", "hard_silu", "gelu", "mish", "squareplus", "sparse_plus",
    "sparse_sigmoid", "glu", "softmax", "log_softmax", "sparsemax",
)  # fmt: skip


def wide(rng, shape):
    """Numbers on both sides of every corner that an activation has."""
    return rng.normal(0, 3, size=shape)


CASES = [case(f"activation {name}", lambda k, name=name: k.layers.Activation(name), (5, 6), data=wide) for name in NAMES]
CASES += [
    case("dense, gelu", lambda k: k.layers.Dense(3, activation="gelu"), (4,)),
    case("dense, layer as activation", lambda k: k.layers.Dense(3, activation=k.layers.LeakyReLU(negative_slope=0.4)), (4,)),
    case("relu", lambda k: k.layers.ReLU(), (6,), data=wide),
    case("relu, all options", lambda k: k.layers.ReLU(max_value=2.5, negative_slope=0.1, threshold=0.5), (3, 6), data=wide),
    case("relu, max value", lambda k: k.layers.ReLU(max_value=6.0), (3, 6), data=wide),
    case("relu, max value 2", lambda k: k.layers.ReLU(max_value=2.0), (3, 6), data=wide),
    case("relu, slope and max value", lambda k: k.layers.ReLU(max_value=1.0, negative_slope=0.3), (3, 6), data=wide),
    case("leaky relu", lambda k: k.layers.LeakyReLU(), (3, 6), data=wide),
    case("leaky relu, slope", lambda k: k.layers.LeakyReLU(negative_slope=0.05), (6,), data=wide),
    case("prelu", lambda k: k.layers.PReLU(), (3, 4), data=wide),
    case("prelu, shared axes", lambda k: k.layers.PReLU(shared_axes=[1, 2]), (3, 4, 2), data=wide),
    case("elu", lambda k: k.layers.ELU(alpha=0.7), (6,), data=wide),
    case("softmax", lambda k: k.layers.Softmax(), (3, 4), data=wide),
    case("softmax, axis 1", lambda k: k.layers.Softmax(axis=1), (3, 4), data=wide),
    case("softmax, two axes", lambda k: k.layers.Softmax(axis=[1, 2]), (3, 4), data=wide),
    case("softmax, masked", lambda k: lambda xs: k.layers.Softmax(axis=1)(xs[0], mask=xs[1]), (4, 3), (4, 1)),
    case("softmax, partly masked", lambda k: lambda xs: k.layers.Softmax()(xs[0], mask=xs[1]), (4, 3), (4, 3)),
]
