"""The forward walk: binding of inputs, graphs with shared layers, what is refused, what is recorded."""

from __future__ import annotations

import operator
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.workbook.probe import probe
from weightlens.call_order import calls_in_order
from weightlens.engine import portions
from weightlens.engine.forward import predict, trace
from weightlens.engine.portions import AT_ONCE, samples_are_independent
from weightlens.engine.run import in_precision
from weightlens.errors import BadInput, UnreadableModel, UnsupportedLayer, WeightlensError
from weightlens.importing import weight_called
from weightlens.model import Call, Layer, Model, Ref, Weight
from weightlens.recording import Recorded

KERNEL = np.array([[1.0, 2.0], [3.0, 4.0]])
BIAS = np.array([0.5, -0.5])


def weight(name: str, value: np.ndarray) -> Weight:
    return Weight(name, value.shape, str(value.dtype), f"/{name}", lambda: value)


def dense(name: str, *sources: Ref) -> Layer:
    config = {"use_bias": True, "activation": "linear", "units": 2}
    return Layer(
        name, "Dense", config, {"kernel": weight("kernel", KERNEL), "bias": weight("bias", BIAS)}, [Call((source,)) for source in sources]
    )


def network(*layers: Layer, outputs: list[Ref], units: int | None = 2) -> Model:
    entry = Layer("x", "InputLayer", {"batch_shape": [None, units]}, calls=[Call(())])
    return Model("network", "Functional", [entry, *layers], inputs=[Ref("x")], outputs=outputs)


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a network with many numbers, on several cores."""
    monkeypatch.setattr(portions, "FEW_NUMBERS", 1)
    monkeypatch.setattr(portions, "cores", lambda: 3)


def test_dense_by_hand() -> None:
    model = network(dense("d", Ref("x")), outputs=[Ref("d")])
    np.testing.assert_array_equal(model.predict([[1, 10]])[0], [[31.5, 41.5]])


def test_a_shared_layer_is_called_twice() -> None:
    model = network(dense("d", Ref("x"), Ref("d")), outputs=[Ref("d", 1)])
    run = model.trace(np.array([[1.0, 0.0]]))
    once = np.array([[1.5, 1.5]])
    np.testing.assert_array_equal(run.outputs[0], once @ KERNEL + BIAS)
    assert list(run.layer_outputs)[-2:] == ["d", "d #2"]
    assert len({id(step.made) for step in run["d"]}) == len(run["d"]) == 4


def test_the_steps_of_a_layer() -> None:
    run = network(dense("d", Ref("x")), outputs=[Ref("d")]).trace([[1.0, 0.0]])
    assert [step.name for step in run["d"]] == ["dot product", "pre-activation"]
    with pytest.raises(KeyError, match="there is no layer 'nothing'; the layers are: d"):
        run["nothing"]


def test_every_step_can_be_computed_again_from_its_recording() -> None:
    run = network(dense("d", Ref("x")), outputs=[Ref("d")]).trace(np.random.default_rng(1).normal(size=(3, 2)))

    def again(thing: Any) -> Any:
        if not isinstance(thing, Recorded) or thing.op is None or thing.kind == "weight":
            return thing.value if isinstance(thing, Recorded) else thing
        return thing.op(*[again(a) for a in thing.args], **thing.kwargs)

    for step in run:
        np.testing.assert_array_equal(again(step.made), step.value)


@pytest.mark.parametrize(
    ("x", "what"),
    [([[1, 2, 3]], "takes 2 per sample"), ([[[1, 2]]], "takes 2 per sample"), ({"y": [[1, 2]]}, "no values for input 'x'")],
)
def test_inputs_that_do_not_fit(x: Any, what: str) -> None:
    model = network(dense("d", Ref("x")), outputs=[Ref("d")])
    with pytest.raises(BadInput, match=what):
        model.predict(x)


def test_one_sample_needs_no_batch_axis() -> None:
    model = network(dense("d", Ref("x")), outputs=[Ref("d")])
    np.testing.assert_array_equal(model.predict([1, 10])[0], model.predict([[1, 10]])[0])
    np.testing.assert_array_equal(model.predict({"x": [1, 10]})[0], model.predict({"input_0": [1, 10]})[0])


def test_a_network_inside_another_one_has_outputs_of_its_own() -> None:
    inner = network(dense("d", Ref("x")), outputs=[Ref("d")])
    around = Layer("inner", "Functional", {}, model=inner, calls=[Call((Ref("x"),))])
    run = network(around, outputs=[Ref("inner")]).trace([[1, 10]])
    [output] = run.layer_outputs["inner"]
    assert output.value.tolist() == [[31.5, 41.5]] and [step.layer for step in run["inner"]] == ["inner/d", "inner/d"]


def test_a_recurrent_layer_without_a_state_to_keep_can_be_called_twice() -> None:
    own = {name: weight(name, array) for name, array in (("kernel", KERNEL), ("recurrent_kernel", np.eye(2)), ("bias", BIAS))}
    config = {"units": 2, "activation": "linear", "return_sequences": True}
    shared = Layer("rnn", "SimpleRNN", config, own, [Call((Ref("x"),)), Call((Ref("rnn"),))])
    entry = Layer("x", "InputLayer", {"batch_shape": [None, 2, 2]}, calls=[Call(())])
    model = Model("network", "Functional", [entry, shared], inputs=[Ref("x")], outputs=[Ref("rnn", 1)])
    x = np.arange(4.0).reshape(1, 2, 2)
    for _ in range(2):
        first = x[:, 0] @ KERNEL + BIAS
        x = np.stack([first, x[:, 1] @ KERNEL + BIAS + first], axis=1)
    np.testing.assert_array_equal(model.predict(np.arange(4.0).reshape(1, 2, 2))[0], x)


def test_a_crossentropy_of_one_array_is_refused() -> None:
    node = Layer("loss", "CategoricalCrossentropy", {}, is_operation=True, calls=[Call((Ref("x"),))])
    with pytest.raises(WeightlensError, match="loss"):
        network(node, outputs=[Ref("loss")]).predict([[0.5, 0.5]])


def test_an_unknown_layer_is_refused_by_name() -> None:
    model = network(dense("d", Ref("x")), Layer("odd", "MyLayer", {}, calls=[Call((Ref("d"),))]), outputs=[Ref("odd")])
    with pytest.raises(UnsupportedLayer, match=r"'odd' \(MyLayer\)") as refusal:
        model.predict([[1, 2]])
    assert (refusal.value.layer, refusal.value.class_name) == ("odd", "MyLayer")
    run = trace(model, [[1, 2]], stop_at_unsupported=True)
    assert "odd" in run.stopped
    assert [step.layer for step in run] == ["d", "d"]


@pytest.mark.parametrize("source", [Ref("missing"), Ref("d", 3), Ref("d")], ids=["no such layer", "no such call", "a circle"])
def test_graphs_that_lead_nowhere(source: Ref) -> None:
    with pytest.raises(UnreadableModel):
        calls_in_order(network(dense("d", source), outputs=[Ref("d")]))


def test_a_layer_named_like_another_call_of_one_is_refused() -> None:
    """Both would stand under one heading, and be held against each other's numbers."""
    model = network(dense("d", Ref("x"), Ref("d #2")), dense("d #2", Ref("d")), outputs=[Ref("d", 1)])
    with pytest.raises(UnreadableModel, match="layer 'd #2' is named like another call of layer 'd': rename one of them"):
        model.trace([[1, 2]])
    assert network(dense("d", Ref("x")), dense("d #2", Ref("d")), outputs=[Ref("d #2")]).predict([[1, 2]])


