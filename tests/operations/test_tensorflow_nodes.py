"""Functions and graph nodes of TensorFlow that Keras 2 stored in a model, in files written with h5py alone."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import weightlens
from weightlens.cli.main import main
from weightlens.errors import UnsupportedLayer
from weightlens.spreadsheet.recalculate import recalculate

X = np.random.default_rng(3).normal(size=(2, 4, 3))
PADDED = np.pad(X.sum(-1, keepdims=True), [(0, 0), (1, 1), (0, 0)])


def saved(folder: Path, entry: dict[str, Any], kind: str = "float32", before: list[dict[str, Any]] | None = None) -> Path:
    """A functional model ``x -> one node`` (and those ``before`` it) as TensorFlow's Keras 2 stores it."""
    config = {"batch_input_shape": [None, 4, 3], "name": "x", "dtype": kind}
    first = {"class_name": "InputLayer", "name": "x", "config": config, "inbound_nodes": []}
    config = {
        "name": "m",
        "layers": [first, *(before or []), entry],
        "input_layers": [["x", 0, 0]],
        "output_layers": [[entry["name"], 0, 0]],
    }
    path = folder / "m.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": config})
        file.attrs["keras_version"] = file.attrs["backend"] = "2.11.0"
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = np.array([b"x", entry["name"].encode()])
        for name in ("x", entry["name"]):
            group.create_group(name).attrs["weight_names"] = np.zeros(0)
    return path


def function_entry(path: str, nodes: list[Any]) -> dict[str, Any]:
    kind = "SlicingOpLambda" if path.endswith("getitem") else "TFOpLambda"
    return {"class_name": kind, "name": "node", "config": {"name": "node", "function": path, "dtype": "float32"}, "inbound_nodes": nodes}


