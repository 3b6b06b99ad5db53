"""What a step is for, for somebody who sees it for the first time: by its role and its name, else by the calls that made it.

Which numbers a sentence is about (windows, heads, filters, all tokens) is what the axes say, never the name of a layer.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.axes.factors import KERNEL, axis_words
from weightlens.recording import Recorded, Step
from weightlens.recording.calls import PRODUCTS, operation, reduced_axes
from weightlens.recording.graph import expression, named_operands
from weightlens.specs.words.sentences import activation_sentence
from weightlens.words.call_words import QUIET, reduction_name
from weightlens.words.layer_words import activation_of, sentence
from weightlens.words.wording import OUTPUTS, Wording, and_list, plural, within_windows

SOFTMAX = {  # the helpers of a softmax, by name
    "max": "The largest score{over}. It is subtracted before e^ so that no number becomes too large; the result stays the same.",
    "x - max": "Each score less the largest one: 0 for the winner, negative for the others.",
    "sum": "The exponentials added up{over}: what the shares are shares of.",
}
GATES = {
    "input gate": "how much of the candidate is let into the memory.",
    "forget gate": "how much of the old memory is kept.",
    "output gate": "how much of the memory is shown to the outside.",
    "update gate": "how much of the old state is kept.",
    "reset gate": "how much of the old state the candidate sees.",
}
FROM_0_TO_1 = {"sigmoid", "hard_sigmoid", "softmax"}
NAMED = {
    "exponentials": "e to the power of the score: always positive, and the larger the score the (much) larger the result.",
    "input product": "The part of the sum that the inputs contribute, for all time steps at once.",
    "recurrent product": "The part of the sum that the previous state contributes.",
    "candidate": "What could be remembered from this time step; a gate decides how much of it is.",
    "cell state": "The memory: what the forget gate keeps of it, plus what the input gate lets in.",
    "variance": "The mean of the squares: how far the numbers lie from their mean.",
    "standard deviation": "The root of the variance and epsilon, a small number that keeps it from being 0.",
    "lookup": "For each number that comes in, the row of the table with that number: its learned description.",
    "query": "What each place looks for: its numbers times learned weights, in every head with others.",
    "key": "What each place can be found by: its numbers times learned weights, in every head with others.",
    "value": "What each place hands on where it is looked at: its numbers times learned weights, in every head with others.",
    "attention weights": "The scores as shares that add up to 1: how much each query looks at each key.",
    "context": "The values, mixed in the proportion of the attention weights.",
    "spread input": "The numbers that come in, moved apart: zeros between them and around them, as the steps of the layer ask.",
    "unmasked time steps": "How many time steps are not masked.",
}
SCALED = " The factor {} is not learned: under the root stands how many numbers a key has. Without it, long keys would make large scores."
STATES = ("state", "masked state")
WEIGHTED = "is multiplied by its weight, and the products are added up"
REDUCED = {  # the same in windows
    "mean": ("The mean", "The mean of the numbers"), "max": ("The largest number",) * 2, "min": ("The smallest number",) * 2,
    "sum": ("The sum", "The sum of the numbers"),
}  # fmt: skip
MERGED = {
    np.add: "The numbers of {}, added up place by place.",
    np.subtract: "The numbers of {}, place by place.",
    np.multiply: "The numbers of {}, multiplied place by place.",
    np.maximum: "At each place the largest of the numbers of {}.",
    np.minimum: "At each place the smallest of the numbers of {}.",
    np.divide: "At each place the mean of the numbers of {}.",
}


def explained(step: Step) -> str:
    """What the step is for; empty where there is nothing to say that its formula does not."""
    made, name = step.made, step.name
    if name in OUTPUTS and (name == "activation" or made.function[0]):
        return activated(step)
    if made.role.kind == "helper" and name in SOFTMAX:
        return SOFTMAX[name].format(over=Wording(step).over_axes(made) if reduction_name(made.op) else "")
    if made.role.kind == "gate" and name in GATES:
        text = GATES[name]
        return f"Between 0 and 1: {text}" if made.function[0] in FROM_0_TO_1 else f"{text[0].upper()}{text[1:]}"
    if name == "scores":
        return f"How well each query fits each key.{SCALED.format(made.role.of) if made.role.kind == 'scaled' else ''}"
    if name == "hidden state":
        return receivers(step)
    if name == "normalized":
        return normalized(step)
    return NAMED.get(name) or by_calls(step)


def receivers(step: Step) -> str:
    """Whom a hidden state is told: the next time step, and the next layer where the layer hands on this one."""
    outputs = [] if step.trace is None else step.trace.layer_outputs.get(step.layer, [])
    states = [y for x in outputs for y in ([x] if x.role.kind in STATES else named_operands(x))]
    handed = {id(x): x for x in states if x.role in (step.made.role, ("masked state", step.name))}
    masked = [x for x in handed.values() if x.role.kind == "masked state"]
    own = id(step.made) in handed or any(x is step.made for y in masked for x in named_operands(y))
    if len(handed) == 1 and own:
        return "What the cell tells the next layer, once it has read the last time step."
    return f"What the cell tells the next time step{' and the next layer' if own else '; the next layer is told only the last one'}."


def activated(step: Step) -> str:
    """What the activation does; with options, what the layer that has them says."""
    layer = None if step.trace is None else step.trace.layers.get(step.layer)
    return activation_sentence(step.made.function[0]) or (sentence(layer) if layer is not None and not activation_of(layer) else "")


def normalized(step: Step) -> str:
    """What is divided by what, and where both come from."""
    read = named_operands(step.made)
    if any(x.name == "root mean square" for x in read):
        return "Divided by the root mean square: numbers of usual size whatever came in."
    learned = any(x.kind == "weight" for x in read)
    return f"Less the mean, divided by the standard deviation{', both as in training' if learned else ''}: numbers of usual size."


def by_calls(step: Step) -> str:
    """What the last calls of a step do, those left out that only move numbers."""
    made, read = unmoved(step.made), named_operands(step.made)
    learned = any(x.kind == "weight" or step.named_of(x).learned for x in read)  # else two layers are added, of which one hands on a state
    if operation(made) is np.add and learned and any(x.role.kind in ("start", "state", "masked state") for x in read):
        gates = ": one group of columns for each gate" if "gate" in step.named.names else ""
        return f"{and_list(['Input part', 'part of the previous hidden state', *(['bias'] if has_bias(read) else [])])}, added up{gates}."
    if operation(made) in PRODUCTS:
        return product(step, made, read)
    if operation(made) is np.add and has_bias(read):
        return bias(step, read)
    if reduction_name(made.op) and isinstance(made.args[0], Recorded):
        return reduced(step, made)
    if operation(made) is np.divide and isinstance(made.args[0], Recorded):
        over = unmoved(made.args[0])
        if reduction_name(over.op) and within_windows(over.args[0]):
            return "The mean of each window: its sum, divided by how many numbers are in it."
        if any(x.name == "unmasked time steps" for x in read):
            return "The sum, divided by how many there are: the mean of all that is not masked."
    return merged(step, made, read)


def unmoved(x: Recorded) -> Recorded:
    """What is computed, without the moves after it."""
    while x.op in QUIET and x.args and isinstance(x.args[0], Recorded) and not x.args[0].kind:
        x = x.args[0]
    return x


def has_bias(read: list[Recorded]) -> bool:
    """Whether a weight is added that has one number for each column."""
    return any(x.kind == "weight" and x.name.rpartition("/")[2] == "bias" for x in read)


def bias(step: Step, read: list[Recorded]) -> str:
    """A bias, for whom, and what it is good for."""
    own = next(x for x in read if x.kind == "weight" and x.name.rpartition("/")[2] == "bias")
    per = " and ".join(axis_words(axis) for axis in step.named_of(own).axes if axis)
    layer = None if step.trace is None else step.trace.layers.get(step.layer)
    moves = " It moves the point from which the activation reacts." if layer is not None and activation_of(layer) else ""
    return f"The bias is added, one learned number{f' for each {per}' if per else ''}.{moves}"


def product(step: Step, made: Recorded, read: list[Recorded]) -> str:
    """A product with weights: of windows, of places, or of all that comes in; without weights, of two layers."""
    fixed = [x for x in read if x.kind == "weight" or step.named_of(x).learned]
    if not fixed:
        return "The numbers of both, multiplied place by place, and the products added up: large where both are alike."
    learned = next((x for x in fixed if x.kind == "weight" or any(y.kind == "weight" for y in named_operands(x))), None)
    made_of = expression(made)
    if learned is None:
        return f"Each number that comes in {WEIGHTED}."
    if not any(x.op is sliding_window_view for x in made_of):
        return f"Each number that comes in {WEIGHTED}: row of inputs times column of weights.{large('input', step)}"
    factors = [f for axis in step.named_of(learned).axes for f in axis]
    across = [f for f in factors if KERNEL in f.of]
    edge = " Beyond the edge are zeros, which the formulas leave out." if any(x.op is np.pad for x in made_of) else ""
    if any(f.name == "multiplier" for f in factors):
        return f"Each channel by itself: each number in a window {WEIGHTED}.{edge}"
    if across and all(len(f.at) == 1 for f in across):
        return f"At each place, each channel's number {WEIGHTED}.{large('place', step)}"
    return f"Each number in a window {WEIGHTED}.{large('window', step)}{edge}"


def large(what: str, step: Step) -> str:
    """What a large sum means: for units and filters."""
    who = step.named.axes[-1][-1:] if step.made.ndim else ()
    listens = bool(who) and who[0].name in ("unit", "filter")
    return f" A large result means that the {what} looks like what this {who[0].name} listens for." if listens else ""


def reduced(step: Step, made: Recorded) -> str:
    """A sum, mean or largest number: of windows, or over whole axes."""
    what, in_windows = REDUCED.get(reduction_name(made.op), ("", ""))
    if not what:
        return ""
    if within_windows(made.args[0]):
        return f"{in_windows} in each window."
    over, rest = reduced_axes(made)
    axes = step.named_of(made.args[0]).titled
    gone, left = ([f.name for d in some for f in axes[d]] for some in (over, rest))
    each = and_list([name for name in left if name != "sample"] or ["sample"])
    return f"{what} over all {and_list([plural(name) for name in gone])}: one for each {each}." if gone else ""


def merged(step: Step, made: Recorded, read: list[Recorded]) -> str:
    """What several layers hand on, put together place by place."""
    words, calls = MERGED.get(operation(made)), {operation(x) for x in expression(made)}
    alike = calls in ({operation(made)}, {np.divide, np.add})
    if words is None or not alike or any(x.kind == "weight" or (x.kind == "step" and x.layer == step.layer) for x in read):
        return ""
    said = Wording(step)
    names = list(dict.fromkeys(said.name(x) for x in read))
    listed = " less those of ".join(names) if operation(made) is np.subtract else and_list(names)
    return words.format(listed) if len(names) > 1 else ""
