"""Nodes of TensorFlow's own graph that Keras stored with TensorFlow 2.0 to 2.3: by the node's kind, arguments in its order."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.layers import activations, operations_arrays
from weightlens.layers import operations_tensorflow as tensorflow
from weightlens.layers.activations import Step

Function = Callable[..., Any]

SAME_AS = {  # nodes of one or two arrays, by the function that makes them
    "Abs": "abs", "Neg": "negative", "Sqrt": "sqrt", "Rsqrt": "rsqrt", "Square": "square", "Exp": "exp", "Expm1": "expm1", "Log": "log",
    "Log1p": "log1p", "Sin": "sin", "Cos": "cos", "Tan": "tan", "Tanh": "tanh", "Sign": "sign", "Floor": "floor", "Ceil": "ceil",
    "Round": "round", "Rint": "rint", "Reciprocal": "reciprocal", "Inv": "reciprocal", "Erf": "erf", "Sigmoid": "sigmoid",
    "Softplus": "softplus", "Softsign": "softsign", "LogicalNot": "logical_not", "ZerosLike": "zeros_like", "OnesLike": "ones_like",
    "Identity": "identity", "StopGradient": "stop_gradient", "Add": "add", "AddV2": "add", "Sub": "subtract", "Mul": "multiply",
    "RealDiv": "divide", "Div": "divide", "DivNoNan": "divide_no_nan", "FloorDiv": "floordiv", "FloorMod": "floormod", "Pow": "pow",
    "Maximum": "maximum", "Minimum": "minimum", "Greater": "greater", "GreaterEqual": "greater_equal", "Less": "less",
    "LessEqual": "less_equal", "Equal": "equal", "NotEqual": "not_equal", "LogicalAnd": "logical_and", "LogicalOr": "logical_or",
    "SquaredDifference": "squared_difference", "Relu": "nn.relu", "Relu6": "nn.relu6", "Elu": "nn.elu", "Selu": "nn.selu",
    "Reshape": "reshape", "Tile": "tile", "Slice": "slice", "ExpandDims": "expand_dims", "Shape": "shape", "BroadcastTo": "broadcast_to",
    "Select": "where", "SelectV2": "where", "ClipByValue": "clip_by_value", "BiasAdd": "nn.bias_add", "LeakyRelu": "nn.leaky_relu",
    "LRN": "nn.lrn", "StridedSlice": "strided_slice", "TensorScatterUpdate": "tensor_scatter_nd_update",
    "DepthToSpace": "nn.depth_to_space", "SpaceToDepth": "nn.space_to_depth", "TopKV2": "math.top_k",
}  # fmt: skip
REDUCTIONS = {"Sum": "sum", "Mean": "mean", "Max": "max", "Min": "min", "Prod": "prod", "Any": "any", "All": "all"}


def reduction(name: str) -> Function:
    """A reduction of the first array over the axes in the second."""
    function = tensorflow.REDUCTIONS[f"reduce_{name}"]
    return lambda x, axis, keep_dims=False: function(x, axis=tensorflow.axes(axis), keepdims=keep_dims)


def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adj_x: bool = False, adj_y: bool = False, *, step: Step
) -> Any:
    """The matrix product of the last two axes."""
    return tensorflow.matmul(a, b, transpose_a or adj_x, transpose_b or adj_y, step=step)


def concat(*values: Any) -> Any:
    """The arrays one after the other along the axis that comes last."""
    return operations_arrays.concatenate(values[:-1], int(values[-1]))


def pack(*values: Any, axis: int = 0) -> Any:
    """The arrays beside each other along a new axis."""
    return operations_arrays.stack(values, axis)


def resized(method: str) -> Function:
    """Pictures of another size, pixels being areas (``half_pixel_centers``)."""

    def call(images: Any, size: Any, half_pixel_centers: bool = False, align_corners: bool = False, *, step: Step) -> Any:
        if align_corners or not half_pixel_centers:
            raise NotImplementedError("resizes as TensorFlow 1 did (without half_pixel_centers)")
        return tensorflow.resize(images, size, method, step=step)

    return call


def einsum(*inputs: Any, equation: str, step: Step) -> Any:
    """A sum of products over named axes."""
    return operations_arrays.einsum(*inputs, subscripts=equation, step=step)


def cast(x: Any, DstT: str, Truncate: bool = False, input_dtype: str | None = None) -> Any:  # noqa: N803 - TensorFlow's names
    """Numbers of another kind."""
    return tensorflow.cast(x, DstT, input_dtype)


NODES: dict[str, Function] = {
    **{node: tensorflow.BY_PATH[f"tf.{path}"] for node, path in SAME_AS.items()},
    **{node: reduction(name) for node, name in REDUCTIONS.items()},
    "Softmax": lambda logits, *, step: activations.softmax(logits, step),
    "LogSoftmax": lambda logits, *, step: activations.log_softmax(logits, step), "MatMul": matmul, "BatchMatMul": matmul,
    "BatchMatMulV2": matmul, "Einsum": einsum, "Cast": cast, "ConcatV2": concat, "Pack": pack,
    "Unpack": lambda value, num=None, axis=0: operations_arrays.unstack(value, num, axis),
    "AddN": lambda *inputs: functools.reduce(np.add, inputs), "Transpose": lambda x, perm: np.transpose(x, tensorflow.axes(perm)),
    "Squeeze": lambda x, squeeze_dims=(): tensorflow.squeeze(x, squeeze_dims),
    "Split": lambda axis, value, num_split: np.split(value, num_split, axis=int(axis)),
    "SplitV": lambda value, sizes, axis, num_split=None: tensorflow.split(value, sizes, int(axis)),
    "Pad": lambda x, paddings: operations_arrays.pad(x, paddings),
    "PadV2": lambda x, paddings, fill: operations_arrays.pad(x, paddings, "constant", fill),
    "MirrorPad": lambda x, paddings, mode="REFLECT": operations_arrays.pad(x, paddings, mode.lower()),
    "GatherV2": lambda x, indices, axis, batch_dims=0, *, step: tensorflow.gather(x, indices, int(axis), batch_dims, step=step),
    "ReverseV2": lambda x, axis: np.flip(x, tensorflow.axes(axis)),
    "Cumsum": lambda x, axis, **how: tensorflow.cumulative(np.cumsum)(x, int(axis), **how),
    "ArgMax": lambda x, axis: np.argmax(x, axis=int(axis)),
    "ArgMin": lambda x, axis: np.argmin(x, axis=int(axis)),
    "OneHot": lambda indices, depth, on, off, axis=-1: tensorflow.one_hot(indices, int(depth), on, off, axis),
    "ResizeBilinear": resized("bilinear"), "ResizeNearestNeighbor": resized("nearest"), "ResizeBicubic": resized("bicubic"),
}  # fmt: skip
OPERATIONS: dict[str, Function] = {f"tf.raw_ops.{node}": function for node, function in NODES.items()}
