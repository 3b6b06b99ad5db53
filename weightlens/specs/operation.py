"""What is known of an operator node by its class: ``Add`` of Keras 3, ``tf.math.add`` or ``tf.raw_ops.AddV2`` of TensorFlow."""

from __future__ import annotations

# What comes out where whole numbers go in: "same": the same kind, which wraps around; "sums": a kind of 32 bits at least; "products":
# the same, but products that are added up wrap around; "means": a mean without its fraction; "cuts": a result without its fraction;
# "divides": fractions; "other": numbers of another kind. What has no word keeps the kind, or makes fractions.
KERAS = {
    "same": "Absolute Abs Add Clip Cumsum Diff FloorDivide Maximum Minimum Mod Multiply Negative Outer Power Ptp Round Square Subtract",
    "sums": "Sum Prod Trace CountNonzero",
    "products": "Cumprod Dot Einsum Matmul Tensordot Average",
    "means": "Moments",
    "cuts": "LayerNorm RMSNorm",
}
TENSORFLOW = {  # the functions, whatever module they are in, and the nodes
    "same": "add radd sub rsub subtract mul rmul multiply neg negative abs square pow rpow floordiv floor_div rfloordiv mod rmod floormod "
    "maximum minimum clip_by_value cumsum cumprod reduce_sum reduce_prod squared_difference add_n matmul tensordot einsum Add AddV2 AddN "
    "Sub Mul Neg Abs Square Pow FloorDiv FloorMod Maximum Minimum Cumsum Sum Prod MatMul BatchMatMul BatchMatMulV2 SquaredDifference "
    "Einsum",
    "means": "Moments reduce_mean reduce_variance reduce_std moments Mean",
    "divides": "truediv rtruediv divide RealDiv",
    "other": "div rdiv divide_no_nan greater greater_equal less less_equal equal not_equal gt ge lt le eq ne Greater GreaterEqual Less "
    "LessEqual Equal NotEqual logical_and logical_or logical_not one_hot OneHot argmax argmin ArgMax ArgMin argsort shape size rank "
    "embedding_lookup resize_bilinear resize_bicubic ResizeBilinear ResizeBicubic sequence_mask reduce_any reduce_all is_finite is_nan",
}
# Operators of functional models that do what the layer of their name does; the others only share the name.
LIKE_LAYERS = frozenset({"Add", "Subtract", "Multiply", "Maximum", "Minimum"})
PRODUCTS_OF_TRUTH = frozenset({"Dot", "Einsum", "Matmul", "Outer", "Tensordot"})  # of Keras, which computes with true and false there
ALONE = """
Add Subtract Multiply Divide TrueDivide DivideNoNan FloorDivide Mod Power Negative Absolute Abs Reciprocal Sign Square Sqrt Rsqrt Clip Floor
Ceil Round Maximum Minimum Exp Expm1 Log Log1p Sin Cos Tanh Erf Greater GreaterEqual Less LessEqual Equal NotEqual LogicalAnd LogicalOr
LogicalNot Where Cast Copy StopGradient Relu ReLU Relu6 Sigmoid Softplus Softsign Silu LeakyRelu HardSigmoid HardSilu Elu Selu Gelu
"""
PLACE_BY_PLACE = frozenset(ALONE.split())  # of Keras: each number is computed of the numbers at its place
BY_KERAS, BY_TENSORFLOW = ({name: word for word, names in table.items() for name in names.split()} for table in (KERAS, TENSORFLOW))


def is_tensorflow(class_name: str) -> bool:
    """Whether an operation is one of TensorFlow's functions or nodes, which Keras 2 stored."""
    return class_name.startswith("tf.")


def whole_of(class_name: str) -> str:
    """What an operation makes of whole numbers: one of the words above."""
    return BY_TENSORFLOW.get(class_name.rpartition(".")[2], "") if is_tensorflow(class_name) else BY_KERAS.get(class_name, "")