def node_entry(op: str, constants: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    config = {"name": op, "node_def": {"name": op, "op": op, "attr": {"T": {"type": "DT_FLOAT"}} | attributes}, "constants": constants}
    return {"class_name": "TensorFlowOpLayer", "name": "tf_op_layer_" + op, "config": config, "inbound_nodes": [[["x", 0, 0, {}]]]}


def keras3_entry(name: str) -> dict[str, Any]:
    return {"module": "keras.src.ops.any", "class_name": name, "name": "node", "config": {"name": "node"}, "inbound_nodes": [[HERE]]}


HERE = ["x", 0, 0]
FUNCTIONS = [
    ("math.multiply", [["x", 0, 0, {"y": 2.5, "name": None}]], X * 2.5),
    ("__operators__.rsub", [["x", 0, 0, {"y": 1.0}]], 1.0 - X),
    ("math.subtract", [["_CONSTANT_VALUE", -1, 1.0, {"y": HERE}]], 1.0 - X),
    ("__operators__.getitem", [["x", 0, 0, {"slice_spec": [{"start": None, "stop": None, "step": None}, 2]}]], X[:, 2]),
    ("math.reduce_mean", [["x", 0, 0, {"axis": [1, 2], "keepdims": True}]], X.mean((1, 2), keepdims=True)),
    ("concat", [[["x", 0, 0, {"axis": 1}], ["x", 0, 0, {"axis": 1}]]], np.concatenate([X, X], 1)),
    ("compat.v1.transpose", [["x", 0, 0, {"perm": [0, 2, 1]}]], X.transpose(0, 2, 1)),
    ("linalg.matmul", [["x", 0, 0, {"b": HERE, "transpose_b": True}]], X @ X.transpose(0, 2, 1)),
    ("clip_by_value", [["x", 0, 0, {"clip_value_min": -0.5, "clip_value_max": 0.5}]], np.clip(X, -0.5, 0.5)),
    ("split", [["x", 0, 0, {"num_or_size_splits": [1, 3], "axis": 1}]], X[:, :1]),
    ("math.cumsum", [["x", 0, 0, {"axis": 1, "exclusive": True}]], np.cumsum(X, 1) - X),
    ("math.cumsum", [["x", 0, 0, {"axis": 1, "exclusive": True, "reverse": True}]], np.cumsum(X[:, ::-1], 1)[:, ::-1] - X),
    ("dtypes.saturate_cast", [["x", 0, 0, {"dtype": "uint8"}]], np.trunc(np.maximum(X, 0))),
    (
        "math.cumprod",
        [["x", 0, 0, {"axis": 1, "exclusive": True, "reverse": True}]],
        np.stack([X[:, 1:].prod(1), X[:, 2:].prod(1), X[:, 3], np.ones((2, 3))], 1),
    ),
    ("broadcast_to", [["x", 0, 0, {"shape": [2, 2, 4, 3]}]], np.broadcast_to(X, (2, 2, 4, 3))),
    ("fill", [["_CONSTANT_VALUE", -1, [2, 3], {"value": 4.0}]], np.full((2, 3), 4.0)),
    ("math.count_nonzero", [["x", 0, 0, {"axis": 1}]], np.full((2, 3), 4.0)),
    ("math.reduce_euclidean_norm", [["x", 0, 0, {"axis": -1}]], np.linalg.norm(X, axis=-1)),
    ("image.per_image_standardization", [["x", 0, 0, {}]], (X - X.mean()) / X.std()),
    ("image.flip_left_right", [["x", 0, 0, {}]], X[:, ::-1]),
    ("nn.sigmoid_cross_entropy_with_logits", [["x", 0, 0, {"logits": HERE}]], np.log1p(np.exp(X)) - X * X),
    ("nn.leaky_relu", [["x", 0, 0, {"alpha": 0.1}]], np.where(X > 0, X, 0.1 * X)),
    ("math.argmax", [["x", 0, 0, {"axis": -1, "output_type": "int32"}]], X.argmax(-1)),
    ("math.accumulate_n", [[["x", 0, 0, {}], ["x", 0, 0, {}]]], 2 * X),
    ("compat.v1.math.scalar_mul", [["_CONSTANT_VALUE", -1, 2.0, {"x": HERE}]], 2 * X),
    ("compat.v1.gather", [["x", 0, 0, {"indices": [2, 0], "validate_indices": None, "axis": 1, "batch_dims": 0}]], X[:, [2, 0]]),
    (
        "compat.v1.nn.convolution",
        [["x", 0, 0, {"filter": np.ones((2, 3, 1)).tolist(), "strides": [1], "padding": "SAME", "dilation_rate": [2]}]],
        PADDED[:, :4] + PADDED[:, 2:],
    ),
    ("compat.v1.linalg.transpose", [["x", 0, 0, {}]], X.transpose(0, 2, 1)),
    ("keras.activations.swish", [["x", 0, 0, {}]], X / (1 + np.exp(-X))),
    ("image.adjust_brightness", [["x", 0, 0, {"delta": 0.25}]], X + 0.25),
]
# What no model was seen to hold; each is refused by name.
REMOVED_FUNCTIONS = (
    "linalg.inv linalg.det linalg.cholesky linalg.svd linalg.qr linalg.lstsq linalg.solve linalg.cross linalg.diag linalg.normalize "
    "math.segment_sum math.unsorted_segment_sum math.xlogy math.xdivy math.multiply_no_nan math.reciprocal_no_nan math.in_top_k "
    "compat.v1.boolean_mask compat.v1.gather_nd searchsorted meshgrid clip_by_norm bitwise.bitwise_and signal.fft signal.stft "
    "compat.v1.nn.crelu compat.v1.nn.pool compat.v1.nn.separable_conv2d image.ssim image.psnr image.rgb_to_hsv image.hsv_to_rgb "
    "image.rgb_to_yuv image.central_crop image.crop_to_bounding_box image.pad_to_bounding_box image.resize_with_pad "
    "image.resize_with_crop_or_pad image.adjust_contrast image.adjust_saturation compat.v1.image.resize raw_ops.Svd raw_ops.Div "
    "keras.activations.hard_sigmoid strings.split image.transpose sparse.add image.rot90 signal.frame linalg.trace"
)
REMOVED_OPERATIONS = (
    "AffineTransform PerspectiveTransform MapCoordinates ScaleAndTranslate SSIM PSNR RGBToHSV HSVToRGB GaussianBlur SobelEdges PadImages "
    "CropImages Det Inv Pinv Solve SolveTriangular Cholesky CholeskyInverse Slogdet Logdet SVD Lstsq MatrixRank Qr FFT FFT2 IFFT2 IRFFT "
    "ISTFT Unfold Fold SegmentSum SegmentMax SegmentMin SegmentProd Erfinv InTopK CDist Nansum Nanprod Nanmax Nanmin Nanmean Nanvar "
    "Nanstd Nanargmax Nanargmin Nancumsum Nancumprod Nanquantile Nanpercentile Nanmedian Quantile Percentile Corrcoef Correlate "
    "Linspace Logspace Full UnravelIndex Angle Imag Isreal I0 Nextafter BitwiseAnd BitwiseOr BitwiseXor BitwiseInvert BitwiseLeftShift "
    "BitwiseRightShift Gcd Lcm Trapezoid Vander Meshgrid Kron Cross Vdot Inner Diagflat Append Dstack SliceUpdate Scatter AllClose Select "
    "Heaviside RFFT STFT ExtractSequences Rearrange Digitize SearchSorted Sinc Logaddexp2 Signbit Rot90 MultiHot Trace"
)
NODES = [
    (node_entry("Mul", {"1": 2.5}), X * 2.5),
    (node_entry("Sub", {"0": 1.0}), 1.0 - X),
    (node_entry("Mean", {"1": [1, 2]}, keep_dims={"b": True}), X.mean((1, 2), keepdims=True)),
    (node_entry("Transpose", {"1": [0, 2, 1]}), X.transpose(0, 2, 1)),
    (
        node_entry(
            "StridedSlice", {"1": [0, 1], "2": [0, 3], "3": [1, 1]}, begin_mask={"i": "1"}, end_mask={"i": "1"}, shrink_axis_mask={}
        ),
        X[:, 1:3],
    ),
    (
        node_entry("MirrorPad", {"1": [[0, 0], [1, 1], [0, 0]]}, mode={"s": base64.b64encode(b"REFLECT").decode()}),
        np.pad(X, [(0, 0), (1, 1), (0, 0)], "reflect"),
    ),
    (node_entry("Cast", {}, DstT={"type": "DT_INT32"}), np.trunc(X)),
    (node_entry("LeakyRelu", {}, alpha={"f": 0.1}), np.where(X > 0, X, 0.1 * X)),
]


@pytest.mark.parametrize(("path", "nodes", "expected"), FUNCTIONS, ids=[row[0] for row in FUNCTIONS])
def test_function(path: str, nodes: list[Any], expected: np.ndarray, tmp_path: Path) -> None:
    model = weightlens.load(saved(tmp_path, function_entry(path, nodes)))
    np.testing.assert_allclose(model.trace(X).outputs[0], expected, rtol=1e-12)


@pytest.mark.parametrize(("entry", "expected"), NODES, ids=[entry["config"]["name"] for entry, _ in NODES])
def test_graph_node(entry: dict[str, Any], expected: np.ndarray, tmp_path: Path) -> None:
    model = weightlens.load(saved(tmp_path, entry))
    np.testing.assert_allclose(model.trace(X).outputs[0], expected, rtol=1e-12)


@pytest.mark.parametrize(
    "entry",
    [
        function_entry("random.normal", [["x", 0, 0, {}]]),
        function_entry("gather", [["x", 0, 0, {"indices": [[0], [1]], "batch_dims": 1}]]),
        function_entry("nn.relu", [["x", 0, 0, {"surprise": 3}]]),
        node_entry("ResizeBilinear", {"1": [2, 2]}, half_pixel_centers={"b": False}),
    ],
    ids=["unknown", "option", "argument", "node"],
)
def test_refused_by_name(entry: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UnsupportedLayer, match=entry["name"]):
        weightlens.load(saved(tmp_path, entry)).trace(X)


@pytest.mark.parametrize("path", REMOVED_FUNCTIONS.split())
def test_function_that_no_model_holds(path: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedLayer, match=rf"'node' \(tf\.{path}\): is not an operation"):
        weightlens.load(saved(tmp_path, function_entry(path, [["x", 0, 0, {}]]))).trace(X)


@pytest.mark.parametrize("name", REMOVED_OPERATIONS.split())
def test_operation_that_no_model_holds(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedLayer, match=rf"'node' \({name}\): is not an operation"):
        weightlens.load(saved(tmp_path, keras3_entry(name))).trace(X)


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("__operators__.getitem", {"slice_spec": [{"start": None, "stop": None, "step": None}, ["place", 0, 0]]}),
        ("__operators__.getitem", {"slice_spec": [{"start": None, "stop": ["place", 0, 0], "step": None}]}),
        ("tile", {"multiples": [1, 1, ["place", 0, 0]]}),
    ],
    ids=["index", "slice", "tile"],
)
def test_shapes_that_depend_on_the_data_are_refused(path: str, options: dict[str, Any], tmp_path: Path) -> None:
    place = function_entry("math.reduce_max", [[*HERE, {}]]) | {"name": "place"}
    file = saved(tmp_path, function_entry(path, [["x", 0, 0, options]]), before=[place])
    with pytest.raises(UnsupportedLayer, match="from the data"):
        weightlens.load(file).trace(X)