def test_the_weights_of_another_call_are_those_of_the_first() -> None:
    """Also where a layer has a name that looks like another call."""
    inner = network(dense("d", Ref("x"), Ref("d")), outputs=[Ref("d", 1)])
    twice = Layer("inner", "Functional", {}, model=inner, calls=[Call(Ref("x")), Call(Ref("inner"))])
    model = network(twice, dense("e #2", Ref("inner", 1)), outputs=[Ref("e #2")])
    for label in ("inner/d/kernel", "inner/d #2/kernel", "inner #2/d #2/kernel"):
        assert weight_called(model, label) == ("inner/d/kernel", model.weights["inner/d/kernel"])
    assert weight_called(model, "e #2/bias") == ("e #2/bias", model.weights["e #2/bias"])
    assert weight_called(model, "inner #3/d/kernel") is weight_called(model, "e/bias") is None
    deep = inner
    for _ in range(20):  # each call of each model is a path of its own: more than anybody could list
        deep = Model("m", "Functional", [Layer("m", "Functional", {}, model=deep, calls=[Call(Ref("x"))] * 9)])
    assert weight_called(deep, "m #9/" * 20 + "d #2/bias")
    assert weight_called(deep, "m #9/" * 20 + "e/bias") is None


def test_an_output_that_no_layer_makes_is_refused() -> None:
    model = network(dense("d", Ref("x")), outputs=[Ref("d", 0, 1)])
    with pytest.raises(WeightlensError, match="'network' names an output that its layers do not make"):
        model.predict([[1, 2]])


