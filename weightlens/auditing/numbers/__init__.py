"""What an audit measures: the facts of each weight in one pass, its fit to its initializer, its spectrum, bounds of every unit.

Comes in: a ``Model``. Goes out: numbers. What they mean is said by the rules in ``auditing``.
"""
