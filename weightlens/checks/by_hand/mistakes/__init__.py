"""The known mistakes in a calculation, each as edits of the recorded forward pass.

``FAMILIES`` is the table of contents. A family makes variants of one mistake: which layer, which function, which
order. Each family has a prior unlikeliness in bits. The more variants it has, the less likely each one is: a mistake
that can be fitted to anything must not displace a plain one.
"""

from __future__ import annotations

import math
from dataclasses import replace

from weightlens.checks.by_hand.mistakes import in_functions as functions
from weightlens.checks.by_hand.mistakes import in_inputs as inputs
from weightlens.checks.by_hand.mistakes import in_normalization as normalization
from weightlens.checks.by_hand.mistakes import in_optimizers as optimizer
from weightlens.checks.by_hand.mistakes import in_sequences as sequence
from weightlens.checks.by_hand.mistakes import in_settings as settings
from weightlens.checks.by_hand.mistakes import in_training as training
from weightlens.checks.by_hand.mistakes import in_weights as weights
from weightlens.checks.by_hand.mistakes import in_windows as windows
from weightlens.checks.by_hand.mistakes.mistake import LOOSE, Family, Mistake
from weightlens.checks.by_hand.scene import Scene

FAMILIES: tuple[tuple[Family, float], ...] = (
    (weights.no_bias, 0.0),
    (functions.another_activation, 0.0),
    (functions.not_divided, 0.0),
    (weights.kernel_transposed, 0.0),
    (weights.bias_of_another_unit, 0.0),
    (functions.softmax_over_another_axis, 0.0),
    (inputs.layer_scaling, 0.0),
    (inputs.flatten_order, 0.0),
    (functions.another_logarithm, 0.0),
    (inputs.rounding, 1.0),
    (inputs.input_scaling, 0.0),
    (inputs.inputs_in_another_order, 1.0),
    (inputs.inputs_exchanged, 2.0),
    (weights.biases_exchanged, 2.0),
    (weights.bias_added_wrongly, 2.0),
    (functions.rarer_activation, 2.0),
    (functions.softmax_miswritten, 3.0),
    (weights.input_left_out, 2.0),
    (functions.activation_twice, 2.0),
    (weights.gates_in_another_order, 2.0),
    (normalization.parts_left_out, 2.0),
    (windows.pooling_exchanged, 2.0),
    (weights.kernel_reversed, 2.0),
    (weights.bias_of_one_unit_left_out, 2.0),
    (inputs.input_standardised, 3.0),
    (settings.related_activation, 0.0),
    (settings.slopes, 1.0),
    (settings.another_scale, 1.0),
    (settings.dropout_applied, 1.0),
    (settings.percent, 0.0),
    (normalization.another_epsilon, 1.0),
    (normalization.batch_statistics, 1.0),
    (normalization.variance_over_fewer, 1.0),
    (sequence.reset_gate, 0.0),
    (sequence.one_bias_forgotten, 0.0),
    (sequence.update_gate, 2.0),
    (sequence.two_directions, 1.0),
    (sequence.state_before, 1.0),
    (sequence.mask_ignored, 0.0),
    (sequence.word_numbers, 1.0),
    (sequence.scores_not_scaled, 0.0),
    (training.updates, 0.0),
    (optimizer.optimizers, 1.0),
    (training.beginning, 0.0),
    (training.derivatives, 0.0),
    (training.way_back, 0.0),
    (training.gradients, 0.0),
    (windows.symmetric_padding, 1.0),
    (windows.padding_takes_part, 1.0),
)


def known_mistakes(scene: Scene) -> list[Mistake]:
    """Every variant of every family, the likeliest first."""
    mistakes = []
    for family, bits in FAMILIES:
        variants = list(family(scene))
        plain = sum(m.bits == 0 for m in variants)  # those that are no odder than the family itself
        mistakes += [replace(m, bits=m.bits + bits + math.log2(plain or len(variants))) for m in variants]
    return sorted(mistakes, key=lambda mistake: mistake.bits)


__all__ = ["FAMILIES", "LOOSE", "Mistake", "known_mistakes"]