def test_a_network_inside_another_one_takes_as_many_inputs_as_it_has() -> None:
    inner = network(dense("d", Ref("x")), outputs=[Ref("d")])
    around = Layer("inner", "Functional", {}, model=inner, calls=[Call(([Ref("x"), Ref("x")],))])
    with pytest.raises(WeightlensError, match="'inner' takes 1 input, but is given 2"):
        network(around, outputs=[Ref("inner")]).predict([[1, 2]])


@pytest.mark.parametrize(("dtype", "made"), [("float32", "float64"), ("bfloat16", "float64"), ("<f4", "float64"), ("int32", "int32")])
def test_large_floats_are_read_piece_by_piece(monkeypatch: pytest.MonkeyPatch, dtype: str, made: str) -> None:
    """And whole numbers stay as they are."""
    monkeypatch.setattr("weightlens.engine.run.AT_ONCE", 1)
    numbers, pieces = np.arange(10).reshape(5, 2).astype("int32" if dtype == "int32" else "float32"), []

    def read_part(part: slice) -> np.ndarray:
        pieces.append((part.start, part.stop))
        return numbers[part]

    large = Weight("kernel", numbers.shape, dtype, "/kernel", lambda: numbers, read_part)
    array = in_precision(large, np.float64)
    np.testing.assert_array_equal(array, numbers)
    assert array.dtype == made
    assert pieces == ([(row, row + 1) for row in range(5)] if made == "float64" else [])
    pieces.clear()
    np.testing.assert_array_equal(large.value, in_precision(large, np.float64))
    assert not pieces, "an array that is in memory is not read again"


def test_the_calls_of_a_shared_layer_come_in_their_order() -> None:
    """Not in that of a set, which is another one in every process: the sheets of a workbook follow it."""
    shared = [dense(name, *[Ref("x")] * 4) for name in ("a", "b")]
    outputs = [Ref(name, call) for call in (3, 1, 0, 2) for name in ("b", "a")]
    order = [(layer.name, call) for layer, call, _ in calls_in_order(network(*shared, outputs=outputs))]
    assert order == [(name, call) for name in ("a", "b") for call in range(4)]


@pytest.mark.parametrize("lose", [bool, np.asarray, lambda x: operator.iadd(x, 1), lambda x: np.array([x, x])])
def test_what_would_lose_the_recording_raises(lose: Callable[[Recorded], Any]) -> None:
    with pytest.raises(TypeError):
        lose(Recorded(np.ones(2)))


def test_importing_weightlens_imports_neither_keras_nor_openpyxl() -> None:
    heavy = ("tensorflow", "keras", "tf_keras", "openpyxl", "ironcalc", "pandas")
    code = f"import sys, weightlens; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert weightlens.__version__


@pytest.mark.parametrize(("ids", "row", "value"), [([[0, 1], [2, -1]], 2, "-1"), ([[3, 0]], 1, "3"), ([[np.nan, 0]], 1, "nan")])
def test_a_number_that_is_no_row_of_an_embedding_is_refused(ids: Any, row: int, value: str) -> None:
    table = np.arange(6, dtype=np.float32).reshape(3, 2)
    layer = Layer("e", "Embedding", {"name": "e", "input_dim": 3}, {"embeddings": weight("embeddings", table)}, [Call((Ref("x"),))])
    model = network(layer, outputs=[Ref("e")])
    for run in (model.predict, model.trace):
        with pytest.raises(BadInput, match=rf"input 'x', row {row}, column \d: {value} is out of range; .* from 0 to 2"):
            run(ids)
    np.testing.assert_array_equal(model.predict([[0, 2]])[0], [[[0, 1], [4, 5]]])
    marks = network(Layer("c", "CategoryEncoding", {"name": "c", "num_tokens": 3}, {}, [Call((Ref("x"),))]), outputs=[Ref("c")])
    np.testing.assert_array_equal(marks.predict([[0, 5]])[0], [[1, 0, 0]])
    with pytest.raises(BadInput, match=r"row 1, column 2: -1 is out of range; .* from 0 on"):
        marks.predict([[0, -1]])
    with pytest.raises(BadInput, match="row 1130, column 1: 7 is out of range"):  # many rows are taken some at a time
        predict(model, [[0, 1]] * 129 + [[7, 0]], first=1000)