def test_shapes_that_come_from_shapes_are_known(tmp_path: Path) -> None:
    shape = function_entry("compat.v1.shape", [[*HERE, {}]]) | {"name": "shape"}
    size = function_entry("__operators__.getitem", [["shape", 0, 0, {"slice_spec": 2}]]) | {"name": "size"}
    part = {"slice_spec": [{"start": None, "stop": None, "step": None}, {"start": None, "stop": ["size", 0, 0], "step": None}]}
    file = saved(tmp_path, function_entry("__operators__.getitem", [["x", 0, 0, part]]), before=[shape, size])
    np.testing.assert_array_equal(weightlens.load(file).trace(X).outputs[0], X[:, :3])


def test_refusal_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(saved(tmp_path, keras3_entry("SVD")))]) == 2
    message = capsys.readouterr().err
    assert "SVD" in message
    assert message.count("\n") == 1


BYTES = np.random.default_rng(3).integers(0, 256, size=(2, 4, 3)).astype("uint8")
WRAPPING = [
    (function_entry("math.subtract", [["x", 0, 0, {"y": 127}]]), BYTES - np.uint8(127)),
    (function_entry("math.reduce_sum", [["x", 0, 0, {"axis": 1}]]), BYTES.sum(1, dtype="uint8")),
    (function_entry("__operators__.rsub", [["x", 0, 0, {"y": 3}]]), np.uint8(3) - BYTES),
    (function_entry("math.truediv", [["x", 0, 0, {"y": 255}]]), BYTES / 255),
    (function_entry("math.reduce_max", [["x", 0, 0, {"axis": 1}]]), BYTES.max(1)),
    (function_entry("cast", [["x", 0, 0, {"dtype": "int8"}]]), BYTES.astype("int8")),
    (node_entry("AddV2", {"1": 200}), BYTES + np.uint8(200)),
    (function_entry("where", [["_CONSTANT_VALUE", -1, True, {"x": HERE, "y": HERE}]]), BYTES),
    (function_entry("gather", [["_CONSTANT_VALUE", -1, [k / 2 for k in range(256)], {"indices": HERE}]]), BYTES / 2),
    ({"class_name": "Add", "name": "add", "config": {"name": "add"}, "inbound_nodes": [[HERE, HERE]]}, BYTES + BYTES),
]


