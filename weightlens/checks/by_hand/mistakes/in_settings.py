"""Mistakes with a layer's settings: a related activation, another slope, another scale, dropout applied."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from weightlens.checks.by_hand.mistakes.mistake import Mistake, Settings, can_run_again, multiply_by, recorded_in, rerun_layer
from weightlens.checks.by_hand.replay import Edits, change_by
from weightlens.checks.by_hand.scene import Scene
from weightlens.recording import LayerRun, Step
from weightlens.specs.registry import spec

RELATIVES = {
    "hard_sigmoid": ("sigmoid", "hard_sigmoid_keras2"), "hard_sigmoid_keras2": ("sigmoid", "hard_sigmoid"), "silu": ("sigmoid", "gelu"),
    "swish": ("sigmoid", "gelu"), "mish": ("silu",), "elu": ("selu",), "selu": ("elu",), "relu6": ("relu",), "softsign": ("tanh",),
    "softplus": ("relu",), "gelu": ("silu",), "hard_silu": ("silu",), "hard_swish": ("silu",), "exponential": ("softplus",),
}  # fmt: skip
NAMES = {"hard_sigmoid": "hard_sigmoid (x/6 + 0.5)", "hard_sigmoid_keras2": "hard_sigmoid of Keras 2 (0.2 x + 0.5)"}
LEAKY = ("leaky_relu", "LeakyReLU")
SLOPES = (0.01, 0.2, 0.3, 0.1, 0.0)
SCALES = (1 / 256, 1 / 255, 1 / 127.5, 1 / 128, 1.0)


def activations(scene: Scene) -> Iterator[tuple[LayerRun, str, str, Settings]]:
    """Each activation in a layer's settings: the layer, the setting's key, the function's name and its options."""
    for run in filter(can_run_again, scene.trace.runs):
        for key in ("activation", "recurrent_activation"):
            named = run.config.get(key)
            inner = named.get("config") if isinstance(named, dict) else None
            name = inner if isinstance(inner, str) else named.get("class_name") if isinstance(named, dict) else named
            if isinstance(name, str):
                yield run, key, name, inner if isinstance(inner, dict) else {}


def related_activation(scene: Scene) -> Iterator[Mistake]:
    """A related function used instead: sigmoid for hard_sigmoid, one gelu for the other."""
    for run, key, name, options in activations(scene):
        place = f"the gates of {run.layer}" if key == "recurrent_activation" else run.layer
        for other in RELATIVES.get(name, ()):
            words = f"{NAMES.get(other, other)} was applied in {place} instead of {NAMES.get(name, name)}"
            yield Mistake("another activation", words, rerun_layer(scene, run, {key: other}), run.steps[-1])
        if name == "gelu":
            tanh = bool(options.get("approximate"))
            own, other = ("the tanh approximation of gelu", "gelu with erf")[:: 1 if tanh else -1]
            edits = rerun_layer(scene, run, {key: {"class_name": "gelu", "config": {"approximate": not tanh}}})
            yield Mistake("another activation", f"{other} was applied in {place} instead of {own}", edits, run.steps[-1])


def slopes(scene: Scene) -> Iterator[Mistake]:
    """Another negative slope in a leaky ReLU: programs have different defaults."""
    leaky: list[tuple[LayerRun, float | None, str | None]] = []  # a layer, its slope, and the setting of its activation if that has it
    leaky += [(run, run.config.get("negative_slope"), None) for run in scene.runs_of("LeakyReLU", "ReLU")]
    leaky += [(run, options.get("negative_slope", 0.2), key) for run, key, name, options in activations(scene) if name in LEAKY]
    for run, own, key in leaky:
        for slope in (slope for slope in SLOPES if own and slope != own):
            setting = {"negative_slope": slope}
            config = setting if key is None else {key: {"class_name": "leaky_relu", "config": setting}}
            words = f"the slope below 0 in {run.layer} was {slope:g} instead of {own:g}"
            yield Mistake("another slope", words, rerun_layer(scene, run, config), run.steps[-1])