@pytest.mark.usefixtures("small_portions")
@pytest.mark.parametrize("kind", ["Attention", "AdditiveAttention"])
@pytest.mark.parametrize("nested", [False, True], ids=["plain", "nested"])
def test_attention_between_samples_is_computed_of_all_at_once(kind: str, nested: bool) -> None:
    """Of samples that are vectors Keras compares each with all others of a batch; of sequences, the places in each."""
    rng = np.random.default_rng(0)
    for shape, alone in (((2,), False), ((3, 2), True), ((None, 2), True)):
        entry = Layer("x", "InputLayer", {"batch_shape": [None, *shape]}, calls=[Call(())])
        layer = Layer("a", kind, {"use_scale": False}, calls=[Call(([Ref("x"), Ref("x")],))])
        model = Model("network", "Functional", [entry, layer], inputs=[Ref("x")], outputs=[Ref("a")])
        if nested:
            outer = Layer("in", "InputLayer", {"batch_shape": [None, *shape]}, calls=[Call(())])
            inside = Layer("part", "Functional", {}, calls=[Call((Ref("in"),))], model=model)
            model = Model("outer", "Functional", [outer, inside], inputs=[Ref("in")], outputs=[Ref("part")])
        assert samples_are_independent(model) is alone
        x = rng.random((2 * AT_ONCE + 3, *(n or 4 for n in shape)))
        fits = x @ np.swapaxes(x, -1, -2) if kind == "Attention" else np.tanh(x[..., :, None, :] + x[..., None, :, :]).sum(axis=-1)
        shares = np.exp(fits) / np.exp(fits).sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(predict(model, x)[0], shares @ x, rtol=1e-9)


def test_attention_between_samples_is_found_under_any_name() -> None:
    """A layer whose name has a slash in it, beside one of a sequence."""
    entries = [Layer(name, "InputLayer", {"batch_shape": [None, *shape]}, calls=[Call(())]) for name, shape in (("x", (2,)), ("s", (3, 2)))]
    settings = {"use_scale": False}
    attention = [Layer("block/of_x", "Attention", settings, calls=[Call(([Ref("x"), Ref("x")],))])]
    attention += [Layer("of_s", "Attention", settings, calls=[Call(([Ref("s"), Ref("s")],))])]
    ends = [Ref(layer.name) for layer in attention]
    model = Model("network", "Functional", [*entries, *attention], inputs=[Ref("x"), Ref("s")], outputs=ends)
    assert not samples_are_independent(model)


@pytest.mark.usefixtures("small_portions")
@pytest.mark.parametrize(("axis", "alone"), [(-1, True), (1, True), ([1], True), (0, False), ([0, 1], False), (-2, False)])
def test_samples_are_computed_in_portions_unless_an_axis_may_be_theirs(axis: Any, alone: bool) -> None:
    layer = Layer("n", "LayerNormalization", {"axis": axis, "center": False, "scale": False}, calls=[Call((Ref("x"),))])
    model = network(layer, outputs=[Ref("n")])
    assert samples_are_independent(model) is alone
    x = np.random.default_rng(0).random((2 * AT_ONCE + 3, 2))
    over = tuple(np.atleast_1d(axis))
    centered = x - x.mean(axis=over, keepdims=True)
    expected = centered / np.sqrt(x.var(axis=over, keepdims=True) + 1e-3)
    np.testing.assert_allclose(predict(model, x)[0], expected, rtol=1e-12)


def test_samples_that_share_statistics_are_computed_all_at_once() -> None:
    """Keras 1's BatchNormalization in mode 2 takes the mean of the batch."""
    layer = Layer("n", "BatchNormalization", {"mode": 2, "center": False, "scale": False}, calls=[Call((Ref("x"),))])
    assert not samples_are_independent(network(layer, outputs=[Ref("n")]))


def test_an_operator_between_tensors_of_different_rank_is_computed_of_all_samples_at_once() -> None:
    """The samples of ``(batch, 4)`` meet the second axis of ``(batch, 4, 4)``."""
    entries = [Layer(name, "InputLayer", {"batch_shape": [None, *shape]}, calls=[Call(())]) for name, shape in (("x", (4,)), ("y", (4, 4)))]
    for second, alone in (("y", False), ("x", True)):
        node = Layer("sum", "Add", {}, is_operation=True, calls=[Call((Ref("x"), Ref(second)))])
        model = Model("network", "Functional", [*entries, node], inputs=[Ref("x"), Ref("y")], outputs=[Ref("sum")])
        assert samples_are_independent(model) is alone


