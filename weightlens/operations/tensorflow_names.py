"""TensorFlow's names of operations, as Keras 2 stored them: which of Keras's operations each one is, and how its arguments are called.

``TFOpLambda`` and ``SlicingOpLambda`` hold a function's path (``math.add``), ``TensorFlowOpLayer`` (TensorFlow 2.0 to 2.3)
a node of the graph (``raw_ops.AddV2``), whose arguments come in its order.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from weightlens.layers.signature import Axis, Function
from weightlens.operations import tensorflow_adapters as adapted
from weightlens.operations.catalogue import OPERATIONS
from weightlens.operations.numeric import plain_size

OPERANDS = {1: ("x",), 2: ("x1", "x2")}
HANDED_ON = ("step", "input_dtype")


def axes(axis: Axis) -> Any:
    """Axes as NumPy takes them: one number or a tuple."""
    axis = plain_size(axis)
    return tuple(axis) if isinstance(axis, list) else axis


CONVERTED: dict[str, Function] = {  # values that TensorFlow writes otherwise, by the operation's name of the argument
    **dict.fromkeys(["axis", "axes"], axes), **dict.fromkeys(["newshape", "shape", "size", "repeats", "k", "start_indices"], plain_size),
    **dict.fromkeys(["mode", "interpolation", "padding"], lambda word: word.lower() if isinstance(word, str) else word),
    "dtype": lambda kind: str(kind).removeprefix("tf."),
    "data_format": lambda order: "channels_first" if str(order).startswith("NC") else None,
}  # fmt: skip


@dataclass(frozen=True)
class Rename:
    """One of TensorFlow's names of an operation, and its names of the arguments in order, ``"params:x indices axis batch_dims=0"``.

    Behind a colon stands the operation's own name where that differs, or nothing for an argument that changes no number;
    behind ``=`` the only value that is computed. ``unless`` has what the operation is told unless the file says something.
    """

    operation: str | Function
    arguments: str = "x"
    unless: Mapping[str, Any] = field(default_factory=dict)

    def meanings(self) -> Iterator[tuple[str, str, str]]:
        """TensorFlow's name of each argument, the operation's (or nothing), and its only value (or nothing)."""
        for part in self.arguments.split():
            name, fixed, only = part.partition("=")
            name, renamed, own = name.partition(":")
            yield name, own if renamed or fixed else name, only

    def function(self) -> Function:
        """The operation, to be called with TensorFlow's arguments."""
        compute = OPERATIONS[self.operation] if isinstance(self.operation, str) else self.operation
        own = {} if isinstance(compute, np.ufunc) else inspect.signature(compute).parameters
        names = [name for name, _, _ in self.meanings()] + [name for name in HANDED_ON if name in own]
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD

        def call(*args: Any, **options: Any) -> Any:
            return called(compute, dict(self.unless) | self.translated(dict(zip(names, args, strict=False)) | options))

        call.__signature__ = inspect.Signature([inspect.Parameter(n, kind, default=None) for n in names])  # type: ignore[attr-defined]  # for inspect
        return call

    def translated(self, given: dict[str, Any]) -> dict[str, Any]:
        """TensorFlow's arguments under the operation's names."""
        named = {name: given[name] for name in HANDED_ON if name in given}
        for name, own, only in self.meanings():
            value = given.get(name)
            if only and value is not None and str(value) != only:
                raise NotImplementedError(f"is called with {name}={value}, which weightlens does not know")
            if own and value is not None:
                named[own] = CONVERTED[own](value) if own in CONVERTED else value
        return named


def called(compute: Function, named: dict[str, Any]) -> Any:
    """What a function makes of arguments by name; the tensors go first, as NumPy's functions want them."""
    if isinstance(compute, np.ufunc):
        return compute(*(named[name] for name in OPERANDS[compute.nin]))
    try:
        bound = inspect.signature(compute).bind(**named)
    except TypeError as mismatch:
        raise NotImplementedError(f"is called in a way that weightlens does not know ({mismatch})") from None
    return compute(*bound.args, **bound.kwargs)


