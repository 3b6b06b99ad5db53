"""Cases of ``weightlens.operations.catalogue``: operator nodes of a functional graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.cases import Case, case

Shape = tuple[int | None, ...]


def node(name: str, operation: Callable[..., Any], *shapes: Shape, **options: Any) -> Case:
    """``node("mean", lambda o, x: o.mean(x, axis=1), (4, 3))``: an operation of ``keras.ops`` called on the inputs."""
    shapes = shapes or ((4, 3),)
    return case(f"ops, {name}", lambda k: lambda x: operation(k.ops, *(x if isinstance(x, list) else [x])), *shapes, **options)


def positive(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.uniform(0.1, 0.9, size=shape)


def whole(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(0, 3, size=shape)


def halves(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(-6, 7, size=shape) / 2.0


def some_nan(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    x = rng.normal(size=shape)
    return np.where(x > 1.0, np.nan, x)


AB: tuple[Shape, Shape] = ((4, 3), (4, 3))
ELEMENTWISE = [
    "absolute", "negative", "square", "sign", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "arcsinh", "floor", "ceil",
    "trunc", "exp", "expm1", "exp2", "relu", "relu6", "sigmoid", "softplus", "softsign", "silu", "log_sigmoid", "leaky_relu",
    "hard_sigmoid", "hard_silu", "elu", "selu", "gelu", "celu", "tanh_shrink", "hard_tanh", "hard_shrink", "soft_shrink",
    "squareplus", "sparse_plus", "sparse_sigmoid", "erf", "softmax", "log_softmax", "sparsemax", "deg2rad", "rad2deg", "cbrt",
    "isnan", "isfinite", "logical_not", "ravel", "sort", "reciprocal",
]  # fmt: skip
OF_POSITIVE = [
    "sqrt", "rsqrt", "log", "log1p", "log2", "log10", "arcsin", "arccos", "arctanh",
]  # fmt: skip
OF_TWO = [
    "add", "subtract", "multiply", "divide", "true_divide", "floor_divide", "mod", "fmod", "maximum", "minimum", "fmax", "fmin",
    "greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "logical_and", "logical_or", "logical_xor", "arctan2",
    "hypot", "logaddexp", "divide_no_nan",
]  # fmt: skip
REDUCTIONS = [
    "sum", "mean", "max", "min", "prod", "std", "var", "ptp", "any", "all", "amax", "amin", "median", "logsumexp",
]  # fmt: skip
NO_FORMULA = {"isnan", "isfinite"}

CASES = [
    *(node(name, lambda o, x, name=name: getattr(o, name)(x), workbook=name not in NO_FORMULA) for name in ELEMENTWISE),
    *(node(name, lambda o, x, name=name: getattr(o, name)(x), data=positive) for name in OF_POSITIVE),
    *(node(name, lambda o, x, y, name=name: getattr(o, name)(x, y), *AB) for name in OF_TWO),
    *(node(name, lambda o, x, name=name: getattr(o, name)(x, axis=1), (4, 3)) for name in REDUCTIONS),
    *(
        node(f"{name}, two axes kept", lambda o, x, name=name: getattr(o, name)(x, axis=(1, 2), keepdims=True), (4, 3))
        for name in REDUCTIONS
    ),
    node("operators", lambda o, x: 1.0 - (2.0 / (x * x + 1.0)) ** 2, (4, 3)),
    node("comparison operators", lambda o, x: o.cast(x > 0, "float32") + o.cast(x <= 0.5, "float32") * 2),
    node("division of whole numbers", lambda o, x: (x // 2) + (x % 2), (4, 3), data=halves),
    node("round, halves", lambda o, x: o.round(x), (4, 3), data=halves),
    node("round, decimals", lambda o, x: o.round(x, 2)),
    node("power", lambda o, x: o.power(x, 3)),
    node("clip", lambda o, x: o.clip(x, -0.5, 0.7)),
    node("constant array", lambda o, x: o.add(x, np.array([[1.0], [2.0], [3.0], [4.0]], "float32"))),
    node("where", lambda o, x, y: o.where(x > y, x, 0.25), *AB),
    node("nan to num", lambda o, x: o.nan_to_num(x, nan=3.0), (4, 3), data=some_nan, workbook=False),
    node("max, initial", lambda o, x: o.max(x, axis=1, initial=0.5)),
    node("argmax", lambda o, x: o.argmax(x, axis=1)),
    node("argmin, kept", lambda o, x: o.argmin(x, axis=-1, keepdims=True)),
    node("argsort", lambda o, x: o.argsort(x, axis=1)),
    node("average, weights", lambda o, x: o.average(x, axis=2, weights=np.array([1.0, 2.0, 3.0], "float32"))),
    node("count nonzero", lambda o, x: o.count_nonzero(o.relu(x), axis=1)),
    node("cumsum", lambda o, x: o.cumsum(x, axis=1)),
    node("cumprod", lambda o, x: o.cumprod(x, axis=-1)),
    node("diff", lambda o, x: o.diff(x, n=2, axis=1)),
    node("top k", lambda o, x: o.top_k(x, 2)[0], (5,)),
    node("top k, places", lambda o, x: o.top_k(x, 2)[1], (5,)),
    node("take", lambda o, x: o.take(x, [0, -1, 1], axis=1)),
    node(
        "take, from a table",
        lambda o, x: o.take(np.arange(12.0, dtype="float32").reshape(4, 3), o.cast(x, "int32"), axis=0),
        (5,),
        data=whole,
    ),
    node("get item", lambda o, x: x[:, 1:3, ::-1]),
    node("get item, number", lambda o, x: x[..., 0] + x[:, :, -1]),
    node("get item, new axis", lambda o, x: x[:, None, 1]),
    node("one hot", lambda o, x: o.one_hot(o.cast(x, "int32"), 3), (5,), data=whole),
    node("one hot, axis 1", lambda o, x: o.one_hot(o.cast(x, "int32"), 4, axis=1), (5,), data=whole),
    node("matmul", lambda o, x, y: o.matmul(x, y), (4, 3), (3, 2)),
    node("dot with a constant", lambda o, x: o.dot(x, np.arange(6.0, dtype="float32").reshape(3, 2))),
    node("einsum", lambda o, x, y: o.einsum("bij,bkj->bik", x, y), (4, 3), (2, 3)),
    node("einsum of three", lambda o, x, y, z: o.einsum("bi,bij,bj->b", x, y, z), (4,), (4, 3), (3,)),
    node("einsum of one", lambda o, x: o.einsum("bii->ib", x), (3, 3)),
    node("einsum, implied output", lambda o, x: o.einsum("...ij,jk", x, np.ones((3, 2), "float32"))),
    node("tensordot", lambda o, x: o.tensordot(x, np.arange(24.0, dtype="float32").reshape(3, 4, 2), axes=([2, 1], [0, 1]))),
    node("concatenate", lambda o, x, y: o.concatenate([x, y], axis=1), (4, 3), (2, 3)),
    node("stack", lambda o, x, y: o.stack([x, y], axis=1), *AB),
    node("hstack", lambda o, x, y: o.hstack([x, y]), *AB),
    node("split", lambda o, x: o.split(x, [1, 3], axis=1)),
    node("split, equal", lambda o, x: o.split(x, 2, axis=1)),
    node("array split", lambda o, x: o.array_split(x, 3, axis=1)),
    node("unstack", lambda o, x: o.unstack(x, axis=2)),
    node("reshape", lambda o, x: o.reshape(x, (-1, 6, 2))),
    node("transpose", lambda o, x: o.transpose(x, (0, 2, 1))),
    node("moveaxis", lambda o, x: o.moveaxis(x, 1, -1)),
    node("swapaxes", lambda o, x: o.swapaxes(x, 1, 2)),
    node("expand dims, squeeze", lambda o, x: o.squeeze(o.expand_dims(o.expand_dims(x, 1), -1), axis=1)),
    node("flip", lambda o, x: o.flip(x, axis=1)),
    node("roll", lambda o, x: o.roll(x, 1, axis=1)),
    node("tile", lambda o, x: o.tile(x, (1, 2, 1))),
    node("repeat", lambda o, x: o.repeat(x, 2, axis=2)),
    node("tril, triu", lambda o, x: o.tril(x) + 2 * o.triu(x, k=1)),
    node("diagonal", lambda o, x: o.diagonal(x, axis1=1, axis2=2), (3, 3)),
    node("broadcast", lambda o, x: o.broadcast_to(x, (2, 4, 3)), (1, 3)),
    node("pad", lambda o, x: o.pad(x, ((0, 0), (1, 2), (0, 1)), constant_values=2.0)),
    node("pad, reflect", lambda o, x: o.pad(x, ((0, 0), (1, 2), (0, 1)), mode="reflect")),
    node("zeros like, ones like", lambda o, x: x + o.ones_like(x) * 2.0 + o.zeros_like(x)),
    node("full like", lambda o, x: x + o.full_like(x, 0.5)),
    node("softmax, axis 1", lambda o, x: o.softmax(x, axis=1)),
    node("log softmax, axis 1", lambda o, x: o.log_softmax(x, axis=1)),
    node("gelu, exact", lambda o, x: o.gelu(x, approximate=False)),
    node("leaky relu, slope", lambda o, x: o.leaky_relu(x, negative_slope=0.3)),
    node("threshold", lambda o, x: o.threshold(x, 0.3, -1.0)),
    node("glu", lambda o, x: o.glu(x, axis=1)),
    node("max pool", lambda o, x: o.max_pool(x, 2, strides=1, padding="same"), (5, 4, 2)),
    node("average pool", lambda o, x: o.average_pool(x, (2, 3), padding="same"), (5, 4, 2)),
    node("adaptive pool", lambda o, x: o.adaptive_average_pool(x, (2, 3)), (5, 4, 2)),
    node("conv", lambda o, x: o.conv(x, np.linspace(-1, 1, 36, dtype="float32").reshape(3, 2, 2, 3), strides=2, padding="same"), (5, 4, 2)),
    node("depthwise conv", lambda o, x: o.depthwise_conv(x, np.linspace(-1, 1, 16, dtype="float32").reshape(2, 2, 2, 2)), (4, 4, 2)),
    node("moments", lambda o, x: o.moments(x, axes=[1], keepdims=True)),
    node("layer normalization", lambda o, x: o.layer_normalization(x, axis=-1)),
    node("rms normalization", lambda o, x: o.rms_normalization(x, axis=-1)),
    node("normalize", lambda o, x: o.normalize(x, axis=1, order=3)),
    node("norm", lambda o, x: o.norm(x, axis=-1)),
    node("norm, order 1", lambda o, x: o.norm(x, ord=1, axis=1, keepdims=True)),
    node("binary crossentropy", lambda o, x, y: o.binary_crossentropy(x, y), *AB, data=positive),
    node("categorical crossentropy", lambda o, x, y: o.categorical_crossentropy(x, y), *AB, data=positive),
    node("categorical crossentropy, logits", lambda o, x, y: o.categorical_crossentropy(x, y, from_logits=True), *AB, data=positive),
    *(
        node(
            f"crossentropy of a {name}",
            lambda o, x, y, activate=activate: [
                o.categorical_crossentropy(x, activate(o, y), from_logits=True),
                o.binary_crossentropy(x, activate(o, y * 20.0)),
                o.sparse_categorical_crossentropy(o.argmax(x, axis=-1), activate(o, y)),
            ],
            *AB,
            data=positive,
        )
        for name, activate in {
            "softmax": lambda o, y: o.softmax(y),
            "sigmoid": lambda o, y: o.sigmoid(y),
        }.items()
    ),
    case(
        "ops, crossentropy of a layer's softmax",
        lambda k: lambda x: k.ops.categorical_crossentropy(x[0], k.layers.Dense(3, activation="softmax")(x[1]), from_logits=True),
        *AB,
        data=positive,
    ),
    case(
        "ops, crossentropy of a softmax layer behind dropout",
        lambda k: lambda x: k.ops.categorical_crossentropy(x[0], k.layers.Dropout(0.5)(k.layers.Softmax()(x[1])), from_logits=True),
        *AB,
        data=positive,
    ),
    node("binary crossentropy of no shares", lambda o, x, y: o.binary_crossentropy(o.sigmoid(x), y), *AB),
    node("dot product attention", lambda o, x, y: o.dot_product_attention(x, y, y * 2, is_causal=True), (3, 4, 2), (3, 2, 2)),
    node("cdist", lambda o, x, y: o.nn.relu(o.expand_dims(o.norm(x - y, axis=-1), -1)), *AB),
    node("take along an axis, computed places", lambda o, x, y: o.take_along_axis(x, o.argsort(y, axis=1), axis=1), *AB),
    node("sort, one number", lambda o, x: o.sort(x, axis=-1), (4, 1)),
    node("is in", lambda o, x: o.isin(o.cast(x, "int32"), [0, 2]), (4,), data=whole),
    node("depth and space", lambda o, x: [o.nn.depth_to_space(x, 2), o.nn.space_to_depth(x, 2)], (2, 2, 4)),
    node("cast to whole numbers", lambda o, x: o.cast(o.cast(x * 3, "int32"), "float32")),
    node("slice", lambda o, x: o.slice(x, (0, 1, 0), (2, 2, 3)), batch=2),
    node("scatter update", lambda o, x: o.scatter_update(x, [[0, 1], [1, 2], [0, 1]], np.arange(9.0, dtype="float32").reshape(3, 3))),
    node("resize", lambda o, x: o.image.resize(x, (5, 3), interpolation="bilinear"), (3, 4, 2)),
    node("resize, nearest, antialias off", lambda o, x: o.image.resize(x, (5, 3), interpolation="nearest"), (3, 4, 2)),
    node("grayscale", lambda o, x: o.image.rgb_to_grayscale(x), (2, 3, 3)),
    node("patches", lambda o, x: o.image.extract_patches(x, (2, 2), strides=(1, 2), padding="same"), (3, 4, 2)),
]
