"""What a step is, is recorded where it is made: it is not read from its words, nor from its numbers."""

from __future__ import annotations

import numpy as np

from tests.engine.test_forward import network, weight
from weightlens.layers.activations import activate
from weightlens.model import Call, Layer, Model, Ref
from weightlens.recording import Recorded, Trace
from weightlens.specs.activation import ACTIVATIONS
from weightlens.training.gradients import backward
from weightlens.words.layer_words import shares


def dense(activation: str) -> Model:
    own = {"kernel": weight("kernel", np.eye(2)), "bias": weight("bias", np.zeros(2))}
    config = {"use_bias": True, "activation": activation, "units": 2}
    return network(Layer("d", "Dense", config, own, [Call((Ref("x"),))]), outputs=[Ref("d")])


def test_numbers_that_happen_to_add_up_are_no_shares() -> None:
    run = dense("linear").trace([[0.25, 0.75]])
    assert run.outputs[0].sum() == 1 and not shares(run.results[0])
    assert shares(dense("softmax").trace([[0.25, 0.75]]).results[0])


def test_an_activation_remembers_its_argument() -> None:
    for name in sorted(name for name, known in ACTIVATIONS.items() if known.function not in ("softmax", "log_softmax", "sparsemax")):
        trace = Trace()
        x = trace.step("x", np.array([[0.5, -1.0]]))
        y = activate(x, name, trace.step)
        assert y is x if name == "linear" else (y.function[1] is x and y.function[0]), name
    assert activate(np.zeros(2), "relu", lambda name, value: value).shape == (2,)


def test_helpers_gates_and_states() -> None:
    run = dense("softmax").trace([[0.25, 0.75]])
    assert {step.name for step in run if step.made.role.kind == "helper"} == {"max", "sum"}


def test_only_the_maximum_of_a_softmax_has_no_gradient() -> None:
    trace = Trace(keep=True)
    x = Recorded(np.array([[1.0, 3.0, 2.0]]), kind="weight", name="x")
    y = trace.step("y", x - trace.step("max", np.max(x, axis=-1, keepdims=True)))
    found = backward([(y, np.ones((1, 3)))], {id(x): ("layer", "x")}, trace)[id(x)]
    np.testing.assert_allclose(found.value, [[1.0, -2.0, 1.0]])
