"""Operator nodes of functional graphs (``x + y``, ``ops.relu(x)``, ``tf.nn.relu``): one NumPy function each, the table of contents.

A function takes the tensors of the call first, then the options under Keras's names; one that names a keyword-only
``step`` shows its intermediate steps. ``OPERATIONS`` has them by the operation's class in Keras 3 (``Add``, ``Softmax``);
the TensorFlow functions that Keras 2 stored are other names of them (``tensorflow_names``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.layers import activations, comparisons
from weightlens.layers.preprocessing import spectral
from weightlens.operations import images as image
from weightlens.operations import mathematics as maths
from weightlens.operations import nn
from weightlens.operations import numeric as numbers
from weightlens.operations import whole_arrays as arrays

OPERATIONS: dict[str, Callable[..., Any]] = {
    # arithmetic
    "Add": np.add, "Subtract": np.subtract, "Multiply": np.multiply, "Divide": np.divide, "TrueDivide": np.divide,
    "DivideNoNan": numbers.divide_no_nan, "FloorDivide": numbers.floor_divide, "Mod": np.mod, "Fmod": numbers.fmod, "Power": np.power,
    "Negative": np.negative, "Absolute": np.abs, "Abs": np.abs, "Fabs": np.abs, "Reciprocal": lambda x: 1.0 / x, "Sign": np.sign,
    "Square": np.square, "Sqrt": np.sqrt, "Rsqrt": lambda x: 1.0 / np.sqrt(x), "Cbrt": numbers.cbrt, "Clip": numbers.clip,
    "Floor": np.floor, "Ceil": np.ceil, "Trunc": np.trunc, "Round": numbers.around, "Maximum": np.maximum, "Minimum": np.minimum,
    "Fmax": np.fmax, "Fmin": np.fmin, "Hypot": numbers.hypot, "NanToNum": numbers.nan_to_num,
    "Copy": activations.linear, "Array": activations.linear, "StopGradient": activations.linear,
    # exponents and angles
    "Exp": np.exp, "Exp2": lambda x: np.power(2.0, x), "Expm1": np.expm1, "Log": np.log, "Log1p": np.log1p, "Log2": np.log2,
    "Log10": np.log10, "Logaddexp": numbers.logaddexp, "Sin": np.sin, "Cos": np.cos, "Tan": np.tan, "Sinh": np.sinh, "Cosh": np.cosh,
    "Tanh": np.tanh, "Arcsin": np.arcsin, "Arccos": np.arccos, "Arctan": np.arctan, "Arctan2": spectral.arctan2, "Arcsinh": np.arcsinh,
    "Arccosh": np.arccosh, "Arctanh": np.arctanh, "Deg2rad": np.deg2rad, "Rad2deg": np.rad2deg, "Erf": activations.erf,
    "Erfc": lambda x: 1.0 - activations.erf(x),
    # comparison and choice
    "Greater": comparisons.greater, "GreaterEqual": comparisons.greater_equal, "Less": comparisons.less,
    "LessEqual": comparisons.less_equal, "Equal": comparisons.equal, "NotEqual": comparisons.not_equal, "IsIn": numbers.isin,
    "Isnan": np.isnan, "Isinf": np.isinf, "Isfinite": np.isfinite, "LogicalAnd": numbers.logical(np.logical_and),
    "LogicalOr": numbers.logical(np.logical_or), "LogicalXor": numbers.logical(np.not_equal), "LogicalNot": numbers.logical_not,
    "Where": numbers.where,
    # reductions
    "Sum": numbers.reduction(np.sum), "Mean": numbers.reduction(np.mean), "Prod": numbers.reduction(np.prod), "Max": numbers.largest,
    "Min": numbers.smallest, "Amax": numbers.largest, "Amin": numbers.smallest, "Var": numbers.var, "Std": numbers.std, "Ptp": numbers.ptp,
    "Any": numbers.reduction(np.any, comparisons.truth), "All": numbers.reduction(np.all, comparisons.truth), "Average": numbers.average,
    "CountNonzero": numbers.count_nonzero, "Median": arrays.median, "Argmax": arrays.argmax, "Argmin": arrays.argmin,
    "Cumsum": numbers.running(np.cumsum), "Cumprod": numbers.running(np.cumprod), "Diff": numbers.diff, "Logsumexp": maths.logsumexp,
    "Norm": maths.norm,
    # order and lookup
    "Sort": arrays.sort, "Argsort": arrays.argsort, "TopK": maths.top_k, "Take": arrays.take, "TakeAlongAxis": arrays.take_along_axis,
    "GetItem": arrays.getitem, "Slice": maths.sliced, "ScatterUpdate": maths.scatter_update,
    # products
    "Matmul": arrays.matmul, "Dot": arrays.dot, "Outer": arrays.outer, "Tensordot": arrays.tensordot, "Einsum": arrays.einsum,
    # what only moves numbers
    "Concatenate": arrays.concatenate, "Stack": arrays.stack, "Hstack": arrays.hstack, "Vstack": arrays.vstack, "Split": np.split,
    "ArraySplit": np.array_split, "Unstack": arrays.unstack, "Reshape": arrays.reshape, "BroadcastTo": arrays.broadcast_to,
    "Pad": arrays.pad, "ExpandDims": np.expand_dims, "Squeeze": np.squeeze, "Transpose": np.transpose, "Swapaxes": np.swapaxes,
    "Moveaxis": np.moveaxis, "Ravel": np.ravel, "Flip": np.flip, "Fliplr": np.fliplr, "Flipud": np.flipud, "Roll": np.roll,
    "Tile": lambda x, repeats: np.tile(x, repeats), "Repeat": arrays.repeat, "Tril": np.tril, "Triu": np.triu, "Diag": arrays.diag,
    "Diagonal": np.diagonal, "FullLike": lambda x, fill_value: np.zeros(x.shape) + fill_value, "ZerosLike": lambda x: np.zeros(x.shape),
    "OnesLike": lambda x: np.ones(x.shape),
    # kinds of numbers
    "Cast": maths.cast, "SaturateCast": maths.saturate_cast, "ConvertToTensor": maths.convert,
    # activations
    "Relu": activations.relu, "ReLU": activations.relu, "Relu6": activations.relu6, "Sigmoid": activations.sigmoid,
    "SparseSigmoid": activations.sparse_sigmoid, "Softplus": activations.softplus, "Softsign": activations.softsign,
    "SoftShrink": activations.soft_shrink, "SparsePlus": activations.sparse_plus, "Silu": activations.silu,
    "Squareplus": activations.squareplus, "LogSigmoid": activations.log_sigmoid, "LeakyRelu": activations.leaky_relu,
    "HardSigmoid": activations.hard_sigmoid, "HardSilu": activations.hard_silu, "Elu": activations.elu, "Selu": activations.selu,
    "Gelu": nn.gelu, "Celu": activations.celu, "Glu": activations.glu, "TanhShrink": activations.tanh_shrink,
    "HardTanh": activations.hard_tanh, "HardShrink": activations.hard_shrink, "Threshold": activations.threshold, "Mish": activations.mish,
    "Softmax": activations.softmax, "LogSoftmax": activations.log_softmax, "Sparsemax": activations.sparsemax,
    # pooling and convolution
    "MaxPool": nn.max_pool, "AveragePool": nn.average_pool,
    "AdaptiveMaxPool": nn.adaptive_max_pool, "AdaptiveAveragePool": nn.adaptive_average_pool,
    "Conv": nn.conv, "DepthwiseConv": nn.depthwise_conv,
    "SeparableConv": nn.separable_conv, "ConvTranspose": nn.conv_transpose, "DepthToSpace": nn.depth_to_space,
    "SpaceToDepth": nn.space_to_depth,
    # normalization, losses, attention
    "Moments": nn.moments, "BatchNorm": nn.batch_norm, "LayerNorm": nn.layer_norm, "RMSNorm": nn.rms_norm, "Normalize": nn.normalize,
    "OneHot": comparisons.one_hot, "BinaryCrossentropy": nn.binary_crossentropy, "CategoricalCrossentropy": nn.categorical_crossentropy,
    "SparseCategoricalCrossentropy": nn.sparse_categorical_crossentropy, "DotProductAttention": nn.dot_product_attention,
    # images

    "Resize": image.resize, "RGBToGrayscale": image.rgb_to_grayscale, "ExtractPatches": image.extract_patches,
}  # fmt: skip
