"""Which step of the forward pass is meant: layers and steps may go by their common names."""

from __future__ import annotations

import difflib
import functools
import re
from collections import Counter
from dataclasses import replace

from weightlens.checks.by_hand.claims import Claim
from weightlens.errors import BadInput, unknown
from weightlens.recording import Step, Trace

WEIGHTED_SUM = "weighted sum"
OTHER_WORDS = {
    "dot product": ("dot", "product", "matmul", "x w", "wx", "xw", "x kernel"),
    "pre activation": ("preactivation", "z", "logits", "logit", "net", "net input", WEIGHTED_SUM, "biased", "with bias", "linear"),
    "exponentials": ("e^x", "e^z", "exp", "exps", "exponential", "e x", "exp x", "exp z"),
    "sum": ("total", "sum of exponentials", "denominator", "sum of e^x"),
    "activation": (
        "output", "a", "y", "out", "result", "softmax", "relu", "sigmoid", "tanh", "probability", "probabilities", "prediction",
    ),
    "hidden state": ("h", "hidden"), "cell state": ("c", "cell"), "input gate": ("i",), "forget gate": ("f",), "output gate": ("o",),
}  # fmt: skip
OF_THE_NETWORK = ("output", "y", "out", "result", "prediction", "probability", "probabilities")  # of the last layer, where none is named
INSTEAD = {  # a layer without a bias has one step less, an LSTM has those of all gates, and the z of a GRU is a gate
    "pre activation": ("pre activations", "update gate", "dot product"), "hidden state": ("activation",),
}  # fmt: skip
NUMBERED = re.compile(r"(.*[^\W\d_])[\s_=(\[#]*(\d{1,9})[)\]]?")  # hidden state 2, h_2, h[2]


class OutOfRange(BadInput):
    """A sample or a unit that is not there, if they are numbered so."""


class NoSuchStep(BadInput):
    """The layer has no step of that name: a typing error, or a step that only a wrong calculation has."""


def without_bias(claims: list[Claim]) -> list[Claim]:
    """The claims, where a weighted sum that stands beside a pre-activation of its layer is the sum before the bias."""
    names = [(claim.layer, *claim.step.lower().rpartition("/")[::2]) for claim in claims]
    biased = {(layer, path) for layer, path, name in names if name != WEIGHTED_SUM and plain_words(name) == "pre activation"}
    return [
        replace(claim, step=claim.step[: -len(WEIGHTED_SUM)] + "dot product") if name == WEIGHTED_SUM and (layer, path) in biased else claim
        for claim, (layer, path, name) in zip(claims, names, strict=True)
    ]


def timed(claims: list[Claim], trace: Trace) -> list[Claim]:
    """The claims, where the number behind the name of a step that occurs several times is its time: ``hidden state 2``."""
    occurrences = Counter((step.layer, plain_words(step.name)) for step in trace.steps)
    repeated = {name for (_, name), count in occurrences.items() if count > 1}
    numbered = [NUMBERED.fullmatch(claim.step.strip()) if claim.time is None else None for claim in claims]
    return [
        replace(claim, step=found[1], time=int(found[2])) if found and plain_words(found[1].rpartition("/")[2]) in repeated else claim
        for claim, found in zip(claims, numbered, strict=True)
    ]


def steps_of(trace: Trace) -> list[Step]:
    """The inputs as steps, then every step."""
    return [Step(x.name, "input", x) for x in trace.inputs] + list(trace.steps)


def output_step(trace: Trace, number: int = 0) -> Step:
    """The step that is the network's output."""
    node = trace.results[number]
    return next((step for step in trace.steps if step.made is node), Step(node.layer or "output", node.name or "output", node))


@functools.lru_cache(1024)
def plain_words(name: str) -> str:
    """A name in lower case with single spaces; a synonym is replaced by the trace's own name."""
    clean = re.sub(r"[\s_\-*.·@()]+", " ", name.lower()).strip()
    return next((known for known, others in OTHER_WORDS.items() if clean in others), clean)


def find_step(trace: Trace, steps: list[Step], claim: Claim, source: str, first: int = 0) -> Step:
    """The step that a claim names; layers and steps may go by their common names. ``first``: with what time steps are counted from."""
    layer, name = claim.layer.strip(), claim.step.strip()
    place = claim.place or source
    if not layer and "/" in name:
        layer, _, name = name.rpartition("/")
    if not layer and not name:
        return output_step(trace)
    own = [s for s in steps if layer and s.layer.lower() == layer.lower()] or [
        s for s in steps if s.layer.lower().startswith(layer.lower() + "/")
    ]
    if layer and not own:
        raise BadInput(f"{place}: {unknown('layer', layer, (s.layer for s in steps))}")
    matches = steps_named(own, name, trace, layer) if layer else []
    matches = matches or steps_named(next_layer(own, steps) if layer else steps, name, trace, "")
    if not matches and not layer:  # a layer alone: what it hands on
        matches = steps_named([s for s in steps if s.layer.lower() == name.lower()], "", trace, name)[-1:]
    if not matches:
        names = ", ".join(dict.fromkeys(s.name for s in own or steps))
        learned = any(word in name.lower() for word in ("delta", "gradient", "new ", "loss"))
        more = "; the steps of a training are checked by weightlens train-sheet --by-hand" if learned else ""
        raise NoSuchStep(f"{place}: there is no step {name!r}{f' in layer {layer!r}' if layer else ''}; there are: {names}{more}")
    if len({step.layer for step in matches}) > 1 and name.lower() not in OF_THE_NETWORK:
        layers = ", ".join(dict.fromkeys(step.layer for step in matches))
        raise BadInput(f"{place}: step {name!r} is in several layers ({layers}): name the layer, as in {matches[0].layer}/{name}")
    return at_its_time([step for step in matches if step.layer == matches[-1].layer], claim, place, first)


def at_its_time(matches: list[Step], claim: Claim, place: str, first: int) -> Step:
    """The step that a claim means, of those of one layer and one name."""
    if len(matches) == 1:
        return matches[0]
    times = f"{place}: {matches[0].layer}/{matches[0].name} occurs {len(matches)} times"
    if claim.time is None:
        raise BadInput(f"{times}: say which, in a column time or as {matches[0].name} 0")
    if not 0 <= claim.time - first < len(matches):
        raise OutOfRange(f"{times}, numbered from 0")
    return matches[claim.time - first]


def next_layer(own: list[Step], steps: list[Step]) -> list[Step]:
    """The steps of the next layer: a softmax layer's exponentials and sum are often named with the Dense layer before it."""
    after = steps[steps.index(own[-1]) + 1 :]
    return [step for step in after if step.layer == after[0].layer and after[-1].made.shape == own[-1].made.shape]


def steps_named(steps: list[Step], name: str, trace: Trace, layer: str) -> list[Step]:
    """The steps with that name; ``output`` and its synonyms name a layer's output."""
    wanted = plain_words(name) if name else "activation"
    for word in (wanted, *INSTEAD.get(wanted, ())):
        matches = [step for step in steps if plain_words(step.name) == word or step.name.lower() == name.lower()]
        if matches:
            return matches
    if wanted in ("activation", "pre activation", "hidden state") and layer:
        outputs = next((nodes for path, nodes in trace.layer_outputs.items() if path.lower() == layer.lower()), [])
        return [step for node in outputs for step in steps_of(trace) if step.made is node] or steps[-1:]
    names = [] if any(map(str.isdigit, wanted)) else [plain_words(step.name) for step in steps]
    close = difflib.get_close_matches(wanted, names, 1, 0.8)
    return [step for step in steps if close and plain_words(step.name) == close[0]]