@pytest.mark.parametrize(("entry", "expected"), WRAPPING, ids=[entry["config"].get("function", entry["name"]) for entry, _ in WRAPPING])
def test_bytes_start_again_at_the_other_end(entry: dict[str, Any], expected: np.ndarray, tmp_path: Path) -> None:
    model = weightlens.load(saved(tmp_path, entry, "uint8"))
    for found in (model.trace(BYTES).outputs[0], model.predict(BYTES)[0]):
        np.testing.assert_allclose(found, expected.astype(float), rtol=1e-12)


@pytest.mark.parametrize(
    "entry",
    [
        function_entry("math.reduce_mean", [["x", 0, 0, {"axis": 1}]]),
        function_entry("math.add", [["x", 0, 0, {"y": 300}]]),
        {"class_name": "GlobalAveragePooling1D", "name": "g", "config": {"name": "g"}, "inbound_nodes": [[HERE]]},
        {"class_name": "Average", "name": "a", "config": {"name": "a"}, "inbound_nodes": [[HERE, HERE]]},
    ],
    ids=["mean", "constant", "pooling", "average"],
)
def test_whole_numbers_are_refused_where_keras_cuts_them(entry: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UnsupportedLayer, match=entry["name"]):
        weightlens.load(saved(tmp_path, entry, "uint8")).trace(BYTES)


def test_a_product_of_nothing_is_one_in_the_workbook(tmp_path: Path) -> None:
    model = weightlens.load(saved(tmp_path, function_entry("math.cumprod", [["x", 0, 0, {"axis": 1, "exclusive": True}]])))
    weightlens.export(model, tmp_path / "m.xlsx", inputs=X[:1])
    found = recalculate(tmp_path / "m.xlsx", "ironcalc").block("output_0")
    np.testing.assert_allclose(found, model.predict(X[:1])[0].ravel(), rtol=1e-12)