ONE = {  # of one array
    "abs": "Abs", "negative": "Negative", "neg": "Negative", "sqrt": "Sqrt", "rsqrt": "Rsqrt", "square": "Square", "exp": "Exp",
    "expm1": "Expm1", "log": "Log", "log1p": "Log1p", "sin": "Sin", "cos": "Cos", "tan": "Tan", "sinh": "Sinh", "cosh": "Cosh",
    "tanh": "Tanh", "asin": "Arcsin", "acos": "Arccos", "atan": "Arctan", "asinh": "Arcsinh", "acosh": "Arccosh", "atanh": "Arctanh",
    "sign": "Sign", "floor": "Floor", "ceil": "Ceil", "round": "Round", "rint": "Round", "reciprocal": "Reciprocal", "erf": "Erf",
    "erfc": "Erfc", "sigmoid": "Sigmoid", "softplus": "Softplus", "softsign": "Softsign", "log_sigmoid": "LogSigmoid", "relu": "Relu",
    "relu6": "Relu6", "elu": "Elu", "selu": "Selu", "silu": "Silu", "swish": "Silu", "is_nan": "Isnan", "is_inf": "Isinf",
    "is_finite": "Isfinite", "logical_not": "LogicalNot", "invert": "LogicalNot", "zeros_like": "ZerosLike", "ones_like": "OnesLike",
    "identity": "Copy", "stop_gradient": "StopGradient", "convert_to_tensor": "Copy",
}  # fmt: skip
TWO: dict[str, str | Function] = {  # of x and y
    "add": "Add", "subtract": "Subtract", "sub": "Subtract", "multiply": "Multiply", "mul": "Multiply", "divide": "Divide",
    "truediv": "Divide", "divide_no_nan": "DivideNoNan", "floordiv": "FloorDivide", "floor_div": "FloorDivide", "floormod": "Mod",
    "mod": "Mod", "pow": "Power", "maximum": "Maximum", "minimum": "Minimum", "greater": "Greater", "gt": "Greater",
    "greater_equal": "GreaterEqual", "ge": "GreaterEqual", "less": "Less", "lt": "Less", "less_equal": "LessEqual", "le": "LessEqual",
    "equal": "Equal", "eq": "Equal", "not_equal": "NotEqual", "ne": "NotEqual", "logical_and": "LogicalAnd", "and": "LogicalAnd",
    "logical_or": "LogicalOr", "or": "LogicalOr", "logical_xor": "LogicalXor", "xor": "LogicalXor",
    "squared_difference": lambda x, y: np.square(np.subtract(x, y)),
}  # fmt: skip
REVERSED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor")  # ``1 - x``: radd, rsub...
REDUCTIONS = {
    "reduce_sum": "Sum", "reduce_mean": "Mean", "reduce_max": "Max", "reduce_min": "Min", "reduce_prod": "Prod", "reduce_any": "Any",
    "reduce_all": "All", "reduce_std": "Std", "reduce_variance": "Var", "reduce_logsumexp": "Logsumexp", "reduce_euclidean_norm": "Norm",
}  # fmt: skip
BACK = {"axis1": -2, "axis2": -1}
FUNCTIONS: dict[str, Rename | Function] = {  # by name in tf, tf.math, tf.nn, tf.linalg and tf.__operators__, by path elsewhere
    **{name: Rename(operation) for name, operation in ONE.items()},
    **{name: Rename(operation, "x:x1 y:x2" if isinstance(operation, str) else "x y") for name, operation in TWO.items()},
    **{f"r{name}": Rename(TWO[name], "x:x2 y:x1") for name in REVERSED},
    **{name: Rename(operation, "input_tensor:x axis keepdims") for name, operation in REDUCTIONS.items()},
    # arithmetic
    "add_n": adapted.add_n, "accumulate_n": adapted.add_n, "scalar_mul": Rename("Multiply", "scalar:x1 x:x2"),
    "atan2": Rename("Arctan2", "y:x1 x:x2"), "clip_by_value": Rename("Clip", "t:x clip_value_min:x_min clip_value_max:x_max"),
    "where": Rename("Where", "condition x:x1 y:x2"), "cumsum": Rename(adapted.cumulative(np.cumsum), "x axis exclusive reverse"),
    "cumprod": Rename(adapted.cumulative(np.cumprod), "x axis exclusive reverse"), "count_nonzero": Rename("CountNonzero", "input:x axis"),
    "norm": Rename("Norm", "tensor:x ord axis keepdims"), "l2_normalize": Rename(adapted.l2_normalize, "x axis epsilon"),
    "moments": Rename("Moments", "x axes keepdims"),
    # order and lookup
    "argmax": Rename("Argmax", "input:a axis output_type:", {"axis": 0}),
    "argmin": Rename("Argmin", "input:a axis output_type:", {"axis": 0}),
    "sort": Rename(adapted.sort, "values axis direction"), "argsort": Rename(adapted.argsort, "values axis direction stable:"),
    "top_k": Rename("TopK", "input:x k", {"k": 1}), "gather": Rename("Take", "params:x indices axis batch_dims=0", {"axis": 0}),
    "embedding_lookup": Rename(adapted.embedding_lookup, "params ids partition_strategy: validate_indices:"),
    "getitem": adapted.getitem, "slice": Rename("Slice", "input_:inputs begin:start_indices size:shape"),
    "strided_slice": adapted.strided_slice, "tensor_scatter_nd_update": Rename("ScatterUpdate", "tensor:inputs indices updates"),
    "one_hot": Rename(adapted.one_hot, "indices depth on_value off_value axis"), "sequence_mask": adapted.sequence_mask,
    # products
    "matmul": Rename(adapted.matmul, "a b transpose_a transpose_b"), "rmatmul": Rename("Matmul", "x:x2 y:x1"), "einsum": adapted.einsum,
    "tensordot": Rename("Tensordot", "a:x1 b:x2 axes"), "diag_part": Rename("Diagonal", "input:a", BACK),
    **dict.fromkeys(["matrix_transpose", "linalg.transpose"], Rename("Swapaxes", "a", BACK)), "band_part": adapted.band_part,
    # what only moves numbers
    "reshape": Rename("Reshape", "tensor:x shape:newshape"), "transpose": Rename("Transpose", "a perm:axes conjugate:"),
    "concat": Rename("Concatenate", "values:xs axis"), "stack": Rename("Stack", "values:x axis"),
    "unstack": Rename("Unstack", "value:x num axis"), "split": Rename(adapted.split, "value num_or_size_splits axis num:"),
    "squeeze": Rename(adapted.squeeze, "input axis squeeze_dims:axis"), "expand_dims": Rename("ExpandDims", "input:a axis"),
    "tile": Rename("Tile", "input:x multiples:repeats"), "repeat": Rename("Repeat", "input:x repeats axis"),
    "reverse": Rename("Flip", "tensor:m axis"), "roll": Rename("Roll", "input:a shift axis"),
    "pad": Rename("Pad", "tensor:x paddings:pad_width mode constant_values"), "broadcast_to": Rename("BroadcastTo", "input:x shape"),
    "keras.backend.batch_flatten": lambda x: np.reshape(x, (x.shape[0], -1)), "ensure_shape": Rename("Copy", "x shape:"),
    # kinds and sizes
    "cast": Rename("Cast", "x dtype"), "saturate_cast": Rename("SaturateCast", "value:x dtype"),
    "shape": lambda input, out_type=None: np.array(input.shape), "size": lambda input, out_type=None: np.array(int(np.prod(input.shape))),
    "rank": lambda input: np.array(input.ndim), "zeros": lambda shape: np.full(plain_size(shape), 0.0),
    "ones": lambda shape: np.full(plain_size(shape), 1.0), "fill": lambda dims, value: np.full(plain_size(dims), value),
    "range": adapted.numbers_from,
    # networks
    "softmax": Rename("Softmax", "logits:x axis"), "log_softmax": Rename("LogSoftmax", "logits:x axis"),
    "gelu": Rename("Gelu", "features:x approximate", {"approximate": False}),
    "bias_add": Rename(adapted.bias_add, "value bias data_format"),
    "leaky_relu": Rename("LeakyRelu", "features:x alpha:negative_slope"),
    "depth_to_space": Rename("DepthToSpace", "input:x block_size data_format"),
    "space_to_depth": Rename("SpaceToDepth", "input:x block_size data_format"),
    **{
        f"{short}_pool{rank}": Rename(adapted.pooled(OPERATIONS[name]), "input ksize strides padding data_format")
        for short, name in (("max", "MaxPool"), ("avg", "AveragePool"))
        for rank in ("", "1d", "2d")
    },
    **dict.fromkeys(["conv2d", "convolution"], Rename(
        adapted.convolution(OPERATIONS["Conv"]),
        "input filters strides padding data_format dilations filter:filters dilation_rate:dilations use_cudnn_on_gpu:",
    )),
    "conv1d": Rename(
        adapted.convolution(OPERATIONS["Conv"]), "input filters stride:strides padding data_format dilations use_cudnn_on_gpu:"
    ),
    "depthwise_conv2d": Rename(
        adapted.convolution(OPERATIONS["DepthwiseConv"]), "input filter:filters strides padding rate:dilations data_format dilations"
    ),
    "conv2d_transpose": Rename(adapted.transposed_convolution, "input filters output_shape strides padding data_format"),
    **dict.fromkeys(["local_response_normalization", "lrn"], adapted.local_response_normalization),
    "sigmoid_cross_entropy_with_logits": Rename("BinaryCrossentropy", "labels:target logits:output", {"from_logits": True}),
    "softmax_cross_entropy_with_logits": Rename("CategoricalCrossentropy", "labels:target logits:output axis", {"from_logits": True}),
    "softmax_cross_entropy_with_logits_v2": Rename("CategoricalCrossentropy", "labels:target logits:output axis", {"from_logits": True}),
    # images
    "image.resize": Rename("Resize", "images size method:interpolation preserve_aspect_ratio=False antialias"),
    "image.rgb_to_grayscale": Rename("RGBToGrayscale", "images"),
    "image.grayscale_to_rgb": Rename("Repeat", "images:x", {"repeats": 3, "axis": -1}),
    "image.flip_left_right": Rename("Flip", "image:m", {"axis": -2}), "image.flip_up_down": Rename("Flip", "image:m", {"axis": -3}),
    "image.adjust_brightness": Rename("Add", "image:x1 delta:x2"),
    "image.per_image_standardization": adapted.standardized,
    "image.extract_patches": Rename(adapted.patches, "images sizes strides rates padding"),
}  # fmt: skip
SAME = (  # nodes of the graph that are called as Keras's operations are, tensors only
    "Abs Sqrt Rsqrt Square Exp Expm1 Log Log1p Sin Cos Tan Tanh Sign Floor Ceil Round Reciprocal Erf Sigmoid Softplus Softsign Relu "
    "Relu6 Elu Selu LogicalNot LogicalAnd LogicalOr ZerosLike OnesLike StopGradient Add Maximum Minimum Greater GreaterEqual Less "
    "LessEqual Equal NotEqual Softmax LogSoftmax"
)
CALLED_AS = {  # nodes of the graph that are called as TensorFlow's functions are
    "Neg": "negative", "Rint": "rint", "Identity": "identity", "AddV2": "add", "Sub": "subtract", "Mul": "multiply", "RealDiv": "divide",
    "DivNoNan": "divide_no_nan", "FloorDiv": "floordiv", "FloorMod": "floormod", "Pow": "pow", "SquaredDifference": "squared_difference",
    "Reshape": "reshape", "Transpose": "transpose", "Tile": "tile", "Slice": "slice", "StridedSlice": "strided_slice", "Pad": "pad",
    "ExpandDims": "expand_dims", "Squeeze": "squeeze", "ReverseV2": "reverse", "Shape": "shape", "BroadcastTo": "broadcast_to",
    "GatherV2": "gather", "Select": "where", "SelectV2": "where", "ClipByValue": "clip_by_value", "BiasAdd": "bias_add",
    "LeakyRelu": "leaky_relu", "LRN": "lrn", "TensorScatterUpdate": "tensor_scatter_nd_update", "DepthToSpace": "depth_to_space",
    "SpaceToDepth": "space_to_depth", "TopKV2": "top_k", "Cumsum": "cumsum", "ArgMax": "argmax", "ArgMin": "argmin", "MatMul": "matmul",
}  # fmt: skip
RAW: dict[str, Rename | Function] = {
    **{name: OPERATIONS[name] for name in SAME.split()}, **{node: FUNCTIONS[name] for node, name in CALLED_AS.items()},
    **{name: Rename(name, "x axis keep_dims:keepdims") for name in ("Sum", "Mean", "Max", "Min", "Prod", "Any", "All")},
    **dict.fromkeys(["BatchMatMul", "BatchMatMulV2"], Rename(adapted.matmul, "a b adj_x:transpose_a adj_y:transpose_b")),
    "Einsum": lambda *inputs, equation, step: adapted.einsum(equation, *inputs, step=step), "AddN": lambda *inputs: adapted.add_n(inputs),
    "Cast": Rename("Cast", "x DstT:dtype Truncate=False"), "ConcatV2": adapted.concat,
    "Pack": lambda *values, axis=0: OPERATIONS["Stack"](values, axis),
    "Unpack": Rename("Unstack", "value:x num axis"), "Split": Rename(adapted.split, "axis value num_split:num_or_size_splits"),
    "SplitV": Rename(adapted.split, "value sizes:num_or_size_splits axis num_split:"),
    "PadV2": Rename("Pad", "x paddings:pad_width constant_values"), "MirrorPad": Rename("Pad", "x paddings:pad_width mode"),
    "OneHot": Rename(adapted.one_hot, "indices depth on_value off_value axis"), "ResizeBilinear": adapted.resized("bilinear"),
    "ResizeNearestNeighbor": adapted.resized("nearest"), "ResizeBicubic": adapted.resized("bicubic"),
}  # fmt: skip
PLACES = frozenset({"", "math", "nn", "linalg", "dtypes", "keras.activations", "__operators__"})  # hold the same functions


def entry_of(path: str) -> Rename | Function | None:
    """The entry of one of TensorFlow's paths in the tables; ``None`` for an unknown one."""
    if not path.startswith("compat.v1.image."):  # TensorFlow 1 counts pixels otherwise
        path = path.removeprefix("compat.v1.")
    place, _, name = path.rpartition(".")
    return RAW.get(name) if place == "raw_ops" else FUNCTIONS.get(name if place in PLACES and path not in FUNCTIONS else path)
