"""What the axes of every value mean, derived from the recorded calls as words and formulas are: sample, token, head, gate, unit.

Moves are applied to positions, which says where each axis of the source goes; products and element-wise calls follow their
axes. An axis that the table of ``names`` leaves open gets a ``Mark``, and what it meets in a product says what it is.
"""

from weightlens.axes.factors import Axis, Factor, Mark, Named

__all__ = ["Axis", "Factor", "Mark", "Named"]