@pytest.mark.usefixtures("small_portions")
def test_samples_that_are_single_numbers_are_computed_all_at_once() -> None:
    """The last axis of ``(batch,)`` is that of the samples."""
    entry = Layer("x", "InputLayer", {"batch_shape": [None]}, calls=[Call(())])
    layer = Layer("n", "Softmax", {"axis": -1}, calls=[Call((Ref("x"),))])
    model = Model("network", "Functional", [entry, layer], inputs=[Ref("x")], outputs=[Ref("n")])
    assert not samples_are_independent(model)
    x = np.random.default_rng(0).random(2 * AT_ONCE + 3)
    np.testing.assert_allclose(predict(model, x)[0], np.exp(x) / np.exp(x).sum(), rtol=1e-12)


@pytest.mark.usefixtures("small_portions")
def test_portions_side_by_side_read_a_weight_once_and_name_the_first_wrong_sample() -> None:
    reads, table = [], np.arange(8.0).reshape(4, 2)
    embeddings = Weight("embeddings", table.shape, "float64", "/embeddings", lambda: reads.append(1) or table)
    layer = Layer("e", "Embedding", {"input_dim": 4, "output_dim": 2}, {"embeddings": embeddings}, calls=[Call((Ref("x"),))])
    model = network(layer, outputs=[Ref("e")])
    x = np.random.default_rng(0).integers(0, 4, (8 * AT_ONCE + 3, 2))
    np.testing.assert_array_equal(predict(model, x)[0], table[x])
    assert len(reads) == 1
    x[[3 * AT_ONCE + 7, 5 * AT_ONCE]] = 9
    with pytest.raises(BadInput) as wrong:
        predict(model, x)
    assert f"row {3 * AT_ONCE + 7 + 1}, " in str(wrong.value)


def test_portions_are_small_where_a_layer_makes_many_numbers_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention of 200 places to each other: 40,000 scores of a sample that has 200 numbers."""
    entry = Layer("x", "InputLayer", {"batch_shape": [None, 200, 1]}, calls=[Call(())])
    layer = Layer("a", "Attention", {"use_scale": False}, calls=[Call(([Ref("x"), Ref("x")],))])
    model = Model("network", "Functional", [entry, layer], inputs=[Ref("x")], outputs=[Ref("a")])
    monkeypatch.setattr(portions, "MOST_NUMBERS", 80_000)
    monkeypatch.setattr(portions, "cores", lambda: 1)
    assert portions.samples_at_once(model, [np.zeros((AT_ONCE + 1, 200, 1))]) == 2
    assert portions.samples_at_once(model, [np.zeros((AT_ONCE, 200, 1))]) == 0


def test_each_core_has_some_of_few_large_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network(dense("d", Ref("x")), outputs=[Ref("d")])
    monkeypatch.setattr(portions, "cores", lambda: 4)
    assert portions.samples_at_once(model, [np.zeros((10, 2))]) == 0
    monkeypatch.setattr(portions, "FEW_NUMBERS", 8)
    assert portions.samples_at_once(model, [np.zeros((10, 2))]) == 4
    assert portions.samples_at_once(model, [np.zeros((20, 2))]) == 5
    assert portions.samples_at_once(model, [np.zeros((1, 2))]) == 0


def test_matrix_products_have_their_threads_again_when_the_last_one_is_done() -> None:
    """Whoever began first."""

    def of_blas() -> set[int]:
        return {library["num_threads"] for library in portions.libraries().info() if library["user_api"] == "blas"}

    one_core, before = portions.OneCore(), of_blas()
    first, second = one_core.each(), one_core.each()
    for enter in (first, second):
        enter.__enter__()
        assert of_blas() <= {1}
    first.__exit__(None, None, None)
    assert of_blas() <= {1}
    second.__exit__(None, None, None)
    assert of_blas() == before


@pytest.mark.parametrize(("outputs", "names"), [(1, ["output"]), (2, ["output 0", "output 1"])])
def test_outputs_are_numbered_where_they_are_several(outputs: int, names: list[str]) -> None:
    with probe(lambda x, w, step: [x * (i + 1) for i in range(outputs)], BIAS[None]) as model:
        assert [step.name for step in model.trace([BIAS[None]])] == names
