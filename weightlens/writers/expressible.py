"""The same model in what today's Keras has: layers and names that it no longer knows are replaced where others compute the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from weightlens.engine.faults import every_fault
from weightlens.errors import BadInput
from weightlens.formats.architecture.inbound import map_refs
from weightlens.model import Call, Layer, Model, Ref
from weightlens.operations.tensorflow_names import Rename, entry_of
from weightlens.specs.quirks import NONE
from weightlens.writers.constructors import is_in_keras_3

MODELS = ("Sequential", "Functional")
MODULES = {  # where Keras 3 has its operators
    "nn": "Relu Relu6 Sigmoid SparsePlus SparseSigmoid Softplus Softsign SoftShrink Silu Squareplus LogSigmoid LeakyRelu HardSigmoid "
    "HardSilu Elu Selu Gelu Celu Glu TanhShrink HardTanh HardShrink Threshold Softmax LogSoftmax Sparsemax MaxPool AveragePool "
    "AdaptiveMaxPool AdaptiveAveragePool Conv DepthwiseConv SeparableConv ConvTranspose DepthToSpace SpaceToDepth Moments BatchNorm "
    "LayerNorm RMSNorm Normalize OneHot BinaryCrossentropy CategoricalCrossentropy SparseCategoricalCrossentropy DotProductAttention",
    "math": "Rsqrt Erf Erfc Logsumexp TopK",
    "linalg": "Norm",
    "image": "Resize RGBToGrayscale ExtractPatches",
    "core": "Cast SaturateCast StopGradient Slice ScatterUpdate Unstack ConvertToTensor",
    "numpy": "Abs Absolute Fabs Negative Sqrt Square Cbrt Exp Exp2 Expm1 Log Log2 Log10 Log1p Logaddexp Sin Cos Tan Sinh Cosh Tanh Arcsin "
    "Arccos Arctan Arctan2 Arcsinh Arccosh Arctanh Deg2rad Rad2deg Hypot Sign Floor Ceil Round Trunc Reciprocal Add Subtract Multiply "
    "Divide TrueDivide DivideNoNan FloorDivide Mod Fmod Power Maximum Minimum Fmax Fmin Sum Mean Max Min Amax Amin Ptp Prod Std Var "
    "Average Median Any All CountNonzero Argmax Argmin Cumsum Cumprod Diff Sort Argsort Greater GreaterEqual Less LessEqual Equal "
    "NotEqual IsIn Isnan Isinf Isfinite LogicalAnd LogicalOr LogicalXor LogicalNot Where NanToNum Take TakeAlongAxis Transpose Reshape "
    "ExpandDims Squeeze Swapaxes Moveaxis Ravel BroadcastTo Concatenate Stack Hstack Vstack Split ArraySplit Clip Flip Fliplr Flipud Roll "
    "Repeat Tile Pad Tril Triu Diag Diagonal Matmul Dot Outer Tensordot Einsum GetItem Copy Array FullLike ZerosLike OnesLike",
}
MODULE_OF = {name: f"keras.src.ops.{module}" for module, names in MODULES.items() for name in names.split()}
# What the functions of TensorFlow take that are written as operators: the tensors first; the settings are those of the operator.
TENSORS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(["Add", "Subtract", "Multiply", "Divide", "Power", "Maximum", "Minimum", "Matmul"], ("x1", "x2")),
    **dict.fromkeys(["Transpose", "ExpandDims"], ("a",)), "Concatenate": ("xs",), "Flip": ("m",),
}  # fmt: skip
SETTINGS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(["Sum", "Mean", "Max", "Min", "Prod", "Std", "Var"], ("axis", "keepdims")),
    **dict.fromkeys(["Softmax", "LogSoftmax"], ("axis",)),
    "Gelu": ("approximate",), "LeakyRelu": ("negative_slope",), "Transpose": ("axes",), "Reshape": ("newshape",), "ExpandDims": ("axis",),
    "Concatenate": ("axis",), "Stack": ("axis",), "Clip": ("x_min", "x_max"), "Flip": ("axis",), "Tile": ("repeats",),
}  # fmt: skip


def expressible(model: Model) -> Model:
    """A copy of the model that can be written for Keras; ``BadInput`` if there is none."""
    if not model.class_name or not model.inputs:
        raise BadInput(f"cannot be converted: {model.why_nothing_runs}")
    if fault := next(iter(every_fault(model)), ""):
        raise BadInput(f"cannot be converted: {fault}")
    return with_names(model)


def with_names(model: Model) -> Model:
    """The model with names that Keras accepts: no slash in them, and no two alike."""
    names = new_names([layer.name for layer in model.layers])

    def renamed(value: Any) -> Any:
        return map_refs(value, lambda ref: Ref(names[ref.layer], ref.call, ref.index))

    layers = []
    for layer in model.layers:
        new = rewritten(layer)
        calls = [Call(renamed(call.args), renamed(call.kwargs)) for call in new.calls]
        layers.append(replace(new, name=names[layer.name], calls=calls))
    class_name = model.class_name if model.class_name in MODELS else "Functional"
    ends = renamed(model.inputs), renamed(model.outputs)
    return replace(model, class_name=class_name, layers=layers, inputs=ends[0], outputs=ends[1], unplaced=[])  # counters of training


def new_names(names: list[str]) -> dict[str, str]:
    """Names without slashes by the old ones."""
    taken, found = {name for name in names if "/" not in name}, {}
    for name in names:
        new = name.replace("/", "_")
        while new != name and new in taken:
            new += "_"
        taken.add(new)
        found[name] = new
    return found


def rewritten(layer: Layer) -> Layer:
    """The layer as Keras 3 has it, and all that is in it: wrapped layers, nested models."""
    inner = {key: rewritten(part) for key, part in layer.inner.items()}
    nested = None if layer.model is None else with_names(layer.model)
    return replace(checked(layer), inner=inner, model=nested)


def checked(layer: Layer) -> Layer:
    """The layer under the class that it has in Keras 3."""
    if layer.is_operation:
        operator = as_operator(layer)
        if operator is None:
            raise cannot(layer, "is an operator that is not known to be the same in Keras 3")
        return operator
    if layer.class_name == "ThresholdedReLU":
        theta = layer.config.get("theta", 1.0)
        settings = {key: value for key, value in layer.config.items() if key != "theta"}
        return replace(layer, class_name="ReLU", config=settings | {"threshold": theta, "max_value": None, "negative_slope": 0.0})
    if layer.config.get("quantization_mode"):
        raise cannot(layer, "is quantised")
    if "lora_rank" in layer.config:  # merged into the kernel when it was read
        layer = replace(layer, config={key: value for key, value in layer.config.items() if not key.startswith("lora_")})
    if layer.model is None and not is_in_keras_3(layer.class_name):
        raise cannot(layer, "is not a layer of Keras 3")
    return layer


def cannot(layer: Layer, why: str) -> BadInput:
    """The refusal of a layer, in one line."""
    return BadInput(f"cannot be converted: layer {layer.name!r} ({layer.class_name}) {why}")


def as_operator(layer: Layer) -> Layer | None:
    """The operator of Keras 3 that an operator of a model is; ``None`` if there is none that is known to be the same."""
    if not layer.quirks.before_keras_3:
        module = str(layer.config.get("module") or MODULE_OF.get(layer.class_name, ""))
        return replace(layer, config={**layer.config, "module": module}) if module.startswith("keras.") else None
    entry = entry_of(layer.class_name.removeprefix("tf."))
    if not isinstance(entry, Rename) or entry.operation not in MODULE_OF or layer.quirks.input_dtype is not None or not layer.calls:
        return None
    assert isinstance(entry.operation, str)
    found = [made for call in layer.calls if (made := translated(entry, entry.operation, call)) is not None]
    if len(found) < len(layer.calls) or any(settings != found[0][1] for _, settings in found):
        return None
    config = {"name": layer.name, "module": MODULE_OF[entry.operation], **found[0][1]}
    return replace(layer, class_name=entry.operation, config=config, calls=[call for call, _ in found], quirks=NONE)


def translated(entry: Rename, operation: str, call: Call) -> tuple[Call, dict[str, Any]] | None:
    """A call of TensorFlow's function as a call of the operator, and the operator's settings."""
    names = [name for name, _, _ in entry.meanings()]
    given = dict(zip(names, call.args, strict=False)) | {key: value for key, value in call.kwargs.items() if key != "name"}
    try:
        named = dict(entry.unless) | entry.translated(given)
    except NotImplementedError:
        return None
    tensors, settings = TENSORS.get(operation, ("x",)), SETTINGS.get(operation, ())
    if not set(tensors) <= set(named) <= {*tensors, *settings} or len(call.args) > len(names) or not set(given) <= set(names):
        return None
    taken = tuple(operand(named[name]) for name in tensors)
    return Call(taken), {name: named[name] for name in settings if name in named}


def operand(value: Any) -> Any:
    """What goes in: a tensor, a number, or a list of numbers as an array."""
    return np.asarray(value, np.float32) if isinstance(value, list) and not any(isinstance(item, Ref) for item in value) else value