def another_scale(scene: Scene) -> Iterator[Mistake]:
    """1/256 for 1/255, or 0..1 for -1..1, in a scaling layer or before the network."""
    for run in scene.runs_of("Rescaling"):
        own, offset = run.config["scale"], run.config.get("offset", 0.0)
        if np.ndim(own) or np.ndim(offset):
            continue
        for scale in (s for s in SCALES if not np.isclose(s, own, rtol=1e-9)):
            words = f"{run.layer} multiplied by {fraction_text(scale)} instead of {fraction_text(own)}"
            yield Mistake("another scale", words, rerun_layer(scene, run, {"scale": scale}), run.steps[-1])
            if offset:
                edits = rerun_layer(scene, run, {"scale": scale, "offset": 0.0})
                yield Mistake("another scale", f"{words}, without the offset", edits, run.steps[-1], 1.0)
        if offset:
            yield Mistake("no offset", f"the offset of {run.layer} was left out", rerun_layer(scene, run, {"offset": 0.0}), run.steps[-1])
    for x in (x for x in scene.float_inputs if np.abs(x.value).max(initial=0.0) <= 1):
        for one, other in ((255, 256), (256, 255)):
            edits = {id(x): change_by(multiply_by(one / other))}
            yield Mistake("another scale", f"the input was divided by {other} instead of {one}", edits, None, 1.0)


def fraction_text(scale: float) -> str:
    """A scale as a fraction: ``1/255`` for 0.00392."""
    return f"1/{1 / scale:.6g}" if 0 < abs(scale) < 0.2 else f"{scale:g}"


def dropout_applied(scene: Scene) -> Iterator[Mistake]:
    """Numbers scaled by a dropout layer, which does nothing in prediction."""
    for run in scene.runs_with(lambda known: known.drops):
        kept = 1 - float(run.config.get("rate") or 0.0)
        for factor, how in ((kept, "multiplied"), (1 / max(kept, 1e-9), "divided")):
            if 0 < kept < 1:
                edits, at = scaled_readers(scene, run, factor)
                words = f"{run.layer} was applied: its input was {how} by {kept:.4g}; when a network predicts it does nothing"
                yield Mistake("dropout applied", words, edits, at)


def scaled_readers(scene: Scene, dropout: LayerRun, factor: float) -> tuple[Edits, Step | None]:
    """Edits that scale a dropout layer's output where the next layers read it: the array itself may be a given step."""
    (node,) = recorded_in(dropout.x)[:1]
    after = scene.trace.runs[scene.trace.runs.index(dropout) + 1 :]
    readers = [run for run in after if can_run_again(run) and not spec(run.class_name).drops and any(node is x for x in recorded_in(run.x))]
    if not readers:
        return {id(node): change_by(multiply_by(factor))}, None
    edits: Edits = {}
    for run in readers:
        is_read = [part is node for part in run.x] if isinstance(run.x, (list, tuple)) else []
        edits |= rerun_layer(scene, run, x=partial(scaled_inputs, factor=factor, is_read=is_read))
    return edits, readers[0].steps[-1] if readers[0].steps else None


def scaled_inputs(x: np.ndarray | list[np.ndarray], factor: float, is_read: list[bool]) -> np.ndarray | list[np.ndarray]:
    """The input scaled; of several inputs, those that are read from the dropout layer."""
    if isinstance(x, (list, tuple)):
        return [factor * part if scaled else part for part, scaled in zip(x, is_read, strict=True)]
    return factor * x


def percent(scene: Scene) -> Iterator[Mistake]:
    """Probabilities written as percent without the sign: those that the network gives."""
    results = {id(node) for node in scene.trace.results}
    for site in (s for s in scene.sites if s.function in ("sigmoid", "softmax") and id(s.out) in results):
        words = f"the numbers of {site.at.layer} are percent, written without the sign (or multiplied by 100)"
        yield Mistake("percent", words, {id(site.out): change_by(multiply_by(100.0))}, site.at)
